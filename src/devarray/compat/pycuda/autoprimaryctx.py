"""``pycuda.autoprimaryctx``: the primary context, as the current one of the importing thread."""

from __future__ import annotations

from . import driver
from .tools import make_default_context

__all__ = ["context", "device"]


def _primary(device: driver.Device) -> driver.Context:
    context = device.retain_primary_context()
    context.push()
    return context


driver.init()
context = make_default_context(_primary)
device = context.get_device()
