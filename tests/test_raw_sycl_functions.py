"""Atomics, mathematics and intrinsics of CUDA C on OpenCL devices, compared with NumPy."""

import math

import numpy as np
import pytest

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
