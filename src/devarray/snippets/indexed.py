"""`IndexedKernel`: elementwise kernels with a C argument list, which index arrays with ``i``."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.device import Device
from devarray.errors import HostMixError
from devarray.graph import Node
from devarray.operands import device_of, on_stream
from devarray.raw import RawKernel
from devarray.record import fresh_buffer
from devarray.registry import get_device
from devarray.snippets.arguments import Call, Walked, check_texts, scalar_for
from devarray.snippets.elementwise import ElementwiseKernel
from devarray.snippets.signature import Param, parse_arguments
from devarray.snippets.text import c_name, code_of, complex_words, outside
from devarray.snippets.threads import BLOCK, Slot, Texts, kernel_text, launch

__all__ = ["IndexedKernel", "check_arguments", "passed", "slots_of", "vectors_of"]

_WRITES = re.compile(r"\s*(?:=(?!=)|[-+*/%&|^]=|<<=|>>=|\+\+|--)")
_BEFORE = re.compile(r"(?:\+\+|--|(?<!&)&)\s*\Z")


def use_of(code: str, name: str) -> tuple[bool, bool]:
    """Say whether a text (without comments) uses an array as ``x[i]`` only, and may write it."""
    elements, written = True, False
    for match in re.finditer(rf"(?<![.\w]){name}\b", code):
        bracket = re.match(r"\s*\[", code[match.end() :])
        if bracket is None:
            elements, written = False, True  # it is passed on, say
            continue
        start = match.end() + bracket.end()
        end = _closing(code, start)
        behind = re.sub(r"\A(?:\s*\.\s*\w+)+", "", code[end + 1 :])
        before = _BEFORE.search(code[: match.start()])
        written |= _WRITES.match(behind) is not None or before is not None
        address = before is not None and before[0].strip() == "&"
        elements &= code[start:end].strip() == "i" and not address
    return elements, written


def _closing(code: str, start: int) -> int:
    """Return where the bracket closes that was opened before `start`."""
    depth = 1
    for at in range(start, len(code)):
        depth += (code[at] == "[") - (code[at] == "]")
        if depth == 0:
            return at
    raise ValueError(f"a bracket is not closed in {code!r}")


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
    if not x._layout().dense and not _columns(x):
        raise ValueError(f"{what} is not contiguous: pass x.copy()")
    flat: DeviceArray = (x if x._layout().dense else x.T).reshape(-1)
    return flat


def _columns(x: DeviceArray) -> bool:
    """Say whether an array is contiguous in Fortran order."""
    return x.T._layout().dense


def vectors_of(params: Sequence[Param], args: Sequence[Any]) -> list[DeviceArray]:
    """Return the arrays that stand for pointers; the first says how many elements there are."""
    return [x for p, x in zip(params, args, strict=True) if p.vector]


def slots_of(params: Sequence[Param], written: Container[str]) -> list[Slot]:
    """Return the parameters of a kernel in CUDA C for those of an argument list."""
    return [
        Slot(p.name, complex_words(p.type), p.vector, p.constant or p.name not in written)
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
        arguments: str | Sequence[Param],
        operation: str,
        name: str = "kernel",
        *,
        preamble: str = "",
        loop_prep: str = "",
        after_loop: str = "",
        options: Sequence[str] = (),
        types: Mapping[str, Any] | None = None,
    ) -> None:
        self._texts = texts = Texts(operation, preamble, loop_prep, after_loop)
        self.options = check_texts(name, options, **texts._asdict())
        self.params = params = parse_arguments(arguments, types)
        self.name, self.operation = name, operation
        if not any(p.vector for p in params):
            raise ValueError(f"kernel {name} has no array among its arguments: {arguments!r}")
        code = code_of("\n".join((operation, loop_prep, after_loop)))
        uses = {p.name: use_of(code, p.name) for p in params if p.vector}
        self._elements = {x for x, (elements, _) in uses.items() if elements}  # used as x[i] only
        self._written = {x for x, (_, written) in uses.items() if written}
        self._plain = self._as_elementwise() if self._elements == uses.keys() else None
        self._kernels: dict[bool, RawKernel] = {}

    def _as_elementwise(self) -> ElementwiseKernel | None:
        """Return the kernel that computes the elements, if it is one that fuses."""
        params, written = self.params, self._written
        if not written or any(p.constant and p.name in written for p in params):
            return None
        if any(p.dtype is None or p.dtype.kind == "V" for p in params):
            return None
        element = re.compile(rf"(?<![.\w])({'|'.join(self._elements)})\s*\[\s*i\s*\]")
        texts = self._texts._asdict()
        texts["operation"] = outside(lambda part: element.sub(r"\1", part), self.operation)
        kernel = ElementwiseKernel(
            [p for p in params if p.name not in written],
            [p for p in params if p.name in written],
            name=self.name,
            options=self.options,
            **texts,
        )
        kernel._mutable = frozenset(p.name for p in params if not p.vector)
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
        n = vectors_of(self.params, args)[0].size
        indices = _indices(range, slice, n)
        for p, x in zip(self.params, args, strict=True):
            if p.name in self._written and not x._writeable():
                raise ValueError(f"{self._what(p.name)}: output array is read-only")
        with on_stream(device, stream):
            if self._plain is None or not self._plain.fuses_on(device):
                self._run(args, n, indices, block_size or BLOCK)
            else:
                self._plain.apply(self._call(device, self.params, args, n, indices))

    def values(self, device: Device, args: Sequence[Any]) -> Node:
        """Return the values that the text gives its last parameter, for arguments without it."""
        params, out = self.params[:-1], self.params[-1]
        vectors = vectors_of(params, args)
        n, kernel = vectors[0].size, self._plain
        if kernel is not None and kernel.fuses_on(device) and len(kernel.out_params) == 1:
            return kernel.nodes(self._call(device, params, args, n, None))[0]
        same = {x.shape for x in vectors} == {vectors[0].shape}
        shape = vectors[0].shape if same else (n,)
        columns = same and all(_columns(x) for x in vectors)
        assert out.dtype is not None
        result = fresh_buffer(device, shape[::-1] if columns else shape, out.dtype)
        result = result.T if columns else result
        self._run((*args, result), n, None, BLOCK)
        node: Node = result._node()
        return node

    def _call(
        self, device: Device, params: Sequence[Param], args: Sequence[Any], n: int, indices: Any
    ) -> Call:
        """Return the call of the kernel that fuses: arrays are the elements that are walked."""
        assert self._plain is not None
        found: dict[str, Any] = {p.name: x for p, x in zip(params, args, strict=True)}
        vectors = {p.name: found[p.name] for p in params if p.vector}
        walked = None
        if indices is None and len({x.shape for x in vectors.values()}) == 1:
            if all(_columns(x) for x in vectors.values()):  # i counts as memory does
                found |= {name: x.T for name, x in vectors.items()}
        else:
            count = builtins_range(n) if indices is None else indices
            walked = Walked(count.start, count.step, n)
            for name, x in vectors.items():
                flat = flatten(x, self._what(name))
                self._check_bounds(x.size, name, count)
                stop = count.stop if count.step > 0 or count.stop >= 0 else None
                found[name] = flat[slice(count.start, stop, count.step) if count else slice(0)]
        signature = self._plain.signature
        ins = [found[p.name] for p in signature.ins]
        outs = [found[p.name] for p in signature.outs if p.name in found]
        return signature.bind(device, ins, outs)._replace(walked=walked)

    def _what(self, name: str) -> str:
        return f"kernel {self.name}: argument {name!r}"

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
            slots = slots_of(self.params, self._written)
            source = kernel_text(self.name, slots, {}, self._texts, ranged)
            kernel = RawKernel(source, c_name(self.name), self.options)
            self._kernels[ranged] = kernel
        vectors = vectors_of(self.params, args)
        if not all(x._layout().dense for x in vectors) and not all(map(_columns, vectors)):
            raise ValueError(
                f"kernel {self.name} indexes memory, so its arrays must be contiguous, all of them "
                "in C order or all in Fortran order: pass x.copy()"
            )
        count = indices if ranged else builtins_range(n)
        for p, x in zip(self.params, args, strict=True):
            if p.name in self._elements:
                self._check_bounds(x.size, p.name, count)
        sizes = [n, count.start, count.step, len(count)] if ranged else [n]
        values = [*sizes, *passed(self.params, args, self.name)]
        launch(kernel, len(count), block, self._texts.once, values)


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
