"""Every row of the table against its ufunc: all dtypes, special values in all pairs, random values.

The harness writes its own little kernels, so that it proves the texts and functions and nothing
else. Each kernel runs twice: over the whole arrays (vectorised) and three elements at a time (the
scalar rest of a vectorised loop).
"""

from __future__ import annotations

import ctypes
import itertools
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from devarray.kernels import random_rows, rows
from devarray.kernels.ops import C_TYPES, DTYPES, OPS, DType, Loop, Op

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{name}")
    for name in ("RuntimeWarning", "numpy.exceptions.ComplexWarning")
]
Array = np.ndarray[Any, Any]
INCLUDE = Path(rows.__file__).parent / "include"
FLAGS = [
    *("-x", "c++", "-O3", "-march=native", "-fno-math-errno", "-fno-trapping-math"),
    *("-ffp-contract=off", "-fwrapv", "-fopenmp", "-nostdlib", "-shared", "-fPIC", "-DDA_MVEC"),
]
WORKING = C_TYPES | {"e": "f32"}
LONG = {"e": "d", "f": "d", "d": "g", "F": "D", "D": "G"}
ROWS = list(OPS.values())
CALLED = [row for row in ROWS if row.name != "astype"]
# NumPy itself chooses one zero or the other by SIMD width and position in the array
EITHER_ZERO = {"maximum", "minimum", "fmax", "fmin", "clip"}


# ---- kernels
def load(dtype: DType, name: str) -> str:
    return f"da_load16({name}[i])" if dtype.char == "e" else f"{name}[i]"


def kernel(number: int, loops: tuple[Loop, ...], sources: tuple[DType, ...] | None = None) -> str:
    """Return a kernel's text: it stores each output of `loops`, operands cast from `sources`."""
    ins = loops[0].ins
    sources = ins if sources is None else sources
    parameters = [f"const {C_TYPES[d.char]} *__restrict a{k}" for k, d in enumerate(sources)]
    parameters += [f"{C_TYPES[loop.out.char]} *__restrict r{k}" for k, loop in enumerate(loops)]
    body = []
    for k, (source, dtype) in enumerate(zip(sources, ins, strict=True)):
        value = load(source, f"a{k}")
        cast = value if source is dtype else f"da_to_{C_TYPES[dtype.char]}({value})"
        body.append(f"const {WORKING[dtype.char]} v{k} = {cast};")
    for k, loop in enumerate(loops):
        text = loop.text.format(*(f"v{j}" for j in range(len(ins))))
        if loop.out.char == "e" and not loop.op.own_half:
            text = f"da_to_f16({text})"
        body.append(f"const {WORKING[loop.out.char]} w{k} = {text};")
        if loop.out.kind == "c":  # by parts, or gcc does not vectorise
            body.append(f"r{k}[i].re = w{k}.re; r{k}[i].im = w{k}.im;")
        else:
            body.append(f"r{k}[i] = {'da_store16' if loop.out.char == 'e' else ''}(w{k});")
    lines = "\n        ".join(body)
    moved = ", ".join(
        [f"a{k} + i" for k in range(len(sources))] + [f"r{k} + i" for k in range(len(loops))]
    )
    return f"""
static __attribute__((noinline)) void loop{number}(i64 n, {", ".join(parameters)}) {{
    #pragma GCC ivdep
    for (i64 i = 0; i < n; i++) {{
        {lines}
    }}
}}
extern "C" void kernel{number}(i64 n, i64 step, {", ".join(parameters)}) {{
    for (i64 i = 0; i < n; i += step) loop{number}(n - i < step ? n - i : step, {moved});
}}
"""


@cache
def libraries() -> list[ctypes.CDLL]:
    return [ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL) for name in ("libm.so.6", "libmvec.so.1")]


