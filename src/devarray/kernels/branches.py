"""Conditions of the preprocessor around kernels: what lies in a branch may not be compiled.

Which branches of ``#if`` are compiled, only the compiler knows. Each one that has kernels or
variables therefore begins with a macro of its own, and what is written for them behind the text
asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from .source_text import OPAQUE, Piece, logical_lines, without_comments

__all__ = ["Branches", "guarded"]

_CONDITION = re.compile(
    r"^[ \t]*#[ \t]*(if|ifdef|ifndef|el\w+|endif)\b(?:\\\n|[^\n])*", re.MULTILINE
)


class Branches:
    """The branches of ``#if`` in a source.

    Parameters
    ----------
    source : str
        CUDA C or HIP.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._places: list[tuple[int, int]] = []
        self._used: set[int] = set()
        opened: list[int] = []
        for directive in _CONDITION.finditer(without_comments(source)):
            if directive[1].startswith("if"):
                opened.append(directive.end())
            elif opened:
                self._places.append((opened.pop(), directive.start()))
                if directive[1] != "endif":
                    opened.append(directive.end())

    def macro(self, piece: Piece) -> str:
        """Return the macro of the innermost branch that has a piece, or nothing."""
        start = piece.start + len(piece.text) - len(piece.text.lstrip())
        return self._around(start, piece.start + len(piece.text))

    def macro_at(self, place: int) -> str:
        """Return the macro of the innermost branch that has a place, or nothing."""
        return self._around(place, place)

    def _around(self, start: int, end: int) -> str:
        inside = [k for k, (a, b) in enumerate(self._places) if a <= start and end <= b]
        if not inside:
            return ""
        k = max(inside, key=lambda k: self._places[k])
        self._used.add(k)
        return f"DH_TAKEN_{k}"

    def edits(self) -> list[tuple[int, int, str]]:
        """Return what defines the macros that were asked for: from, to, what comes instead."""
        found = []
        lines = logical_lines(self._source) if self._used else []
        for k in sorted(self._used):
            place = self._places[k][0]
            for comment in OPAQUE.finditer(self._source):  # one that goes on in the next line
                if comment.start() < place < comment.end():
                    end = self._source.find("\n", comment.end())
                    place = len(self._source) if end < 0 else end
            number, file = lines[min(self._source.count("\n", 0, place) + 1, len(lines) - 1)]
            text = f'\n#define DH_TAKEN_{k}\n#line {number} "{file}"'
            found.append((place, place, text))
        return found


def guarded(lines: Sequence[str], macros: Iterable[str], instead: Sequence[str] = ()) -> list[str]:
    """Return lines that count if one of the macros is defined; always, if one of them is empty.

    Parameters
    ----------
    lines : sequence of str
        They do.
    macros : iterable of str
        Of branches.
    instead : sequence of str
        What counts if none is.
    """
    names = sorted(set(macros))
    if not names or "" in names:
        return list(lines)
    condition = " || ".join(f"defined({name})" for name in names)
    other = ["#else", *instead] if instead else []
    return [f"#if {condition}", *lines, *other, "#endif"]
