"""Polynomials by their coefficients, highest power first."""

from __future__ import annotations

from devarray.chapters import library_functions

__all__ = []


library_functions(
    globals(),
    "poly polyadd polyder polydiv polyfit polyint polymul polysub polyval roots vander",
)
