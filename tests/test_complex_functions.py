"""The elementary functions of complex numbers in complex.h, against NumPy's.

NumPy's next longer precision decides over digits, NumPy's own results over special values. Each
kernel runs twice: over whole arrays (vectorised) and three elements at a time (the scalar rest).
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from test_rows import FLAGS, INCLUDE, libraries, same

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
Array = np.ndarray[Any, Any]
FUNCTIONS: dict[str, np.ufunc] = {
    "csqrt": np.sqrt, "cexp": np.exp, "clog": np.log, "csin": np.sin, "ccos": np.cos,
    "csinh": np.sinh, "ccosh": np.cosh, "libm_ctanh": np.tanh, "casin": np.arcsin,
    "cacos": np.arccos, "catan": np.arctan, "casinh": np.arcsinh, "cacosh": np.arccosh,
    "catanh": np.arctanh,
}  # fmt: skip
GROWING = {"cexp", "csin", "ccos", "csinh", "ccosh", "libm_ctanh"}
TYPES = {"c64": np.complex64, "c128": np.complex128}
LONGER = {"c64": np.complex128, "c128": np.clongdouble}
ULP = 8  # of each part; libmvec's functions have 4
PARTS = [0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, 1e-30, 1e30, -50.0, 100.0, np.inf, -np.inf, np.nan]
SPECIAL = np.array([complex(a, b) for a in PARTS for b in PARTS])
# The least that a dialect's prelude must offer
OPENCL_PRELUDE = """
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#define FN static inline __attribute__((overloadable))
typedef uchar b8;
typedef ulong u64;
typedef float f32;
typedef double f64;
typedef struct { f32 re, im; } c64;
typedef struct { f64 re, im; } c128;
FN c64 da_c64(f32 re, f32 im) { c64 r; r.re = re; r.im = im; return r; }
FN c128 da_c128(f64 re, f64 im) { c128 r; r.re = re; r.im = im; return r; }
FN f64 da_float(u64 x) { return as_double(x); }
""" + "".join(
    f"#define da_{name} {name}\n"
    for name in (
        *("fabs", "sqrt", "copysign", "fma", "hypot", "atan2", "sin", "cos"),
        *("exp", "expm1", "log", "log1p", "asinh"),
    )
)


# ---- kernels
def kernel(name: str, c: str, operands: str) -> str:
    values = ", ".join(f"{v}[i]" for v in operands)
    pointers = ", ".join(f"const {c} *__restrict {v}" for v in operands)
    moved = ", ".join(f"{v} + i" for v in operands)
    return f"""
