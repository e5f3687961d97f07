"""Functions in which threads wait, in kernels that are loops over the threads of a block."""

import numpy as np
import pytest

from devarray.errors import CompileError
from devarray.kernels.host_grid import HostModule
from devarray.kernels.host_text import _blocks, host_text
from devarray.kernels.source_text import read
from host_modules import at

FUNCTIONS = """
__inline__ __device__ float warp_sum(float val) {
    for (int offset = warpSize / 2; offset > 0; offset /= 2)
        val += __shfl_down_sync(0xffffffff, val, offset); // with a comment
    return val;
}
__inline__ __device__ float block_sum(float val) {
    static __shared__ float shared[32];
    int lane = threadIdx.x % warpSize, wid = threadIdx.x / warpSize;
    val = warp_sum(val);
    if (lane == 0) shared[wid] = val;
    __syncthreads();
    val = (threadIdx.x < blockDim.x / warpSize) ? shared[lane] : 0;
    if (wid == 0) val = warp_sum(val);
    __syncthreads();
    return val;
}
template <typename T, int SIZE> __device__ void halve(volatile T *s, unsigned tid) {
    #pragma unroll
    for (int k = SIZE / 2; k > 0; k >>= 1) {
        if (tid < k) s[tid] = s[tid] + s[tid + k];
        __syncthreads();
    }
}
template <class T> __device__ __forceinline__ T scan_warp(T v, int lane) {
    for (int d = 1; d < 32; d <<= 1) { T u = __shfl_up_sync(~0u, v, d); if (lane >= d) v += u; }
    return v;
}
template <class T> __device__ void scan_block(T &v, T *sums, const int &n, T zero = 0) {
    const int lane = threadIdx.x & 31, w = threadIdx.x >> 5;
    v = scan_warp(v, lane);
    if (lane == 31) sums[w] = v;
    __syncthreads();
    if (w == 0) sums[lane] = scan_warp<T>(lane < n ? sums[lane] : zero, lane);
    __syncthreads();
    if (w > 0) v += sums[w - 1];
}
struct Pair { float a; int b; };
__device__ Pair swapped(Pair p) {
    Pair q = p;
    q.a = __shfl_xor_sync(~0u, p.a, 1);
    q.b = __shfl_xor_sync(~0u, p.b, 1);
    return q;
}
"""
KERNELS = {
    "sums": """__global__ void sums(const float *x, float *y, int n) {
    float sum = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x)
        sum += x[i];
    sum = block_sum(sum);
    if (threadIdx.x == 0) y[blockIdx.x] = sum;
}""",
    "tree": """__global__ void tree(const float *x, float *y, int n) {
    __shared__ float s[64];
    unsigned t = threadIdx.x;
    s[t] = x[blockIdx.x * 64 + t];
    __syncthreads();
    halve<float, 64>(s, t);
    if (t == 0) y[blockIdx.x] = s[0];
}""",
    "scan": """__global__ void scan(const float *x, float *y, int n) {
    __shared__ float sums[32];
    float v = x[blockIdx.x * blockDim.x + threadIdx.x];
    scan_block(v, sums, blockDim.x / 32);
    y[blockIdx.x * blockDim.x + threadIdx.x] = v;
}""",
    "nested": """__global__ void nested(const float *x, float *y, int n) {
    int lane = threadIdx.x % 32; // as in the functions
    float val = x[blockIdx.x * 64 + threadIdx.x], offset = warp_sum(warp_sum(val) + lane) + val;
    if (threadIdx.x >= 32)
        offset -= scan_warp(val,
                            lane);
    else offset += warp_sum(offset) * 0.5f;
    if (block_sum(val) > 3) offset += 1000;
    for (int k = 0; k < 2; ++k) { val = block_sum(val) + k; offset += val; }
    y[blockIdx.x * 64 + threadIdx.x] = offset;
}""",
    "pairs": """__global__ void pairs(const float *x, float *y, int n) {
    Pair p = {x[threadIdx.x + blockIdx.x], (int)threadIdx.x};
    Pair q = swapped(p);
    y[blockIdx.x * 64 + threadIdx.x] = p.a - 2 * q.a + p.b * 100 + q.b;
}""",
}
X = np.random.default_rng(1).random(1000).astype("f4")


@pytest.fixture(scope="module")
def both():
    source = FUNCTIONS + "\n".join(KERNELS.values())
    assert set(_blocks(source, read(source))) == set(KERNELS)
    modules = [HostModule(source, whole_blocks=w, ended_pass=True) for w in (True, False)]
    assert modules[0].whole_blocks
    # what the kernels no longer call does not need the indices where functions see them
    assert "#define DH_INDICES" not in host_text(source, whole_blocks=True)
    return modules


@pytest.mark.parametrize("name", KERNELS)
def test_the_same_as_with_fibers(both, name):
    results = []
    for module in both:
        y = np.zeros(256, "f4")
        module.launch(name, 4, 64, [at(X), at(y), X.size])
        results.append(y)
    assert results[0].any()
    np.testing.assert_array_equal(*results)


def test_against_numpy(both):
    y = np.zeros(256, "f4")
    for name in ("sums", "tree"):
        both[0].launch(name, 4, 64, [at(X), at(y), 256])
        np.testing.assert_allclose(y[:4], X[:256].reshape(4, 64).sum(1), rtol=1e-5)
    both[0].launch("scan", 4, 64, [at(X), at(y), 256])
    expected = X[:256].reshape(4, 64).cumsum(1)
    np.testing.assert_allclose(y.reshape(4, 64), expected, rtol=1e-5)


