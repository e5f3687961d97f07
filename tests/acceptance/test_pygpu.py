"""G1 to G6 of the specification: programs of PyGPU's users, with only the import changed."""

import ctypes
import gc
import shutil
import subprocess

import numpy as np
import pytest

import devarray as da
import devarray.compat.pygpu as PyGPU  # noqa: N812 - as its users write
from devarray.compat.pygpu import (
    Allocator,
    DeviceArray_int64,
    GPUArray,
    PagelockedAllocator,
    cudaGetDevice,
    cudaGetErrorName,
    cudaSetDevice,
    to_gpu,
)

LIBRARY = """
#include <stdint.h>
void twice(int64_t *x, int n) { for (int i = 0; i < n; i++) x[i] *= 2; }
void add_rows(const float *a, const float *b, float *out, long n) {
    for (long i = 0; i < n; i++) out[i] = a[i] + b[i];
}
"""


KERNELS = """
extern "C" __global__ void twice(long long *x, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] *= 2;
}
extern "C" __global__ void add_rows(const float *a, const float *b, float *out, long long n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = a[i] + b[i];
}
"""


def host_library(folder):
    """A library of a user's."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("there is no C compiler")
    (folder / "user.c").write_text(LIBRARY)
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", folder / "user.so", folder / "user.c"]
    subprocess.run(command, check=True)
    library = ctypes.CDLL(str(folder / "user.so"))
    library.twice.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.twice.restype = None
    library.add_rows.argtypes = [ctypes.c_void_p] * 3 + [ctypes.c_long]
    library.add_rows.restype = None
    return library


class DeviceLibrary:
    """What a library with CUDA kernels does with the addresses it is given."""

    def __init__(self):
        module = da.RawModule(KERNELS)
        self.kernels = {name: module.get_function(name) for name in ("twice", "add_rows")}

    def __getattr__(self, name):
        def launch(*args):
            self.kernels[name]((1,), (64,), tuple(int(arg) for arg in args))

        return launch


@pytest.fixture(scope="module", params=["host", "device"])
def lib(request, tmp_path_factory):
    device = da.get_device()
    if request.param == "device":
        library = DeviceLibrary()
        try:
            library.twice(0, 0)
        except da.UnsupportedError as error:
            pytest.skip(str(error))
        return library
    if not device.shares_host_memory:
        pytest.skip(f"a host library cannot read memory of {device.name}")
    return host_library(tmp_path_factory.mktemp("pygpu"))


def test_g1_arrays_go_to_the_device_and_back():
    k = np.array([1, 2, 3, 4, 5, 6])
    k_gpu = to_gpu(k)
    np.testing.assert_array_equal(k_gpu.get(), [1, 2, 3, 4, 5, 6])

    fk_gpu = GPUArray((3, 3, 3), dtype=np.complex128)
    assert fk_gpu.shape == (3, 3, 3)
    assert fk_gpu.size == 27 and fk_gpu.nbytes == 432
    assert fk_gpu.dtype == np.complex128
    fk = fk_gpu.get()
    assert fk.shape == (3, 3, 3) and fk.dtype == np.complex128


def test_g2_round_trip_through_a_foreign_function(lib):
    A = np.array([1, 2, 3, 4, 5, 6])

    da_ = DeviceArray_int64(A)  # host_data() is the memory of A
    da_.allocate()
    assert da_.last_status().as_int() == 0
    da_.to_device()
    lib.twice(int(da_.device_data()), 6)
    np.testing.assert_array_equal(A, [1, 2, 3, 4, 5, 6])  # only the device knows so far
    da_.to_host()
    np.testing.assert_array_equal(A, [2, 4, 6, 8, 10, 12])


def test_g2_high_level_and_pointers_without_int(lib):
    a, b = np.arange(5, dtype=np.float32), np.full(5, 0.5, np.float32)
    a_gpu, b_gpu = to_gpu(a), to_gpu(b)
    c_gpu = GPUArray((5,), dtype="float32")
    lib.add_rows(a_gpu.ptr, b_gpu.device_data, c_gpu.ptr, 5)
    np.testing.assert_array_equal(c_gpu.get(), a + b)


def test_g3_errors_are_values():
    assert cudaSetDevice(0).as_int() == 0
    index, err = cudaGetDevice()
    assert index == 0 and err.as_int() == 0

    err = cudaSetDevice(99)
    assert err.as_int() != 0
    assert cudaGetErrorName(err) == "cudaErrorInvalidDevice"
    assert cudaGetDevice()[0] == 0  # the one in use stays
    assert PyGPU.cudaGetLastError().as_int() == err.as_int()
    assert PyGPU.cudaGetLastError().as_int() == 0

    arr = GPUArray(np.arange(4.0))
    assert arr.last_status.as_int() == 0
    arr.to_device()
    assert arr.last_status.as_int() == 0
    arr.to_host()
    assert arr.last_status.as_int() == 0
    arr.set(np.ones(4))
    assert arr.last_status.as_int() == 0


def test_g4_get_returns_the_mirror():
    g = to_gpu(np.array([1, 2, 3]))
    h = g.get()
    h[0] = 7
    g.to_device()
    h[:] = 0
    assert g.get()[0] == 7
    np.testing.assert_array_equal(h, [7, 2, 3])

    g.set(np.array([10, 20, 30]))
    np.testing.assert_array_equal(h, [7, 2, 3])  # the upload leaves the mirror alone
    np.testing.assert_array_equal(g.get(), [10, 20, 30])
    np.testing.assert_array_equal(h, [10, 20, 30])


def test_g5_rows_and_orders():
    k = np.random.default_rng(1).random((3, 1000))
    k_gpu = to_gpu(k)
    for row in range(3):
        part = k_gpu[row]
        assert isinstance(part, GPUArray) and part.shape == (1000,)
        np.testing.assert_array_equal(part.get(), k[row])

    g = GPUArray((2, 3, 4), dtype="complex64", order="F")
    assert g.strides == (8, 16, 48)
    values = np.arange(24).reshape(2, 3, 4) * (1 + 2j)
    h = g.get()
    h[...] = values
    g.to_device()
    h[...] = 0
    back = g.get()
    np.testing.assert_array_equal(back, values.astype(np.complex64))
    assert back.strides == (8, 16, 48)


def test_g6_wrapped_memory_is_not_owned():
    g = to_gpu(np.arange(6).reshape(3, 2))
    wrapper = GPUArray(allocator=Allocator(g))
    assert wrapper.ptr == g.ptr and wrapper.shape == (3, 2)
    wrapper.set_val(0, 43)
    del wrapper
    gc.collect()
    np.testing.assert_array_equal(g.get(), [[43, 1], [2, 3], [4, 5]])

    pinned = PagelockedAllocator((3, 5), np.float64)
    first, second = GPUArray(allocator=pinned), GPUArray(allocator=pinned)
    first.get()[...] = np.outer(np.arange(3), np.arange(5))
    second.to_device()
    pinned.get()[...] = -1
    del first
    gc.collect()
    np.testing.assert_array_equal(second.get(), np.outer(np.arange(3), np.arange(5)))
    np.testing.assert_array_equal(pinned.get(), second.get())
