"""Every name of the standard is there, and can be called as the standard says."""

from __future__ import annotations

import inspect
import math

import pytest

import devarray as da
from standard.common import DTYPES, array, same
from standard.signatures import (
    BINARY,
    FFT,
    LINALG,
    MAIN,
    METHODS,
    OPERATORS,
    UNARY,
    forms,
    parse,
)

ELEMENTWISE = parse(
    "\n".join([f"{name}(x, /)" for name in UNARY] + [f"{name}(x1, x2, /)" for name in BINARY])
)
FUNCTIONS = (
    [(da, name, signature) for name, signature in (ELEMENTWISE | parse(MAIN)).items()]
    + [(da.linalg, name, signature) for name, signature in parse(LINALG).items()]
    + [(da.fft, name, signature) for name, signature in parse(FFT).items()]
)
NAMES = [f"{space.__name__}.{name}".removeprefix("devarray.") for space, name, _ in FUNCTIONS]

COMPARISONS = ["eq", "ge", "gt", "le", "lt", "ne"]
SIGNS = ["abs", "invert", "neg", "pos"]


def accepts(function, signature):
    """Bind each form of call that the standard allows."""
    own = inspect.signature(function)
    for positional, keywords in forms(signature):
        own.bind(*positional, **keywords)


@pytest.mark.parametrize(("space", "name", "signature"), FUNCTIONS, ids=NAMES)
def test_function(space, name, signature):
    assert name in dir(space)
    accepts(getattr(space, name), signature)


def test_operands():
    """Signatures tell how many operands an elementwise function takes."""
    silent = []
    for name in UNARY + BINARY:
        own = inspect.signature(getattr(da, name))
        try:
            own.bind(*["x", "x"][: 0 if name in UNARY else 1])
        except TypeError:
            continue
        silent.append(name)
    assert not silent


@pytest.mark.parametrize(("name", "signature"), parse(METHODS).items(), ids=str)
def test_method(name, signature):
    accepts(getattr(da.ones(2), name), signature)


@pytest.mark.parametrize("name", OPERATORS + COMPARISONS + SIGNS)
def test_operator_methods(name):
    x = da.ones((2, 2), dtype=da.int64)
    other = [] if name in SIGNS else [x]
    result = getattr(x, f"__{name}__")(*other)
    assert isinstance(result, da.DeviceArray)
    if name in OPERATORS:
        assert isinstance(getattr(x, f"__r{name}__")(x), da.DeviceArray)
    inspect.signature(getattr(x, f"__{name}__")).bind(*other)


def test_constants():
    assert da.e == math.e
    assert da.pi == math.pi
    assert da.inf == math.inf
    assert math.isnan(da.nan)
    assert da.newaxis is None
    for name in ("e", "pi", "inf", "nan"):
        assert isinstance(getattr(da, name), float)


@pytest.mark.parametrize("name", DTYPES)
def test_dtypes(name):
    dtype = getattr(da, name)
    x = da.zeros(1, dtype=dtype)
    assert x.dtype == dtype
    assert dtype == x.dtype
    assert dtype != getattr(da, "int8" if name != "int8" else "bool")
    assert not x.dtype != dtype  # noqa: SIM202 - the operator itself is meant


def test_the_version():
    assert da.__array_api_version__ == "2025.12"


# Calls with every keyword at its default, by name, give what calls without keywords give.

SQUARE = [[4.0, 1.0], [1.0, 3.0]]
ROW = [3.0, 1.0, 2.0]


def arguments(name, space):
    """Return what to call a function with: positional arguments, required keywords."""
    square, row, whole = array(SQUARE), array(ROW), array([2, 0, 1])
    special = {
        "arange": ([3], {}),
        "eye": ([2], {}),
        "full": ([], {"shape": (2,), "fill_value": 3.0}),
        "full_like": ([row], {"fill_value": 3.0}),
        "linspace": ([0, 1], {"num": 3}),
        "meshgrid": ([row, row], {}),
        "take": ([row, whole], {}),
        "take_along_axis": ([row, whole], {}),
        "searchsorted": ([da.sort(row), row], {}),
        "isin": ([whole, whole], {}),
        "repeat": ([row, 2], {}),
        "reshape": ([square], {"shape": (4,)}),
        "roll": ([row], {"shift": 1}),
        "concat": ([[row, row]], {}),
        "stack": ([[row, row]], {}),
        "astype": ([row, da.float32], {}),
        "from_dlpack": ([row], {}),
        "asarray": ([ROW], {}),
        "fftfreq": ([4], {}),
        "rfftfreq": ([4], {}),
        "cross": ([row, row], {}),
        "tensordot": ([square, square], {}),
        "vecdot": ([row, row], {}),
    }
    if name in special:
        return special[name]
    if name in ("ones", "zeros"):
        return [], {"shape": (2,)}
    flat = name.startswith("cumulative") or space is da.fft
    return [row if flat and not name.endswith("n") else square], {}


def with_options():
    for (space, name, signature), text in zip(FUNCTIONS, NAMES, strict=True):
        options = {
            p.name: p.default for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY
        }
        if options and not name.startswith("empty"):
            yield pytest.param(space, name, options, id=text)


@pytest.mark.parametrize(("space", "name", "options"), list(with_options()))
def test_defaults(space, name, options):
    function = getattr(space, name)
    positional, needed = arguments(name, space)
    plain = function(*positional, **needed)
    given = function(*positional, **needed, **options)
    if not isinstance(plain, tuple):
        plain, given = (plain,), (given,)
    for one, other in zip(plain, given, strict=True):
        same(other, one.get())


def test_the_namespace_is_found_by_name():
    assert da.linalg.__name__ == "devarray.linalg"
    assert da.fft.__name__ == "devarray.fft"
    everything = set(dir(da))
    assert {name for space, name, _ in FUNCTIONS if space is da} <= everything
