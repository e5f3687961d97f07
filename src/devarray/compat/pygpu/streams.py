"""Streams and events with CUDA's names."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.compat.pygpu.devices import attempt_here, current_device
from devarray.compat.pygpu.memory import add_stream, follow_streams
from devarray.compat.pygpu.pointers import Pointer
from devarray.compat.pygpu.status import (
    INVALID_HANDLE,
    INVALID_VALUE,
    NOT_READY,
    cudaError_t,
    failure,
)
from devarray.device import Device
from devarray.streams import Event, Stream

__all__ = [
    "cudaEventElapsedTime",
    "cudaEventRecord",
    "cudaEventSynchronize",
    "cudaEvent_t",
    "cudaStream_t",
]

NON_BLOCKING = 1  # flag of a stream
BLOCKING_SYNC, DISABLE_TIMING, INTERPROCESS = 1, 2, 4  # flags of an event


class _Pointer(Pointer):
    """A pointer to a handle."""

    dtype = np.dtype(np.uintp)


class _StreamPointer(_Pointer):
    label = "cudaStream_t"


class _EventPointer(_Pointer):
    label = "cudaEvent_t"


class _Handle:
    """A pointer to the handle by which a device's library knows a stream or an event."""

    _pointer: type[Pointer]
    _status: cudaError_t

    def __init__(self) -> None:
        self._cell = ctypes.c_void_p()

    @property
    def handle(self) -> int:
        """The handle itself; 0 where the device's library has none."""
        raise NotImplementedError

    def get(self) -> Pointer:
        """Return a pointer to the handle, for functions that take a ``cudaStream_t *``."""
        self._cell.value = self.handle
        return self._pointer._at(ctypes.addressof(self._cell), self)

    def __int__(self) -> int:
        return self.handle

    def last_status(self) -> cudaError_t:
        """Return whether the object could be made."""
        return self._status

    def _made(self, flags: int, allowed: int, make: Callable[[Device], Any]) -> Any:
        try:
            flags = operator.index(flags)
        except TypeError:
            raise TypeError(f"flags must be an integer, got {type(flags).__name__}") from None
        if flags & ~allowed or (flags & INTERPROCESS and not flags & DISABLE_TIMING):
            text = f"{flags:#x} are no flags of a {self._pointer.label}"
            self._status = failure(INVALID_VALUE, text)
            return None
        made, self._status = attempt_here(lambda: make(current_device()))
        return made


class cudaStream_t(_Handle):  # noqa: N801
    """A stream of this thread's device.

    Parameters
    ----------
    flags : int, optional
        0, or 1 (``cudaStreamNonBlocking``): transfers, and events recorded without a stream, do
        not wait for it.

    Attributes
    ----------
    stream : devarray.Stream or None
        The stream, for ``with stream:``; None if it could not be made (`last_status` says why).
    """

    _pointer = _StreamPointer

    def __init__(self, flags: int = 0) -> None:
        super().__init__()
        self.stream: Stream | None = self._made(flags, NON_BLOCKING, lambda d: d.new_stream())
        if self.stream is not None:
            add_stream(self.stream, not flags)

    @property
    def handle(self) -> int:
        """The handle itself, for functions that take a ``cudaStream_t``."""
        return 0 if self.stream is None else self.stream.native


class cudaEvent_t(_Handle):  # noqa: N801
    """An event of this thread's device; `cudaEventRecord` puts it into a stream.

    Parameters
    ----------
    flags : int, optional
        A sum of 1 (``cudaEventBlockingSync``, which changes nothing), 2
        (``cudaEventDisableTiming``), and 4 (``cudaEventInterprocess``, only with 2).

    Attributes
    ----------
    event : devarray.Event or None
        None if it could not be made (`last_status` says why).
    """

    _pointer = _EventPointer

    def __init__(self, flags: int = 0) -> None:
        super().__init__()
        allowed = BLOCKING_SYNC | DISABLE_TIMING | INTERPROCESS
        self.event: Event | None = self._made(flags, allowed, lambda d: d.new_event())
        self.timed = not flags & DISABLE_TIMING

    @property
    def handle(self) -> int:
        """The handle itself: of events that were recorded, where the device's library has one."""
        return int(getattr(getattr(self.event, "native", None), "ptr", 0))


def _check(value: Any, kind: type, what: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(f"{what} must be a {kind.__name__}, got {type(value).__name__}")


def _record_after_all(mark: Event) -> None:
    follow_streams(mark.device)
    mark.record()


def _not_made(what: str) -> cudaError_t:
    return failure(INVALID_HANDLE, f"the {what} could not be made: see its last_status()")


def cudaEventRecord(event: cudaEvent_t, stream: cudaStream_t | None = None) -> cudaError_t:
    """Put an event at the present end of a stream, by default of the current one.

    The current stream is the device's default stream, except inside ``with stream:`` of devarray.
    """
    _check(event, cudaEvent_t, "event")
    if event.event is None:
        return _not_made("event")
    mark, device = event.event, event.event.device
    if stream is None:
        return attempt_here(lambda: _record_after_all(mark))[1]
    _check(stream, cudaStream_t, "stream")
    if stream.stream is None:
        return _not_made("stream")
    if stream.stream.device is not device:
        return failure(
            INVALID_HANDLE,
            f"an event of {device.name} cannot be recorded in a stream of "
            f"{stream.stream.device.name}",
        )
    target = stream.stream
    return attempt_here(lambda: mark.record(target))[1]


def cudaEventSynchronize(event: cudaEvent_t) -> cudaError_t:
    """Wait until an event has happened; one that was never recorded has."""
    _check(event, cudaEvent_t, "event")
    return _not_made("event") if event.event is None else attempt_here(event.event.synchronize)[1]


def cudaEventElapsedTime(start: cudaEvent_t, end: cudaEvent_t) -> tuple[float, cudaError_t]:
    """Return the milliseconds between two events, and an error.

    That is ``cudaErrorNotReady`` if one of them has not happened yet, and
    ``cudaErrorInvalidResourceHandle`` if one was not recorded, or has no timing.
    """
    _check(start, cudaEvent_t, "start")
    _check(end, cudaEvent_t, "end")
    first, last = start.event, end.event
    if first is None or last is None:
        return 0.0, _not_made("event")
    if first.device is not last.device:
        text = f"the events are of {first.device.name} and {last.device.name}"
        return 0.0, failure(INVALID_HANDLE, text)
    if not (start.timed and end.timed):
        text = "an event made with cudaEventDisableTiming (2) has no time"
        return 0.0, failure(INVALID_HANDLE, text)
    done, error = attempt_here(lambda: first.done and last.done)
    if not done:
        text = "an event has not happened yet: call cudaEventSynchronize(end) first"
        return 0.0, failure(NOT_READY, text) if done is False else error
    try:
        elapsed, error = attempt_here(lambda: first.elapsed_ms(last))
    except ValueError as unrecorded:
        return 0.0, failure(INVALID_HANDLE, str(unrecorded))
    return elapsed or 0.0, error