def build(texts: list[str], folder: Path, flags: Sequence[str] = ()) -> ctypes.CDLL:
    libraries()
    source, library = folder / "kernels.cc", folder / "kernels.so"
    source.write_text('#include "prelude_openmp.h"\n#include "scalar.h"\n' + "".join(texts))
    command = ["g++", *FLAGS, *flags, f"-I{INCLUDE}", str(source), "-o", str(library)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


def run(
    library: ctypes.CDLL, number: int, args: list[Array], outs: list[DType], step: int
) -> list[Array]:
    n = args[0].size
    results = [np.empty(n, dtype) for dtype in outs]
    pointers = [ctypes.c_void_p(x.ctypes.data) for x in (*args, *results)]
    getattr(library, f"kernel{number}")(ctypes.c_int64(n), ctypes.c_int64(step), *pointers)
    return results


# ---- arguments
def signatures(row: Op) -> list[tuple[DType, ...]]:
    """Return every signature of the row's loops over the supported dtypes."""
    if row.name in ("real", "imag"):
        return [(d, np.empty(0, d).real.dtype) for d in DTYPES if d.kind in "fc"]
    if row.name == "where":
        return [(np.dtype("?"), d, d, d) for d in DTYPES]
    operands = (
        [(d, d, d) for d in DTYPES] if row.nin == 3 else itertools.product(DTYPES, repeat=row.nin)
    )
    found: dict[tuple[DType, ...], None] = {}
    for dtypes in operands:
        try:
            loops = row.resolve(dtypes)
        except TypeError:
            continue
        found[(*loops[0].ins, *(loop.out for loop in loops))] = None
    return list(found)


def special(dtype: DType) -> Array:
    """Return the values of `dtype` at which functions go wrong."""
    if dtype.kind == "b":
        return np.array([False, True])
    if dtype.kind in "ui":
        whole = np.iinfo(dtype)
        limits = [whole.max, whole.max - 1, whole.max // 2 + 1, whole.min, whole.min + 1]
        some = [*range(9), 12, 15, 16, 31, 32, 33, 63, 64, 100, 127, 128, 255, 1000, 32767, 65520]
        some += [16777217, 2**31, 2**53 + 1, *limits]
        both = {v for x in some for v in (x, -x)}
        return np.array(sorted(v for v in both if whole.min <= v <= whole.max), dtype)
    if dtype.kind == "c":
        part = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e-30, 1e30, -50.0, np.inf, -np.inf, np.nan]
        return np.array([complex(a, b) for a in part for b in part], dtype)
    info = np.finfo(dtype)
    positive = [
        *(0.0, 0.1, 1 / 3, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 10.0, 100.0, 127.5, 255.5),
        *(1000.5, 65504.0, 65519.0, 65520.0, 1e10, 1e20, 2.0**32, 2.0**53, 2.0**63, 2.0**64),
        *(2.0**31, 2.0**31 - 0.5, 2.0**-24, 2.0**-25, 3 * 2.0**-26, 1.5 * 2.0**-14),
        *(1.0009765625, 1.00048828125, np.pi, np.pi / 2, 11.09, 88.7, 104.0, 709.7, 745.2),
        *(np.inf, np.nan, float(info.tiny), float(info.tiny) / 3, float(info.smallest_subnormal)),
        *(float(info.max), float(info.eps), 1 + float(info.eps), 1 - float(info.eps) / 2),
    ]
    values = np.array(positive).astype(dtype)
    return np.unique(np.concatenate([values, -values]).view(f"u{dtype.itemsize}")).view(dtype)


def random(
    dtype: DType, n: int, domain: tuple[float, float] | None, rng: np.random.Generator
) -> Array:
    if dtype.kind == "b":
        return rng.random(n) < 0.5
    if dtype.kind in "ui":
        bits = rng.integers(0, 2**64, n, np.uint64)
        shift = rng.integers(0, 8 * dtype.itemsize, n).astype(dtype)
        return np.where(rng.random(n) < 0.5, bits.astype(dtype), bits.astype(dtype) >> shift)
    if dtype.kind == "c":
        real = np.dtype(dtype.char.lower())
        result = np.empty(n, dtype)
        result.real, result.imag = (random(real, n, domain or rows.WIDE, rng) for _ in range(2))
        return result
    if domain is None:
        values = rng.standard_normal(n) * 10.0 ** rng.integers(-3, 4, n)
        bits = rng.integers(0, 256, n * dtype.itemsize, np.uint8).view(dtype)
        return np.where(rng.random(n) < 0.5, values.astype(dtype), bits)
    low, high = domain
    return (low + (high - low) * rng.random(n)).astype(dtype)


def arguments(row: Op, ins: tuple[DType, ...]) -> list[Array]:
    rng = np.random.default_rng(1)
    n = 20001
    if len(ins) == 1 and ins[0].itemsize == 2 and ins[0].kind != "c":
        return [np.arange(65536, dtype=np.uint16).view(ins[0])]
    specials = [special(d) if len(ins) < 3 or d.kind != "c" else special(d)[::7] for d in ins]
    pairs = [x.ravel() for x in np.meshgrid(*specials)]
    args = []
    for p, d in zip(pairs, ins, strict=True):
        parts = [p, random(d, n, row.domain, rng)]
        if row.domain and d.kind == "f":
            parts.append(random(d, n, None, rng))
        args.append(np.concatenate(parts))
    if row.name == "power" and ins[1].kind == "i":
        args[1] &= np.iinfo(ins[1]).max  # the caller raises for negative exponents
    return args


# ---- comparison
def parts(x: Array) -> Array:
    return x.view(x.dtype.char.lower()) if x.dtype.kind == "c" else x


def same(got: Array, want: Array, either_zero: bool = False) -> Array:
    """Return where the results are the same to the bit, or both NaN, in each part."""
    a, b = parts(got), parts(want)
    equal = a == b
    if a.dtype.kind == "f":
        if not either_zero:
            equal &= np.signbit(a) == np.signbit(b)
        equal |= np.isnan(a) & np.isnan(b)
    result: Array = equal.reshape(-1, 2).all(axis=1) if got.dtype.kind == "c" else equal
    return result


def ulps(got: Array, want: Array, exact: Array, size: Array | int) -> Array:
    """Return the error, in units in the last place, against the longer result `exact`.

    Where NumPy's result is not finite, it must be matched. The unit is that of the absolute value
    of the result, or of `size` if that is larger.
    """
    rounded = exact.astype(got.dtype)
    unit = np.spacing(np.maximum(np.abs(rounded), size)).astype(np.longdouble)
    error = np.abs(got.astype(exact.dtype) - exact) / unit
    finite = np.isfinite(got) & np.isfinite(want) & np.isfinite(rounded)
    error = np.where(finite, error, np.inf)
    result: Array = np.where(same(got, want) | same(got, rounded), 0, error)
    return result


class Case(NamedTuple):
    loops: tuple[Loop, ...]
    args: list[Array]
    results: list[list[Array]]  # of the vectorised and of the scalar loop


def cases(row: Op, folder: Path) -> list[Case]:
    loops = [row.make(signature) for signature in signatures(row)]
    library = build([kernel(k, some) for k, some in enumerate(loops)], folder)
    found = []
    for k, some in enumerate(loops):
        args = arguments(row, some[0].ins)
        outs = [loop.out for loop in some]
        found.append(
            Case(some, args, [run(library, k, args, outs, step) for step in (args[0].size, 3)])
        )
    return found


def reference(row: Op, case: Case, long: bool = False) -> list[Array]:
    args = case.args
    if long:
        args = [x.astype(LONG[x.dtype.char]) for x in args]
    result = row.answer(*args)
    return list(result) if isinstance(result, tuple) else [result]


def errors(row: Op, case: Case) -> list[tuple[Loop, Array, Array, Array]]:
    """Return what came, what NumPy says, and the error in ulp, for each output and each run."""
    found = []
    wants = reference(row, case)
    exact = case.loops[0].exact
    longs = wants if exact else reference(row, case, long=True)
    # near 0, log(exp(x) + exp(y)) is the difference of numbers as large as x and y, in NumPy too
    size = np.abs(np.maximum(*case.args)) if row.name in ("logaddexp", "logaddexp2") else 0
    for gots in case.results:
        for loop, got, want, long in zip(case.loops, gots, wants, longs, strict=True):
            if exact:
                error = np.where(same(got, want, row.name in EITHER_ZERO), 0, np.inf)
            else:
                error = ulps(got, want, long, size)
            found.append((loop, got, want, error))
    return found


def test_philox_gives_the_published_bits() -> None:
    # the known answers for philox4x32-10 that come with Random123, as (counter, key, result)
    ones = 2**64 - 1
    for index, call, key, low, high in (
        (0, 0, 0, 0xE169C58D6627E8D5, 0x9B00DBD8BC57AC4C),
        (ones, ones, ones, 0x41C83B0E408F276D, 0x6D5451FDA20BC7C6),
        (
            *(0x85A308D3243F6A88, 0x0370734413198A2E, 0x299F31D0A4093822),
            *(0x94FDCCEBD16CFE09, 0x24126EA15001E420),
        ),
    ):
        got = random_rows.philox(*(np.array([x], np.uint64) for x in (index, key, call)))
        assert [int(x[0]) for x in got] == [low, high]


@pytest.mark.parametrize("row", CALLED, ids=lambda row: row.name)
def test_row(row: Op, tmp_path: Path) -> None:
    wrong = []
    for case in cases(row, tmp_path):
        for loop, got, want, error in errors(row, case):
            bad = np.flatnonzero(~(error <= row.ulp))
            if bad.size:
                shown = [
                    (*(x[i] for x in case.args), "->", got[i], "not", want[i], float(error[i]))
                    for i in bad[:6]
                ]
                dtypes = ", ".join(d.name for d in loop.ins)
                wrong.append(f"{dtypes}: {bad.size} of {got.size}: {shown}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("target", DTYPES, ids=str)
def test_cast(target: DType, tmp_path: Path) -> None:
    row = OPS[rows.astype]
    loops = row.make((target, target))
    library = build([kernel(k, loops, (source,)) for k, source in enumerate(DTYPES)], tmp_path)
    wrong = []
    for k, source in enumerate(DTYPES):
        (x,) = arguments(row, (source,))
        # strided, because the vectorised part of NumPy's contiguous loops differs for uint32
        want = rows.astype(np.repeat(x, 2)[::2], target)
        for step in (x.size, 3):
            (got,) = run(library, k, [x], [target], step)
            bad = np.flatnonzero(~same(got, want))
            if bad.size:
                shown = [(x[i], "->", got[i], "not", want[i]) for i in bad[:8]]
                wrong.append(f"from {source}, step {step}: {bad.size} of {x.size}: {shown}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("leave_out", list(itertools.product((False, True), repeat=3)), ids=str)
def test_headers_are_complete(leave_out: tuple[bool, ...], tmp_path: Path) -> None:
    names = itertools.compress(("DA_NO_COMPLEX", "DA_NO_INTEGER", "DA_NO_RANDOM"), leave_out)
    build([], tmp_path, ["-Wall", "-Wextra", "-Werror", *(f"-D{name}" for name in names)])


def test_kernels_need_libm_only(tmp_path: Path) -> None:
    texts = [
        kernel(k, row.make(signature))
        for k, (row, signature) in enumerate((r, s) for r in CALLED[::3] for s in signatures(r))
    ]
    build(texts, tmp_path, ["-O1"])
    listing = subprocess.run(
        ["nm", "-D", "--undefined-only", str(tmp_path / "kernels.so")],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    symbols = {line.split()[1].split("@")[0] for line in listing.splitlines()}
    libgcc = {s for s in symbols if s.startswith("__") and s != "__gmon_start__"}
    assert not libgcc
