"""What kernels written for GPUs use: groups, names and types of their own, words of headers."""

import os
import subprocess
import sys

import numpy as np
import pytest

import devarray as da
from devarray.errors import CompileError, DeviceError

LANES = np.arange(32)


def run(source, count=1, block=1, checks=False, dtype="int32"):
    """Return what kernel k of a source writes to its only argument."""
    with da.config(raw_checks=checks):
        y = da.zeros(count, dtype)
        da.RawModule(source).get_function("k")(1, block, (y,))
        return y.get().tolist()


def of_one(before, body):
    return run(f"{before}\n__global__ void k(int *y) {{ {body} }}")[0]


# ---- groups of threads -------------------------------------------------------------------------

GROUPS = """
#include <cooperative_groups.h>
#include <cooperative_groups/memcpy_async.h>
namespace cg = cooperative_groups;
__device__ int table[40];
__global__ void k(int *y) {
    const int t = threadIdx.x;
    cg::thread_block block = cg::this_thread_block();
"""


def grouped(body):
    return np.reshape(run(f"{GROUPS}{body}}}", 64, 32), (2, 32))


def test_partitions():
    found = grouped("""
        auto odd = cg::binary_partition(cg::tiled_partition<16>(block), t % 2);
        y[t] = odd.size() * 100 + odd.thread_rank() * 1000 + odd.shfl(t, 0);
        if (t < 20) {
            auto third = cg::labeled_partition(cg::coalesced_threads(), t % 3);
            y[32 + t] = third.size() * 100 + third.thread_rank();
        }
    """)
    assert (
        found[0].tolist() == (800 + LANES % 16 // 2 * 1000 + LANES // 16 * 16 + LANES % 2).tolist()
    )
    sizes = np.array([7, 7, 6])[LANES % 3]
    assert found[1].tolist() == np.where(LANES < 20, sizes * 100 + LANES // 3, 0).tolist()


def test_shuffles_of_more_than_a_word():
    found = grouped("""
        struct Seven { int a[7]; } s = {{t, 1, 2, 3, 4, 5, 100 + t}};
        auto tile = cg::tiled_partition<32>(block);
        uint4 v = make_uint4(t, 1, 2, 3);
        v = tile.shfl_xor(v, 1);
        s = tile.shfl_down(s, 2);
        y[t] = v.x * 10 + v.w;
        y[32 + t] = s.a[0] * 1000 + s.a[6];
    """)
    assert found[0].tolist() == ((LANES ^ 1) * 10 + 3).tolist()
    source = np.where(LANES < 30, LANES + 2, LANES)
    assert found[1].tolist() == (source * 1001 + 100).tolist()
    with pytest.raises(CompileError, match="up to 32 bytes"):
        grouped("struct Nine { int a[9]; } s; cg::tiled_partition<4>(block).shfl(s, 0);")


def test_copies_of_a_group():
    found = grouped("""
        __shared__ int words[40], all[40];
        for (int i = t; i < 40; i += 32) table[i] = i * i;
        block.sync();
        cg::memcpy_async(block, words, table, sizeof table);
        cg::memcpy_async(block, (void *)all, (const void *)table, sizeof table);
        cg::wait(block);
        y[t] = words[39 - t];
        block.sync();
        cg::memcpy_async(block, words, 40, table + 5, 35);
        cg::wait_prior<0>(block);
        y[32 + t] = words[t] + all[t];
    """)
    assert found[0].tolist() == ((39 - LANES) ** 2).tolist()
    assert found[1].tolist() == ((LANES + 5) ** 2 + LANES**2).tolist()


def test_lanes_that_do_not_take_part_give_zero():
    source = """
        template <class T> __device__ T total(unsigned mask, T x) {
            for (int by = warpSize / 2; by > 0; by /= 2) x += __shfl_down_sync(mask, x, by);
            return x;
        }
        __global__ void k(int *y) {
            const unsigned some = __ballot_sync(~0u, threadIdx.x < 5);
            int x = 10 + threadIdx.x;
            if (threadIdx.x < 5) y[threadIdx.x] = total(some, x);
        }
    """
    assert run(source, 1, 32, dtype="int32")[0] == sum(range(10, 15))


# ---- names of their own ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "body"),
    [
        (
            "__device__ float atomicMax(float *p, float v) { const float old = *p;"
            " *p = v > old ? v + 100 : old; return old; }",
            "float f = 1; y[0] = atomicMax(&f, 5.0) == 1 && f == 105;",
        ),
        (
            "static __device__ double atomicMin(double *p, double v) { return *p = v - 100; }",
            "double f = 1; y[0] = atomicMin(&f, 5) == -95;",
        ),
        (
            "__device__ long long atomicAdd(long long *p, long long v) {"
            " return (long long)atomicAdd((unsigned long long *)p, (unsigned long long)v) + 100; }",
            "long long n = 1; y[0] = atomicAdd(&n, 5) == 101 && n == 6;",
        ),
        (
            "typedef unsigned long long uint64_t;",
            "unsigned long long n = 1; uint64_t *p = &n; y[0] = *p;",
        ),
        (
            "using int8_t = char; typedef unsigned long long ulong, *other;",
            "int8_t c = 1; y[0] = c;",
        ),
        (
            "__device__ unsigned long long __globaltimer() { unsigned long long t;"
            ' asm volatile("mov.u64 %0, %globaltimer;" : "=l"(t)); return t; }',
            "unsigned long long a = __globaltimer(); y[0] = a && __globaltimer() >= a;",
        ),
    ],
)
def test_names_of_their_own(before, body):
    assert of_one(before, body) == 1


def test_atomics_that_cuda_does_not_have():
    source = """
        __global__ void k(double *y) {
            float f = 5;
            double d = 7;
            long long l = 9;
            unsigned long u = 12;
            y[0] = atomicMax(&f, 8) + f;
            y[1] = atomicMin(&d, 2.5) + d;
            y[2] = atomicSub(&f, 1) + f;
            y[3] = atomicAdd(&l, -3) + l;
            y[4] = atomicAnd(&u, 10) + u;
            y[5] = atomicExch(&d, 1) + d;
            y[6] = atomicCAS(&l, 6, 4) + l;
            y[7] = atomicMax_block(&u, 9) + u;
            y[8] = atomicXor(&l, 1) + l;
        }
    """
    expected = [5 + 8, 7 + 2.5, 8 + 7, 9 + 6, 12 + 8, 2.5 + 1, 6 + 4, 8 + 9, 4 + 5]
    assert run(source, 9, dtype="float64") == expected


# ---- words of headers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "include", ["", "#include <stdint.h>", "#include <inttypes.h>\n#include <limits>"]
)
def test_constants(include):
    source = (
        include
        + """
        __global__ void k(long long *y) {
            y[0] = INT8_MIN; y[1] = UINT16_MAX; y[2] = INT32_MIN; y[3] = UINT32_MAX;
            y[4] = INT64_MAX;
            y[5] = UINT64_C(7) + INT32_C(3); y[6] = SCHAR_MIN; y[7] = UCHAR_MAX; y[8] = SHRT_MIN;
            y[9] = USHRT_MAX; y[10] = FLT_DIG * 100 + DBL_DIG; y[11] = SIZE_MAX == (size_t)-1;
        }
    """
    )
    expected = [-128, 2**16 - 1, -(2**31), 2**32 - 1, 2**63 - 1, 10, -128, 255, -(2**15), 2**16 - 1]
    assert run(source, 12, dtype="int64") == [*expected, 615, 1]


