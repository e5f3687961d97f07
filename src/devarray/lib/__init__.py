"""The part of `numpy.lib` that programs with arrays use."""

from __future__ import annotations

from devarray.lib import stride_tricks

__all__ = ["stride_tricks"]
