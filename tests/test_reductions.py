"""Reductions and accumulations: every function x axis x dtype x layout, and how exact sums are."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import devarray as da
from agreement import (
    NUMPY_LIBRARY,
    SCANS_IN_ORDER,
    agree,
    assert_same,
    assert_same_bits,
    host,
    outcome,
)

Body = Callable[..., Any]
DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
EXACT = ["min", "max", "any", "all", "argmin", "argmax"]
ALL = ["sum", "prod", "min", "max", "any", "all", "mean", "var", "std", "argmin", "argmax"]
CUBE = np.random.default_rng(7).integers(-3, 4, (2, 3, 4))


def rtol(dtype: Any, n: int = 1) -> float:
    """Return how far sums of n elements may differ if they are added in another order."""
    dtype = np.dtype(dtype)
    return 4 * float(np.finfo(dtype).eps) * math.log2(n + 2) if dtype.kind in "fc" else 0.0


def scan_rtol(dtype: Any, n: int) -> float:
    """Return how far running sums of n elements may differ from NumPy's."""
    dtype = np.dtype(dtype)
    if SCANS_IN_ORDER or dtype.kind not in "fc":
        return 0.0
    return 4 * float(np.finfo(dtype).eps) * math.sqrt(n)


def numbers(dtype: str, shape: tuple[int, ...], seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype).kind
    if kind == "b":
        return rng.random(shape) < 0.5
    if kind in "iu":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    x = rng.uniform(0.5, 1.5, shape)
    if kind == "c":
        return (x * np.exp(1j * rng.uniform(-0.1, 0.1, shape))).astype(dtype)
    return x.astype(dtype)


# ---- axes and keywords, on small arrays
AXES: list[Any] = [
    None, 0, 1, 2, -1, -3, (), (0,), (0, 1), (2, 0), (0, -1), (0, 1, 2), 3, -4, (0, 3), (0, 0),
    (0, -3), 1.5, "x", (0, 1.5), [0, 1], np.int8(1),
]  # fmt: skip
ODD: list[Any] = [1.5, "x", (0, 1.5), [0, 1]]  # NumPy has other words for each function


@pytest.mark.parametrize("name", ALL)
def test_axes(name: str) -> None:
    loose = 1e-14 if name in ("mean", "var", "std") else 0
    for axis in AXES:
        for keepdims in (False, True):
            agree(
                lambda xp, a, k=keepdims, axis=axis: getattr(xp, name)(a, axis=axis, keepdims=k),
                CUBE,
                rtol=loose,
                words=not any(axis is odd for odd in ODD),
                once=True,
            )
    agree(lambda xp, a: [getattr(a, name)(), getattr(a, name)(1), getattr(xp, name)(a, -1)], CUBE,
          rtol=loose)  # fmt: skip


@pytest.mark.parametrize("name", [*ALL, "count_nonzero", "cumsum"])
def test_true_is_no_axis(name: str) -> None:
    agree(lambda xp, a: getattr(xp, name)(a, axis=True), CUBE)


def test_axes_of_count_nonzero_and_sums() -> None:
    for axis in AXES:
        agree(lambda xp, a, axis=axis: xp.count_nonzero(a, axis=axis), CUBE,
              words=not any(axis is odd for odd in ODD), once=True)  # fmt: skip
        agree(lambda xp, a, axis=axis: [xp.cumsum(a, axis=axis), xp.cumprod(a, axis=axis)], CUBE,
              words=not any(axis is odd for odd in ODD), once=True)  # fmt: skip
    agree(lambda xp, a: [xp.count_nonzero(a, axis=1, keepdims=True), xp.count_nonzero(a)], CUBE)
    agree(lambda xp, a: [a.cumsum(), a.cumsum(1), a.cumprod(-1), a.cumsum(0, dtype="f8")], CUBE)