@pytest.mark.parametrize(
    "header", ["math_functions.h", "crt/device_functions.h", "sm_35_intrinsics.h"]
)
def test_headers_of_cuda_that_kernels_do_not_need(header):
    assert of_one(f"#include <{header}>", "y[0] = (int)sqrtf(1.f);") == 1


@pytest.mark.parametrize("header", ["cuda/barrier", "cub/cub.cuh", "cuda/std/atomic"])
def test_headers_that_are_refused(header):
    with pytest.raises(CompileError, match=f"{header} is not for kernels on the host"):
        of_one(f"#include <{header}>", "")


# ---- shared memory -----------------------------------------------------------------------------


@pytest.mark.parametrize("checks", [False, True])
@pytest.mark.parametrize(
    "declared",
    [
        "__shared__ alignas(16) int s[8];",
        "__shared__ alignas(alignof(float4)) int s[8];",
        "__shared__ alignas(double) alignas(16) unsigned char m[32]; int *s = (int *)m;",
        "alignas(8) __shared__ int s[8];",
    ],
)
def test_alignment_of_shared_arrays(declared, checks):
    source = f"""__global__ void k(int *y) {{ {declared}
        s[threadIdx.x] = (unsigned long long)s % 8 + threadIdx.x;
        __syncthreads();
        y[threadIdx.x] = s[7 - threadIdx.x];
    }}"""
    assert run(source, 8, 8, checks) == list(range(8))[::-1]


