"""Shared memory of CUDA C kernels, for OpenCL: what a source declares, and who uses it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from .signatures import split_list
from .source_text import ALIGNED, WORD, Piece, Reading, in_function

__all__ = ["Array", "Declaration", "Link", "declarations_of", "links_of"]

_SHARED = re.compile(r"(?:[^;{}]*?\s)?__shared__\b[^;{}]*;")
_QUALIFIERS = re.compile(r"\b(?:__shared__|extern|static)\b")
_DECLARATOR = re.compile(r"(.*?)(\w+)\s*((?:\[[^]]*\]\s*)*)", re.DOTALL)


class Array(NamedTuple):
    """An array, or another variable, in shared memory.

    Attributes
    ----------
    number : int
    kind, name, sizes : str
        Its declaration: type, name, sizes in brackets.
    dynamic : bool
        Whether the launch says how long it is.
    """

    number: int
    kind: str
    name: str
    sizes: str
    dynamic: bool

    @property
    def text(self) -> str:
        """What stands in a function in place of the declaration."""
        own = f"da_array{self.number}"
        start = f"typedef {self.kind} {own} {self.sizes}; __generic {own} "
        if self.dynamic:
            return start + f"*const {self.name} = (__generic {own} *)da_here.dynamic;"
        return start + f"&{self.name} = *(__generic {own} *)da_here.s{self.number};"


class Declaration(NamedTuple):
    """A declaration of shared memory.

    Attributes
    ----------
    start, end : int
        Where it lies.
    inside : bool
        Whether it is in a function.
    owner : str
        The function's name; empty in methods and outside of functions.
    before : str
        The text of the function before it.
    arrays : tuple of Array
        None if it is of no known form.
    """

    start: int
    end: int
    inside: bool
    owner: str
    before: str
    arrays: tuple[Array, ...]


class Link(NamedTuple):
    """What a function, a type, a variable or a macro mentions.

    Attributes
    ----------
    function : bool
        Whether it is a function, and no kernel.
    reached : frozenset of str
        All words, those that it reaches through others included.
    """

    function: bool
    reached: frozenset[str]


def declarations_of(reading: Reading) -> list[Declaration]:
    """Return the declarations of shared memory in a source."""
    found = []
    count = 0
    for piece in reading.pieces:
        for match in _SHARED.finditer(piece.text):
            begin = match.start() + len(match[0]) - len(match[0].lstrip())
            inside = in_function(reading.masked, piece.start + begin)
            arrays = tuple(_arrays(match[0].strip(), count))
            count += len(arrays)
            before = piece.text[:begin]
            owner = piece.name if inside else ""
            found.append(
                Declaration(
                    piece.start + begin, piece.start + match.end(), inside, owner, before, arrays
                )
            )
    return found


def _arrays(text: str, number: int) -> Iterator[Array]:
    """Yield what a declaration declares."""
    extern = re.search(r"\bextern\b", text) is not None
    text = _QUALIFIERS.sub(" ", re.sub(ALIGNED, " ", text)).rstrip("; \n")
    kind = ""
    for part in split_list(text):
        match = _DECLARATOR.fullmatch(part.strip())
        if match is None:
            return
        pointer = match[1].strip()
        if not kind:
            kind = " ".join(pointer.rstrip("* ").split())
            pointer = pointer[len(pointer.rstrip("* ")) :]
        sizes = " ".join(match[3].split())
        dynamic = extern and sizes.replace(" ", "").startswith("[]")
        if dynamic:
            sizes = sizes[sizes.index("]") + 1 :]
        yield Array(number, kind + pointer, match[2], sizes, dynamic)
        number += 1


def links_of(reading: Reading) -> dict[str, Link]:
    """Return what all that has a name mentions."""
    words: dict[str, set[str]] = {}
    functions = set()
    for piece in reading.pieces:
        name = _name(piece)
        words.setdefault(name, set()).update(WORD.findall(piece.text))
        if piece.name == name and not piece.kernel:
            functions.add(name)
    for name, body in reading.macros.items():
        words.setdefault(name, set()).update(WORD.findall(body))
    words.pop("", None)
    found = {}
    for name, own in words.items():
        reached = set(own)
        fresh = reached
        while fresh:
            more = {word for known in fresh & words.keys() for word in words[known]}
            fresh = more - reached
            reached |= more
        found[name] = Link(name in functions, frozenset(reached))
    return found


def _name(piece: Piece) -> str:
    """Return the name of a function, a type, or a variable."""
    head = re.sub(r"<[^<>]*>", "", piece.head)
    kind = re.search(
        r"\b(?:struct|class|union)\s+(?:__align__\s*\([^)]*\)\s*)?(\w+)\s*(?::|$|\{)", head
    )
    if kind:
        return kind[1]
    variable = re.search(r"(\w+)\s*(?:\[[^]]*\]\s*)*=", head)
    if variable and "(" not in head[: variable.start()]:
        return variable[1]
    return piece.name
