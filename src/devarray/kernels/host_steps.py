"""Kernels that rely on the threads of a warp being in step.

Before ``__syncwarp`` there was, reductions ended with ``volatile`` shared memory and no barriers:
each statement of a warp was known to be over before the next one began. GPUs still mostly do that;
the host does not. So a step is written behind each statement that uses such memory, and between
what a statement reads and what it writes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from .block_exchanges import STEPS
from .source_text import Piece, Reading, read
from .statements import (
    ASSIGNMENTS,
    Declarator,
    Edit,
    NotUnderstoodError,
    Statement,
    Token,
    closing,
    declarators,
    edited,
    listed,
    parse_body,
    shared_tokens,
    tokens_of,
)

__all__ = ["in_step"]

_STEP = "__syncwarp(0);"  # of those that are there


def in_step(source: str) -> str:
    """Return a source in CUDA C or HIP with steps behind what uses ``volatile`` shared memory."""
    if "volatile" not in source or "__shared__" not in source:
        return source
    reading = read(source)
    edits: list[Edit] = []
    for piece in reading.pieces:
        if piece.name and piece.text.endswith("}"):
            try:
                edits += list(_edits(reading, piece))
            except NotUnderstoodError:
                continue
    return edited(source, edits)


def _edits(reading: Reading, piece: Piece) -> Iterator[Edit]:
    start = piece.start + len(piece.head) + 1
    statements = parse_body(tokens_of(reading.masked, start, piece.start + len(piece.text) - 1))
    names = dict(_volatile(piece, statements))
    found = [token for one in statements for token in one.tokens]
    at = {token.start for token in _declared_tokens(statements)}
    uses = [
        k
        for k, token in enumerate(found[:-1])
        if token.text in names and found[k + 1].text == "[" and token.start not in at
    ]
    written = [k for k in uses if found[_behind(found, k)].text in ASSIGNMENTS]
    if written and len(uses) > len(written):  # threads read what others wrote
        yield from _Steps(reading.masked, names).edits(statements, True)


def _declared_tokens(statements: Sequence[Statement]) -> Iterator[Token]:
    """Yield the tokens of declarations of shared memory."""
    for outer in statements:
        for statement in outer.walk():
            if not statement.children and any(t.text == "__shared__" for t in statement.tokens):
                yield from statement.tokens


def _volatile(piece: Piece, statements: Sequence[Statement]) -> Iterator[tuple[str, str]]:
    """Yield names of volatile memory that may be shared, and the types of its elements."""
    declared: list[tuple[Declarator, bool]] = []
    if not piece.kernel:
        place = piece.head.index("(", piece.head.index(piece.name))
        head = tokens_of(piece.head, place)
        for part in listed(head[1 : closing(head, 0) - 1]):
            declared += [(one, bool(one.lengths)) for one in declarators(part) or ()]
    for outer in statements:
        for statement in outer.walk():
            words = {token.text for token in statement.tokens}
            if statement.children:
                continue
            if "__shared__" in words:
                declared += [(one, True) for one in declarators(shared_tokens(statement)) or ()]
            elif statement.kind == "declaration":
                declared += [(one, False) for one in declarators(statement.tokens[:-1]) or ()]
    for one, array in declared:
        if "volatile" in one.qualifiers and (array or "*" in one.type):
            yield one.name, " ".join(word for word in one.type if word != "*")


def _behind(tokens: list[Token], place: int) -> int:
    """Return the place behind ``name[...]``, whose name is at a place."""
    place += 1
    while tokens[place].text == "[":
        place = closing(tokens, place)
    return place


class _Steps:
    """What is written behind statements."""

    def __init__(self, masked: str, names: dict[str, str]) -> None:
        self.masked = masked
        self.names = names
        self.serial = 0

    def edits(self, statements: Sequence[Statement], in_block: bool) -> Iterator[Edit]:
        for k, statement in enumerate(statements):
            if statement.kind in ("declaration", "expression"):
                after = statements[k + 1].tokens[0].text if k + 1 < len(statements) else ""
                declared = next(_declared_tokens([statement]), None)
                if self._uses(statement.tokens) and declared is None:
                    yield from self._simple(statement, in_block, after in STEPS)
            elif statement.kind == "block":
                yield from self.edits(statement.children, True)
            else:
                for child in statement.children:
                    yield from self.edits([child], False)

    def _uses(self, tokens: Sequence[Token]) -> bool:
        return any(
            token.text in self.names and after.text == "[" for token, after in pairwise(tokens)
        )

    def _simple(self, statement: Statement, in_block: bool, stepped: bool) -> Iterator[Edit]:
        tokens = statement.tokens
        begin, end = tokens[0].start, tokens[-1].end
        opened, closed = ("", "") if in_block else ("{ ", " }")
        name = tokens[0].text
        if name in self.names and tokens[1].text == "[":
            place = _behind(tokens, 0)
            value = tokens[place + 1 : -1]
            if tokens[place].text in ASSIGNMENTS and self._uses(value):
                # all have read before one writes
                new = f"dh_step_{self.serial}"
                self.serial += 1
                first, last = value[0].start, value[-1].end
                text = self.masked[first:last].replace("\n", " ")
                opened += f"{self.names[name]} {new} = {text}; {_STEP} "
                yield first, last, new + "\n" * self.masked.count("\n", first, last)
        yield begin, begin, opened
        yield end, end, closed if stepped else f" {_STEP}{closed}"