KEYWORDS: dict[str, Body] = {
    "initial": lambda xp, a, r: [
        xp.sum(a, initial=10),
        xp.prod(a, 0, initial=0.5),
        xp.max(a, initial=3.5),
        xp.min(a, 1, initial=2),
    ],
    "initial, empty": lambda xp, a, r: [xp.max(a[:0], 0, initial=3), xp.sum(a[:0], initial=4)],
    "initial None": lambda xp, a, r: xp.sum(a[:0], initial=None),
    "initial, nan": lambda xp, a, r: [xp.max(a, initial=np.nan), xp.sum(a, initial=np.nan)],
    "where": lambda xp, a, r: [xp.sum(a, where=a > 3), xp.prod(a, 0, where=a > 3)],
    "where, mean": lambda xp, a, r: [xp.mean(a, where=a > 3), xp.mean(a, 0, where=a > 1)],
    "where, var": lambda xp, a, r: [xp.var(a, where=a > 3), xp.std(a, 1, where=a > 1)],
    "where, any": lambda xp, a, r: [xp.any(a > 5, where=a < 5), xp.all(a > 3, 1, where=a > 3)],
    "where, broadcast": lambda xp, a, r: [
        xp.sum(a, where=a[0] > 1),
        xp.sum(a, 1, where=a[:, :1] > 2),
    ],
    "where, mean broadcast": lambda xp, a, r: xp.mean(a, where=a[0] > 1),
    "where, more axes": lambda xp, a, r: xp.sum(a[0], where=a > 3),
    "where, max": lambda xp, a, r: xp.max(a, where=a > 3),
    "where, max, initial": lambda xp, a, r: xp.max(a, where=a < 3, initial=-9),
    "where False": lambda xp, a, r: [xp.sum(a, where=False), xp.any(a, where=False)],
    "where, mean of none": lambda xp, a, r: xp.mean(a, where=a > 99),
    "where, list": lambda xp, a, r: xp.sum(a, where=[True, False, True]),
    "where of ints": lambda xp, a, r: xp.sum(a, where=a.astype(int)),
    "where, wrong shape": lambda xp, a, r: xp.sum(a, where=(a > 3)[:, :2]),
    "out": lambda xp, a, r: [xp.sum(a, 0, out=r), r],
    "out, all": lambda xp, a, r: [
        xp.mean(a, 0, out=r),
        xp.var(a, 0, out=r),
        xp.max(a, axis=0, out=r),
        xp.prod(a, 0, out=r),
        r,
    ],
    "out, is": lambda xp, a, r: [xp.sum(a, 0, out=r) is r, xp.std(a, 0, out=r) is r],
    "out, wrong shape": lambda xp, a, r: xp.sum(a, 1, out=r),
    "out, too many axes": lambda xp, a, r: xp.sum(a, out=r),
    "out, wrong shape, mean": lambda xp, a, r: xp.mean(a, 1, out=r),
    "out, keepdims": lambda xp, a, r: [xp.sum(a, 0, out=r.reshape(1, 3), keepdims=True), r],
    "out, ints": lambda xp, a, r: xp.sum(a, 0, out=r.astype(int)),
    "out, floats of ints": lambda xp, a, r: [xp.sum(a.astype("i4"), 0, out=r), r],
    "out, narrower": lambda xp, a, r: xp.sum(a, 0, out=r.astype("f4")),
    "out, mean to ints": lambda xp, a, r: xp.mean(a, 0, out=r.astype(int)),
    "out, argmax": lambda xp, a, r: xp.argmax(a, 0, out=r.astype(int)),
    "out, argmax floats": lambda xp, a, r: xp.argmax(a, 0, out=r),
    "out, argmax wrong shape": lambda xp, a, r: xp.argmax(a, 1, out=r.astype(int)),
    "out, any": lambda xp, a, r: xp.any(a, 0, out=r > 5),
    "out, any floats": lambda xp, a, r: [xp.any(a, 0, out=r), r],
    "out, cumsum": lambda xp, a, r: [xp.cumsum(a, 0, out=a), a],
    "out, cumsum wrong shape": lambda xp, a, r: xp.cumsum(a, 0, out=r),
    "out overlaps": lambda xp, a, r: [xp.sum(a, 0, out=a[0]), a],
    "out overlaps, argmax": lambda xp, a, r: [xp.max(a, 1, out=a[0, :2]), a],
    "out, read-only": lambda xp, a, r: xp.sum(a, 0, out=xp.broadcast_to(r, (2, 3))[0]),
    "out, no array": lambda xp, a, r: xp.sum(a, 0, out=3),
    "dtype, mean": lambda xp, a, r: [xp.mean(a, dtype="f4"), xp.mean(a, 0, dtype="c16")],
    "dtype int, mean": lambda xp, a, r: [xp.mean(a, dtype=int)],
    "dtype, sum": lambda xp, a, r: [
        xp.sum(a, dtype=int),
        xp.sum(a, dtype=bool),
        xp.prod(a, dtype="u1"),
    ],
    "dtype, cumsum": lambda xp, a, r: [xp.cumsum(a, dtype="i4"), xp.cumprod(a, 1, dtype="f4")],
    "dtype unknown": lambda xp, a, r: xp.sum(a, dtype="nonsense"),
    "ddof": lambda xp, a, r: [xp.var(a, ddof=1), xp.std(a, 0, ddof=2), xp.var(a, 1, ddof=0.5)],
    "ddof too large": lambda xp, a, r: [xp.var(a, 0, ddof=3), xp.std(a, ddof=6)],
    "correction": lambda xp, a, r: [np.var(a, correction=1), np.std(a, 0, correction=1)],
    "mean given": lambda xp, a, r: xp.var(a, 0, mean=xp.mean(a, 0, keepdims=True)),
    "keepdims": lambda xp, a, r: [a - xp.mean(a, 1, keepdims=True), a / a.max(0, keepdims=True)],
    "unknown keyword": lambda xp, a, r: xp.sum(a, nonsense=1),
    "expression": lambda xp, a, r: xp.sum((a - a.mean(0)) ** 2, axis=1) / a.std(),
    "bool sum": lambda xp, a, r: [(a > 2).sum(), (a > 2).sum(0), (a > 2).mean(), (a > 2).prod()],
}


