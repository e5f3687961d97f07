"""Launches of raw kernels on OpenCL devices: failures, variants of a program, streams, errors."""

import itertools
import weakref

import numpy as np
import pytest

import devarray as da
from devarray.backends._opencl_raw import processor_code
from devarray.config import current
from devarray.errors import CompileError, DeviceError, UnsupportedError
from devarray.modules import RawCall, RawSource
from opencl_modules import module, run, zeros

pytest.importorskip("dpctl")

RNG = np.random.default_rng(5)

LAUNCHES = module(
    r"""
__device__ int counter;
#ifndef N
#define N 1
#endif
__global__ void count(int *x, int n) {
    int lane = __shfl_sync(~0u, (int)threadIdx.x, 0);
    if (lane == 0) atomicAdd(&counter, n);
    x[0] = N;
}
__global__ void checked(int *x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    assert(i != n && "too many");
    x[i] = i;
}
__global__ void trapped(int n) { if (n) __trap(); }
__global__ void twice(int *x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] *= 2;
}
__global__ void early(int *x, int n) {
    if (threadIdx.x >= n) return;
    __syncthreads();
    x[0] = n;
}
__global__ void many(int *x) { if (blockIdx.x == gridDim.x - 1) x[0] = blockIdx.x; }
""",
    options=["-DN=5", "-arch=sm_90", "--use_fast_math"],
)


def test_variables_are_the_same_in_all_programs():
    counter = LAUNCHES().get_global("counter", "i4", (), device="sycl")
    counter[...] = 3
    x = zeros(1, "i4")
    for block in ((2, 2), (8,), (2, 2, 2), (8, 8)):  # blocks of each shape are compiled for it
        run(LAUNCHES, "count", 1, block, x, 10)
    assert int(x.get()[0]) == 5
    # the first thread of each warp has threadIdx.x 0
    assert int(counter.get()) == 3 + 10 * (4 + 8 + 8 + 64)


def test_failures_name_the_line_and_the_thread():
    x = zeros(64, "i4")
    run(LAUNCHES, "checked", 2, 32, x, 64)
    np.testing.assert_array_equal(x.get(), np.arange(64))
    with pytest.raises(
        DeviceError,
        match=r"checked, block \(1, 0, 0\), thread \(8, 0, 0\), line 13: assertion failed: assert",
    ):
        run(LAUNCHES, "checked", 2, 32, x, 40)
    run(LAUNCHES, "checked", 2, 32, x, 64)  # the failure is over
    run(LAUNCHES, "trapped", 1, 1, 0)
    with pytest.raises(DeviceError, match=r"kernel trapped, .* line 16: trap"):
        run(LAUNCHES, "trapped", 1, 1, 1)


def test_threads_that_end_before_a_barrier():
    x = zeros(1, "i4")
    with pytest.raises(UnsupportedError, match=r"kernel early: line 22: .* before a barrier"):
        run(LAUNCHES, "early", 1, 32, x, 5)
    assert int(x.get()[0]) == 0


def test_more_blocks_than_fit_the_usual_way():
    x = zeros(1, "i4")
    run(LAUNCHES, "many", (1 << 21) + 5, 1, x)
    assert int(x.get()[0]) == (1 << 21) + 4


def test_launches_follow_pending_work_and_streams():
    x = da.arange(1000, dtype="i4", device="sycl") + 1
    stream = da.Stream(device="sycl")
    with stream:
        LAUNCHES().get_function("twice")(8, 128, (x, 1000))
    y = x + 1
    np.testing.assert_array_equal(y.get(), 2 * (np.arange(1000) + 1) + 1)


def test_fast_mathematics_is_another_program():
    x = da.arange(10, dtype="i4", device="sycl")
    assert not current().fast_math
    with da.config(fast_math=True):
        run(LAUNCHES, "twice", 1, 32, x, 10)
    np.testing.assert_array_equal(x.get(), 2 * np.arange(10))


