"""Kernels from expressions: a few words of C become elementwise kernels, reductions and scans."""

from devarray.snippets.elementwise import ElementwiseKernel
from devarray.snippets.indexed import IndexedKernel
from devarray.snippets.reduction import IndexedReduction, ReductionKernel
from devarray.snippets.scan import ScanKernel

__all__ = [
    "ElementwiseKernel",
    "IndexedKernel",
    "IndexedReduction",
    "ReductionKernel",
    "ScanKernel",
]
