"""Raw kernels on the host, beside loops that a programmer would write for OpenMP.

``python benchmarks/bench_raw.py``: five kernels of CUDA C, compiled for the host's blocks (the
default engine) and, where dpctl is installed, translated to OpenCL C (``backend="opencl"``);
medians of alternating rounds, in milliseconds, and how many times as long as the loop.
"""

from __future__ import annotations

import ctypes
import tempfile
import time
from pathlib import Path

import numpy as np
from common import machine, medians

import devarray as da
from devarray.kernels.toolchain import find_toolchain, load_runtime

KERNELS = """
#define T 16
__global__ void saxpy(int n, float a, const float *x, float *y) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = a * x[i] + y[i];
}
__global__ void saxpy_stride(int n, float a, const float *x, float *y) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x)
        y[i] = a * x[i] + y[i];
}
__global__ void sum(const float *x, float *out, int n) {
    __shared__ float s[256];
    int t = threadIdx.x;
    float mine = 0;
    for (int i = blockIdx.x * blockDim.x + t; i < n; i += blockDim.x * gridDim.x) mine += x[i];
    s[t] = mine;
    __syncthreads();
    for (int k = blockDim.x / 2; k > 0; k >>= 1) {
        if (t < k) s[t] += s[t + k];
        __syncthreads();
    }
    if (t == 0) out[blockIdx.x] = s[0];
}
__device__ float warp_sum(float v) {
    for (int offset = 16; offset > 0; offset /= 2) v += __shfl_down_sync(0xffffffff, v, offset);
    return v;
}
__global__ void sum_shuffles(const float *x, float *out, int n) {
    __shared__ float s[32];
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    float mine = 0;
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x)
        mine += x[i];
    mine = warp_sum(mine);
    if (lane == 0) s[warp] = mine;
    __syncthreads();
    mine = threadIdx.x < blockDim.x / 32 ? s[lane] : 0;
    if (warp == 0) mine = warp_sum(mine);
    if (threadIdx.x == 0) out[blockIdx.x] = mine;
}
__global__ void matmul(const float *A, const float *B, float *C, int n) {
    __shared__ float a[T][T], b[T][T];
    int tx = threadIdx.x, ty = threadIdx.y;
    int row = blockIdx.y * T + ty, column = blockIdx.x * T + tx;
    float sum = 0;
    for (int m = 0; m < n / T; ++m) {
        a[ty][tx] = A[row * n + m * T + tx];
        b[ty][tx] = B[(m * T + ty) * n + column];
        __syncthreads();
        for (int k = 0; k < T; ++k) sum += a[ty][k] * b[k][tx];
        __syncthreads();
    }
    C[row * n + column] = sum;
}
"""
LOOPS = """
extern "C" void saxpy(long n, float a, const float *__restrict__ x, float *__restrict__ y) {
#pragma omp parallel for simd
    for (long i = 0; i < n; ++i) y[i] = a * x[i] + y[i];
}
extern "C" float sum(const float *x, long n) {
    float all = 0;
#pragma omp parallel for simd reduction(+: all)
    for (long i = 0; i < n; ++i) all += x[i];
    return all;
}
extern "C" void matmul(const float *A, const float *B, float *C, long n) {
#pragma omp parallel for
    for (long i = 0; i < n; ++i) {
        float *__restrict__ c = C + i * n;
        for (long j = 0; j < n; ++j) c[j] = 0;
        for (long k = 0; k < n; ++k)
            for (long j = 0; j < n; ++j) c[j] += A[i * n + k] * B[k * n + j];
    }
}
"""
N, SIDE = 1 << 24, 512


def loops():
    """Compile the loops, and return them."""
    folder = Path(tempfile.mkdtemp())
    load_runtime()
    find_toolchain().compile(LOOPS, folder / "loops.so", ())
    library = ctypes.CDLL(str(folder / "loops.so"))
    library.sum.restype = ctypes.c_float
    return library


def modules():
    """Return the engines that are here, by name."""
    found = {}
    for name, backend in (("blocks", "auto"), ("OpenCL", "opencl")):
        start = time.perf_counter()
        module = da.RawModule(KERNELS, backend=backend)
        try:
            module.compile()
        except da.UnsupportedError as error:
            print(f"{name}: left out, {error}")
            continue
        found[name] = module
        print(f"{name}: {1e3 * (time.perf_counter() - start):.0f} ms until compiled or found")
    return found


def main():
    rng = np.random.default_rng(0)
    with da.Device("openmp"):
        library, engines = loops(), modules()
        x = da.to_gpu(rng.random(N, "f4"))
        y, parts = da.zeros(N, dtype="f4"), da.zeros(1024, dtype="f4")
        A, B = (da.to_gpu(rng.random((SIDE, SIDE), "f4")) for _ in range(2))
        C = da.zeros((SIDE, SIDE), dtype="f4")
        pointers = {
            name: ctypes.c_void_p(a.ptr) for name, a in zip("xyABC", (x, y, A, B, C), strict=True)
        }
        a, tiny = ctypes.c_float(1e-7), np.float32(1e-7)
        px, py, pA, pB, pC = pointers.values()
        plain = {
            "saxpy": lambda: library.saxpy(ctypes.c_long(N), a, px, py),
            "sum": lambda: library.sum(px, ctypes.c_long(N)),
            "matmul": lambda: library.matmul(pA, pB, pC, ctypes.c_long(SIDE)),
        }
        plain |= {"saxpy_stride": plain["saxpy"], "sum_shuffles": plain["sum"]}
        tiles = (SIDE // 16, SIDE // 16)
        launches = {
            "saxpy": (N // 256, 256, (N, tiny, x, y)),
            "saxpy_stride": (256, 256, (N, tiny, x, y)),
            "sum": (1024, 256, (x, parts, N)),
            "sum_shuffles": (1024, 256, (x, parts, N)),
            "matmul": (tiles, (16, 16), (A, B, C, SIDE)),
        }
        check(engines, launches, x, parts, A, B, C)
        print(f"\n{machine()}\n")
        print("| kernel | loop | " + " | ".join(f"{name} | times" for name in engines) + " |")
        print("| --- |" + " --- |" * (1 + 2 * len(engines)))
        for name, launch in launches.items():
            work = {"loop": plain[name]}
            for engine, module in engines.items():
                kernel = module.get_function(name)
                work[engine] = lambda kernel=kernel, launch=launch: kernel(*launch)
            times = medians(work, seconds=2.0)
            cells = [f"{1e3 * times['loop']:.2f}"]
            for engine in engines:
                cells += [f"{1e3 * times[engine]:.2f}", f"{times[engine] / times['loop']:.2f}"]
            print(f"| {name} | {' | '.join(cells)} |")


def check(engines, launches, x, parts, A, B, C):
    """Compare the results of every engine with NumPy's."""
    wanted = x.get().sum(dtype="f8"), A.get() @ B.get()
    for module in engines.values():
        for name in ("sum", "sum_shuffles", "matmul"):
            parts[...] = 0
            module.get_function(name)(*launches[name])
            if name != "matmul":
                np.testing.assert_allclose(parts.get().sum(dtype="f8"), wanted[0], rtol=1e-5)
        np.testing.assert_allclose(C.get(), wanted[1], rtol=1e-4)


if __name__ == "__main__":
    main()
