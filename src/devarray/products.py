"""Products of vectors and matrices."""

from __future__ import annotations

from devarray.chapters import library_functions

__all__ = []


library_functions(
    globals(),
    "cross dot einsum einsum_path inner kron outer tensordot trace vdot",
)