@pytest.mark.parametrize("name", KEYWORDS)
def test_keywords(name: str) -> None:
    agree(KEYWORDS[name], np.array([[1.0, 2, 3], [4, 5, 7]]), np.zeros(3), rtol=1e-14,
          words=name != "out, cumsum wrong shape", once=True)  # fmt: skip


def test_empty() -> None:
    for name in (*ALL, "count_nonzero", "cumsum", "cumprod"):
        for shape, axis in (
            ((0,), None),
            ((0, 3), 0),
            ((0, 3), 1),
            ((3, 0), 1),
            ((2, 0, 3), (0, 1)),
        ):
            agree(lambda xp, a, ax=axis, n=name: getattr(xp, n)(a, axis=ax), np.zeros(shape))
        agree(lambda xp, a, n=name: getattr(xp, n)(a), np.zeros(0, "i4"))


def test_zero_dimensions() -> None:
    for name in (*ALL, "count_nonzero", "cumsum", "cumprod"):
        for axis in (None, 0, -1, 1, ()):
            agree(lambda xp, a, n=name, ax=axis: getattr(xp, n)(a, axis=ax), np.array(5.0))
        agree(lambda xp, a, n=name: getattr(xp, n)(a), np.array(3, "i2"))


def test_warnings_are_numpys() -> None:
    for body, words in (
        (lambda a: a[:0].mean(), "Mean of empty slice"),
        (lambda a: a[:0].var(), "Degrees of freedom <= 0"),
        (lambda a: a.var(ddof=3), "Degrees of freedom <= 0"),
    ):
        for x in (np.ones(3), da.ones(3)):
            with pytest.warns(RuntimeWarning, match=words), np.errstate(all="ignore"):
                body(x)


# ---- dtypes
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(dtype: str) -> None:
    """Every reduction of every dtype, along each axis, in kernels."""
    x = numbers(dtype, (37, 11), seed=3)
    loose = rtol(dtype, x.size)
    # one axis for most dtypes: a kernel with eight results takes a while to compile
    for axis in (None, 0, 1) if dtype in ("?", "f4") else (DTYPES.index(dtype) % 2,):
        names = ["sum", "prod", "max", "argmin"]
        if dtype in ("?", "i2", "f4", "c16"):
            names = ["sum", "prod", *EXACT, "count_nonzero"]
        names = [n for n in names if not _by_library(n, dtype)]
        device = da.to_gpu(x)
        with da.config(oracle_limit=0):
            results = [getattr(da, n)(device, axis=axis) for n in names]
            da.evaluate(*results)
        for name, got in zip(names, results, strict=True):
            wanted = getattr(np, name)(x, axis=axis)
            near = (4 if dtype == "f2" else 1) * loose if name in ("sum", "prod") else 0
            try:
                with np.errstate(all="ignore"):
                    assert_same(host(got), np.asarray(wanted)[()], near)
            except AssertionError as error:
                error.add_note(f"{name}, axis {axis}")
                raise


