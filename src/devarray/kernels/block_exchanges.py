"""Shuffles and votes in kernels that are loops over the threads of a block; see `host_blocks`.

``v += __shfl_down_sync(m, v, 4);`` becomes three steps: each thread tells its value, all have told
theirs, each thread takes what it wants. The middle one cuts the kernel as a barrier does, so that
the others are loops. The functions that stand here are those of ``include/host_exchange.h``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .statements import (
    UNCERTAIN,
    Edit,
    NotUnderstoodError,
    Statement,
    Token,
    closing,
    edited,
    parse_body,
    split_tokens,
    tokens_of,
)

__all__ = ["BLOCK_STEPS", "STEPS", "exchange_edits", "is_exchange"]

# What stands between two loops over the threads: of the block, and of it or a warp
BLOCK_STEPS = frozenset(("__syncthreads", "__barrier_sync", "__dh_count"))
STEPS = BLOCK_STEPS | {"__syncwarp", "__dh_swap", "__dh_tally"}

_SHUFFLE = re.compile(r"__shfl(_up|_down|_xor|)(_sync|)")
_VOTE = re.compile(r"__(all|any|ballot)(_sync|)")
_REDUCE = re.compile(r"__reduce_(add|min|max|and|or|xor)_sync")
_COUNT = re.compile(r"__syncthreads_(count|and|or)")
_OTHERS = re.compile(r"__activemask|__match_any_sync")
_ALL = re.compile("|".join(f.pattern for f in (_SHUFFLE, _VOTE, _REDUCE, _COUNT, _OTHERS)))
_KINDS = {"": 0, "_up": 1, "_down": 2, "_xor": 3}


def exchange_edits(masked: str, start: int, end: int) -> tuple[list[Edit], int]:
    """Return what is changed in a kernel, and how many exchanges need a place at a time.

    Parameters
    ----------
    masked : str
        The source without comments, strings and directives.
    start, end : int
        Where the text between the kernel's braces lies in it.

    Raises
    ------
    NotUnderstoodError
        If an exchange stands where it may not be reached by all that its statement is for.

    Notes
    -----
    Declarations with exchanges are of one variable each; `block_calls` sees to that.
    """
    if not _ALL.search(masked, start, end):
        return [], 0
    writer = _Writer(masked)
    writer.statements(parse_body(tokens_of(masked, start, end)), True)
    # the next statement may tell before others have taken
    return writer.edits, writer.most + 1


class _Writer:
    def __init__(self, masked: str) -> None:
        self.masked = masked
        self.edits: list[Edit] = []
        self.serial = 0
        self.most = 0  # exchanges of a statement

    def statements(self, found: Sequence[Statement], in_block: bool) -> None:
        for statement in found:
            if statement.kind in ("declaration", "expression"):
                self._simple(statement, in_block)
                continue
            if any(map(is_exchange, statement.head)):
                if statement.kind != "if":
                    raise NotUnderstoodError("an exchange in the head of " + statement.kind)
                self._condition(statement, in_block)
            if statement.kind == "block":
                self.statements(statement.children, True)
            else:
                for child in statement.children:
                    self.statements([child], False)

    def _simple(self, statement: Statement, in_block: bool) -> None:
        steps, edits = self._exchanges(statement.tokens)
        if edits:
            self.edits += edits
            self._put_before(statement, in_block, steps)

    def _condition(self, statement: Statement, in_block: bool) -> None:
        steps, value = self._value(statement.head)
        name = f"dh_if_{self.serial}"
        first, last = statement.head[0].start, statement.head[-1].end
        self.edits.append((first, last, name + "\n" * self.masked.count("\n", first, last)))
        self._put_before(statement, in_block, [*steps, f"const bool {name} = {value};"])

    def _put_before(self, statement: Statement, in_block: bool, steps: Sequence[str]) -> None:
        begin, stop = statement.tokens[0].start, statement.tokens[-1].end
        self.edits.append((begin, begin, ("" if in_block else "{ ") + " ".join((*steps, ""))))
        if not in_block:
            self.edits.append((stop, stop, " }"))

    def _exchanges(self, tokens: Sequence[Token]) -> tuple[list[str], list[Edit]]:
        """Return the steps before the exchanges among tokens, and what these become."""
        steps: list[str] = []
        edits: list[Edit] = []
        before = self.serial
        for k, end in _calls(tokens):
            if any(token.text in UNCERTAIN for token in tokens[:k]):
                raise NotUnderstoodError("an exchange that not all threads may reach")
            more, text = self._call(tokens[k:end])
            steps += more
            first, last = tokens[k].start, tokens[end - 1].end
            edits.append((first, last, text + "\n" * self.masked.count("\n", first, last)))
        self.most = max(self.most, self.serial - before)
        return steps, edits

    def _value(self, tokens: Sequence[Token]) -> tuple[list[str], str]:
        """Return the steps before a value, and its text."""
        if not tokens:
            raise NotUnderstoodError("an exchange without an argument")
        steps, edits = self._exchanges(tokens)
        start = tokens[0].start
        moved = [(a - start, b - start, new) for a, b, new in edits]
        return steps, f"({edited(self.masked[start : tokens[-1].end], moved)})".replace("\n", " ")

    def _call(self, tokens: Sequence[Token]) -> tuple[list[str], str]:
        """Return the steps before an exchange, and the text of what it gives."""
        name = tokens[0].text
        arguments = split_tokens(list(tokens[2:-1]), ",")
        if found := _SHUFFLE.fullmatch(name):
            if found[2] and _leaves_out(arguments[0]):
                raise NotUnderstoodError("a shuffle for some, who may not be those that are there")
            return self._shuffle(_KINDS[found[1]], arguments[1 if found[2] else 0 :])
        if name == "__activemask":
            steps, number = self._told("__dh_vote({}, 1); __dh_tally({});", [])
            return steps, f"__dh_active({number})"
        if found := _COUNT.fullmatch(name):
            steps, value = self._value(arguments[0])
            steps, number = self._told(f"__dh_vote({{}}, {value}); __dh_count({{}});", steps)
            return steps, f"__dh_counted_{found[1]}({number})"
        if found := _VOTE.fullmatch(name):
            mask = arguments.pop(0) if found[2] else []
            steps, value = self._value(arguments[0] if arguments else [])
            more, mask_text = self._value(mask) if mask else ([], "~0u")
            told = f"__dh_vote({{}}, {value}); __dh_tally({{}});"
            steps, number = self._told(told, steps + more)
            return steps, f"__dh_{found[1]}({number}, {mask_text})"
        if len(arguments) != 2:
            raise NotUnderstoodError("the arguments of an exchange")
        (steps, mask_text), (more, value) = map(self._value, arguments)
        told = f"__dh_tell({{}}, {value}); __dh_vote({{}}, 1); __dh_tally({{}});"
        steps, number = self._told(told, steps + more)
        found = _REDUCE.fullmatch(name)
        what = f"__dh_reduced_{found[1]}" if found else "__dh_matched"
        return steps, f"{what}({number}, {value}, {mask_text})"

    def _shuffle(self, kind: int, arguments: list[list[Token]]) -> tuple[list[str], str]:
        if not 2 <= len(arguments) <= 3:
            raise NotUnderstoodError("the arguments of a shuffle")
        values = [self._value(argument) for argument in arguments]
        before = [step for steps, _ in values for step in steps]
        texts = [text for _, text in values]
        steps, number = self._told(f"__dh_tell({{}}, {texts[0]}); __dh_swap({{}});", before)
        return steps, f"__dh_taken({number}, {kind}, {', '.join(texts)})"

    def _told(self, text: str, before: Sequence[str]) -> tuple[list[str], int]:
        number = self.serial
        self.serial += 1
        return [*before, text.replace("{}", str(number))], number


def _leaves_out(mask: Sequence[Token]) -> bool:
    """Say whether a mask is a number that stands for some lanes only."""
    words = [token.text for token in mask]
    if len(words) != 1 or not words[0][0].isdigit():
        return False
    number = words[0].rstrip("uUlL").lower()
    return number.removeprefix("0x") != "ffffffff" and number != str(2**32 - 1)


def is_exchange(token: Token) -> bool:
    """Say whether a word is a shuffle, a vote or the like."""
    return _ALL.fullmatch(token.text) is not None


def _calls(tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Yield where exchanges begin and end that are not inside of another one."""
    k = 0
    while k < len(tokens):
        if not is_exchange(tokens[k]):
            k += 1
            continue
        if k + 1 == len(tokens) or tokens[k + 1].text != "(":
            raise NotUnderstoodError("an exchange that is not called")
        end = closing(list(tokens), k + 1)
        yield k, end
        k = end
