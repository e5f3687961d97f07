"""Atomics, mathematics and intrinsics of CUDA C on OpenCL devices, compared with NumPy."""

import math
from statistics import NormalDist

import numpy as np
import pytest

import devarray as da
from opencl_modules import module, put, run, zeros

pytest.importorskip("dpctl")

RNG = np.random.default_rng(5)

FUNCTIONS = module(
    r"""
#include <cuda_fp16.h>
__global__ void of_int(int *x, const int *v, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) {
        atomicAdd(&x[0], v[i]); atomicSub(&x[1], v[i]);
        atomicMin(&x[2], v[i]); atomicMax(&x[3], v[i]);
        atomicAnd(&x[4], v[i]); atomicOr(&x[5], v[i]); atomicXor(&x[6], v[i]);
    }
}
__global__ void of_long(unsigned long long *x, const unsigned long long *v, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) { atomicAdd(&x[0], v[i]); atomicMin(&x[1], v[i]); atomicMax(&x[2], v[i]); }
}
__global__ void of_float(float *x, const float *v, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) { atomicAdd(&x[0], v[i]); atomicAdd(x + 1, 1.f); }
}
__global__ void of_double(double *x, const double *v, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) { atomicAdd(&x[0], v[i]); atomicAdd(x + 1, 1.); }
}
__global__ void locked(unsigned *x, int n) {
    unsigned old = x[0], now;
    do { now = old; old = atomicCAS(&x[0], now, now * 3 + 1); } while (old != now);
    atomicInc(&x[1], 6);
    atomicDec(&x[2], 6);
    atomicExch(&x[3], 5u);
}
__global__ void histogram(const unsigned char *x, int *out, int n) {
    __shared__ int bins[256];
    bins[threadIdx.x] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        atomicAdd(&bins[x[i]], 1);
    __syncthreads();
    atomicAdd(&out[threadIdx.x], bins[threadIdx.x]);
}
__global__ void real(const float *x, float *y, const double *u, double *v, int n) {
    int i = threadIdx.x, k = 0;
    float *a = y + 20 * i, s, c;
    double *b = v + 20 * i, d, e;
    a[k] = expf(x[i]); b[k++] = exp(u[i]);
    a[k] = sqrtf(x[i]); b[k++] = sqrt(u[i]);
    a[k] = powf(x[i], 1.5f); b[k++] = pow(u[i], 2);
    a[k] = atan2f(x[i], 2.f); b[k++] = atan2(u[i], 2.);
    a[k] = fmaxf(x[i], 0.5f); b[k++] = fmax(u[i], 0.5);
    a[k] = max(x[i], 0.5f); b[k++] = min(u[i], 1.f);
    a[k] = rsqrtf(x[i]); b[k++] = rsqrt(u[i]);
    sincosf(x[i], &s, &c); sincos(u[i], &d, &e);
    a[k] = s * c; b[k++] = d * e;
    a[k] = fabsf(-x[i]); b[k++] = abs(-u[i]);
    a[k] = fmaf(x[i], 2.f, 1.f); b[k++] = fma(u[i], 2., 1.);
    a[k] = erff(x[i]); b[k++] = erfc(u[i]);
    a[k] = cbrtf(x[i]); b[k++] = lgamma(u[i]);
    a[k] = __expf(x[i]); b[k++] = sqrt(4);
    a[k] = isnan(x[i]) + isinf(x[i]); b[k++] = isfinite(u[i]);
    a[k] = copysignf(x[i], -1.f); b[k++] = fmod(u[i], 0.25);
}
__global__ void whole(const int *x, int *y) {
    int i = threadIdx.x, *o = y + 16 * i, v = x[i];
    o[0] = __popc(v); o[1] = __clz(v); o[2] = __ffs(v); o[3] = __brev(v);
    o[4] = abs(v) * -1; o[5] = min(v, 7); o[6] = max(v, 7u) == 7u; o[7] = __mulhi(v, 1 << 20);
    o[8] = __float_as_int(1.5f * v);
    o[9] = __float2int_rn(v + 0.5f); o[10] = __float2int_rd(v - 0.5f);
    o[11] = __byte_perm(v, 0x01020304, 0x5410); o[12] = __funnelshift_l(v, 1, 4);
    o[13] = __hadd(v, 4);
    o[14] = sizeof(long long) + sizeof(v); o[15] = clock64() > 0;
}
__global__ void half_way(const __half *x, float *y, __half by) {
    y[threadIdx.x] = __half2float(__hmul(x[threadIdx.x], by)) + float(x[threadIdx.x]);
}
"""
)

