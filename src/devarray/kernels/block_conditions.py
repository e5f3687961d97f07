"""Conditions of the preprocessor inside a kernel; see `host_blocks`.

Which branch is compiled, only the compiler knows. So the kernel is written for each choice of them,
and the conditions stand around the texts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from .source_text import without_comments
from .statements import NotUnderstoodError

__all__ = ["with_conditions"]

_DIRECTIVE = re.compile(r"^[ \t]*#[ \t]*(\w*)(?:\\\n|[^\n])*", re.MULTILINE)
_CONDITIONS = frozenset(("if", "ifdef", "ifndef", "elif", "else", "endif"))
_MOST_TEXTS = 8


def with_conditions(
    source: str, masked: str, start: int, end: int, write: Callable[[str, str], str]
) -> str:
    """Return what `write` makes of a source, for every choice of branches.

    Parameters
    ----------
    source, masked : str
        The whole text; the same without comments, strings and directives.
    start, end : int
        Where the text between the kernel's braces lies.
    write : callable
        It takes both texts, in which only the branches that are chosen are left.

    Raises
    ------
    NotUnderstoodError
        If there are other directives than conditions and pragmas, or too many conditions.
    """
    code = without_comments(source)
    found = [one for one in _DIRECTIVE.finditer(code, start, end) if one[1] != "pragma"]
    if not all(one[1] in _CONDITIONS for one in found):
        raise NotUnderstoodError("a directive")
    if sum(one[1] not in ("else", "endif") for one in found) >= _MOST_TEXTS:
        raise NotUnderstoodError("too many conditions")
    left = [_MOST_TEXTS]
    return _written(found, source, masked, write, left)


def _written(
    found: Sequence[re.Match[str]],
    source: str,
    masked: str,
    write: Callable[[str, str], str],
    left: list[int],
) -> str:
    if not found:
        left[0] -= 1
        if left[0] < 0:
            raise NotUnderstoodError("too many conditions")
        return write(source, masked)
    depth = 0
    own: list[int] = []  # directives of the first condition
    for k, one in enumerate(found):
        depth += one[1].startswith("if")
        if depth == 1:
            own.append(k)
        depth -= one[1] == "endif"
        if depth == 0:
            break
    else:
        raise NotUnderstoodError("a condition without an end")
    lines = []
    whole = found[own[0]].start(), found[own[-1]].end()
    for k, after in pairwise(own):
        kept = found[k].end(), found[after].start()
        texts = [_only(text, whole, kept) for text in (source, masked)]
        inner = [*found[k + 1 : after], *found[own[-1] + 1 :]]
        lines += [found[k].group().strip(), _written(inner, texts[0], texts[1], write, left)]
    if found[own[-2]][1] != "else":
        texts = [_only(text, whole, (whole[1], whole[1])) for text in (source, masked)]
        inner = list(found[own[-1] + 1 :])
        lines += ["#else", _written(inner, texts[0], texts[1], write, left)]
    return "\n".join(("", *lines, "#endif", ""))


def _only(text: str, whole: tuple[int, int], kept: tuple[int, int]) -> str:
    """Return a text with blanks for what lies in a range, but for a part of it."""
    (start, end), (a, b) = whole, kept

    def blank(part: str) -> str:
        return re.sub(r"[^\n]", " ", part)

    return text[:start] + blank(text[start:a]) + text[a:b] + blank(text[b:end]) + text[end:]
