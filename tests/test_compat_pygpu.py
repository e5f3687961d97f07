"""devarray.compat.pygpu beyond its acceptance programs: every form, bad input, errors as values."""

import array
import ctypes
import gc
import io
import re
import shutil
import threading
import time
from contextlib import redirect_stdout
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import devarray as da
from devarray import registry
from devarray.backends import hip
from devarray.compat import pygpu
from devarray.compat.pygpu import backend, gpuarray
from devarray.compat.pygpu.gpuarray import (
    SUPPORTED_DTYPES,
    Allocator,
    GPUArray,
    HostAllocator,
    PagelockedAllocator,
    UnsupportedDataType,
    to_gpu,
)
from standin_gpu import Machine
from test_cuda_standin import standin

OK, INVALID, NO_MEMORY, BAD_POINTER, BAD_DEVICE = 0, 1, 2, 17, 101
BAD_HANDLE, NOT_READY, NOT_SUPPORTED = 400, 600, 801
DEVICE = da.get_device()
needs_host_memory = pytest.mark.skipif(
    not DEVICE.shares_host_memory, reason=f"host memory is no memory of {DEVICE.name}"
)


@pytest.fixture(autouse=True)
def no_error_before():
    """An error that nobody asked for is remembered, also that of another test."""
    pygpu.cudaGetLastError()


@pytest.fixture
def gpus():
    """A made-up machine with the devices `cuda` and `cuda:1`, where nothing is done by itself."""
    with standin(Machine()) as machine:
        yield machine


@pytest.fixture
def limited():
    """The default device, with room for little more than it holds."""
    device = da.get_device()
    gc.collect()
    device.memory.clear()
    device.memory.limit = device.memory.statistics().used + (1 << 20)
    yield device
    device.memory.limit = 0


@pytest.fixture
def addresses():
    """Skip where the default device has no arrays over memory at an address."""
    x = da.zeros(1)
    try:
        da.from_address(x.ptr, 1, owner=x)
    except da.UnsupportedError as error:
        pytest.skip(str(error))


def sample(dtype, shape=(3, 4), order="C"):
    kind = np.dtype(dtype)
    values = np.random.default_rng(7).integers(0, 100, shape)
    x = np.array(values, kind, order=order)
    if kind.kind == "c":
        x = (x * (1 - 2j)).astype(kind)
    if x.size:
        x.flat[0] = np.nan if kind.kind in "fc" else np.iinfo(kind).max
    return np.asarray(x, order=order)


def device_values(g):
    """What is on the device, without a look at the mirror."""
    return g.array.get()


# ---- names


def test_both_spellings():
    assert set(SUPPORTED_DTYPES) == {
        "int16", "int32", "int64", "uint16", "uint32", "uint64",
        "float32", "float64", "complex64", "complex128",
    }  # fmt: skip
    for label in SUPPORTED_DTYPES:
        for prefix in (
            "DeviceArray", "ptr_wrapper", "HostAllocator", "DeviceAllocator", "PagelockedAllocator",
        ):  # fmt: skip
            kind = getattr(backend, f"{prefix}_{label}")
            assert kind is getattr(pygpu, f"{prefix}_{label}")
            assert kind.__name__ == f"{prefix}_{label}" and label in kind.__doc__
        assert getattr(backend, f"pointer_wrapper_{label}") is getattr(
            backend, f"ptr_wrapper_{label}"
        )
    assert pygpu.gpuarray.GPUArray is pygpu.GPUArray and pygpu.backend is backend
    names = {}
    exec("from devarray.compat.pygpu import *", names)
    assert {"GPUArray", "to_gpu", "cudaSetDevice", "DeviceArray_float32"} <= set(names)
    with pytest.raises(AttributeError, match=r"DeviceArray_bool.*int16, int32"):
        pygpu.DeviceArray_bool  # noqa: B018


def test_flags_and_enumeration():
    assert pygpu.cuda_enabled is True and pygpu.use_hip is False
    version = pygpu.major_version, pygpu.minor_version, pygpu.release_version
    assert version == (0, 2, 1)
    kinds = gpuarray.dtype
    assert kinds.__size__.value == 10
    assert tuple(kinds(i).name for i in range(kinds.__size__.value)) == SUPPORTED_DTYPES
    assert kinds.__members__["double_alias"] is kinds.float64
    assert kinds.__members__["unsigned_alias"].value == kinds.uint32.value


# ---- values, shapes, orders


@pytest.mark.parametrize("label", SUPPORTED_DTYPES)
def test_every_dtype_goes_there_and_back(label):
    x = sample(label)
    g = GPUArray(x, copy=True)
    assert g.to_device().as_int() == OK
    g.get()[...] = 0
    g.to_device()
    assert not device_values(g).any()
    g.set(x)
    np.testing.assert_array_equal(g.get(), x)
    assert g.dtype == x.dtype and g.ptr == int(g.device_data) and g.host_data.is_safe()

    low = getattr(backend, f"DeviceArray_{label}")(x)
    low.allocate(), low.to_device()
    before, x[...] = x.copy(), 0
    low.to_host()
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("shape", [(), (1,), (0,), (3, 0, 2), (5,), (2, 3, 4), (4, 1, 3)])
def test_shapes_and_orders(shape, order):
    x = sample("complex64", shape, order)
    for g in (to_gpu(x.copy(order="K")), GPUArray(shape=shape, dtype=np.complex64, order=order)):
        assert g.set(x).as_int() == OK
        assert g.shape == shape and g.size == x.size and g.nbytes == x.nbytes
        if x.size and x.ndim:
            assert g.strides == np.empty(shape, "c8", order=order).strides
        flags = g.array.flags
        assert flags.c_contiguous if g.flag_c_contiguous else flags.f_contiguous
        np.testing.assert_array_equal(g.get(), x)
        np.testing.assert_array_equal(device_values(g), x)


@pytest.mark.parametrize("order", "CF")
def test_memory_lies_in_the_order_of_the_host_array(order, addresses):
    x = sample("int32", (3, 4), order)
    g = to_gpu(x)
    flat = da.from_address(g.ptr, 12, "int32", device=g.array.device, owner=g)
    np.testing.assert_array_equal(flat.get(), x.ravel(order="K"))


