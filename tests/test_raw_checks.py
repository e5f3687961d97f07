"""Raw kernels on the host with checks: what is reported, and that what is right is not.

Kernels of one kind share a source, because each source costs a compilation.
"""

import ctypes
import re
import threading
from functools import cache

import numpy as np
import pytest

import devarray as da
from devarray.errors import DeviceError
from devarray.kernels.host_grid import HostModule
from devarray.kernels.host_lines import Binary

RNG = np.random.default_rng(11)


def checked(source, **options):
    """Return a function that makes the module with checks once, at its first use in a test."""
    return cache(lambda: HostModule(source, checks=True, **options))


def launch(module, name, grid, block, args, shared_bytes=0, read_only=()):
    """Launch with NumPy arrays as arguments, whose extents are told."""
    arrays, values = [], []
    for parameter, value in zip(module.kernels[name], args, strict=True):
        if isinstance(value, np.ndarray):
            writes = parameter.name not in read_only and not parameter.target_constant
            address = value.ctypes.data
            arrays.append((parameter.name, address, value.nbytes, value.dtype.name, writes))
            value = address
        values.append(value)
    module.launch(name, grid, block, values, shared_bytes, arrays=arrays)


def report(module, *call, **options):
    """Return what a launch that must fail reports."""
    with pytest.raises(DeviceError) as raised:
        launch(module, *call, **options)
    text = str(raised.value)
    assert text.isprintable()
    return text


# ---- bounds of arrays ------------------------------------------------------------------------

BOUNDS = checked(r"""
struct Pair { float a; int b; };
__device__ float table[8];
__device__ __noinline__ float at(const float *x, int i) {
    return x[i];
}
__global__ void copy(const float *x, float *y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n)
        y[i] =
            x[i];
}
__global__ void get(const float *x, float *y, long long k) { y[0] = x[k]; }
__global__ void get_by_function(const float *x, float *y, int k) {
    y[0] = 1;
    y[0] = at(x, k);
}
__global__ void get_cached(const float *x, float *y, int k) {
    y[0] = 1;
    y[0] = __ldg(x + k) +
        __ldg(&x[0]);
}
__global__ void get4(const float *x, float4 *y, int k) { y[0] = *(const float4 *)(x + k); }
__global__ void put(float *x, int k) {
    x[0] += 1;
    x[k] = 7;
}
__global__ void add(int *x, int k) {
    x[0] = 1;
    atomicAdd(x + k, 1);
}
__global__ void add_real(double *x, int k) { atomicAdd(x + k, 1.5); }
__global__ void pairs(Pair *p, int k) { p[k].b = 1; }
__global__ void whole_pairs(Pair *p, const Pair *q, int k) { p[0] = q[k]; }
__global__ void bytes(char *x, const char *y, int to, int from, int n) {
    memset(x, 1, to);
    memcpy(x, y, from);
    for (int i = 0; i < n; ++i) x[i] = y[i];
}
__global__ void cast_const_away(const float *x) { *(float *)x = 1; }
__global__ void variable(float *y, int k) {
    float *t = table;
    t[threadIdx.x] = threadIdx.x;
    y[threadIdx.x] = table[k] + t[threadIdx.x];
}
__global__ void local(int *y, int k) {
    int own[8];
    for (int i = 0; i < 8; ++i) own[i] = i + y[0];
    own[k] = 3;
    y[0] = own[1] + own[k];
}
__global__ void shared(int *y, int k) {
    __shared__ int s[4][8];
    s[threadIdx.x / 8][threadIdx.x % 8] = threadIdx.x;
    __syncthreads();
    y[threadIdx.x] = s[1][k];
}
__global__ void shared_by_pointer(int *y, int k) {
    __shared__ int s[32];
    int *p = s;
    p[threadIdx.x] = threadIdx.x;
    __syncthreads();
    y[threadIdx.x] = p[k];
}
__global__ void dynamic(int *y, int k) {
    extern __shared__ int s[];
    s[threadIdx.x] = threadIdx.x;
    __syncthreads();
    y[threadIdx.x] = s[k];
}
template <class T> __global__ void fill(T *x, int n) {
    for (int i = threadIdx.x; i < n; i += blockDim.x) x[i] = (T)i;
}
struct Row { double v[5]; };
__device__ __noinline__ Row row(double x) {
    Row r;
    for (int i = 0; i < 5; ++i) r.v[i] = x + i;
    return r;
}
__global__ void rows(Row *x, int k) {
    x[0] = row(1);
    x[k] = row(k);
}
""", names=["fill<double>"])  # fmt: skip


