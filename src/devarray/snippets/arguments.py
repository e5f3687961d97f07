"""The arguments of a call: checked, with the types that they decide and the shape they have."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from devarray.array import DeviceArray
from devarray.device import Device
from devarray.errors import HostMixError, UnsupportedError
from devarray.graph import Node
from devarray.kernels.ops import canonical, weak_value
from devarray.layout import Shape, broadcast_shapes
from devarray.operands import Operand, as_operand
from devarray.record import fresh, write
from devarray.snippets.signature import Param, Types

__all__ = [
    "Call", "Signature", "Walked", "at_hand", "check_output", "check_texts", "defined",
    "given_or_new", "scalar_for",
]  # fmt: skip

DType = np.dtype[Any]

_MACRO = re.compile(r"-D\s*(\w+)(?:=([^\n]*))?")


def check_texts(name: Any, options: Any, **texts: Any) -> tuple[str, ...]:
    """Return the options; raise if a text is none, or the name no name.

    Raises
    ------
    TypeError, ValueError
    """
    for label, text in texts.items():
        if not isinstance(text, str):
            raise TypeError(f"{label} must be a str of C, got {type(text).__name__}")
    if not isinstance(name, str) or not name:
        raise ValueError(f"the name of a kernel is a str such as 'squared_diff', not {name!r}")
    if isinstance(options, str):
        raise TypeError("options is a sequence of strings, not a string")
    return tuple(options)


def defined(preamble: str, options: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return a preamble with the macros of options that only define some, and no options then."""
    found = [_MACRO.fullmatch(option) for option in options]
    if not all(found):
        return preamble, options
    return "".join(f"#define {m[1]} {m[2] or '1'}\n" for m in found if m) + preamble, ()


def at_hand(array: DeviceArray) -> DeviceArray:
    """Return an array in C order: itself, or a copy."""
    return array if array._layout().dense else array.copy()


def given_or_new(out: Any, value: Node | DeviceArray, device: Device) -> Any:
    """Return an array with a value: `out`, or another one where that is None."""
    if out is not None:
        node = value if isinstance(value, Node) else value._node()
        write(out, node, "output array is read-only")
        return out
    return fresh(value, device) if isinstance(value, Node) else value


def scalar_for(value: Any, dtype: DType, name: str, kernel: str) -> Any:
    """Return a scalar as a Python number that `dtype` holds.

    Raises
    ------
    TypeError, OverflowError
        If it would lose its kind (a float for an integer parameter), or does not fit.
    """
    rank = {"b": 0, "i": 1, "u": 1, "f": 2, "c": 3}
    mine = {bool: "b", int: "i", float: "f", complex: "c"}[type(value)]
    if rank[mine] > rank[dtype.kind]:
        raise TypeError(
            f"kernel {kernel}: parameter {name!r} is {dtype.name}; {value!r} would lose its value "
            f"in it: pass numpy.{dtype.name}({value!r}) if that is meant"
        )
    if dtype.kind in "iu":
        return weak_value(int(value), dtype)
    return {"b": bool, "f": float, "c": complex}[dtype.kind](value)


class Walked(NamedTuple):
    """What the index ``i`` is, if not the number of the element: ``start + step * number``."""

    start: int
    step: int
    n: int


class Call(NamedTuple):
    """The arguments of one call.

    Attributes
    ----------
    args : sequence
        The inputs as they were given; `operands` are the same as nodes and scalars.
    outs : sequence of DeviceArray
        Given outputs: all, or none.
    types : dict
        What the generic types stand for.
    shape : tuple of int
        Of what is computed for each element.
    walked : Walked or None
        None where ``i`` is the number of the element.
    """

    device: Device
    args: Sequence[Any]
    operands: Sequence[Operand]
    outs: Sequence[Any]
    types: Types
    shape: Shape
    walked: Walked | None = None

    def key(self) -> tuple[Any, ...]:
        """Return what a kernel of its own depends on."""
        scalars = [type(o.value) is not Node for o in self.operands]
        return (*[dtype.char for dtype in self.types.values()], *scalars, bool(self.outs))

    def values(
        self, params: Sequence[Param], kernel: str, placed: Callable[[DeviceArray], DeviceArray]
    ) -> tuple[list[Any], dict[str, DeviceArray]]:
        """Return the inputs as a `RawKernel` takes them; and the arrays as they were given.

        `placed` makes what is walked element by element ready for that.
        """
        values: list[Any] = []
        arrays: dict[str, DeviceArray] = {}
        for param, x, operand in zip(params, self.args, self.operands, strict=True):
            if type(operand.value) is not Node:
                dtype = param.of(self.types)
                values.append(dtype.type(scalar_for(operand.value, dtype, param.name, kernel)))
                continue
            array = x if isinstance(x, DeviceArray) else fresh(operand.value, self.device)
            arrays[param.name] = array
            values.append(at_hand(array if param.raw else placed(array)))
        return values, arrays


