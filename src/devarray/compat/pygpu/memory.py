"""Device memory under an array with a host mirror: it is a devarray array along one axis."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from devarray import engine
from devarray.array import DeviceArray
from devarray.boundary import from_address
from devarray.compat.pygpu.devices import attempt_here
from devarray.creation import empty
from devarray.device import Block, Device
from devarray.streams import Stream

__all__ = [
    "add_stream",
    "allocated",
    "at_address",
    "download",
    "follow_streams",
    "upload",
]

# The streams made here, and whether transfers wait for them, as CUDA's do for streams without
# cudaStreamNonBlocking. Foreign functions may put work into them that devarray knows nothing of.
_streams: weakref.WeakKeyDictionary[Stream, bool] = weakref.WeakKeyDictionary()


def add_stream(stream: Stream, blocking: bool) -> None:
    """Take note of a stream that foreign functions may put work into."""
    _streams[stream] = blocking


def follow_streams(device: Device) -> None:
    """Let the current stream wait for what was put into the blocking streams of its device."""
    current = device.current_stream()
    for stream, blocking in list(_streams.items()):
        if blocking and stream.device is device and stream is not current and not stream.done:
            current.wait(stream.record())


def _let_go(block: Block) -> None:
    """Have memory used again only after all streams, as `cudaFree` waits for the device."""
    for stream in list(_streams):
        if stream.device is block.device:
            # if the device has failed, memory does not matter any more
            attempt_here(lambda s=stream: _mark(s, block), remember=False)  # type: ignore[misc]


def _mark(stream: Stream, block: Block) -> None:
    if not stream.done:
        stream.record()
        stream.count += 1  # foreign work, which was not counted
        block.readers = {**(block.readers or {}), stream: stream.count}


def allocated(device: Device, size: int, dtype: np.dtype[Any]) -> DeviceArray:
    """Return uninitialised memory for `size` elements; raises `DeviceMemoryError`."""
    memory = empty(size, dtype, device=device)
    block = engine.export(memory._buffer)  # its address is given away
    weakref.finalize(memory._buffer, _let_go, block).atexit = False
    return memory


def at_address(
    device: Device, address: int, size: int, dtype: np.dtype[Any], owner: Any = None
) -> DeviceArray:
    """Return memory that lies at an address of the device; nobody but `owner` keeps it alive."""
    return from_address(address, (size,), dtype, device=device, owner=owner)


def upload(memory: DeviceArray, source: np.ndarray[Any, Any], first: int = 0) -> None:
    """Copy a contiguous host array to the elements from number `first` on, and wait for it."""
    if not source.size:
        return
    device = memory.device
    with engine.lock:
        block = engine.export(memory._buffer)
        follow_streams(device)
        device.copy_in(source, block, memory._layout().offset + first * source.itemsize)


def download(memory: DeviceArray, target: np.ndarray[Any, Any]) -> None:
    """Copy the elements to a contiguous host array, and wait for it."""
    follow_streams(memory.device)
    memory.get(target)