SPECIAL = module(
    r"""
#include <cuda_fp16.h>
__global__ void special(const double *x, double *y, float *z) {
    const int i = threadIdx.x;
    const double v = x[i];
    y += 6 * i; z += 6 * i;
    y[0] = erfinv(v); y[1] = erfcinv(v); y[2] = normcdfinv(v); y[3] = erfcx(10 * v);
    y[4] = cyl_bessel_i0(3 * v); y[5] = cyl_bessel_i1(3 * v);
    z[0] = erfinv((float)v); z[1] = erfcinvf(v); z[2] = normcdfinvf(v); z[3] = erfcxf(10 * v);
    z[4] = cyl_bessel_i0f(3 * v); z[5] = cyl_bessel_i1((float)(3 * v));
}
struct Pair { float a; int b; };
template <class T> __device__ int first_of(T v) { int at[] = {v, 2}; return at[0]; }
__global__ void narrowed(long long *x, double d, unsigned long long u) {
    long long i = threadIdx.x;
    int at[] = {i, x[0]};
    float f[2] = {d, i};
    Pair p = {d, u};
    x[i + 1] = at[0] + at[1] + f[0] + f[1] + p.a + p.b + first_of(d);
}
__global__ void of_half(const half *x, float *y) {
    const half v = x[threadIdx.x];
    y += 10 * threadIdx.x;
    y[0] = normcdf(v); y[1] = rcbrt(v); y[2] = nearbyint(v); y[3] = abs(-v);
    y[4] = lrint(v) + llround(v);
    y[5] = pow(v, v); y[6] = min(v, x[0]); y[7] = max(x[1], v) + min(v, 5.f) + max(0.f, v);
    y[8] = erfinv(v) + erfcinv(v); y[9] = isnan(v) + 2 * isfinite(-v) + 4 * (bool)signbit(-v);
}
"""
)


@pytest.mark.parametrize("device", ["sycl", "openmp"])
def test_special_functions(device):
    x = np.array([1e-300, 1e-7, 0.25, 0.5, 0.75, 0.999])
    y, z = (da.zeros((x.size, 6), dtype, device=device) for dtype in ("f8", "f4"))
    SPECIAL().get_function("special")(1, x.size, (da.to_gpu(x, device), y, z))
    for got, rtol in ((y.get(), 1e-11), (z.get()[1:], 2e-5)):  # 1e-300 is no float
        for v, (inverse, complement, normal, scaled, i0, i1) in zip(
            x[-len(got) :], got, strict=True
        ):
            assert math.isclose(math.erf(inverse), v, rel_tol=rtol)
            assert math.isclose(math.erfc(complement), v, rel_tol=100 * rtol)
            assert math.isclose(normal, NormalDist().inv_cdf(v), rel_tol=rtol)
            want = math.exp(min(100 * v * v, 700)) * math.erfc(10 * v)
            assert math.isclose(scaled, want, rel_tol=rtol)
            assert math.isclose(i0, np.i0(3 * v), rel_tol=rtol)
            slope = (np.i0(3 * v + 1e-5) - np.i0(3 * v - 1e-5)) / 2e-5
            assert math.isclose(i1, slope, rel_tol=1e-4, abs_tol=1e-9)
    ends = np.array([0.0, 1, 2, -1, np.nan, -0.5])
    y, z = (da.zeros((6, 6), dtype, device=device) for dtype in ("f8", "f4"))
    SPECIAL().get_function("special")(1, 6, (da.to_gpu(ends, device), y, z))
    inf, nan = np.inf, np.nan
    for got in (y.get(), z.get()):
        np.testing.assert_array_equal(got[:5, 0], [0, inf, nan, -inf, nan])
        np.testing.assert_array_equal(got[:5, 1], [inf, 0, -inf, nan, nan])
        np.testing.assert_array_equal(got[[0, 1, 4], 2], [-inf, inf, nan])
        np.testing.assert_allclose(got[5, 0], -0.4769362762044699, rtol=1e-6)


