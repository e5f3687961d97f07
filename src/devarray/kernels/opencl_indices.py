"""Indices of CUDA C kernels, written so that OpenCL's compiler sees what lies side by side.

A compiler that runs the threads of a block as lanes of vectors loads ``x[i]`` at once only if it
sees that `i` grows by one from thread to thread. Unsigned sums of 32 bits, which may wrap, hide
that, and so do limits that turn signed numbers into unsigned ones. ``include/opencl_grid.h`` has
several words for each index, and `DA_SIGNED`, which makes a number signed. They say the same unless
an array has 2**31 elements, or a launch as many threads: DA_HUGE makes them all alike then.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .signatures import split_list
from .source_text import Reading

__all__ = ["index_edits"]

_INDEX = re.compile(r"\b(threadIdx|blockIdx|blockDim|gridDim)\s*\.\s*[xyz]\b")
_SUBSCRIPT = re.compile(r"\[([^][]*)\]")
_DECLARATION = re.compile(
    r"\b(unsigned(?:\s+int)?|signed(?:\s+int)?|int|uint|u?int32_t)\s+(?:const\s+)?(?=\w+\s*[=,;)])"
    r"(?!int\b)"
)
_CHANGED = re.compile(r"(\w+)\s*(?:\+\+|--|(?:[-+*/%&|^]|<<|>>)=)|(?:\+\+|--|(?<!&)&(?!&))\s*(\w+)")
_REFERENCE = re.compile(r"[(,][^(),]*\w\s*&\s*\w+\s*[,)]|\[[^][]*&")
_PASSED = re.compile(r"[(,]\s*(\w+)\s*(?=[,)])")
_ALONE = re.compile(r"\s*\w+\s*(?:[-+]\s*[0-9]+\s*)*")
_NOT_LINEAR = re.compile(r"\w\s*\(|\)\s*\(|\b[0-9]+\.|\.[0-9]|\b[0-9]+[eE]|\bsizeof\b")

Edits = list[tuple[int, int, str]]


class _Variable(NamedTuple):
    """A variable of a function.

    Attributes
    ----------
    signed : bool
    loop : bool
        Whether a loop declares it.
    start : int
        Where its formula lies.
    formula : str
        Empty if it has none, or if there are several variables of the name.
    """

    signed: bool
    loop: bool
    start: int
    formula: str


class _Names(NamedTuple):
    """Names of a function's variables.

    Attributes
    ----------
    unsigned : set of str
    wide : set of str
        Those whose formula has 64 bits.
    same : dict
        Those that only name an index, and which.
    """

    unsigned: set[str]
    wide: set[str]
    same: dict[str, str]


def index_edits(reading: Reading) -> Edits:
    """Return what is changed in a source: from, to, what comes instead."""
    edits: Edits = []
    referring = any(_REFERENCE.search(piece.text) for piece in reading.pieces)
    for piece in reading.pieces:
        if piece.name and "{" in piece.text:
            edits += [
                (a + piece.start, b + piece.start, new)
                for a, b, new in _edits(piece.text, referring)
            ]
    return edits


def _is_linear(text: str) -> bool:
    """Return whether a formula has sums, differences and products only."""
    return re.fullmatch(r"[\w\s.+\-*()]+", text) is not None and not _NOT_LINEAR.search(text)


def _words(text: str) -> list[str]:
    """Return the names in a formula, without indices."""
    return re.findall(r"\b[A-Za-z_]\w*", _INDEX.sub("0", text))


def _variables(text: str) -> dict[str, _Variable]:
    """Return the 32-bit integers that a function declares."""
    found: dict[str, _Variable] = {}
    for declared in _DECLARATION.finditer(text):
        signed = not declared[1].startswith("u")
        loop = re.search(r"\bfor\s*\(\s*(?:const\s+)?$", text[: declared.start()]) is not None
        end = re.compile(r"[;{})]" if "(" not in text[declared.end() :] else r"[;{}]")
        stop = end.search(text, declared.end())
        place = declared.end()
        for part in split_list(text[place : stop.start() if stop else place]):
            name, equals, formula = part.partition("=")
            name = name.strip(") \n")
            if name.isidentifier():
                inside = place + len(part) - len(formula)
                known = found.get(name)
                if known is None:
                    found[name] = _Variable(signed, loop, inside, formula if equals else "")
                else:
                    found[name] = _Variable(signed and known.signed, True, inside, "")
            place += len(part) + 1
    return found


def _changed(text: str, variables: dict[str, _Variable], referring: bool) -> set[str]:
    """Return the variables whose values may change; functions may, by a reference."""
    assigned = re.findall(r"(?<![.\w])(\w+)\s*=(?!=)", text)
    found = {name for name in variables if variables[name].loop or assigned.count(name) > 1}
    found |= {name for pair in _CHANGED.findall(text) for name in pair}
    return found | (set(_PASSED.findall(text)) if referring else set())


def _edits(text: str, referring: bool) -> Edits:
    variables = _variables(text)
    changed = _changed(text, variables, referring)
    subscripts = [found for found in _SUBSCRIPT.finditer(text) if _is_linear(found[1])]
    combined = {
        word for found in subscripts if not _ALONE.fullmatch(found[1]) for word in _words(found[1])
    }
    names = _Names(
        {name for name, variable in variables.items() if not variable.signed},
        set(),
        {
            name: variable.formula.strip()
            for name, variable in variables.items()
            if name not in changed and _INDEX.fullmatch(variable.formula.strip())
        },
    )
    edits: Edits = []
    for name, variable in variables.items():
        if variable.formula and _INDEX.search(variable.formula) and _is_linear(variable.formula):
            narrow = name in changed or name in combined
            edits += _replaced(variable.formula, variable.start, "DA_R_" if narrow else "DA_W_")
            if not narrow:
                names.wide.add(name)
    for found in subscripts:
        edits += _subscript_edits(found[1], found.start(1), names)
    return edits


def _subscript_edits(inner: str, start: int, names: _Names) -> Edits:
    words = _words(inner)
    others = [word for word in words if word not in names.same]
    prefix = "DA_I_" if others else "DA_W_"
    edits = _replaced(inner, start, prefix)
    for found in re.finditer(r"(?<![.\w])[A-Za-z_]\w*\b(?!\s*\.)", inner):
        a, b, name = start + found.start(), start + found.end(), found[0]
        if name in names.same:
            edits.append((a, b, prefix + names.same[name]))
        elif name in names.wide and _ALONE.fullmatch(inner):
            if name != inner.strip() and name not in names.unsigned:
                edits.append((a, a, "(long)"))
        elif name in names.unsigned:
            edits.append((a, a, "DA_SIGNED "))
    return edits


def _replaced(text: str, start: int, prefix: str) -> Edits:
    return [
        (start + found.start(1), start + found.start(1), prefix) for found in _INDEX.finditer(text)
    ]
