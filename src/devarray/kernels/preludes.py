"""Preludes: the files of ``include`` that a device puts before each kernel's text."""

from __future__ import annotations

from functools import cache
from importlib import resources

from devarray.kernels.spec import PRELUDE

__all__ = ["prelude", "with_prelude"]


@cache
def prelude(files: tuple[str, ...]) -> str:
    """Return the text of files of ``include``, one behind the other."""
    folder = resources.files("devarray.kernels").joinpath("include")
    return "".join(folder.joinpath(name).read_text() for name in files)


def with_prelude(source: str, files: tuple[str, ...]) -> str:
    """Return a kernel's text with these files in the place of its ``PRELUDE`` line."""
    return source.replace(PRELUDE, prelude(files), 1)
