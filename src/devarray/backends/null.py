"""A device that keeps kernel texts and runs nothing.

It is for tests of fusion and of kernel text, without a compiler: ``null`` keeps the host's kernels,
``null:1`` those of devices that launch grids.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.backends.workers import CallerStream, HostEvent
from devarray.device import Block, CompileStatistics, Device, Launcher, Launches, Native
from devarray.errors import DeviceError
from devarray.layout import Layout
from devarray.pool import MemoryPool
from devarray.registry import Found
from devarray.streams import Event, Stream

__all__ = ["Null", "open_device", "survey"]


class Null(Device):
    """See `devarray.device.Device`. The texts of all kernels launched so far are in `kernels`."""

    xp: Any = np

    def setup(self, index: int) -> None:
        """See `devarray.device.Device`."""
        self.name = f"null:{index}" if index else "null"
        self.grid = bool(index)
        self.kernels: list[str] = []
        self._next = 1 << 20
        self.memory: MemoryPool = MemoryPool(self.name, self._allocate)
        self._begin()

    def _allocate(self, size: int) -> tuple[int, None]:
        self._next += size
        return self._next - size, None

    def empty(self, nbytes: int) -> Block:
        """See `devarray.device.Device`."""
        address, memory = self._allocate(-(-nbytes // 64) * 64 + 64)
        return Block(self, address, nbytes, memory)

    def native(
        self, block: Block, layout: Layout, dtype: np.dtype[Any], writeable: bool = True
    ) -> Any:
        """See `devarray.device.Device`."""
        raise DeviceError(
            "the null device computes nothing and keeps no values; it only keeps kernel texts"
        )

    def adopt(self, array: Any) -> Block:
        """See `devarray.device.Device`."""
        return self.empty(array.nbytes)

    def describe(self, array: Any) -> Native | None:
        """See `devarray.device.Device`."""
        return Native(0, array.strides) if isinstance(array, np.ndarray) else None

    def counterpart(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function itself: the device's library is NumPy."""
        return function

    def copy_in(
        self, source: np.ndarray[Any, Any], block: Block, offset: int = 0, wait: bool = True
    ) -> None:
        """Keep nothing."""

    def copy_out(
        self, block: Block, layout: Layout, out: np.ndarray[Any, Any], wait: bool = True
    ) -> None:
        """See `devarray.device.Device`."""
        self.native(block, layout, out.dtype)

    def has_kernel(self, source: str) -> bool:
        """See `devarray.device.Device`."""
        return True

    def compile(self, source: str, name: str) -> Launcher:
        """See `devarray.device.Device`."""

        def launch(arguments: bytes, launches: Launches = ()) -> None:
            self.kernels.append(source)

        return launch

    def launch(
        self,
        kernel: Launcher,
        arguments: bytes,
        launches: Launches,
        reads: list[Block],
        writes: list[Block],
    ) -> None:
        """See `devarray.device.Device`."""
        kernel(arguments, launches)

    def make_stream(self) -> Stream:
        """Return a stream; nothing is ever in it."""
        return CallerStream(self)

    def new_event(self) -> Event:
        """See `devarray.device.Device`."""
        return HostEvent(self)

    def compile_statistics(self) -> CompileStatistics:
        """See `devarray.device.Device`."""
        return CompileStatistics(0, 0, 0.0)

    def clear_cache(self) -> None:
        """There is none."""

    @property
    def properties(self) -> dict[str, Any]:
        """See `devarray.device.Device`."""
        return {"kernels": f"{len(self.kernels)} texts kept"}


def survey() -> list[Found]:
    """Return nothing: these devices do not compute."""
    return []


def open_device(index: int) -> Null:
    """Return the device."""
    if index > 1:
        raise DeviceError(f"no device named 'null:{index}'")
    device = Null()
    device.setup(index)
    return device
