"""`pycuda.cumath`: elementary functions of arrays, real and complex; NumPy's dtypes and values."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._array import GPUArray, placed, unwrap
from ._order import elementwise

__all__ = [
    "acos", "asin", "atan", "ceil", "cos", "cosh", "exp", "fabs", "floor", "fmod", "frexp", "ldexp",
    "log", "log10", "modf", "sin", "sinh", "sqrt", "tan", "tanh",
]  # fmt: skip


def _values(x: Any, name: str = "array") -> Any:
    if not isinstance(x, GPUArray):
        raise TypeError(f"{name} must be a GPUArray, got {type(x).__name__}: use gpuarray.to_gpu")
    return x._values()


def _exact(ufunc: Any) -> Any:
    """Return a function that computes float32 in double, and so rounds once.

    Vectorised functions of float32 are off by two units in the last place, which is more than the
    programs that were written for CUDA's (their tests, for instance) expect.
    """

    def formula(x: Any) -> Any:
        if x.dtype != np.float32:
            return ufunc(x)
        return ufunc(x.astype(np.float64)).astype(np.float32)

    formula.__name__ = ufunc.__name__
    return formula


def _unary(name: str, ufunc: Any) -> Any:
    def function(array: GPUArray, *args: Any, out: Any = None, stream: Any = None) -> GPUArray:
        for given in args:  # old programs pass the array for the result, or the stream, by position
            if isinstance(given, GPUArray) and out is None:
                out = given
            elif hasattr(given, "synchronize") and stream is None:
                stream = given
            elif given is not None:
                raise TypeError(
                    f"{name}() takes an array, and out and stream by name; got "
                    f"{type(given).__name__} as well"
                )
        return placed(elementwise(ufunc, _values(array)), out, stream)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""Return `numpy.{ufunc.__name__}` of each element.

    Parameters
    ----------
    array : GPUArray
    out : GPUArray, optional
        Array for the result.
    stream : Stream, optional
        The result is computed there.

    Raises
    ------
    TypeError
        If NumPy's function takes no elements of that dtype.
    ValueError
        If `out` has another shape.
    """
    return function


fabs, ceil, floor = _unary("fabs", np.fabs), _unary("ceil", np.ceil), _unary("floor", np.floor)
exp, log, log10 = _unary("exp", np.exp), _unary("log", np.log), _unary("log10", np.log10)
sqrt = _unary("sqrt", np.sqrt)
sin, cos = _unary("sin", _exact(np.sin)), _unary("cos", _exact(np.cos))
tan = _unary("tan", np.tan)
asin, acos, atan = (
    _unary("asin", np.arcsin),
    _unary("acos", np.arccos),
    _unary("atan", np.arctan),
)
sinh, cosh, tanh = _unary("sinh", np.sinh), _unary("cosh", np.cosh), _unary("tanh", np.tanh)


def fmod(arg: GPUArray, mod: Any, stream: Any = None) -> GPUArray:
    """Return the remainder of a division, with the sign of `arg`; see `numpy.fmod`."""
    return placed(elementwise(np.fmod, _values(arg, "arg"), unwrap(mod)), None, stream)


def frexp(arg: GPUArray, stream: Any = None) -> tuple[GPUArray, GPUArray]:
    """Return significands and exponents such that ``arg = significand * 2**exponent``.

    Both have the dtype of the significands, as PyCUDA has it.
    """
    significand, exponent = elementwise(np.frexp, _values(arg, "arg"))
    exponent = elementwise(lambda x: x.astype(significand.dtype), exponent)
    return placed(significand, None, stream), placed(exponent, None, stream)


def ldexp(significand: GPUArray, exponent: Any, stream: Any = None) -> GPUArray:
    """Return ``significand * 2**exponent``; exponents that are no integers lose their fraction."""

    def formula(x: Any, n: Any) -> Any:
        return np.ldexp(x, n.astype(np.int32) if isinstance(exponent, GPUArray) else int(n))

    operands = _values(significand, "significand"), unwrap(exponent)
    return placed(elementwise(formula, *operands), None, stream)


def modf(arg: GPUArray, stream: Any = None) -> tuple[GPUArray, GPUArray]:
    """Return the fractional and the integer part of each element; see `numpy.modf`."""
    fraction, whole = elementwise(np.modf, _values(arg, "arg"))
    return placed(fraction, None, stream), placed(whole, None, stream)
