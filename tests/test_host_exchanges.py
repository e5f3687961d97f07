"""Shuffles, votes and warps that part, in kernels that are loops over the threads of a block."""

import numpy as np
import pytest

from devarray.kernels.host_grid import HostModule
from devarray.kernels.host_text import _blocks
from devarray.kernels.source_text import read
from host_modules import at
from random_kernels import Program, assert_same

# name -> the kernel, which takes (const float *x, float *y, int n) and runs with 4 blocks of 64
KERNELS = {
    "warp": """__global__ void warp(const float *x, float *y, int n) {
    int t = T; float v = x[blockIdx.x * 64 + t];
    for (int o = 16; o > 0; o /= 2) v += __shfl_down_sync(0xffffffff, v, o);
    y[blockIdx.x * 64 + t] = v;
}""",
    "two": """__global__ void two(const float *x, float *y, int n) {
    __shared__ float s[32];
    int t = T, lane = t % 32, w = t / 32; float v = x[blockIdx.x * 64 + t];
    for (int o = 16; o > 0; o /= 2) v += __shfl_xor_sync(0xffffffffu, v, o);
    if (lane == 0) s[w] = v;
    __syncthreads();
    v = t < 64 / 32 ? s[lane] : 0.f;
    if (w == 0) {
        for (int o = 16; o; o >>= 1) v += __shfl_down_sync(~0u, v, o, 32);
        if (lane == 0) y[blockIdx.x] = v;
    }
}""",
    "row": """__global__ void row(const float *x, float *y, int n) {
    int lane = T & 31, w = (blockIdx.x * 64 + T) / 32;
    for (int r = w; r < 21; r += gridDim.x * 64 / 32) {
        float sum = 0;
        for (int k = lane; k < 5 * r + 3; k += 32) sum += x[(r * 31 + k) % 1000];
        #pragma unroll
        for (int o = 16; o > 0; o >>= 1)
            sum += __shfl_down_sync(0xffffffff, sum, o);
        if (lane == 0) y[r] = sum;
    }
}""",
    "vote": """__global__ void vote(const float *x, float *y, int n) {
    int t = T; float v = x[blockIdx.x * 64 + t];
    unsigned b = __ballot_sync(0xffffffff, v > 0.5f);
    int before = __popc(b & ((1u << (t % 32)) - 1));
    if (__any_sync(~0u, v > 0.99f)) v = -v;
    int all, c; all = __all_sync(~0u, v < 0.99f);
    c = __syncthreads_count(v > 0.25f) - 2 * __syncthreads_or(v < 0.01f) + __syncthreads_and(v);
    if (t % 2) b ^= __ballot_sync(0xaaaaaaaa, v > 0.1f);
    else { b += __activemask(); }
    unsigned sum = __reduce_add_sync(~0u, (unsigned)before);
    unsigned same = __match_any_sync(~0u, t % 5);
    y[blockIdx.x * 64 + t] = b % 1000 + before + 10 * all + c + v + sum + same % 777;
}""",
    "scan": """__global__ void scan(const float *x, float *y, int n) {
    int lane = T % 32; double v = x[blockIdx.x * 64 + T];
    if (T >= 48) return;
    for (int d = 1; d < 16; d *= 2) {
        double u = __shfl_up_sync(~0u, v, d, 16);
        if (lane % 16 >= d) v += u;
    }
    double last = __shfl_sync(~0u, v, 11);
    double pair = __shfl_xor_sync(~0u, v + __shfl_sync(~0u, v, 3), 1, 8)
                  + __shfl_down_sync(~0u, last, 1, 4);
    y[blockIdx.x * 64 + T] = v + last + pair;
}""",
    "some": """__global__ void some(const float *x, float *y, int n) {
    float v = x[blockIdx.x * 64 + T];
    unsigned there = __ballot_sync(~0u, T < 21);
    if (T < 21) v += __shfl_down_sync(there, v, 16) + 2 * __shfl_sync(there, v, T + 5);
    if (T > 50) return;
    v += __shfl_xor_sync(~0u, v, 1, 4) * 100;
    y[blockIdx.x * 64 + T] = v;
}""",
    "until": """__global__ void until(const float *x, float *y, int n) {
    float v = x[T % 32 / 8 + blockIdx.x]; int k = 0;
    while (true) {
        v += __shfl_xor_sync(__activemask(), v, 1) * 0.25f;
        if (++k > 50 || v > 20.f + T / 32) break;
        if (k % 3 == T / 8 % 3) continue;
        v *= 1.5f;
    }
    do {
        v = v * 0.75f - 0.001f;
        k += (int)__shfl_xor_sync(__activemask(), v, 1);
    } while (v > 11);
    y[blockIdx.x * 64 + T] = v + k;
}""",
}
LINEAR = "#define T (threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z))"
X = np.random.default_rng(1).random(1000).astype("f4")


@pytest.fixture(scope="module")
def both():
    source = "\n".join((LINEAR, *KERNELS.values()))
    assert set(_blocks(source, read(source))) == set(KERNELS)
    modules = [HostModule(source, whole_blocks=w, ended_pass=True) for w in (True, False)]
    assert modules[0].whole_blocks
    return modules


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(("grid", "block"), [(4, 64), (4, (16, 4)), (2, (8, 2, 4))])
def test_the_same_as_with_fibers(both, name, grid, block):
    results = []
    for module in both:
        y = np.zeros(256, "f4")
        module.launch(name, grid, block, [at(X), at(y), X.size])
        results.append(y)
    assert results[0].any()
    np.testing.assert_array_equal(*results)


def test_a_reduction(both):
    y = np.zeros(256, "f4")
    both[0].launch("two", 4, 64, [at(X), at(y), X.size])
    np.testing.assert_allclose(y[:4], X[:256].reshape(4, 64).sum(1), rtol=1e-5)


def test_barriers_where_threads_may_have_parted():
    source = """__global__ void f(const float *x, float *y, int n) {
    __shared__ float s[64];
    int i = blockIdx.x * 64 + threadIdx.x;
    if (i < n) {
        s[threadIdx.x] = x[i];
        __syncthreads();
        y[i] = s[threadIdx.x ^ 1];
    }
}
__global__ void g(const float *x, float *y, int n) {
    __shared__ float s[64];
    for (int i = threadIdx.x; i < n; i += 64) {
        s[threadIdx.x] = x[i];
        __syncthreads();
        y[i] = s[threadIdx.x ^ 1] + i;
        __syncthreads();
    }
}"""
    assert not _blocks(source, read(source))
    assert len(_blocks(source, read(source), ended_pass=True)) == 2
    for whole_blocks in (True, False):
        module = HostModule(source, whole_blocks=whole_blocks, ended_pass=True)
        assert module.whole_blocks is whole_blocks
        for name, grid in (("f", 4), ("g", 1)):
            y = np.zeros(256, "f4")
            module.launch(name, grid, 64, [at(X), at(y), 150])
            expected = X[np.arange(150) ^ 1] + (name == "g") * np.arange(150)
            np.testing.assert_array_equal(y[:150], expected.astype("f4"))
            assert not y[150:].any()


def test_random_programs():
    names = [f"f{k}" for k in range(12)]
    texts = [Program(k, warps=True).text(name) for k, name in enumerate(names)]
    source = "\n".join(texts)
    assert len(_blocks(source, read(source), ended_pass=True)) >= 10
    both = [HostModule(source, whole_blocks=whole, ended_pass=True) for whole in (True, False)]
    assert both[0].whole_blocks
    assert_same(both, names, texts)
