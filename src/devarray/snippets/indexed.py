"""`IndexedKernel`: elementwise kernels with a C argument list, which index arrays with ``i``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from devarray.array import DeviceArray
from devarray.device import Device
from devarray.errors import HostMixError
from devarray.graph import Node
from devarray.layout import transpose_layout
from devarray.operands import device_of, on_stream
from devarray.raw import RawKernel
from devarray.record import fresh_buffer
from devarray.registry import get_device
from devarray.snippets.elementwise import ElementwiseKernel
from devarray.snippets.pieces import Texts, Walked, c_name, check_texts, scalar_for
from devarray.snippets.signature import Param, parse_arguments
from devarray.snippets.text import code_of, outside
from devarray.snippets.threads import BLOCK, Slot, blocks_for, kernel_text

__all__ = ["IndexedKernel", "Use", "check_arguments", "passed", "slots_of", "use_of"]

_WRITES = re.compile(r"\s*(?:=(?!=)|[-+*/%&|^]=|<<=|>>=|\+\+|--)")
_BEFORE = re.compile(r"(?:\+\+|--|(?<!&)&)\s*\Z")


class Use(NamedTuple):
    """How a text uses an array.

    Attributes
    ----------
    elements : bool
        Only as ``x[i]``.
    written : bool
        It may be written.
    """

    elements: bool
    written: bool


def use_of(text: str, name: str) -> Use:
    """Return how a text uses an array."""
    code = code_of(text)
    elements, written = True, False
    for match in re.finditer(rf"(?<![.\w]){name}\b", code):
        bracket = re.match(r"\s*\[", code[match.end() :])
        if bracket is None:
            elements, written = False, True  # it is passed on, say
            continue
        start = match.end() + bracket.end()
        end = _closing(code, start)
        elements &= code[start:end].strip() == "i"
        behind = re.sub(r"\A(?:\s*\.\s*\w+)+", "", code[end + 1 :])
        before = _BEFORE.search(code[: match.start()])
        written |= _WRITES.match(behind) is not None or before is not None
        elements &= before is None or before[0].strip() != "&"
    return Use(elements, written)


def _closing(code: str, start: int) -> int:
    """Return where the bracket closes that was opened before `start`."""
    depth = 1
    for at in range(start, len(code)):
        depth += (code[at] == "[") - (code[at] == "]")
        if depth == 0:
            return at
    raise ValueError(f"a bracket is not closed in {code!r}")


def element_of(text: str, names: Sequence[str]) -> str:
    """Return a text in which arrays stand for their elements: ``x[i]`` becomes ``x``."""

    def change(part: str) -> str:
        for name in names:
            part = re.sub(rf"(?<![.\w]){name}\s*\[\s*i\s*\]", name, part)
        return part

    return outside(change, text)


def check_arguments(params: Sequence[Param], args: Sequence[Any], name: str) -> None:
    """Raise unless arguments fit a C argument list.

    Raises
    ------
    TypeError, HostMixError
    """
    if len(args) != len(params):
        listed = ", ".join(f"{p.type} {'*' if p.vector else ''}{p.name}" for p in params)
        raise TypeError(
            f"kernel {name} takes {len(params)} arguments ({listed}); {len(args)} were given"
        )
    for p, x in zip(params, args, strict=True):
        what = f"kernel {name}: argument {p.name!r}"
        if isinstance(x, np.ndarray) and x.ndim:
            raise HostMixError(f"{what} is a host array: copy it with devarray.to_gpu(x)")
        if isinstance(x, DeviceArray) != p.vector and not (
            isinstance(x, DeviceArray) and x.ndim == 0
        ):
            wanted = "a DeviceArray" if p.vector else "a number"
            raise TypeError(f"{what} must be {wanted}, not {type(x).__name__}")
        known = p.dtype is not None and p.dtype.kind != "V"
        if isinstance(x, DeviceArray) and known and x.dtype != p.dtype:
            raise TypeError(
                f"{what} is declared {p.type}, which is {p.dtype}; got an array of {x.dtype}: "
                f"pass it .astype({str(p.dtype)!r})"
            )


def flatten(x: DeviceArray, what: str) -> DeviceArray:
    """Return an array's memory as one axis.

    Raises
    ------
    ValueError
        If it is not contiguous.
    """
    if x.ndim == 1:
        return x
    flat: DeviceArray
    if x._layout().dense:
        flat = x.reshape(-1)
        return flat
    if _columns(x):
        flat = x.T.reshape(-1)
        return flat
    raise ValueError(f"{what} is not contiguous: pass x.copy()")


def _columns(x: DeviceArray) -> bool:
    """Say whether an array is contiguous in Fortran order."""
    layout = x._layout()
    axes = tuple(reversed(range(len(layout.shape))))
    return transpose_layout(layout, axes, x.dtype.itemsize).dense


def slots_of(params: Sequence[Param], written: set[str]) -> list[Slot]:
    """Return the parameters of a kernel in CUDA C for those of an argument list."""
    return [
        Slot(
            p.name,
            re.sub(r"(?:\w+::)?complex\s*<", "sn_complex<", p.type),
            p.vector,
            p.constant or p.name not in written,
        )
        for p in params
    ]


def passed(params: Sequence[Param], args: Sequence[Any], name: str) -> list[Any]:
    """Return arguments as `RawKernel` takes them."""
    values: list[Any] = []
    for p, x in zip(params, args, strict=True):
        if p.vector or isinstance(x, (np.void, bytes)):
            values.append(x)
            continue
        value = x.item() if isinstance(x, (DeviceArray, np.generic, np.ndarray)) else x
        assert p.dtype is not None
        if not isinstance(value, (bool, int, float, complex)) or p.dtype.kind == "V":
            raise TypeError(
                f"kernel {name}: argument {p.name!r} is {p.type}, not {type(x).__name__}"
            )
        values.append(p.dtype.type(scalar_for(value, p.dtype, p.name, name)))
    return values


class IndexedKernel:
    """A text of C that is run for each index ``i`` of arrays of equal shapes.

    As in PyCUDA, parameters are a C argument list, pointers are arrays, and results are written to
    arguments. Texts that use arrays as ``x[i]`` only become part of expressions, as those of
    `ElementwiseKernel` do; arrays need not be contiguous then. Others are kernels in CUDA C.

    Parameters
    ----------
    arguments : str
        Such as ``"float a, const float *x, float *y"``.
    operation : str
        Statements, such as ``"y[i] = a * x[i]"``. ``n`` is the size of the first array.
    name : str
    preamble, loop_prep, after_loop, options
        See `ElementwiseKernel`.
    types : mapping, optional
        Further types of C, such as structs of the preamble: name -> dtype.

    Examples
    --------
    >>> import devarray as da
    >>> from devarray.snippets import IndexedKernel
    >>> axpy = IndexedKernel("double a, double *x, double *y", "y[i] += a * x[i]")
    >>> x, y = da.arange(4.0), da.ones(4)
    >>> axpy(2, x, y)
    >>> y
    array([1., 3., 5., 7.], device='openmp')
    """

    def __init__(
        self,
        arguments: str,
        operation: str,
        name: str = "kernel",
        *,
        preamble: str = "",
        loop_prep: str = "",
        after_loop: str = "",
        options: Sequence[str] = (),
        types: Mapping[str, Any] | None = None,
    ) -> None:
        texts = Texts(operation, preamble, loop_prep, after_loop)
        self._setup(parse_arguments(arguments, types), texts, name, options)

    def _setup(self, params: tuple[Param, ...], texts: Texts, name: str, options: Any) -> None:
        self.params, self._texts = params, texts
        self.options = check_texts(texts, name, options)
        self.name, self.operation = name, texts.operation
        operation, _, loop_prep, after_loop = texts
        if not any(p.vector for p in params):
            raise ValueError(f"kernel {name} has no array among its arguments")
        around = "\n".join((operation, loop_prep, after_loop))
        self._uses = {p.name: use_of(around, p.name) for p in self.params if p.vector}
        self._plain = self._as_elementwise()
        self._kernels: dict[bool, RawKernel] = {}

    def _as_elementwise(self) -> ElementwiseKernel | None:
        """Return the kernel that computes the elements, if the text only uses elements."""
        uses = self._uses
        written = {name for name, use in uses.items() if use.written}
        declared = {p.name for p in self.params if p.constant}
        if not all(use.elements for use in uses.values()) or not written or written & declared:
            return None
        if any(p.dtype is None or p.dtype.kind == "V" for p in self.params):
            return None
        ins = tuple(p for p in self.params if p.name not in written)
        outs = tuple(p for p in self.params if p.name in written)
        texts = self._texts._replace(operation=element_of(self.operation, list(uses)))
        kernel = ElementwiseKernel.__new__(ElementwiseKernel)
        kernel._setup(ins, outs, texts, self.name, self.options)
        kernel._mutable = frozenset(p.name for p in self.params if not p.vector)
        return kernel if kernel.fuses else None

    def __repr__(self) -> str:
        return f"<indexed kernel {self.name}>"

    @property
    def fuses(self) -> bool:
        """Whether the text becomes part of expressions, rather than a kernel of its own."""
        return self._plain is not None

    def __call__(
        self,
        *args: Any,
        range: slice | None = None,
        slice: slice | None = None,
        block_size: int | None = None,
        stream: Any = None,
    ) -> None:
        """Run the text for each index.

        Parameters
        ----------
        *args : DeviceArray or number
        range, slice : slice, optional
            The indices to run it for: ``range`` has a start, a stop and perhaps a step, ``slice``
            is as in an index of the first array.
        block_size : int, optional
            Threads of a block, where the text is a kernel of its own.
        stream : Stream, optional

        Raises
        ------
        TypeError, HostMixError
            For a wrong number of arguments, or another type than is declared.
        ValueError
            If sizes of arrays do not fit, or an array that is written is read-only.
        IndexError
            If indices of `range` are beyond an array.
        """
        if range is not None and slice is not None:
            raise TypeError("range and slice are two ways to say the indices: give one of them")
        check_arguments(self.params, args, self.name)
        device = device_of(args) or get_device()
        vectors = [x for p, x in zip(self.params, args, strict=True) if p.vector]
        n = vectors[0].size
        indices = _indices(range, slice, n)
        for p, x in zip(self.params, args, strict=True):
            if p.vector and self._uses[p.name].written and not x._writeable():
                raise ValueError(
                    f"kernel {self.name}: argument {p.name!r}: output array is read-only"
                )
        with on_stream(device, stream):
            if self._plain is not None:
                self._fused(device, args, n, indices)
            else:
                self._run(args, n, indices, block_size or BLOCK)

    def _fused(self, device: Device, args: Sequence[Any], n: int, indices: Any) -> None:
        assert self._plain is not None
        by_name, walked = self._elements(self.params, args, n, indices)
        kernel = self._plain
        ins = [by_name[p.name] for p in kernel.in_params]
        outs = [by_name[p.name] for p in kernel.out_params]
        kernel.apply(device, ins, outs, walked=walked)

    def values(self, device: Device, args: Sequence[Any]) -> Node:
        """Return the values that the text gives its last parameter, for arguments without it."""
        params, out = self.params[:-1], self.params[-1]
        vectors = [x for p, x in zip(params, args, strict=True) if p.vector]
        n = vectors[0].size
        kernel = self._plain
        if kernel is None or len(kernel.out_params) != 1:
            same = {x.shape for x in vectors} == {vectors[0].shape}
            shape = vectors[0].shape if same else (n,)
            result = fresh_buffer(device, shape, out.dtype)  # type: ignore[arg-type]
            if same and all(_columns(x) for x in vectors):
                result = fresh_buffer(device, shape[::-1], out.dtype).T  # type: ignore[arg-type]
            self._run((*args, result), n, None, BLOCK)
            node: Node = result._node()
            return node
        by_name, walked = self._elements(params, args, n, None)
        (node,) = kernel.computed(device, [by_name[p.name] for p in kernel.in_params], walked)
        return node

    def _elements(
        self, params: Sequence[Param], args: Sequence[Any], n: int, indices: Any
    ) -> tuple[dict[str, Any], Walked | None]:
        """Return arguments by name, arrays as the elements that are walked; and what ``i`` is."""
        places = [k for k, p in enumerate(params) if p.vector]
        values = list(args)
        shapes = {args[k].shape for k in places}
        walked = None
        if indices is None and len(shapes) == 1:
            if all(_columns(args[k]) for k in places):  # i counts as memory does
                for k in places:
                    values[k] = args[k].T
        else:
            count = builtins_range(n) if indices is None else indices
            walked = Walked(count.start, count.step, n)
            for k in places:
                name = params[k].name
                values[k] = self._part(flatten(args[k], self._what(name)), name, count)
        return {p.name: x for p, x in zip(params, values, strict=True)}, walked

    def _what(self, name: str) -> str:
        return f"kernel {self.name}: argument {name!r}"

    def _part(self, x: DeviceArray, name: str, indices: Any) -> DeviceArray:
        """Return the elements at some indices, as a view."""
        self._check_bounds(x.size, name, indices)
        cut = slice(0)
        if indices:
            stop = indices.stop if indices.step > 0 or indices.stop >= 0 else None
            cut = slice(indices.start, stop, indices.step)
        part: DeviceArray = x[cut]
        return part

    def _check_bounds(self, size: int, name: str, indices: Any) -> None:
        for index in (indices[0], indices[-1]) if indices else ():
            if not 0 <= index < size:
                raise IndexError(
                    f"{self._what(name)} has {size} elements: index {index} is out of bounds"
                )

    def _run(self, args: Sequence[Any], n: int, indices: Any, block: int) -> None:
        ranged = indices is not None
        kernel = self._kernels.get(ranged)
        if kernel is None:
            kernel = self._kernels[ranged] = self._make(ranged)
        count = len(indices) if ranged else n
        vectors = [x for p, x in zip(self.params, args, strict=True) if p.vector]
        rows = all(x._layout().dense for x in vectors)
        if not rows and not all(_columns(x) for x in vectors):
            raise ValueError(
                f"kernel {self.name} indexes memory, so its arrays must be contiguous, all of them "
                "in C order or all in Fortran order: pass x.copy()"
            )
        values: list[Any] = [n]
        if ranged:
            values += [indices.start, indices.step, count]
        for p, x in zip(self.params, args, strict=True):
            if p.vector and self._uses[p.name].elements:
                self._check_bounds(x.size, p.name, indices if ranged else builtins_range(n))
        values += passed(self.params, args, self.name)
        if count:
            once = not (self._texts.loop_prep + self._texts.after_loop).strip()
            kernel((blocks_for(count, block, once),), (block,), tuple(values))

    def _make(self, ranged: bool) -> RawKernel:
        slots = slots_of(self.params, {name for name, use in self._uses.items() if use.written})
        name = c_name(self.name)
        source = kernel_text(name, self.name, slots, {}, *self._texts, ranged=ranged)
        return RawKernel(source, name, self.options)


builtins_range = range


def _indices(given: Any, cut: Any, n: int) -> Any:
    """Return the indices as a range, or None for all."""
    for label, value in (("range", given), ("slice", cut)):
        if value is not None and not isinstance(value, slice):
            raise TypeError(f"{label} must be a slice, not {type(value).__name__}")
    if cut is not None:
        return range(*cut.indices(n))
    if given is None:
        return None
    if given.start is None or given.stop is None:
        raise ValueError("range needs a start and a stop; slice= may leave them out")
    return range(given.start, given.stop, 1 if given.step is None else given.step)