@pytest.mark.parametrize("kind", ["half2", "Pair"])
def test_checks_of_shared_arrays_of_classes(kind):
    source = """
        #include <cuda_fp16.h>
        struct Pair {
            float x, y;
            Pair() = default;
            __device__ Pair(float a, float b) : x(a), y(b) {}
        };
        __global__ void k(int *y) {
            __shared__ KIND s[8];
            if (threadIdx.x < LAST) s[threadIdx.x] = KIND(threadIdx.x, 1);
            __syncthreads();
            y[threadIdx.x] = (float)s[7 - threadIdx.x].x;
        }
    """.replace("KIND", kind)
    assert run(source.replace("LAST", "8"), 8, 8, checks=True) == list(range(8))[::-1]
    with pytest.raises(DeviceError, match=r"shared array 's'.*, which no thread"):
        run(source.replace("LAST", "7"), 8, 8, checks=True)


@pytest.mark.parametrize(
    ("header", "name"),
    [("thrust/complex.h", "thrust::complex"), ("cupy/complex.cuh", "complex")],
)
@pytest.mark.parametrize(("dtype", "real"), [("complex64", "float"), ("complex128", "double")])
def test_classes_of_complex_numbers(header, name, dtype, real):
    module = da.RawModule(
        f"""#include <{header}>
        typedef {name}<{real}> C;
        __global__ void combine(const C *z, C *w, {real} *size) {{
            const int i = threadIdx.x;
            C square = z[i] * z[i];
            square -= C(1, 2);
            w[i] = exp(square) / C(2) + conj(z[i]) * ({real})3;
            size[i] = abs(z[i]) + arg(z[i]) + w[i].real();
        }}
        template <class T> __global__ void root({name}<T> *z) {{
            z[threadIdx.x] = sqrt(z[threadIdx.x]) + T(1);
        }}""",
        names=[f"root<{real}>"],
    )
    z = np.array([1 + 2j, -0.5j, -3, 0.25 + 1j], dtype)
    x, w, size = da.asarray(z), da.zeros(4, dtype), da.zeros(4, z.real.dtype)
    module.get_function("combine")(1, 4, (x, w, size))
    expected = np.exp(z * z - (1 + 2j)) / 2 + z.conj() * 3
    np.testing.assert_allclose(w.get(), expected, rtol=1e-5)
    np.testing.assert_allclose(size.get(), abs(z) + np.angle(z) + expected.real, rtol=1e-5)
    module.get_function(f"root<{real}>")(1, 4, (x,))
    np.testing.assert_allclose(x.get(), np.sqrt(z) + 1, rtol=1e-5)


def test_a_text_is_the_same_in_each_process():
    """Else the disk cache would not find it."""
    code = """
from devarray.kernels.host_text import host_text
source = "typedef unsigned char uchar; typedef unsigned uint; typedef unsigned long ulong;"
print(host_text(source + "__global__ void f(uchar *x, uint n, ulong m) { x[n] = m; }"))
"""
    texts = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    ]
    assert texts[0]
    assert texts[0] == texts[1] == texts[2]
