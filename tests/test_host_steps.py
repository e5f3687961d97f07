"""Kernels that rely on the threads of a warp being in step, as those did before __syncwarp."""

import numpy as np
import pytest

import devarray as da
from devarray.errors import DeviceError
from devarray.kernels.host_grid import HostModule
from devarray.kernels.host_steps import in_step
from devarray.kernels.host_text import _blocks
from devarray.kernels.source_text import read
from host_modules import at

SOURCE = """
__device__ void last_warp(volatile float *s, int t) {
    s[t] += s[t + 32]; s[t] += s[t + 16];
    s[t] += s[t + 8]; s[t] += s[t + 4];
    s[t] += s[t + 2]; s[t] += s[t + 1];
}
__global__ void called(const float *x, float *y, int n) {
    extern __shared__ float s[];
    unsigned t = threadIdx.x, i = blockIdx.x * (blockDim.x * 2) + t;
    s[t] = x[i] + x[i + blockDim.x];
    __syncthreads();
    for (unsigned k = blockDim.x / 2; k > 32; k >>= 1) {
        if (t < k) s[t] += s[t + k];
        __syncthreads();
    }
    if (t < 32) last_warp(s, t);
    if (t == 0) y[blockIdx.x] = s[0];
}
template <unsigned SIZE> __global__ void inside(const float *x, float *y, int n) {
    __shared__ float s[512];
    unsigned t = threadIdx.x;
    float mine = 0;
    for (unsigned i = blockIdx.x * SIZE + t; i < n; i += SIZE * gridDim.x) mine += x[i];
    s[t] = mine;
    __syncthreads();
    if (SIZE >= 256) { if (t < 128) { s[t] = mine = mine + s[t + 128]; } __syncthreads(); }
    if (SIZE >= 128) { if (t < 64) { s[t] = mine = mine + s[t + 64]; } __syncthreads(); }
    if (t < 32) {
        volatile float *v = s; // in step from here on
        if (SIZE >= 64) { v[t] = mine = mine + v[t + 32]; }
        if (SIZE >= 32) v[t] = mine = mine + v[t + 16];
        if (SIZE >= 16) v[t] = mine = mine + v[t + 8];
        if (SIZE >= 8) v[t] = mine = mine + v[t + 4];
        if (SIZE >= 4) v[t] = mine = mine + v[t + 2];
        if (SIZE >= 2) v[t] = mine = mine + v[t + 1];
    }
    if (t == 0) y[blockIdx.x] = s[0];
}
__global__ void scan(const float *x, float *y, int n) {
    volatile __shared__ float s[4][48];
    int t = threadIdx.x, lane = t & 31;
    volatile float *p = s[t >> 5] + 16 + lane;
    p[-16] = 0; p[0] = x[blockIdx.x * 128 + t];
    p[0] += p[-1]; p[0] += p[-2];
    p[0] +=
        p[-4];
    p[0] += p[-8]; p[0] += p[-16];
    y[blockIdx.x * 128 + t] = p[0];
}
"""
X = np.random.default_rng(1).random(1 << 14).astype("f4")


@pytest.mark.parametrize("whole_blocks", [True, False])
def test_warps_in_step(whole_blocks):
    text = in_step(SOURCE)
    assert text.count("\n") == SOURCE.count("\n")
    assert set(_blocks(text, read(text))) == {"called", "inside", "scan"}
    names = ["inside<256>", "inside<64>"]
    module = HostModule(SOURCE, names, whole_blocks=whole_blocks, ended_pass=True)
    assert module.whole_blocks is whole_blocks
    y = np.zeros(X.size, "f4")
    module.launch("called", 32, 256, [at(X), at(y), X.size], 256 * 4)
    np.testing.assert_allclose(y[:32], X.reshape(32, -1).sum(1), rtol=1e-5)
    for name, size in zip(names, (256, 64), strict=True):
        module.launch(name, 32, size, [at(X), at(y), X.size])
        expected = X.reshape(-1, 32, size).sum((0, 2))
        np.testing.assert_allclose(y[:32], expected, rtol=1e-5, err_msg=name)
    module.launch("scan", 128, 128, [at(X), at(y), X.size])
    np.testing.assert_allclose(y.reshape(-1, 32), X.reshape(-1, 32).cumsum(1), rtol=1e-5)


def test_on_arrays():
    x, y = da.to_gpu(X), da.zeros(32, dtype="f4", device="openmp")
    with da.Device("openmp"):
        kernel = da.RawKernel(SOURCE, "called")
        kernel(32, 256, (x.to_device("openmp"), y, x.size), shared_mem=256 * 4)
        np.testing.assert_allclose(y.get(), X.reshape(32, -1).sum(1), rtol=1e-5)
        with da.config(raw_checks=True), pytest.raises(DeviceError, match="race"):
            kernel(32, 256, (x.to_device("openmp"), y, x.size), shared_mem=256 * 4)


UNCHANGED = {
    "no other thread's": """__shared__ volatile int s[32];
        s[threadIdx.x] = 1; s[threadIdx.x] = 2;""",
    "not shared": "volatile int v = threadIdx.x; v += 1; x[threadIdx.x] = v;  // __shared__",
    "not volatile": """__shared__ int s[64]; s[threadIdx.x] = x[threadIdx.x];
        s[threadIdx.x] += s[threadIdx.x + 32]; x[threadIdx.x] = s[threadIdx.x];""",
    "an array of a thread": """__shared__ int s[32]; volatile int a[4]; a[0] = 1; a[1] = a[0];
        x[threadIdx.x] = s[a[1]];""",
}


@pytest.mark.parametrize("what", UNCHANGED)
def test_what_has_no_steps(what):
    source = "__global__ void f(int *x) {" + UNCHANGED[what] + "}"
    assert in_step(source) == source


def test_steps_that_are_there_are_not_written_again():
    source = """__global__ void f(int *x) {
    __shared__ volatile int s[64];
    s[threadIdx.x] = x[threadIdx.x]; __syncthreads();
    x[threadIdx.x] = s[threadIdx.x ^ 1]; __syncwarp();
}"""
    assert in_step(source) == source