@pytest.mark.parametrize(
    "cut",
    [
        np.s_[::2], np.s_[::-1], np.s_[:, ::2], np.s_[:, ::-1], np.s_[1:3, 1:3], np.s_[1],
        np.s_[:, 2],
    ],
)  # fmt: skip
@pytest.mark.parametrize("order", [None, "C", "F"])
def test_arrays_that_are_not_contiguous_are_gathered_and_scattered(cut, order):
    x = sample("int64", (6, 4))
    before, part = x.copy(), x[cut]
    if part.flags.c_contiguous or part.flags.f_contiguous:
        order = None
    g = GPUArray(part, order=order)
    g.to_device()
    np.testing.assert_array_equal(device_values(g), part)
    expected = np.empty(part.shape, part.dtype, order=order or "C").strides
    assert g.strides == expected  # of the device memory, without gaps
    g.array[...] += 1
    g.to_host()
    before[cut] += 1
    np.testing.assert_array_equal(x, before)


def test_low_level_gathers_as_well():
    x = sample("float32", (4, 6))
    low = backend.DeviceArray_float32(x[:, ::3])
    low.allocate(), low.to_device()
    expected, x[:] = x.copy(), 0
    expected[:, np.arange(6) % 3 != 0] = 0
    low.to_host()
    np.testing.assert_array_equal(x, expected)


def test_misaligned_host_memory():
    raw = np.zeros(33, np.uint8)
    x = raw[1:].view("float64")
    assert not x.flags.aligned
    x[:] = [1, 2, 3, 4]
    g = to_gpu(x)
    np.testing.assert_array_equal(device_values(g), [1, 2, 3, 4])
    g.array[...] *= 2
    g.to_host()
    np.testing.assert_array_equal(x, [2, 4, 6, 8])


def test_read_only_arrays_are_copied_or_refused():
    x = np.frombuffer(np.arange(3).tobytes(), np.int64)
    g = to_gpu(x)
    np.testing.assert_array_equal(g.get(), [0, 1, 2])
    g.get()[0] = 5
    np.testing.assert_array_equal(x, [0, 1, 2])
    low = backend.DeviceArray_int64(x)
    low.allocate()
    assert low.to_device().as_int() == OK
    error = low.to_host()
    assert error.as_int() == INVALID and "read-only" in error.message
    assert low.last_status() == error
    np.testing.assert_array_equal(low.array.get(), x)


# ---- aliasing: the mirror is the host's, the device memory another


def test_mirror_and_device_differ_until_copied():
    k = np.array([1.0, 2.0, 3.0])
    g = to_gpu(k)
    k[0] = 7  # the mirror is k's memory
    np.testing.assert_array_equal(device_values(g), [1, 2, 3])
    assert np.shares_memory(g.get(), k)
    np.testing.assert_array_equal(k, [1, 2, 3])  # get() copied over it
    assert g.get().base is not None and g.get() is not g.get()


def test_copies_are_apart():
    k = np.array([1, 2, 3])
    g = GPUArray(k, copy=True)
    g.to_device()
    k[:] = 0
    kept = g.get(copy=True)
    g.get()[:] = 9
    np.testing.assert_array_equal(kept, [1, 2, 3])
    assert not np.shares_memory(g.get(), k)
    g = to_gpu(np.zeros((2, 3), order="F"))
    assert g.get(copy=True).flags.f_contiguous


def test_a_new_array_uploads_nothing():
    k = np.array([1, 2, 3])
    g = GPUArray(k)
    assert g.last_status.as_int() == OK and g.ptr != 0 and g.ptr != k.ctypes.data
    g.set(np.array([4, 5, 6]))
    np.testing.assert_array_equal(k, [1, 2, 3])
    assert g.allocate().as_int() == OK  # once is enough: nothing is lost
    np.testing.assert_array_equal(device_values(g), [4, 5, 6])


def test_devarray_computes_on_the_device_memory():
    k = np.arange(6.0).reshape(2, 3)
    g = to_gpu(k)
    x = g.array
    y = x * 2 + 1
    x[0] = -1
    g.to_host()
    np.testing.assert_array_equal(k, [[-1, -1, -1], [3, 4, 5]])
    np.testing.assert_array_equal(y.get(), [[1, 3, 5], [7, 9, 11]])
    g.set(np.zeros((2, 3)))
    np.testing.assert_array_equal(x.get(), 0)
    del g
    gc.collect()
    np.testing.assert_array_equal((x + 1).get(), 1)


INDICES = [
    0, -1, np.int64(1), np.s_[1:], np.s_[::-2], np.s_[:, 1], np.s_[..., None], np.s_[1, 2],
    [0, 2, 0], np.array([[0, 1], [2, 2]]), np.arange(12).reshape(3, 4) > 40, np.s_[3:], (),
    np.s_[[0, 1], [3, 2]],
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_any_index_gives_a_copy(index):
    x = np.arange(12).reshape(3, 4)
    g = to_gpu(x.copy())
    part = g[index]
    expected = np.asarray(x[index])
    assert isinstance(part, GPUArray) and part.shape == expected.shape
    assert part.last_status.as_int() == OK
    np.testing.assert_array_equal(device_values(part), expected)
    np.testing.assert_array_equal(part.get(), expected)
    part.array[...] = -5
    np.testing.assert_array_equal(device_values(g), x)


def test_indexing_leaves_the_mirror_alone():
    g = to_gpu(np.arange(4))
    h = g.get()
    h[0] = 9
    np.testing.assert_array_equal(g[:2].get(), [0, 1])
    assert h[0] == 9
    with pytest.raises(IndexError):
        g[4]
    assert len(g) == 4
    with pytest.raises(TypeError, match="unsized"):
        len(to_gpu(np.array(1.0)))


def test_set_val_counts_in_the_order_of_memory():
    for order in "CF":
        g = GPUArray((2, 3), dtype="float32", order=order)
        g.set(np.zeros((2, 3), "f4"))
        assert g.set_val(1, 2.5).as_int() == OK
        expected = np.zeros((2, 3), "f4")
        expected.ravel(order="K")
        expected[(0, 1) if order == "C" else (1, 0)] = 2.5
        np.testing.assert_array_equal(device_values(g), expected)
    for index in (6, -1, 10**30):
        error = g.set_val(index, 1)
        assert error.as_int() == INVALID == g.last_status.as_int()
        assert "no element" in error.message
    np.testing.assert_array_equal(device_values(g), expected)


@pytest.mark.parametrize(
    "label, index, value, error",
    [
        ("int32", 0, 1.5, TypeError),
        ("float64", 0, 1j, TypeError),
        ("int32", 0, "1", TypeError),
        ("int32", 0, [1], TypeError),
        ("int32", 0, None, TypeError),
        ("int16", 0, 70000, OverflowError),
        ("uint32", 0, -1, OverflowError),
        ("uint32", 0, np.int64(-1), OverflowError),
        ("int32", 0.0, 1, TypeError),
        ("int32", (0, 0), 1, TypeError),
    ],
)
def test_set_val_refuses_what_is_no_value(label, index, value, error):
    g = GPUArray(np.zeros(3, label))
    g.to_device()
    with pytest.raises(error):
        g.set_val(index, value)
    assert not device_values(g).any()


# ---- bad input of the high level


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros(2, bool), np.zeros(2, "f2"), np.zeros(2, "i1"), np.zeros(2, ">f8"),
        np.zeros(2, [("a", int)]), np.array([None]), np.array(["a"]),
        np.ma.masked_array([1, 2], [0, 1]), np.zeros(2, "M8[s]"), np.zeros(2, "longdouble"),
    ],
    ids=lambda x: f"{type(x).__name__}-{x.dtype}",
)  # fmt: skip
def test_unsupported_elements(bad):
    for make in (GPUArray, to_gpu):
        with pytest.raises(UnsupportedDataType, match=r"not supported|masked"):
            make(bad)
    if not isinstance(bad, np.ma.MaskedArray):
        for make in (GPUArray, HostAllocator, PagelockedAllocator):
            with pytest.raises(UnsupportedDataType, match="not supported"):
                make((2,), bad.dtype)


