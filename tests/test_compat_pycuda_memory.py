"""Memory of PyCUDA's driver over devarray: allocations, copies, fills, host memory."""

import gc

import numpy as np
import pytest

import devarray as da
from devarray.compat.pycuda import driver
from devarray.compat.pycuda.compiler import SourceModule


def host(pointer, n=6, dtype=np.float32):
    return driver.from_device(pointer, n, dtype)


@pytest.fixture(scope="module")
def add():
    return SourceModule("""
    __global__ void add(float *x, float value, int n) {
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < n) x[i] += value;
    }
    """).get_function("add")


# ---- memory and copies ---------------------------------------------------------------------------


def test_allocations():
    memory = driver.mem_alloc(1000)
    address = int(memory)
    assert driver.mem_get_address_range(address + 999) == (address, 1000)
    assert address in (int(np.intp(memory)), int(np.uintp(memory)))
    memory.free()
    for use in (memory.free, lambda: int(memory), lambda: driver.memcpy_htod(memory, b"ab")):
        with pytest.raises(driver.LogicError, match="freed"):
            use()
    with pytest.raises(driver.LogicError, match="in no allocation"):
        driver.mem_get_address_range(address)


@pytest.mark.parametrize(("size", "kind"), [(0, ValueError), (-1, ValueError), (1.5, TypeError)])
def test_sizes_that_cannot_be(size, kind):
    with pytest.raises(kind):
        driver.mem_alloc(size)


def test_memory_that_is_not_there():
    gc.collect()  # what other tests left would make room
    pool = da.get_device().memory
    before = pool.limit
    pool.limit = pool.statistics().used + 1_000_000
    try:
        assert driver.mem_get_info()[0] <= 1_000_000
        with pytest.raises(driver.MemoryError, match="limit"):
            driver.mem_alloc(2_000_000)
        cycle = [driver.mem_alloc(900_000)]
        cycle.append(cycle)
        del cycle  # only a garbage collection frees it
        assert driver.mem_alloc(900_000).nbytes == 900_000
    finally:
        pool.limit = before


@pytest.mark.parametrize(
    "buffer",
    [
        np.arange(6, dtype=np.int16).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(2.5),
        np.float32(3),
        np.zeros(3, [("a", "i4"), ("b", "f8")]),
        b"bytes",
        bytearray(b"more bytes"),
        memoryview(b"view"),
        np.array([np.nan, -0.0, np.inf]),
    ],
)
def test_round_trips(buffer):
    expected = np.asarray(buffer).tobytes("A") if hasattr(buffer, "dtype") else bytes(buffer)
    back = bytearray(len(expected))
    driver.memcpy_dtoh(back, driver.to_device(buffer))
    assert back == expected


def test_empty_buffers_need_no_memory():
    memory = driver.mem_alloc(8)
    driver.memcpy_htod(memory, np.empty((0, 3)))
    driver.memcpy_dtoh(np.empty(0), memory)
    driver.memcpy_dtod(memory, memory, 0)
    driver.memset_d32(memory, 1, 0)


def test_bad_buffers():
    memory, a = driver.mem_alloc(16), np.arange(8, dtype=np.int32)
    for wrong, kind, words in (
        (a[::2], ValueError, "contiguous"),
        ("text", TypeError, "buffer"),
        (a, driver.LogicError, "32 bytes"),
        (np.array([object()]), TypeError, "object"),
        (5, TypeError, "buffer"),
    ):
        with pytest.raises(kind, match=words):
            driver.memcpy_htod(memory, wrong)
    with pytest.raises(driver.LogicError, match="at byte 8"):
        driver.memcpy_dtoh(np.empty(3, np.int32), int(memory) + 8)
    for wrong, kind in ((b"1234", ValueError), (np.int32(1), ValueError), (a[::2], ValueError)):
        with pytest.raises(kind):
            driver.memcpy_dtoh(wrong, memory)
    a.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        driver.memcpy_dtoh(a[:4], memory)
    for wrong, kind in ((a, TypeError), ("x", TypeError), (1.5, TypeError), (0, ValueError)):
        with pytest.raises(kind):
            driver.memcpy_htod(wrong, b"1234")


def test_copies_within_the_device():
    a = np.arange(10, dtype=np.int32)
    source, target = driver.to_device(a), driver.to_device(np.zeros_like(a))
    driver.memcpy_dtod(int(target) + 4, int(source) + 8, 12)
    np.testing.assert_array_equal(host(target, 10, np.int32), [0, 2, 3, 4, 0, 0, 0, 0, 0, 0])
    stream = driver.Stream()
    driver.memcpy_dtod_async(target, source, 40, stream)
    driver.memcpy_peer(int(target) + 20, source, 8)
    np.testing.assert_array_equal(host(target, 10, np.int32), [0, 1, 2, 3, 4, 0, 1, 7, 8, 9])
    for wrong in ((target, source, 41), (target, int(source) + 4, 40), (target, source, -1)):
        with pytest.raises(driver.LogicError):
            driver.memcpy_dtod(*wrong)


