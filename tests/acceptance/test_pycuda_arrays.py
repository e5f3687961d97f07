"""Programs with PyCUDA's arrays, as its users write them (C2, C3, C7, C8, C9 of the seeds)."""

import os
import subprocess
import sys
from multiprocessing.pool import ThreadPool

import numpy as np
import pytest

import devarray as da
from devarray.compat.pycuda import cumath, gpuarray, tools
from devarray.compat.pycuda.elementwise import ElementwiseKernel
from devarray.compat.pycuda.reduction import ReductionKernel
from devarray.compat.pycuda.scan import ExclusiveScanKernel, InclusiveScanKernel
from gaps import where_supported

RNG = np.random.default_rng(11)


def run(tmp_path, text):
    """Run a program in a process of its own, and return what it prints."""
    program = tmp_path / "program.py"
    program.write_text(text)
    done = subprocess.run(
        [sys.executable, str(program)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# C2: the array tutorial


def test_arrays_of_the_tutorial():
    host = RNG.standard_normal(5).astype(np.float32)
    x = gpuarray.to_gpu(host)
    np.testing.assert_array_equal((2 * x).get(), 2 * x.get())
    assert len(x) == 5
    np.testing.assert_array_equal(x[0:3].get(), host[0:3])
    assert x[1].shape == () and x[1].get() == host[1]
    assert str(x) == str(host)


# C3: kernels from expressions


def test_linear_combination():
    lin_comb = ElementwiseKernel(
        "float a, float *x, float b, float *y, float *z",
        "z[i] = a*x[i] + b*y[i]",
        "linear_combination",
    )
    a, b = RNG.random(50000, np.float32), RNG.random(50000, np.float32)
    x, y, z = gpuarray.to_gpu(a), gpuarray.to_gpu(b), gpuarray.zeros(50000, np.float32)
    lin_comb(5, x, 6, y, z, slice=slice(5, 20000, 17))
    expected = np.zeros_like(a)
    expected[5:20000:17] = (5 * a + 6 * b)[5:20000:17]
    np.testing.assert_allclose(z.get(), expected, rtol=1e-6)
    lin_comb(5, x, 6, y, z)
    assert np.linalg.norm((z - (5 * x + 6 * y)).get()) < 1e-5 * 50000**0.5


def test_dot_product():
    krnl = ReductionKernel(
        np.float32, "0", "a+b", map_expr="x[i]*y[i]", arguments="float *x, float *y"
    )
    a = gpuarray.arange(400, dtype=np.float32)
    np.testing.assert_allclose(krnl(a, a).get(), 21253400, rtol=1e-6)


def test_prefix_sums():
    host = RNG.integers(0, 10, 2**20 + 5).astype(np.int32)
    sums = np.cumsum(host, dtype=np.int32)
    np.testing.assert_array_equal(
        InclusiveScanKernel(np.int32, "a+b")(gpuarray.to_gpu(host)).get(), sums
    )
    np.testing.assert_array_equal(
        ExclusiveScanKernel(np.int32, "a+b", "0")(gpuarray.to_gpu(host)).get(), sums - host
    )


# C7: pools as allocators


@where_supported
def test_arrays_from_a_pool():
    pool = tools.DeviceMemoryPool()
    host = RNG.random(1000)
    array = gpuarray.to_gpu(host, allocator=pool.allocate)
    assert pool.active_blocks == 1
    np.testing.assert_array_equal((array * 2).get(), host * 2)
    del array
    addresses = set()
    for _ in range(1000):
        array = gpuarray.zeros(1000, allocator=pool.allocate)
        addresses.add(array.ptr)
        del array
    assert len(addresses) == 1  # the same memory again and again
    assert pool.active_blocks == 0 and pool.held_blocks == 1
    pool.free_held()
    assert pool.held_blocks == 0


@where_supported
def test_the_interpreter_exits_with_pooled_arrays_alive(tmp_path):
    printed = run(
        tmp_path,
        """
import numpy as np
import devarray.compat.pycuda.autoinit
from devarray.compat.pycuda import gpuarray, tools

pool = tools.DeviceMemoryPool()
kept = [gpuarray.to_gpu(np.arange(9.0), pool.allocate) for _ in range(3)]
kept.append(kept)  # a cycle, so that nothing is freed before the interpreter ends
print(gpuarray.sum(kept[0], allocator=pool.allocate).get())
""",
    )
    assert printed == "36.0\n"


# C8: what PyCUDA's users could not do


def test_broadcasting_and_reductions_along_axes():
    a, b = RNG.random((10, 1, 2)), RNG.random((1, 10, 2))
    difference = gpuarray.to_gpu(a) - gpuarray.to_gpu(b)
    assert difference.shape == (10, 10, 2)
    np.testing.assert_allclose(
        (difference**2).sum(axis=2).get(), ((a - b) ** 2).sum(axis=2), rtol=1e-14
    )


def test_strided_operands_of_any_order():
    host = RNG.random((6, 8))
    x, f = gpuarray.to_gpu(host), gpuarray.to_gpu(np.asfortranarray(host))
    np.testing.assert_array_equal((x[::2, ::-1] * 2 + 1).get(), host[::2, ::-1] * 2 + 1)
    np.testing.assert_array_equal((x + f).get(), host + host)
    np.testing.assert_allclose(cumath.sin(x.T[1:]).get(), np.sin(host.T[1:]), rtol=1e-14)
    assert x[5:2].size == 0 and x[5:2].shape == host[5:2].shape


def test_numpys_functions_and_dtypes():
    host = RNG.random((3, 4))
    g = gpuarray.to_gpu(host)
    np.testing.assert_allclose(np.sin(g).get(), np.sin(host), rtol=1e-14)
    np.testing.assert_array_equal(np.concatenate([g, g]).get(), np.concatenate([host, host]))
    assert (g > 0.25).dtype == np.bool_
    np.testing.assert_array_equal((g > 0.25).get(), host > 0.25)
    whole = np.arange(1, 6, dtype=np.int32)
    ratio = gpuarray.to_gpu(whole) / gpuarray.to_gpu(whole[::-1])
    assert ratio.dtype == np.float64
    np.testing.assert_array_equal(ratio.get(), whole / whole[::-1])


def test_other_libraries_by_dlpack():
    g = gpuarray.to_gpu(np.arange(6.0).reshape(2, 3))
    twin = gpuarray.from_dlpack(g)
    assert twin.ptr == g.ptr
    if g.__dlpack_device__() != np.zeros(1).__dlpack_device__():
        pytest.skip("NumPy takes memory of the host only")
    host = np.from_dlpack(g)
    g *= 2
    np.testing.assert_array_equal(host, 2 * np.arange(6.0).reshape(2, 3))
    back = gpuarray.from_dlpack(host)
    np.testing.assert_array_equal((back + 1).get(), host + 1)


# C9: threads


def test_arrays_of_the_main_thread_in_others():
    hosts = [RNG.random(1000) for _ in range(16)]
    arrays = [gpuarray.to_gpu(host) for host in hosts]

    def work(array):
        for _ in range(10):
            array = cumath.sin(array) * 2 + array[::-1]
        return gpuarray.sum(array).get()

    def reference(host):
        for _ in range(10):
            host = np.sin(host) * 2 + host[::-1]
        return host.sum()

    with ThreadPool(4) as pool:
        results = pool.map(work, arrays)
    np.testing.assert_allclose(results, [reference(host) for host in hosts], rtol=1e-9)


def test_a_program_with_threads_exits(tmp_path):
    printed = run(
        tmp_path,
        """
import numpy as np
from multiprocessing.pool import ThreadPool
from devarray.compat.pycuda import gpuarray

arrays = [gpuarray.to_gpu(np.full(100, k, np.float32)) for k in range(8)]
pool = ThreadPool(4)
print([float(total.get()) for total in pool.map(lambda x: gpuarray.sum(x * 2), arrays)])
pool.close()
pool.join()
""",
    )
    assert printed == f"{[200.0 * k for k in range(8)]}\n"


def test_devarrays_own_arrays_go_along():
    g = gpuarray.to_gpu(np.arange(4.0))
    mixed = da.arange(4) + g
    assert isinstance(mixed, gpuarray.GPUArray)
    np.testing.assert_array_equal(mixed.get(), 2 * np.arange(4.0))
    assert isinstance(g.device_array, da.DeviceArray)