def test_what_is_no_array_at_all():
    g = to_gpu(np.zeros(2))
    for bad in (None, "abc", {1: 2}, 1.5, g, object()):
        with pytest.raises(UnsupportedDataType, match=f"got {type(bad).__name__}"):
            GPUArray(bad)
    for bad in ([1, 2], (1, 2), 3, g, np.float64(1), da.zeros(2)):
        with pytest.raises(UnsupportedDataType, match=r"np\.asarray"):
            to_gpu(bad)
    with pytest.raises(UnsupportedDataType, match="no dtype"):
        GPUArray((2,), "float46")
    with pytest.raises(ValueError, match="negative"):
        GPUArray((2, -1))
    with pytest.raises(TypeError):
        GPUArray((2, 1.5))
    with pytest.raises(TypeError, match="not both"):
        GPUArray((2,), shape=(2,))
    with pytest.raises(TypeError, match="unexpected keyword"):
        GPUArray((2,), ordre="C")


def test_dtype_beside_an_array_and_by_position():
    assert GPUArray((2,), np.float32).dtype == "float32"
    assert GPUArray([2, 3], float).dtype == "float64" == GPUArray(2).dtype
    assert GPUArray(np.zeros(2, "i4"), dtype="int32").dtype == "int32"
    with pytest.raises(UnsupportedDataType, match="convert it first"):
        GPUArray(np.zeros(2, "i4"), dtype="int64")


def test_order_must_fit():
    c, f = np.zeros((2, 3)), np.zeros((2, 3), order="F")
    with pytest.raises(ValueError, match="asfortranarray"):
        GPUArray(c, order="F")
    with pytest.raises(ValueError, match="ascontiguousarray"):
        GPUArray(f, order="C")
    with pytest.raises(ValueError, match="'C' or 'F', got 'A'"):
        GPUArray((2, 3), order="A")
    assert GPUArray(f, order="F").flag_c_contiguous == 0 == GPUArray(f).flag_c_contiguous
    assert GPUArray(np.zeros(3), order="F").strides == (8,)


def test_set_refuses_what_does_not_fit():
    g = to_gpu(np.zeros((2, 3)))
    for bad, error, words in [
        (np.zeros((3, 2)), ValueError, r"shape \(2, 3\), got \(3, 2\)"),
        (np.zeros(6), ValueError, "shape"),
        (np.zeros((2, 3), "f4"), TypeError, "float64, got float32"),
        (np.zeros((2, 3), ">f8"), TypeError, "float64, got >f8"),
        ([[0] * 3] * 2, TypeError, "numpy.ndarray, got list"),
        (g, TypeError, "numpy.ndarray, got GPUArray"),
    ]:
        with pytest.raises(error, match=words):
            g.set(bad)
    x = np.arange(24.0).reshape(4, 6)
    for part in (x[::2, ::2], x[::-2, ::2], np.asfortranarray(x[:2, :3])):
        assert g.set(part).as_int() == OK
        np.testing.assert_array_equal(device_values(g), part)


# ---- allocators, foreign memory


def test_an_allocator_is_the_only_argument():
    allocator = HostAllocator((2, 3), "float64")
    for args, options in [
        (((2, 3),), {}), ((), {"shape": (2, 3)}), ((), {"dtype": "float64"}), ((), {"copy": True}),
    ]:  # fmt: skip
        with pytest.raises(RuntimeError, match="must be the only input argument"):
            GPUArray(*args, allocator=allocator, **options)
    with pytest.raises(UnsupportedDataType, match="got ndarray"):
        GPUArray(allocator=np.zeros(2))


@pytest.mark.parametrize("kind", [HostAllocator, PagelockedAllocator])
def test_mirror_of_an_allocator(kind):
    allocator = kind((3, 5), np.float64)
    assert allocator.last_status.as_int() == OK
    values = np.outer(np.arange(1, 4), np.arange(1, 6)).astype(float)
    g = GPUArray(allocator=allocator)
    assert g.shape == (3, 5) and int(g.host_data) == int(allocator.ptr())
    g.get()[...] = values
    g.to_device()
    allocator.get()[...] = 0
    other = GPUArray(allocator=allocator)
    assert other.ptr != g.ptr  # device memory of its own
    del allocator
    gc.collect()
    np.testing.assert_array_equal(g.get(), values)
    g = GPUArray(allocator=kind(4, "int16"), order="F")
    assert g.shape == (4,)


