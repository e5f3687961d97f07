"""The table: one row an op, and everything that is derived from a row's ufunc.

A row's key is its reference implementation: the NumPy ufunc (or function) that gives result dtypes,
identities, error texts, and the results themselves where no kernel is at hand. The rows stand in
`rows.py`; the C functions that their texts call in ``include/scalar.h``. This module knows nothing
of arrays, devices or kernels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from devarray.errors import UnsupportedError

__all__ = [
    "C_TYPES",
    "DTYPES",
    "OPS",
    "Loop",
    "Op",
    "canonical",
    "canonical_values",
    "op",
    "run_time_loop",
    "weak_value",
]

DType = np.dtype[Any]
Weak = type[int] | type[float] | type[complex]
Text = str | tuple[str, ...]

# dtype character -> C type in kernel text. float16 is stored as 16 bits and computed in f32,
# rounded after each op.
C_TYPES = {
    "?": "b8", "b": "i8", "h": "i16", "i": "i32", "l": "i64",
    "B": "u8", "H": "u16", "I": "u32", "L": "u64",
    "e": "f16", "f": "f32", "d": "f64", "F": "c64", "D": "c128",
}  # fmt: skip
_CODES = ("?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16")
DTYPES: tuple[DType, ...] = tuple(np.dtype(code) for code in _CODES)
_CANONICAL: dict[DType, DType] = {dtype: dtype for dtype in DTYPES}
BOOL = np.dtype("?")


def canonical(dtype: DType) -> DType:
    """Return the one dtype object that stands for `dtype` here (`int64` for `longlong`, say).

    Raises
    ------
    UnsupportedError
        For dtypes that devices do not compute with (object, datetime, longdouble, structured, text
        ...).
    """
    try:
        return _CANONICAL[dtype]
    except KeyError:
        pass
    if not dtype.isnative:
        raise UnsupportedError(
            f"byte order {dtype.byteorder!r} is not supported on devices: change it on the host, "
            f"with x.get().astype({dtype.str!r})"
        )
    known = {(d.kind, d.itemsize): d for d in DTYPES}.get((dtype.kind, dtype.itemsize))
    if known is None:
        names = ", ".join(d.name for d in DTYPES)
        raise UnsupportedError(
            f"dtype {dtype.name!r} is not supported on devices; supported are {names}"
        )
    return known


def canonical_values(dtype: DType) -> DType:
    """Return the dtype that a host array's values take on a device, whatever its byte order."""
    return canonical(dtype if dtype.isnative else dtype.newbyteorder("="))


class Loop(NamedTuple):
    """One row for one choice of dtypes: what the kernel writer needs.

    It is resolved once and then looked up.
    """

    op: Op
    ins: tuple[DType, ...]  # operands are cast to these
    out: DType
    text: str  # C text of the result with {0}, {1}, {2} for the operands
    code: int  # unique in this process; part of a kernel's structural key
    exact: bool
    dear: bool  # dearer to compute again than to store and load
    position: int  # which of the op's results this is


