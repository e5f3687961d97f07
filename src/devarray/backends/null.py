"""A device that keeps kernel texts and runs nothing.

It is for tests of fusion and of kernel text, without a compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.device import Block, CompileStatistics, Launcher
from devarray.errors import DeviceError
from devarray.layout import Layout

__all__ = ["Null", "open_device"]


class Null:
    """See `devarray.device.Device`. The texts of all kernels launched so far are in `kernels`."""

    name = "null"
    shares_host_memory = False
    xp: Any = np

    def __init__(self) -> None:
        self.kernels: list[str] = []
        self._next = 1 << 20

    def __repr__(self) -> str:
        return f"<device {self.name}>"

    def __str__(self) -> str:
        return self.name

    def empty(self, nbytes: int) -> Block:
        """See `devarray.device.Device`."""
        self._next += -(-nbytes // 64) * 64 + 64
        return Block(self, self._next, nbytes, None)

    def native(self, block: Block, layout: Layout, dtype: np.dtype[Any]) -> Any:
        """See `devarray.device.Device`."""
        raise DeviceError(
            "the null device computes nothing and keeps no values; it only keeps kernel texts"
        )

    def adopt(self, array: Any) -> Block:
        """See `devarray.device.Device`."""
        return self.empty(array.nbytes)

    def counterpart(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function itself: the device's library is NumPy."""
        return function

    def copy_in(self, source: np.ndarray[Any, Any], block: Block) -> None:
        """Keep nothing."""

    def copy_out(self, block: Block, layout: Layout, out: np.ndarray[Any, Any]) -> None:
        """See `devarray.device.Device`."""
        self.native(block, layout, out.dtype)

    def has_kernel(self, source: str) -> bool:
        """See `devarray.device.Device`."""
        return True

    def compile(self, source: str, name: str) -> Launcher:
        """See `devarray.device.Device`."""

        def launch(arguments: bytes) -> None:
            self.kernels.append(source)

        return launch

    def threads(self) -> int:
        """See `devarray.device.Device`."""
        return 1

    def synchronize(self) -> None:
        """Nothing ever runs."""

    def compile_statistics(self) -> CompileStatistics:
        """See `devarray.device.Device`."""
        return CompileStatistics(0, 0, 0.0)

    def clear_cache(self) -> None:
        """There is none."""

    def info(self) -> dict[str, str]:
        """See `devarray.device.Device`."""
        return {"kernels": f"{len(self.kernels)} texts kept"}


def open_device() -> Null:
    """Return the device."""
    return Null()
