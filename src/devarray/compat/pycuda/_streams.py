"""PyCUDA's streams and events, over devarray's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from devarray import streams
from devarray.device import Device as Core
from devarray.registry import get_device

from ._enums import event_flags
from ._errors import InvalidValueError, LogicError, UnsupportedError, translated

__all__ = ["Event", "Stream", "core_stream", "null_stream", "on_stream"]


class Stream:
    """A queue of copies and kernels, on the device of the current context.

    Parameters
    ----------
    flags : int
        Of no effect: every stream is ordered with the null stream, as CUDA's are by default.

    Attributes
    ----------
    handle : int
        What the device's own libraries call the stream.

    Examples
    --------
    >>> from devarray.compat.pycuda import driver
    >>> stream = driver.Stream()
    >>> stream.synchronize()
    >>> stream.is_done()
    True
    """

    def __init__(self, flags: int = 0) -> None:
        self._core = get_device().new_stream()

    @property
    def handle(self) -> int:
        """What the device's own libraries call the stream."""
        return int(self._core.native)

    def synchronize(self) -> None:
        """Wait until everything in the stream has finished.

        Raises
        ------
        LaunchError
            If something in it failed.
        """
        with translated():
            self._core.synchronize()

    def is_done(self) -> bool:
        """Return whether everything in the stream has finished."""
        return bool(self._core.done)

    def wait_for_event(self, evt: Event) -> None:
        """Let what comes later in the stream wait for an event."""
        if not isinstance(evt, Event):
            raise TypeError(f"evt must be an Event, got {type(evt).__name__}")
        self._core.wait(evt._core)

    def __repr__(self) -> str:
        return repr(self._core)


class Event:
    """A place in a stream, and the time when the device gets there.

    Parameters
    ----------
    flags : event_flags
        With ``DISABLE_TIMING`` the event has no time.

    Examples
    --------
    >>> from devarray.compat.pycuda import driver
    >>> start, end = driver.Event(), driver.Event()
    >>> _ = start.record(), end.record().synchronize()
    >>> end.time_since(start) >= 0
    True
    """

    def __init__(self, flags: int = 0) -> None:
        self._core = get_device().new_event()
        self._recorded = False
        self._timed = not int(flags) & event_flags.DISABLE_TIMING

    def record(self, stream: Stream | None = None) -> Event:
        """Put the event at the present end of a stream, by default the null stream; return it."""
        with on_stream(stream, self._core.device) as core:
            self._core.record(core)
        self._recorded = True
        return self

    def synchronize(self) -> Event:
        """Wait until the event has happened; return it."""
        self._core.synchronize()
        return self

    def query(self) -> bool:
        """Return whether the event has happened."""
        return bool(self._core.done)

    def time_since(self, event: Event) -> float:
        """Return the milliseconds from another event to this one.

        Raises
        ------
        LogicError
            If one of them was not recorded, has not happened yet, or has no time.
        """
        if not isinstance(event, Event):
            raise TypeError(f"event must be an Event, got {type(event).__name__}")
        if not (self._timed and event._timed):
            raise LogicError("an event with DISABLE_TIMING has no time")
        if not (self._recorded and event._recorded):
            raise LogicError("there is no time between events before both were recorded")
        try:
            return float(event._core.elapsed_ms(self._core))
        except ValueError as error:
            raise LogicError(f"{error}: synchronize with the later event first") from None

    def time_till(self, event: Event) -> float:
        """Return the milliseconds from this event to another one; see `time_since`."""
        if not isinstance(event, Event):
            raise TypeError(f"event must be an Event, got {type(event).__name__}")
        return event.time_since(self)

    def ipc_handle(self) -> bytes:
        """Not supported: events are not shared among processes."""
        raise UnsupportedError("events are not shared among processes")

    @staticmethod
    def from_ipc_handle(handle: object) -> Event:
        """Not supported: events are not shared among processes."""
        raise UnsupportedError("events are not shared among processes")


def null_stream(device: Core) -> Any:
    """Return the stream for work that names none, after it waited for the others.

    It is the current stream of the thread. If that is the default stream, it behaves as CUDA's:
    what is put into it comes after all that is in the other streams.
    """
    stream = device.current_stream()
    if stream is device.default_stream and device.several_streams:
        for other in device.streams():
            if other is not stream and not other.done:
                stream.wait(other.record())
    return stream


def core_stream(stream: Any, device: Core | None = None) -> Any:
    """Return devarray's stream for what a program passes as ``stream=``.

    Parameters
    ----------
    stream : Stream, devarray.Stream or None
        None stands for the null stream; see `null_stream`.
    device : Device, optional
        Where the work is, by default on the current device.

    Raises
    ------
    TypeError
        If it is no stream.
    InvalidValueError
        If it is a stream of another device.
    """
    device = get_device() if device is None else device
    if stream is None or (isinstance(stream, int) and stream == 0):
        return null_stream(device)
    core = stream._core if isinstance(stream, Stream) else stream
    if not isinstance(core, streams.Stream):
        raise TypeError(f"stream must be a Stream or None, got {type(stream).__name__}")
    if core.device is not device:
        raise InvalidValueError(
            f"the stream is of {core.device.name}, the work is on {device.name}: make the stream "
            "in that device's context"
        )
    if core is not device.default_stream and not device.default_stream.done:
        core.wait(device.default_stream.record())
    return core


@contextmanager
def on_stream(stream: Any, device: Core | None = None) -> Iterator[Any]:
    """Let devarray's work of this thread go to a stream as `core_stream` takes it."""
    core = core_stream(stream, device)
    with core, translated():
        yield core