def test_low_level_allocators():
    for label in ("float32", "complex128"):
        for kind in ("Host", "Device", "Pagelocked"):
            allocator = getattr(backend, f"{kind}Allocator_{label}")()
            assert int(allocator.ptr()) == 0 and not allocator.ptr().is_safe()
            result = allocator.allocate(100)
            assert result is None if kind == "Host" else result.as_int() == OK
            pointer = allocator.ptr()
            assert int(pointer) != 0 and type(pointer).__name__ == f"ptr_wrapper_{label}"
            assert pointer.is_safe() == (kind != "Device")
            allocator.allocate(0)
            for bad, error in ((-1, ValueError), (1.5, TypeError), (None, TypeError)):
                with pytest.raises(error, match="number of elements"):
                    allocator.allocate(bad)


def test_two_arrays_over_one_pinned_buffer():
    pinned = backend.PagelockedAllocator_float64()
    pinned.allocate(10)
    one = backend.DeviceArray_float64(pinned.ptr(), [5, 2])
    two = backend.DeviceArray_float64(pinned.ptr(), [5, 2])
    np.array(one, copy=False)[...] = np.arange(10).reshape(5, 2)
    np.testing.assert_array_equal(np.array(two, copy=False), np.arange(10).reshape(5, 2))
    one.allocate(), one.to_device()
    assert one.last_status().as_int() == OK and not two.allocated() and one.allocated()
    del pinned
    np.array(two, copy=False)[...] = 0
    one.to_host()
    gc.collect()
    np.testing.assert_array_equal(np.asarray(two), np.arange(10).reshape(5, 2))


def test_wrapping_shares_memory_and_keeps_it():
    k = np.arange(6).reshape(3, 2)
    g = to_gpu(k)
    wrapper = GPUArray(allocator=Allocator(g))
    assert wrapper.ptr == g.ptr == Allocator(g).ptr() and not wrapper._device_array.allocated()
    wrapper.set_val(0, 43), wrapper.set_val(1, 44), wrapper.set_val(8, 45)
    j = wrapper.get()
    np.testing.assert_array_equal(j[0], [43, 44])
    np.testing.assert_array_equal(k, np.arange(6).reshape(3, 2))
    del g
    gc.collect()
    np.testing.assert_array_equal(wrapper.get(), [[43, 44], [2, 3], [4, 5]])


def test_wrapping_with_a_mirror_of_ones_own():
    g, mirror = to_gpu(np.asfortranarray(sample("int64"))), np.zeros((3, 4), np.int64)
    wrapper = GPUArray(allocator=Allocator(g, mirror))
    assert Allocator(g, mirror).host_ptr() == mirror.ctypes.data
    wrapper.to_host()
    np.testing.assert_array_equal(mirror, g.get())
    for bad, error in [
        (np.zeros((4, 3), np.int64), ValueError), (np.zeros((3, 4)), ValueError),
        ([[0] * 4] * 3, TypeError),
    ]:  # fmt: skip
        with pytest.raises(error, match="host_data must"):
            Allocator(g, bad)


def test_wrapping_devarray_arrays():
    for x in (da.arange(6.0).reshape(2, 3), da.arange(6.0).reshape(2, 3).T + 1, da.ones(4)[1:3]):
        g = GPUArray(allocator=Allocator(x))
        expected = x.get()
        np.testing.assert_array_equal(g.get(), expected)
        g.set(expected * 2)
        np.testing.assert_array_equal(x.get(), expected * 2)
        x += 1
        np.testing.assert_array_equal(g.get(), expected * 2 + 1)
    columns = da.arange(6.0).reshape(2, 3).T
    g = GPUArray(allocator=Allocator(columns))
    assert g.strides == (8, 24) and g.ptr == columns.ptr
    with pytest.raises(ValueError, match="contiguous"):
        Allocator(da.arange(6.0)[::2])
    with pytest.raises(ValueError, match="read-only"):
        Allocator(da.broadcast_to(da.ones(1), (3,)))
    with pytest.raises(UnsupportedDataType):
        Allocator(da.ones(2, bool))


class LikeCupy:
    """What CuPy's arrays show of themselves."""

    def __init__(self, x, strides=None):
        self.x, self.shape, self.dtype = x, x.shape, x.dtype
        self.strides = x.strides if strides is None else strides
        self.data = SimpleNamespace(ptr=x.ptr)


class LikeNumba:
    def __init__(self, x):
        self.x = x
        self.__cuda_array_interface__ = {
            "shape": x.shape, "typestr": x.dtype.str, "data": (x.ptr, False), "strides": None,
            "version": 3,
        }  # fmt: skip


@pytest.mark.parametrize("like", [LikeCupy, LikeNumba])
def test_wrapping_arrays_of_others(like, addresses):
    x = da.arange(6).reshape(3, 2)
    g = GPUArray(allocator=Allocator(like(x)))
    assert g.last_status.as_int() == OK and g.ptr == x.ptr
    g.set_val(0, 43)
    assert g.get()[0, 0] == 43 == x.get()[0, 0]
    del g
    gc.collect()
    assert x.get()[0, 0] == 43


def test_wrapping_keeps_the_other_alive_and_reads_its_order(addresses):
    x = da.arange(6.0).reshape(2, 3).copy()
    g = GPUArray(allocator=Allocator(LikeCupy(x.T)))
    assert g.shape == (3, 2) and g.strides == (8, 24)
    g.to_host()
    assert g.last_status.as_int() == OK
    expected = x.get().T
    del x
    gc.collect()
    junk = [da.full(6, 9.0).get() for _ in range(3)]
    np.testing.assert_array_equal(g.get(), expected)
    assert len(junk) == 3
    with pytest.raises(ValueError, match="contiguous"):
        Allocator(LikeCupy(da.arange(8)[::2]))
    for bad in (np.zeros(2), [1], None, SimpleNamespace(data=1, shape=(), dtype=float)):
        with pytest.raises(UnsupportedDataType, match="Allocator wraps"):
            Allocator(bad)
    null = LikeCupy(da.ones(2))
    null.data.ptr = 0
    g = GPUArray(allocator=Allocator(null))
    assert g.last_status.as_int() == INVALID and g.ptr == 0 and g.to_device().as_int() == INVALID


def test_pinned_memory_as_device_memory():
    pinned = PagelockedAllocator((4,), "int64")
    pinned.get()[:] = [1, 2, 3, 4]
    first, second = (GPUArray(allocator=Allocator(pinned)) for _ in range(2))
    if not da.get_device().shares_host_memory:
        assert first.last_status.as_int() == BAD_POINTER and first.ptr == 0
        return
    first.set_val(0, 7)
    np.testing.assert_array_equal(second.get(), [7, 2, 3, 4])
    np.testing.assert_array_equal(pinned.get(), [7, 2, 3, 4])