def floats(n):
    return RNG.random(n, np.float32)


def test_a_read_behind_the_end():
    x, y = floats(90), np.zeros(100, np.float32)
    assert report(BOUNDS(), "copy", 4, 32, (x, y, 100)) == (
        "kernel copy, block (2, 0, 0), thread (26, 0, 0), line 11: read of 4 bytes at index 90 of "
        "argument 'x' (90 float32 elements)"
    )
    np.testing.assert_array_equal(y[:90], x)  # what came before has happened
    np.testing.assert_array_equal(y[90:], 0)


def test_a_write_behind_the_end():
    x, memory = floats(100), np.zeros(100, np.float32)
    text = report(BOUNDS(), "copy", (4, 1, 1), (32, 1), (x, memory[:98], 100))
    assert "block (3, 0, 0), thread (2, 0, 0), line 10: write of 4 bytes at index 98" in text
    assert "argument 'y' (98 float32 elements)" in text
    np.testing.assert_array_equal(memory[98:], 0)  # the write has not happened
    launch(BOUNDS(), "copy", 4, 32, (x, memory, 100))  # and the next launch is as if nothing was
    np.testing.assert_array_equal(memory, x)


@pytest.mark.parametrize("k", [-1, -3, 4, 5, 1000, 2**20, -(2**20)])
def test_views_inside_a_bigger_block(k):
    memory, y = floats(2**22), np.zeros(1, np.float32)
    x = memory[2**21 : 2**21 + 4]
    text = report(BOUNDS(), "get", 1, 1, (x, y, k))
    assert f"line 13: read of 4 bytes at index {k} of argument 'x' (4 float32 elements)" in text
    assert y[0] == 0


@pytest.mark.parametrize("k", [0, 3])
def test_views_can_be_read_to_their_ends(k):
    memory, y = floats(12), np.zeros(1, np.float32)
    launch(BOUNDS(), "get", 1, 1, (memory[4:8], y, k))
    assert y[0] == memory[4 + k]


def test_wild_and_null_pointers():
    x, y = floats(4), np.zeros(1, np.float32)
    assert "which is in no array of the launch" in report(BOUNDS(), "get", 1, 1, (x, y, 2**50))
    assert "line 13: read of 4 bytes at address 0x0: a null pointer" in report(
        BOUNDS(), "get", 1, 1, (None, y, 0)
    )
    assert "at address 0x28: a null pointer" in report(BOUNDS(), "get", 1, 1, (0, y, 10))
    assert "write of 4 bytes at address 0x0: a null" in report(BOUNDS(), "get", 1, 1, (x, 0, 0))


@pytest.mark.parametrize(
    ("name", "line"), [("get_by_function", 5), ("get_cached", 20), ("get4", 23)]
)
def test_lines_of_functions(name, line):
    x, y = floats(8), np.zeros(4, np.float32)
    assert f"line {line}: read of" in report(BOUNDS(), name, 1, 1, (x, y, 8))
    launch(BOUNDS(), name, 1, 1, (x, y, 4))


def test_a_vector_that_is_half_inside():
    x, y = floats(8), np.zeros(4, np.float32)
    text = report(BOUNDS(), "get4", 1, 1, (x, y, 6))
    assert "read of 16 bytes at index 6 of argument 'x' (8 float32 elements)" in text


@pytest.mark.parametrize("k", [-1, 10])
def test_atomics(k):
    x = np.zeros(30, np.int32)
    text = report(BOUNDS(), "add", 1, 1, (x[10:20], k))
    assert f"line 30: atomic write of 4 bytes at index {k} of argument 'x' (10 int32" in text
    x = np.zeros(30)
    text = report(BOUNDS(), "add_real", 1, 1, (x[10:20], k))
    assert f"line 32: atomic read of 8 bytes at index {k} of argument 'x' (10 float64" in text
    np.testing.assert_array_equal(x, 0)
    launch(BOUNDS(), "add_real", 1, 7, (x[10:20], 9))
    assert x[19] == 7 * 1.5


