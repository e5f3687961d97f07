"""Special cases, conventions, dtypes and scalar operands of the elementwise functions."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest

import devarray as da
from standard.common import COMPLEX, INDEX, NUMERIC, REAL, SIGNED, UNSIGNED, array, close, same
from standard.signatures import BINARY, UNARY
from standard.special_cases import REAL_BINARY, REAL_UNARY, complex_table, table

UNARY_CASES, BINARY_CASES = table(REAL_UNARY, 1), table(REAL_BINARY, 2)
COMPLEX_CASES = complex_table()


def fits(got, wanted, free, tolerance):
    """Say whether a number is the wanted one, the sign of zeros included."""
    if isinstance(wanted, bool):
        return got == wanted
    if math.isnan(wanted):
        return math.isnan(got)
    if free:
        got, wanted = abs(got), abs(wanted)
    if wanted == 0 or math.isinf(wanted):
        return got == wanted and math.copysign(1, got) == math.copysign(1, wanted)
    return abs(got - wanted) <= tolerance * abs(wanted)


@functools.cache
def outcomes(dtype, operands):
    """Compute all cases of all functions at once, so that few kernels are compiled.

    Each case comes several times: in vectors of a kernel, and in what is left over.
    """
    tables = {1: COMPLEX_CASES if dtype in COMPLEX else UNARY_CASES, 2: BINARY_CASES}[operands]
    length = 2 * max(len(cases) for cases in tables.values()) + 1
    results = {}
    for name, cases in tables.items():
        inputs = [np.asarray(values) for values in zip(*[c.inputs for c in cases], strict=True)]
        if dtype in COMPLEX:
            whole = np.empty(len(cases), np.complex128)
            whole.real, whole.imag = inputs
            inputs = [whole]
        given = [array(np.resize(values, length).astype(dtype)) for values in inputs]
        results[name] = getattr(da, name)(*given)
    with da.config(oracle_limit=0):  # let nothing be answered by NumPy
        da.evaluate(*results.values())
    return {name: result.get() for name, result in results.items()}


def check(name, cases, dtype, operands):
    """List the cases that differ."""
    result = outcomes(dtype, operands)[name]
    assert (result.dtype == np.bool_) == isinstance(cases[0].results[0], bool)
    parts = (result.real, result.imag) if result.dtype.kind == "c" else (result,)
    tolerance = 2e-6 if dtype in ("float32", "complex64") else 1e-14
    wrong = {
        f"{case.inputs} -> {[part[place].item() for part in parts]}, not {case.results}"
        for place, case in zip(range(len(result)), itertools.cycle(cases), strict=False)
        for part, wanted, free in zip(parts, case.results, case.open, strict=True)
        if not fits(part[place].item(), wanted, free, tolerance)
    }
    assert not wrong, "\n".join(sorted(wrong))


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("name", UNARY_CASES)
def test_unary(name, dtype):
    check(name, UNARY_CASES[name], dtype, 1)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("name", BINARY_CASES)
def test_binary(name, dtype):
    check(name, BINARY_CASES[name], dtype, 2)


@pytest.mark.parametrize("dtype", COMPLEX)
@pytest.mark.parametrize("name", COMPLEX_CASES)
def test_complex(name, dtype):
    check(name, COMPLEX_CASES[name], dtype, 1)


@pytest.mark.parametrize("name", ["divide", "floor_divide", "remainder", "sign", "tan", "tanh"])
def test_small_expressions(name):
    """Of one element, too, and where NumPy answers for a kernel, results are the standard's."""
    tables = ((UNARY_CASES | BINARY_CASES, "float64"),)
    for cases, dtype in (*tables, (COMPLEX_CASES, "complex128")) if name in UNARY else tables:
        for case in cases[name]:
            given = (complex(*case.inputs),) if dtype == "complex128" else case.inputs
            value = getattr(da, name)(*[array(number, dtype) for number in given]).item()
            parts = (value.real, value.imag) if dtype == "complex128" else (value,)
            for part, wanted, free in zip(parts, case.results, case.open, strict=True):
                assert fits(part, wanted, free, 1e-14), (case, value)


