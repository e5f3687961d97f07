"""Raw kernels in CUDA C on OpenCL devices, compared with NumPy.

Kernels of one kind share a source, because each source costs a compilation.
"""

import numpy as np
import pytest

from opencl_modules import module, put, run, zeros

pytest.importorskip("dpctl")

RNG = np.random.default_rng(5)


# ---- without barriers ---------------------------------------------------------------------------

PLAIN = module(
    r"""
#include <cuda_runtime.h>
#include <stdio.h>
#define INDEX (blockIdx.x * blockDim.x + threadIdx.x)
struct Line { float a; double b; char name[3]; const float *x; };
__device__ int counter = 7;
__constant__ float weights[4] = {1, 2, 3, 4}, scale;
namespace outer { __device__ long long total = 5; }
__device__ __forceinline__ float axpy(float a, float x, float y) { return a * x + y; }
__device__ unsigned global_index() { return blockIdx.x * blockDim.x + threadIdx.x; }
__device__ float clamp(float local, float global) { return local < global ? local : global; }

// a comment with __syncthreads() makes no barrier
extern "C" __global__ void __launch_bounds__(256) saxpy(float a, const float *__restrict__ x,
                                                        float *y /* , __syncthreads() */, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = axpy(a, x[i], y[i]);
}
extern "C" {
__global__ void grid_stride(float a, const float *x, float *y, int n) {
    for (int i = INDEX; i < n; i += gridDim.x * blockDim.x) y[i] = a * x[i] + y[i];
}
}
__global__ void unsigned_stride(float a, const float *x, float *y, unsigned n) {
    unsigned int i = blockIdx.x * blockDim.x + threadIdx.x;
    while (i < n) { y[i] = a * x[i] + y[i]; i += gridDim.x * blockDim.x; }
}
__global__ void stencil(const double *x, double *y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i > 0 && i < n - 1) y[i] = x[i - 1] - 2 * x[i] + x[i + 1];
}
__global__ void halo(const float *x, float *y, int n) {
    unsigned first = blockIdx.x * blockDim.x - 1;  // wraps in the first block
    if (first + threadIdx.x < n) y[first + threadIdx.x] = x[first + threadIdx.x];
}
static __global__ void plane(int *out, int rows, int columns) {
    int c = blockIdx.x * blockDim.x + threadIdx.x, r = blockIdx.y * blockDim.y + threadIdx.y;
    if (r < rows && c < columns) out[r * columns + c] = 1000 * r + c;
}
__global__ void space(int *out, uint3 n) {
    unsigned x = blockIdx.x * blockDim.x + threadIdx.x, y = blockIdx.y * blockDim.y + threadIdx.y;
    unsigned z = blockIdx.z * blockDim.z + threadIdx.z;
    if (x < n.x && y < n.y && z < n.z)
        out[(z * n.y + y) * n.x + x] += 1 + x + 100 * y + 10000 * z;
}
__global__ void unsigned_indices(int *out) {
    out[0] = threadIdx.x - 1 > 5;
    out[1] = (threadIdx.x - 1) / 2 > 5;
    out[2] = (threadIdx.x - 1) % 7;
}
__global__ void line(Line l, const double *y, double *out, bool twice, signed char k) {
    const double r = l.a * l.x[threadIdx.x] + l.b + l.name[1] + y[threadIdx.x] + k;
    out[threadIdx.x] = twice ? 2 * r : r;
}
__global__ void weigh(float *y) {
    y[threadIdx.x] = weights[threadIdx.x % 4] * scale;
    atomicAdd(&counter, 1);
    if (threadIdx.x == 0) outer::total += 1ll << 40;
}
__global__ void words(float *y, int n, float *kernel, int constant) {
    const char *text = "__syncthreads()";
    auto twice = [&](float x) { return 2 * x + n; };
    float pipe = clamp(y[threadIdx.x], 3.5f);
    if (global_index() < n) kernel[threadIdx.x] = twice(pipe) + constant + (text[0] == '_');
}
__global__ void nothing(void) {}
template <class T, int N = 2> struct Pair {
    T a[N];
    __device__ T sum() const { T s = 0; for (T x : a) s += x; return s; }
};
template <class T> __device__ void swap(T &a, T &b) { T c = a; a = b; b = c; }
template <class T> __device__ T last(const T *x, int n) { const T *end = x + n; return end[-1]; }
template <typename T, int N> __global__ void combine(T *x, const T *__restrict__ y, Pair<T, N> p) {
    T u = x[0], v = x[1];
    swap(u, v);
    swap(x[2], x[3]);
    x[0] = u; x[1] = v + p.sum() + static_cast<T>(2.75) + last(y, N) + T(0.5);
}
__global__ void vectors(const float4 *x, float3 *out, double2 d) {
    float4 v = x[threadIdx.x];
    out[threadIdx.x] = make_float3(v.x + v.w, (float)sizeof(float3), v.y * d.y);
}
""",
    names=("combine<float, 2>", "combine<int, 3>"),
)