def test_structures():
    pairs = np.zeros(5, np.dtype([("a", "f4"), ("b", "i4")]))
    told = [("p", pairs.ctypes.data, pairs.nbytes - 8, "void64", True)]
    with pytest.raises(DeviceError, match=r"line 33: write of 4 .* index 4 of .*'p' \(4 void64"):
        BOUNDS().launch("pairs", 1, 1, [pairs.ctypes.data, 4], arrays=told)
    told.append(("q", pairs.ctypes.data, pairs.nbytes - 8, "void64", False))
    with pytest.raises(DeviceError, match=r"line 34: read of 8 bytes at index 4 of argument"):
        BOUNDS().launch("whole_pairs", 1, 1, [pairs.ctypes.data] * 2 + [4], arrays=told)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((17, 0, 0), "line 36: write of 17 bytes at index 0 of argument 'x' (16 int8 elements)"),
        ((16, 17, 0), "line 37: write of 17 bytes at index 0 of argument 'x'"),
        ((16, 18, 0), "line 37: read of 18 bytes at index 0 of argument 'y'"),
        ((0, 0, 17), "line 38: write of 1 bytes at index 16 of argument 'x'"),
    ],
)
def test_copies_and_fills(counts, words):
    x, y = np.zeros(16, np.int8), np.arange(17, dtype=np.int8)
    assert words in report(BOUNDS(), "bytes", 1, 1, (x, y, *counts))
    launch(BOUNDS(), "bytes", 1, 1, (x, y, 16, 8, 4))
    np.testing.assert_array_equal(x, [*range(8), *[1] * 8])


def test_read_only_arrays():
    x, y = floats(32), np.zeros(32, np.float32)
    text = report(BOUNDS(), "copy", 1, 32, (x, y, 32), read_only=["y"])
    assert "line 10: write of 4 bytes at index 0 of argument 'y', which is read-only" in text
    assert y[0] == 0
    before = x.copy()
    assert "of argument 'x', which is read-only" in report(BOUNDS(), "cast_const_away", 1, 1, (x,))
    np.testing.assert_array_equal(x, before)
    launch(BOUNDS(), "copy", 1, 32, (x, x, 32))  # the same array, once to be written


@pytest.mark.parametrize(
    ("name", "k", "words"),
    [
        ("variable", 8, r"line 44: index 8 of an array 'float ?\[8\]'"),
        ("local", -1, r"line 49: index -1 of an array 'int ?\[8\]'"),
        ("local", 8, r"line 49: index 8 of an array 'int ?\[8\]'"),
        ("shared", 8, r"line 56: index 8 of an array 'int ?\[8\]'"),
    ],
)
def test_declared_arrays(name, k, words):
    y = np.zeros(32, np.int32)
    args = (y.view(np.float32) if name == "variable" else y, k)
    assert re.search(words, report(BOUNDS(), name, 1, 1 if name == "local" else 8, args))
    launch(BOUNDS(), name, 1, 8 if name == "variable" else 32, (args[0], 1))


def test_shared_memory():
    y = np.zeros(32, np.int32)
    text = report(BOUNDS(), "shared_by_pointer", 1, 32, (y, 1 << 9))
    assert "line 63: read of 4 bytes at " in text
    assert "thread (31, 0, 0)" in text  # the last one to come opens the barrier
    text = report(BOUNDS(), "dynamic", 1, 32, (y, 32), shared_bytes=128)
    assert (
        "line 69: read of 4 bytes at byte 128 of the dynamic shared memory, which has 128" in text
    )
    text = report(BOUNDS(), "dynamic", 1, 32, (y, 3))
    assert "line 67: write of 4 bytes at byte 0 of the dynamic shared memory, which has 0" in text
    launch(BOUNDS(), "dynamic", 1, 32, (y, 31), shared_bytes=128)
    np.testing.assert_array_equal(y, 31)


def test_results_of_functions():
    x = np.zeros(15)
    text = report(BOUNDS(), "rows", 1, 1, (x[:10], 2))
    assert re.search(
        r"line (77|78|82): write of (8|40) bytes at index 1[0-4] of argument 'x'", text
    )
    np.testing.assert_array_equal(x, [1, 2, 3, 4, 5] + [0] * 10)
    launch(BOUNDS(), "rows", 1, 1, (x, 2))
    np.testing.assert_array_equal(x[10:], np.arange(5) + 2)


def test_templates():
    x = np.zeros(10)
    text = report(BOUNDS(), "fill<double>", 1, 3, (x[:9], 10))
    assert "kernel fill<double>, block (0, 0, 0), thread (0, 0, 0), line 72" in text
    launch(BOUNDS(), "fill<double>", 1, 3, (x, 10))
    np.testing.assert_array_equal(x, np.arange(10))


# ---- pointers that are no arrays -------------------------------------------------------------

