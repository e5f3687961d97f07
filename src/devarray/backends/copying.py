"""Copies to the host, for devices that can copy what is contiguous."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.device import Block, Device
from devarray.layout import Layout

__all__ = ["copy_out"]

Copy = Callable[[int, "np.ndarray[Any, Any]", bool], None]


def copy_out(
    device: Device,
    copy: Copy,
    block: Block,
    layout: Layout,
    out: np.ndarray[Any, Any],
    wait: bool,
) -> None:
    """Do what `Device.copy_out` does.

    ``copy(address, host, wait)`` fills a C-contiguous array on the current stream.
    """
    if 0 in layout.shape:
        return
    device.order((block,), ())
    if layout.dense and out.flags.c_contiguous:
        copy(block.address + layout.offset, out, wait)
        return
    host = np.empty(layout.shape, out.dtype)
    if layout.dense:
        copy(block.address + layout.offset, host, True)
    else:
        compact = device.xp.ascontiguousarray(device.native(block, layout, out.dtype))
        native = device.describe(compact)
        assert native is not None
        copy(native.address, host, True)
    out[...] = host