static __attribute__((noinline)) void loop_{name}_{c}(i64 n, {pointers}, {c} *__restrict r) {{
    #pragma GCC ivdep
    for (i64 i = 0; i < n; i++) {{
        const {c} w = da_{name}({values});
        r[i].re = w.re; r[i].im = w.im;
    }}
}}
extern "C" void {name}_{c}(i64 n, i64 step, {pointers}, {c} *__restrict r) {{
    for (i64 i = 0; i < n; i += step) loop_{name}_{c}(n - i < step ? n - i : step, {moved}, r + i);
}}
"""


def build(folder: Path, text: str, flags: list[str]) -> Path:
    source, library = folder / "kernels.cc", folder / "kernels.so"
    source.write_text('#include "prelude_openmp.h"\n#include "complex.h"\n' + text)
    command = ["g++", *FLAGS, "-DDA_OWN_COMPLEX", *flags, f"-I{INCLUDE}", str(source)]
    subprocess.run([*command, "-o", str(library)], check=True)
    return library


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    libraries()
    texts = [kernel(name, c, "x") for name in FUNCTIONS for c in TYPES]
    texts += [kernel("libm_cpow", c, "xy") for c in TYPES]
    texts.append('extern "C" int fused() { return DA_FUSED; }\n')
    flags = ["-Wall", "-Wextra", "-Werror", "-Wshadow"]
    return ctypes.CDLL(str(build(tmp_path_factory.mktemp("complex"), "".join(texts), flags)))


def results(library: ctypes.CDLL, name: str, c: str, *args: Array) -> list[Array]:
    found = []
    for step in (args[0].size, 3):
        result = np.empty_like(args[0])
        pointers = [ctypes.c_void_p(x.ctypes.data) for x in (*args, result)]
        n = ctypes.c_int64(result.size)
        getattr(library, f"{name}_{c}")(n, ctypes.c_int64(step), *pointers)
        found.append(result)
    return found


# ---- arguments
def either_sign(rng: np.random.Generator, low: float, high: float, n: int = 300) -> Array:
    """Return numbers from 2**low to 2**high."""
    result: Array = rng.choice([-1.0, 1.0], n) * np.exp2(rng.uniform(low, high, n))
    return result


def made(re: Array, im: Array, c: str) -> Array:
    result: Array = np.empty(re.shape, TYPES[c])
    result.real, result.imag = re, im
    return result


def points(name: str, c: str) -> Array:
    """Return finite arguments: of all sizes, and near all places where digits may be lost."""
    rng = np.random.default_rng(5)
    info = np.finfo(TYPES[c])
    low, high = np.log2(float(info.smallest_subnormal)), np.log2(float(info.max)) - 1e-3
    top = np.log(float(info.max))
    pairs = []
    if name in GROWING:
        edges = rng.choice([-1, 1], 300) * rng.uniform(top - 1, top + 2, 300)
        turns = np.round(rng.uniform(-40, 40, 300)) * (np.pi / 2)
        sizes = [rng.uniform(-2.1 * top, 2.1 * top, 300), edges, either_sign(rng, -2, 3)]
        sizes.append(either_sign(rng, low, 3))
        angles = [either_sign(rng, -3, 20), either_sign(rng, low, 0), turns]
        angles.append(either_sign(rng, 0, high))
        pairs = [(a, b) for a in sizes for b in angles]
        if name in ("csin", "ccos"):
            pairs = [(b, a) for a, b in pairs]
    else:
        wide, other, near = (either_sign(rng, *x) for x in ((low, high), (low, high), (-4, 4)))
        pairs = [(wide, other), (near, near[::-1]), (near, wide), (wide, near)]
        pairs.append((wide / 4, wide / 4 * either_sign(rng, -2, 2)))
        pairs.append((either_sign(rng, low, low + 60), either_sign(rng, low, low + 60)))
        pairs.append((either_sign(rng, high - 4, high), either_sign(rng, high - 4, high)))
        small, tiny = either_sign(rng, -info.nmant - 4, -1), either_sign(rng, low, 0)
        for s in (1, -1):  # the branch points 1, -1, i and -i
            real = [(s + small, tiny), (s + tiny, small), (s + 0 * tiny, tiny)]
            pairs += real + [(b, a) for a, b in real]
        for t in (rng.uniform(-np.pi, np.pi, 300), either_sign(rng, -60, -1)):  # the unit circle
            size = 1 + either_sign(rng, -info.nmant - 3, -2)
            pairs += [(np.cos(t) * size, np.sin(t) * size), (np.sin(t) * size, np.cos(t) * size)]
    z: Array = np.concatenate([made(a, b, c) for a, b in pairs])
    found: Array = z[np.isfinite(z)]
    return found


# ---- comparison
def parts(z: Array) -> Array:
    found: Array = z.view(z.real.dtype).reshape(-1, 2)
    return found


def ulps(got: Array, long: Array, *, modulus: bool = False) -> Array:
    """Return the error in units of the last place of each part, or of the absolute value.

    A part may be infinite where the exact one rounds to the largest number or so.
    """
    info = np.finfo(got.dtype)
    exact, mine = parts(long), parts(got).astype(long.real.dtype)
    limit = exact.dtype.type(info.max)
    size = np.abs(long)[:, None] if modulus else np.abs(exact)
    unit = np.spacing(np.minimum(size, limit).astype(info.dtype)).astype(exact.dtype)
    over = (np.abs(exact) > limit * (1 - ULP * exact.dtype.type(info.eps))) & (
        np.abs(mine) > limit * (1 - 2 * ULP * exact.dtype.type(info.eps))
    )
    right = over & (np.signbit(exact) == np.signbit(mine))
    error: Array = np.where(right, 0, np.abs(mine - exact) / unit)
    return error


def show(z: tuple[Array, ...], got: Array, want: Array, bad: Any) -> str:
    return "\n".join(
        f"{[x[i] for x in z]} -> {got[i]!r} not {want[i]!r}" for i in np.flatnonzero(bad)[:6]
    )


@pytest.mark.parametrize("c", TYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_digits(name: str, c: str, compiled: ctypes.CDLL) -> None:
    z = points(name, c)
    long = FUNCTIONS[name](z.astype(LONGER[c]))
    # without fused multiply-add, log's real part loses digits where it is far below the other part
    modulus = name == "clog" and not compiled.fused()
    for got in results(compiled, name, c, z):
        bad = ~(ulps(got, long, modulus=modulus) <= ULP).all(axis=1)
        assert not bad.any(), show((z,), got, long, bad)


@pytest.mark.parametrize("c", TYPES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name: str, c: str, compiled: ctypes.CDLL) -> None:
    z: Array = SPECIAL.astype(TYPES[c])
    want = FUNCTIONS[name](z)
    rough = ~np.isfinite(parts(want)) | (parts(want) == 0)
    for got in results(compiled, name, c, z):
        alike = same(parts(got).ravel(), parts(want).ravel()).reshape(-1, 2)
        close = np.abs(parts(got) - parts(want)) <= 64 * np.spacing(np.abs(parts(want)))
        signs = np.signbit(parts(got)) == np.signbit(parts(want))
        bad = ~np.where(rough, alike, close & signs).all(axis=1)
        assert not bad.any(), show((z,), got, want, bad)


def exponents(c: str) -> tuple[Array, Array]:
    x, y = (a.ravel().astype(TYPES[c]) for a in np.meshgrid(SPECIAL, SPECIAL))
    whole = (y.imag == 0) & (np.rint(y.real) == y.real) & (np.abs(y.real) < 100)
    general = ~(whole | (x == 0))  # the others are da_cpower's own
    return x[general], y[general]


def test_special_values_of_power(compiled: ctypes.CDLL) -> None:
    x, y = exponents("c128")
    want = np.power(x, y)
    huge = (np.abs(parts(y)) == 1e30).any(axis=1)  # the angle of the result has no digit
    rough = ~(np.isfinite(x) & np.isfinite(y))
    for got in results(compiled, "libm_cpow", "c128", x, y):
        near = same(got, want) | (np.abs(got - want) <= 2000 * np.spacing(np.abs(want)))
        bad = ~np.where(rough, same(got, want), near) & ~(huge & ~rough)
        assert not bad.any(), show((x, y), got, want, bad)


@pytest.mark.parametrize("c", TYPES)
def test_digits_of_power(c: str, compiled: ctypes.CDLL) -> None:
    rng = np.random.default_rng(6)
    z = [made(either_sign(rng, -9, 9, 3000), either_sign(rng, -9, 9, 3000), c) for _ in range(2)]
    long = np.power(*(x.astype(LONGER[c]) for x in z))
    grown = np.abs(z[1] * np.log(z[0]))  # the error of the exponent is that of the result
    limit = np.full(grown.shape, 4.0) if c == "c64" else 4 + 4 * grown
    for got in results(compiled, "libm_cpow", c, *z):
        some = grown < 80 if c == "c64" else grown < 600
        assert some.sum() > 500
        bad = ~(ulps(got, long, modulus=True).max(axis=1) <= limit) & some
        assert not bad.any(), show(tuple(z), got, long, bad)


# ---- the text
@pytest.mark.parametrize("left_out", [(), ("-DDA_NO_COMPLEX",)], ids=["complex", "no complex"])
def test_scalar_functions_take_these(left_out: tuple[str, ...], tmp_path: Path) -> None:
    flags = ["-Wall", "-Wextra", "-Werror", "-Wshadow", "-fsyntax-only", *left_out]
    build(tmp_path, '#include "scalar.h"\n', flags)


def test_contraction_does_no_harm(tmp_path: Path) -> None:
    libraries()
    library = build(tmp_path, kernel("clog", "c128", "x"), ["-ffp-contract=fast"])
    z = points("clog", "c128")
    long = np.log(z.astype(np.clongdouble))
    for got in results(ctypes.CDLL(str(library)), "clog", "c128", z):
        bad = ~(ulps(got, long, modulus=True) <= ULP).all(axis=1)
        assert not bad.any(), show((z,), got, long, bad)


@pytest.mark.skipif(shutil.which("clang") is None, reason="clang is not installed")
def test_text_is_opencl(tmp_path: Path) -> None:
    calls = "".join(
        f"__kernel void {name}_{c}(__global {c}* x) {{ x[0] = da_{name}(x[0]); }}\n"
        for name in FUNCTIONS
        for c in TYPES
    )
    power = "__kernel void power(__global c64* x) { x[0] = da_libm_cpow(x[0], x[1]); }\n"
    source = tmp_path / "kernels.cl"
    source.write_text(f'{OPENCL_PRELUDE}#include "complex.h"\n{calls}{power}')
    flags = ["-cl-std=CL3.0", "-Xclang", "-finclude-default-header", "-fsyntax-only"]
    warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]
    command = ["clang", "-x", "cl", *flags, *warnings, f"-I{INCLUDE}", str(source)]
    subprocess.run(command, check=True)
