"""Sorting and partial sorting."""

from __future__ import annotations

from devarray.chapters import library_functions

__all__ = []


library_functions(
    globals(),
    "argpartition argsort lexsort partition sort sort_complex",
)
