"""`pycuda.gpuarray`: arrays on a device, with PyCUDA's names.

Where PyCUDA and NumPy differ (dtypes of comparisons and of divided integers, broadcasting, NaN in
``min``, slices with negative steps), the meaning is NumPy's: docs/from-pycuda.md lists it.
"""

from __future__ import annotations

from ._array import GPUArray
from ._creation import (
    arange,
    empty,
    empty_like,
    from_dlpack,
    ones,
    ones_like,
    to_gpu,
    to_gpu_async,
    zeros,
    zeros_like,
)
from ._joining import (
    concatenate,
    if_positive,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    multi_put,
    multi_take,
    multi_take_put,
    reshape,
    splay,
    stack,
    take,
    transpose,
    where,
)
from ._reductions import (
    all,
    any,
    dot,
    max,
    min,
    subset_dot,
    subset_max,
    subset_min,
    subset_sum,
    sum,
)
from ._vectors import vec

__all__ = [
    "GPUArray", "all", "any", "arange", "concatenate", "dot", "empty", "empty_like", "from_dlpack",
    "if_positive", "logical_and", "logical_not", "logical_or", "max", "maximum", "min", "minimum",
    "multi_put", "multi_take", "multi_take_put", "ones", "ones_like", "reshape", "splay", "stack",
    "subset_dot", "subset_max", "subset_min", "subset_sum", "sum", "take", "to_gpu", "to_gpu_async",
    "transpose", "vec", "where", "zeros", "zeros_like",
]  # fmt: skip