def test_tables_are_complete():
    """What has no special cases in the standard is tested below or elsewhere."""
    plain = {"bitwise_invert", "conj", "imag", "logical_not", "real"}
    assert set(UNARY) - set(UNARY_CASES) == plain
    logic = {name for name in BINARY if name.startswith(("bitwise", "logical"))}
    assert set(BINARY) - set(BINARY_CASES) == logic


# Signs of NaN


def test_signs_of_nan():
    nan = np.copysign(np.nan, [1.0, -1.0])
    np.testing.assert_array_equal(da.signbit(array(nan)).get(), [False, True])
    x = array([3.0, -3.0, 0.0, np.nan, np.inf, np.nan])
    signs = array(
        np.copysign([np.nan, np.nan, np.nan, 2.0, np.nan, np.nan], [1, -1, -1, -1, 1, -1])
    )
    got = da.copysign(x, signs).get()
    np.testing.assert_array_equal(np.signbit(got), np.signbit(signs.get()))
    np.testing.assert_array_equal(abs(got), abs(x.get()))


# Complex numbers by parts


def test_complex_parts():
    z = array([complex(a, b) for a in (0.0, -0.0, 1.5) for b in (0.0, -0.0, -2.5)])
    host = z.get()
    for name, real, imag in (
        ("conj", host.real, -host.imag),
        ("positive", host.real, host.imag),
        ("round", np.round(host.real), np.round(host.imag)),
    ):
        got = getattr(da, name)(z).get()
        for part, wanted in ((got.real, real), (got.imag, imag)):
            np.testing.assert_array_equal(part, wanted)
            np.testing.assert_array_equal(np.signbit(part), np.signbit(wanted))
    same(da.real(z), host.real)
    same(da.imag(z), host.imag)


def test_complex_arithmetic():
    parts = (0.0, -0.0, 1.5, -2.0)
    z = np.asarray([complex(a, b) for a in parts for b in parts])
    w = np.conj(z[::-1]) * 1.25
    total = da.add(array(z), array(w)).get()
    for got, one, other in ((total.real, z.real, w.real), (total.imag, z.imag, w.imag)):
        np.testing.assert_array_equal(got, one + other)
        np.testing.assert_array_equal(np.signbit(got), np.signbit(one + other))
    a, b, c, d = z.real, z.imag, w.real, w.imag
    product = np.empty_like(z)
    product.real, product.imag = a * c - b * d, b * c + a * d
    close(da.multiply(array(z), array(w)), product)
    nonzero = (c != 0) | (d != 0)
    a, b, c, d = (part[nonzero] for part in (a, b, c, d))
    quotient = np.empty(len(a), complex)
    quotient.real = (a * c + b * d) / (c * c + d * d)
    quotient.imag = (b * c - a * d) / (c * c + d * d)
    close(da.divide(array(z[nonzero]), array(w[nonzero])), quotient)
    nothing = array([complex(np.nan, np.nan)])
    for name in ("multiply", "divide"):
        got = getattr(da, name)(nothing, nothing).get()
        assert np.isnan(got.real).all()
        assert np.isnan(got.imag).all()


def test_complex_equality():
    values = [complex(a, b) for a in (0.0, -0.0, math.inf, math.nan) for b in (-0.0, 3.0, math.nan)]
    z = np.asarray(values)
    x, y = array(z)[:, None], array(z)[None, :]
    wanted = (z.real[:, None] == z.real) & (z.imag[:, None] == z.imag)
    same(da.equal(x, y), wanted)
    same(da.not_equal(x, y), ~wanted)


def test_complex_powers():
    z = np.asarray([1 + 1j, -2 + 0.5j, 0.25 - 3j])
    close(da.pow(array(z), array(z[::-1].copy())), np.exp(z[::-1] * np.log(z)))


