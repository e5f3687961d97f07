"""PyCUDA's contexts, streams, threads, pools and tools over devarray; import pycuda."""

import gc
import importlib
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import devarray as da
from devarray.compat import pycuda
from devarray.compat.pycuda import characterize, driver, gpuarray, tools
from devarray.compat.pycuda.compiler import SourceModule
from standin_gpu import Machine
from test_cuda_standin import standin

TEXT = """
__global__ void add(float *x, float value, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] += value;
}
__global__ void slowly(int *x) {
    volatile int k = 0;
    while (k < 30000000) k = k + 1;
    x[0] += k / 30000000;
}
"""


@pytest.fixture(scope="module")
def module():
    return SourceModule(TEXT)


@pytest.fixture
def add(module):
    return module.get_function("add")


def host(pointer, n=6, dtype=np.float32):
    return driver.from_device(pointer, n, dtype)


# ---- contexts, devices, streams ------------------------------------------------------------------


def test_contexts_are_a_stack():
    primary = driver.Context.get_current()
    assert primary is driver.Context.get_device().retain_primary_context()
    first = driver.Device(0).make_context()
    memory = driver.to_device(b"abcd")
    second = driver.Device(0).make_context()
    assert driver.Context.get_current() is second
    assert first != second
    second.detach()
    assert driver.Context.get_current() is first
    with pytest.raises(driver.LogicError, match="detached"):
        second.push()
    first.pop()
    assert driver.Context.get_current() is primary
    back = bytearray(4)
    driver.memcpy_dtoh(back, memory)  # memory belongs to the device
    assert back == b"abcd"
    with pytest.raises(driver.LogicError, match="no context to pop"):
        driver.Context.pop()
    first.detach()
    with pytest.raises(TypeError, match="make_context"):
        driver.Context(0)


def test_contexts_choose_the_device_of_new_arrays():
    name = da.get_device().name
    with da.config(device="null"):
        context = driver.Device(name).make_context()
        try:
            assert driver.Context.get_device() == driver.Device(name)
            assert gpuarray.to_gpu(np.ones(2)).get().tolist() == [1, 1]
            assert da.ones(2).device.name == name
        finally:
            context.pop()


def test_devices():
    device = driver.Device(0)
    assert device == driver.Device(device.pci_bus_id())
    assert len({device, driver.Device(0)}) == 1
    assert isinstance(device.name(), str)
    assert device.total_memory() >= driver.mem_get_info()[0] > 0
    attributes = device.get_attributes()
    limits = da.get_device().limits
    assert attributes[driver.device_attribute.MAX_THREADS_PER_BLOCK] == limits.threads
    assert device.max_grid_dim_x == limits.grid[0]
    assert device.warp_size == 32
    assert str(driver.device_attribute.WARP_SIZE) == "WARP_SIZE"
    for name in ("MAX_BLOCK_DIM_Z", "MAX_SHARED_MEMORY_PER_BLOCK", "MULTIPROCESSOR_COUNT"):
        assert attributes[getattr(driver.device_attribute, name)] > 0
    for wrong in (99, -1, "nothing"):
        with pytest.raises(driver.LogicError):
            driver.Device(wrong)
    with pytest.raises(AttributeError):
        _ = device.colour
    with pytest.raises(driver.LogicError, match="does not tell"):
        device.get_attribute(driver.device_attribute.ECC_ENABLED)
    with pytest.raises(driver.LogicError):
        driver.init(1)


def test_the_environment_names_the_default_device(monkeypatch):
    monkeypatch.setenv("CUDA_DEVICE", "0")
    context = tools.make_default_context()
    context.pop()
    for text, kind in (("first", ValueError), ("77", driver.LogicError)):
        monkeypatch.setenv("CUDA_DEVICE", text)
        with pytest.raises(kind):
            tools.make_default_context()


