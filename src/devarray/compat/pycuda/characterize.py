"""``pycuda.characterize``: what kernels can do on the current device."""

from __future__ import annotations

import numpy as np

from . import driver
from .compiler import SourceModule
from .tools import context_dependent_memoize

__all__ = ["has_double_support", "has_stack", "platform_bits", "sizeof"]


def platform_bits() -> int:
    """Return the bits of an address."""
    return np.dtype(np.uintp).itemsize * 8


def has_stack() -> bool:
    """Return whether functions in kernels may recurse."""
    return driver.Context.get_device().compute_capability() >= (2, 0)


def has_double_support() -> bool:
    """Return whether kernels have numbers of double precision."""
    return driver.Context.get_device().compute_capability() >= (1, 3)


@context_dependent_memoize
def sizeof(type_name: str, preamble: str = "") -> int:
    """Return the bytes of a type in kernels.

    Parameters
    ----------
    type_name : str
        In C.
    preamble : str
        What declares it.

    Examples
    --------
    >>> from devarray.compat.pycuda.characterize import sizeof
    >>> sizeof("float3")
    12
    """
    module = SourceModule(
        f"{preamble}\n"
        f'extern "C" __global__ void write_size(size_t *size) {{ *size = sizeof({type_name}); }}\n',
        no_extern_c=True,
    )
    size = np.zeros((), np.uint64)
    module.get_function("write_size")(driver.Out(size), block=(1, 1, 1), grid=(1, 1))
    return int(size)
