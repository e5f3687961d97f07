"""`ElementwiseKernel`: a text that is run for each element of arrays that broadcast together."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.device import Device
from devarray.graph import Node, map_node
from devarray.kernels.ops import run_time_loop
from devarray.layout import Shape, broadcast_shapes
from devarray.manipulation import broadcast_to
from devarray.operands import Operand, as_operand, device_of, on_stream
from devarray.raw import RawKernel
from devarray.record import fresh, fresh_buffer, write
from devarray.registry import get_device
from devarray.snippets.pieces import (
    Special,
    Texts,
    Walked,
    aliases_of,
    at_hand,
    c_name,
    check_output,
    check_texts,
    defined,
    index_of,
    renamed,
    scalar_dtype,
    scalar_for,
    shifted,
)
from devarray.snippets.signature import Param, Types, c_type, parse_params, resolve
from devarray.snippets.text import assigned_first, define, is_dear, is_plain, uses, words
from devarray.snippets.threads import BLOCK, Slot, blocks_for, kernel_text, named_sizes

__all__ = ["ElementwiseKernel"]

DType = np.dtype[Any]
INDEX = np.dtype(np.int64)


class ElementwiseKernel:
    """A text of C that is run for each element of arrays, which are broadcast against each other.

    Where the text only computes, it becomes part of the expression: calling the kernel returns
    pending arrays, and what is computed before and afterwards is fused with it into one kernel of
    the device. Texts that index arrays (`raw` parameters), that need threads, or that call what is
    not known here become kernels of their own, in CUDA C (see `RawKernel`).

    Parameters
    ----------
    in_params, out_params : str
        Such as ``"float32 x, T y, raw T z"``. A type is a NumPy dtype's name, or one letter for a
        type that the arguments decide, which the text can use by that name. What a `raw` parameter
        holds is indexed by the text, ``z[i + 1]``, in C order; ``z.size()`` is its size.
    operation : str
        Statements that give each output a value. ``i`` is the number of the element in C order,
        ``n`` (or ``_ind.size()``) how many there are; ``in0``, ``out0`` ... are the parameters by
        position, ``in0_type`` ... their types. ``continue`` ends the element.
    name : str
        What explanations and error messages call it.
    reduce_dims : bool
        Accepted; axes are always merged where memory allows it.
    preamble : str
        Functions (``__device__``), types and macros that the text uses.
    no_return : bool
        Return None.
    return_tuple : bool
        Return a tuple of one output, too.
    options : sequence of str
        For the compiler; the text is a kernel of its own then.
    loop_prep, after_loop : str
        Statements of each thread before and after its elements; a kernel of its own, too.

    Attributes
    ----------
    in_params, out_params, params : tuple of Param
    nin, nout, nargs : int
    name, operation, preamble : str

    Raises
    ------
    TypeError, ValueError
        If the parameters are not well-formed.

    Examples
    --------
    >>> import devarray as da
    >>> norm = da.ElementwiseKernel("T x, T y", "T z", "z = sqrt(x * x + y * y)", "norm")
    >>> norm(da.arange(4.0), 0)
    array([0., 1., 2., 3.], device='openmp')
    """

    def __init__(
        self,
        in_params: str,
        out_params: str,
        operation: str,
        name: str = "kernel",
        reduce_dims: bool = True,
        preamble: str = "",
        no_return: bool = False,
        return_tuple: bool = False,
        *,
        options: Sequence[str] = (),
        loop_prep: str = "",
        after_loop: str = "",
    ) -> None:
        texts = Texts(operation, preamble, loop_prep, after_loop)
        self._setup(parse_params(in_params), parse_params(out_params), texts, name, options)
        self.no_return = no_return
        self.return_tuple = return_tuple
        self.reduce_dims = reduce_dims

    def _setup(
        self,
        ins: tuple[Param, ...],
        outs: tuple[Param, ...],
        texts: Texts,
        name: str,
        options: Any,
    ) -> None:
        preamble, self.options = defined(texts.preamble, check_texts(texts, name, options))
        texts = texts._replace(preamble=preamble)
        self.in_params, self.out_params = ins, outs
        self.params = ins + outs
        twice = {p.name for p in ins} & {p.name for p in outs}
        if twice:
            raise ValueError(f"{sorted(twice)[0]!r} is both an input and an output of {name}")
        if not outs and not any(p.raw for p in ins):
            raise ValueError(f"kernel {name} has no output")
        self.nin, self.nout = len(ins), len(outs)
        self.nargs = self.nin + self.nout
        self.name, self.operation, self.preamble = name, texts.operation, texts.preamble
        self.no_return = self.return_tuple = False
        aliases = aliases_of(ins, outs, words(texts.operation) | words(texts.preamble))
        self._texts = texts._replace(operation=renamed(texts.operation, aliases))
        self._type_names = tuple(dict.fromkeys(p.type for p in self.params if p.dtype is None))
        self._type_aliases = {
            f"{k}{j}_type": p
            for k, group in (("in", ins), ("out", outs))
            for j, p in enumerate(group)
            if uses(texts.operation + texts.preamble, f"{k}{j}_type")
        }
        self._mutable = frozenset[str]()
        self._plain = self._find_plain()
        self._resolved: dict[Any, Types] = {}
        self._read = {
            p.name for p in outs if not assigned_first(self._texts.operation, p.name)
        }  # outputs that the text may read
        self._specials: dict[Any, Special] = {}
        self._kernels: dict[Any, tuple[RawKernel, dict[str, Any]]] = {}

    def _find_plain(self) -> bool:
        """Say whether the text can be a function of fused kernels."""
        text = self._texts
        if any(p.raw for p in self.params) or not self.out_params or self.options:
            return False
        if text.loop_prep.strip() or text.after_loop.strip():
            return False
        operation = re.sub(r"\b_ind\s*\.\s*size\s*\(\s*\)", "n", text.operation)
        if uses(operation, "_ind"):
            return False
        self._texts = text._replace(operation=operation)
        types = (*self._type_names, *self._type_aliases)
        return is_plain(operation, text.preamble, (), types)

    def __repr__(self) -> str:
        return f"<elementwise kernel {self.name}>"

    @property
    def fuses(self) -> bool:
        """Whether the text becomes part of expressions, rather than a kernel of its own."""
        return self._plain

    def __call__(
        self,
        *args: Any,
        size: int | None = None,
        block_size: int | None = None,
        stream: Any = None,
    ) -> Any:
        """Apply the kernel.

        Parameters
        ----------
        *args : DeviceArray or scalar
            The inputs, then perhaps arrays for all outputs, which have the dtypes of their
            parameters and the shape to which the inputs broadcast.
        size : int, optional
            The number of elements, where no array says it.
        block_size : int, optional
            Threads of a block, where the text is a kernel of its own (256).
        stream : Stream, optional

        Returns
        -------
        DeviceArray or tuple of DeviceArray
            The outputs; None for kernels with `no_return`.

        Raises
        ------
        TypeError
            For a wrong number of arguments, or one of another dtype than its parameter.
        ValueError
            If shapes do not broadcast, if nothing says how many elements there are, or if an array
            for an output is read-only.
        HostMixError
            For host arrays.
        CompileError
            When the result is needed, if the text does not compile; lines are those of the text.
        """
        if len(args) not in (self.nin, self.nargs):
            raise TypeError(
                f"kernel {self.name} takes {self.nin} inputs"
                + (f", or {self.nargs} arguments with outputs" if self.nout else "")
                + f" ({', '.join(p.name for p in self.params)}); {len(args)} were given"
            )
        device = device_of(args) or get_device()
        with on_stream(device, stream):
            outs = args[self.nin :]
            results = self.apply(device, args[: self.nin], outs, size, block_size or BLOCK)
        if self.no_return:
            return None
        return results[0] if len(results) == 1 and not self.return_tuple else tuple(results)

    def apply(
        self,
        device: Device,
        ins: Sequence[Any],
        outs: Sequence[Any],
        size: int | None = None,
        block: int = BLOCK,
        walked: Walked | None = None,
    ) -> list[Any]:
        """Return the outputs for checked counts of arguments."""
        operands = [self._operand(p, x, device) for p, x in zip(self.in_params, ins, strict=True)]
        for p, x in zip(self.out_params, outs, strict=False):
            check_output(self.name, p, x, device)
        types = self._resolve(operands, outs)
        shape = self._shape(operands, outs, size)
        if not self._plain:
            return self._run(device, ins, operands, outs, types, shape, block)
        nodes = self._nodes(operands, outs, types, shape, walked)
        if not outs:
            return [fresh(node, device) for node in nodes]
        # arrays that own their nodes: what one output overwrites, the others have read before
        arrays = [fresh(node, device) for node in nodes] if len(nodes) > 1 else []
        for k, out in enumerate(outs):
            node = arrays[k]._node() if arrays else nodes[k]
            write(out, node, "output array is read-only")
            if arrays:
                arrays[k] = None
        return list(outs)

    def computed(self, device: Device, ins: Sequence[Any], walked: Walked | None) -> list[Node]:
        """Return the outputs as nodes, of a kernel that `fuses`."""
        operands = [self._operand(p, x, device) for p, x in zip(self.in_params, ins, strict=True)]
        types = self._resolve(operands, ())
        return self._nodes(operands, (), types, self._shape(operands, (), None), walked)

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
        key = tuple([(type(o.value) is Node, o.kind) for o in operands])
        key += tuple([x.dtype for x in outs])
        found = self._resolved.get(key)
        if found is None:
            found = self._resolved[key] = self._resolve_anew(operands, outs)
        return found

    def _resolve_anew(self, operands: Sequence[Operand], outs: Sequence[Any]) -> Types:
        types: Types = {}
        origin: dict[str, str] = {}
        arrays = [o.kind if type(o.value) is Node else None for o in operands]
        resolve(self.in_params, arrays, self.name, types, origin)
        resolve(self.out_params[: len(outs)], [x.dtype for x in outs], self.name, types, origin)
        for param in self.in_params:
            if param.dtype is None and param.type not in types:
                kinds = [
                    o.kind
                    for p, o in zip(self.in_params, operands, strict=True)
                    if p.type == param.type
                ]
                types[param.type] = scalar_dtype(kinds)
        for param in self.out_params:
            if param.dtype is None and param.type not in types:
                raise TypeError(
                    f"kernel {self.name}: nothing decides the type {param.type} of output "
                    f"{param.name!r}: no input has it; pass an array for the output"
                )
        return types

    def _shape(self, operands: Sequence[Operand], outs: Sequence[Any], size: Any) -> Shape:
        walked = [
            o.shape
            for p, o in zip(self.in_params, operands, strict=True)
            if not p.raw and type(o.value) is Node
        ]
        places = [x._shape() for p, x in zip(self.out_params, outs, strict=False) if not p.raw]
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
        if not places:
            return broadcast_shapes(*walked)
        shape = broadcast_shapes(*walked, *places)
        for place in places:
            if place != shape:
                a, b = (str(s).replace(" ", "") for s in (place, shape))
                raise ValueError(
                    f"non-broadcastable output operand with shape {a} doesn't match the broadcast "
                    f"shape {b}"
                )
        return shape

    # ---- as part of an expression

    def _nodes(
        self,
        operands: Sequence[Operand],
        outs: Sequence[Any],
        types: Types,
        shape: Shape,
        walked: Walked | None,
    ) -> list[Node]:
        special = self._special(types, bool(outs))
        loop = special.loops[0]
        sources = [
            o.value if type(o.value) is Node else scalar_for(o.value, dtype, p.name, self.name)
            for p, o, dtype in zip(self.in_params, operands, loop.ins, strict=False)
        ]
        if outs:
            sources += [
                x._node()
                for p, x in zip(self.out_params, outs, strict=True)
                if p.name in self._read
            ]
        if special.uses_index:
            sources.append(index_of(shape, walked))
        if special.uses_count:
            sources.append(math.prod(shape) if walked is None else walked.n)
        if not sources:
            sources.append(0)
        return [map_node(loop, tuple(sources), shape) for loop in special.loops]

    def _special(self, types: Types, given: bool) -> Special:
        """Return the rows for a choice of dtypes; `given`: the outputs have values before."""
        key = (*(dtype.char for dtype in types.values()), given)
        found = self._specials.get(key)
        if found is None:
            found = self._specials[key] = self._make(types, given)
        return found

    def _make(self, types: Types, given: bool) -> Special:
        text = self._texts
        dtypes = [self._dtype(p, types) for p in self.params]
        ins = [(p.name, d) for p, d in zip(self.in_params, dtypes, strict=False)]
        outs = [(p.name, d) for p, d in zip(self.out_params, dtypes[self.nin :], strict=True)]
        before = {}
        for name, dtype in outs:
            if given and name in self._read:
                before[name] = f"{name}_before_"
                ins.append((before[name], dtype))
        mentioned = words(text.operation) - {p.name for p in self.params}
        uses_index, uses_count = "i" in mentioned, "n" in mentioned
        ins += [("i", INDEX)] * uses_index + [("n", INDEX)] * uses_count
        if not ins:
            ins.append(("nothing_", INDEX))
        known = types | {a: self._dtype(p, types) for a, p in self._type_aliases.items()}
        made = define(
            self.name, text.operation, text.preamble, known, ins, outs, before, self._mutable
        )
        loops = run_time_loop(
            self.name,
            made.definition,
            made.calls,
            [dtype for _, dtype in ins],
            [dtype for _, dtype in outs],
            dear=is_dear(text.operation, text.preamble),
        )
        return Special(loops, uses_index, uses_count)

    def _dtype(self, param: Param, types: Mapping[str, DType]) -> DType:
        return types[param.type] if param.dtype is None else param.dtype

    # ---- as a kernel of its own

    def _run(
        self,
        device: Device,
        ins: Sequence[Any],
        operands: Sequence[Operand],
        outs: Sequence[Any],
        types: Types,
        shape: Shape,
        block: int,
    ) -> list[Any]:
        scalars = tuple(type(o.value) is not Node for o in operands)
        kernel, sizes = self._kernel(types, scalars, bool(outs))
        results = [
            at_hand(x) if outs else fresh_buffer(device, shape, self._dtype(p, types))
            for p, x in zip(self.out_params, outs or self.out_params, strict=True)
        ]
        values: list[Any] = [math.prod(shape)]
        by_name: dict[str, Any] = {}
        for param, x, operand in zip(self.in_params, ins, operands, strict=True):
            if type(operand.value) is not Node:
                dtype = self._dtype(param, types)
                values.append(dtype.type(scalar_for(operand.value, dtype, param.name, self.name)))
                continue
            array = x if isinstance(x, DeviceArray) else fresh(operand.value, device)
            by_name[param.name] = array
            if not param.raw:
                array = broadcast_to(array, shape)
                if any(shifted(array, x) for x in results):
                    array = array.copy()
            values.append(at_hand(array))
        values += results
        by_name |= {p.name: x for p, x in zip(self.out_params, results, strict=True)}
        for name, axis in sizes.values():
            array = by_name[name]
            if axis is not None and axis >= array.ndim:
                raise ValueError(
                    f"kernel {self.name}: {name}.shape()[{axis}] of an array of {array.ndim} axes"
                )
            values.append(np.int64(array.size if axis is None else array.shape[axis]))
        count = math.prod(shape)
        if count:
            once = not (self._texts.loop_prep + self._texts.after_loop).strip()
            kernel((blocks_for(count, block, once),), (block,), tuple(values))
        for given, result in zip(outs, results, strict=False):
            if result is not given:
                given[...] = result
        return list(outs) if outs else results

    def _kernel(
        self, types: Types, scalars: tuple[bool, ...], given: bool
    ) -> tuple[RawKernel, dict[str, Any]]:
        key = (*(dtype.char for dtype in types.values()), scalars, given)
        found = self._kernels.get(key)
        if found is not None:
            return found
        text = self._texts
        raws = [p.name for p in self.params if p.raw]
        sizes: dict[str, Any] = {}
        changed = []
        for piece in (text.operation, text.loop_prep, text.after_loop):
            piece, here = named_sizes(piece, raws)
            changed.append(piece)
            sizes |= here
        slots = []
        for p, scalar in zip(self.in_params, scalars, strict=True):
            element = "" if p.raw or scalar else "in"
            slots.append(Slot(p.name, c_type(self._dtype(p, types)), not scalar, True, element))
        for p in self.out_params:
            kind = "inout" if given and p.name in self._read else "out"
            slots.append(
                Slot(p.name, c_type(self._dtype(p, types)), True, False, "" if p.raw else kind)
            )
        slots += [Slot(name, "long long", False) for name in sizes]
        known = types | {a: self._dtype(p, types) for a, p in self._type_aliases.items()}
        name = c_name(self.name)
        source = kernel_text(
            name, self.name, slots, known, changed[0], text.preamble, changed[1], changed[2]
        )
        kernel = RawKernel(source, name, self.options)
        found = self._kernels[key] = (kernel, sizes)
        return found