def _by_library(name: str, dtype: str) -> bool:
    """Complex extremes are NumPy's own and are tested below."""
    return dtype[0] == "c" and name in ("min", "max", "argmin", "argmax")


def test_complex_extremes() -> None:
    for dtype in ("c8", "c16"):
        x = numbers(dtype, (5, 4))
        for name in ("min", "max", "argmin", "argmax"):
            agree(lambda xp, a, n=name: [getattr(xp, n)(a), getattr(xp, n)(a, axis=0)], x)


@pytest.mark.parametrize("dtype", ["?", "u1", "i8", "f2", "f4", "c16"])
def test_dtypes_of_statistics(dtype: str) -> None:
    x = numbers(dtype, (8, 5), seed=4)
    near = max(rtol(dtype, 40), 1e-14) * 4
    for name in ("mean", "var", "std"):
        for axis in (None, 0) if dtype == "f4" else (1,):
            agree(
                lambda xp, a, n=name, ax=axis: getattr(xp, n)(a, axis=ax), x, rtol=near, once=True
            )


def test_result_dtypes_for_every_dtype_asked_for() -> None:
    """All pairs of element and asked dtype: the result's dtype or the error, without values."""
    wrong = []
    for name in ("sum", "prod", "mean", "var", "std", "cumsum"):
        for own in DTYPES:
            mine, theirs = da.ones(4, own), np.ones(4, own)
            for asked in (None, *DTYPES):
                if name in ("var", "std") and asked in ("?", "c8", "c16"):
                    continue  # NumPy adds squares of the operand's kind up in the dtype asked for
                if name in ("var", "std") and str(asked)[0] in "iu" and not NUMPY_LIBRARY:
                    continue  # dpnp refuses integers there
                results = []
                for x in (mine, theirs):
                    try:
                        with warnings.catch_warnings():
                            warnings.simplefilter("ignore")
                            results.append(getattr(x, name)(dtype=asked).dtype)
                    except Exception as error:
                        results.append((type(error), str(error)))
                if results[0] != results[1]:
                    wrong.append((name, own, asked, *results))
    assert not wrong


@pytest.mark.parametrize("dtype", DTYPES)
def test_cumulative(dtype: str) -> None:
    x = numbers(dtype, (9, 13), seed=5)
    near = scan_rtol(dtype, 13)
    product = rtol(dtype, 9) if dtype[0] == "c" else near
    with da.config(oracle_limit=0):
        agree(lambda xp, a: [xp.cumsum(a, 0), xp.cumsum(a[::-1, ::2], 1)], x, rtol=near)
        agree(lambda xp, a: xp.cumprod(a.T, 1), x, rtol=product)


def test_long_cumulative_sums() -> None:
    x = numbers("f4", (200_000,))
    near = scan_rtol("f4", 200_000)
    agree(lambda xp, a: [xp.cumsum(a), xp.cumsum(a.reshape(1000, 200), 0)], x, rtol=near)
    agree(lambda xp, a: xp.cumsum(a), numbers("i2", (200_000,)))