def test_text_that_does_not_compile():
    source = "\n__global__ void f(float *x) {\n    x[0] = nothing;\n}\n"
    with pytest.raises(CompileError) as caught:
        da.RawModule(source).compile("sycl")
    assert "kernel:3:" in caught.value.log and "nothing" in caught.value.log
    assert caught.value.source == source and "-cl-std" in caught.value.command


def test_what_opencl_cannot_do():
    fibonacci = "__device__ int f(int n) { return n < 2 ? n : f(n - 1) + f(n - 2); }\n"
    with pytest.raises(UnsupportedError, match="functions that call themselves"):
        da.RawModule(fibonacci + "__global__ void g(int *x) { x[0] = f(9); }").compile("sycl")
    with pytest.raises(UnsupportedError, match="PTX or binaries"):
        da.RawModule(b"\x7fELF").compile("sycl")


def test_arrays_of_the_host():
    source = """__global__ void f(const float *x, float *y, int n) {
        y[threadIdx.x] = 2 * x[threadIdx.x] + n;
    }"""
    done = []

    def do(reads, writes, work):
        done.append((reads, writes))
        work()

    code = processor_code(RawSource(source), do)
    x, y = RNG.random(64, np.float32), np.zeros(64, np.float32)
    values = (
        np.uintp(x.ctypes.data).tobytes(),
        np.uintp(y.ctypes.data).tobytes(),
        np.int32(3).tobytes(),
    )
    code.launch("f", RawCall((1, 1, 1), (64, 1, 1), 0, values, [], []))
    np.testing.assert_array_equal(y, 2 * x + 3)
    assert done == [([], [])]


def test_arrays_of_device_openmp():
    source = """
    __device__ int calls;
    __global__ void mirrored(const double *x, double *y, int n) {
        extern __shared__ double s[];
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        s[threadIdx.x] = i < n ? x[i] : 0;
        __syncthreads();
        if (i < n) y[i] = s[blockDim.x - 1 - threadIdx.x];
        atomicAdd(&calls, 1);
    }"""
    made = da.RawModule(source, backend="opencl")
    x = da.arange(512.0, device="openmp") + 0
    y = da.zeros(512, device="openmp")
    made.get_function("mirrored")((8,), (64,), (x, y, 512), shared_mem=512)
    want = np.arange(512.0).reshape(8, 64)[:, ::-1].ravel()
    np.testing.assert_array_equal(y.get(), want)
    calls = made.get_global("calls", "i4", (), device="openmp")
    assert int(calls.get()) == 512
    calls[...] = 0
    stream = da.Stream(device="openmp")
    with stream:
        made.get_function("mirrored")(8, 64, (y, x, 512), shared_mem=512)
    stream.synchronize()
    np.testing.assert_array_equal(x.get(), np.arange(512.0))
    assert int(calls.get()) == 512


def test_owners_of_memory_are_kept_until_launches_have_ended():
    class Owner:
        pass

    owner = Owner()
    gone = weakref.ref(owner)
    memory = da.arange(1000, dtype="i4", device="sycl") + 0
    x = da.from_address(memory.ptr, (1000,), "i4", device="sycl", owner=owner)
    del owner
    run(LAUNCHES, "twice", 8, 128, x, 1000)
    assert gone() is not None
    del x
    assert gone() is None
    np.testing.assert_array_equal(memory.get(), 2 * np.arange(1000))
    host = np.arange(10, dtype="i4")
    y = da.from_address(host.ctypes.data, (10,), "i4", device="sycl", owner=host)
    run(LAUNCHES, "twice", 1, 32, y, 10)
    np.testing.assert_array_equal(y.get(), 2 * np.arange(10))
    np.testing.assert_array_equal(host, 2 * np.arange(10))


def test_sizes_of_arguments():
    numbers = "".join(f", long long a{k}" for k in range(100))
    names = "".join(f" + a{k}" for k in range(100))
    made = da.RawModule(f"__global__ void f(long long *x{numbers}) {{ x[0] = 0{names}; }}")
    x = zeros(1, "i8")
    run(lambda: made, "f", 1, 1, x, *itertools.repeat(3, 100))
    assert int(x.get()[0]) == 300
