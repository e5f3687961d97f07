"""CUDA C and HIP kernels on the host, compared with NumPy.

Kernels of one kind share a source, because each source costs a compilation.
"""

import ctypes
import threading

import numpy as np
import pytest

from host_modules import at, module

RNG = np.random.default_rng(5)


# ---- no barrier: a plain loop ----------------------------------------------------------------

PLAIN = r"""
#include <cuda_runtime.h>
#include <stdio.h>
#define INDEX (blockIdx.x * blockDim.x + threadIdx.x)
struct Line { float a; double b; char name[3]; };
__device__ int counter = 7;
__constant__ float weights[4] = {1, 2, 3, 4}, scale;
__device__ __forceinline__ float axpy(float a, float x, float y) { return a * x + y; }
__device__ unsigned global_index() { return blockIdx.x * blockDim.x + threadIdx.x; }

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
__global__ void early(int *out, int n) {
    const char *text = "__syncthreads()";
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    out[i] = i + (text[0] == '_' ? 0 : 1);
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
__global__ void line(Line l, const double *x, double *y) {
    y[threadIdx.x] = l.a * x[threadIdx.x] + l.b + l.name[1];
}
__global__ void weigh(float *y) {
    y[threadIdx.x] = weights[threadIdx.x % 4] * scale;
    atomicAdd(&counter, 1);
}
__global__ void nothing(void) {}
__global__ void through_function(unsigned *out) { out[global_index()] = global_index(); }
__global__ void unsigned_indices(int *out) {
    out[0] = threadIdx.x - 1 > 0;  // true: unsigned
    out[1] = sizeof(threadIdx.x) == 4 && (int)threadIdx.x - 1 < 0;
    auto i = blockDim.x - 2;
    out[2] = i > 100;
}
"""
plain = module(PLAIN)