@pytest.mark.parametrize(("bits", "value"), [(8, 0xAB), (16, 0xABCD), (32, 0xABCDEF01), (32, -2)])
def test_fills(bits, value):
    dtype = np.dtype(f"uint{bits}")
    memory = driver.to_device(np.zeros(24, dtype))
    getattr(driver, f"memset_d{bits}")(int(memory) + dtype.itemsize, value, 5)
    expected = np.zeros(24, dtype)
    expected[1:6] = value % 2**bits
    np.testing.assert_array_equal(host(memory, 24, dtype), expected)
    getattr(driver, f"memset_d2d{bits}_async")(memory, 6 * dtype.itemsize, 1, 2, 3, driver.Stream())
    expected.reshape(4, 6)[:3, :2] = 1
    np.testing.assert_array_equal(host(memory, 24, dtype), expected)
    fill = getattr(driver, f"memset_d{bits}")
    for wrong in ((memory, 1 << bits, 1), (memory, 1, 25), (memory, 1, -1)):
        with pytest.raises(driver.LogicError):
            fill(*wrong)


def test_rectangles():
    a = np.arange(48, dtype=np.int32).reshape(6, 8)
    a_gpu, pitch = driver.mem_alloc_pitch(32, 6, 4)
    assert pitch % 256 == 0
    copy = driver.Memcpy2D()
    copy.set_src_host(a)
    copy.set_dst_device(a_gpu)
    copy.src_pitch, copy.dst_pitch = 32, pitch
    copy.width_in_bytes, copy.height = 32, 6
    copy(aligned=True)
    part = np.zeros((3, 4), np.int32)
    back = driver.Memcpy2D()
    back.set_src_device(a_gpu)
    back.set_dst_host(part)
    back.src_pitch, back.dst_pitch = pitch, 16
    back.src_x_in_bytes, back.src_y = 8, 2
    back.width_in_bytes, back.height = 12, 3
    stream = driver.Stream()
    back(stream)
    stream.synchronize()
    np.testing.assert_array_equal(part[:, :3], a[2:5, 2:5])
    np.testing.assert_array_equal(part[:, 3], 0)
    for name, value in (("height", 5), ("src_y", 4), ("dst_pitch", 8), ("height", -1)):
        before = getattr(back, name)
        setattr(back, name, value)
        with pytest.raises(driver.LogicError):
            back()
        setattr(back, name, before)
    with pytest.raises(driver.LogicError, match="set_src"):
        driver.Memcpy2D()()
    with pytest.raises(ValueError, match="access_size"):
        driver.mem_alloc_pitch(1, 1, 3)


def test_boxes():
    a = np.arange(60, dtype=np.int16).reshape(3, 4, 5)
    out = np.zeros((2, 2, 3), np.int16)
    device = driver.to_device(a)
    for to_host in (True, False):
        copy = driver.Memcpy3D()
        copy.set_src_device(device)
        target = driver.to_device(np.zeros_like(out))
        copy.set_dst_host(out) if to_host else copy.set_dst_device(target)
        copy.src_pitch, copy.src_height, copy.dst_pitch, copy.dst_height = 10, 4, 6, 2
        copy.src_x_in_bytes, copy.src_y, copy.src_z = 2, 1, 1
        copy.width_in_bytes, copy.height, copy.depth = 6, 2, 2
        copy()
        got = out if to_host else driver.from_device_like(target, out)
        np.testing.assert_array_equal(got, a[1:, 1:3, 1:4])


@pytest.mark.parametrize("kind", ["pagelocked", "aligned", "managed"])
def test_host_memory(kind, add):
    if kind == "managed" and not da.get_device().shares_host_memory:
        pytest.skip("managed memory is where host and device share memory")
    make = {what: getattr(driver, f"{kind}_{what}") for what in ("empty", "zeros")}
    like = getattr(driver, f"{kind}_zeros_like")
    a = make["zeros"]((2, 3), np.float32, order="F")
    assert a.flags.f_contiguous
    assert like(a).strides == a.strides
    assert a.sum() == 0
    base = {"pagelocked": "PagelockedHost", "aligned": "AlignedHost", "managed": "Managed"}[kind]
    assert type(a.base) is getattr(driver, f"{base}Allocation")
    assert make["empty"](0, np.int8).shape == (0,)
    record = make["zeros"](np.int64(2), [("a", "i1"), ("b", "f8")])
    record["b"] = 1.5
    assert record.tolist() == [(0, 1.5), (0, 1.5)]
    argument = a if kind == "managed" else driver.InOut(a)
    add(argument, np.float32(2), np.int32(6), block=(6, 1, 1))
    driver.Context.synchronize()
    np.testing.assert_array_equal(a, np.full((2, 3), 2))
    with pytest.raises(TypeError, match="object"):
        make["empty"](3, object)
    with pytest.raises(ValueError, match="order"):
        make["empty"](3, float, order="K")
    with pytest.raises(ValueError, match="negative"):
        make["empty"](-3, float)


def test_more_host_memory():
    a = driver.aligned_empty(5, np.float64, alignment=256)
    assert a.__array_interface__["data"][0] % 256 == 0
    with pytest.raises(ValueError, match="power of two"):
        driver.aligned_empty(5, np.float64, alignment=3)
    b = driver.register_host_memory(a)
    b[:] = 3
    np.testing.assert_array_equal(a, b)
    b.base.unregister()
    with pytest.raises(driver.LogicError, match="before"):
        b.base.unregister()
    assert np.shares_memory(a, b)
