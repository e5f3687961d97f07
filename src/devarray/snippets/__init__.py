"""Kernels from expressions: a few words of C become elementwise kernels, reductions and scans."""

from devarray.snippets.elementwise import ElementwiseKernel

__all__ = ["ElementwiseKernel"]