# ---- special values
SPECIAL = [
    [1.0, np.nan, 2.0], [np.nan, 1.0, np.nan], [np.inf, -np.inf, 1], [-np.inf, 3, 2],
    [-0.0, 0.0, -0.0], [-0.0, -0.0, -0.0], [0.0, -0.0, 0.0], [np.inf, np.nan, -np.inf],
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_special_values(dtype: str) -> None:
    names = ["sum", "prod", "any", "all", "argmin", "argmax", "count_nonzero"]
    with da.config(oracle_limit=0):
        for values in SPECIAL:
            x = np.array(values, dtype)
            device = da.to_gpu(x)
            results = [getattr(da, n)(device) for n in names]
            results += [da.min(device), da.max(device)]
            da.evaluate(*results)
            for name, got in zip([*names, "min", "max"], results, strict=True):
                with np.errstate(all="ignore"):
                    wanted = getattr(np, name)(x)
                if name in ("min", "max") and wanted == 0:  # NumPy chooses a zero by SIMD width
                    assert got.get() == 0
                else:
                    assert_same_bits(got.get(), np.asarray(wanted))


def test_nan_anywhere_in_a_long_array() -> None:
    for n in (1000, 200_000):
        for at in (0, n // 2, n - 1):
            x = np.arange(float(n))
            x[at] = np.nan
            device = da.to_gpu(x)
            results = [device.min(), device.max(), device.argmin(), device.argmax(), device.sum()]
            da.evaluate(*results)
            assert all(np.isnan(r.get()) for r in (results[0], results[1], results[4]))
            assert int(results[2]) == int(results[3]) == at


def test_first_of_equal_extremes() -> None:
    for n in (7, 1000, 200_000):
        x = np.zeros(n)
        x[n // 3] = x[n // 2] = x[-1] = 5
        device = da.to_gpu(x)
        for threads in (1, 2, 3, 8):
            with da.config(threads=threads):
                places = [device.argmax(), device.argmin()]
                da.evaluate(*places)
                assert [int(place) for place in places] == [n // 3, 0]
                assert int(device[::-1].argmax()) == 0
    grid = np.zeros((300, 300))
    grid[100] = 1
    agree(lambda xp, a: [a.argmax(), a.argmax(0), a.T.argmax(0), a.T.argmax()], grid, once=True)


# ---- walks: sizes and layouts
SHAPES: list[tuple[tuple[int, ...], Any]] = [
    ((3,), None), ((7,), None), ((8,), None), ((127,), None), ((128,), None), ((129,), None),
    ((1000,), None), ((100_000,), None), ((300_001,), None), ((70_000, 3), None),
    ((70_000, 3), 0), ((70_000, 3), 1), ((3, 70_000), 0), ((3, 70_000), 1), ((1000, 257), 0),
    ((1000, 257), 1), ((100_000, 1), 1), ((1, 100_000), 0), ((129, 7), 0), ((128, 8), 1),
    ((40, 50, 60), 1), ((40, 50, 60), (0, 2)), ((40, 50, 60), (0, 1)), ((40, 50, 60), (1, 2)),
    ((2, 100_000, 2), 1), ((2, 3, 20_000), (0, 2)), ((5, 6, 7, 8), (1, 3)),
]  # fmt: skip
WALKED: dict[str, Body] = {
    "contiguous": lambda xp, x: x,
    "transposed": lambda xp, x: x.T,
    "step": lambda xp, x: x[..., ::2],
    "reversed": lambda xp, x: x[::-1, ..., ::-1] if x.ndim > 1 else x[::-1],
    "broadcast": lambda xp, x: xp.broadcast_to(x[:1], x.shape),
}


@pytest.mark.parametrize("layout", WALKED)
def test_walks(layout: str) -> None:
    """Sums, extremes and their places over all walks, in kernels, against NumPy."""
    view = WALKED[layout]
    for shape, axis in SHAPES:
        base = numbers("i4", shape, seed=len(shape))
        x, device = view(np, base), view(da, da.to_gpu(base))
        with da.config(oracle_limit=0):
            results = [device.sum(axis), device.max(axis)]
            if not isinstance(axis, tuple):
                results.append(device.argmin(axis))
            da.evaluate(*results)
        wanted = [x.sum(axis), x.max(axis)]
        if not isinstance(axis, tuple):
            wanted.append(x.argmin(axis))
        for got, right in zip(results, wanted, strict=True):
            try:
                assert_same_bits(got.get(), np.asarray(right))
            except AssertionError as error:
                error.add_note(f"shape {shape}, axis {axis}")
                raise


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16"])
def test_contiguous_sums_are_numpys_to_the_bit(dtype: str) -> None:
    sizes = [1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 64, 127, 128, 129, 255, 256, 257, 1000, 4097,
             65_535, 65_536, 65_537, 100_000, 131_072, 131_073, 300_001, 1_048_577]  # fmt: skip
    rng = np.random.default_rng(1)
    for n in sizes:
        x = rng.standard_normal(n)
        x = (x + 1j * rng.standard_normal(n)).astype(dtype) if dtype[0] == "c" else x.astype(dtype)
        with da.config(oracle_limit=0):
            got = da.to_gpu(x).sum().get()
        assert got == x.sum(), n
    grid = rng.standard_normal((300, 401)).astype(dtype)
    assert da.to_gpu(grid).sum().get() == grid.sum()
    np.testing.assert_array_equal(da.to_gpu(grid).sum(1).get(), grid.sum(1))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("layout", WALKED)
def test_sums_are_as_accurate_as_numpys(dtype: str, layout: str) -> None:
    rng = np.random.default_rng(2)
    view = WALKED[layout]
    for shape, axis in (
        ((64, 3000), 1),
        ((3000, 64), 0),
        ((300, 20, 16), (0, 1)),
        ((20, 9000), None),
    ):
        base = rng.uniform(0, 1, shape).astype(dtype)
        x, device = view(np, base), view(da, da.to_gpu(base))
        if layout == "transposed" and axis is not None:
            axis = tuple(x.ndim - 1 - a for a in (axis if isinstance(axis, tuple) else (axis,)))
        axes = tuple(range(x.ndim)) if axis is None else axis
        axes = axes if isinstance(axes, tuple) else (axes,)
        with da.config(oracle_limit=0):
            got = np.atleast_1d(device.sum(axis).get()).reshape(-1)
        theirs = np.atleast_1d(x.sum(axis)).reshape(-1)
        rows = np.moveaxis(x, axes, range(x.ndim - len(axes), x.ndim)).reshape(got.size, -1)
        exact = np.array([math.fsum(row.tolist()) for row in rows])
        ulp = np.spacing(exact.astype(dtype)).astype("f8")
        mine = math.sqrt(float(np.mean(((got - exact) / ulp) ** 2)))
        numpys = math.sqrt(float(np.mean(((theirs - exact) / ulp) ** 2)))
        assert mine <= numpys * 1.1 + 0.6, (shape, axis)


def test_half_sums_are_as_accurate_as_numpys() -> None:
    x = np.random.default_rng(3).uniform(0, 1, (50, 1000)).astype("f2")
    for axis, rows in ((1, x), (0, x.T)):
        exact = np.array([math.fsum(row.tolist()) for row in rows])
        with np.errstate(all="ignore"):
            numpys = np.abs(x.sum(axis) - exact).max()
        assert np.abs(da.to_gpu(x).sum(axis).get() - exact).max() <= numpys + 1


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_any_number_of_threads_gives_the_same(dtype: str) -> None:
    rng = np.random.default_rng(4)
    for shape, axes in (((400_003,), (None,)), ((601, 503), (0, 1)), ((3, 90_000), (0, 1))):
        base = rng.standard_normal(shape).astype(dtype)
        device = da.to_gpu(base)
        for view in (device, device[..., ::2]) if dtype == "f8" else (device,):
            for axis in axes:
                seen = set()
                for threads in (1, 2, 3, 8):
                    with da.config(threads=threads):
                        results = [view.sum(axis), (view * view).sum(axis), view.prod(axis)]
                        da.evaluate(*results)
                        if axis != 1:
                            results.append(view.var(axis))
                        seen.add(b"".join(r.get().tobytes() for r in results))
                assert len(seen) == 1, (shape, axis)


def test_two_passes_keep_variances_of_shifted_data() -> None:
    x = (1e8 + np.random.default_rng(5).standard_normal(200_000)).reshape(400, 500)
    agree(lambda xp, a: [a.var(), a.std(0), a.var(1), a.T.std(1)], x, rtol=1e-12)


def test_reductions_fuse_with_what_is_around_them() -> None:
    def body(xp: Any, a: Any) -> Any:
        total = (a * 2 + 1).sum(axis=1)
        scaled = a / a.sum(axis=1, keepdims=True)
        centred = a - a.mean()
        return [total, scaled.sum(0), xp.sqrt((centred**2).mean()), (a > a.mean(0)).sum(), centred]

    with da.config(oracle_limit=0):
        agree(body, numbers("f8", (40, 50)), rtol=1e-13)
        agree(body, numbers("f8", (400, 500)), rtol=1e-12)


def test_masked_reductions_in_kernels() -> None:
    def body(xp: Any, a: Any) -> Any:
        m = a > 1
        return [
            a.sum(where=m), a.sum(0, where=m), a.max(1, where=m, initial=0), a.mean(where=m),
            a.var(0, where=m), m.any(0), m.all(1), xp.count_nonzero(m, axis=0), a.prod(0, where=~m),
        ]  # fmt: skip

    with da.config(oracle_limit=0):
        agree(body, numbers("f8", (60, 70)), rtol=1e-13)


def test_host_masks_and_outs_do_not_mix() -> None:
    x = da.ones((2, 3))
    bodies: dict[str, Body] = {
        "where": lambda: x.sum(where=np.ones((2, 3), bool)),
        "sum to host": lambda: x.sum(0, out=np.zeros(3)),
        "sum of host to device": lambda: np.sum(np.ones((2, 3)), 0, out=da.zeros(3)),
        "mean": lambda: x.var(0, mean=np.ones((1, 3))),
        "argmax": lambda: x.argmax(0, out=np.zeros(3, int)),
        "cumsum": lambda: x.cumsum(0, out=np.zeros((2, 3))),
        "concatenate": lambda: np.concatenate([x, np.ones((2, 3))]),
        "stack": lambda: np.stack([x, np.ones((2, 3))]),
    }
    got = {name: type(outcome(body)) for name, body in bodies.items()}
    assert got == dict.fromkeys(bodies, da.HostMixError)


@pytest.mark.parametrize("method", ["sum", "max", "argmin", "mean", "cumsum"])
@pytest.mark.parametrize(
    "place",
    [
        lambda xp, r: xp.zeros((*r.shape, 3))[..., 1],
        lambda xp, r: xp.zeros(tuple(3 * n for n in r.shape))[
            tuple(slice(1, None, 3) for _ in r.shape)
        ],
        lambda xp, r: xp.zeros(r.shape[::-1]).T,
        lambda xp, r: xp.zeros(r.shape, complex).imag,
        lambda xp, r: xp.zeros(r.shape)[::-1],
        lambda xp, r: xp.zeros((2, *r.shape))[1],
    ],
    ids=["column", "every third", "transposed", "imaginary part", "reversed", "row"],
)
def test_a_pending_reduction_is_stored_to_any_view(method: str, place: Any) -> None:
    def body(xp: Any, a: Any) -> list[Any]:
        results = []
        for axis in (0, 1, 2):
            for finish in (lambda r: r, lambda r: 2 * r - 1):
                reduced = finish(getattr(a, method)(axis=axis))
                target = place(xp, reduced)
                target[...] = reduced
                results.append(target.copy())
        return results

    with da.config(oracle_limit=0):
        agree(body, np.arange(60.0).reshape(3, 4, 5), once=True)


@pytest.mark.parametrize("limit", [0, 65536], ids=["kernels", "oracle"])
def test_float16_is_added_in_float32_and_rounded(limit: int) -> None:
    rows = np.random.default_rng(0).standard_normal((50, 33)).astype("f2")
    with da.config(oracle_limit=limit):
        for x in (rows, *(np.full(n, value, "f2") for n, value in ((200, 60000), (10, 5)))):
            with np.errstate(over="ignore"):
                exact, product = x.astype("f8").sum(-1).astype("f2"), np.prod(x, axis=-1)
            assert_same_bits(da.to_gpu(x).sum(-1).get(), exact)
            np.testing.assert_array_equal(da.to_gpu(x).prod(-1).get(), product)


def test_any_byte_but_0_is_true() -> None:
    def body(xp: Any, u: Any) -> list[Any]:
        b = u.view(bool)
        true = xp.asarray([True] * 4)
        return [b.sum(), b.astype(int), b * 3.0, b == true, b & True, b.mean(), ~b]

    with da.config(oracle_limit=0):
        agree(body, np.array([255, 2, 0, 1], "u1"), once=True)