# ---- the low level


def test_forms_of_low_level_arrays(addresses):
    kind = backend.DeviceArray_float64
    assert kind(5).shape() == [5] and kind(np.int64(5)).size() == 5
    low = kind([2, 3], 0)
    assert low.shape() == [2, 3] and low.strides() == [8, 16] and low.nbytes() == 48
    assert kind((2, 3)).strides() == [24, 8]
    assert kind(l=[2, 3], flag_c_contiguous=0).strides() == [8, 16]
    pointer = backend.ptr_wrapper_float64()
    pointer.create(6)
    for low in (kind(pointer, [3, 2]), kind(a=pointer, l=[3, 2]), kind(pointer, l=[3, 2])):
        assert low.shape() == [3, 2] and int(low.host_data()) == int(pointer)
        assert not low.allocated() and int(low.device_data()) == 0
    memory = backend.DeviceAllocator_float64()
    memory.allocate(6)
    host, device = int(pointer), int(memory.ptr())
    for low in (
        kind(host, device, [2, 3], 0),
        kind(host_addr=host, device_addr=device, l=[2, 3], flag_c_contiguous=0),
        kind(pointer, memory.ptr(), [2, 3], 0),
    ):
        assert int(low.host_data()) == host and int(low.device_data()) == device
        assert low.strides() == [8, 16] and not low.allocated()
        np.array(low, copy=False)[...] = [[1, 2, 3], [4, 5, 6]]
        assert low.to_device().as_int() == OK
        np.testing.assert_array_equal(low.array.get(), [[1, 2, 3], [4, 5, 6]])


def test_wrong_forms_of_low_level_arrays():
    kind = backend.DeviceArray_float64
    pointer, other = backend.ptr_wrapper_float64(), backend.ptr_wrapper_int64()
    pointer.create(4), other.create(4)
    for args, error, words in [
        ((), TypeError, "made of a length, a shape"),
        ((1.5,), TypeError, "needs a length, a shape, a buffer or pointers, got float"),
        (("abc",), TypeError, "got str"),
        ((-1,), ValueError, "negative"),
        (([2, -1],), ValueError, "negative"),
        ((np.zeros(2), [2]), TypeError, "only argument"),
        ((other, [2]), TypeError, "ptr_wrapper_float64"),
        ((pointer, [5]), ValueError, "5 elements of float64 need 40 bytes"),
        ((pointer, "abc", [2]), TypeError, "integer or a pointer, got str"),
        ((np.zeros(2, "f4"),), TypeError, "float32.*astype"),
        ((np.zeros(2, ">f8"),), TypeError, "astype"),
        ((np.array([None]),), TypeError, None),
        ((pointer,), TypeError, "missing"),
        ((1, 2), TypeError, "missing"),
    ]:
        with pytest.raises(error, match=words):
            kind(*args)
    small = backend.DeviceAllocator_float64()
    small.allocate(2)
    with pytest.raises(ValueError, match="3 elements"):
        kind(pointer, small.ptr(), [3])


def test_bits_of_other_dtypes_of_the_same_size():
    x = np.array([1.0, -0.0])
    low = backend.DeviceArray_uint64(x)
    low.allocate(), low.to_device()
    np.testing.assert_array_equal(low.array.get(), x.view(np.uint64))


def test_buffers_of_other_kinds():
    buffer = array.array("d", [1, 2, 3])
    low = backend.DeviceArray_float64(buffer)
    low.allocate(), low.to_device()
    low.set_val(1, 9)
    low.to_host()
    assert list(buffer) == [1, 9, 3]
    again = backend.DeviceArray_float64(low)  # its mirror is a buffer, too
    assert int(again.host_data()) == int(low.host_data())
    assert backend.DeviceArray_float64(memoryview(buffer)).shape() == [3]


def test_transfers_without_memory_are_errors_not_crashes():
    low = backend.DeviceArray_int32(3)
    assert low.last_status().as_int() == OK
    for call in (low.to_device, low.to_host, lambda: low.set_val(0, 1)):
        error = call()
        assert error.as_int() == INVALID and "allocate()" in error.message
        assert low.last_status() == error
    with pytest.raises(da.DeviceError, match="allocate"):
        low.array  # noqa: B018
    null = backend.DeviceArray_int32(backend.ptr_wrapper_int32(), [3])
    null.allocate()
    for call in (null.to_device, null.to_host, lambda: null.set(0)):
        error = call()
        assert error.as_int() == INVALID and "address" in error.message
    with pytest.raises(AttributeError, match="mirror"):
        null.__array_interface__  # noqa: B018
    assert int(null.host_data()) == 0
    assert pygpu.cudaGetLastError().as_int() == INVALID
    assert pygpu.cudaGetLastError().as_int() == OK


def test_set_takes_an_address():
    source = np.arange(6.0).reshape(2, 3)
    for flag in (0, 1):
        low = backend.DeviceArray_float64([2, 3], flag)
        mirror = np.asarray(low)
        mirror[...] = 5
        low.allocate()
        assert low.set(source.ctypes.data).as_int() == OK
        expected = source if flag else source.ravel().reshape(2, 3, order="F")
        np.testing.assert_array_equal(low.array.get(), expected)
        assert (mirror == 5).all()
    with pytest.raises(TypeError, match="address"):
        low.set(source)


# ---- pointers


def test_pointers():
    pointer = backend.ptr_wrapper_int32()
    assert int(pointer) == 0 and not pointer.is_safe()
    assert repr(pointer) == "<ptr_wrapper<int32>, is_safe=0, addr=0>"
    pointer.create(3)
    address = int(pointer)
    assert address and pointer.is_safe() and hex(pointer) == hex(address)
    assert repr(pointer) == f"<ptr_wrapper<int32>, is_safe=1, addr={address}>"
    out = io.StringIO()
    with redirect_stdout(out):
        pointer.print_address()
    assert f"{address:#x}" in out.getvalue()
    ctypes.memset(pointer, 0, 12)
    mirror = np.asarray(backend.DeviceArray_int32(pointer, [3]))
    mirror[0] = 7
    assert ctypes.c_int32.from_address(address).value == 7
    pointer.destroy()
    assert int(pointer) == 0 and not pointer.is_safe()
    assert mirror[0] == 7  # memory that is in use stays
    with pytest.raises(ValueError, match="negative"):
        pointer.create(-1)


