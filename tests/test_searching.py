"""Searching, sorting and sets against NumPy, and what the Array API adds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import devarray as da
from agreement import NUMPY_LIBRARY, agree, assert_same_bits

NAN = np.nan
X = np.array([3.0, -0.0, 1.0, 0.0, NAN, -2.0, 1.0, np.inf, NAN, 0.0])
# Which of equal elements comes first is the library's affair if nobody asks for a stable order.
UNSIGNED = X if NUMPY_LIBRARY else X + 0.0  # no -0.0
GRID = np.random.default_rng(3).integers(0, 5, (4, 6)).astype(float)
TWO = np.array([True, False])
BASE = np.arange(5.0)


def like(x: Any, values: Any) -> Any:
    """Return an array where `x` is: on the device, or on the host."""
    return (da if isinstance(x, da.DeviceArray) else np).asarray(values)


SEARCHES = {
    "nonzero": lambda xp, x: xp.nonzero(x),
    "flatnonzero": lambda xp, x: xp.flatnonzero(x),
    "argwhere": lambda xp, x: xp.argwhere(x),
    "extract": lambda xp, x: xp.extract(x > 1, x * 2),
    "where": lambda xp, x: xp.where(x > 1),
    "argmax": lambda xp, x: [xp.argmax(x), xp.argmin(x, axis=-1, keepdims=True)],
    "searchsorted": lambda xp, x: xp.searchsorted(like(x, [0.0, 1.0, 2.0]), x, side="right"),
    "searchsorted, scalar": lambda xp, x: xp.searchsorted(like(x, [0.0, 1.0, 2.0]), 1.5),
    "searchsorted, sorter": lambda xp, x: xp.searchsorted(
        like(x, [2.0, 0.0, 1.0]), [0.5, 1.0], sorter=like(x, [1, 2, 0])
    ),
    "searchsorted, wrong": lambda xp, x: xp.searchsorted(x[None, None], 1.5),
    "digitize": lambda xp, x: [
        xp.digitize(x, like(x, [0.0, 1.0])),
        xp.digitize(like(x, 0.5), [0, 1]),
    ],
    "digitize, wrong": lambda xp, x: xp.digitize(x, like(x, [0.0, 2.0, 1.0])),
    "choose": lambda xp, x: xp.choose(like(x, [0, 1, 1, 0]), [x.ravel()[:4], 10]),
    "choose, wrong": lambda xp, x: xp.choose(like(x, [0, 5]), [1, 2]),
    "choose, wrap": lambda xp, x: [
        xp.choose(like(x, [0, 5, -1]), [1, like(x, 2)], mode=mode)
        for mode in ("wrap", "clip")
    ],
    "partition": lambda xp, x: xp.partition(x, 2)[..., 2],
    "argpartition": lambda xp, x: xp.argpartition(x, 2, axis=-1).shape,
    "lexsort": lambda xp, x: xp.lexsort((x.ravel(), x.ravel() > 1)),
    "sort_complex": lambda xp, x: xp.sort_complex(x),
    "unique": lambda xp, x: xp.unique(x, return_index=True, return_counts=True),
    "isin": lambda xp, x: [
        xp.isin(x, like(x, [1.0, 0.0])),
        xp.isin(x, 1),
        xp.isin(1.0, x),
        xp.isin(x, [1, 2], invert=True),
    ],
    "sets": lambda xp, x: [
        getattr(xp, name)(x, like(x, [1.0, 7.0]))
        for name in ("union1d", "intersect1d", "setdiff1d", "setxor1d")
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    "x", [UNSIGNED, GRID, GRID[::-1, ::2], np.zeros((0, 3))], ids=lambda x: str(x.shape)
)
@pytest.mark.parametrize("name", SEARCHES)
def test_searches(name: str, x: Any) -> None:
    if name == "unique" or name.startswith("digitize"):

        def body(xp: Any, x: Any) -> Any:
            return list(SEARCHES[name](xp, x))

        agree(body, x)
    else:
        agree(SEARCHES[name], x)


def test_nonzero_of_a_scalar_is_refused() -> None:
    agree(lambda xp: xp.nonzero(xp.asarray(1.0)))
    agree(lambda xp, x, out: xp.choose(x, [10, 20], out), np.array([0, 1]), np.zeros(2, int))


# ---- where, select, piecewise


def test_where() -> None:
    for x in (np.ones(2, "u1"), np.ones(2, "f4"), np.ones((3, 1), "i2")):
        for y in (300, -1, 1.5, 1j, True, np.float32(2), np.zeros(2)):
            agree(lambda xp, c, x, y: [xp.where(c, x, y), xp.where(c, y, x)], TWO, x, y)
    agree(lambda xp, c: [xp.where(c, 1, 2.5), xp.where(c, True, 2)], TWO)
    agree(lambda xp, c, x: xp.where(c, x, x), TWO, np.ones(3))
    agree(lambda xp, c, x: xp.where(x, c, 3), TWO, np.array([0.0, NAN]))
    agree(lambda xp, c: xp.where(c, 1), TWO)


SELECTS: list[Any] = [
    lambda xp, x: xp.select([x < 2, x > 3], [x, x * 10]),
    lambda xp, x: xp.select([x < 2, x < 3], [x, 7], default=-1),
    lambda xp, x: xp.select((x < 2,), (3,), 2.5),
    lambda xp, x: xp.select([x < 2, x > 3], [1, 2.5], default=1j),
    lambda xp, x: xp.select([x[:, None] < 2, x > 1], [1, x]),
    lambda xp, x: xp.select([x < 2], [x.astype("u1")], 300),
    lambda xp, x: xp.select([x < 2, x > 3], [x.astype("f4"), x.astype("i4")], 0),
    lambda xp, x: xp.select([x < 2], [[1, 2, 3, 4, 5]], like(x, [[1], [2]])),
    lambda xp, x: xp.select([True, x > 1], [x, 2]),
    lambda xp, x: xp.select([x], [x]),
    lambda xp, x: xp.select([], []),
    lambda xp, x: xp.select([x < 2], [1, 2]),
    lambda xp, x: xp.select([x[:2] < 2], [x]),
    lambda xp, x: xp.select([x < 2], [x], default=[1, 2]),
]


@pytest.mark.parametrize("k", range(len(SELECTS)))
def test_select(k: int) -> None:
    agree(SELECTS[k], BASE)


@pytest.fixture
def lazy() -> Any:
    """Let a test see what is fused, also where the tests run with everything computed at once."""
    with da.config(eager=False):
        yield


def test_select_is_one_kernel(lazy: None, capsys: Any) -> None:
    x = da.arange(5.0)
    da.explain(np.select([x < 2, x > 3], [x * 2.0, -x], x + 1.0), source=False)
    assert capsys.readouterr().out.startswith("1 kernel\n")


PIECES: list[Any] = [
    lambda xp, x: xp.piecewise(x, [x < 2, x > 3], [1, 2]),
    lambda xp, x: xp.piecewise(x, [x < 2, x > 3], [lambda v: v * 10, -1, lambda v: v.max()]),
    lambda xp, x: xp.piecewise(x, [x < 4, x > 1], [lambda v: v + 1, lambda v: v - v.min()]),
    lambda xp, x: xp.piecewise(x, x < 2, [1, 2]),
    lambda xp, x: xp.piecewise(x, [x < 2], [lambda v, a, k: v + a + k], 3, k=4),
    lambda xp, x: xp.piecewise(x, [x > 9], [lambda v: v.max(), 5.5]),
    lambda xp, x: xp.piecewise(x.astype(int), [x < 2], [2.7, lambda v: v * 0.4]),
    lambda xp, x: xp.piecewise(x, [[1, 0, 0, 2, 0]], [5]),
    lambda xp, x: xp.piecewise(x, [1, 0, 0, 2, 0], [5]),
    lambda xp, x: xp.piecewise(x, 1, [4]),
    lambda xp, x: xp.piecewise(x[3:4].reshape(()), x[3:4].reshape(()) > 2, [lambda v: v * 9, 0]),
    lambda xp, x: xp.piecewise(x[:4].reshape(2, 2), [x[:4].reshape(2, 2) > 1], [1, np.negative]),
    lambda xp, x: xp.piecewise(x, xp.stack([x < 1, x > 3]), [lambda v: v + 1, 8, 9]),
    lambda xp, x: xp.piecewise(x, [x < 2], [lambda v: v * 1j]),
    lambda xp, x: xp.piecewise(x[:0], [x[:0] < 2], [lambda v: v.max(), 2]),
    lambda xp, x: xp.piecewise(x, [x < 2], [1, 2, 3]),
    lambda xp, x: xp.piecewise(x, [x < 2, x > 3], [1]),
    lambda xp, x: xp.piecewise(x, [x[:2] < 2], [1]),
    lambda xp, x: xp.piecewise(x, [], [1]),
]


@pytest.mark.parametrize("k", range(len(PIECES)))
def test_piecewise(k: int) -> None:
    agree(PIECES[k], BASE)


def test_functions_of_piecewise() -> None:
    seen: list[Any] = []

    def f(v: Any) -> Any:
        seen.append(v)
        raise ValueError("mine")

    for piecewise in (da.piecewise, np.piecewise):
        x = da.arange(3.0)
        with pytest.raises(ValueError, match=r"^mine$"):
            piecewise(x, [x > 0], [f])  # type: ignore[call-overload,operator]
    assert [type(v).__mro__[-3] is not np.ndarray for v in seen] == [True, True]
    assert all(isinstance(v, da.DeviceArray) for v in seen)


# ---- sort

SORTED = {
    "f8": X, "f4": np.tile(X, (3, 1)).astype("f4"), "f2": X.astype("f2"),
    "i8": np.array([3, -1, 3, 0, -1]), "u1": np.array([200, 0, 255, 0, 3], "u1"),
    "bool": np.array([True, False, True]), "c16": GRID[0] % 2 + 1j * GRID[1], "grid": GRID[:, ::-2],
    "empty": np.zeros((2, 0)), "large": np.arange(3000) % 7 / 2,
}  # fmt: skip


def _python_order(x: Any, descending: bool) -> Any:
    """Return the stable order along the last axis; NaN is greater than all numbers."""

    def key(pair: tuple[int, Any]) -> Any:
        v = pair[1]
        nan = bool(np.isnan(v))
        size = (0.0, 0.0) if nan else (float(np.real(v)), float(np.imag(v)))
        return (nan, size)

    rows = x.reshape(int(np.prod(x.shape[:-1])), x.shape[-1])
    order = [[k for k, _ in sorted(enumerate(row), key=key, reverse=descending)] for row in rows]
    return np.array(order, np.intp).reshape(x.shape)


@pytest.mark.parametrize("x", SORTED.values(), ids=SORTED)
@pytest.mark.parametrize("descending", [False, True])
def test_stable_sort(x: Any, descending: bool) -> None:
    order = _python_order(x, descending)
    got = da.argsort(da.to_gpu(x), descending=descending).get()
    assert_same_bits(got, order)
    ordered = np.take_along_axis(x, order, -1)
    assert_same_bits(da.sort(da.to_gpu(x), descending=descending).get(), ordered)
    pending = da.sort(da.to_gpu(x) * x.dtype.type(1), descending=descending, stable=False)
    np.testing.assert_array_equal(pending.get(), ordered)


@pytest.mark.parametrize(
    "options",
    [
        {"axis": 0}, {"axis": -2}, {"axis": None}, {"kind": "stable"}, {"stable": True},
        {"axis": 2}, {"axis": 1.5}, {"kind": "no"}, {"unknown": 1}, {"order": "a"},
        {"stable": None},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("name", ["sort", "argsort"])
def test_sort_as_numpy(name: str, options: dict[str, Any]) -> None:
    stable = {} if "stable" in options or "kind" in options else {"stable": True}
    words = "unknown" not in options
    if name == "argsort" and options == {"stable": None} and not NUMPY_LIBRARY:
        pytest.skip("which of equal elements comes first is for the library to say")

    def body(xp: Any, x: Any) -> Any:
        return getattr(xp, name)(x, **options, **stable)

    agree(body, GRID, words=words)


def test_sort_along_other_axes() -> None:
    for axis in (0, -2, 1, None):
        x = da.to_gpu(GRID)
        got = da.sort(x, axis=axis, descending=True).get()
        assert_same_bits(got, np.flip(np.sort(GRID, axis=axis), 0 if axis is None else axis))
        order = da.argsort(x, axis=axis, descending=True)
        flat = x.ravel() if axis is None else x
        taken = da.take_along_axis(flat, order, axis=0 if axis is None else axis)
        assert_same_bits(taken.get(), got)
    with pytest.raises(np.exceptions.AxisError):
        da.sort(da.asarray(1.0), descending=True)
    with pytest.raises(np.exceptions.AxisError):
        da.argsort(da.ones(2), axis=1, descending=True)
    with pytest.raises(da.HostMixError):
        da.sort(X)
    assert da.sort([2, 1]).get().tolist() == [1, 2]
    agree(lambda xp, x: [xp.sort(x), x])
    before = da.to_gpu(X)
    da.sort(before)[0] = 5
    assert_same_bits(before.get(), X)


# ---- sets


@pytest.mark.parametrize("name", ["values", "counts", "inverse", "all"])
@pytest.mark.parametrize(
    "x", [UNSIGNED, GRID, GRID.astype("u1"), GRID > 2], ids=lambda x: str(x.dtype)
)
def test_unique(name: str, x: Any) -> None:
    function = f"unique_{name}"
    if name == "values":
        got, wanted = getattr(da, function)(da.to_gpu(x)), getattr(np, function)(x)
        assert_same_bits(da.sort(got).get(), np.sort(wanted, stable=True))
        return
    for xp in (da, np):
        results, wanted = getattr(xp, function)(da.to_gpu(x)), getattr(np, function)(x)
        assert type(results)._fields == type(wanted)._fields
        for got, expected in zip(results, wanted, strict=True):
            assert_same_bits(got.get(), expected)