ADDRESSES = checked(r"""
struct View { const float *data; int n; };
__global__ void sum(View v, float *out) {
    float s = 0;
    for (int i = 0; i < v.n; ++i) s += v.data[i];
    out[0] = s;
}
__global__ void read(const float *x, float *out) { out[0] = *x; }
__global__ void made(float *out, int n, int k) {
    float *own = (float *)malloc(n * sizeof(float));
    for (int i = 0; i < n; ++i) own[i] = i;
    out[threadIdx.x] = own[k];
    if (threadIdx.x) free(own);
}
""")


def test_memory_behind_addresses():
    x, out = floats(20), np.zeros(1, np.float32)
    view = np.zeros((), np.dtype([("data", "u8"), ("n", "i8")]))
    view["data"], view["n"] = x.ctypes.data, 20
    launch(ADDRESSES(), "sum", 1, 1, (np.void(view), out))
    assert out[0] == pytest.approx(x.sum(dtype=float))
    launch(ADDRESSES(), "read", 1, 1, (x.ctypes.data + 12, out))
    assert out[0] == x[3]
    view["data"] = 1 << 45  # nothing is there
    text = report(ADDRESSES(), "sum", 1, 1, (np.void(view), out))
    assert "line 5: read of 4 bytes at address 0x200000000000, which is in no array" in text
    text = report(ADDRESSES(), "read", 1, 1, (1 << 45, out))
    assert "line 8: read of 4 bytes at address 0x200000000000, which is in no array" in text


def test_addresses_inside_of_what_is_told():
    x, out = floats(20), np.zeros(1, np.float32)
    told = [("allocation", x.ctypes.data, 40, "float32", True)]
    told.append(("out", out.ctypes.data, 4, "float32", True))
    for k in (0, 9, 10):
        args = [x.ctypes.data + 4 * k, out.ctypes.data]
        if k < 10:
            ADDRESSES().launch("read", 1, 1, args, arrays=told)
            assert out[0] == x[k]
        else:
            with pytest.raises(DeviceError, match=r"index 10 of argument 'allocation' \(10 fl"):
                ADDRESSES().launch("read", 1, 1, args, arrays=told)


def test_memory_that_the_kernel_allocates():
    out = np.zeros(4, np.float32)
    launch(ADDRESSES(), "made", 1, 4, (out, 10, 9))
    np.testing.assert_array_equal(out, 9)
    assert "line 12: read of 4 bytes at " in report(ADDRESSES(), "made", 1, 4, (out, 10, 10))


# ---- races on shared memory ------------------------------------------------------------------

RACES = checked(r"""
#define N 64
#define t threadIdx.x
__global__ void neighbours(int *x) {
    __shared__ int s[N];
    s[t] = x[t];
    x[t] = s[t ^ 1];
}
__global__ void next(int *x) {
    __shared__ int s[N];
    s[t] = x[t];
    __syncthreads();
    int y = s[(t + 1) % N];
    s[t] = y;
    __syncthreads();
    x[t] = s[t];
}
__global__ void same_place(int *x) {
    __shared__ int one;
    one = x[t];
    __syncthreads();
    x[t] = one;
}
__global__ void rounds(int *x, int n) {
    extern __shared__ int s[];
    for (int k = 0; k < n; ++k) {
        s[t] = x[t] + k;
        __syncthreads();
        x[t] += s[N - 1 - t];
    }
}
__global__ void bytes(int *x) {
    __shared__ char s[N];
    s[t] = x[t];
    x[t] = s[t / 2];
}
__global__ void warps(volatile int *x) {
    __shared__ volatile int s[N];
    s[t] = x[t];
    __syncthreads();
    if (t < 32) {
        s[t] += s[t + 32];
        s[t] += s[t + 16];
        x[t] = s[t];
    }
}
__global__ void half_a_warp(int *x) {
    __shared__ int s[N];
    s[t] = x[t];
    __syncwarp(t % 32 < 16 ? 0xffff : 0xffff0000);
    x[t] = s[t ^ 1] + s[t ^ 16];
}
__global__ void counted(int *x) {
    __shared__ int n;
    n = 0;
    atomicAdd(&n, x[t]);
    __syncthreads();
    x[t] = n;
}
__global__ void not_set(int *x) {
    __shared__ int bins[4];
    if (t) bins[t % 3] = 0;
    __syncthreads();
    atomicAdd(&bins[x[t] & 3], 1);
}
__global__ void two_dimensions(int *x) {
    __shared__ double tile[2][8][5];
    tile[threadIdx.z][threadIdx.y][threadIdx.x] = x[0];
    x[0] = tile[1][threadIdx.y][threadIdx.x];
}
""")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "neighbours",
            r"thread \(0, 0, 0\), line 7: read of index 1 of shared array 's' \(elements of 4 "
            r"bytes\), which no thread of the block has written yet",
        ),
        (
            "next",
            r"thread \((\d+), 0, 0\), line 14: race on index (\d+) of shared array 's' \(elements "
            r"of 4 bytes\): this write and the read by thread \(\d+, 0, 0\) in line 13 have no",
        ),
        (
            "same_place",
            r"thread \(1, 0, 0\), line 20: race on shared variable 'one': this write and the write "
            r"by thread \(0, 0, 0\) in line 20 have no barrier between them",
        ),
        ("bytes", r"line 35: read of index 1 of .* 's' \(elements of 1|line 3[45]: race on index"),
        ("warps", r"line 4[23]: race on index \d+ of shared array 's'"),
        ("half_a_warp", r"thread \(15, 0, 0\), line 51: read of index 31 of"),
        (
            "counted",
            r"thread \(1, 0, 0\), line 55: race on shared variable 'n': this write and the atomic "
            r"write by thread \(0, 0, 0\) in line 56",
        ),
        ("not_set", r"line 64: atomic write of index 3 of shared array 'bins' .* no thread"),
    ],
)
def test_races(name, words):
    x = np.arange(1, 65, dtype=np.int32)
    texts = {report(RACES(), name, 1, 64, (x.copy(),)) for _ in range(3)}
    assert len(texts) == 1  # the same each time
    assert re.search(words, texts.pop())