def test_device_pointers_are_not_host_pointers():
    memory = backend.DeviceAllocator_int32()
    memory.allocate(3)
    if da.get_device().shares_host_memory:
        assert backend.DeviceArray_int32(memory.ptr(), [3]).shape() == [3]
    else:
        with pytest.raises(ValueError, match="host cannot read"):
            backend.DeviceArray_int32(memory.ptr(), [3])


def test_addresses_are_used_but_not_owned(addresses):
    host, memory = np.zeros(4), da.zeros(4)
    g = backend.DeviceArray_float64(host.ctypes.data, memory.ptr, [4])
    host[:] = 3
    g.to_device()
    del g
    gc.collect()
    np.testing.assert_array_equal(memory.get(), 3)


@needs_host_memory
def test_host_memory_as_device_memory():
    host, memory = np.zeros(4), np.zeros(4)
    g = backend.DeviceArray_float64(host.ctypes.data, memory.ctypes.data, [4])
    host[:] = 3
    g.to_device()
    np.testing.assert_array_equal(memory, 3)


def test_device_memory_goes_with_the_last_array():
    memory = da.get_device().memory
    gc.collect()
    before = memory.statistics().used
    g = to_gpu(np.zeros(1 << 17))
    wrapper = GPUArray(allocator=Allocator(g))
    assert memory.statistics().used >= before + (1 << 20)
    del g
    gc.collect()
    assert memory.statistics().used >= before + (1 << 20)
    del wrapper
    gc.collect()
    assert memory.statistics().used == before


def test_pointers_keep_what_they_point_to():
    g = to_gpu(np.arange(1000.0))
    pointer = g.device_data
    del g
    gc.collect()
    other = backend.DeviceArray_float64(backend.ptr_wrapper_float64(), [0])
    assert other.allocate().as_int() == OK
    low = backend.DeviceArray_float64(0, pointer, [1000])
    np.testing.assert_array_equal(low.array.get(), np.arange(1000.0))


# ---- devices, errors


def test_error_objects():
    error = pygpu.cudaError_t(0)
    assert repr(error) == "<CudaError: 'code=0'>" and error.as_int() == 0 == int(error)
    assert repr(pygpu.nvmlReturn_t(3)) == "<NvmlReturn: 'code=3'>"
    assert error == pygpu.cudaError_t(0) != pygpu.cudaError_t(1)
    assert error != pygpu.nvmlReturn_t(0) and len({error, pygpu.cudaError_t(0)}) == 1
    for code, name, words in [
        (0, "cudaSuccess", "no error"),
        (1, "cudaErrorInvalidValue", "invalid argument"),
        (2, "cudaErrorMemoryAllocation", "out of memory"),
        (100, "cudaErrorNoDevice", "no CUDA-capable device is detected"),
        (101, "cudaErrorInvalidDevice", "invalid device ordinal"),
        (400, "cudaErrorInvalidResourceHandle", "invalid resource handle"),
        (600, "cudaErrorNotReady", "device not ready"),
        (12345, "unrecognized error code", "unrecognized error code"),
    ]:
        assert pygpu.cudaGetErrorName(pygpu.cudaError_t(code)) == name
        assert pygpu.cudaGetErrorString(pygpu.cudaError_t(code)) == words
    for bad in ("0", None, 1.5):
        with pytest.raises(TypeError):
            pygpu.cudaError_t(bad)
        with pytest.raises(TypeError, match="cudaError_t"):
            pygpu.cudaGetErrorName(bad)


def test_devices_by_number():
    for bad in (99, -1, 10**20):
        error = pygpu.cudaSetDevice(bad)
        assert error.as_int() == BAD_DEVICE and error.message
    for bad in ("0", None, 1.5):
        with pytest.raises(TypeError, match="number"):
            pygpu.cudaSetDevice(bad)
    count, error = pygpu.cudaGetDeviceCount()
    assert count >= 1 and error.as_int() == OK
    assert pygpu.cudaSetDevice(0).as_int() == OK
    assert pygpu.cudaDeviceSynchronize().as_int() == OK
    pygpu.cudaGetLastError()


def test_reset_takes_nothing_away():
    g = to_gpu(np.arange(3))
    assert pygpu.cudaDeviceReset().as_int() == OK
    assert g.array.device.memory.statistics().free == 0
    np.testing.assert_array_equal(g.get(), [0, 1, 2])


def test_no_device_at_all():
    with da.config(device="cuda:77"):
        assert pygpu.cudaGetDeviceCount()[1].as_int() == 100
        assert pygpu.cudaGetDevice()[1].as_int() == 100
        assert pygpu.cudaSetDevice(0).as_int() == 100
        assert pygpu.cudaDeviceSynchronize().as_int() != OK
        assert pygpu.cudaGetErrorName(pygpu.cudaGetLastError()).startswith("cudaError")
        g = GPUArray((2, 3))
        assert g.last_status.as_int() != OK and g.ptr == 0
        assert g.get().shape == (2, 3) and g.last_status.as_int() == INVALID
        part = g[0]
        assert part.shape == (3,) and part.last_status.as_int() != OK
        assert pygpu.cudaStream_t().last_status().as_int() != OK
        assert pygpu.use_hip is False
    pygpu.cudaGetLastError()


def test_too_little_memory_is_a_value(limited):
    g = GPUArray((1 << 20,))
    assert g.last_status.as_int() == NO_MEMORY and g.ptr == 0
    assert pygpu.cudaGetErrorName(g.last_status) == "cudaErrorMemoryAllocation"
    assert "limit" in g.last_status.message
    assert g.to_device().as_int() == INVALID
    assert to_gpu(np.zeros(1 << 20)).last_status.as_int() == NO_MEMORY
    memory = backend.DeviceAllocator_float64()
    assert memory.allocate(1 << 20).as_int() == NO_MEMORY and int(memory.ptr()) == 0
    limited.memory.limit = 0
    assert g.allocate().as_int() == OK and g.to_device().as_int() == OK
    pygpu.cudaGetLastError()