class Signature:
    """The parameters of a kernel, which arguments are bound to.

    Raises
    ------
    ValueError
        If an input and an output have the same name.
    """

    def __init__(self, ins: tuple[Param, ...], outs: tuple[Param, ...], name: str) -> None:
        self.ins, self.outs, self.name = ins, outs, name
        twice = {p.name for p in ins} & {p.name for p in outs}
        if twice:
            raise ValueError(f"{sorted(twice)[0]!r} is both an input and an output of {name}")
        # the letters that stand for types
        self.generic = tuple(dict.fromkeys(p.type for p in (*ins, *outs) if p.dtype is None))
        self._resolved: dict[Any, Types] = {}

    def bind(
        self,
        device: Device,
        args: Sequence[Any],
        outs: Sequence[Any],
        size: Any = None,
        reduces: bool = False,
    ) -> Call:
        """Return a call with checked arguments.

        With `reduces`, outputs need not have the shape of what is computed.

        Raises
        ------
        TypeError, ValueError, HostMixError, UnsupportedError
        """
        operands = [self._operand(p, x, device) for p, x in zip(self.ins, args, strict=True)]
        for p, x in zip(self.outs, outs, strict=False):
            check_output(f"kernel {self.name}: output {p.name!r}", x, device)
        types = self._resolve(operands, outs)
        shape = self._shape(operands, () if reduces else outs, size)
        return Call(device, args, operands, outs, types, shape)

    def _operand(self, param: Param, x: Any, device: Device) -> Operand:
        what = f"kernel {self.name}: parameter {param.name!r}"
        if param.raw and not isinstance(x, DeviceArray):
            hint = ": copy it to the device, with devarray.to_gpu(x)"
            raise TypeError(
                f"{what} is raw, so it must be a DeviceArray, not {type(x).__name__}"
                + (hint if isinstance(x, np.ndarray) else "")
            )
        operand = as_operand(x, device)
        if operand is None:
            raise TypeError(f"{what} must be a DeviceArray or a number, not {type(x).__name__}")
        return operand

    def _resolve(self, operands: Sequence[Operand], outs: Sequence[Any]) -> Types:
        """Return the dtypes of generic types: arrays decide, then outputs, then scalars."""
        kinds = [(type(o.value) is Node, o.kind) for o in operands]
        key = (*kinds, *[x.dtype for x in outs])
        found = self._resolved.get(key)
        if found is not None:
            return found
        types: Types = {}
        origin: dict[str, str] = {}
        given = [(p, kind) for p, (array, kind) in zip(self.ins, kinds, strict=True) if array]
        given += [(p, x.dtype) for p, x in zip(self.outs, outs, strict=False)]
        for param, dtype in given:
            self._decide(param, dtype, types, origin)
        for param in self.ins:
            if param.dtype is None and param.type not in types:
                same = [o.kind for p, o in zip(self.ins, operands, strict=True) if p[1] == param[1]]
                types[param.type] = scalar_dtype(same)
        for param in self.outs:
            if param.dtype is None and param.type not in types:
                raise TypeError(
                    f"kernel {self.name}: nothing decides the type {param.type} of output "
                    f"{param.name!r}: no input has it; pass an array for the output"
                )
        self._resolved[key] = types
        return types

    def _decide(self, param: Param, dtype: DType, types: Types, origin: dict[str, str]) -> None:
        """Let an array decide the type of its parameter, or raise if another did otherwise."""
        want = param.dtype if param.dtype is not None else types.get(param.type)
        if want is None:
            types[param.type], origin[param.type] = dtype, param.name
        elif want != dtype:
            said = f"is declared {param.type}"
            if param.dtype is None:
                said += f", which is {want.name} because {origin[param.type]!r} is"
            raise TypeError(
                f"kernel {self.name}: parameter {param.name!r} {said}; got an array of "
                f"{dtype.name}: pass it .astype({want.name!r})"
            )

    def _shape(self, operands: Sequence[Operand], outs: Sequence[Any], size: Any) -> Shape:
        walked = [
            o.shape
            for p, o in zip(self.ins, operands, strict=True)
            if not p.raw and type(o.value) is Node
        ]
        places = [x._shape() for p, x in zip(self.outs, outs, strict=False) if not p.raw]
        if size is not None:
            if walked or places:
                raise ValueError(
                    f"kernel {self.name}: size= is for calls in which all arrays are raw"
                )
            if not isinstance(size, (int, np.integer)) or size < 0:
                raise ValueError(f"size must be an integer >= 0, got {size!r}")
            return (int(size),)
        if not walked and not places:
            raise ValueError(
                f"kernel {self.name}: no array says how many elements there are; pass size=, or "
                "an array for the output"
            )
        shape = broadcast_shapes(*walked, *places)
        for place in places:
            if place != shape:
                a, b = (str(s).replace(" ", "") for s in (place, shape))
                raise ValueError(
                    f"non-broadcastable output operand with shape {a} doesn't match the broadcast "
                    f"shape {b}"
                )
        return shape


def check_output(what: str, x: Any, device: Device) -> None:
    """Raise unless `x` is an array that a kernel on `device` may write."""
    if isinstance(x, np.ndarray):
        raise HostMixError(f"{what} is a host array; outputs are device arrays")
    if not isinstance(x, DeviceArray):
        raise TypeError(f"{what} must be a DeviceArray, not {type(x).__name__}")
    if x.device is not device:
        raise UnsupportedError(
            f"{what} is on {x.device.name}, the inputs are on {device.name}; copy one to the "
            "other's device first"
        )
    if not x._writeable():
        raise ValueError(f"{what}: output array is read-only")


def scalar_dtype(kinds: Iterable[Any]) -> DType:
    """Return the dtype that scalars decide, as arrays of them would have."""
    dtypes = [np.dtype(kind) if isinstance(kind, type) else kind for kind in kinds]
    return canonical(np.result_type(*dtypes))
