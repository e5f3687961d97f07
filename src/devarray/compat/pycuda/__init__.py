"""PyCUDA's modules over devarray: programs written for PyCUDA run on the CPU and on GPUs.

Use it in one of three ways::

    from devarray.compat.pycuda import autoinit, driver, gpuarray      # other imports
    from devarray.compat import pycuda; pycuda.install()               # import pycuda means it
    python -m devarray.compat.pycuda program.py                        # nothing is changed

The modules are `driver`, `compiler`, `gpuarray`, `elementwise`, `reduction`, `scan`, `cumath`,
`curandom`, `tools`, `characterize`, `autoinit` and `autoprimaryctx`; docs/from-pycuda.md tells what
differs.
"""

from __future__ import annotations

from ._alias import install, uninstall

__all__ = ["VERSION", "VERSION_STATUS", "VERSION_TEXT", "install", "uninstall"]

VERSION = (2026, 1)  # of PyCUDA: what is offered here
VERSION_STATUS = ""
VERSION_TEXT = ".".join(map(str, VERSION)) + VERSION_STATUS
