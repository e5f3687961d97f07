"""``pycuda.autoinit``: a current context for the thread that imports it.

Programs run without it as well; it is there for those that use its names.
"""

from __future__ import annotations

from . import driver
from .tools import make_default_context

__all__ = ["context", "device"]

driver.init()
context = make_default_context()
device = context.get_device()