def test_last_error_is_of_the_thread():
    pygpu.cudaGetLastError()
    seen = []

    def work():
        pygpu.cudaSetDevice(99)
        seen.append(pygpu.cudaGetLastError().as_int())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [BAD_DEVICE] and pygpu.cudaGetLastError().as_int() == OK


def test_device_properties():
    prop = pygpu.cudaDeviceProp(0)
    assert prop.last_status().as_int() == OK
    assert prop.name() == da.get_device().properties["device"]
    assert isinstance(prop.pciBusID(), int) and isinstance(prop.uuid(), str)
    none = pygpu.cudaDeviceProp(99)
    assert none.last_status().as_int() == BAD_DEVICE
    assert (none.name(), none.uuid(), none.pciBusID()) == ("", "", -1)
    pygpu.cudaGetLastError()


def test_places_on_the_bus_are_told_apart(monkeypatch):
    device = da.get_device()
    facts = device.properties | {
        "pci_bus": 3, "pci_device": 4, "pci_domain": 5, "uuid": "ab" * 16,
    }  # fmt: skip
    monkeypatch.setattr(type(device), "properties", property(lambda self: facts))
    prop = pygpu.cudaDeviceProp(0)
    assert (prop.pciBusID(), prop.pciDeviceID(), prop.pciDomainID()) == (3, 4, 5)
    assert prop.uuid() == "ab" * 16 and prop.last_status().as_int() == OK
    del facts["pci_bus"]
    assert prop.pciBusID() == -1 and prop.last_status().as_int() == NOT_SUPPORTED
    assert prop.name() and prop.last_status().as_int() == OK
    pygpu.cudaGetLastError()


def test_nvml():
    assert pygpu.nvmlShutdown().as_int() != OK  # nobody has begun
    assert pygpu.nvmlDevice(0).last_status().as_int() != OK
    assert pygpu.nvmlInit().as_int() == OK
    try:
        device = pygpu.nvmlDevice(0)
        assert device.last_status().as_int() == OK
        kept = to_gpu(np.zeros(1 << 20))
        free, total, used = device.memory_info()
        assert device.last_status().as_int() == OK
        assert total == da.get_device().properties["memory"]
        assert free + used == total and used >= kept.nbytes
        assert device.utilization_rates() == (0, 0)
        assert device.last_status().as_int() != OK and device.last_status().message
        device = pygpu.nvmlDevice(99)
        assert device.last_status().as_int() != OK and device.memory_info() == (0, 0, 0)
    finally:
        assert pygpu.nvmlShutdown().as_int() == OK
    assert pygpu.cudaGetLastError().as_int() == OK  # NVML's errors are not CUDA's


# ---- streams and events


def test_events_tell_time():
    start, end = pygpu.cudaEvent_t(), pygpu.cudaEvent_t()
    stream = pygpu.cudaStream_t()
    assert stream.last_status().as_int() == OK == start.last_status().as_int()
    for args in ((), (stream,)):
        begin = time.perf_counter()
        assert pygpu.cudaEventRecord(start, *args).as_int() == OK
        to_gpu(np.zeros(100_000))
        assert pygpu.cudaEventRecord(end, *args).as_int() == OK
        assert pygpu.cudaEventSynchronize(end).as_int() == OK
        elapsed, error = pygpu.cudaEventElapsedTime(start, end)
        assert error.as_int() == OK and 0 <= elapsed < 1000 * (time.perf_counter() - begin) + 1
    assert isinstance(stream.get(), object) and int(stream) == stream.stream.native
    cell = ctypes.c_void_p.from_address(int(stream.get()))
    assert (cell.value or 0) == int(stream)
    assert int(start.get()) != 0


def test_events_without_a_time():
    start, end = pygpu.cudaEvent_t(), pygpu.cudaEvent_t(2)
    pygpu.cudaEventRecord(start), pygpu.cudaEventRecord(end)
    assert pygpu.cudaEventElapsedTime(start, end)[1].as_int() == BAD_HANDLE
    assert pygpu.cudaEventElapsedTime(start, pygpu.cudaEvent_t())[1].as_int() == BAD_HANDLE
    assert pygpu.cudaEventSynchronize(pygpu.cudaEvent_t()).as_int() == OK  # never recorded
    for kind, bad in ((pygpu.cudaEvent_t, 8), (pygpu.cudaEvent_t, 4), (pygpu.cudaStream_t, 2)):
        made = kind(bad)
        assert made.last_status().as_int() == INVALID and int(made) == 0
    broken = pygpu.cudaEvent_t(8)
    assert pygpu.cudaEventRecord(broken).as_int() == BAD_HANDLE
    assert pygpu.cudaEventSynchronize(broken).as_int() == BAD_HANDLE
    assert pygpu.cudaEventElapsedTime(broken, start)[1].as_int() == BAD_HANDLE
    assert pygpu.cudaEventRecord(start, made).as_int() == BAD_HANDLE
    for call in (
        lambda: pygpu.cudaEventRecord(None), lambda: pygpu.cudaEventRecord(start, 0),
        lambda: pygpu.cudaEventSynchronize(1), lambda: pygpu.cudaEventElapsedTime(start, None),
        lambda: pygpu.cudaStream_t("1"),
    ):  # fmt: skip
        with pytest.raises(TypeError):
            call()
    pygpu.cudaGetLastError()


def test_an_event_that_has_not_happened(gpus):
    start, end = pygpu.cudaEvent_t(), pygpu.cudaEvent_t()
    pygpu.cudaEventRecord(start), pygpu.cudaEventRecord(end)
    _, error = pygpu.cudaEventElapsedTime(start, end)
    assert pygpu.cudaGetErrorName(error) == "cudaErrorNotReady"
    pygpu.cudaEventSynchronize(end)
    assert pygpu.cudaEventElapsedTime(start, end)[1].as_int() == OK
    pygpu.cudaGetLastError()


# ---- a machine with two GPUs


