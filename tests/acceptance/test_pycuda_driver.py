"""Programs for PyCUDA's driver, as its users write them (C1, C2, C4 to C7 of the seeds)."""

import importlib.util
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest

from devarray.compat.pycuda import driver, gpuarray, tools
from devarray.compat.pycuda.compiler import SourceModule


def run(tmp_path, text, before=(), options=()):
    """Run a program in a process of its own, and return what it prints."""
    program = tmp_path / "program.py"
    program.write_text(text)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*before, sys.executable, *options, str(program)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


TUTORIAL = """
import numpy as np

import devarray.compat.pycuda.autoinit
import devarray.compat.pycuda.driver as cuda
from devarray.compat.pycuda.compiler import SourceModule

module = SourceModule('''
__global__ void double_array_new(float *result, float *a, int *info)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < info[0])
        result[i] = 2 * a[i];
}
''')
a = np.arange(128, dtype=np.float32)
info = np.array([a.size], dtype=np.int32)

a_gpu = cuda.mem_alloc(a.nbytes)
result_gpu = cuda.mem_alloc(a.nbytes)
info_gpu = cuda.mem_alloc(info.nbytes)
cuda.memcpy_htod(a_gpu, a)
cuda.memcpy_htod(info_gpu, info)

double_array = module.get_function("double_array_new")
double_array(result_gpu, a_gpu, info_gpu, block=(32, 1, 1), grid=(4, 1))

result = np.empty_like(a)
cuda.memcpy_dtoh(result, result_gpu)
print((result == 2 * a).all(), result[-1])

try:
    double_array(result_gpu, a_gpu, info_gpu)
except ValueError as error:
    print("block" in str(error))
try:
    double_array(result_gpu, a_gpu, 128, block=(32, 1, 1))
except TypeError as error:
    print("numpy.int32(128)" in str(error))
print(devarray.compat.pycuda.autoinit.device.count() >= 1)
"""


def test_c1_the_tutorial(tmp_path):
    assert run(tmp_path, TUTORIAL).splitlines() == ["True 254.0", "True", "True", "True"]


def test_c1_with_pycuda_s_own_imports(tmp_path):
    plain = TUTORIAL.replace("devarray.compat.pycuda", "pycuda")
    printed = run(tmp_path, plain, options=("-m", "devarray.compat.pycuda"))
    assert printed.splitlines() == ["True 254.0", "True", "True", "True"]


TWICE = """
__global__ void twice(float *x) { x[threadIdx.x] *= 2; }
"""


def test_c2_a_kernel_takes_an_array_and_its_gpudata():
    x = np.random.default_rng(1).normal(size=5).astype(np.float32)
    x_gpu = gpuarray.to_gpu(x)
    twice = SourceModule(TWICE).get_function("twice")
    twice(x_gpu.gpudata, block=(5, 1, 1))
    np.testing.assert_array_equal(x_gpu.get(), 2 * x)
    twice(x_gpu, block=(5, 1, 1))
    np.testing.assert_array_equal(x_gpu.get(), 4 * x)
    twice(x_gpu[1:4], block=(2, 1, 1))
    np.testing.assert_array_equal(x_gpu.get(), x * np.float32([4, 8, 8, 4, 4]))


def test_c4_barriers_and_dynamic_shared_memory():
    total = SourceModule("""
    __global__ void total(const float *x, float *sums) {
        extern __shared__ float s[];
        int t = threadIdx.x;
        s[t] = x[blockIdx.x * blockDim.x + t];
        __syncthreads();
        for (int half = blockDim.x / 2; half; half /= 2) {
            if (t < half) s[t] += s[t + half];
            __syncthreads();
        }
        if (t == 0) sums[blockIdx.x] = s[0];
    }
    """).get_function("total")
    x_gpu = driver.to_device(np.ones(1024, np.float32))
    sums = np.zeros(8, np.float32)
    total(x_gpu, driver.Out(sums), grid=(8, 1), block=(128, 1, 1), shared=512)
    assert sums.tolist() == [128.0] * 8


def test_c4_constant_memory():
    module = SourceModule("""
    __constant__ float c[8];
    __global__ void read(float *x) { x[threadIdx.x] = 10 * c[threadIdx.x]; }
    """)
    address, nbytes = module.get_global("c")
    assert nbytes == 32
    c = np.arange(8, dtype=np.float32)
    driver.memcpy_htod(address, c)
    x = np.empty(8, np.float32)
    module.get_function("read")(driver.Out(x), block=(8, 1, 1))
    np.testing.assert_array_equal(x, 10 * c)
    back = np.empty_like(c)
    driver.memcpy_dtoh(back, address)
    np.testing.assert_array_equal(back, c)