@pytest.mark.parametrize("name", ["saxpy", "grid_stride", "unsigned_stride"])
@pytest.mark.parametrize("n", [1, 1000, 4096])
def test_saxpy(name, n):
    x, y = RNG.random(n, np.float32), RNG.random(n, np.float32)
    out = put(y)
    run(PLAIN, name, -(-n // 256) if name == "saxpy" else 3, 256, 2.5, put(x), out, n)
    np.testing.assert_allclose(out.get(), np.float32(2.5) * x + y, rtol=1e-6)


def test_neighbours_and_indices_that_wrap():
    x = RNG.random(1000)
    out = zeros(1000, "f8")
    run(PLAIN, "stencil", 8, 128, put(x), out, 1000)
    want = np.zeros(1000)
    want[1:-1] = x[:-2] - 2 * x[1:-1] + x[2:]
    np.testing.assert_allclose(out.get(), want, rtol=1e-12, atol=1e-12)
    x = RNG.random(100, np.float32)
    out = zeros(100, "f4")
    run(PLAIN, "halo", 4, 32, put(x), out, 100)
    np.testing.assert_array_equal(out.get(), x)


def test_two_and_three_dimensions():
    out = zeros((5, 7), "i4")
    run(PLAIN, "plane", (2, 3), (4, 2), out, 5, 7)
    np.testing.assert_array_equal(out.get(), 1000 * np.arange(5)[:, None] + np.arange(7))
    out = zeros((3, 4, 5), "i4")
    size = np.array((5, 4, 3), np.dtype([("x", "u4"), ("y", "u4"), ("z", "u4")]))[()]
    run(PLAIN, "space", (2, 2, 3), (3, 2, 1), out, size)
    z, y, x = np.ogrid[:3, :4, :5]
    np.testing.assert_array_equal(out.get(), 1 + x + 100 * y + 10000 * z)


def test_indices_are_unsigned():
    out = zeros(3, "i4")
    run(PLAIN, "unsigned_indices", 1, 1, out)
    assert out.get().tolist() == [1, 1, (2**32 - 1) % 7]


def test_structures_with_pointers_and_small_parameters():
    x, y, out = put(np.arange(5, dtype="f4")), put(np.arange(5.0)), zeros(5, "f8")
    kind = np.dtype([("a", "f4"), ("b", "f8"), ("name", "i1", 3), ("x", "u8")], align=True)
    line = np.array((2, 3, (0, 4, 0), x.ptr), kind)[()]
    run(PLAIN, "line", 1, 5, line, y, out, True, -1)
    np.testing.assert_array_equal(out.get(), 2 * (3 * np.arange(5) + 6))
    run(PLAIN, "line", 1, 5, line, y, out, False, 1)
    np.testing.assert_array_equal(out.get(), 3 * np.arange(5) + 8)


def test_variables():
    get = PLAIN().get_global
    scale = get("scale", "f4", (), device="sycl")
    weights, counter = (
        get(*what, device="sycl") for what in (("weights", "f4"), ("counter", "i4"))
    )
    total = get("total", "i8", device="sycl")
    np.testing.assert_array_equal(weights.get(), [1, 2, 3, 4])
    scale[...] = 10
    weights[1] = 0.5
    before, sum_before = int(counter.get()[0]), int(total.get()[0])
    y = zeros(64, "f4")
    run(PLAIN, "weigh", 1, 64, y)
    np.testing.assert_array_equal(y.get(), np.tile(np.float32([10, 5, 30, 40]), 16))
    assert int(counter.get()[0]) == before + 64  # every thread counts
    assert int(total.get()[0]) == sum_before + (1 << 40)
    weights[1] = 2
    assert (weights * 2).get().tolist() == [2, 4, 6, 8]
    with pytest.raises(ValueError, match="no variable 'other' in the module; it has counter"):
        get("other", device="sycl")


def test_words_that_opencl_keeps_are_names_here():
    y, out = put(np.array([1, 2, 3, 4], "f4")), zeros(4, "f4")
    run(PLAIN, "words", 1, 4, y, 3, out, 10)
    np.testing.assert_array_equal(out.get(), [16, 18, 20, 0])


@pytest.mark.parametrize(
    ("name", "dtype"), [("combine<float, 2>", "f4"), ("combine<int, 3>", "i4")]
)
def test_templates(name, dtype):
    x = put(np.arange(4, dtype=dtype))
    n = 2 if dtype == "f4" else 3
    pair = np.array((np.arange(n, dtype=dtype),), np.dtype([("a", dtype, n)]))[()]
    run(PLAIN, name, 1, 1, x, put(np.arange(5, dtype=dtype)), pair)
    extra = 1 + 2.75 + 1 + 0.5 if dtype == "f4" else 3 + 2 + 2
    np.testing.assert_array_equal(x.get(), [1, extra, 3, 2])


def test_vectors_have_the_sizes_of_cuda():
    x = RNG.random((6, 4), np.float32)
    out = zeros((6, 3), "f4")
    pair = np.array((1, 3), np.dtype([("x", "f8"), ("y", "f8")]))[()]
    run(PLAIN, "vectors", 1, 6, put(x), out, pair)
    want = np.stack([x[:, 0] + x[:, 3], np.full(6, 12), x[:, 1] * 3], 1)
    np.testing.assert_allclose(out.get(), want, rtol=1e-6)


def test_what_is_told_of_kernels():
    x, y, n = PLAIN().get_function("stencil").parameters("sycl")
    assert (x.kind, x.target_kind, x.target_size, x.target_constant) == ("p", "f", 8, True)
    assert not y.target_constant and (n.kind, n.size, n.name) == ("i", 4, "n")
    line = PLAIN().get_function("line").parameters("sycl")
    assert [(p.kind, p.size) for p in line[::3]] == [("s", 32), ("b", 1)] and line[4].kind == "i"
    assert PLAIN().get_function("nothing").parameters("sycl") == ()
    with pytest.raises(ValueError, match="no kernel 'other' in the module; it has saxpy"):
        PLAIN().get_function("other").parameters("sycl")
    told = PLAIN().get_function("saxpy").attributes_on("sycl")
    assert told.max_threads_per_block == 1024 and told.shared_size_bytes == 0
    assert PLAIN().get_function("saxpy").occupancy(256, device="sycl").threads == 256


# ---- barriers, shared memory, warps -------------------------------------------------------------

WAITING = module(
    r"""
extern __shared__ float outside[];
__device__ float from_outside(int i) { return outside[i]; }
__device__ int mirrored(const int *p, int i) {
    __shared__ int s[64];
    s[i] = p[i];
    __syncthreads();
    return s[63 - i];
}
__device__ int deep(int *p) { return mirrored(p, threadIdx.x); }
__global__ void in_functions(int *p, float *q) {
    outside[threadIdx.x] = q[threadIdx.x];
    p[threadIdx.x] = deep(p);
    __syncthreads();
    q[threadIdx.x] = from_outside(63 - threadIdx.x) + mirrored(p, threadIdx.x);
}
__global__ void in_a_loop(float *x) {
    const int N = 4;
    for (int k = 0; k < 2; k++) {
        __shared__ float a[N][N + 1], b[N];
        __shared__ int count;
        a[threadIdx.y][threadIdx.x] = k;
        b[threadIdx.x] = 1;
        if (threadIdx.x == 0 && threadIdx.y == 0) count = 5;
        __syncthreads();
        x[threadIdx.y * 4 + threadIdx.x] +=
            a[3 - threadIdx.y][threadIdx.x] + b[0] + count + sizeof(a);
        __syncthreads();
    }
}
template <typename T, int N> __global__ void transposed(const T *x, T *y, int n) {
    __shared__ T tile[N][N + 1];
    int c = blockIdx.x * N + threadIdx.x, r = blockIdx.y * N + threadIdx.y;
    if (r < n && c < n) tile[threadIdx.y][threadIdx.x] = x[r * n + c];
    __syncthreads();
    c = blockIdx.y * N + threadIdx.x;
    r = blockIdx.x * N + threadIdx.y;
    if (r < n && c < n) y[r * n + c] = tile[threadIdx.x][threadIdx.y];
}
__global__ void tree_sum(const float *x, float *out, unsigned n) {
    extern __shared__ float part[];
    unsigned int tid = threadIdx.x, i = blockIdx.x * blockDim.x + threadIdx.x;
    float v = 0;
    while (i < n) { v += x[i]; i += gridDim.x * blockDim.x; }
    part[tid] = v;
    __syncthreads();
    for (unsigned int k = blockDim.x / 2; k > 0; k >>= 1) {
        if (tid < k) part[tid] += part[tid + k];
        __syncthreads();
    }
    if (tid == 0) atomicAdd(out, part[0]);
}
__global__ void warp_sum(const double *x, double *out, int n) {
    __shared__ double part[32];
    double v = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
        v += x[i];
    for (int d = warpSize / 2; d > 0; d >>= 1) v += __shfl_down_sync(0xffffffff, v, d);
    if (threadIdx.x % 32 == 0) part[threadIdx.x / 32] = v;
    __syncthreads();
    if (threadIdx.x < 32) {
        v = threadIdx.x < blockDim.x / 32 ? part[threadIdx.x] : 0;
        for (int d = 16; d > 0; d >>= 1) v += __shfl_xor_sync(0xffffffff, v, d);
        if (threadIdx.x == 0) atomicAdd(out, v);
    }
}
#define TILE 16
__global__ void matmul(const float *A, const float *B, float *C, int n) {
    __shared__ float a[TILE][TILE], b[TILE][TILE];
    int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
    float sum = 0;
    for (int k = 0; k < n; k += TILE) {
        a[threadIdx.y][threadIdx.x] = A[row * n + k + threadIdx.x];
        b[threadIdx.y][threadIdx.x] = B[(k + threadIdx.y) * n + column];
        __syncthreads();
        for (int j = 0; j < TILE; ++j) sum += a[threadIdx.y][j] * b[j][threadIdx.x];
        __syncthreads();
    }
    C[row * n + column] = sum;
}
__device__ unsigned finished = 0;
__global__ void last_block(const int *x, int *part, int *out, int n) {
    __shared__ bool last;
    __shared__ int sum;
    if (threadIdx.x == 0) sum = 0;
    __syncthreads();
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) atomicAdd(&sum, x[i]);
    __syncthreads();
    if (threadIdx.x == 0) {
        part[blockIdx.x] = sum;
        __threadfence();
        last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (last && threadIdx.x == 0) {
        int all = 0;
        for (int k = 0; k < gridDim.x; ++k) all += *(volatile int *)&part[k];
        *out = all;
    }
}
""",
    names=("transposed<double, 8>", "transposed<short, 16>"),
)

WARPS = module(
    r"""
__global__ void votes(int *out, int n) {
    int t = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z), same;
    int *o = out + t;
    o[0] = __ballot_sync(~0u, t % 3 == 0);
    o[n] = __any_sync(~0u, t == 40);
    o[2 * n] = __all_sync(~0u, t < 40);
    o[3 * n] = __match_any_sync(~0u, t % 5);
    o[4 * n] = __match_all_sync(~0u, t / 32, &same);
    o[5 * n] = same;
    o[6 * n] = __reduce_add_sync(~0u, t);
    o[7 * n] = __reduce_max_sync(~0u, -t);
    o[8 * n] = __shfl_xor_sync(~0u, t, 1);
    o[9 * n] = __shfl_up_sync(~0u, t, 2, 8);
    o[10 * n] = __shfl_sync(~0u, t, 9, 8);
    o[11 * n] = __shfl_down_sync(~0u, t, 3, 16);
    o[12 * n] = __popc(__activemask());
    __syncwarp();
    o[13 * n] = __syncthreads_count(t % 2);
    o[14 * n] = __syncthreads_or(t == 5);
    o[15 * n] = __syncthreads_and(t < 5);
    int some = -1;
    if (t % 4 == 0) some = __shfl_down_sync(0x11111111, t, 4);
    o[16 * n] = some;
}
"""
)


def test_shared_memory_in_functions_and_outside():
    p, q = np.arange(64, dtype="i4"), np.arange(64, dtype="f4")
    a, b = put(p), put(q)
    run(WAITING, "in_functions", 1, 64, a, b, shared_mem=256)
    np.testing.assert_array_equal(a.get(), p[::-1])
    np.testing.assert_array_equal(b.get(), q[::-1] + p)


def test_shared_memory_in_a_loop():
    x = zeros(16, "f4")
    run(WAITING, "in_a_loop", 1, (4, 4), x)
    np.testing.assert_array_equal(x.get(), np.full(16, 1 + 2 * (1 + 5 + 80)))
    assert WAITING().get_function("in_a_loop").attributes_on("sycl").shared_size_bytes == 100


@pytest.mark.parametrize(
    ("name", "dtype", "tile"),
    [("transposed<double, 8>", "f8", 8), ("transposed<short, 16>", "i2", 16)],
)
def test_transpose(name, dtype, tile):
    n = 45
    x = RNG.integers(0, 1000, (n, n)).astype(dtype)
    y = zeros((n, n), dtype)
    blocks = -(-n // tile)
    run(WAITING, name, (blocks, blocks), (tile, tile), put(x), y, n)
    np.testing.assert_array_equal(y.get(), x.T)


@pytest.mark.parametrize("block", [32, 256, 1024])
def test_sums(block):
    x = RNG.random(100_000)
    out = zeros(1, "f8")
    run(WAITING, "warp_sum", 7, block, put(x), out, x.size)
    np.testing.assert_allclose(out.get(), [x.sum()], rtol=1e-12)
    x = RNG.random(100_000, np.float32)
    out = zeros(1, "f4")
    run(WAITING, "tree_sum", 7, block, put(x), out, x.size, shared_mem=4 * block)
    np.testing.assert_allclose(out.get(), [x.sum(dtype="f8")], rtol=1e-5)


def test_tiled_matmul():
    a, b = RNG.random((64, 64), np.float32), RNG.random((64, 64), np.float32)
    c = zeros((64, 64), "f4")
    run(WAITING, "matmul", (4, 4), (16, 16), put(a), put(b), c, 64)
    np.testing.assert_allclose(c.get(), a @ b, rtol=1e-5)


def test_the_last_block_adds():
    x = RNG.integers(0, 100, 5000).astype("i4")
    part, out = zeros(40, "i4"), zeros(1, "i4")
    for _ in range(3):
        run(WAITING, "last_block", 40, 128, put(x), part, out, x.size)
        assert int(out.get()[0]) == x.sum()


@pytest.mark.parametrize("block", [(64,), (50,), (8, 8), (5, 7), (8, 8, 2)])
def test_warps_of_blocks_of_all_shapes(block):
    n = int(np.prod(block))
    out = zeros((17, n), "i4")
    run(WARPS, "votes", 1, block, out, n)
    t = np.arange(n)
    warps = [t[t // 32 == w] for w in t // 32]

    def bits(own, condition):
        return sum(1 << (k % 32) for k in own if condition(k))

    pairs = list(zip(t, warps, strict=True))
    want = [
        [bits(w, lambda k: k % 3 == 0) for w in warps],
        [40 in w for w in warps],
        [(w < 40).all() for w in warps],
        [bits(w, lambda k, i=i: k % 5 == i % 5) for i, w in pairs],
        [bits(w, lambda k: True) for w in warps],
        [1] * n,
        [w.sum() for w in warps],
        [-w.min() for w in warps],
        [i ^ 1 if i ^ 1 in w else i for i, w in pairs],
        [i - 2 if i % 8 >= 2 else i for i in t],
        [i // 8 * 8 + 1 if i // 8 * 8 + 1 in w else i for i, w in pairs],
        [i + 3 if i % 16 + 3 < 16 and i + 3 in w else i for i, w in pairs],
        [len(w) for w in warps],
        [n // 2] * n,
        [1] * n,
        [0] * n,
        [(i + 4 if i + 4 in w else i) if i % 4 == 0 else -1 for i, w in pairs],
    ]
    wanted = np.array([[int(x) for x in row] for row in want]).astype("u4").view("i4")
    np.testing.assert_array_equal(out.get(), wanted)