def test_a_barrier_that_is_missing_between_rounds():
    x = np.zeros(64, np.int32)
    launch(RACES(), "rounds", 1, 64, (x, 1), shared_bytes=256)
    text = report(RACES(), "rounds", 1, 64, (x, 2), shared_bytes=256)
    assert re.search(
        r"thread \(0, 0, 0\), line 29: race on index 63 of the dynamic shared memory \(elements of "
        r"4 bytes\): this read and the write by thread \(63, 0, 0\) in line 27 have no barrier",
        text,
    )


def test_places_in_arrays_of_three_axes():
    x = np.ones(1, np.int32)
    text = report(RACES(), "two_dimensions", 1, (5, 8, 2), (x,))
    assert "line 69: read of index 40 of shared array 'tile' (elements of 8 bytes)" in text


# ---- barriers that not all threads reach -----------------------------------------------------

DIVERGED = checked(r"""
__global__ void two_barriers(int *x) {
    if (threadIdx.x < 40)
        __syncthreads();
    else
        __syncthreads();
    x[0] = 1;
}
__global__ void ends_first(int *x) {
    if (threadIdx.x < 8) {
        x[threadIdx.x] = 1;
        return;
    }
    __syncthreads();
}
__global__ void ends_last(int *x) {
    if (threadIdx.x >= 50) {
        x[threadIdx.x] = 1;
        return;
    }
    __syncthreads();
}
__global__ void only_ends(int n) {
    if (threadIdx.x >= n) return;
    __syncthreads();
}
__global__ void in_function(int *x) { assert(x[threadIdx.x] < 40); }
""")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("two_barriers", "thread (40, 0, 0), line 6: divergence: 40 threads wait at another "
         "barrier, in line 4"),
        ("ends_first", "thread (8, 0, 0), line 14: divergence: a barrier for 64 threads, of which "
         "8 have ended; the last access of thread (0, 0, 0) was in line 11"),
        ("ends_last", "thread (50, 0, 0), line 18: divergence: this thread has ended after that "
         "access to memory, and 50 of 64 wait at the barrier in line 21"),
        ("in_function", "thread (40, 0, 0), line 27: assertion failed: x[threadIdx.x] < 40"),
    ],
)  # fmt: skip
def test_barriers_and_assertions(name, words):
    x = np.arange(64, dtype=np.int32)
    assert f"kernel {name}, block (0, 0, 0), {words}" in report(DIVERGED(), name, 3, 64, (x,))


def test_threads_that_end_without_an_access():
    text = report(DIVERGED(), "only_ends", 1, 64, (np.int32(60),))
    assert "thread (60, 0, 0), line 25: divergence: this thread has ended, and 60 of 64" in text
    launch(DIVERGED(), "only_ends", 1, 64, (np.int32(64),))


# ---- what is right is not reported -----------------------------------------------------------