class Op:
    """A row of the table.

    Attributes
    ----------
    name : str
        NumPy's name.
    ufunc : callable
        The reference implementation.
    answer : callable or None
        What gives the op's results on the host: the ufunc, but where the Array API standard wants
        another result than NumPy's. None: NumPy has no such op, a kernel must compute it.
    definition : str
        Text that a kernel needs before its own functions, for rows that are made at run time.
    like : numpy.ufunc or callable
        What says which dtypes there are, and what errors: the ufunc itself, mostly.
    reduce : str
        Name of the combiner in ``include/reduce.h`` if the op reduces and accumulates in kernels,
        else empty.
    exact : bool
        The kernel's result is NumPy's to the bit.
    loose : str
        Dtype kinds of the main operand for which the kernel is not exact although `exact` says so.
    ulp : int
        Largest error of the kernel where it is not exact, in units in the last place.
    domain : tuple of float
        Interval of arguments from which tests draw, as (low, high).
    dear : bool
        The result is dearer to compute again than to store and load, although it is exact.
    loops : dict
        Cache: operand dtypes (or weak Python types) -> the `Loop` of each output.
    """

    __slots__ = (
        "_texts", "answer", "dear", "definition", "domain", "exact", "like", "loops", "loose",
        "name", "nin", "nout", "reduce", "ufunc", "ulp",
    )  # fmt: skip

    def __init__(
        self, ufunc: Any, text: Text, *, ints: Text | None, bools: Text | None, cplx: Text | None,
        half: Text | None, mixed: Text | None, reduce: str, exact: bool, loose: str, ulp: int,
        domain: tuple[float, float] | None, nin: int, name: str, like: Any, dear: bool, answer: Any,
    ) -> None:  # fmt: skip
        self.name = name
        self.ufunc = ufunc
        self.answer = answer
        self.definition = ""
        self.like = like
        self.dear = dear
        texts = (text,) if isinstance(text, str) else text
        # a text for each output, by the kind of the loop's main operand; bools do as integers if
        # nothing else is said
        given = {
            "i": ints,
            "u": ints,
            "b": ints if bools is None else bools,
            "c": cplx,
            "e": half,
            "mixed": mixed,
        }
        self._texts = {
            k: (t,) if isinstance(t, str) else t for k, t in given.items() if t is not None
        }
        self._texts[""] = texts
        self.reduce = reduce
        self.exact = exact
        self.loose = loose
        self.ulp = ulp
        self.domain = domain
        self.nin = nin
        self.nout = len(texts)
        self.loops: dict[tuple[DType | Weak, ...], tuple[Loop, ...]] = {}

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def texts(self, operand: DType, mixed: bool = False) -> tuple[str, ...]:
        """Return the C text of each output for loops whose main operand has dtype `operand`.

        `mixed` is for comparisons of int64 with uint64, the only loops of arithmetic operands of
        two dtypes.
        """
        kind = "mixed" if mixed else "e" if operand.char == "e" else operand.kind
        return self._texts.get(kind, self._texts[""])

    @property
    def own_half(self) -> bool:
        """Whether the texts for float16 yield numbers that need no rounding to float16 any more."""
        return "e" in self._texts

    def resolve(self, operands: tuple[DType | Weak, ...]) -> tuple[Loop, ...]:
        """Return the loop of each output for operands of these dtypes.

        Python scalars are given as their type.

        Raises
        ------
        TypeError
            NumPy's own, if the ufunc has no loop for these dtypes.
        """
        found = self.loops.get(operands)
        if found is None:
            signature = self.like.resolve_dtypes((*operands, *(None,) * self.nout))
            found = self.loops[operands] = self.make(signature)
        return found

    def make(self, signature: Iterable[DType]) -> tuple[Loop, ...]:
        """Return (and remember) the loops for a full signature: operands' dtypes, then results'."""
        dtypes = tuple(canonical(dtype) for dtype in signature)
        ins, outs = dtypes[: self.nin], dtypes[self.nin :]
        main = (
            ins[-1] if self.nin == 3 else ins[0]
        )  # where(condition, x, y): the condition says nothing
        loops = []
        mixed = ins[0].kind + ins[-1].kind in ("iu", "ui")
        for k, text in enumerate(self.texts(main, mixed)):
            key = (self, k, *dtypes)
            loop = _LOOPS.get(key)
            if loop is None:
                loop = Loop(
                    self,
                    ins,
                    outs[k],
                    text,
                    next(_codes),
                    self.is_exact(main),
                    self.is_dear(main),
                    k,
                )
                loop = _LOOPS.setdefault(key, loop)
            loops.append(loop)
        return tuple(loops)

    def is_exact(self, operand: DType) -> bool:
        """Say whether the result is NumPy's to the bit for operands of this dtype.

        That of integers always is.
        """
        return operand.kind in "bui" or (self.exact and operand.kind not in self.loose)

    def is_dear(self, operand: DType) -> bool:
        """Say whether the result is dearer to compute again than to store and load."""
        return self.dear or not self.exact or operand.kind in self.loose