def test_work_without_a_stream_comes_after_all_streams(module):
    slowly, x = module.get_function("slowly"), driver.to_device(np.zeros(1, np.int32))
    stream, other, event = driver.Stream(), driver.Stream(), driver.Event()
    for _ in range(3):
        slowly(x, block=(1, 1, 1), stream=stream)
    event.record(stream)
    other.wait_for_event(event)
    slowly(x, block=(1, 1, 1), stream=other)
    slowly(x, block=(1, 1, 1))
    assert host(x, 1, np.int32)[0] == 5
    assert stream.is_done()
    assert other.is_done()


def test_memory_that_is_dropped_lives_until_its_stream_has_passed(module):
    slowly, pool = module.get_function("slowly"), tools.DeviceMemoryPool()
    stream = driver.Stream()
    for _ in range(20):  # on a busy machine the stream may have passed before we look
        dropped = pool.allocate(4)
        address = int(dropped)
        for _ in range(10):
            slowly(dropped, block=(1, 1, 1), stream=stream)
        del dropped
        other = int(pool.allocate(4))
        behind = not stream.is_done()
        stream.synchronize()
        if behind:
            break
    assert behind
    assert other != address


def test_copies_on_a_gpu_that_works_later():
    with standin(Machine()):  # where freed memory holds garbage, and nothing runs before a wait
        first, second = driver.Stream(), driver.Stream()
        a = np.arange(1000, dtype=np.float32)
        x, y = driver.mem_alloc(a.nbytes), driver.mem_alloc(a.nbytes)
        source, back = driver.pagelocked_empty(1000, np.float32), np.empty_like(a)
        source[:] = a
        driver.memcpy_htod_async(x, source, first)
        driver.memcpy_dtod_async(y, x, a.nbytes, first)
        driver.memset_d32_async(x, 0, 500, first)
        driver.memcpy_dtoh(back, y)  # without a stream: after all that is in streams
        np.testing.assert_array_equal(back, a)
        driver.memcpy_dtoh(back, x)
        np.testing.assert_array_equal(back, np.where(a < 500, 0, a))
        driver.memset_d32_async(x, 1, 1000)
        target = driver.pagelocked_empty(1000, np.int32)
        driver.memcpy_dtoh_async(target, x, second)  # in a stream: after what had none
        second.synchronize()
        np.testing.assert_array_equal(target, np.ones(1000))
        for k in range(10):
            dropped = driver.mem_alloc(4000)
            driver.memset_d32_async(dropped, k, 1000, first)
            driver.memcpy_dtoh_async(target, dropped, first)
            del dropped
            other = driver.mem_alloc(4000)
            driver.memset_d32_async(other, 99, 1000, second)
            del other
            first.synchronize()
            np.testing.assert_array_equal(target, np.full(1000, k))
        assert driver.Device(0).compute_capability() >= (5, 0)
        assert driver.Device.count() == 2


def test_several_devices():
    with standin(Machine()):
        here = driver.Device(0).make_context()
        a = np.arange(100, dtype=np.int16)
        a_here, stream = driver.to_device(a), driver.Stream()
        there = driver.Device(1).make_context()
        try:
            assert driver.Context.get_device() == driver.Device(1)
            a_there = driver.mem_alloc(a.nbytes)
            driver.memcpy_peer(a_there, a_here, a.nbytes)
            np.testing.assert_array_equal(driver.from_device_like(a_there, a), a)
            driver.memset_d16(a_there, 7, 50)
            driver.memcpy_peer(int(a_here), a_there, a.nbytes, here, there)
            np.testing.assert_array_equal(
                driver.from_device_like(a_here, a), np.where(a < 50, 7, a)
            )
            assert driver.mem_get_address_range(int(a_there) + 1) == (int(a_there), 200)
            with pytest.raises(driver.LogicError, match="cuda, the work is on cuda:1"):
                driver.memcpy_htod_async(a_there, a, stream)
            assert not driver.Device(0).can_access_peer(driver.Device(1))
        finally:
            there.pop()
            here.pop()


