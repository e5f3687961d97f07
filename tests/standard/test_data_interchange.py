"""DLPack: memory goes from library to library without copies, or is refused."""

from __future__ import annotations

import ctypes
import math

import numpy as np
import pytest

import devarray as da
from agreement import NUMPY_LIBRARY, host_memory
from standard.common import DTYPES, array, same

COPIED = (2,) if NUMPY_LIBRARY else (0, 2)


class Old:
    """An exporter from before the standard 2023.12: it knows no keyword but stream."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, stream=None):
        return self.values.__dlpack__(stream=stream)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class Elsewhere:
    """An array on a device that is not the host."""

    def __dlpack__(self, **options):
        raise BufferError("this memory cannot be reached")

    def __dlpack_device__(self):
        return (2, 0)


def address(x):
    return x.__array_interface__["data"][0]


@host_memory
def test_the_device_is_the_host():
    kind, number = da.ones(2).__dlpack_device__()
    assert (int(kind), number) == (1, 0)


def test_capsules():
    x = array([1.0, 2.0])
    assert "dltensor" in repr(x.__dlpack__())
    assert "dltensor_versioned" not in repr(x.__dlpack__())
    assert "dltensor_versioned" in repr(x.__dlpack__(max_version=(1, 0)))
    assert "dltensor_versioned" in repr(x.__dlpack__(max_version=(1, 9)))
    assert "dltensor_versioned" in repr(x.__dlpack__(max_version=(2, 0)))
    assert "dltensor_versioned" not in repr(x.__dlpack__(max_version=(0, 8)))
    x.__dlpack__(stream=None, max_version=(1, 0), dl_device=(1, 0), copy=None)
    x.__dlpack__(dl_device=x.__dlpack_device__(), copy=False)


def flags(capsule):
    """Return the flags in a capsule of DLPack 1: they stand behind version, context, deleter."""
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    start = pointer(capsule, b"dltensor_versioned")
    return ctypes.c_uint64.from_address(start + 8 + 2 * ctypes.sizeof(ctypes.c_void_p)).value


def test_flags():
    """1: read-only; 2: a copy was made, which libraries of some devices do not say."""
    x = array([1.0, 2.0])
    for copy, wanted in ((None, (0,)), (False, (0,)), (True, COPIED)):
        assert flags(x.__dlpack__(max_version=(1, 0), copy=copy)) in wanted
    assert flags(da.broadcast_to(x, (2, 2)).__dlpack__(max_version=(1, 0))) == 1


def test_what_cannot_be_exported():
    x = array([1.0, 2.0])
    for device in ((2, 0), (13, 1), (1, 7)):
        for copy in (None, False, True):
            with pytest.raises(BufferError):
                x.__dlpack__(dl_device=device, copy=copy)
    for stream in (1, -1, 0):
        with pytest.raises((RuntimeError, ValueError, BufferError, TypeError)):
            x.__dlpack__(stream=stream)


@pytest.mark.parametrize("dtype", DTYPES)
def test_copies_in_host_memory(dtype):
    x = array([[0, 1, 2], [3, 4, 5]], dtype)
    for view in (x, x[:, ::-2], x.T, x[0], x[1, 1], x[:0], da.broadcast_to(x[0], (2, 3)), x + x):
        host = np.from_dlpack(view, device="cpu", copy=True)
        assert host.dtype == dtype
        same(view, host)
    host = np.from_dlpack(x, device="cpu", copy=True)
    host[0, 0] = 1
    assert not bool(x[0, 0])


@host_memory
@pytest.mark.parametrize("dtype", DTYPES)
def test_round_trips_share_memory(dtype):
    x = array([[0, 1, 2], [3, 4, 5]], dtype)
    host = np.from_dlpack(x)
    assert host.dtype == dtype
    same(x, host)
    host[0, 0] = 1
    assert bool(x[0, 0] == 1)
    x[1, 1] = 0
    assert host[1, 1] == 0
    again = da.from_dlpack(host, copy=False)
    again[0, 1] = 0
    assert host[0, 1] == 0
    assert bool(x[0, 1] == 0)
    same(again, host)
    assert address(np.from_dlpack(again)) == address(host)


@host_memory
def test_views_keep_their_strides():
    x = array(np.arange(24.0).reshape(4, 6))
    for view in (x[1::2, ::-2], x.T, x[0], x[:, 2], da.broadcast_to(x[0], (2, 6)), x[:0], x[3, 3]):
        host = np.from_dlpack(view)
        same(view, host)
    part = np.from_dlpack(x[1:, 2:4])
    part[...] = -1.0
    same(x[1:, 2:4], np.full((3, 2), -1.0))
    values = np.arange(24.0).reshape(4, 6)
    shared = da.from_dlpack(values[::-1, 1::2].T, copy=False)
    same(shared, values[::-1, 1::2].T)
    shared[0, 0] = 99.0
    assert values[3, 1] == 99.0
    values[0, 5] = -5.0
    assert float(shared[2, 3]) == -5.0


@host_memory
def test_expressions_are_evaluated_before_they_leave():
    x = array([1.0, 2.0])
    y = x * 2 + 1
    host = np.from_dlpack(y)
    x[...] = 0.0
    np.testing.assert_array_equal(host, [3.0, 5.0])
    later = y + 1
    host[0] = 10.0
    same(later, [4.0, 6.0])  # recorded before the write
    same(y + 1, [11.0, 6.0])


@host_memory
def test_copy_of_the_exporter():
    x = array([1.0, 2.0])
    host = np.from_dlpack(x, copy=True)
    host[0] = 9.0
    same(x, [1.0, 2.0])
    shared = np.from_dlpack(x, copy=False)
    shared[0] = 9.0
    same(x, [9.0, 2.0])


@pytest.mark.parametrize("source", [pytest.param("host", marks=host_memory), "device"])
def test_copy_of_the_consumer(source):
    values = np.asarray([1.0, 2.0, 3.0])
    x = values if source == "host" else array(values)
    copied, kept, default = (da.from_dlpack(x, copy=copy) for copy in (True, False, None))
    x[0] = 9.0
    same(copied, [1.0, 2.0, 3.0])
    same(kept, [9.0, 2.0, 3.0])
    same(default, [9.0, 2.0, 3.0])  # None: reuse the memory where that is possible
    copied[1] = 7.0
    kept[2] = 5.0
    np.testing.assert_array_equal(da.asnumpy(x), [9.0, 2.0, 5.0])


@host_memory
def test_lifetimes():
    host = np.from_dlpack(da.ones(1000) * 3)
    da.zeros(1000).get()
    np.testing.assert_array_equal(host, np.full(1000, 3.0))
    x = da.from_dlpack(np.arange(1000.0), copy=False)
    np.ones(1000)
    same(da.sum(x), np.asarray(499500.0))


def test_read_only_memory():
    values = np.arange(3.0)
    values.flags.writeable = False
    for copy in (None, True):
        x = da.from_dlpack(values, copy=copy)
        same(x + 1, [1.0, 2.0, 3.0])
    x[0] = 9.0  # its own memory


@host_memory
def test_shared_read_only_memory():
    values = np.arange(3.0)
    values.flags.writeable = False
    shared = da.from_dlpack(values, copy=False)
    with pytest.raises(ValueError, match="read-only"):
        shared[0] = 9.0
    np.testing.assert_array_equal(values, [0.0, 1.0, 2.0])
    again = np.from_dlpack(shared)
    assert not again.flags.writeable
    assert address(again) == address(values)
    with pytest.raises(BufferError):
        shared.__dlpack__()  # capsules without a version cannot say that they are read-only


def test_devices():
    values = np.arange(3.0)
    for device in (None, "cpu", "openmp", da.ones(1).device):
        x = da.from_dlpack(values, device=device)
        same(x, values)
        assert x.device == da.Device(device)
        same(da.from_dlpack(x, device=device, copy=False), values)
    with pytest.raises((da.DeviceError, ValueError, BufferError)):
        da.from_dlpack(values, device="no such device")


def test_what_is_no_exporter():
    for thing in (3, [1, 2], None):
        with pytest.raises(AttributeError):
            da.from_dlpack(thing)
    with pytest.raises((BufferError, RuntimeError)):
        da.from_dlpack(Elsewhere())
    with pytest.raises((BufferError, TypeError, da.UnsupportedError)):
        da.from_dlpack(np.asarray(["a"]))


def test_exporters_of_before():
    values = np.arange(3.0)
    same(da.from_dlpack(Old(values)), values)
    same(da.from_dlpack(Old(array(values))), values)


def test_scalars_and_empty_arrays():
    for values in (
        np.asarray(2.5),
        np.empty((0, 3)),
        np.empty((2, 0), "int8"),
        np.asarray(math.nan),
    ):
        for copy in (None, True, False)[: 3 if array(0).device.shares_host_memory else 2]:
            same(da.from_dlpack(values, copy=copy), values)
        got = np.from_dlpack(array(values), device="cpu", copy=True)
        assert (got.shape, got.dtype) == (values.shape, values.dtype)
        np.testing.assert_array_equal(got, values)
