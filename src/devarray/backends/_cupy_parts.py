"""Streams, events and the pool of CuPy, as devarray's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from devarray.errors import DeviceError
from devarray.pool import MemoryStatistics
from devarray.streams import Event, Stream

__all__ = ["CupyEvent", "CupyMemory", "CupyStream", "Errors"]


class CupyEvent(Event):
    """An event of CuPy's."""

    native: Any = None  # until it is recorded

    def mark(self, stream: Stream) -> None:
        """See `devarray.streams.Event`."""
        assert isinstance(stream, CupyStream)
        self.device.use()  # an event is of the device that is the current one when it is made
        with self.device.errors():
            if self.native is None:
                self.native = self.device.cupy.cuda.Event()
            self.native.record(stream.cupy)

    @property
    def done(self) -> bool:
        """Whether the event has happened; one that was never recorded has."""
        return self.native is None or bool(self.native.done)

    def synchronize(self) -> None:
        """See `devarray.streams.Event`."""
        if self.native is not None:
            with self.device.errors():
                self.native.synchronize()

    def _milliseconds(self, end: CupyEvent) -> float:
        with self.device.errors():
            return float(self.device.cupy.cuda.get_elapsed_time(self.native, end.native))


class CupyStream(Stream):
    """A stream of CuPy's. The default stream is that of whatever device is the current one."""

    cupy: Any

    @property
    def native(self) -> int:
        """The address of the `cudaStream_t`, 0 for the default stream."""
        return int(self.cupy.ptr)

    @property
    def done(self) -> bool:
        """Whether everything in the stream has finished."""
        self.device.use()
        return bool(self.cupy.done)

    def synchronize(self) -> None:
        """See `devarray.streams.Stream`."""
        self.device.use()
        with self.device.errors():
            self.cupy.synchronize()

    def wait(self, event: Event) -> None:
        """See `devarray.streams.Stream`."""
        if not isinstance(event, CupyEvent):
            raise TypeError(f"a stream of {self.device.name} cannot wait for {event!r}")
        if event.native is not None:
            self.device.use()
            with self.device.errors():
                self.cupy.wait_event(event.native)


class Errors:
    """A context in which errors of the runtime become `DeviceError`."""

    def __init__(self, device: Any) -> None:
        self.device = device

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if isinstance(error, self.device.cupy.cuda.runtime.CUDARuntimeError):
            raise DeviceError(
                f"{self.device.name}: work that was put into a stream failed: {error}; the last "
                f"kernel launched was {self.device.last_kernel or 'none'}. After most such errors "
                "the process cannot use the device any more"
            ) from error


class CupyMemory:
    """CuPy's pool as `devarray.pool.Pool`. There is one, which acts for the current device.

    Parameters
    ----------
    pool : cupy.cuda.MemoryPool
    use : callable
        Makes the device the current one.
    """

    def __init__(self, pool: Any, use: Callable[[], None]) -> None:
        self._pool = pool
        self._use = use
        self._peak = 0
        self.allocations = 0

    @property
    def limit(self) -> int:
        """The most bytes that arrays and the pool may hold together; 0 means no limit."""
        self._use()
        return int(self._pool.get_limit())

    @limit.setter
    def limit(self, nbytes: int) -> None:
        if nbytes < 0:
            raise ValueError(f"a limit is a number of bytes, or 0 for none; got {nbytes}")
        self._use()
        self._pool.set_limit(size=nbytes)

    def taken(self) -> None:
        """Note that an array was made."""
        self.allocations += 1
        used = self._pool.used_bytes()
        if used > self._peak:
            self._peak = used

    def statistics(self) -> MemoryStatistics:
        """Return the numbers of now; those of CuPy's own arrays count as well."""
        limit = self.limit
        used, free = self._pool.used_bytes(), self._pool.free_bytes()
        self._peak = max(self._peak, used)
        return MemoryStatistics(used, free, self._peak, limit, self.allocations, 0)

    def reset_peak(self) -> None:
        """Let the peak begin anew at what is used now."""
        self._use()
        self._peak = self._pool.used_bytes()

    def clear(self) -> None:
        """Return all kept memory to the system."""
        self._use()
        self._pool.free_all_blocks()
