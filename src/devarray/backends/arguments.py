"""Arguments of a NumPy function, as the function of the same name in another library takes them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from devarray.backends.counterparts import path_of
from devarray.errors import UnsupportedError

__all__ = ["fit_arguments"]

# They say how to compute, not what; other libraries have one way, whose order is stable.
_HINTS = frozenset({"kind", "stable", "sorted"})
_KINDS = ("quicksort", "heapsort", "mergesort", "stable", "introselect", "sort", "table")
_VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


def fit_arguments(
    function: Callable[..., Any], found: Callable[..., Any], args: Any, options: Any, library: str
) -> tuple[Any, Any]:
    """Return the arguments of `function`, a function of NumPy's, for its counterpart `found`.

    What has NumPy's default is left out, since the counterpart may lack the parameter, unless it
    needs it; what NumPy needs goes by position, since the counterpart may have another name for it.

    Parameters
    ----------
    library : str
        What messages call the counterpart's library.

    Raises
    ------
    UnsupportedError
        If the counterpart lacks a parameter that was given.
    """
    if not options and len(args) == _suffices(function, found):
        return args, options
    theirs = _signature(function)
    if theirs is None:
        return args, options
    try:
        given = theirs.bind(*args, **options).arguments
    except TypeError:  # NumPy's own error follows from the call
        return args, options
    mine = _signature(found)
    known = None if mine is None else mine.parameters
    positions, names = [], {}
    for name, parameter in theirs.parameters.items():
        default = parameter.default
        value = given.get(name, default)
        if default is inspect.Parameter.empty:
            positions.append(value)
        elif name in _HINTS and (type(value) is not str or value in _KINDS):
            continue
        elif not (value is default or _equals(value, default)) or _needs(known, name):
            if known is None or name in known:
                names[name] = value
            else:
                raise UnsupportedError(
                    f"{library} has no parameter {name!r} in {path_of(function)}: use .get() and "
                    "NumPy's function"
                )
    return tuple(positions), names


@lru_cache(1000)
def _suffices(function: Callable[..., Any], found: Callable[..., Any]) -> int:
    """Return how many arguments both functions need, and no names; -1 if that is not so easy."""
    theirs, mine = _signature(function), _signature(found)
    if theirs is None or mine is None:
        return -1
    empty = inspect.Parameter.empty
    first, second = (
        sum(parameter.default is empty for parameter in signature.parameters.values())
        for signature in (theirs, mine)
    )
    return first if first == second else -1


def _needs(known: Mapping[str, inspect.Parameter] | None, name: str) -> bool:
    """Say whether the counterpart has no default for a parameter that has one in NumPy."""
    return known is not None and name in known and known[name].default is inspect.Parameter.empty


def _equals(value: Any, default: Any) -> bool:
    return type(value) is type(default) and type(value) in (bool, int, str) and value == default


@lru_cache(1000)
def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    """Return the parameters of a function if each has a name."""
    try:
        found = inspect.signature(function)
    except (TypeError, ValueError):  # it is written in C and does not say
        return None
    if any(parameter.kind in _VARIABLE for parameter in found.parameters.values()):
        return None
    return found