def test_two_gpus(gpus):
    assert pygpu.cudaGetDeviceCount() == (2, pygpu.cudaError_t(0))
    assert pygpu.cudaGetDevice()[0] == 0
    first = to_gpu(np.arange(3))
    assert pygpu.cudaSetDevice(1).as_int() == OK and pygpu.cudaGetDevice()[0] == 1
    second = to_gpu(np.arange(3))
    assert first.array.device.name == "cuda" and second.array.device.name == "cuda:1"
    assert pygpu.cudaSetDevice(2).as_int() == BAD_DEVICE and pygpu.cudaGetDevice()[0] == 1
    first.set(np.array([4, 5, 6]))  # each is used where it is
    np.testing.assert_array_equal(first.get(), [4, 5, 6])
    np.testing.assert_array_equal(second.get(), [0, 1, 2])
    stream, event = pygpu.cudaStream_t(), pygpu.cudaEvent_t()
    pygpu.cudaSetDevice(0)
    assert pygpu.cudaEventRecord(pygpu.cudaEvent_t(), stream).as_int() == BAD_HANDLE
    assert pygpu.cudaEventRecord(event, stream).as_int() == OK
    with da.Device("cuda:1"):  # the default device, said later, wins
        assert pygpu.cudaGetDevice()[0] == 1
    assert pygpu.cudaGetDevice()[0] == 0
    seen = []
    pygpu.cudaSetDevice(1)
    thread = threading.Thread(target=lambda: seen.append(pygpu.cudaGetDevice()[0]))
    thread.start()
    thread.join()
    assert seen != [1]  # each thread has its own
    pygpu.cudaGetLastError()


def test_the_device_in_use_is_so_for_foreign_functions(gpus):
    first, stream = to_gpu(np.arange(3)), pygpu.cudaStream_t()
    event = pygpu.cudaEvent_t()
    pygpu.cudaSetDevice(1)
    assert gpus.device == 1  # at once, as a library of the user's launches there now
    for use in (
        first.to_device, first.get, lambda: first.set_val(0, 1), lambda: first[0],
        lambda: first.set(np.zeros(3, int)), lambda: GPUArray(allocator=Allocator(first)),
        lambda: pygpu.cudaEventRecord(event, stream), lambda: pygpu.cudaEventSynchronize(event),
        lambda: pygpu.cudaDeviceProp(0).name(), lambda: pygpu.cudaSetDevice(99),
    ):  # fmt: skip
        use()
        assert gpus.device == 1
    first = None
    gc.collect()
    assert gpus.device == 1
    pygpu.cudaSetDevice(0)
    assert gpus.device == 0
    pygpu.cudaGetLastError()


def test_what_a_gpus_runtime_reports_is_the_value(gpus):
    g, stream, event = to_gpu(np.arange(3)), pygpu.cudaStream_t(), pygpu.cudaEvent_t()
    pygpu.cudaEventRecord(event), pygpu.cudaEventSynchronize(event)
    gpus.deny_after = 0
    assert PagelockedAllocator((4,), "int32").last_status.as_int() == NO_MEMORY
    gpus.sticky = 719  # a kernel of somebody's has crashed
    for call in (
        g.to_device, g.to_host, lambda: g.set_val(0, 1), pygpu.cudaDeviceSynchronize,
        lambda: pygpu.cudaEventRecord(event, stream),
        lambda: PagelockedAllocator((4,), "int32").last_status,
    ):  # fmt: skip
        assert pygpu.cudaGetErrorName(call()) == "cudaErrorLaunchFailure"
    np.testing.assert_array_equal(g.get(), [0, 1, 2])  # the mirror, as it was
    assert g.last_status.as_int() == 719 == pygpu.cudaGetLastError().as_int()


def test_hip_is_told():
    with standin(Machine(is_hip=True, built_for=70051831, driver=70051831), hip):
        assert pygpu.use_hip is True and backend.use_hip is True
        np.testing.assert_array_equal(to_gpu(np.arange(3)).get(), [0, 1, 2])
    assert pygpu.use_hip is False


def test_arrays_of_gpus_have_the_interface_of_cuda(gpus):
    g = to_gpu(np.asfortranarray(np.arange(6.0, dtype="f4").reshape(2, 3)))
    interface = g.__cuda_array_interface__
    assert interface["typestr"] == "<f4" and interface["shape"] == (2, 3)
    assert interface["data"] == (g.ptr, False) and interface["strides"] == (4, 8)
    assert to_gpu(np.zeros(3)).__cuda_array_interface__["strides"] is None


def test_hosts_have_no_interface_of_cuda():
    g = to_gpu(np.zeros(3))
    assert hasattr(g, "__cuda_array_interface__") == da.get_device().has_cuda_interface


def test_transfers_wait_for_streams_as_in_cuda(gpus):
    g, values = to_gpu(np.zeros(1000)), np.arange(1000.0)
    runtime = g.array.device.cupy.cuda.runtime

    def foreign(stream):
        """What a user's library does, and devarray knows nothing of."""
        runtime.memcpyAsync(g.ptr, values.ctypes.data, values.nbytes, 1, int(stream))

    for flags, expected in ((1, np.zeros(1000)), (0, values)):
        stream = pygpu.cudaStream_t(flags)
        foreign(stream)
        np.testing.assert_array_equal(g.get(), expected)
        pygpu.cudaDeviceSynchronize()
        np.testing.assert_array_equal(g.get(), values)
        g.set(np.zeros(1000))
    foreign(stream)
    event = pygpu.cudaEvent_t()
    pygpu.cudaEventRecord(event)  # in the default stream, after all others
    pygpu.cudaEventSynchronize(event)
    assert stream.stream.done


@pytest.mark.parametrize("flags", [0, 1])
def test_memory_is_not_used_again_before_foreign_work_is_done(gpus, flags):
    values, stream = np.arange(1000.0), pygpu.cudaStream_t(flags)
    g = GPUArray((1000,))
    runtime = g.array.device.cupy.cuda.runtime
    runtime.memcpyAsync(g.ptr, values.ctypes.data, values.nbytes, 1, int(stream))
    address = g.ptr
    del g  # as cudaFree waits for the device
    gc.collect()
    other = to_gpu(np.zeros(1000))
    assert other.ptr == address
    pygpu.cudaDeviceSynchronize()
    np.testing.assert_array_equal(other.get(), 0)


# ---- the page


@needs_host_memory
@pytest.mark.skipif(shutil.which("cc") is None, reason="the page's example needs a C compiler")
def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = (Path(__file__).parents[1] / "docs/from-pygpu.md").read_text(encoding="utf-8")
    namespace = {}
    parts = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(parts) >= 2
    for part in parts:
        exec(part, namespace)


def test_registry_is_left_as_it_was():
    assert registry.get_device() is DEVICE