@pytest.mark.parametrize("device", ["sycl", "openmp"])
def test_lists_narrow_their_values_as_assignments_do(device):
    x = da.to_gpu(np.array([3, 0, 0], "i8"), device)
    SPECIAL().get_function("narrowed")(1, 2, (x, 2.5, 7))
    assert x.get().tolist() == [3, 17, 19]


@pytest.mark.parametrize("device", ["sycl", "openmp"])
def test_functions_of_half(device):
    x = np.array([0.25, 0.5, 0.8], np.float16)
    y = da.zeros((3, 10), "f4", device=device)
    SPECIAL().get_function("of_half")(1, 3, (da.to_gpu(x, device), y))
    for v, got in zip(x.astype("f8"), y.get(), strict=True):
        root = NormalDist().inv_cdf((v + 1) / 2) + NormalDist().inv_cdf(1 - v / 2)
        want = [NormalDist().cdf(v), v ** (-1 / 3), np.rint(v), v, np.rint(v) + (v >= 0.5)]
        want += [v**v, 0.25, max(0.5, v) + 2 * v, root / math.sqrt(2), 2 + 4]
        np.testing.assert_allclose(got, want, rtol=2e-3)


def test_atomics_on_numbers_of_all_kinds():
    n = 3000
    v = RNG.integers(-1000, 1000, n).astype("i4")
    x = put(np.array([0, 0, 5000, -5000, -1, 0, 0], "i4"))
    run(FUNCTIONS, "of_int", 12, 256, x, put(v), n)
    reduce = [np.bitwise_and.reduce(v), np.bitwise_or.reduce(v), np.bitwise_xor.reduce(v)]
    assert x.get().tolist() == [v.sum(), -v.sum(), v.min(), v.max(), *reduce]
    w = RNG.integers(0, 2**62, n, np.uint64)
    x = put(np.array([0, 2**63, 0], "u8"))
    run(FUNCTIONS, "of_long", 12, 256, x, put(w), n)
    assert x.get().tolist() == [int(w.sum()), int(w.min()), int(w.max())]
    for name, dtype, rtol in (("of_float", "f4", 1e-4), ("of_double", "f8", 1e-12)):
        r = RNG.random(n).astype(dtype)
        x = zeros(2, dtype)
        run(FUNCTIONS, name, 12, 256, x, put(r), n)
        np.testing.assert_allclose(x.get(), [r.sum(dtype="f8"), n], rtol=rtol)


def test_compare_and_swap():
    x = put(np.array([1, 0, 3, 0], "u4"))
    run(FUNCTIONS, "locked", 2, 50, x, 0)
    value = 1
    for _ in range(100):
        value = (value * 3 + 1) % 2**32
    assert x.get().tolist() == [value, 100 % 7, (3 - 100) % 7, 5]


def test_histogram():
    x = RNG.integers(0, 256, 10_000).astype("u1")
    out = zeros(256, "i4")
    run(FUNCTIONS, "histogram", 5, 256, put(x), out, x.size)
    np.testing.assert_array_equal(out.get(), np.bincount(x, minlength=256))


def test_mathematics():
    x = np.array([0.1, 0.7, 1.3, 2.9])
    y, v = zeros((4, 20), "f4"), zeros((4, 20), "f8")
    run(FUNCTIONS, "real", 1, 4, put(x.astype("f4")), y, put(x), v, 4)
    both = (x, x)
    want = [
        [np.exp(a) for a in both], [np.sqrt(a) for a in both], [x**1.5, x**2],
        [np.arctan2(a, 2) for a in both], [np.maximum(a, 0.5) for a in both],
        [np.maximum(x, 0.5), np.minimum(x, 1)], [a**-0.5 for a in both],
        [np.sin(a) * np.cos(a) for a in both], both, [2 * a + 1 for a in both],
        [[math.erf(k) for k in x], [math.erfc(k) for k in x]],
        [np.cbrt(x), [math.lgamma(k) for k in x]], [np.exp(x), np.full(4, 2)],
        [np.zeros(4), np.ones(4)], [-x, np.fmod(x, 0.25)],
    ]  # fmt: skip
    np.testing.assert_allclose(y.get()[:, :15], np.array([a for a, _ in want]).T, rtol=3e-6)
    np.testing.assert_allclose(v.get()[:, :15], np.array([b for _, b in want]).T, rtol=1e-13)


