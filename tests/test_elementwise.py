"""Elementwise functions that are no ufuncs: against NumPy, as `devarray.f` and as `np.f`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import devarray as da
from agreement import NUMPY_LIBRARY, agree, assert_same_bits

NAN, INF = np.nan, np.inf
SPECIAL = [0.0, -0.0, 1.5, -1.5, 0.49999, 2.5, -7.0, NAN, INF, -INF, 1e300, -1e-310]
with np.errstate(all="ignore"):
    REAL = np.array(SPECIAL)
    SINGLE = REAL.astype("f4")
    HALF = REAL.astype("f2")
COMPLEX = np.array([complex(a, b) for a in SPECIAL[:9] for b in (0.0, -0.0, -2.0, NAN, INF)])
INTS = np.array([0, 1, -3, 100], "i2")
BYTES = np.array([0, 1, 3, 200], "u1")
BOOLS = np.array([True, False])
EMPTY = np.zeros((0, 3))
SCALAR = np.array(-2.5)
GRID = np.arange(24.0).reshape(4, 6)[::-1, ::2]
ALL = {
    "f8": REAL, "f4": SINGLE, "f2": HALF, "c16": COMPLEX, "i2": INTS, "u1": BYTES, "bool": BOOLS,
    "empty": EMPTY, "0-d": SCALAR, "strided": GRID,
}  # fmt: skip
every = pytest.mark.parametrize("x", ALL.values(), ids=ALL)

ONE_ARGUMENT = (
    "nan_to_num isposinf isneginf isreal iscomplex isrealobj iscomplexobj real_if_close real imag "
    "fix round"
)


@every
@pytest.mark.parametrize("name", ONE_ARGUMENT.split())
def test_functions_of_one_array(name: str, x: Any) -> None:
    agree(lambda xp, x: getattr(xp, name)(x), x)


@every
@pytest.mark.parametrize("name", ["angle", "sinc"])
def test_functions_that_are_not_exact(name: str, x: Any) -> None:
    if x.dtype == "c16" and name == "sinc":
        x = x[np.isfinite(x)][:6] / 4
    rtol = {2: 2e-3, 4: 1e-6}.get(x.dtype.itemsize, 1e-14)
    agree(lambda xp, x: getattr(xp, name)(x), x, rtol=2e-3 if x.dtype.itemsize == 1 else rtol)


def test_angle_in_degrees() -> None:
    for x in (COMPLEX[:3], np.array([1.0, -1.0, -0.0]), np.array([1, -1], "i1")):
        agree(lambda xp, x: xp.angle(x, deg=True), x, rtol=1e-12)
        agree(lambda xp, x: xp.angle(x[::2] * 2, True), x, rtol=1e-12)
    assert_same_bits(da.angle([1j, 1, -1]).get(), np.angle([1j, 1, -1]))


@pytest.mark.parametrize("name", ["isposinf", "isneginf", "fix"])
def test_out(name: str) -> None:
    def body(xp: Any, x: Any, out: Any) -> Any:
        result = getattr(xp, name)(x, out)
        return result is out

    agree(body, REAL, np.zeros(12))
    agree(body, SINGLE, np.zeros(12, "f8"))
    agree(body, REAL, np.zeros(12, bool))
    agree(body, REAL, np.zeros(11))
    agree(lambda xp, x: getattr(xp, name)(x, out=xp.broadcast_to(x[:1], (12,))), REAL)


def test_isposinf_of_what_is_ambiguous() -> None:
    agree(lambda xp, x: xp.isposinf(x), COMPLEX[:2].astype("c8"))
    agree(lambda xp, x: xp.fix(x), COMPLEX)


# ---- nan_to_num


@pytest.mark.parametrize("x", [REAL, SINGLE, HALF, COMPLEX, INTS, SCALAR], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {"copy": False},
        {"nan": 3, "posinf": -1.5, "neginf": 1e300},
        {"nan": INF, "posinf": NAN, "neginf": -0.0, "copy": False},
        {"nan": np.float64(2), "posinf": True},
        {"nan": 1j},
        {"posinf": [7.0]},
        {"neginf": [1.0, 2.0, 3.0]},
    ],
    ids=str,
)
def test_nan_to_num(x: Any, options: dict[str, Any]) -> None:
    def body(xp: Any, x: Any) -> Any:
        result = xp.nan_to_num(x, **options)
        return result, result is x

    def of_scalar(xp: Any, x: Any) -> Any:  # for which NumPy gives a new scalar
        return xp.nan_to_num(x, **options)

    agree(body if x.ndim else of_scalar, x)


def test_nan_to_num_of_parts_and_readers() -> None:
    def body(xp: Any, x: Any) -> Any:
        before = x + 1
        every_other = x[::2]
        xp.nan_to_num(every_other, copy=False, posinf=5.0)
        return before, x + 1, every_other

    agree(body, REAL)
    agree(body, COMPLEX)

    def fill(xp: Any, x: Any, nan: Any) -> Any:
        return xp.nan_to_num(x, nan=nan[: x.size] * 2)

    agree(fill, REAL, np.arange(20.0))
    agree(lambda xp, x: xp.nan_to_num(xp.broadcast_to(x, (2, 12)), copy=False), REAL)
    agree(lambda xp, x: xp.nan_to_num(xp.broadcast_to(x, (2, 4)), copy=False), INTS)


@pytest.fixture
def lazy() -> Any:
    """Let a test see what is fused, also where the tests run with everything computed at once."""
    with da.config(eager=False):
        yield


def test_elementwise_functions_fuse(lazy: None, capsys: Any) -> None:
    x, z = da.to_gpu(REAL), da.to_gpu(COMPLEX) * 2.0
    for y in (
        da.nan_to_num(x * 2.0) + da.fix(x) + da.isposinf(x),
        da.iscomplex(z) | da.isreal(z),
        da.isclose(x + 1.0, x - 1.0, equal_nan=True),
        da.angle(z, deg=True) + 1.0,
        da.sinc(x) + 1.0,
    ):
        da.explain(y, source=False)
        assert capsys.readouterr().out.startswith("1 kernel\n")


# ---- isclose

PAIRS = [
    (REAL, REAL[::-1]), (REAL, REAL), (SINGLE, SINGLE * np.float32(1 + 1e-5)), (REAL, SINGLE),
    (HALF, 1.1), (HALF, 2), (INTS, INTS[::-1]), (BYTES, BYTES[::-1]), (BOOLS, BOOLS[::-1]),
    (BOOLS, True), (INTS, 2**70), (COMPLEX, COMPLEX[0]), (COMPLEX, COMPLEX), (COMPLEX, 1j),
    (REAL, np.float64(1.5)), (SINGLE, np.float64(1.50001)), (EMPTY, 1.0), (SCALAR, -2.5),
    (REAL, np.ones((3, 1))), (REAL, np.ones(5)),
]  # fmt: skip


@pytest.mark.parametrize("pair", PAIRS, ids=str)
def test_isclose(pair: tuple[Any, Any]) -> None:
    a, b = pair
    agree(lambda xp, a, b: xp.isclose(a, b), a, b)
    agree(lambda xp, a, b: xp.isclose(b, a, equal_nan=True), a, b)


def test_isclose_tolerances() -> None:
    half = np.arange(0.9, 1.3, 0.003).astype("f2")
    agree(lambda xp, x: xp.isclose(x, 1.1, rtol=0.05, atol=0.01), half)
    agree(lambda xp, x: xp.isclose(x, np.float32(1.1), rtol=0.05), half)
    agree(lambda xp, x: xp.isclose(1.1, x, rtol=0, atol=0.1), half)
    agree(lambda xp, x, r: xp.isclose(x, x * 1.01, r, r), REAL, np.linspace(0, 0.02, 12))
    agree(lambda xp, x: xp.isclose(x, x, atol=NAN), REAL)
    assert da.isclose(1.0, [1.0, 2.0]).get().tolist() == [True, False]
    assert da.isclose(1, 1).get() == np.isclose(1, 1)


# ---- unwrap


@pytest.mark.parametrize(
    "options",
    [{}, {"axis": 0}, {"discont": 4.0}, {"period": 3.0}, {"period": 4}, {"axis": 2}, {"axis": -3}],
    ids=str,
)
def test_unwrap(options: dict[str, Any]) -> None:
    rng = np.random.default_rng(5)
    x = rng.uniform(-9, 9, (3, 5))
    agree(lambda xp, x: xp.unwrap(x, **options), x, rtol=1e-14)
    agree(lambda xp, x: xp.unwrap(x[:, ::2], **options), x, rtol=1e-14)


@pytest.mark.parametrize("period", [4, 5, 4.0])
@pytest.mark.parametrize("dtype", ["i4", "u1", "f4", "?"])
def test_unwrap_integers(dtype: str, period: Any) -> None:
    x = np.array([0, 2, 4, 1, 3, 3, 0, 9]).astype(dtype)
    agree(lambda xp, x: xp.unwrap(x, period=period), x, rtol=1e-6)


def test_unwrap_of_little() -> None:
    agree(lambda xp, x: xp.unwrap(x), SCALAR)
    agree(lambda xp, x: xp.unwrap(x), EMPTY)
    agree(lambda xp, x: xp.unwrap(x), np.ones(1))
    agree(lambda xp, x: xp.unwrap(x), np.array([1.0, NAN, 9.0, INF, 2.0]))
    agree(lambda xp, x: xp.unwrap(x, axis="no"), REAL)


# ---- clip and round


@every
@pytest.mark.parametrize("bounds", [(None, None), (1, None), (None, 2), (-1, 2), (3, 1)], ids=str)
def test_clip(x: Any, bounds: Any) -> None:
    agree(lambda xp, x: xp.clip(x, *bounds), x)
    agree(lambda xp, x: xp.clip(x, min=bounds[0], max=bounds[1]), x)


def test_clip_more() -> None:
    agree(lambda xp, x: xp.clip(x, NAN, 2.0), REAL)
    agree(lambda xp, x: xp.clip(x, 0, 2), REAL)
    positive_zero = REAL + 0.0  # NumPy keeps the zero of x if bounds are scalars, else the bound's
    agree(lambda xp, x, low: xp.clip(x, low, low + 1), positive_zero, np.linspace(-2, 2, 12))
    agree(lambda xp, x, low: xp.clip(x, low[:, None], 1.0), positive_zero, np.linspace(-2, 2, 3))
    agree(lambda xp, x, low: xp.clip(x, low, 1.0), positive_zero, np.linspace(-2, 2, 5))
    agree(lambda xp, x: xp.clip(x, -1, 2, out=x[::-1]), REAL)
    agree(lambda xp, x: xp.clip(x, 1, 2, dtype="f8"), INTS)
    agree(lambda xp, x: xp.clip(x, 1, 2, unknown=3), INTS)
    agree(lambda xp, x: xp.clip(x, 1, 2, min=0), INTS)
    agree(lambda xp, x: xp.clip(x, 1.5, 2, out=x), INTS)
    agree(lambda xp, x: xp.clip(x, -70000, 70000), INTS)
    agree(lambda xp, x: xp.clip(x, 70000, None), INTS)
    agree(lambda xp, x: xp.clip(x, 2j, None), COMPLEX)
    assert_same_bits(da.clip(da.to_gpu(INTS), 1).get(), np.clip(INTS, 1, None))


@every
@pytest.mark.parametrize("decimals", [1, -1, 400, -400])
def test_round(x: Any, decimals: int) -> None:
    if not NUMPY_LIBRARY and (x.dtype.kind == "b" or (x.dtype.kind == "c" and decimals == 400)):
        pytest.skip("NumPy refuses bools; dpnp has no complex numbers that large")
    agree(lambda xp, x: xp.round(x, decimals), x)


def test_round_more() -> None:
    agree(lambda xp, x: xp.round(x, 2), np.linspace(-3, 3, 101))
    agree(lambda xp, x: xp.round(x, decimals=np.int64(2)), np.linspace(-3, 3, 101).astype("f4"))
    agree(lambda xp, x: xp.round(x, 1.5), REAL)
    agree(lambda xp, x, out: xp.round(x, 1, out) is out, REAL, np.zeros(12, "f4"))
    agree(lambda xp, x, out: xp.around(x, 1, out), REAL, np.zeros(12, "i4"))
    agree(lambda xp, x: xp.round(x, 1, x[:5]), REAL)


# ---- the border


@pytest.mark.parametrize("name", [*ONE_ARGUMENT.split(), "angle", "sinc", "unwrap", "clip", "i0"])
def test_host_arrays_are_refused(name: str) -> None:
    with pytest.raises(da.HostMixError):
        getattr(da, name)(REAL)
    with pytest.raises(da.HostMixError):
        da.isclose(da.ones(12), REAL)


def test_i0_and_selections() -> None:
    agree(lambda xp, x: xp.i0(x), np.linspace(-3, 12, 31), rtol=0 if NUMPY_LIBRARY else 1e-15)
    agree(lambda xp, x: xp.nan_to_num(x[x != 1.5]), REAL)
    agree(lambda xp, x: xp.angle(x[x != 0]), COMPLEX, rtol=1e-14)


@pytest.mark.parametrize("scalar", [1.0, 0.0, -2.5, float("nan"), 2, True, 1j, np.float32(3)])
@pytest.mark.parametrize("ufunc", [np.logical_and, np.logical_or, np.logical_xor])
def test_logical_functions_take_any_number(ufunc, scalar):
    host = np.array([0.0, 1.5, np.nan, -0.0])
    x = da.to_gpu(host)
    with da.config(oracle_limit=0):
        np.testing.assert_array_equal(ufunc(x, scalar).get(), ufunc(host, scalar))
        np.testing.assert_array_equal(ufunc(scalar, x).get(), ufunc(scalar, host))