RIGHT = checked(r"""
#define TILE 8
struct Scale { float by; int pad; };
__constant__ float weights[4] = {1, 2, 3, 4};
__device__ unsigned finished = 0;
__device__ float scaled(const float *x, int i, Scale s) { return x[i] * s.by; }
__global__ void grid_stride(const float *x, float *y, Scale s, int n) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        y[i] = scaled(x, i, s) + weights[i & 3];
}
__global__ void tree_sum(const float *x, float *out, int n) {
    extern __shared__ float part[];
    int t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
    part[t] = i < n ? x[i] : 0;
    __syncthreads();
    for (int k = blockDim.x / 2; k > 0; k /= 2) {
        if (t < k) part[t] += part[t + k];
        __syncthreads();
    }
    if (t == 0) out[blockIdx.x] = part[0];
}
__global__ void warp_sum(const float *x, float *out, int n) {
    __shared__ float part[32];
    int t = threadIdx.x, lane = t % 32, warp = t / 32;
    float v = 0;
    for (int i = blockIdx.x * blockDim.x + t; i < n; i += gridDim.x * blockDim.x) v += x[i];
    for (int k = 16; k; k /= 2) v += __shfl_down_sync(0xffffffff, v, k);
    if (lane == 0) part[warp] = v;
    __syncthreads();
    if (warp == 0) {
        v = t < (blockDim.x + 31) / 32 ? part[lane] : 0;
        for (int k = 16; k; k /= 2) v += __shfl_xor_sync(0xffffffff, v, k);
        if (t == 0) atomicAdd(out, v);
    }
}
__global__ void warp_by_memory(const float *x, float *out) {
    __shared__ volatile float s[64];
    int t = threadIdx.x;
    s[t] = x[t];
    __syncwarp();
    for (int k = 16; k; k /= 2) {
        float v = t % 32 < k ? s[t + k] : 0;
        __syncwarp();
        if (t % 32 < k) s[t] = s[t] + v;
        __syncwarp();
    }
    if (t % 32 == 0) out[t / 32] = s[t];
}
__global__ void by_halves(const float *x, float *out) {
    __shared__ float s[32];
    int t = threadIdx.x;
    s[t] = x[t];
    __syncwarp(t < 16 ? 0x0000ffff : 0xffff0000);
    float v = s[t ^ 1];
    __syncwarp();
    out[t] = v + s[t ^ 16];
}
__global__ void matmul(const float *a, const float *b, float *c, int n) {
    __shared__ float p[TILE][TILE], q[TILE][TILE];
    int x = threadIdx.x, y = threadIdx.y, col = blockIdx.x * TILE + x, row = blockIdx.y * TILE + y;
    float sum = 0;
    for (int k = 0; k < n; k += TILE) {
        p[y][x] = row < n && k + x < n ? a[row * n + k + x] : 0;
        q[y][x] = col < n && k + y < n ? b[(k + y) * n + col] : 0;
        __syncthreads();
        for (int j = 0; j < TILE; ++j) sum += p[y][j] * q[j][x];
        __syncthreads();
    }
    if (row < n && col < n) c[row * n + col] = sum;
}
template <class T> __global__ void transpose(const T *x, T *y, int rows, int columns) {
    __shared__ T tile[TILE][TILE + 1];
    int c = blockIdx.x * TILE + threadIdx.x, r = blockIdx.y * TILE + threadIdx.y;
    if (r < rows && c < columns) tile[threadIdx.y][threadIdx.x] = x[r * columns + c];
    __syncthreads();
    c = blockIdx.y * TILE + threadIdx.x;
    r = blockIdx.x * TILE + threadIdx.y;
    if (r < columns && c < rows) y[r * rows + c] = tile[threadIdx.x][threadIdx.y];
}
__global__ void histogram(const unsigned char *x, unsigned *out, int n) {
    __shared__ unsigned bins[16];
    for (int k = threadIdx.x; k < 16; k += blockDim.x) bins[k] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        atomicAdd(&bins[x[i] & 15], 1u);
    __syncthreads();
    for (int k = threadIdx.x; k < 16; k += blockDim.x) atomicAdd(&out[k], bins[k]);
}
__global__ void real_bins(const float *x, float *out) {
    __shared__ float sum, most;
    if (threadIdx.x == 0) sum = most = 0;
    __syncthreads();
    atomicAdd(&sum, x[threadIdx.x]);
    atomicMax(&most, x[threadIdx.x]);
    __syncthreads();
    if (threadIdx.x == 0) { out[0] = sum; out[1] = most; }
}
__global__ void any_negative(const float *x, int *out) {
    __shared__ bool found;
    __shared__ signed char signs[64];
    if (threadIdx.x == 0) found = false;
    __syncthreads();
    if (x[threadIdx.x] < 0) found = true;
    signs[threadIdx.x] = x[threadIdx.x] < 0 ? -1 : 1;
    __syncthreads();
    out[threadIdx.x] = found ? signs[63 - threadIdx.x] : 0;
}
__global__ void locked(const int *x, int *out) {
    __shared__ int lock, total, most;
    if (threadIdx.x == 0) lock = total = most = 0;
    __syncthreads();
    for (bool done = false; !done;)
        if (atomicCAS(&lock, 0, 1) == 0) {
            total += x[threadIdx.x];
            if (x[threadIdx.x] > most) most = x[threadIdx.x];
            atomicExch(&lock, 0);
            done = true;
        }
    __syncthreads();
    if (threadIdx.x == 0) { out[0] = total; out[1] = most; }
}
__global__ void last_block(const float *x, float *part, float *out) {
    __shared__ bool last;
    float v = x[blockIdx.x * 32 + threadIdx.x];
    for (int k = 16; k; k /= 2) v += __shfl_down_sync(0xffffffff, v, k);
    if (threadIdx.x == 0) {
        part[blockIdx.x] = v;
        __threadfence();
        last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (last && threadIdx.x == 0) {
        out[0] = 0;
        for (unsigned k = 0; k < gridDim.x; ++k) out[0] += part[k];
    }
}
__global__ void sorted(int *x) {
    __shared__ int s[64];
    int t = threadIdx.x, own[3] = {t, x[t], 0}, *p = own;
    s[t] = p[1];
    for (int size = 2; size <= 64; size *= 2)
        for (int step = size / 2; step; step /= 2) {
            __syncthreads();
            int other = t ^ step;
            if (other > t && (s[t] > s[other]) == ((t & size) == 0)) {
                int y = s[t];
                s[t] = s[other];
                s[other] = y;
            }
        }
    __syncthreads();
    for (int k = 0; k < 3; ++k) own[k] = s[t] + k;
    x[t] = own[t % 3] - t % 3;
}
__global__ void box(int *out, uint3 n) {
    __shared__ int sums[4][4][4];
    auto put = [&](int v) { sums[threadIdx.z][threadIdx.y][threadIdx.x] = v; };
    put(threadIdx.x + 10 * threadIdx.y + 100 * threadIdx.z);
    __syncthreads();
    unsigned x = blockIdx.x * 4 + threadIdx.x, y = blockIdx.y * 4 + threadIdx.y, z = threadIdx.z;
    if (x < n.x && y < n.y && z < n.z)
        out[(z * n.y + y) * n.x + x] = sums[threadIdx.z][threadIdx.x][threadIdx.y];
}
""", names=["transpose<double>", "transpose<short>"])  # fmt: skip


