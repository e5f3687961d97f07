"""The operators of `GPUArray`: those of the device array below, in the operands' memory order."""

from __future__ import annotations

import numbers
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.array import DeviceArray

from ._order import elementwise

__all__ = ["Operators"]


def _operand(x: Any) -> Any:
    """Return what the device array's operator takes, or NotImplemented."""
    if isinstance(x, Operators):
        return x._values()
    known = isinstance(x, (DeviceArray, np.ndarray, np.generic, numbers.Number, list, tuple))
    return x if known else NotImplemented


def _binary(function: Callable[[Any, Any], Any], reflected: bool = False) -> Any:
    def method(self: Operators, other: Any) -> Any:
        operand = _operand(other)
        if operand is NotImplemented:
            return NotImplemented
        values = self._values()
        pair = (operand, values) if reflected else (values, operand)
        return self._wrap(elementwise(function, *pair))

    method.__doc__ = f"Record `{function.__name__}`; see `numpy.ndarray`."
    return method


def _both(function: Callable[[Any, Any], Any]) -> tuple[Any, Any]:
    return _binary(function), _binary(function, reflected=True)


def _unary(function: Callable[[Any], Any]) -> Any:
    def method(self: Operators) -> Any:
        return self._wrap(elementwise(function, self._values()))

    method.__doc__ = f"Record `{function.__name__}`; see `numpy.ndarray`."
    return method


def _inplace(function: Callable[[Any, Any], Any]) -> Any:
    def method(self: Operators, other: Any) -> Any:
        operand = _operand(other)
        if operand is NotImplemented:
            return NotImplemented
        self._array = function(self._values(), operand)
        return self

    method.__doc__ = f"Record `{function.__name__}` into this array; see `numpy.ndarray`."
    return method


class Operators:
    """The part of an array that its operators make up.

    Attributes
    ----------
    _array : DeviceArray
    """

    _array: DeviceArray
    __hash__ = None  # type: ignore[assignment]

    def _values(self) -> DeviceArray:
        """Return the device array, if its elements are numbers."""
        raise NotImplementedError

    @staticmethod
    def _wrap(value: Any) -> Any:
        """Return a device array as a `GPUArray`."""
        raise NotImplementedError

    __add__, __radd__ = _both(operator.add)
    __sub__, __rsub__ = _both(operator.sub)
    __mul__, __rmul__ = _both(operator.mul)
    __truediv__, __rtruediv__ = _both(operator.truediv)
    __floordiv__, __rfloordiv__ = _both(operator.floordiv)
    __mod__, __rmod__ = _both(operator.mod)
    __divmod__, __rdivmod__ = _both(divmod)
    __pow__, __rpow__ = _both(operator.pow)
    __and__, __rand__ = _both(operator.and_)
    __or__, __ror__ = _both(operator.or_)
    __xor__, __rxor__ = _both(operator.xor)
    __lshift__, __rlshift__ = _both(operator.lshift)
    __rshift__, __rrshift__ = _both(operator.rshift)
    __lt__, __le__ = _binary(operator.lt), _binary(operator.le)
    __gt__, __ge__ = _binary(operator.gt), _binary(operator.ge)
    __eq__, __ne__ = _binary(operator.eq), _binary(operator.ne)
    __neg__, __pos__ = _unary(operator.neg), _unary(operator.pos)
    __abs__, __invert__ = _unary(operator.abs), _unary(operator.invert)

    __iadd__, __isub__ = _inplace(operator.iadd), _inplace(operator.isub)
    __imul__, __itruediv__ = _inplace(operator.imul), _inplace(operator.itruediv)
    __ifloordiv__, __imod__ = _inplace(operator.ifloordiv), _inplace(operator.imod)
    __ipow__ = _inplace(operator.ipow)
    __iand__, __ior__ = _inplace(operator.iand), _inplace(operator.ior)
    __ixor__ = _inplace(operator.ixor)
    __ilshift__, __irshift__ = _inplace(operator.ilshift), _inplace(operator.irshift)

    def __matmul__(self, other: Any) -> Any:
        operand = _operand(other)
        return operand if operand is NotImplemented else self._wrap(self._values() @ operand)

    def __rmatmul__(self, other: Any) -> Any:
        operand = _operand(other)
        return operand if operand is NotImplemented else self._wrap(operand @ self._values())

    def __imatmul__(self, other: Any) -> Any:
        operand = _operand(other)
        if operand is NotImplemented:
            return NotImplemented
        array: Any = self._values()
        array @= operand
        return self
