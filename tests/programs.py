"""Random programs over device arrays, each run side by side with NumPy: a Hypothesis state machine.

Every name is a `Pair`: a device array and its NumPy twin. The twin of a view is the view of the
twin, so that aliasing is NumPy's own. An operation runs in NumPy first; what NumPy refuses must be
refused here and change nothing: with the same class of error where DEVARRAY_STRICT_ERRORS=1, else
with any usual one, since often two errors apply at once. Values are small dyadic numbers, so that
+ - * and sums are exact in any order; what NumPy leaves undefined (casts out of range, sums that
round, duplicate indices) is left out.

NumPy keeps the memory order of its operands in new results, devarray makes them C-contiguous
(``np.ascontiguousarray`` of NumPy's): twins of new results are made so, because whether a later
reshape copies depends on it.
"""

from __future__ import annotations

import itertools
import math
import operator
import os
import warnings
from typing import Any, ClassVar

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

import devarray as da
from devarray.record import AS_SCALAR

LARGEST = 64  # elements of one array
NAMES = 12  # alive at a time


class Skip(Exception):  # noqa: N818 - nothing went wrong
    """NumPy leaves the result undefined, or it would not be exact: the step is left out."""


class Pair:
    """A device array and its twin; both None once deleted."""

    def __init__(self, device: Any, twin: Any) -> None:
        self.d = device
        self.n = twin

    def __repr__(self) -> str:
        return "deleted" if self.n is None else f"<{self.n.dtype} {self.n.shape}>"


# What the menu is made of

SHAPES = [
    (), (1,), (2,), (3,), (5,), (0,), (2, 2), (2, 3), (3, 1), (1, 4), (4, 4), (0, 3), (2, 0),
    (2, 3, 2), (1, 2, 2),
]  # fmt: skip
RESHAPES = [
    (-1,), (1, -1), (-1, 1), (2, -1), (-1, 2), (2, 2), (3, 2), (2, 3), (4,), (), (2, 2, 2), (0, -1),
    (0, 3), (16,), (3, 4),
]  # fmt: skip
DTYPES = ("f8", "f4", "i8", "i4", "u1", "?", "c16")

small = st.integers(-3, 3)
edge = st.none() | st.integers(-4, 4)
slices = st.builds(slice, edge, edge, st.sampled_from([None, None, 1, 2, -1, -1, -2]))
plain_slices = st.sampled_from(
    [slice(1, None), slice(None, -1), slice(None), slice(None, None, -1), slice(None, None, 2),
     slice(1, None, 2), slice(-2, None, -1), slice(1, -1), slice(None, -2), slice(2, None),
     slice(0, 0), slice(0, 2), slice(1, 3)]
)  # fmt: skip
parts = plain_slices | slices | st.integers(-2, 1) | st.sampled_from([None, Ellipsis])
keys = parts | st.lists(parts, min_size=0, max_size=3).map(tuple)
regular = plain_slices | st.tuples(plain_slices, plain_slices) | st.just(Ellipsis)
scalars = st.integers(-3, 4) | st.sampled_from([0.5, -1.5, 2.0, True, 1 + 2j, 300])
axes = st.sampled_from([None, 0, 1, -1, 2, (0, 1), (0, -1), ()])

BINARY = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "<": operator.lt, "<=": operator.le,
    "==": operator.eq, "!=": operator.ne, "&": operator.and_, "|": operator.or_,
    "^": operator.xor, "minimum": np.minimum, "maximum": np.maximum,
    "logical_and": np.logical_and, "logical_or": np.logical_or,
}  # fmt: skip
INPLACE = {
    "+=": operator.iadd, "-=": operator.isub, "*=": operator.imul, "&=": operator.iand,
    "|=": operator.ior,
}  # fmt: skip
UNARY = {
    "-": operator.neg, "abs": operator.abs, "logical_not": np.logical_not, "square": np.square,
    "conj": np.conjugate, "floor": np.floor, "~": operator.invert,
}  # fmt: skip
UFUNCS = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "maximum": np.maximum,
    "less": np.less,
}  # fmt: skip
REDUCTIONS = (
    "sum", "prod", "min", "max", "any", "all", "mean", "argmin", "argmax", "count_nonzero",
)  # fmt: skip