def test_plain_kernels():
    x, y = floats(1000), np.zeros(1000, np.float32)
    scale = np.zeros((), np.dtype([("by", "f4"), ("pad", "i4")]))
    scale["by"] = 3
    launch(RIGHT(), "grid_stride", 3, 100, (x, y, np.void(scale), 1000))
    weights = np.arange(1000, dtype=np.float32) % 4 + 1
    np.testing.assert_array_equal(y, x * np.float32(3) + weights)


@pytest.mark.parametrize("threads", [1, 32, 64, 256])
def test_sums(threads):
    x = RNG.integers(0, 50, 777).astype(np.float32)
    blocks = -(-777 // threads)
    out = np.zeros(blocks, np.float32)
    launch(RIGHT(), "tree_sum", blocks, threads, (x, out, 777), shared_bytes=4 * threads)
    assert out.sum() == x.sum()
    if threads >= 32:
        total = np.zeros(1, np.float32)
        launch(RIGHT(), "warp_sum", 2, threads, (x, total, 777))
        assert total[0] == x.sum()


def test_warps():
    x = RNG.integers(0, 50, 64).astype(np.float32)
    out = np.zeros(32, np.float32)
    launch(RIGHT(), "warp_by_memory", 1, 64, (x, out))
    np.testing.assert_array_equal(out[:2], x.reshape(2, 32).sum(axis=1))
    launch(RIGHT(), "by_halves", 1, 32, (x, out))
    t = np.arange(32)
    np.testing.assert_array_equal(out, x[t ^ 1] + x[t ^ 16])


def test_tiles():
    a, b = RNG.integers(0, 9, (2, 19, 19)).astype(np.float32)
    c = np.zeros_like(a)
    launch(RIGHT(), "matmul", (3, 3), (8, 8), (a, b, c, 19))
    np.testing.assert_array_equal(c, a @ b)
    for dtype, name in ((np.float64, "double"), (np.int16, "short")):
        x = RNG.integers(0, 1000, (19, 37)).astype(dtype)
        y = np.zeros((37, 19), dtype)
        launch(RIGHT(), f"transpose<{name}>", (5, 3), (8, 8), (x, y, 19, 37))
        np.testing.assert_array_equal(y, x.T)


def test_atomics_and_flags():
    x = RNG.integers(0, 16, 500, np.uint8)
    bins = np.zeros(16, np.uint32)
    launch(RIGHT(), "histogram", 3, 50, (x, bins, 500))
    np.testing.assert_array_equal(bins, np.bincount(x, minlength=16))
    v = RNG.integers(-9, 9, 64).astype(np.float32)
    pair, out = np.zeros(2, np.float32), np.zeros(64, np.int32)
    launch(RIGHT(), "real_bins", 1, 64, (v, pair))
    np.testing.assert_array_equal(pair, [v.sum(), max(v.max(), 0)])
    launch(RIGHT(), "any_negative", 1, 64, (v, out))
    np.testing.assert_array_equal(out, np.where(v < 0, -1, 1)[::-1])
    numbers, both = RNG.integers(0, 99, 64, np.int32), np.zeros(2, np.int32)
    launch(RIGHT(), "locked", 1, 64, (numbers, both))
    np.testing.assert_array_equal(both, [numbers.sum(), numbers.max()])


def test_blocks_that_follow_each_other():
    x = RNG.integers(0, 50, 320).astype(np.float32)
    part, out = np.zeros(10, np.float32), np.zeros(1, np.float32)
    for _ in range(2):
        launch(RIGHT(), "last_block", 10, 32, (x, part, out))
        assert out[0] == x.sum()


def test_sorting_and_boxes():
    x = RNG.integers(0, 1000, 64, np.int32)
    wanted = np.sort(x)
    launch(RIGHT(), "sorted", 1, 64, (x,))
    np.testing.assert_array_equal(x, wanted)
    out = np.full((3, 6, 7), -1, np.int32)
    size = np.array((7, 6, 3), "u4,u4,u4")
    launch(RIGHT(), "box", (2, 2), (4, 4, 4), (out, np.void(size)))
    z, y, x = np.indices(out.shape)
    np.testing.assert_array_equal(out, y % 4 + 10 * (x % 4) + 100 * z)


# ---- the process lives on --------------------------------------------------------------------


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


def test_a_thousand_failures_leak_nothing(quiet):
    x, y, z = floats(90), np.zeros(100, np.float32), np.zeros(64, np.int32)

    def fail(times):
        for _ in range(times):
            report(BOUNDS(), "copy", 4, 32, (x, y, 100))
            report(BOUNDS(), "dynamic", 1, 64, (z, 9999), shared_bytes=1 << 14)
            report(ADDRESSES(), "made", 1, 4, (y, 5000, 10**6))

    fail(20)
    before = resident()
    fail(334)
    assert resident() - before < 4 << 20  # one leaked shadow is 240 KiB, one leaked array 20 KiB


def test_two_threads_at_once():
    failures = []

    def work(k):
        x, y = floats(90 + k), np.zeros(100, np.float32)
        for _ in range(30):
            text = report(BOUNDS(), "copy", 4, 32, (x, y, 100))
            if f"index {90 + k} of argument 'x' ({90 + k} float32" not in text:
                failures.append(text)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_variables_go_from_module_to_module():
    source = """__constant__ float a[3]; __device__ int b = 1; const __constant__ int c = 5;
        __global__ void k(float *x) { x[0] = a[2] + b + c; }"""
    plain, other = HostModule(source), HostModule(source, checks=True)
    x = np.zeros(1, np.float32)
    address, nbytes = plain.variable("a")
    values = np.array([1, 2, 3], np.float32)
    ctypes.memmove(address, values.ctypes.data, nbytes)
    launch(other, "k", 1, 1, (x,))
    assert x[0] == 6
    other.take_variables(plain)
    launch(other, "k", 1, 1, (x,))
    assert x[0] == 9


def test_libraries_without_lines():
    for code in (b"", b"\x7fELF\x01", b"no library at all" * 10):
        assert list(Binary(code).lines_before(100)) == []
        assert Binary(code).thread_variables == []


def test_the_setting():
    with da.config(raw_checks=True) as settings:
        assert settings.raw_checks
    with pytest.raises(ValueError, match="raw_checks must be of type bool, got 1"):
        da.config(raw_checks=1)