LEFT_TO_FIBERS = {
    "a return in the middle": (
        "__device__ int f(int v) { if (v < 0) return 0; return __shfl_sync(~0u, v, 0); }",
        "x[threadIdx.x] = f(threadIdx.x);",
    ),
    "two of a name": (
        "__device__ int f(int v) { return __shfl_sync(~0u, v, 0); }"
        "__device__ float f(float v) { return __shfl_sync(~0u, v, 1); }",
        "x[threadIdx.x] = f(threadIdx.x) + f(1.f);",
    ),
    "recursion": (
        "__device__ int f(int v) { __syncwarp(); return v > 3 ? v : f(v + 1); }",
        "x[threadIdx.x] = f(threadIdx.x);",
    ),
    "a call for some": (
        "__device__ int f(int v) { return __shfl_sync(~0u, v, 0); }",
        "x[threadIdx.x] = threadIdx.x < 32 ? f(threadIdx.x) : 7;",
    ),
    "a call in a loop's head": (
        "__device__ int f(int v) { return __shfl_sync(~0u, v, 0); }",
        "for (int k = 0; k < f(3); ++k) x[threadIdx.x] = k;",
    ),
    "a reference to a part": (
        "__device__ void f(int &v) { v += __shfl_sync(~0u, v, 0); }",
        "int v[2] = {1, 2}; f(v[threadIdx.x % 2]); x[threadIdx.x] = v[0] + v[1];",
    ),
    "a method": (
        "struct F { __device__ int f(int v) { return __shfl_sync(~0u, v, 0); } };",
        "F f; x[threadIdx.x] = f.f(threadIdx.x);",
    ),
    "a pointer to a function": (
        "__device__ int f(int v) { return __shfl_sync(~0u, v, 0); }",
        "int (*g)(int) = f; x[threadIdx.x] = g(threadIdx.x);",
    ),
    "a macro that names variables": (
        "#define S(i) s[i]\n"
        "__device__ int f(int v) { __shared__ int s[64]; S(threadIdx.x) = v; __syncthreads();"
        " return S(threadIdx.x ^ 1); }",
        "x[threadIdx.x] = f(threadIdx.x);",
    ),
    "strings": (
        '__device__ int f(int v) { printf("%d"); return __shfl_sync(~0u, v, 0); }',
        "x[threadIdx.x] = f(threadIdx.x);",
    ),
}


@pytest.mark.parametrize("what", LEFT_TO_FIBERS)
def test_what_is_left_to_fibers(what):
    functions, body = LEFT_TO_FIBERS[what]
    source = f"{functions}\n__global__ void k(int *x) {{ {body} }}"
    assert not _blocks(source, read(source))


def test_messages_are_those_of_the_text_as_it_is():
    source = """__device__ int f(int v) {
    int w = nothing;
    return __shfl_sync(~0u, v + w, 0);
}
__global__ void k(int *x) {
    x[threadIdx.x] = f(3);
}"""
    assert _blocks(source, read(source))
    with pytest.raises(CompileError, match=r"kernel:2:\d+: error: .*nothing.") as error:
        HostModule(source)
    assert "dh_0" not in error.value.log


def test_types_that_are_not_told():
    source = """struct P { float a; int b; };
const int WIDTH = 32;
enum { PADDED = WIDTH + 1, HALF };
__constant__ float scale;
__device__ float scaled(float *const p, const P q) { return p[0] * (1 + scale) + q.b; }
__device__ float tile(const float s[][33], float q[][33], int i) {
    __syncthreads(); float v = s[i][i] + q[0][i]; __syncthreads(); return v;
}
template <typename T> __device__ void add(T s[4][33], int i) { s[1][i] += 1; __syncthreads(); }
__global__ void f(float *const __restrict__ x, float *const y, const P by) {
    const int width = PADDED, again = threadIdx.x;
    __shared__ float s[WIDTH][width];
    int t = again;
    float local = x[t] * 2;
    auto v = local + 1; const auto w = v * 2; auto *p = x + t; auto pair = P{v, t};
    const auto *q = p + 1;
    for (int k = 0; k < 32; ++k) if (t < 32) s[k][t] = k + v;
    __syncthreads();
    auto u = s[t % 32][3];
    const int at = again + 1;
    auto z = __shfl_xor_sync(~0u, v, 1), e = x[at];
    z += scaled(x, by) * e;
    if (t < 32) { auto inner = u + w; __syncwarp(); u = inner * 2; }
    float m = tile(s, s, t % 32);
    if (t < 32) add<float>(s, t);
    y[blockIdx.x * 64 + t] = v + w + *p + pair.a + pair.b + *q + u + z + m + s[2][t % 32];
}"""
    assert _blocks(source, read(source), ended_pass=True)
    results = []
    for whole_blocks in (True, False):
        module = HostModule(source, whole_blocks=whole_blocks, ended_pass=True)
        assert module.whole_blocks is whole_blocks
        y, by = np.zeros(64, "f4"), np.array((2.5, 3), "f4,i4")[()]
        module.launch("f", 1, 64, [at(X), at(y), by])
        results.append(y)
    assert results[0].all()
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("listed", ["float *x, int n", "float *, int", ""])
def test_kernels_that_are_declared_first(listed):
    source = f"""static __global__ void f({listed});
__device__ float z[64];
static __global__ void f({listed and "float *x, int n"}) {{
    __shared__ float s[64];
    s[threadIdx.x] = threadIdx.x;
    __syncthreads();
    z[threadIdx.x] = s[threadIdx.x ^ 1]; {"x[threadIdx.x] = z[threadIdx.x] + n;" * bool(listed)}
}}"""
    module = HostModule(source)
    assert module.whole_blocks
    assert "DH_THREADS" in host_text(source, whole_blocks=True)
    x = np.zeros(64, "f4")
    module.launch("f", 1, 64, [at(x), 3] if listed else [])
    np.testing.assert_array_equal(x, (np.arange(64) ^ 1) + 3 if listed else 0)