# What is exact and defined


def halves(x: Any) -> list[Any]:
    x = np.asarray(x)
    return [x.real, x.imag] if x.dtype.kind == "c" else [x]


def check_exact(x: Any) -> None:
    """Skip results so great that a later step might round or overflow."""
    x = np.asarray(x)
    if x.dtype.kind in "fc" and x.size and not all((np.abs(h) < 2.0**40).all() for h in halves(x)):
        raise Skip
    if x.size > LARGEST:
        raise Skip


def check_sum(x: Any, product: bool = False) -> None:
    """Skip sums and products that are not exact in every order."""
    x = np.asarray(x)
    if x.dtype.kind not in "fc" or not x.size:
        return
    bits = 22 if x.dtype.char in "fF" else 50
    for h in halves(x):
        h = h.astype("f8") * 64
        total = np.prod(np.maximum(np.abs(h), 1)) if product else np.abs(h).sum()
        if not (h == np.rint(h)).all() or not total < 2.0**bits:
            raise Skip


def check_cast(x: Any, dtype: Any) -> None:
    """Skip casts of floats to integers that cannot hold them: undefined in C."""
    x, dtype = np.asarray(x), np.dtype(dtype)
    if x.dtype.kind in "fc" and dtype.kind in "iu" and x.size:
        info = np.iinfo(dtype)
        top = min(float(info.max), 2.0**53)
        if not ((x.real > info.min - 0.5) & (x.real < top)).all():
            raise Skip


def as_twin(x: Any, library: bool = False) -> Any:
    """Return the twin of a new result."""
    if isinstance(x, np.generic) or not np.ndim(x):
        return np.array(x)
    return np.array(x, order="K" if library else "C")


def is_same_error(mine: BaseException, numpys: BaseException) -> bool:
    for kind in type(numpys).__mro__:
        if kind.__module__ in ("builtins", "numpy.exceptions"):
            return isinstance(mine, kind)
    return False


def fits(shape: Any, wanted: Any) -> bool:
    """Say whether `shape` broadcasts to `wanted`."""
    try:
        return np.broadcast_shapes(shape, wanted) == wanted
    except ValueError:
        return False


# where two errors apply, either may come first
USUAL = (TypeError, ValueError, IndexError, OverflowError)
STRICT = os.environ.get("DEVARRAY_STRICT_ERRORS", "0") == "1"


