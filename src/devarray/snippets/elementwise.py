"""`ElementwiseKernel`: a text that is run for each element of arrays that broadcast together."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.device import Device
from devarray.graph import Node, index_node, map_node
from devarray.kernels.ops import Loop
from devarray.layout import Shape
from devarray.manipulation import broadcast_to
from devarray.operands import device_of, on_stream
from devarray.raw import RawKernel
from devarray.record import fresh, fresh_buffer, write
from devarray.registry import get_device
from devarray.snippets.arguments import (
    Call,
    Signature,
    Walked,
    at_hand,
    check_texts,
    defined,
    scalar_for,
)
from devarray.snippets.signature import Param, Types, parse_params
from devarray.snippets.text import (
    assigned_first,
    c_name,
    define,
    is_cpp,
    is_dear,
    is_plain,
    uses,
    words,
)
from devarray.snippets.threads import (
    BLOCK,
    Slot,
    Texts,
    count_name,
    kernel_text,
    launch,
    named_sizes,
    size_values,
    slots_for,
    whole_indices,
)

__all__ = ["ElementwiseKernel"]

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
        in_params: str | Sequence[Param],
        out_params: str | Sequence[Param],
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
        options = check_texts(name, options, **texts._asdict())
        ins, outs = parse_params(in_params), parse_params(out_params)
        self.in_params, self.out_params, self.params = ins, outs, ins + outs
        self.signature = Signature(ins, outs, name)
        if not outs and not any(p.raw for p in ins):
            raise ValueError(f"kernel {name} has no output")
        self.nin, self.nout, self.nargs = len(ins), len(outs), len(ins) + len(outs)
        self.preamble, self.options = defined(preamble, options)
        self.name, self.operation = name, operation
        self.no_return, self.return_tuple = no_return, return_tuple
        self.reduce_dims = reduce_dims
        numbered = {f"in{k}": p for k, p in enumerate(ins)}
        numbered |= {f"out{k}": p for k, p in enumerate(outs)}
        names = {p.name for p in self.params}
        for alias in sorted(words(operation) & numbered.keys() - names):
            operation = re.sub(rf"\b{alias}\b", numbered[alias].name, operation)
        mentioned = words(operation + "\n" + self.preamble)
        self._aliases = {f"{k}_type": p for k, p in numbered.items() if f"{k}_type" in mentioned}
        self._texts = texts._replace(operation=operation, preamble=self.preamble)
        self._plain = self._find_plain()
        self._cpp = is_cpp(operation, self.preamble)
        # outputs that the text may read
        self._read = {p.name for p in outs if not assigned_first(operation, p.name)}
        self._mutable = frozenset[str]()
        mentioned = words(self._texts.operation) - names
        self._counts = [name for name in ("i", "n") if name in mentioned]
        self._specials: dict[Any, tuple[Loop, ...]] = {}
        self._kernels: dict[Any, tuple[RawKernel, dict[str, Any]]] = {}

    def _find_plain(self) -> bool:
        """Say whether the text can be a function of fused kernels."""
        text = self._texts
        if any(p.raw for p in self.params) or not self.out_params or self.options or not text.once:
            return False
        operation = text.operation
        if all(p.name != "n" for p in self.params):
            operation = re.sub(r"\b_ind\s*\.\s*size\s*\(\s*\)", "n", operation)
        types = (*self.signature.generic, *self._aliases)
        if uses(operation, "_ind") or not is_plain(operation, text.preamble, (), types):
            return False
        self._texts = text._replace(operation=operation)
        return True

    def __repr__(self) -> str:
        return f"<elementwise kernel {self.name}>"

    @property
    def fuses(self) -> bool:
        """Whether the text becomes part of expressions, rather than a kernel of its own."""
        return self._plain

    def fuses_on(self, device: Device, types: Types | None = None) -> bool:
        """Say whether the kernel `fuses`, on devices that compile it as C as well.

        C has no operators for complex numbers, which generic types may be: `types`.
        """
        if device.cpp or not self._plain:
            return self._plain
        dtypes = [*(p.dtype for p in self.params if p.dtype is not None), *(types or {}).values()]
        return not self._cpp and all(dtype.kind != "c" for dtype in dtypes)

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
            ins, outs = args[: self.nin], args[self.nin :]
            results = self.apply(self.signature.bind(device, ins, outs, size), block_size or BLOCK)
        if self.no_return:
            return None
        return results[0] if len(results) == 1 and not self.return_tuple else tuple(results)

    def apply(self, call: Call, block: int = BLOCK) -> list[Any]:
        """Return the outputs of a call."""
        if not self.fuses_on(call.device, call.types):
            return self._run(call, block)
        nodes = self.nodes(call)
        if len(nodes) == 1 and call.outs:
            write(call.outs[0], nodes[0], "output array is read-only")
            return list(call.outs)
        # arrays that own their nodes: what one output overwrites, the others have read before
        arrays = [fresh(node, call.device) for node in nodes]
        for k, out in enumerate(call.outs):
            node, arrays[k] = arrays[k]._node(), None
            write(out, node, "output array is read-only")
        return list(call.outs) or arrays

    def _types(self, types: Types) -> Types:
        """Return the types that the text may name."""
        return types | {alias: p.of(types) for alias, p in self._aliases.items()}

    # ---- as part of an expression

    def nodes(self, call: Call) -> list[Node]:
        """Return the outputs as nodes, of a kernel that `fuses`."""
        loops = self._special(call.types, bool(call.outs))
        shape = call.shape
        sources = [
            o.value if type(o.value) is Node else scalar_for(o.value, dtype, p.name, self.name)
            for p, o, dtype in zip(self.in_params, call.operands, loops[0].ins, strict=False)
        ]
        before = zip(self.out_params, call.outs, strict=False)
        sources += [x._node() for p, x in before if p.name in self._read]
        if self._counts:
            walked = call.walked or Walked(0, 1, math.prod(shape))
            counts = {"i": _index_of(shape, walked), "n": walked.n}
            sources += [counts[name] for name in self._counts]
        return [map_node(loop, tuple(sources or (0,)), shape) for loop in loops]

    def _special(self, types: Types, given: bool) -> tuple[Loop, ...]:
        """Return the rows for a choice of dtypes; `given`: the outputs have values before."""
        key = (*[dtype.char for dtype in types.values()], given)
        found = self._specials.get(key)
        if found is not None:
            return found
        text = self._texts
        ins = [(p.name, p.of(types)) for p in self.in_params]
        outs = [(p.name, p.of(types)) for p in self.out_params]
        before = {name: f"{name}_before_" for name, _ in outs if given and name in self._read}
        ins += [(before[name], dtype) for name, dtype in outs if name in before]
        ins += [(name, INDEX) for name in self._counts]
        ins = ins or [("nothing_", INDEX)]
        found = self._specials[key] = define(
            self.name, text.operation, text.preamble, self._types(types), ins, outs, before,
            self._mutable, is_dear(text.operation),
        )  # fmt: skip
        return found

    # ---- as a kernel of its own

    def _run(self, call: Call, block: int) -> list[Any]:
        kernel, sizes = self._kernel(call)
        results: list[Any] = [at_hand(x) for x in call.outs]
        if not call.outs:
            dtypes = [p.of(call.types) for p in self.out_params]
            results = [fresh_buffer(call.device, call.shape, dtype) for dtype in dtypes]

        def placed(array: DeviceArray) -> DeviceArray:
            array = broadcast_to(array, call.shape)
            return array.copy() if any(_shifted(array, x) for x in results) else array

        values, arrays = call.values(self.in_params, self.name, placed)
        arrays |= {p.name: x for p, x in zip(self.out_params, results, strict=True)}
        count = math.prod(call.shape)
        values = [count, *values, *results, *size_values(sizes, arrays, self.name)]
        launch(kernel, count, block, self._texts.once, values)
        for given, result in zip(call.outs, results, strict=False):
            if result is not given:
                given[...] = result
        return list(call.outs) or results

    def _kernel(self, call: Call) -> tuple[RawKernel, dict[str, Any]]:
        key = call.key()
        found = self._kernels.get(key)
        if found is not None:
            return found
        raws = [p.name for p in self.params if p.raw]
        total = count_name([p.name for p in self.params])
        types = self._types(call.types)
        texts, sizes = named_sizes(self._texts, raws, total)
        known = [*self.params, *(Param(name, "int64", INDEX) for name in (total, *sizes))]
        preamble = texts.pop(1)
        texts = whole_indices(texts, raws, types, known)
        texts.insert(1, preamble)
        slots = slots_for(self.in_params, call)
        for p in self.out_params:
            kind = "inout" if call.outs and p.name in self._read else "out"
            slots.append(Slot.of(p, call.types, "" if p.raw else kind, constant=False))
        slots += [Slot(name, "long long", False) for name in sizes]
        source = kernel_text(self.name, slots, types, Texts(*texts))
        kernel = RawKernel(source, c_name(self.name), self.options)
        found = self._kernels[key] = (kernel, sizes)
        return found


def _shifted(array: DeviceArray, out: DeviceArray) -> bool:
    """Say whether writing an element of `out` may change another element of `array`."""
    return array._buffer is out._buffer and array._layout() != out._layout()


def _index_of(shape: Shape, walked: Walked) -> Node:
    """Return what ``i`` is for each element, in C order."""
    steps = [walked.step * math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    return index_node(shape, tuple(steps), walked.start)