def test_c5_streams_and_events():
    add = SourceModule("""
    __global__ void add(float *x, float value, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < n) x[i] += value;
    }
    """).get_function("add")
    n = 10_000
    streams = [driver.Stream(), driver.Stream()]
    hosts = [driver.pagelocked_empty(n, np.float32) for _ in streams]
    memory = [driver.mem_alloc(host.nbytes) for host in hosts]
    start, end = driver.Event(), driver.Event()
    start.record(streams[0])
    for k, (stream, host, x) in enumerate(zip(streams, hosts, memory, strict=True)):
        host[:] = np.arange(n)
        driver.memcpy_htod_async(x, host, stream)
        for _ in range(3):
            add(x, np.float32(k + 1), np.int32(n), block=(256, 1, 1), grid=(40, 1), stream=stream)
        driver.memcpy_dtoh_async(host, x, stream)
    end.record(streams[0])
    end.synchronize()
    assert end.query()
    assert end.time_since(start) >= 0
    assert start.time_till(end) == end.time_since(start)
    for k, (stream, host) in enumerate(zip(streams, hosts, strict=True)):
        stream.synchronize()
        assert stream.is_done()
        np.testing.assert_array_equal(host, np.arange(n, dtype=np.float32) + 3 * (k + 1))


def test_c5_prepared_calls():
    twice = SourceModule("""
    __global__ void twice(float *x) { x[threadIdx.x + threadIdx.y * blockDim.x] *= 2; }
    """).get_function("twice")
    a = np.arange(16, dtype=np.float32).reshape(4, 4)
    buf = driver.to_device(a)
    twice.prepare("P").prepared_call((1, 1), (4, 4, 1), buf)
    np.testing.assert_array_equal(driver.from_device_like(buf, a), 2 * a)
    twice.prepared_async_call((1, 1), (3, 4, 1), driver.Stream(), int(buf) + 16)
    expected = np.concatenate([2 * a[:1], 4 * a[1:]])  # a copy without a stream waits
    np.testing.assert_array_equal(driver.from_device_like(buf, a), expected)
    seconds = twice.prepared_timed_call((1, 1), (1, 1, 1), buf)
    assert 0 <= seconds() < 10


def test_c5_a_compiler_error_names_the_line_of_the_program():
    with pytest.raises(driver.CompileError) as caught:
        SourceModule("// one\n\n__global__ void f(float *x) {\n    x[0] = missing;\n}\n")
    error = caught.value
    assert ":4:" in error.stderr or "(4)" in error.stderr
    assert "missing" in error.stderr
    assert error.command_line
    assert "[command: " in str(error)
    assert "[stderr:" in str(error)


MPI = """
import sys

import numpy as np
from mpi4py import MPI

from devarray.compat import pycuda
pycuda.install()
import pycuda.driver as cuda
from pycuda import gpuarray
from pycuda.compiler import SourceModule

comm = MPI.COMM_WORLD
rank, nr_gpus = comm.rank, comm.size
N, K = 2**16, 1000

context = cuda.Device(rank % cuda.Device.count()).make_context()
x = np.ones(N) if rank == 0 else None
mine = np.empty(N // nr_gpus)
comm.Scatter(x, mine, root=0)

mine_gpu = gpuarray.to_gpu(mine)
shrink = SourceModule('''
__global__ void shrink(double *x) {
    x[blockIdx.x * blockDim.x + threadIdx.x] *= 0.9;
}
''').get_function("shrink")
for _ in range(K):
    shrink(mine_gpu, block=(128, 1, 1), grid=(N // nr_gpus // 128, 1))
mine = mine_gpu.get()

comm.Gather(mine, x, root=0)
if rank == 0:
    print(nr_gpus, np.allclose(x, 0.9**K, rtol=1e-3, atol=0), f"{x[-1]:.4e}")
context.pop()
"""


# an MPI that pip installed is beside the interpreter
MPIEXEC = shutil.which("mpiexec") or shutil.which("mpiexec", path=os.path.dirname(sys.executable))


@pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None or MPIEXEC is None,
    reason="needs mpi4py and mpiexec",
)
def test_c6_mpi_with_two_ranks(tmp_path):
    assert run(tmp_path, MPI, before=(MPIEXEC, "-n", "2")).split() == ["2", "True", "1.7479e-46"]


def test_c7_the_pool_allocates_once():
    pool = tools.DeviceMemoryPool()
    statistics = driver.Context.get_device()._device.memory.statistics
    before = statistics().allocations
    for _ in range(1000):
        pool.allocate(123_456).free()
    assert statistics().allocations - before <= 1
    assert (pool.active_blocks, pool.held_blocks) == (0, 1)
    pool.stop_holding()
    assert pool.managed_bytes == 0


def test_c7_pooled_memory_may_live_to_the_end_of_the_program(tmp_path):
    text = """
import numpy as np
from devarray.compat.pycuda import autoinit, gpuarray, tools
pool = tools.DeviceMemoryPool()
x = gpuarray.to_gpu(np.arange(10.0), allocator=pool.allocate)
y = gpuarray.zeros(1000, np.float32, allocator=pool.allocate)
print(x.get().sum(), pool.active_blocks)
"""
    assert run(tmp_path, text).split() == ["45.0", "2"]
