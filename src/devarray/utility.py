"""Tests of whole arrays and differences of neighbours."""

from __future__ import annotations

from devarray.chapters import library_functions, method_function

__all__ = ["any", "all"]

any = method_function("any")
all = method_function("all")

library_functions(
    globals(),
    "allclose array_equal array_equiv diff ediff1d gradient interp trapezoid "
    "apply_along_axis apply_over_axes",
)