def test_events():
    start, end = driver.Event(), driver.Event()
    with pytest.raises(driver.LogicError, match="recorded"):
        end.time_since(start)
    begin = time.perf_counter()
    assert start.record() is start
    time.sleep(0.002)
    end.record().synchronize()
    assert 1 < end.time_since(start) < 1000 * (time.perf_counter() - begin) + 1
    assert start.time_till(end) == end.time_since(start)
    untimed = driver.Event(driver.event_flags.DISABLE_TIMING)
    untimed.record()
    with pytest.raises(driver.LogicError, match="DISABLE_TIMING"):
        end.time_since(untimed)
    for wrong in (3, None):
        with pytest.raises(TypeError):
            end.time_since(wrong)
        with pytest.raises(TypeError):
            driver.Stream().wait_for_event(wrong)


def test_threads_need_no_contexts(add):
    x = [driver.to_device(np.full(6, k, np.float32)) for k in range(16)]

    def work(k):
        for _ in range(20):
            add(x[k], np.float32(1), np.int32(6), block=(6, 1, 1))
        driver.memcpy_htod(driver.mem_alloc(24), np.zeros(6, np.float32))
        return host(x[k])[0]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(16))) == [k + 20 for k in range(16)]


def test_each_thread_has_its_own_stack_of_contexts():
    context = driver.Device(0).make_context()
    found = []

    def look():
        found.append(driver.Context.get_current())
        context.push()
        found.append(driver.Context.get_current())
        driver.Context.pop()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    context.pop()
    assert found == [driver.Context.get_current(), context]


# ---- pools and other tools -----------------------------------------------------------------------


def test_size_classes_of_pools():
    pool = tools.DeviceMemoryPool
    random = np.random.default_rng(1)
    for size in [1, 2, 15, 16, 17, 31, 32, 33, 2**20, *random.integers(1, 2**31, 500).tolist()]:
        number = pool.bin_number(size)
        whole = pool.alloc_size(number)
        assert size <= whole <= max(size * 17 / 16 + 1, 1)
        assert pool.bin_number(whole) == number
        assert size <= 16 or pool.alloc_size(number - 1) < size


def test_pools_count():
    pool = tools.DeviceMemoryPool()
    blocks = [pool.allocate(n) for n in (100, 100, 5000)]
    assert [len(b) for b in blocks] == [100, 100, 5000]
    assert (pool.active_blocks, pool.held_blocks) == (3, 0)
    del blocks[0]
    assert (pool.active_blocks, pool.held_blocks) == (2, 1)
    again = pool.allocate(100)
    assert (pool.active_blocks, pool.held_blocks) == (3, 0)
    assert pool.managed_bytes == pool.active_bytes >= 5200
    again.free()
    with pytest.raises(driver.LogicError, match="freed before"):
        again.free()
    pool.free_held()
    assert pool.held_blocks == 0
    pool.stop_holding()
    blocks.clear()
    assert (pool.active_blocks, pool.held_blocks, pool.managed_bytes) == (0, 0, 0)
    with pytest.raises(ValueError, match="negative"):
        pool.allocate(-1)


def test_pools_of_page_locked_memory():
    pool = tools.PageLockedMemoryPool(tools.PageLockedAllocator(driver.host_alloc_flags.PORTABLE))
    a = pool.allocate((3, 4), np.float32, order="F")
    assert a.flags.f_contiguous
    assert (pool.active_blocks, pool.active_bytes) == (1, 48)
    del a
    gc.collect()
    assert pool.active_blocks == 0
    with pytest.raises(TypeError):
        tools.PageLockedMemoryPool(3)


def test_the_debug_pool_writes_down(tmp_path):
    with open(tmp_path / "log", "w") as log:
        pool = tools.DebugMemoryPool(interactive=False, logfile=log)
        kept = pool.allocate(1000)
        pool.allocate(2000)
    text = (tmp_path / "log").read_text()
    assert "1000 bytes for" in text
    assert "1 x 1000 bytes of" in text
    assert "test_the_debug_pool_writes_down" in text
    del kept