@pytest.mark.parametrize("n", [0, 1, 255, 256, 257, 100003])
@pytest.mark.parametrize("threads", [1, 2])
def test_saxpy(n, threads):
    x, y = RNG.random(n, np.float32), RNG.random(n, np.float32)
    wanted = np.float32(2.5) * x + y
    got = y.copy()
    plain().launch(
        "saxpy", max(1, -(-n // 256)), 256, [np.float32(2.5), at(x), at(got), n], threads=threads
    )
    np.testing.assert_array_equal(got, wanted)
    plain().launch("grid_stride", 7, 96, [np.float32(2.5), at(x), at(y), n], threads=threads)
    np.testing.assert_array_equal(y, wanted)


def test_early_return_needs_no_barrier():
    out = np.full(1000, -1, np.int32)
    plain().launch("early", 4, 256, [at(out), 999])
    np.testing.assert_array_equal(out, [*range(999), -1])


def test_two_and_three_dimensions():
    out = np.zeros((37, 53), np.int32)
    plain().launch("plane", (4, 10), (16, 4), [at(out), 37, 53])
    np.testing.assert_array_equal(out, 1000 * np.arange(37)[:, None] + np.arange(53))
    out = np.zeros((5, 6, 7), np.int32)
    plain().launch("space", (2, 3, 2), (4, 2, 3), [at(out), np.array([7, 6, 5], "u4").tobytes()])
    z, y, x = np.indices(out.shape)
    np.testing.assert_array_equal(out, 1 + x + 100 * y + 10000 * z)


def test_a_structure_by_value():
    kind = np.dtype([("a", "f4"), ("b", "f8"), ("name", "S3")], align=True)
    line = np.array((2, 0.5, b"ABC"), kind)[()]
    x = RNG.random(10)
    y = np.empty(10)
    plain().launch("line", 1, 10, [line, at(x), at(y)])
    np.testing.assert_array_equal(y, 2 * x + 0.5 + ord("B"))
    with pytest.raises(TypeError, match=r"argument 0 of kernel line: a structure of 24 bytes"):
        plain().launch("line", 1, 10, [np.float32(3), at(x), at(y)])


def test_variables():
    address, size = plain().variable("scale")
    assert size == 4
    ctypes.c_float.from_address(address).value = 10
    out = np.zeros(8, np.float32)
    counter = ctypes.c_int.from_address(plain().variable("counter")[0])
    assert counter.value == 7
    plain().launch("weigh", 3, 8, [at(out)])
    np.testing.assert_array_equal(out, [10, 20, 30, 40] * 2)
    assert counter.value == 7 + 24
    assert plain().variable("weights")[1] == 16
    with pytest.raises(ValueError, match="no variable 'weight'"):
        plain().variable("weight")


def test_indices_in_functions_and_their_type():
    out = np.zeros(300, np.uint32)
    plain().launch("through_function", 3, 100, [at(out)])
    np.testing.assert_array_equal(out, np.arange(300))
    out = np.zeros(3, np.int32)
    plain().launch("unsigned_indices", 1, 1, [at(out)])
    np.testing.assert_array_equal(out, 1)


def test_more_blocks_than_fit_the_usual_way():
    n = 2**21 + 5
    out = np.full(n, -1, np.int32)
    plain().launch("early", n, 1, [at(out), n])
    np.testing.assert_array_equal(out, np.arange(n))


def test_what_the_compiler_says_of_parameters():
    kernels = plain().kernels
    assert kernels["nothing"] == ()
    a, x, y, n = kernels["saxpy"]
    assert (a.kind, a.size, n.kind, n.size) == ("f", 4, "i", 4)
    assert (x.kind, x.target_kind, x.target_size, x.target_constant) == ("p", "f", 4, True)
    assert not y.target_constant
    assert (kernels["line"][0].kind, kernels["line"][0].size) == ("s", 24)


@pytest.mark.parametrize(
    ("name", "grid", "block", "args", "error", "words"),
    [
        ("nothin", 1, 1, [], ValueError, "no kernel 'nothin'.*nothing"),
        ("nothing", 0, 1, [], ValueError, "grid.x is 0"),
        ("nothing", (1, 65536), 1, [], ValueError, "grid.y is 65536"),
        ("nothing", 1, 2000, [], ValueError, "block.x is 2000"),
        ("nothing", 1, (32, 33), [], ValueError, "at most 1024"),
        ("nothing", 1, (1, 1, 65), [], ValueError, "block.z is 65"),
        ("nothing", (1, 1, 1, 1), 1, [], ValueError, "one to three"),
        ("nothing", 1.5, 1, [], TypeError, "integers, not 1.5"),
        ("nothing", 1, 1, [1], TypeError, "takes 0 arguments, not 1"),
        ("early", 1, 1, [0], TypeError, "takes 2 arguments, not 1"),
        ("early", 1, 1, [0, 0.5], TypeError, "argument 1 of kernel early: int32 is needed"),
        ("early", 1, 1, [0, np.int64(2**31)], OverflowError, "2147483648 is out of the range"),
        ("early", 1, 1, [0, np.bool_(1)], TypeError, "int32 is needed, not bool"),
        ("early", 1, 1, [0, 2**31], OverflowError, "argument 1"),
        ("early", 1, 1, [1.5, 0], TypeError, "argument 0"),
        ("early", 1, 1, [-1, 0], OverflowError, "argument 0"),
        ("saxpy", 1, 1, [np.float64(1), 0, 0, 0], TypeError, "float32 is needed, not float64"),
    ],
)
def test_wrong_launches(name, grid, block, args, error, words):
    with pytest.raises(error, match=words):
        plain().launch(name, grid, block, args)


# ---- barriers and shuffles -------------------------------------------------------------------

BARRIERS = r"""
#define TILE 16
#define FULL 0xffffffffu
#define FIRST (blockIdx.x * blockDim.x + threadIdx.x)
extern __shared__ float outside[];
__global__ void tree_sum(const float *x, double *out, int n) {
    __shared__ double s[1024];
    double v = 0;
    for (int i = FIRST; i < n; i += gridDim.x * blockDim.x) v += x[i];
    s[threadIdx.x] = v;
    __syncthreads();
    for (unsigned k = blockDim.x / 2; k > 0; k >>= 1) {
        if (threadIdx.x < k) s[threadIdx.x] += s[threadIdx.x + k];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[blockIdx.x] = s[0];
}
template <class T> __device__ T warp_sum(T v) {
    for (int k = 16; k > 0; k /= 2) v += __shfl_down_sync(FULL, v, k);
    return v;
}
__global__ void shuffle_sum(const double *x, double *out, int n) {
    __shared__ double partial[32];
    double v = 0;
    for (int i = FIRST; i < n; i += gridDim.x * blockDim.x) v += x[i];
    v = warp_sum(v);
    if (threadIdx.x % warpSize == 0) partial[threadIdx.x / warpSize] = v;
    __syncthreads();
    if (threadIdx.x < 32) {
        v = warp_sum(threadIdx.x < blockDim.x / 32 ? partial[threadIdx.x] : 0.0);
        if (threadIdx.x == 0) out[blockIdx.x] = v;
    }
}
__global__ void matmul(const float *a, const float *b, float *c, int n) {
    __shared__ float s[TILE][TILE], t[TILE][TILE];
    int row = blockIdx.y * TILE + threadIdx.y, column = blockIdx.x * TILE + threadIdx.x;
    float v = 0;
    for (int k = 0; k < n; k += TILE) {
        s[threadIdx.y][threadIdx.x] = a[row * n + k + threadIdx.x];
        t[threadIdx.y][threadIdx.x] = b[(k + threadIdx.y) * n + column];
        __syncthreads();
        for (int j = 0; j < TILE; j++) v += s[threadIdx.y][j] * t[j][threadIdx.x];
        __syncthreads();
    }
    c[row * n + column] = v;
}
__global__ void transpose(const int *x, int *y, int rows, int columns) {
    __shared__ int tile[TILE][TILE + 1];
    int c = blockIdx.x * TILE + threadIdx.x, r = blockIdx.y * TILE + threadIdx.y;
    if (r < rows && c < columns) tile[threadIdx.y][threadIdx.x] = x[r * columns + c];
    __syncthreads();
    c = blockIdx.y * TILE + threadIdx.x;
    r = blockIdx.x * TILE + threadIdx.y;
    if (r < columns && c < rows) y[r * rows + c] = tile[threadIdx.x][threadIdx.y];
}
__global__ void hillis_steele(const long long *x, long long *y) {
    extern __shared__ long long both[];
    int n = blockDim.x, t = threadIdx.x, from = 0;
    both[t] = x[t];
    __syncthreads();
    for (int k = 1; k < n; k *= 2) {
        both[(n - from) + t] = both[from + t] + (t >= k ? both[from + t - k] : 0);
        from = n - from;
        __syncthreads();
    }
    y[t] = both[from + t];
}
__global__ void blelloch(const int *x, int *y, int n) {
    extern __shared__ __align__(16) int tree[];
    int t = threadIdx.x, step = 1;
    tree[2 * t] = x[2 * t];
    tree[2 * t + 1] = x[2 * t + 1];
    for (int d = n >> 1; d > 0; d >>= 1) {
        __syncthreads();
        if (t < d) tree[step * (2 * t + 2) - 1] += tree[step * (2 * t + 1) - 1];
        step *= 2;
    }
    if (t == 0) tree[n - 1] = 0;
    for (int d = 1; d < n; d *= 2) {
        step >>= 1;
        __syncthreads();
        if (t < d) {
            int i = step * (2 * t + 1) - 1, j = step * (2 * t + 2) - 1, v = tree[i];
            tree[i] = tree[j];
            tree[j] += v;
        }
    }
    __syncthreads();
    y[2 * t] = tree[2 * t];
    y[2 * t + 1] = tree[2 * t + 1];
}
__device__ unsigned finished;
__global__ void last_block(const float *x, float *partial, float *out, int n) {
    __shared__ float s[128];
    __shared__ bool last;
    float v = 0;
    for (int i = blockIdx.x * 128 + threadIdx.x; i < n; i += gridDim.x * 128) v += x[i];
    s[threadIdx.x] = v;
    __syncthreads();
    if (threadIdx.x == 0) {
        for (int k = 1; k < 128; k++) s[0] += s[k];
        partial[blockIdx.x] = s[0];
        __threadfence();
        last = atomicInc(&finished, gridDim.x - 1) == gridDim.x - 1;
    }
    __syncthreads();
    if (last && threadIdx.x == 0) {
        float total = 0;
        for (int k = 0; k < gridDim.x; k++) total += ((volatile float *)partial)[k];
        *out = total;
    }
}
__global__ void votes(const int *x, int *out) {
    int t = threadIdx.x, v = x[t], *o = out + 16 * t;
    o[0] = __all_sync(FULL, v);
    o[1] = __any_sync(FULL, v);
    o[2] = __ballot_sync(FULL, v > 0);
    o[3] = __syncthreads_count(v);
    o[4] = __syncthreads_and(v);
    o[5] = __syncthreads_or(v);
    o[6] = __popc(__match_any_sync(FULL, v));
    o[7] = __reduce_add_sync(FULL, v);
    o[8] = __reduce_max_sync(FULL, v - 5);
    o[9] = t % 32 < 8 ? __popc(__activemask()) : __any(v) + 100;
    __syncwarp();
    o[10] = t % 2 ? __ballot_sync(0xaaaaaaaau, 1) : __ballot_sync(0x55555555u, t & 2);
    int same;
    __match_all_sync(FULL, t / 32, &same);
    o[11] = same;
}
__global__ void shuffles(const int *x, int *out) {
    int t = threadIdx.x, v = x[t], n = blockDim.x;
    out[t] = __shfl_sync(FULL, v, 3);
    out[n + t] = __shfl_up_sync(FULL, v, 2);
    out[2 * n + t] = __shfl_down_sync(FULL, v, 5);
    out[3 * n + t] = __shfl_xor_sync(FULL, v, 6);
    out[4 * n + t] = __shfl_sync(FULL, v, 9, 8);
    out[5 * n + t] = __shfl_up_sync(FULL, v, 1, 4);
    out[6 * n + t] = __shfl_down_sync(FULL, v, 1, 4);
    out[7 * n + t] = __shfl_xor_sync(FULL, v, 8, 8);
    out[8 * n + t] = (int)__shfl(v + 0.5, 31);
    out[9 * n + t] = (int)__shfl_xor((unsigned)v, 1);
    out[10 * n + t] = t % 32 < 16 ? __shfl_down(v, 8) : -1;  // half of the warp, as in lockstep
    out[11 * n + t] = (int)(__shfl_up((long long)v << 40, 1) >> 40);
    out[12 * n + t] = (int)__shfl_down((float)v, 1);
}
__global__ void dynamic_outside(float *out) {
    outside[threadIdx.x] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = outside[blockDim.x - 1 - threadIdx.x] + *((float *)outside + 1);
}
__device__ float block_shared(float v) {
    static __shared__ float s;
    if (threadIdx.x == 0) s = v;
    __syncthreads();
    return s + blockIdx.x;
}
__global__ void in_function(float *out) { out[FIRST] = block_shared(threadIdx.x + 3.f); }
"""
barriers = module(BARRIERS)


@pytest.mark.parametrize("block", [1, 32, 256, 1024])
def test_tree_sum(block):
    x = RNG.random(100003, np.float32)
    out = np.zeros(13)
    barriers().launch("tree_sum", 13, block, [at(x), at(out), x.size])
    assert out.sum() == pytest.approx(x.sum(dtype=float), rel=1e-12)


@pytest.mark.parametrize("block", [32, 96, 1024])
def test_shuffle_sum(block):
    x = RNG.random(100003)
    out = np.zeros(5)
    barriers().launch("shuffle_sum", 5, block, [at(x), at(out), x.size])
    assert out.sum() == pytest.approx(x.sum(), rel=1e-12)


def test_tiled_matmul():
    a, b = RNG.random((2, 64, 64), np.float32)
    c = np.empty_like(a)
    barriers().launch("matmul", (4, 4), (16, 16), [at(a), at(b), at(c), 64])
    np.testing.assert_allclose(c, a @ b, rtol=1e-5)


def test_tiled_transpose():
    x = RNG.integers(0, 1000, (37, 70), np.int32)
    y = np.zeros((70, 37), np.int32)
    barriers().launch("transpose", (5, 3), (16, 16), [at(x), at(y), 37, 70])
    np.testing.assert_array_equal(y, x.T)


@pytest.mark.parametrize("n", [2, 128, 1024])
def test_scans(n):
    x = RNG.integers(-1000, 1000, n)
    y = np.zeros(n, np.int64)
    barriers().launch("hillis_steele", 1, n, [at(x), at(y)], shared_bytes=16 * n)
    np.testing.assert_array_equal(y, x.cumsum())
    x = x.astype(np.int32)
    y = np.zeros(n, np.int32)
    barriers().launch("blelloch", 1, n // 2, [at(x), at(y), n], shared_bytes=4 * n)
    np.testing.assert_array_equal(y, x.cumsum() - x)


def test_the_last_block_adds():
    x = np.arange(10000, dtype=np.float32) % 16
    partial, out = np.zeros(60, np.float32), np.zeros(1, np.float32)
    for _ in range(20):  # the counter wraps by itself
        out[0] = -1
        barriers().launch("last_block", 60, 128, [at(x), at(partial), at(out), x.size])
        assert out[0] == x.sum()


def test_votes():
    x = np.array([1] * 32 + [0, 2] * 16 + [0] * 16, np.int32)  # the last warp is half a warp
    out = np.zeros((x.size, 16), np.int32)
    barriers().launch("votes", 1, x.size, [at(x), at(out)])
    warps = [x[:32], x[32:64], x[64:]]
    for k, w in enumerate(warps):
        rows = out[32 * k :][: w.size]
        bits = int(sum(1 << i for i in range(w.size) if w[i] > 0))
        assert (rows[:, 0] == w.all()).all()
        assert (rows[:, 1] == w.any()).all()
        assert (rows[:, 2].view(np.uint32) == bits).all()
        np.testing.assert_array_equal(rows[:, 6], (w[:, None] == w).sum(1))
        assert (rows[:, 7] == w.sum()).all()
        assert (rows[:, 8] == w.max() - 5).all()
        assert (rows[:8, 9] == 8).all()
        assert (rows[8:, 9] == 100 + w[8:].any()).all()
        lanes = np.arange(w.size)
        assert (rows[1::2, 10].view(np.uint32) == sum(1 << i for i in lanes[1::2])).all()
        assert (rows[::2, 10] == sum(1 << int(i) for i in lanes[2::4])).all()
    assert (out[:, 3] == np.count_nonzero(x)).all()
    assert (out[:, 4] == 0).all()
    assert (out[:, 5] == 1).all()
    assert (out[:, 11] == 1).all()


def test_shuffles():
    x = RNG.integers(0, 1000, 64).astype(np.int32)
    out = np.zeros((13, 64), np.int32)
    barriers().launch("shuffles", 1, 64, [at(x), at(out)])
    lane = np.arange(64)
    warp, eight, four = lane // 32 * 32, lane // 8 * 8, lane // 4 * 4
    sources = [
        warp + 3,
        np.where(lane - 2 >= warp, lane - 2, lane),
        np.where(lane + 5 < warp + 32, lane + 5, lane),
        lane ^ 6,
        eight + 1,
        np.where(lane - 1 >= four, lane - 1, lane),
        np.where(lane + 1 < four + 4, lane + 1, lane),
        np.where((lane ^ 8) < eight + 8, lane ^ 8, lane),
        warp + 31,
        lane ^ 1,
        np.where(lane % 32 < 8, lane + 8, lane),
        np.where(lane - 1 >= warp, lane - 1, lane),
        np.where(lane + 1 < warp + 32, lane + 1, lane),
    ]
    for k, source in enumerate(sources):
        wanted = x[source]
        if k == 10:  # what the lanes give that do not take part is undefined
            defined = lane % 32 < 8
            np.testing.assert_array_equal(out[k][defined], wanted[defined])
            assert (out[k][lane % 32 >= 16] == -1).all()
        else:
            np.testing.assert_array_equal(out[k], wanted, err_msg=f"row {k}")


def test_shared_memory_outside_and_in_functions():
    out = np.zeros(64, np.float32)
    barriers().launch("dynamic_outside", 1, 64, [at(out)], shared_bytes=256)
    np.testing.assert_array_equal(out, np.arange(63, -1, -1) + 1)
    barriers().launch("in_function", 4, 16, [at(out)])
    np.testing.assert_array_equal(out, np.repeat(3 + np.arange(4), 16))


def test_launches_from_two_threads_at_once():
    x = RNG.random(50000)
    wrong = []

    def work():
        out = np.zeros(40)
        for _ in range(20):
            out[:] = 0
            barriers().launch("shuffle_sum", 40, 128, [at(x), at(out), x.size])
            if out.sum() != pytest.approx(x.sum(), rel=1e-12):
                wrong.append(out.sum())

    barriers()
    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