_LOOPS: dict[tuple[Any, ...], Loop] = {}
_codes = itertools.count()
OPS: dict[Any, Op] = {}  # by ufunc or function


def op(
    ufunc: Any, text: Text, *, ints: Text | None = None, bools: Text | None = None,
    cplx: Text | None = None, half: Text | None = None, mixed: Text | None = None,
    reduce: str = "", exact: bool = False, loose: str = "", ulp: int = 4,
    domain: tuple[float, float] | None = None, nin: int | None = None, name: str = "",
    like: Any = None, dear: bool = False, answer: Any = None,
) -> Op:  # fmt: skip
    """Add a row.

    Parameters
    ----------
    ufunc : numpy.ufunc or callable
        The reference implementation and key of the row.
    text : str or tuple of str
        C text of the result (of each result), with ``{0}``, ``{1}``, ``{2}`` for operands already
        cast to the loop's dtypes.
    ints, bools, cplx : str or tuple of str, optional
        Text for loops over integers, bool (else that for integers) and complex numbers, where it
        differs.
    half : str or tuple of str, optional
        Text for loops over float16, where it differs or where its result needs no rounding to
        float16.
    mixed : str, optional
        Text for comparisons of int64 with uint64.
    reduce, exact, loose, ulp, domain, dear, answer
        See `Op`.
    nin : int, optional
        Number of operands, where `ufunc` does not say.
    name : str, optional
        Name, where it is not the ufunc's.
    like : numpy.ufunc, optional
        The ufunc that has the same dtypes and errors, where `ufunc` is a function.
    """
    row = Op(
        ufunc, text, ints=ints, bools=bools, cplx=cplx, half=half, mixed=mixed, reduce=reduce,
        exact=exact, loose=loose, ulp=0 if exact and not loose else ulp, domain=domain,
        nin=(like or ufunc).nin if nin is None else nin, name=name or ufunc.__name__,
        like=like or ufunc, dear=dear, answer=answer or ufunc,
    )  # fmt: skip
    OPS[ufunc] = row
    return row


def run_time_loop(
    name: str, definition: str, texts: tuple[str, ...], ins: Iterable[DType],
    outs: Iterable[DType], *, dear: bool, reduce: str = "",
) -> tuple[Loop, ...]:  # fmt: skip
    """Return the loops of a row that is made at run time: an op that NumPy does not have.

    Nothing here remembers it: it lives as long as the caller, nodes and plans hold its loops.

    Parameters
    ----------
    name : str
        What explanations call it.
    definition : str
        Functions that the texts call, in the words of ``include/scalar.h`` and the preludes; they
        stand once in each kernel that uses the row.
    texts : tuple of str
        As in `op`, one an output.
    ins, outs : iterable of numpy.dtype
    dear : bool
        See `Op`.
    reduce : str
        "custom" if the op combines two accumulators and has no value that changes nothing.
    """
    ins, outs = tuple(ins), tuple(outs)
    row = Op(
        None, texts, ints=None, bools=None, cplx=None, half=None, mixed=None, reduce=reduce,
        exact=False, loose="", ulp=0, domain=None, nin=len(ins), name=name, like=None, dear=dear,
        answer=None,
    )  # fmt: skip
    row.definition = definition
    return tuple(
        Loop(row, ins, out, text, next(_codes), False, dear, k)
        for k, (text, out) in enumerate(zip(texts, outs, strict=True))
    )


def weak_value(value: Any, dtype: DType) -> Any:
    """Return the Python scalar `value` as one of the loop's `dtype`, or raise OverflowError."""
    if dtype.kind in "ui" and type(value) is int:
        info = np.iinfo(dtype)
        if not info.min <= value <= info.max:
            raise OverflowError(f"Python integer {value} out of bounds for {dtype.name}")
    return value
