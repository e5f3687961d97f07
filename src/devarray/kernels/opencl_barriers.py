"""Threads that end before a barrier of their block: on GPUs it goes on without them, in OpenCL not.

What depends on a thread is found in the text: what is computed from its index, or chosen by that.
"""

from __future__ import annotations

import re

from .opencl_shared import Link
from .source_text import WORD, Reading

__all__ = ["divergent_returns"]

_BARRIER = re.compile(r"__syncthreads\w*|__barrier_sync")
_INDEX = re.compile(r"(?:DA_[WRI]_)?threadIdx|hipThreadIdx_[xyz]")
_ASSIGNMENT = re.compile(r"(\w+)\s*(?:\[[^;=]*\]\s*)?(?:[-+*/%&|^]|<<|>>)?=(?!=)([^;]*)")


def divergent_returns(reading: Reading, links: dict[str, Link]) -> dict[str, int]:
    """Return where the first such return is in each function that has one."""
    places: dict[str, int] = {}
    barriers = _bringers(_BARRIER, links)
    indices = _bringers(_INDEX, links)
    for piece in reading.pieces:
        if not piece.name or "{" not in piece.text:
            continue
        body = piece.text[len(piece.head) :]
        last = max(
            (found.start() for found in WORD.finditer(body) if found[0] in barriers), default=-1
        )
        own = _dependent(body, indices)
        for found in re.finditer(r"\breturn\b", body[: max(last, 0)]):
            if any(own & set(WORD.findall(text)) for text in _conditions(body, found.start())):
                places.setdefault(piece.name, piece.start + len(piece.head) + found.start())
    return places


def _bringers(pattern: re.Pattern[str], links: dict[str, Link]) -> set[str]:
    """Return the words that bring what a pattern matches."""
    direct = {word for link in links.values() for word in link.reached if pattern.fullmatch(word)}
    found = {name for name, link in links.items() if link.reached & direct}
    return direct | found


def _dependent(body: str, indices: set[str]) -> set[str]:
    """Return the words of a function that depend on the thread."""
    found = set(indices)
    known = -1
    while known < (known := len(found)):
        for assignment in _ASSIGNMENT.finditer(body):
            if found & set(WORD.findall(assignment[2])):
                found.add(assignment[1])
    return found


def _conditions(body: str, place: int) -> list[str]:
    """Return what stands before a place and before the braces around it: its conditions.

    That of an `else` has what stands before the branch that it belongs to.
    """
    around: list[str] = []
    before = ""
    start = 0
    for found in re.finditer(r"[{};]", body[:place]):
        head = body[start : found.start()]
        if head.count("(") > head.count(")"):  # for (a; b; c)
            continue
        if re.match(r"\s*else\b", head):
            head = before + head
        if found[0] == "{":
            around.append(head)
        else:
            before = around.pop() if found[0] == "}" and around else head
        start = found.end()
    last = body[start:place]
    return [*around, before + last if re.match(r"\s*else\b", last) else last]
