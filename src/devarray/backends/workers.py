"""Streams of the host: the default one runs in the caller, further ones in a thread each."""

from __future__ import annotations

import queue
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

from devarray.device import Device
from devarray.errors import DeviceError
from devarray.streams import Event, Stream

__all__ = ["CallerStream", "HostEvent", "Work", "WorkerStream"]

Work = Callable[[], object]


class HostEvent(Event):
    """An event of the host: `threading.Event` and the time at which it happened."""

    happened: threading.Event | None = None  # of the last record
    time: float = 0.0

    def mark(self, stream: Stream) -> None:
        """See `devarray.streams.Event`."""
        happened = self.happened = threading.Event()

        def happen() -> None:
            if self.happened is happened:
                self.time = time.perf_counter()
            happened.set()

        assert isinstance(stream, (CallerStream, WorkerStream))
        stream.put(happen)

    @property
    def done(self) -> bool:
        """Whether the event has happened; one that was never recorded has."""
        return self.happened is None or self.happened.is_set()

    def synchronize(self) -> None:
        """See `devarray.streams.Event`."""
        if self.happened is not None:
            self.happened.wait()

    def _milliseconds(self, end: HostEvent) -> float:
        return (end.time - self.time) * 1e3


class CallerStream(Stream):
    """The default stream: work is done when it is put into it."""

    native = 0
    done = True

    def put(self, work: Work) -> None:
        """Do the work."""
        work()

    def synchronize(self) -> None:
        """Return at once."""

    def wait(self, event: Event) -> None:
        """See `devarray.streams.Stream`."""
        event.synchronize()


class WorkerStream(Stream):
    """A stream with a thread that does what is put into it, one piece after the other."""

    _queue: queue.SimpleQueue[Work | None]
    _errors: list[BaseException]
    _done: list[int]  # how many pieces of work were done
    _put = 0
    _thread: threading.Thread

    @classmethod
    def start(cls, device: Device) -> WorkerStream:
        """Return a new stream."""
        stream = cls(device)
        stream._queue = queue.SimpleQueue()
        stream._errors = []
        stream._done = [0]
        stream._thread = threading.Thread(
            target=_work,
            args=(stream._queue, stream._errors, stream._done),
            name=f"devarray stream of {device.name}",
            daemon=True,
        )
        stream._thread.start()
        weakref.finalize(stream, stream._queue.put, None)
        return stream

    @property
    def native(self) -> int:
        """The number of the thread."""
        return self._thread.ident or 0

    @property
    def done(self) -> bool:
        """Whether everything in the stream has finished."""
        return self._done[0] == self._put

    def put(self, work: Work) -> None:
        """Let the stream's thread do the work, after what was put before it.

        Raises
        ------
        DeviceError
            In a forked child, which has none of its parent's threads.
        """
        if not self._thread.is_alive():
            raise DeviceError(
                f"the thread of this stream of {self.device.name} did not survive a fork: "
                "make a new Stream in the child"
            )
        self._put += 1
        self._queue.put(work)

    def synchronize(self) -> None:
        """See `devarray.streams.Stream`."""
        self.record().synchronize()
        if self._errors:
            error = self._errors.pop(0)
            self._errors.clear()
            raise error

    def wait(self, event: Event) -> None:
        """See `devarray.streams.Stream`."""
        assert isinstance(event, HostEvent)
        happened = event.happened
        if happened is not None and not happened.is_set():
            self.put(happened.wait)


def _work(
    waiting: queue.SimpleQueue[Work | None], errors: list[BaseException], done: list[int]
) -> None:
    while True:
        work: Any = waiting.get()
        if work is None:
            return
        try:
            work()
        except Exception as error:  # it is raised where somebody waits for the stream
            errors.append(error)
        del work  # and with it what it keeps alive
        done[0] += 1