def test_intrinsics():
    x = np.array([1, 6, -5, 0x12345678], "i4")
    y = zeros((4, 16), "i4")
    run(FUNCTIONS, "whole", 1, 4, put(x), y)
    for v, row in zip(x.tolist(), y.get().tolist(), strict=True):
        u = v % 2**32
        text = f"{u:032b}"
        as_bytes = u.to_bytes(4, "little") + (0x01020304).to_bytes(4, "little")
        want = [
            text.count("1"), 32 - u.bit_length(), len(text) - text.rindex("1"), int(text[::-1], 2),
            -abs(v), min(v, 7), int(max(u, 7) == 7), (v << 20) >> 32,
            int(np.float32(1.5 * v).view("i4")), int(np.rint(np.float32(v) + np.float32(0.5))),
            int(np.floor(np.float32(v) - np.float32(0.5))),
            int.from_bytes(bytes(as_bytes[k] for k in (0, 1, 4, 5)), "little"),
            ((1 << 32 | u) << 4 >> 32) % 2**32, (v + 4) >> 1, 12, 1,
        ]  # fmt: skip
        assert row == [int(np.array(w % 2**32, "u4").view("i4")) for w in want], v


def test_half():
    x = np.array([0.5, 1.5, 60000], "f2")
    y = zeros(3, "f4")
    run(FUNCTIONS, "half_way", 1, 3, put(x), y, np.float16(0.5))
    np.testing.assert_array_equal(y.get(), x.astype("f4") * 1.5)


# ---- branches of #if ---------------------------------------------------------------------------


def test_branches_that_are_not_compiled():
    source = """
#if 0
__device__ int old;
__global__ void other(int *y) { y[0] = undeclared; }
#endif
#ifdef NUMBERS
__constant__ double c = 2;
__global__ void k(int *y, int n) { y[0] = n; }
#else
__constant__ float c = 3;
__global__ void k(float x, clock_t t, int *y) { y[0] = (int)(x + c) + (clock() >= t); }
#endif
"""
    code = module(source)
    y = zeros(1, "int32")
    run(code, "k", 1, 1, 4.0, 0, y)
    assert y.get() == 8


def test_words_of_headers():
    source = """
#include <cmath>
#include <inttypes.h>
#include <iostream>
using namespace std;
__global__ void k(long long *y) {
    y[0] = INT8_MIN; y[1] = UINT32_MAX; y[2] = INT64_MAX; y[3] = UINT64_C(7) + INT32_C(3);
    y[4] = (long long)std::sqrt(16.f) + std::max(2, 3) + (long long)std::pow(2.0, 3.0);
    y[5] = SIZE_MAX == (std::size_t)-1;
}
"""
    y = zeros(6, "int64")
    run(module(source), "k", 1, 1, y)
    assert y.get().tolist() == [-128, 2**32 - 1, 2**63 - 1, 10, 15, 1]


def test_types_and_groups_of_their_own():
    source = """
#include <cooperative_groups.h>
namespace cg = cooperative_groups;
typedef char int8;
typedef signed char int8_t;
typedef unsigned long long uint64_t;
__global__ void k(int *y) {
    cg::thread_block block = cg::this_thread_block();
    __shared__ int8 s[32];
    s[threadIdx.x] = (int8)(threadIdx.x + sizeof(int8) + sizeof(uint64_t) + sizeof(int8_t));
    cg::sync(block);
    y[threadIdx.x] = s[31 - threadIdx.x];
}
"""
    y = zeros(32, "int32")
    run(module(source), "k", 1, 32, y)
    assert y.get().tolist() == [41 - i for i in range(32)]
