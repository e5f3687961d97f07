"""Streams order work on a device; events mark places in a stream.

Every device has a default stream. Work goes to the current stream of the thread that asks for it:
the default one, or that of the innermost ``with stream:``. Arrays may be used on any stream: before
memory that was last used on another one is touched, the current stream waits for that one. So
streams change when work runs, never what it computes.
"""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any

from devarray.registry import get_device

__all__ = ["Event", "Stream"]


class Stream(ABC):
    """A queue of work on a device: what is put into it runs in order, and returns at once.

    Parameters
    ----------
    device : str or Device, optional
        By default the default device.

    Examples
    --------
    >>> import devarray as da
    >>> stream = da.Stream()
    >>> with stream:
    ...     y = da.arange(5) * 2
    ...     da.evaluate(y)
    >>> stream.synchronize()
    >>> y.get()
    array([0, 2, 4, 6, 8])
    """

    device: Any  # a `device.Device`
    count: int  # of the pieces of work that were put into it
    _followed: weakref.WeakKeyDictionary[Stream, int]

    def __new__(cls, device: Any = None) -> Stream:
        """Return a new stream of the device."""
        if cls is not Stream:
            stream = object.__new__(cls)
            stream.device = device
            stream.count = 0
            stream._followed = weakref.WeakKeyDictionary()
            return stream
        return get_device(device).new_stream()  # type: ignore[no-any-return]

    def __enter__(self) -> Stream:
        self.device.push_stream(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.device.pop_stream()

    def __repr__(self) -> str:
        which = "default stream" if self is self.device.default_stream else "stream"
        return f"<{which} {self.native:#x} of {self.device.name}>"

    @property
    @abstractmethod
    def native(self) -> int:
        """The number or address by which the device's own libraries know the stream."""

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether everything in the stream has finished."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until everything in the stream has finished.

        Raises
        ------
        DeviceError
            If work in the stream failed since the last time somebody waited.
        """

    @abstractmethod
    def wait(self, event: Event) -> None:
        """Let what comes later in this stream wait until an event has happened."""

    def record(self, event: Event | None = None) -> Event:
        """Mark the present end of the stream by an event (by default a new one); return it."""
        if event is None:
            event = self.device.new_event()
        elif event.device is not self.device:
            raise ValueError(
                f"an event of {event.device.name} cannot be recorded in a stream of "
                f"{self.device.name}"
            )
        event.mark(self)
        event.recorded = True
        return event

    def follow(self, stream: Stream, count: int) -> None:
        """Let what comes later in this stream wait for the work number `count` of another one."""
        if stream is self or self._followed.get(stream, -1) >= count:
            return
        if not stream.done:
            self.wait(stream.record())
        self._followed[stream] = stream.count


class Event(ABC):
    """A place in a stream: it happens when everything before it has finished.

    Parameters
    ----------
    device : str or Device, optional
        By default the default device.

    Examples
    --------
    >>> import devarray as da
    >>> start, end = da.Event(), da.Event()
    >>> start.record()
    >>> da.evaluate(da.arange(1000) ** 2)
    >>> end.record()
    >>> end.synchronize()
    >>> start.elapsed_ms(end) >= 0
    True
    """

    device: Any  # a `device.Device`
    recorded = False  # see `Stream.record`

    def __new__(cls, device: Any = None) -> Event:
        """Return a new event of the device."""
        if cls is not Event:
            event = object.__new__(cls)
            event.device = device
            return event
        return get_device(device).new_event()  # type: ignore[no-any-return]

    def record(self, stream: Stream | None = None) -> None:
        """Put the event at the present end of a stream, by default of the current one."""
        (stream or self.device.current_stream()).record(self)

    def wait(self, stream: Stream | None = None) -> None:
        """Let what comes later in a stream, by default the current one, wait for the event."""
        (stream or self.device.current_stream()).wait(self)

    @abstractmethod
    def mark(self, stream: Stream) -> None:
        """Put the event at the present end of `stream`, which is of the event's device."""

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether the event has happened; one that was never recorded has."""

    @abstractmethod
    def synchronize(self) -> None:
        """Wait until the event has happened."""

    def elapsed_ms(self, end: Event) -> float:
        """Return the milliseconds from this event to a later one.

        Raises
        ------
        TypeError
            If `end` is no event of the same device.
        ValueError
            If one of them was not recorded, or has not happened yet.
        """
        if type(end) is not type(self) or end.device is not self.device:
            raise TypeError(f"end must be an event of {self.device.name}, got {end!r}")
        for event, which in ((self, "first"), (end, "second")):
            if not event.recorded:
                raise ValueError(f"the {which} event was not recorded")
            if not event.done:
                raise ValueError(f"the {which} event has not happened yet")
        return self._milliseconds(end)

    @abstractmethod
    def _milliseconds(self, end: Any) -> float:
        """Return the milliseconds to an event of the same kind; both have happened."""