def test_types_in_c():
    assert tools.parse_c_arg("const  unsigned  int * __restrict__ x") == tools.VectorArg("u4", "x")
    assert tools.parse_c_arg("long long n").struct_char == "l"
    assert tools.parse_c_arg("pycuda::complex<double> z") == tools.ScalarArg("c16", "z")
    assert tools.parse_c_arg("float x[]") == tools.VectorArg("f4", "x")
    assert tools.VectorArg("f8", "x").declarator() == "double *x"
    assert tools.get_arg_type("float *x") == "P"
    for dtype in "?bBhHiIlLfdFD":
        assert tools.parse_c_arg(f"{tools.dtype_to_ctype(dtype)} *x").dtype == np.dtype(dtype)
    for wrong in ("", "x", "float **x", "something *x", "float *", 'int "x"'):
        with pytest.raises(ValueError, match=r"\w"):
            tools.parse_c_arg(wrong)
    record = np.dtype([("test_a", "i4"), ("test_b", "f4")])
    with pytest.raises(ValueError, match="register_dtype"):
        tools.dtype_to_ctype(record)
    tools.register_dtype(record, "test_record")
    assert tools.parse_c_arg("test_record r").struct_char == "8s"
    with pytest.raises(RuntimeError, match="test_record"):
        tools.register_dtype(np.dtype("f4"), "test_record")


def test_occupancy():
    data = tools.DeviceData()
    full = tools.OccupancyRecord(data, data.max_threads // 2)
    assert 0 < full.occupancy <= 1
    assert full.warps_per_mp == full.tb_per_mp * (data.max_threads // 2 // 32)
    assert tools.OccupancyRecord(data, 32, shared_mem=40_000).limited_by == "smem"
    assert tools.OccupancyRecord(data, 256, registers=255).limited_by == "regs"
    for wrong in ((data.max_threads + 1,), (32, 1 << 30), (1024, 0, 255)):
        with pytest.raises(ValueError, match="a block has"):
            tools.OccupancyRecord(data, *wrong)
    assert data.align(100) == 128
    assert data.align_dtype(100, 8) == 112


def test_memoizing_by_context():
    calls = []

    @tools.context_dependent_memoize
    def work(value, scale=1):
        calls.append(value)
        return value * scale

    assert [work(2), work(2), work(2, scale=3)] == [2, 2, 6]
    context = driver.Device(0).make_context()
    work(2)
    context.pop()
    assert calls == [2, 2, 2]
    tools.clear_context_caches()
    work(2)
    assert len(calls) == 4


def test_characterize():
    assert characterize.sizeof("double") == 8
    preamble = "struct three { char a; double b; char c; };"
    assert characterize.sizeof("three", preamble) == 24
    assert characterize.platform_bits() == 64
    assert characterize.has_double_support()
    assert characterize.has_stack()


# ---- import pycuda -------------------------------------------------------------------------------


@pytest.fixture
def installed():
    pycuda.install()
    yield
    pycuda.uninstall()


def test_import_pycuda_means_these_modules(installed):
    assert importlib.import_module("pycuda") is pycuda
    assert importlib.import_module("pycuda.driver") is driver
    assert importlib.import_module("pycuda.tools").__spec__.name.startswith("devarray.")
    assert importlib.import_module("pycuda").VERSION >= (2020,)
    assert "CLUDA" in dir(importlib.import_module("pycuda._cluda"))[0]
    with pytest.raises(ModuleNotFoundError, match="OpenGL"):
        importlib.import_module("pycuda.gl")
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("pycuda.nothing")


def test_uninstall_leaves_nothing_behind():
    pycuda.install()
    importlib.import_module("pycuda.driver")
    pycuda.uninstall()
    pycuda.uninstall()
    assert not [name for name in sys.modules if name.partition(".")[0] == "pycuda"]


def test_install_does_not_replace_pycuda_itself(monkeypatch):
    monkeypatch.setitem(sys.modules, "pycuda", type(sys)("pycuda"))
    with pytest.raises(ImportError, match="already"):
        pycuda.install()
