"""How the functions of the chapters are made: our own, and those of the device's library.

A chapter is a module of public functions. A function of NumPy's name is either written here, over
ops and views that fuse (`implements`), or runs in the device's library (`library_function`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np

from devarray.array import FUNCTIONS, DeviceArray
from devarray.asknumpy import like_numpy
from devarray.boundary import asarray
from devarray.library import call_library
from devarray.operands import refuse_host
from devarray.registry import get_device

__all__ = [
    "implements",
    "library_function",
    "library_functions",
    "method_function",
    "on_device",
]

P = ParamSpec("P")
R = TypeVar("R")


def on_device(x: Any) -> DeviceArray:
    """Return `x` as a device array; host arrays only where they may meet device arrays."""
    refuse_host(x, "in a function of devarray")
    return asarray(x)


def implements(*functions: Any) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let NumPy's functions, given device arrays, be a function of ours.

    The errors are those of the first of `functions`, for the same call.
    """

    def decorate(own: Callable[P, R]) -> Callable[P, R]:
        wrapped = like_numpy(functions[0])(own)
        for function in functions:
            FUNCTIONS[function] = wrapped
        return wrapped

    return decorate


def method_function(name: str) -> Callable[..., Any]:
    """Return the function that is an array method, under the name that both have in NumPy."""
    method = getattr(DeviceArray, name)
    numpy_function = getattr(np, name)

    def function(a: Any, *args: Any, **options: Any) -> Any:
        options = {key: value for key, value in options.items() if value is not np._NoValue}
        return getattr(on_device(a), name)(*args, **options)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{method.__doc__}\n\nThe same as the method of `DeviceArray`."
    result = implements(numpy_function)(function)
    result.__wrapped__ = numpy_function  # type: ignore[attr-defined] # its signature
    return result


def library_function(function: Any, name: str = "") -> Callable[..., Any]:
    """Return the counterpart of a NumPy function that runs in the device's own library.

    Results are device arrays, also where no argument is one.
    """
    name = name or function.__name__

    def counterpart(*args: Any, device: Any = None, **options: Any) -> Any:
        return call_library(function, args, options, default=get_device(device))

    counterpart.__name__ = counterpart.__qualname__ = name
    counterpart.__doc__ = (
        f"Run `numpy.{_path(function)}` on device arrays, in the device's own array library.\n\n"
        "Parameters and errors are those of NumPy's function, results are device arrays."
    )
    counterpart.__wrapped__ = function  # type: ignore[attr-defined] # its signature
    return counterpart


def _path(function: Any) -> str:
    module = getattr(function, "__module__", None) or "numpy"
    return f"{module}.{function.__name__}".removeprefix("numpy.")


def library_functions(chapter: dict[str, Any], names: str, source: Any = np) -> None:
    """Add the counterparts of NumPy functions to a chapter, and to its ``__all__``.

    Parameters
    ----------
    chapter : dict
        The module's ``globals()``.
    names : str
        Names in `source`, with spaces between.
    """
    for name in names.split():
        counterpart = library_function(getattr(source, name), name)
        counterpart.__module__ = chapter["__name__"]
        chapter[name] = counterpart
        chapter["__all__"].append(name)
