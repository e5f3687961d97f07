"""The language of CUDA C and HIP on the host: kernels as people write them, against NumPy.

Each file of ``kernels`` is one module, since each source costs a compilation.
"""

import math
import re
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import cuda_features
import cuda_tutorials
from devarray.errors import CompileError, DeviceError
from devarray.kernels.host_grid import HostModule
from devarray.kernels.host_text import host_text
from devarray.kernels.source_text import expanded
from host_modules import at

SOURCES = {path.stem: path.read_text() for path in (Path(__file__).parent / "kernels").glob("*.cu")}
NAMES = {
    "tutorials": ["matmul<16, float>", "reduce6<128>"],
    "features": ["apply<float, Sum>", "apply<int, Max>", "traits<double>", "traits<float>"],
}
f2, f4, f8, i4, u4 = np.float16, np.float32, np.float64, np.int32, np.uint32


@cache
def made(source, whole_blocks=True):
    """Return the module of a file of ``kernels``."""
    return HostModule(SOURCES[source], NAMES.get(source, ()), whole_blocks=whole_blocks)


def launch(module, name, grid, block, args, shared_bytes=0):
    """Launch a kernel on NumPy's arrays."""
    addresses = [at(x) if isinstance(x, np.ndarray) else x for x in args]
    module.launch(name, grid, block, addresses, shared_bytes)


def same(found, wanted, tolerance=0):
    """Compare; NaN is NaN."""
    wanted = np.broadcast_to(wanted, found.shape)
    if tolerance:
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance)
    else:
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("whole_blocks", [True, False], ids=["blocks", "threads"])
@pytest.mark.parametrize("name", cuda_tutorials.CASES)
def test_kernels_of_tutorials(name, whole_blocks):
    kernel, grid, block, args, shared, results = cuda_tutorials.CASES[name](
        np.random.default_rng(3)
    )
    launch(made("tutorials", whole_blocks), kernel, grid, block, args, shared)
    for found, wanted, tolerance in results:
        same(found() if callable(found) else found, wanted, tolerance)


@pytest.mark.parametrize("whole_blocks", [True, False], ids=["blocks", "threads"])
@pytest.mark.parametrize("name", cuda_features.CASES)
def test_the_language(name, whole_blocks):
    kernel, grid, block, args, shared, results = cuda_features.CASES[name](np.random.default_rng(3))
    launch(made("features", whole_blocks), kernel, grid, block, args, shared)
    for found, wanted, tolerance in results:
        same(found() if callable(found) else found, wanted, tolerance)


@pytest.mark.parametrize("name", cuda_features.ATTRIBUTES)
def test_where_attributes_stand(name):
    found = np.zeros(64, i4)
    launch(made("features"), name, 1, 64, (found,))
    same(found, cuda_features.ATTRIBUTES.index(name) + 1)


def test_many_launches_sort():
    x = np.random.default_rng(1).random(1024).astype(f4)
    wanted = np.sort(x)
    for k in 2 ** np.arange(1, 11):
        for j in k >> np.arange(1, int(k).bit_length()):
            launch(made("tutorials"), "bitonic_step", 8, 128, (x, int(j), int(k)))
    same(x, wanted)


def test_kernels_share_variables():
    module = made("features")
    found, values = np.zeros(12, i4), np.zeros(12, i4)
    launch(module, "first", 1, 12, (values,))
    launch(module, "second", 1, 12, (found,))
    same(values, 2 * np.arange(12) + 1)
    same(found, 42 + 9 + 5)


# ---- sixteen bits --------------------------------------------------------------------------------


def all_halves():
    """Return float32 numbers: all of float16, what lies between them and beside them."""
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        half = np.arange(65536, dtype=np.uint16).view(f2).astype(f4)
        wide = rng.standard_normal(20000) * np.exp(rng.uniform(-20, 15, 20000))
        between = (half[:-1] + half[1:]) / 2
        beside = [np.nextafter(between, f4(end)) for end in (-np.inf, np.inf)]
        return np.concatenate([half, wide.astype(f4), between, *beside])