class Programs(RuleBasedStateMachine):
    """Subclasses set the configuration."""

    options: ClassVar[dict[str, Any]] = {}
    each_step = True  # compare all names after every step, or only at the end
    dtypes: ClassVar[tuple[str, ...]] = DTYPES

    arrays = Bundle("arrays")

    def __init__(self) -> None:
        super().__init__()
        self.live: list[Pair] = []
        self.config = da.config(**self.options)

    # Running both sides

    def both(self, function: Any, *pairs: Pair) -> tuple[Any, Any] | None:
        """Run `function` on twins and on the device; None if NumPy refused and devarray, too."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                wanted = function(*[p.n for p in pairs])
            except Skip:
                raise
            except Exception as error:
                numpys: Exception = error
            else:
                return function(*[p.d for p in pairs]), wanted
            try:
                got = function(*[p.d for p in pairs])
            except Exception as mine:
                same = is_same_error(mine, numpys) or (not STRICT and isinstance(mine, USUAL))
                assert same, f"NumPy raised {numpys!r}, devarray {mine!r}"
                return None
            raise AssertionError(f"NumPy raised {numpys!r}, devarray returned {got!r}")

    def dry(self, function: Any, *pairs: Pair) -> Any:
        """Run `function` on copies of the twins, to see if it is exact; None if NumPy refuses."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                return function(*[p.n for p in pairs])
            except Skip:
                raise
            except Exception:
                return None

    def name(self, device: Any, twin: Any) -> Any:
        """Keep a result as a new name."""
        assert isinstance(device, da.DeviceArray), f"a {type(device).__name__}, not a DeviceArray"
        assert device.shape == twin.shape, f"shape {device.shape}, in NumPy {twin.shape}"
        if device._load is AS_SCALAR:  # a scalar in NumPy; the twin is an array
            device = device.copy()
        assert device.dtype == twin.dtype, f"dtype {device.dtype}, in NumPy {twin.dtype}"
        if len(self.live) >= NAMES or twin.size > LARGEST:
            return multiple()
        pair = Pair(device, twin)
        self.live.append(pair)
        return pair

    def view(self, function: Any, *pairs: Pair) -> Any:
        found = self.both(function, *pairs)
        if found is None:
            return multiple()
        device, twin = found
        return self.name(device, np.array(twin) if isinstance(twin, np.generic) else twin)

    def fresh(self, function: Any, *pairs: Pair, library: bool = False) -> Any:
        try:
            result = self.dry(function, *pairs)
            if result is not None:
                check_exact(result)
        except Skip:
            return multiple()
        found = self.both(function, *pairs)
        if found is None:
            return multiple()
        return self.name(found[0], as_twin(found[1], library))

    def change(self, function: Any, *pairs: Pair, guard: Any = None) -> None:
        """Run something that writes; `guard` sees the twins first and may skip."""
        try:
            if guard is not None:
                self.dry(guard, *pairs)
        except Skip:
            return
        self.both(function, *pairs)

    # New names

    @rule(
        target=arrays,
        dtype=st.sampled_from(range(len(DTYPES))),
        shape=st.sampled_from(SHAPES),
        step=st.integers(1, 4),
    )
    def create(self, dtype: int, shape: Any, step: int) -> Any:
        kind = np.dtype(self.dtypes[dtype % len(self.dtypes)])
        values = (np.arange(math.prod(shape)) * step + step) % 7 - (0 if kind.kind in "u" else 3)
        host = values.reshape(shape).astype(kind)
        if kind.kind == "c":
            host = np.asarray(host + 1j * host[..., ::-1] if host.ndim else host + 2j)
        if kind.kind == "b":
            host = np.asarray((values % step == 0).reshape(shape))
        return self.name(da.asarray(host), host.copy())

    @rule(
        target=arrays,
        dtype=st.integers(0, 6),
        shape=st.sampled_from(SHAPES),
        value=st.integers(0, 2),
    )
    def full(self, dtype: int, shape: Any, value: int) -> Any:
        kind = self.dtypes[dtype % len(self.dtypes)]
        return self.name(da.full(shape, value, dtype=kind), np.full(shape, value, dtype=kind))

    @rule(target=arrays, n=st.integers(0, 6))
    def arange(self, n: int) -> Any:
        return self.name(da.arange(n, dtype="f8"), np.arange(n, dtype="f8"))

    # Views

    @rule(target=arrays, a=arrays, key=keys)
    def index(self, a: Pair, key: Any) -> Any:
        # test_hazards.py: test_empty_index_of_a_0d_array_is_a_snapshot
        if key == () and a.n.ndim == 0:
            return multiple()
        return self.view(lambda x: x[key], a)

    @rule(target=arrays, a=arrays, key=regular)
    def part(self, a: Pair, key: Any) -> Any:
        return self.view(lambda x: x[key], a)

    @rule(target=arrays, a=arrays, order=st.integers(0, 5))
    def transpose(self, a: Pair, order: int) -> Any:
        orders = list(itertools.permutations(range(a.n.ndim)))
        return self.view(lambda x: x.transpose(orders[order % len(orders)]), a)

    @rule(target=arrays, a=arrays)
    def flip_axes(self, a: Pair) -> Any:
        return self.view(lambda x: x.T, a)

    @rule(target=arrays, a=arrays, i=st.integers(-2, 1), k=st.integers(-1, 2))
    def swapaxes(self, a: Pair, i: int, k: int) -> Any:
        return self.view(lambda x: x.swapaxes(i, k), a)

    @rule(target=arrays, a=arrays, shape=st.sampled_from(RESHAPES))
    def reshape(self, a: Pair, shape: Any) -> Any:
        return self.view(lambda x: x.reshape(shape), a)

    @rule(target=arrays, a=arrays)
    def ravel(self, a: Pair) -> Any:
        return self.view(lambda x: x.ravel(), a)

    @rule(target=arrays, a=arrays, which=st.sampled_from(["real", "imag"]))
    def half(self, a: Pair, which: str) -> Any:
        return self.view(lambda x: getattr(x, which), a)

    @rule(
        target=arrays,
        a=arrays,
        lead=st.sampled_from([(), (1,), (2,), (3,)]),
        last=st.sampled_from([0, 2, 3]),
    )
    def broadcast_to(self, a: Pair, lead: Any, last: int) -> Any:
        shape = a.n.shape
        if shape and shape[-1] == 1 and last:
            shape = (*shape[:-1], last)
        return self.view(lambda x: np.broadcast_to(x, (*lead, *shape)), a)

    # New results

    @rule(target=arrays, a=arrays)
    def copy(self, a: Pair) -> Any:
        return self.fresh(lambda x: x.copy(), a)

    @rule(target=arrays, a=arrays, dtype=st.integers(0, 6))
    def astype(self, a: Pair, dtype: int) -> Any:
        kind = self.dtypes[dtype % len(self.dtypes)]
        try:
            check_cast(a.n, kind)
        except Skip:
            return multiple()
        return self.fresh(lambda x: x.astype(kind), a)

    @rule(target=arrays, op=st.sampled_from(sorted(BINARY)), a=arrays, b=arrays)
    def binary(self, op: str, a: Pair, b: Pair) -> Any:
        return self.fresh(BINARY[op], a, b)

    @rule(
        target=arrays,
        op=st.sampled_from(["+", "-", "*", "<", "==", "maximum"]),
        a=arrays,
        value=scalars,
        swap=st.booleans(),
    )
    def binary_scalar(self, op: str, a: Pair, value: Any, swap: bool) -> Any:
        f = BINARY[op]
        return self.fresh((lambda x: f(value, x)) if swap else (lambda x: f(x, value)), a)

    @rule(target=arrays, op=st.sampled_from(sorted(UNARY)), a=arrays)
    def unary(self, op: str, a: Pair) -> Any:
        if a.n.dtype.kind == "c" and op == "abs":
            return multiple()
        return self.fresh(UNARY[op], a)

    @rule(target=arrays, a=arrays, k=regular, m=regular, value=small)
    def stencil(self, a: Pair, k: Any, m: Any, value: int) -> Any:
        return self.fresh(lambda x: x[k] * value + x[m], a)

    @rule(target=arrays, c=arrays, a=arrays, b=arrays)
    def where(self, c: Pair, a: Pair, b: Pair) -> Any:
        return self.fresh(np.where, c, a, b)

    @rule(target=arrays, a=arrays, value=small)
    def where_compared(self, a: Pair, value: int) -> Any:
        if a.n.dtype.kind == "u":
            value = abs(value)
        return self.fresh(lambda x: np.where(x > value, x, value), a)

    @rule(target=arrays, a=arrays, low=st.integers(-2, 1), high=st.integers(0, 3))
    def clip(self, a: Pair, low: int, high: int) -> Any:
        if a.n.dtype.kind == "u":  # test_hazards.py: test_clip_to_limits_beyond_the_dtype
            low, high = abs(low), high + 2
        return self.fresh(lambda x: np.clip(x, low, high), a)

    @rule(
        target=arrays, name=st.sampled_from(REDUCTIONS), a=arrays, axis=axes, keepdims=st.booleans()
    )
    def reduce(self, name: str, a: Pair, axis: Any, keepdims: bool) -> Any:
        try:
            self._check_reduction(name, a.n, axis)
        except Skip:
            return multiple()
        return self.fresh(lambda x: getattr(np, name)(x, axis=axis, keepdims=keepdims), a)

    @rule(
        target=arrays,
        name=st.sampled_from(["sum", "max", "any", "mean"]),
        a=arrays,
        m=arrays,
        axis=axes,
    )
    def reduce_where(self, name: str, a: Pair, m: Pair, axis: Any) -> Any:
        if name == "mean" and axis == ():  # test_hazards.py: test_mean_along_no_axes_with_a_mask
            return multiple()
        # test_hazards.py: test_mask_of_more_dimensions_is_refused
        if m.n.dtype.kind != "b" or name == "mean" or not fits(m.n.shape, a.n.shape):
            m = Pair(da.ones((), "?"), np.ones((), "?"))
        try:
            self._check_reduction(name, a.n, axis)
        except Skip:
            return multiple()
        options: dict[str, Any] = {"axis": axis, "where": None}
        if name == "max":
            options["initial"] = 0
        return self.fresh(lambda x, w: getattr(np, name)(x, **{**options, "where": w}), a, m)

    def _check_reduction(self, name: str, x: Any, axis: Any) -> None:
        if name in ("argmin", "argmax") and isinstance(axis, tuple):
            raise Skip
        # test_hazards.py: test_reduction_of_a_0d_array_along_an_axis
        if x.ndim == 0 and axis in (0, -1):
            raise Skip
        if x.dtype.kind == "c" and name in ("min", "max", "argmin", "argmax"):
            raise Skip  # the order of complex numbers
        if name in ("sum", "mean"):
            check_sum(x)
        if name == "prod":
            check_sum(x, product=True)
        if name == "mean":
            one = axis if isinstance(axis, tuple) else range(x.ndim) if axis is None else (axis,)
            try:
                count = math.prod(x.shape[k] for k in one)
            except IndexError:
                return
            if count not in (1, 2, 4, 8, 16):
                raise Skip

    @rule(target=arrays, a=arrays, axis=st.sampled_from([None, 0, 1, -1]))
    def cumsum(self, a: Pair, axis: Any) -> Any:
        try:
            check_sum(a.n)
        except Skip:
            return multiple()
        return self.fresh(lambda x: np.cumsum(x, axis=axis), a)

    @rule(
        target=arrays,
        a=arrays,
        op=st.sampled_from(["+", "-", "==", "*"]),
        name=st.sampled_from(["sum", "max", "min"]),
    )
    def against_reduction(self, a: Pair, op: str, name: str) -> Any:
        try:
            self._check_reduction(name, a.n, None)
        except Skip:
            return multiple()
        return self.fresh(lambda x: BINARY[op](x, getattr(x, name)()), a)

    @rule(target=arrays, a=arrays, m=arrays)
    def masked(self, a: Pair, m: Pair) -> Any:
        if m.n.dtype.kind != "b" or not (m.n.size or m.n.shape == a.n.shape):  # as in store_masked
            return multiple()
        return self.fresh(lambda x, w: x[w], a, m, library=True)

    @rule(target=arrays, a=arrays, at=st.lists(st.integers(-2, 2), max_size=3))
    def take(self, a: Pair, at: list[int]) -> Any:
        i = np.array(at, "i8")
        return self.fresh(lambda x, i: x[i], a, Pair(da.asarray(i), i), library=True)

    # Writes

    @rule(a=arrays, key=keys, value=scalars)
    def store_scalar(self, a: Pair, key: Any, value: Any) -> None:
        # test_hazards.py: test_slice_of_a_0d_array_is_refused
        if key == slice(None) and not a.n.ndim:
            return
        self.change(
            lambda x: operator.setitem(x, key, value), a, guard=lambda x: check_cast(value, x.dtype)
        )

    @rule(a=arrays, key=keys | regular, b=arrays)
    def store(self, a: Pair, key: Any, b: Pair) -> None:
        if key == slice(None) and not a.n.ndim:
            return

        def guard(x: Any, y: Any) -> None:
            check_cast(y, x.dtype)
            # test_hazards.py: test_array_into_one_element_is_refused
            if y.ndim and np.ndim(x[key]) == 0:
                raise Skip

        self.change(lambda x, y: operator.setitem(x, key, y), a, b, guard=guard)

    @rule(
        a=arrays,
        key=keys | regular,
        b=arrays,
        name=st.sampled_from(["sum", "max", "min", "any", "cumsum"]),
        axis=st.sampled_from([0, 1, -1]),
    )
    def store_reduction(self, a: Pair, key: Any, b: Pair, name: str, axis: int) -> None:
        def reduced(y: Any) -> Any:
            y = getattr(np, name)(y, axis=axis)
            return y.astype(a.n.dtype)

        def guard(x: Any, y: Any) -> None:
            self._check_reduction("sum" if name == "cumsum" else name, y, axis)
            check_exact(reduced(y))
            check_cast(reduced(y), x.dtype)
            if np.ndim(reduced(y)) and np.ndim(x[key]) == 0:
                raise Skip

        self.change(lambda x, y: operator.setitem(x, key, reduced(y)), a, b, guard=guard)

    @rule(a=arrays, k=regular, m=regular)
    def store_shifted(self, a: Pair, k: Any, m: Any) -> None:
        def step(x: Any) -> None:
            x[k] = x[m]

        self.change(step, a)

    @rule(a=arrays, k=regular, m=regular, value=small)
    def store_stencil(self, a: Pair, k: Any, m: Any, value: int) -> None:
        def guard(x: Any) -> None:
            y = x[m] * value + x[k]
            check_exact(y)
            check_cast(y, x.dtype)

        def step(x: Any) -> None:
            x[k] = x[m] * value + x[k]

        self.change(step, a, guard=guard)

    @rule(a=arrays, k=regular, m=regular, op=st.sampled_from(sorted(INPLACE)))
    def inplace_shifted(self, a: Pair, k: Any, m: Any, op: str) -> None:
        def step(x: Any) -> None:
            part = x[k]
            INPLACE[op](part, x[m])

        self.change(step, a, guard=lambda x: check_exact(BINARY[op[0]](x[k], x[m])))

    @rule(a=arrays, b=arrays, op=st.sampled_from(sorted(INPLACE)))
    def inplace(self, a: Pair, b: Pair, op: str) -> None:
        self.change(INPLACE[op], a, b, guard=lambda x, y: check_exact(BINARY[op[0]](x, y)))

    @rule(a=arrays, value=scalars, op=st.sampled_from(["+=", "-=", "*="]))
    def inplace_scalar(self, a: Pair, value: Any, op: str) -> None:
        self.change(
            lambda x: INPLACE[op](x, value), a, guard=lambda x: check_exact(BINARY[op[0]](x, value))
        )

    @rule(a=arrays, name=st.sampled_from(["sum", "max", "min"]), op=st.sampled_from(["+=", "-="]))
    def inplace_reduction(self, a: Pair, name: str, op: str) -> None:
        def guard(x: Any) -> None:
            self._check_reduction(name, x, None)
            check_exact(BINARY[op[0]](x, getattr(x, name)()))

        self.change(lambda x: INPLACE[op](x, getattr(x, name)()), a, guard=guard)

    @rule(a=arrays, b=arrays)
    def cross(self, a: Pair, b: Pair) -> None:
        def step(x: Any, y: Any) -> None:
            x[...], y[...] = y, x

        def guard(x: Any, y: Any) -> None:
            check_cast(x, y.dtype)
            check_cast(y, x.dtype)
            if x.shape != y.shape:  # one of the two stores could fail after the other
                raise Skip

        self.change(step, a, b, guard=guard)

    @rule(a=arrays, m=arrays, value=scalars)
    def store_masked(self, a: Pair, m: Pair, value: Any) -> None:
        # test_hazards.py: test_empty_mask_of_another_shape
        if m.n.dtype.kind == "b" and (m.n.size or m.n.shape == a.n.shape):
            self.change(
                lambda x, w: operator.setitem(x, w, value),
                a,
                m,
                guard=lambda x, w: check_cast(value, x.dtype),
            )

    @rule(a=arrays, limit=small, value=st.integers(0, 3))
    def store_compared(self, a: Pair, limit: int, value: int) -> None:
        def step(x: Any) -> None:
            x[x > limit] = value

        self.change(step, a)

    @rule(a=arrays, limit=small)
    def update_masked(self, a: Pair, limit: int) -> None:
        def step(x: Any) -> None:
            w = x > limit
            x[w] = x[w] + x[w]

        def guard(x: Any) -> None:
            check_exact(x + x)
            if x.ndim == 0:
                raise Skip

        self.change(step, a, guard=guard)

    @rule(
        a=arrays, at=st.lists(st.integers(0, 2), max_size=3, unique=True), value=st.integers(0, 3)
    )
    def store_taken(self, a: Pair, at: list[int], value: int) -> None:
        i = np.array(at, "i8")
        self.change(lambda x, i: operator.setitem(x, i, value), a, Pair(da.asarray(i), i))

    @rule(op=st.sampled_from(sorted(UFUNCS)), a=arrays, b=arrays, c=arrays)
    def out(self, op: str, a: Pair, b: Pair, c: Pair) -> None:
        f = UFUNCS[op]
        self.change(
            lambda x, y, z: f(x, y, out=z), a, b, c, guard=lambda x, y, z: check_exact(f(x, y))
        )

    @rule(op=st.sampled_from(sorted(UFUNCS)), a=arrays, b=arrays, c=arrays, m=arrays)
    def out_where(self, op: str, a: Pair, b: Pair, c: Pair, m: Pair) -> None:
        f = UFUNCS[op]
        if m.n.dtype.kind == "b":
            self.change(
                lambda x, y, z, w: f(x, y, out=z, where=w),
                a,
                b,
                c,
                m,
                guard=lambda x, y, z, w: check_exact(f(x, y)),
            )

    @rule(a=arrays, c=arrays, axis=axes)
    def reduce_out(self, a: Pair, c: Pair, axis: Any) -> None:
        def guard(x: Any, z: Any) -> None:
            check_sum(x)
            check_exact(x.sum())
            if z.dtype != x.sum().dtype:
                raise Skip

        if a.n.ndim or axis not in (0, -1):
            self.change(lambda x, z: np.sum(x, axis=axis, out=z), a, c, guard=guard)

    # Evaluation and names

    @rule(a=arrays, b=arrays)
    def evaluate(self, a: Pair, b: Pair) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            da.evaluate(a.d, b.d)

    @rule(a=arrays, b=arrays)
    def swap(self, a: Pair, b: Pair) -> None:
        a.d, b.d, a.n, b.n = b.d, a.d, b.n, a.n

    @rule(a=consumes(arrays))
    def delete(self, a: Pair) -> None:
        self.live.remove(a)
        a.d = a.n = None

    @invariant()
    def compare_each_step(self) -> None:
        if self.each_step:
            self.compare()

    def compare(self) -> None:
        for k, pair in enumerate(self.live):
            with warnings.catch_warnings():  # test_hazards.py: test_evaluation_does_not_warn
                warnings.simplefilter("ignore")
                got = pair.d.get()
            assert got.shape == pair.n.shape and got.dtype == pair.n.dtype
            if not np.array_equal(got, pair.n, equal_nan=pair.n.dtype.kind in "fc"):
                raise AssertionError(f"name {k} differs\ndevarray: {got!r}\nNumPy:    {pair.n!r}")

    def teardown(self) -> None:
        try:
            self.compare()
        finally:
            self.live.clear()
            self.config.__exit__(None, None, None)
