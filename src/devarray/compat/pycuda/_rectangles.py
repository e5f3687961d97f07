"""PyCUDA's copies of rectangles and boxes: rows of bytes at regular distances."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import devarray
from devarray.registry import get_device

from ._allocations import address_of, check_range, in_use, whole_number
from ._copies import _no_arrays, host_bytes, view_of
from ._errors import InvalidValueError, LogicError, UnsupportedError
from ._streams import on_stream

__all__ = ["Memcpy2D", "Memcpy3D", "Memcpy3DPeer"]


class _Side(NamedTuple):
    """Where a copy goes from or to: device memory, or bytes of the host."""

    memory: Any
    on_host: bool


class _Copy:
    """What the copies of rectangles and boxes have in common."""

    def __init__(self) -> None:
        self._src: _Side | None = None
        self._dst: _Side | None = None
        self.width_in_bytes = 0
        self.height = self.depth = 1
        for side in ("src", "dst"):
            for name in ("x_in_bytes", "y", "z", "lod"):
                setattr(self, f"{side}_{name}", 0)
            setattr(self, f"{side}_pitch", 0)
            setattr(self, f"{side}_height", 0)

    def set_src_host(self, buffer: Any) -> None:
        """Copy from host memory: an array or another buffer."""
        self._src = _Side(host_bytes(buffer), True)

    def set_src_device(self, pointer: Any) -> None:
        """Copy from device memory: an allocation or an address."""
        self._src = _Side(_pointer(pointer), False)

    def set_src_unified(self, buffer: Any) -> None:
        """Copy from memory of the host or of the device."""
        self._src = _unified(buffer, False)

    def set_dst_host(self, buffer: Any) -> None:
        """Copy to host memory: a writeable array or another buffer."""
        self._dst = _Side(host_bytes(buffer, write=True), True)

    def set_dst_device(self, pointer: Any) -> None:
        """Copy to device memory: an allocation or an address."""
        self._dst = _Side(_pointer(pointer), False)

    def set_dst_unified(self, buffer: Any) -> None:
        """Copy to memory of the host or of the device."""
        self._dst = _unified(buffer, True)

    set_src_array = set_dst_array = _no_arrays

    def _run(self, stream: Any, wait: bool) -> None:
        size = (
            whole_number(self.depth, "depth"),
            whole_number(self.height, "height"),
            whole_number(self.width_in_bytes, "width_in_bytes"),
        )
        if self._src is None or self._dst is None:
            which = "set_src" if self._src is None else "set_dst"
            raise LogicError(
                f"the copy has no memory on one side: call {which}_host or {which}_..."
            )
        if 0 in size:
            return
        device = get_device()
        with on_stream(stream, device) as core:
            source = self._view("src", self._src, size, device)
            target = self._view("dst", self._dst, size, device)
            if self._dst.on_host:
                if not self._src.on_host:
                    source = source.get()
                target[...] = source
            else:
                target[...] = devarray.to_gpu(source, device) if self._src.on_host else source
            if wait:
                core.synchronize()
        if not wait:
            in_use.hold((self._src, self._dst), device)

    def _view(self, side: str, place: _Side, size: tuple[int, ...], device: Any) -> Any:
        """Return the bytes of one side as an array of depth, height and width."""
        named = {
            name: whole_number(getattr(self, f"{side}_{name}"), f"{side}_{name}")
            for name in ("x_in_bytes", "y", "z", "pitch", "height")
        }
        depth, height, width = size
        row = named["pitch"] or named["x_in_bytes"] + width
        if row < named["x_in_bytes"] + width and (height > 1 or depth > 1):
            raise InvalidValueError(
                f"{side}_pitch is {row} bytes, less than a row of {named['x_in_bytes'] + width}"
            )
        rows = named["height"] or named["y"] + height
        if rows < named["y"] + height and depth > 1:
            raise InvalidValueError(
                f"{side}_height is {rows} rows, less than the {named['y'] + height} of a layer"
            )
        strides = (rows * row, row, 1)
        start = named["z"] * strides[0] + named["y"] * row + named["x_in_bytes"]
        end = start + (depth - 1) * strides[0] + (height - 1) * row + width
        if place.on_host:
            if end > place.memory.nbytes:
                raise InvalidValueError(
                    f"the copy needs {end} bytes of host memory, {place.memory.nbytes} are there"
                )
            return np.ndarray(size, np.uint8, place.memory, start, strides)
        address = address_of(place.memory)
        check_range(address, end)
        return view_of(address + start, size, strides, np.uint8, device)


def _pointer(pointer: Any) -> Any:
    address_of(pointer)  # raises if it is none
    return pointer


def _unified(buffer: Any, write: bool) -> _Side:
    if isinstance(buffer, int) or hasattr(buffer, "gpudata") or hasattr(buffer, "__index__"):
        return _Side(_pointer(buffer), False)
    return _Side(host_bytes(buffer, write), True)


class Memcpy2D(_Copy):
    """A copy of a rectangle: rows of bytes at regular distances.

    Attributes
    ----------
    width_in_bytes, height : int
        Bytes of a row, and rows.
    src_x_in_bytes, src_y, dst_x_in_bytes, dst_y : int
        Where the rectangle begins on each side.
    src_pitch, dst_pitch : int
        Bytes from row to row on each side; 0 stands for rows without gaps.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat.pycuda import driver
    >>> a = np.arange(12, dtype=np.int32).reshape(3, 4)
    >>> a_gpu, part = driver.to_device(a), np.empty((2, 2), np.int32)
    >>> copy = driver.Memcpy2D()
    >>> copy.set_src_device(a_gpu)
    >>> copy.set_dst_host(part)
    >>> copy.src_pitch, copy.src_x_in_bytes, copy.src_y = 16, 4, 1
    >>> copy.width_in_bytes, copy.height = 8, 2
    >>> copy(aligned=True)
    >>> part
    array([[ 5,  6],
           [ 9, 10]], dtype=int32)
    """

    def __call__(self, stream: Any = None, aligned: bool = True) -> None:
        """Copy.

        Parameters
        ----------
        stream : Stream or bool, optional
            Put the copy into a stream. A bool stands for `aligned`.
        aligned : bool
            Of no effect: any pitch will do.
        """
        asynchronous = stream is not None and not isinstance(stream, bool)
        self._run(stream if asynchronous else None, not asynchronous)


class Memcpy3D(_Copy):
    """A copy of a box: layers of rows of bytes.

    Attributes
    ----------
    width_in_bytes, height, depth : int
        Bytes of a row, rows of a layer, and layers.
    src_x_in_bytes, src_y, src_z, dst_x_in_bytes, dst_y, dst_z : int
        Where the box begins on each side.
    src_pitch, dst_pitch : int
        Bytes from row to row on each side; 0 stands for rows without gaps.
    src_height, dst_height : int
        Rows from layer to layer on each side; 0 stands for layers without gaps.
    """

    def __call__(self, stream: Any = None) -> None:
        """Copy, or put the copy into a stream."""
        self._run(stream, stream is None)


class Memcpy3DPeer(_Copy):
    """Not supported between devices: use `memcpy_peer`; see `Memcpy3D` for one device."""

    def __init__(self) -> None:
        raise UnsupportedError("boxes are copied on one device: use memcpy_peer between devices")