def test_conversions_to_sixteen_bits():
    x = all_halves()
    n = x.size
    with np.errstate(all="ignore"):
        double = np.where(np.arange(n) % 2, x.astype(f8), np.nextafter(x.astype(f8), np.inf))
    near, from_double, down, up, zero = (np.zeros(n, f2) for _ in range(5))
    back, bfloat, bfloat_back = np.zeros(n, f4), np.zeros(n, np.uint16), np.zeros(n, f4)
    args = (x, double, near, from_double, back, down, up, zero, bfloat, bfloat_back, n)
    launch(made("numbers"), "convert", -(-n // 256), 256, args)
    with np.errstate(all="ignore"):
        wanted = x.astype(f2)
        same(near, wanted)
        same(back, wanted.astype(f4))
        same(from_double, double.astype(f2))
        below = np.where(wanted.astype(f4) > x, np.nextafter(wanted, f2(-np.inf)), wanted)
        above = np.where(wanted.astype(f4) < x, np.nextafter(wanted, f2(np.inf)), wanted)
        same(down, below)
        same(up, above)
        same(zero, np.where(x > 0, below, above))
    bits = x.view(u4)
    upper = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype(np.uint16)
    upper[np.isnan(x)] = 0x7FFF
    same(bfloat, upper)
    same(bfloat_back, (upper.astype(u4) << 16).view(f4))


def test_arithmetic_of_half():
    rng, n = np.random.default_rng(2), 4000
    a, b = rng.integers(0, 65536, (2, n)).astype(np.uint16).view(f2)
    a[:1000], b[:1000] = rng.standard_normal((2, 1000))
    b[5] = a[5]
    found, tests = np.zeros((10, n), f2), np.zeros(n, i4)
    launch(made("numbers"), "arithmetic", 40, 100, (a, b, found, tests, n))
    with np.errstate(all="ignore"):
        wide = a.astype(np.longdouble)
        wanted = [a + b, a - b, a * b, a / b, np.sqrt(abs(a)), (a + b) * f2(2)]
        wanted += [(wide * b + wide).astype(f2), -a, np.fmax(a, b), np.floor(a)]
        for k, values in enumerate(wanted):
            same(found[k], values)
        flags = [a < b, a == a, a >= b, a > b, np.isnan(a), ~(a >= b), a != b]
    same(tests, sum(flag * 2**k for k, flag in enumerate(flags)))


def test_pairs_of_half():
    a, b = np.random.default_rng(3).standard_normal((2, 32, 2)).astype(f2)
    fused, sums = np.zeros_like(a), np.zeros((32, 2), f4)
    low, word = np.zeros(32, f2), np.zeros(32, u4)
    launch(made("numbers"), "pairs", 1, 32, (a, b, fused, sums, low, word, 32))
    same(fused, (a.astype(f8) * b + 1).astype(f2))
    same(sums, (a + b) * np.array([2, 0.5], f2))
    same(low, a[:, 1])
    same(word, a.view(u4).ravel())


def test_sums_of_half():
    x = np.random.default_rng(4).integers(0, 9, 64).astype(f2)
    total, shuffled = np.zeros(2, f2), np.zeros(1, f4)
    launch(made("numbers"), "half_sum", 1, 64, (x, total, shuffled, 64))
    same(total, [x.sum(), 64])
    same(shuffled, x[:32].sum())
    kinds = [(p.target_kind, p.target_size) for p in made("numbers").parameters("half_sum")]
    assert kinds[0] == ("f", 2)


# ---- functions -----------------------------------------------------------------------------------


def test_complex_numbers():
    rng = np.random.default_rng(5)
    b = rng.standard_normal(32) + 1j * rng.standard_normal(32)
    a = b[::-1].astype(np.complex64)
    products, quotients, sizes = np.zeros_like(a), np.zeros_like(b), np.zeros(32, f4)
    launch(made("numbers"), "complexes", 1, 32, (a, b, products, quotients, sizes))
    same(products, a * a + (1 - 2j), 1e-5)
    same(quotients, (b - 0.5) / np.conj(b), 1e-13)
    same(sizes, abs(a) + a.real, 1e-5)


def test_special_functions():
    x = np.linspace(-0.9999999, 0.9999999, 41)
    p = np.r_[1e-300, 1e-100, 1e-20, 1e-10, np.linspace(1e-5, 0.99999, 37)]
    found = np.zeros((8, 41))
    launch(made("numbers"), "special", 1, 64, (x, p, found, 41))
    np.testing.assert_allclose(found[0], x, rtol=1e-13)
    np.testing.assert_allclose(found[1], 2 * p, rtol=1e-12)
    np.testing.assert_allclose(found[2], p, rtol=1e-12)
    erfcx = [math.exp(25 * v * v) * math.erfc(5 * v) for v in x]
    np.testing.assert_allclose(found[3], erfcx, rtol=1e-13)
    np.testing.assert_allclose(found[4], np.i0(20 * x), rtol=1e-13)
    step = 1e-4  # i1 is the derivative of i0
    slope = (np.i0(20 * x + step) - np.i0(20 * x - step)) / (2 * step)
    np.testing.assert_allclose(found[5], slope, rtol=1e-7, atol=1e-9)
    norms = np.linalg.norm(x[:3]) + 1 / np.sqrt(x * x + 5) + np.sqrt(x * x + 14)
    np.testing.assert_allclose(found[6], norms, rtol=1e-14)
    np.testing.assert_allclose([math.erf(v) for v in found[7]], x, rtol=1e-6)


def is_rounded(found, exact, way):
    """Say whether a number is the last one that is not beyond the exact result."""
    if way == "zero":
        way = "down" if exact > 0 else "up"
    sign = 1 if way == "down" else -1
    following = np.nextafter(found, type(found)(sign * np.inf))
    within = sign * Fraction(float(found)) <= sign * exact
    return within and (np.isinf(following) or sign * Fraction(float(following)) > sign * exact)


DIRECTED = [
    (0, lambda a, b: a + b, "down"),
    (1, lambda a, b: a + b, "up"),
    (2, lambda a, b: a + b, "zero"),
    (3, lambda a, b: a * b, "down"),
    (4, lambda a, b: a * b, "up"),
    (5, lambda a, b: a / b, "down"),
    (6, lambda a, b: a / b, "up"),
    (8, lambda a, b: a * b + Fraction(float(f4(0.1))), "up"),
]
DIRECTED_DOUBLE = [
    (0, lambda a, b: a + b, "down"),
    (1, lambda a, b: a + b, "up"),
    (2, lambda a, b: a * b, "zero"),
    (3, lambda a, b: a / b, "up"),
    (4, lambda a, b: a * b + Fraction(0.1), "down"),
]


def test_directed_rounding():
    rng, n = np.random.default_rng(6), 200
    x, y = (rng.standard_normal((2, n)) * np.exp(rng.uniform(-30, 30, (2, n)))).astype(f4)
    x[:50], y[:50] = rng.integers(-5, 5, 50), rng.integers(1, 9, 50)
    double = rng.standard_normal(n)
    single, wide = np.zeros((11, n), f4), np.zeros((6, n))
    launch(made("numbers"), "directed", 1, 256, (x, y, double, single, wide, n))
    for table, found, left, right in (
        (DIRECTED, single, x, y),
        (DIRECTED_DOUBLE, wide, double, wide[5]),
    ):
        for row, function, way in table:
            for value, a, b in zip(found[row], left, right, strict=True):
                exact = function(Fraction(float(a)), Fraction(float(b)))
                assert is_rounded(value, exact, way), (row, a, b)
    for k in range(n):
        root = Fraction(float(single[7, k]))
        above = Fraction(float(np.nextafter(single[7, k], f4(np.inf))))
        assert root**2 <= abs(Fraction(float(x[k]))) < above**2
        assert is_rounded(single[9, k], Fraction(double[k]), "down")


def test_packed_integers():
    rng, n = np.random.default_rng(7), 100
    a, b = rng.integers(0, 2**32, (2, n), dtype=u4)
    a[0] = 0x80808080
    found = np.zeros((11, n), u4)
    launch(made("numbers"), "packed", 1, 128, (a, b, found, n))
    x, y = (v.view(np.uint8).reshape(n, 4).astype(int) for v in (a, b))
    sx, sy = (v.view(np.int8).reshape(n, 4).astype(int) for v in (a, b))
    hx, hy = (v.view(np.int16).reshape(n, 2).astype(int) for v in (a, b))
    ux, uy = (v.view(np.uint16).reshape(n, 2).astype(int) for v in (a, b))
    average = (sx + sy + (sx + sy >= 0)) >> 1
    bytes_ = {
        0: x + y,
        1: abs(x - y),
        3: np.maximum(sx, sy),
        4: (x > y) * 255,
        5: average,
        7: np.minimum(abs(sx), 127),
    }
    for k, values in bytes_.items():
        same(found[k], values.astype(np.uint8).view(u4).ravel())
    shorts = {2: np.clip(hx + hy, -32768, 32767), 9: np.maximum(ux - uy, 0)}
    for k, values in shorts.items():
        same(found[k], values.astype(np.uint16).view(u4).ravel())
    same(found[6], abs(x - y).sum(1))
    same(found[8].view(i4), (sx * sy).sum(1) + 7)
    same(found[10], (ux[:, 0] * y[:, 2] + ux[:, 1] * y[:, 3] + 1).astype(u4))


def test_conversions_to_integers_saturate():
    x = np.array([1.5, -1.5, 2.5, 3e9, -3e9, 1e20, -1e20, np.nan, np.inf], f4)
    i, u, wide = np.zeros(9, i4), np.zeros(9, u4), np.zeros(9, np.int64)
    launch(made("numbers"), "saturating", 1, 32, (x, i, u, wide, 9))
    most, least = 2**31 - 1, -(2**31)
    same(i, [2, -2, 2, most, least, most, least, 0, most])
    same(u, [1, 0, 2, 3 * 10**9, 0, 2**32 - 1, 0, 0, 2**32 - 1])
    same(wide, [1, -2, 2, 3 * 10**9, -3 * 10**9, 2**63 - 1, -(2**63), 0, 2**63 - 1])


def test_registers_in_ptx_and_names_of_the_library():
    lane, below = np.zeros((2, 96), u4)
    launch(made("numbers"), "registers", 1, (48, 2), (lane, below))
    same(lane, np.arange(96) % 32)
    same(below, 2 ** (np.arange(96) % 32) - 1)
    x = np.array([4, 0], f4)
    launch(made("numbers"), "standard", 1, 1, (x,))
    same(x, np.array([np.sqrt(2) + 4 + 1.5, 5], f4), 1e-6)


# ---- cooperative groups --------------------------------------------------------------------------


def test_sums_of_groups():
    x = np.random.default_rng(8).integers(-9, 9, 256).astype(i4)
    found = np.zeros(4, i4)
    launch(made("groups"), "sums", 4, 64, (found, x, 256), 256)
    same(found, x.sum())


def test_groups_of_those_that_run_together():
    x = np.random.default_rng(9).integers(-9, 9, 1000).astype(i4)
    found, count = np.zeros(1000, i4), np.zeros(1, i4)
    launch(made("groups"), "filter", 8, 128, (found, count, x, 1000))
    same(np.sort(found[: count[0]]), np.sort(x[x > 0]))


def test_tiles():
    found, thread = np.zeros((40, 8), i4), np.arange(40)
    launch(made("groups"), "tiles", 1, 40, (found,))
    r = thread % 8
    columns = [0 * r + 5, np.where(r >= 2, r - 2, r), r ^ 3, 0 * r + 0xAA, 0 * r + 3]
    columns += [thread // 8 * 100 + 5, r * (r + 1) // 2, np.where(r < 4, 0x0F, 0xF0)]
    same(found, np.stack(columns, 1))


def test_the_grid_waits_only_for_one_block():
    found = np.zeros(64, i4)
    launch(made("groups"), "whole", 1, 32, (found,))
    same(found[:32], [33] + [32] * 31)
    with pytest.raises(DeviceError, match=r"line 49: grid\.sync\(\) waits for all blocks"):
        launch(made("groups"), "whole", 2, 32, (found,))


# ---- how kernels may be written ------------------------------------------------------------------

TURN = """{ __shared__ float s[32]; s[threadIdx.x] = x[threadIdx.x]; __syncthreads();
  x[threadIdx.x] = s[31 - threadIdx.x]; }
"""
WRITTEN = f"""
__global__ void prototype(float *x);
__global__ void prototype(float *x) {TURN}
template <class T> __global__ void special(T *x) {{ x[0] = 3; }}
template <> __global__ void special<float>(float *x) {TURN}
namespace a {{
template <class T> __global__ void instance(T *x) {TURN}
template __global__ void instance<float>(float *x);
}}
#ifdef OTHER
__global__ void branch(float *x) {{ x[threadIdx.x] = 1; }}
#else
__global__ void branch(float *x) {TURN}
#endif
#define KERNEL(name) extern "C" __global__ void name
KERNEL(macro)(float *x) {TURN}
struct S {{
  template <class T> static __device__ void load(T *s, T *x)
  {{ s[threadIdx.x] = *x; __syncthreads(); }}
}};
__global__ void method(float *x)
{{ __shared__ float s[32]; S::load(s, x + threadIdx.x); x[threadIdx.x] = s[31 - threadIdx.x]; }}
bool operator==(float2 a, float2 b) {{ return a.x == b.x; }}
__device__ struct {{ int a; float b; }} both = {{3, 4}};
"""


@pytest.mark.parametrize("whole_blocks", [True, False], ids=["blocks", "threads"])
def test_ways_to_write_kernels(whole_blocks):
    module = HostModule(WRITTEN, ["special<float>"], whole_blocks=whole_blocks)
    for name in ("prototype", "special<float>", "a::instance<float>", "branch", "macro", "method"):
        x = np.arange(32, dtype=f4)
        launch(module, name, 1, 32, (x,))
        same(x, np.arange(32)[::-1])
    assert module.variable("both")[1] == 8


def test_files_that_are_included(tmp_path):
    (tmp_path / "turn.cuh").write_text(
        "#pragma once\n#include <cuda_runtime.h>\n__device__ void wait() { __syncthreads(); }\n"
        f"__global__ void turn(float *x) {TURN}"
    )
    source = (
        '#include "turn.cuh"\n#include "turn.cuh"\n__global__ void k(float *x) {\n'
        "  __shared__ float s[32]; s[threadIdx.x] = x[threadIdx.x]; wait();\n"
        "  x[threadIdx.x] = s[31 - threadIdx.x];\n  __syncthreads();\n  assert(x[0] > 0);\n}\n"
    )
    flags = (f"-I{tmp_path}",)
    module = HostModule(expanded(source, flags), flags=flags)
    for name in ("k", "turn"):
        x = np.arange(32, dtype=f4)
        launch(module, name, 1, 32, (x,))
        same(x, np.arange(32)[::-1])
    with pytest.raises(DeviceError, match="line 7: assertion failed"):
        launch(module, "k", 1, 32, (np.zeros(32, f4),))
    with pytest.raises(CompileError) as caught:
        HostModule(expanded(source.replace("x[0] >", "y[0] >"), flags), flags=flags)
    assert "kernel:7:" in caught.value.log


def test_macros_that_are_kernels():
    source = r"""#define DEFINE(name, sign, T) \
  __global__ void name##_##T(T *x, int n) { /* all of it */ \
    __shared__ T s[32]; s[threadIdx.x] = x[threadIdx.x]; __syncthreads(); \
    x[threadIdx.x] = s[n sign threadIdx.x] + (#name[0] == 't' ? 0 : 1); } // the end
DEFINE(turn, -, float)
DEFINE(turn,
    -, int);
__global__ void other(int *x) { wrong; }
"""
    module = HostModule(expanded(source.replace("wrong;", ""), ()))
    for name, dtype in (("turn_float", f4), ("turn_int", i4)):
        x = np.arange(32, dtype=dtype)
        launch(module, name, 1, 32, (x, 31))
        same(x, np.arange(32)[::-1])
    with pytest.raises(CompileError) as caught:
        HostModule(expanded(source, ()))
    assert "kernel:8:" in caught.value.log


# ---- text that is no kernel's --------------------------------------------------------------------

FINE = "__global__ void k(float *x) {\n    x[0] = 1;\n}\n"
BAD = {
    "semicolon": ("__global__ void k(int *x) {\n  int i = 1\n  x[i] = 1;\n}", r"kernel:3:.*';'"),
    "type": ("__global__ void k(flaot *x) {\n  x[0] = 1;\n}", "kernel:1:.*flaot"),
    "name": ("\n__global__ void k(float *x) {\n  y[0] = 1;\n}", "kernel:3:.*'y' was not declared"),
    "brace": ("\n__global__ void k(float *x) {\n  if (x) {\n}\n" + FINE, "kernel:2:.*never closed"),
    "braces": (FINE + "}\n" + FINE, "kernel:4:.*closes nothing"),
    "returns": (
        "\n__global__ int k(float *x) {\n  return 1;\n}",
        "kernel:2:.*k returns int: .* void",
    ),
    "no type": ("\n\n__global__ k(float *x) {\n}", "kernel:3:.*k has no type: .* void"),
    "reference": ("__global__ void k(float &x) {\n}", "kernel:1:.*reference.*values and pointers"),
    "overload": (FINE + "__global__ void k(int *x) {\n}", "kernel:4:.*several kernels k"),
    "launch": (
        FINE + "void f(float *x) {\n  k<<<1, 32>>>(x);\n}",
        r"kernel:5:.*kernel\(grid, block",
    ),
    "main": (FINE + "int main() {\n  return 0;\n}", "kernel:4:.*main is host code"),
    "api": (
        FINE + "\nvoid f(float *x) {\n  cudaMalloc(&x, 4);\n}",
        "kernel:6:.*cudaMalloc is host",
    ),
    "random": (
        "#include <curand_mtgp32.h>\n" + FINE,
        "kernel:1:.*curand_mtgp32.h.*curand_kernel.h is known",
    ),
    "texture": (
        "__global__ void k(float *x,\n  cudaTextureObject_t t) {\n}",
        "kernel:2:.*no textures",
    ),
    "ptx": (
        '__global__ void k(int *x) {\n\n  asm("add.s32 %0, %1, 1;" : "=r"(*x) : "r"(*x));\n}',
        "kernel:3:.*PTX",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_text(what):
    source, words = BAD[what]
    with pytest.raises(CompileError) as caught:
        HostModule(source)
    first = next(line for line in caught.value.log.splitlines() if "error" in line)
    assert re.search(words, first), first


def test_host_code_that_is_left_out_is_no_error():
    source = "#if 0\nint main() { k<<<1, 1>>>(0); }\n#endif\n" + FINE
    x = np.zeros(1, f4)
    launch(HostModule(source), "k", 1, 1, (x,))
    same(x, 1)


def test_small_kernels_are_small_texts():
    """Most of the time that a small kernel takes to compile is for the text around it."""
    assert len(host_text(FINE, whole_blocks=True)) < 30000
    assert "__hadd" not in host_text(FINE) and "cooperative_groups" not in host_text(FINE)
