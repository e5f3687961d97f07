"""Sets: unique values, membership, unions."""

from __future__ import annotations

from devarray.chapters import library_functions

__all__ = []


library_functions(
    globals(),
    "intersect1d isin setdiff1d setxor1d union1d unique unique_all unique_counts "
    "unique_inverse unique_values",
)