# Integers and booleans


def test_integer_division_and_remainder():
    a = [n for n in range(-7, 8) for d in (-3, -2, -1, 1, 2, 3)]
    b = [d for n in range(-7, 8) for d in (-3, -2, -1, 1, 2, 3)]
    x, y = array(a, "int32"), array(b, "int32")
    same(da.floor_divide(x, y), [n // d for n, d in zip(a, b, strict=True)], "int32")
    same(da.remainder(x, y), [n % d for n, d in zip(a, b, strict=True)], "int32")
    x, y = array(a, "float64"), array(b, "float64")
    got = da.remainder(x, y).get()
    np.testing.assert_array_equal(got, [float(n) % float(d) for n, d in zip(a, b, strict=True)])
    np.testing.assert_array_equal(np.signbit(got), np.signbit(b))


def test_bits():
    a, b = [0, 1, 5, 100, 127], [0, 1, 2, 3, 6]
    x, y = array(a, "uint8"), array(b, "uint8")
    pairs = list(zip(a, b, strict=True))
    same(da.bitwise_and(x, y), [n & m for n, m in pairs], "uint8")
    same(da.bitwise_or(x, y), [n | m for n, m in pairs], "uint8")
    same(da.bitwise_xor(x, y), [n ^ m for n, m in pairs], "uint8")
    same(da.bitwise_invert(x), [255 - n for n in a], "uint8")
    same(da.bitwise_left_shift(x, y), [(n << m) % 256 for n, m in pairs], "uint8")
    same(da.bitwise_right_shift(x, y), [n >> m for n, m in pairs], "uint8")
    same(da.bitwise_right_shift(array([-5, -1], "int8"), array([1, 3], "int8")), [-3, -1], "int8")


def test_logic():
    x, y = array([False, False, True, True]), array([False, True, False, True])
    same(da.logical_and(x, y), [False, False, False, True])
    same(da.logical_or(x, y), [False, True, True, True])
    same(da.logical_xor(x, y), [False, True, True, False])
    same(da.logical_not(x), [True, True, False, False])
    same(da.bitwise_and(x, y), [False, False, False, True])
    same(da.bitwise_or(x, y), [False, True, True, True])
    same(da.bitwise_xor(x, y), [False, True, True, False])
    same(da.bitwise_invert(x), [True, True, False, False])
    same(da.equal(x, y), [True, False, False, True])


@pytest.mark.parametrize("dtype", ["int8", "uint64"])
@pytest.mark.parametrize("name", ["ceil", "floor", "round", "trunc", "positive", "real"])
def test_rounding_keeps_integers(name, dtype):
    x = array([0, 1, 100], dtype)
    same(getattr(da, name)(x), [0, 1, 100], dtype)


def test_clip():
    x = array([-1.0, 0.25, 2.0, math.nan])
    same(da.clip(x, 0.0, 1.0), [0.0, 0.25, 1.0, math.nan])
    same(da.clip(x, min=0.0), [0.0, 0.25, 2.0, math.nan])
    same(da.clip(x, max=1.0), [-1.0, 0.25, 1.0, math.nan])
    same(da.clip(x), x.get())
    low, high = array([math.nan, 0.0, 0.0, 0.0]), array([1.0, math.nan, 1.0, 1.0])
    same(da.clip(x, low, high), [math.nan, math.nan, 1.0, math.nan])
    same(
        da.clip(array([[0], [9]], "int8"), min=array([1, 2], "int8"), max=7),
        [[1, 2], [7, 7]],
        "int8",
    )


def test_nextafter():
    x, y = np.asarray([1.0, 1.0, -0.0, 0.0], "f4"), np.asarray([2.0, 0.0, 1.0, -1.0], "f4")
    tiny = np.finfo("f4").smallest_subnormal
    same(da.nextafter(array(x), array(y)), np.asarray([1 + 2**-23, 1 - 2**-24, tiny, -tiny], "f4"))


# Dtypes of results (nothing is computed for them)

_FLOATING = """acos acosh asin asinh atan atanh cos cosh exp expm1 log log10 log1p log2 sin sinh
sqrt tan tanh atan2 copysign divide hypot logaddexp nextafter reciprocal conj signbit"""
_REAL_ONLY = """atan2 ceil copysign floor floor_divide hypot logaddexp maximum minimum nextafter
remainder trunc signbit greater greater_equal less less_equal"""
_COMPARISONS = """equal greater greater_equal less less_equal not_equal logical_and logical_or
logical_xor"""
FLOATING, REAL_ONLY, COMPARISONS = _FLOATING.split(), _REAL_ONLY.split(), _COMPARISONS
INTEGER_ONLY = [name for name in UNARY + BINARY if name.startswith("bitwise")]
TO_BOOL = ("isfinite", "isinf", "isnan", "signbit", "logical_not")


@pytest.mark.parametrize("name", UNARY)
def test_unary_dtypes(name):
    for dtype in ("bool", *NUMERIC):
        integral = dtype in SIGNED + UNSIGNED
        if (dtype == "bool" and name not in ("bitwise_invert", "logical_not")) or (
            (name == "logical_not" and dtype != "bool")
            or (name in INTEGER_ONLY and not integral and dtype != "bool")
            or (name in REAL_ONLY and dtype in COMPLEX)
            or (name in FLOATING and integral)
            or (name == "imag" and dtype not in COMPLEX)
        ):
            continue  # the standard does not demand it
        wanted = dtype
        if name in TO_BOOL:
            wanted = "bool"
        elif name in ("abs", "real", "imag") and dtype in COMPLEX:
            wanted = {"complex64": "float32", "complex128": "float64"}[dtype]
        assert getattr(da, name)(da.ones(2, dtype=dtype)).dtype == wanted, dtype


@pytest.mark.parametrize("name", BINARY)
def test_binary_dtypes_and_scalars(name):
    scalars = {"bool": [True], "float": [2, 2.0], "complex": [2, 2.0, 2j]}
    for dtype in ("bool", "int16", "uint8", "float32", "float64", "complex64", "complex128"):
        integral = dtype in SIGNED + UNSIGNED
        kind = "complex" if dtype in COMPLEX else "float" if dtype in REAL else dtype
        allowed = {
            "bool": name in (*INTEGER_ONLY, "equal", "not_equal") or name.startswith("logical"),
            "float": name not in INTEGER_ONLY and not name.startswith("logical"),
            "complex": name not in (*INTEGER_ONLY, *REAL_ONLY) and not name.startswith("logical"),
        }.get(kind, name not in FLOATING and not name.startswith("logical"))
        if not allowed or (dtype == "bool" and "shift" in name):
            continue
        x = da.ones(2, dtype=dtype)
        wanted = "bool" if name in COMPARISONS else dtype
        function = getattr(da, name)
        assert function(x, x).dtype == wanted, dtype
        for scalar in [2] if integral else scalars[kind]:
            assert function(x, scalar).dtype == wanted, (dtype, scalar)
            assert function(scalar, x).dtype == wanted, (dtype, scalar)


@pytest.mark.parametrize("name", INTEGER_ONLY)
def test_bits_of_floats_are_refused(name):
    x = da.ones(2)
    with pytest.raises(TypeError):
        getattr(da, name)(*[x, x][: 1 if name in UNARY else 2])


def test_results_are_arrays_without_dimensions_too():
    zero = array(2.0)
    for name in ("sin", "add", "pow", "isnan", "equal"):
        result = getattr(da, name)(*[zero, zero][: 1 if name in UNARY else 2])
        assert isinstance(result, da.DeviceArray)
        assert result.shape == ()
    assert da.argmax(da.ones(2)).dtype == INDEX
