"""`devarray.compat.pycuda.gpuarray`, `cumath` and `curandom` beside NumPy."""

import copy
import itertools
import math
import operator
import pickle
import statistics
import sys

import numpy as np
import pytest

import devarray as da
from devarray.compat.pycuda import cumath, curandom, driver, gpuarray
from devarray.compat.pycuda.gpuarray import GPUArray, to_gpu, vec
from devarray.errors import HostMixError
from gaps import where_supported

RNG = np.random.default_rng(5)
PAIR = np.dtype([("a", np.float32), ("b", np.int32)])


def same(result, expected, rtol=0.0):
    """Check values, dtype and shape of a GPUArray."""
    assert isinstance(result, GPUArray)
    host, expected = result.get(), np.asarray(expected)
    assert host.dtype == expected.dtype == result.dtype
    assert host.shape == expected.shape == result.shape
    if rtol:
        np.testing.assert_allclose(host, expected, rtol=rtol)
    else:
        np.testing.assert_array_equal(host, expected)


class Allocator:
    """Memory of the driver, counted."""

    def __init__(self):
        self.calls = []

    def __call__(self, nbytes):
        self.calls.append((nbytes, driver.mem_alloc(nbytes)))
        return self.calls[-1][1]

    @property
    def sizes(self):
        return [nbytes for nbytes, _ in self.calls]


# Construction


@pytest.mark.parametrize(
    "shape", [3, np.int32(3), (2, 3), [2, 3], np.array(3), np.array([2, 3]), (), 0, (2, 0, 3)]
)
@pytest.mark.parametrize("order", ["C", "F"])
def test_shapes_and_orders(shape, order):
    host = np.empty(shape, np.float32, order)
    array = gpuarray.empty(shape, np.float32, order=order)
    assert (array.shape, array.size, array.ndim) == (host.shape, host.size, host.ndim)
    assert (array.nbytes, array.itemsize, array.mem_size) == (host.nbytes, 4, host.size)
    for flag in ("c_contiguous", "f_contiguous", "forc"):
        assert getattr(array.flags, flag) == getattr(host.flags, flag)
    if host.size:
        assert array.strides == host.strides
    else:
        assert array.gpudata is None


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        (((3,), np.float32, None, None, None, None, "K"), ValueError, "order must be 'C' or 'F'"),
        (((3,), np.float32, None, None, None, None, 7), ValueError, "order must be 'C' or 'F'"),
        (((3,), object), TypeError, "Python objects"),
        ((np.zeros((2, 2), int), np.float32), ValueError, "a shape has one axis"),
        (((3,), np.float32, None, None, "x"), TypeError, "gpudata must be an address"),
        (((3,), np.float32, None, None, None, (4, 4)), ValueError, "1 axes need as many strides"),
        (((3,), np.float32, None, None, None, (-4,)), ValueError, "must not be negative"),
        (((-3,), np.float32), ValueError, "negative"),
    ],
)
def test_construction_refuses(arguments, error, words):
    with pytest.raises(error, match=words):
        GPUArray(*arguments)


def test_strides_of_new_memory():
    array = GPUArray((2, 3), np.int32, strides=(32, 8))
    array[...] = np.arange(6, dtype=np.int32).reshape(2, 3)
    assert array.strides == (32, 8) and not array.flags.forc
    same(array + 1, np.arange(1, 7, dtype=np.int32).reshape(2, 3))


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", "i8", "f2", "f4", "f8", "c8", "c16", PAIR])
@pytest.mark.parametrize("order", ["C", "F"])
def test_zeros_and_ones(dtype, order):
    for make, reference in ((gpuarray.zeros, np.zeros), (gpuarray.ones, np.ones)):
        array = make((2, 3), dtype, order=order)
        same(array, reference((2, 3), dtype))
        assert array.flags.f_contiguous == (order == "F")


def test_default_dtype_is_numpys():
    same(gpuarray.zeros(3), np.zeros(3))
    same(gpuarray.ones(()), np.ones(()))


STRIDED = [
    np.arange(24.0).reshape(2, 3, 4),
    np.asfortranarray(np.arange(24.0).reshape(2, 3, 4)),
    np.arange(24.0).reshape(2, 3, 4).swapaxes(0, 1),
    np.arange(24.0).reshape(2, 3, 4)[:, ::-1, ::2],
    np.arange(24.0)[::-3],
    np.broadcast_to(np.arange(3.0), (2, 3)),
    np.array(2.5),
    np.zeros((0, 3)),
    np.zeros((1, 4), order="F"),
]


@pytest.mark.parametrize("host", STRIDED)
def test_round_trip_keeps_the_order_of_axes(host):
    array = to_gpu(host)
    same(array, host)
    same(array.copy(), host)
    if host.size and 0 not in host.strides:
        compact = np.array(host, order="K", copy=True)
        for made in (array, array.get(), array.copy()):
            assert made.strides == compact.strides


def test_to_gpu_copies():
    host = np.arange(3.0)
    array = to_gpu(host)
    host[:] = 0
    same(array, [0.0, 1.0, 2.0])
    again = to_gpu(array)
    again += 1
    same(array, [0.0, 1.0, 2.0])
    same(to_gpu(da.arange(3)), np.arange(3))
    same(to_gpu([1, 2]), np.array([1, 2]))
    same(to_gpu(np.arange(3, dtype=">f4")), np.arange(3, dtype="f4"))
    with pytest.raises(TypeError, match="masked"):
        to_gpu(np.ma.zeros(3))


@where_supported
def test_allocator_is_called_once_and_its_memory_used():
    allocate = Allocator()
    host = np.asfortranarray(RNG.random((3, 4)))
    array = to_gpu(host, allocate)
    same(array, host)
    assert allocate.sizes == [96]
    assert array.gpudata is allocate.calls[0][1]
    assert array.allocator is allocate and array.strides == host.strides
    assert array.ptr == int(array.gpudata)
    for make in (gpuarray.zeros, gpuarray.ones, gpuarray.empty):
        make(5, np.float32, allocate)
    assert allocate.sizes == [96, 20, 20, 20]
    gpuarray.zeros(0, np.float32, allocate)  # nothing to allocate
    assert len(allocate.sizes) == 4


@where_supported
def test_allocator_of_results():
    for function, arguments, expected in [
        (gpuarray.sum, (to_gpu(np.arange(5.0)),), 10.0),
        (gpuarray.dot, (to_gpu(np.arange(5.0)), to_gpu(np.arange(5.0))), 30.0),
        (gpuarray.subset_sum, (to_gpu(np.array([1, 3])), to_gpu(np.arange(5.0))), 4.0),
        (gpuarray.any, (to_gpu(np.arange(5.0)),), np.True_),
    ]:
        allocate = Allocator()
        result = function(*arguments, allocator=allocate)
        same(result, expected)
        assert allocate.sizes == [result.nbytes]
        assert result.gpudata is allocate.calls[0][1] and result.allocator is allocate
    allocate = Allocator()
    both = gpuarray.concatenate([to_gpu(np.arange(3)), to_gpu(np.arange(2))], allocator=allocate)
    same(both, [0, 1, 2, 0, 1])
    assert allocate.sizes == [40]


@where_supported
def test_gpudata_keeps_memory_alive_and_follows_the_array():
    array = to_gpu(np.arange(4.0))
    memory = array.gpudata
    assert int(memory) == operator.index(memory) == array.ptr
    assert memory == array.gpudata and hash(memory) == hash(array.gpudata)
    array *= 2  # memory that was shown to others is written at once
    other = GPUArray(4, np.float64, gpudata=memory)
    same(other, [0.0, 2.0, 4.0, 6.0])
    del array
    same(GPUArray((2, 2), np.float64, gpudata=memory, order="F"), [[0.0, 4.0], [2.0, 6.0]])
    same(GPUArray(2, np.float64, gpudata=int(memory) + 8, base=other), [2.0, 4.0])
    other[1:3].fill(-1)
    same(other, [0.0, -1.0, -1.0, 6.0])


def test_free():
    array = to_gpu(np.arange(4.0))
    part = array[1:]
    array.gpudata.free()
    with pytest.raises(ValueError, match=r"given back, by gpudata\.free"):
        array.get()
    with pytest.raises(ValueError, match=r"given back, by gpudata\.free"):
        array + 1
    same(part, [1.0, 2.0, 3.0])


@pytest.mark.parametrize("function", ["empty_like", "zeros_like", "ones_like"])
@pytest.mark.parametrize("order", "CFAK")
@pytest.mark.parametrize("host", STRIDED[:3] + STRIDED[4:5])
def test_like(function, order, host):
    host = np.array(host, order="K", copy=True)
    expected = getattr(np, function)(host, order=order)
    array = getattr(gpuarray, function)(to_gpu(host), order=order)
    assert (array.strides, array.shape, array.dtype) == (expected.strides, host.shape, host.dtype)
    if function != "empty_like":
        same(array, expected)
    assert getattr(gpuarray, function)(to_gpu(host), np.complex64).dtype == np.complex64


def test_like_refuses():
    with pytest.raises(ValueError, match="order"):
        gpuarray.empty_like(gpuarray.zeros(3), order="X")


@pytest.mark.parametrize(
    "args, options, reference",
    [
        ((5,), {}, np.arange(5)),
        ((5.0,), {}, np.arange(5.0)),
        ((2, 7), {}, np.arange(2, 7)),
        ((2, 7, 2), {"dtype": np.float32}, np.arange(2, 7, 2, np.float32)),
        ((7, 2, -1), {}, np.arange(7, 2, -1)),
        ((2, 7, np.float32), {}, np.arange(2, 7, dtype=np.float32)),
        ((5, np.dtype("i2")), {}, np.arange(5, dtype="i2")),
        ((), {"stop": 3}, np.arange(3)),
        ((1,), {"stop": 3}, np.arange(1, 3)),
        ((), {"start": 1, "stop": 2, "step": 0.25}, np.arange(1, 2, 0.25)),
        ((3, 1), {}, np.arange(3, 1)),
    ],
)
def test_arange(args, options, reference):
    same(gpuarray.arange(*args, **options), reference)


@pytest.mark.parametrize(
    "args, options, error",
    [
        ((), {}, ValueError),
        ((), {"start": 3}, ValueError),
        ((1, 2, 3, 4), {}, TypeError),
        ((1,), {"stop": 3, "start": 2}, TypeError),
        ((3,), {"size": 2}, TypeError),
        ((3, "f4"), {"dtype": "f4"}, TypeError),
    ],
)
def test_arange_refuses(args, options, error):
    with pytest.raises(error, match="arange"):
        gpuarray.arange(*args, **options)


# Transfer


def test_set():
    host = np.asfortranarray(RNG.random((3, 4)))
    array = gpuarray.zeros((3, 4))
    array.set(host)
    same(array, host)
    array.T.set(host.T + 1)
    same(array, host + 1)
    array[:, ::2].set(np.zeros((3, 2)))
    expected = host + 1
    expected[:, ::2] = 0
    same(array, expected)
    array.set(host, **{"async": False})
    with pytest.warns(UserWarning, match="is set from one of shape"):
        array.set(np.arange(12.0))
    same(array, np.arange(12.0).reshape(3, 4))


@pytest.mark.parametrize(
    "value, error, words",
    [
        (np.zeros(5), ValueError, "set from one of 5"),
        (np.zeros(4, np.float32), ValueError, "set from one of float32"),
        ([0.0] * 4, TypeError, "takes a host array, got list"),
    ],
)
def test_set_refuses(value, error, words):
    with pytest.raises(error, match=words):
        gpuarray.zeros(4).set(value)
    with pytest.raises(TypeError, match="unexpected keyword argument 'wait'"):
        gpuarray.zeros(4).set(np.zeros(4), wait=True)


def test_get_into():
    array = to_gpu(np.arange(6.0).reshape(2, 3))
    out = np.empty((3, 2)).T
    assert array.get(out) is out
    np.testing.assert_array_equal(out, array.get())
    with pytest.warns(DeprecationWarning, match="copied to one of shape"):
        flat = array.get(np.empty(6))
    np.testing.assert_array_equal(flat, np.arange(6.0))
    with pytest.warns(DeprecationWarning, match="copied to one of shape"):
        spread = array.get(np.zeros(12)[::2])
    np.testing.assert_array_equal(spread, np.arange(6.0))
    with pytest.raises(ValueError, match="6 elements do not go into a host array of 5"):
        array.get(np.empty(5))
    with pytest.raises(TypeError, match="elements of float64 do not go into an array of float32"):
        array.get(np.empty((2, 3), np.float32))
    with pytest.raises(TypeError, match="fills a host array, got list"):
        array.get([1])
    locked = np.empty((2, 3))
    locked.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        array.get(locked)


def test_transfer_on_streams():
    stream = driver.Stream()
    host = driver.pagelocked_empty(1000, np.float32)
    host[:] = RNG.random(1000, np.float32)
    array = gpuarray.to_gpu_async(host, stream=stream)
    doubled = array.mul_add(1, array, 1, stream=stream)
    out = doubled.get_async(stream)
    stream.synchronize()
    np.testing.assert_array_equal(out, 2 * host)
    array.set_async(out, stream)
    again = array.get_async(stream, np.empty(1000, np.float32))
    stream.synchronize()
    np.testing.assert_array_equal(again, out)
    with pytest.raises(TypeError, match="stream must be a Stream"):
        array.get(stream="s")


def test_text_and_pickle():
    host = np.asfortranarray(RNG.random((2, 3)))
    array = to_gpu(host)
    assert str(array) == str(host) and repr(array) == repr(host)
    for twin in (pickle.loads(pickle.dumps(array)), copy.copy(array), copy.deepcopy(array)):
        same(twin, host)
        assert twin.strides == host.strides
        twin += 1
    same(array, host)
    with pytest.raises(TypeError, match="unhashable"):
        hash(array)


def test_truth_length_and_scalars():
    assert bool(gpuarray.ones((1, 1))) and not bool(gpuarray.zeros(()))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(gpuarray.zeros(2))
    assert len(gpuarray.zeros((4, 2))) == 4
    with pytest.raises(TypeError, match="unsized"):
        len(gpuarray.zeros(()))
    assert float(to_gpu(np.array(2.5))) == 2.5 and int(to_gpu(np.array(2))) == 2
    assert [float(x) for x in to_gpu(np.arange(3.0))] == [0.0, 1.0, 2.0]
    with pytest.raises(TypeError, match="0-d"):
        iter(gpuarray.zeros(()))


# Operators

BINARY = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod,
    operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne,
]  # fmt: skip


@pytest.mark.parametrize("function", BINARY)
@pytest.mark.parametrize("dtypes", ["ff", "id", "bi", "lf"])
def test_operators_have_numpys_values_and_dtypes(function, dtypes):
    a = RNG.integers(1, 9, (3, 4)).astype(dtypes[0])
    b = RNG.integers(1, 9, (3, 4)).astype(dtypes[1])
    same(function(to_gpu(a), to_gpu(b)), function(a, b))
    same(function(to_gpu(a), 3), function(a, 3))
    same(function(3, to_gpu(a)), function(3, a))
    same(function(to_gpu(a), np.float64(2)), function(a, np.float64(2)))
    same(function(np.int64(7), to_gpu(b)), function(np.int64(7), b))


def test_other_operators():
    a, b = RNG.integers(1, 9, 6), RNG.integers(1, 9, 6)
    x, y = to_gpu(a), to_gpu(b)
    for function in (operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift):
        same(function(x, y), function(a, b))
        same(function(5, x), function(5, a))
    for function in (operator.neg, operator.pos, operator.abs, operator.invert):
        same(function(-x), function(-a))
    same(x**2, a**2)
    same(2.0**x, 2.0**a, 1e-15)
    same(divmod(x, y)[1], divmod(a, b)[1])
    same(x.reshape(2, 3) @ y.reshape(3, 2), a.reshape(2, 3) @ b.reshape(3, 2))
    same(abs(to_gpu(np.array([3 + 4j], np.complex64))), np.array([5], np.float32))


@pytest.mark.parametrize(
    "function",
    [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow, operator.imod],
)
def test_in_place(function):
    host = RNG.random((3, 4)) + 1
    for axes in ((0, 1), (1, 0)):
        x, a = to_gpu(host).transpose(axes), host.copy().transpose(axes)
        view, twin = x[1:, ::2], a[1:, ::2]
        same(function(view, 3), function(twin, 3), 1e-15)
        same(x, a, 1e-15)  # the array below changes as well
        before = x
        x = function(x, x.copy())
        a = function(a, a.copy())
        assert x is before
        same(x, a, 1e-14)


def test_in_place_on_results_without_axes():
    total = gpuarray.sum(to_gpu(np.arange(4.0)))
    same_memory = total.reshape(1)
    total += 1
    total[...] = total * 2
    same(total, 14.0)
    same(same_memory, [14.0])


def test_in_place_refuses_as_numpy():
    with pytest.raises(TypeError, match="same_kind"):
        operator.itruediv(to_gpu(np.arange(3)), 2)


@pytest.mark.parametrize("other", ["x", None, {}, object()])
def test_operators_refuse_what_is_no_number(other):
    array = gpuarray.zeros(3)
    with pytest.raises(TypeError):
        array + other
    assert (array == other) is False


def test_host_arrays_are_refused_in_operators():
    for access in ("never", "read"):
        with da.config(host_access=access):
            with pytest.raises(HostMixError, match="to_gpu"):
                gpuarray.zeros(3) + np.zeros(3)
            with pytest.raises(HostMixError, match="to_gpu"):
                np.zeros(3) + gpuarray.zeros(3)


def test_whole_programs_may_mix_host_arrays():
    with da.config(host_access="always"):
        host = np.asfortranarray(np.arange(6.0).reshape(2, 3))
        same(to_gpu(host) + host, host + host)
        same(gpuarray.sum(to_gpu(host)), 15.0)
        same(to_gpu(host).any(), np.True_)
        same(to_gpu(host)[0, 1], 1.0)


def test_orders_of_operands_may_differ():  # upstream combined them as flat memory
    c, f = RNG.random((3, 4)), np.asfortranarray(RNG.random((3, 4)))
    same(to_gpu(c) + to_gpu(f), c + f)
    same(to_gpu(f) - to_gpu(c), f - c)
    x = to_gpu(c)
    x[...] = to_gpu(f)
    same(x, f)
    x[:2] = to_gpu(c)[1:]
    same(x, np.concatenate([c[1:], f[2:]]))


@pytest.mark.parametrize("hosts", list(itertools.product(STRIDED[:4], repeat=2)))
def test_results_lie_in_memory_as_numpys(hosts):
    a, b = (np.array(x, order="K", copy=True) for x in hosts)
    if a.shape == b.shape:
        expected = a + b
        result = to_gpu(a) + to_gpu(b)
        same(result, expected)
        assert result.strides == expected.strides
    for function, reference in [(cumath.exp, np.exp), (operator.neg, operator.neg)]:
        assert function(to_gpu(a)).strides == reference(a).strides
    row = a[0]
    assert (to_gpu(a) * to_gpu(row)).strides == (a * row).strides
    assert to_gpu(a).astype(np.float32).strides == a.astype(np.float32).strides


def test_broadcasting_and_reductions_along_axes():
    a, b = RNG.integers(0, 9, (10, 1, 2)), RNG.integers(0, 9, (1, 10, 2))
    difference = to_gpu(a) - to_gpu(b)
    same(difference, a - b)
    same(difference.sum(axis=2), (a - b).sum(axis=2))
    same(difference.max(axis=(0, 1)), (a - b).max(axis=(0, 1)))
    same((difference**2).mean(axis=0), ((a - b) ** 2).mean(axis=0), 1e-15)
    assert difference.argmin().get() == (a - b).argmin()
    with pytest.raises(ValueError, match="broadcast"):
        to_gpu(a) + gpuarray.zeros(3)


def test_mul_add():
    a, b = RNG.random((3, 4), np.float32), RNG.random((3, 4), np.float32)
    x, y = to_gpu(a), to_gpu(b)
    same(x.mul_add(2, y, 3), 2 * a + 3 * b, 1e-6)
    out = gpuarray.empty_like(x)
    timed = []
    assert (
        x.mul_add(2, y, 3, lambda count, seconds: timed.append((count, seconds())), out=out) is out
    )
    same(out, 2 * a + 3 * b, 1e-6)
    ((count, seconds),) = timed
    assert count == 36 and seconds > 0


# Indexing


def test_slices_agree_with_numpy():
    host = np.arange(7)
    array = to_gpu(host)
    bounds = [None, -9, -7, -3, 0, 2, 5, 7, 9]
    for start, stop, step in itertools.product(bounds, bounds, [None, 1, 2, -1, -3]):
        part, expected = array[start:stop:step], host[start:stop:step]
        assert part.shape == expected.shape
        if expected.size > 1:
            assert part.strides == expected.strides
    same(array[5:2], host[5:2])
    same(array[::-2] * 2, host[::-2] * 2)


@pytest.mark.parametrize(
    "key",
    [
        1, -1, (1, 2), (slice(None), 1), (..., 0), (None, 1), (slice(None), None, slice(1, 2)),
        np.int64(1), (Ellipsis,), (), (slice(None, None, -1), slice(None, None, -2)),
    ],
)  # fmt: skip
def test_indices_make_views(key):
    host = np.arange(12.0).reshape(3, 4)
    array = to_gpu(host)
    part = array[key]
    same(part, host[key])
    part.fill(-1)
    host[key] = -1
    same(array, host)
    array[key] = 5
    host[key] = 5
    same(array, host)


@pytest.mark.parametrize("key", [3, -4, (0, 0, 0), (..., ...), "x"])
def test_bad_indices(key):
    with pytest.raises(IndexError):
        gpuarray.zeros((3, 4))[key]


def test_assignment():
    host = np.zeros((3, 4))
    array = to_gpu(host)
    for key, value in [
        ((slice(None), 1), np.arange(3.0)),
        (slice(None, None, -2), np.ones((2, 4))),
        (0, 2.5),
        (..., np.float32(1.5)),
        ((slice(1), slice(2)), np.array([[7, 8]], dtype=np.int32)),
    ]:
        array[key] = value
        host[key] = value
        same(array, host)
    array[1:] = array[:-1]  # the memory overlaps
    host[1:] = host[:-1].copy()
    same(array, host)
    with pytest.raises(ValueError, match="broadcast"):
        array[0] = np.zeros(3)


def test_masks_and_index_arrays():
    host = np.arange(6.0)
    array = to_gpu(host)
    same(array[array > 2], host[host > 2])
    same(array[to_gpu(np.array([4, 0]))], host[[4, 0]])
    array[array > 2] = 0
    host[host > 2] = 0
    same(array, host)
    array[array == 0] += 1
    host[host == 0] += 1
    same(array, host)


# Shapes


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("host", STRIDED[:4])
def test_reshape(order, host):
    array = to_gpu(host)
    result = array.reshape(2, -1, order=order)
    same(result, host.reshape((2, -1), order=order))
    assert result.flags.f_contiguous if order == "F" else result.flags.c_contiguous
    same(array.reshape([host.size], order=order), host.reshape(host.size, order=order))
    same(array.ravel(), host.ravel())


def test_reshape_shares_memory_where_it_can():
    array = to_gpu(np.arange(6.0))
    array.reshape(2, 3)[0] = 9
    same(array, [9.0, 9.0, 9.0, 3.0, 4.0, 5.0])
    for wrong in ((4, 2), (-1, -1), (-1, 4)):
        with pytest.raises(ValueError, match=r"reshape|unknown"):
            array.reshape(wrong)
    with pytest.raises(ValueError, match="order"):
        array.reshape(2, 3, order="K")


def test_transpose_and_squeeze():
    host = RNG.random((1, 3, 1, 4))
    array = to_gpu(host)
    same(array.T, host.T)
    for axes in ((3, 1, 0, 2), (-1, 0, 1, 2)):
        same(array.transpose(axes), host.transpose(axes))
        same(array.transpose(*axes), host.transpose(axes))
        same(gpuarray.transpose(array, axes), host.transpose(axes))
    same(array.squeeze(), host.squeeze())
    same(array.squeeze(0), host.squeeze(0))
    same(gpuarray.zeros((0, 1, 3)).squeeze(), np.zeros((0, 3)))  # empty axes stay
    for axes in ((0, 1), (0, 0, 1, 2), (0, 1, 2, 4)):
        with pytest.raises(ValueError, match="ax"):
            array.transpose(axes)
    with pytest.raises(ValueError, match="not equal to one"):
        array.squeeze(1)


def test_reverse():
    for host in (np.arange(5), np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3).T):
        same(to_gpu(host).reverse(), host.ravel()[::-1].reshape(host.shape))


def test_view():
    host = np.arange(24, dtype=np.float32).reshape(4, 6)
    array = to_gpu(host)
    for dtype in (np.complex64, np.int16, np.uint32, np.float64):
        same(array.view(dtype), host.view(dtype))
        same(array.T.view(dtype), host.view(dtype).T)  # the axis that is fastest in memory
    array.view(np.uint32).fill(0)
    same(array, np.zeros((4, 6), np.float32))
    with pytest.raises(ValueError):
        to_gpu(np.zeros(3, np.float32)).view(np.float64)


def test_complex_parts():
    host = np.asfortranarray(RNG.random((3, 4)) + 1j * RNG.random((3, 4)))
    array = to_gpu(host)
    for name in ("real", "imag"):
        part = getattr(array, name)
        same(part, getattr(host, name))
        assert part.flags.f_contiguous
    same(array.conj(), host.conj())
    out = array.astype(np.complex64)
    assert array.conj(out=out) is out
    same(out, host.conj().astype(np.complex64))
    real = to_gpu(host.real)
    assert real.real is real and real.conj() is real
    same(real.imag, np.zeros((3, 4)))


# Structs


def test_structs_are_stored_and_viewed():
    host = np.zeros((3, 2), PAIR)
    host["a"] = RNG.random((3, 2))
    host["b"] = np.arange(6).reshape(3, 2)
    for order in "CF":
        given = np.array(host, order=order)
        array = to_gpu(given)
        assert (array.dtype, array.shape, array.strides) == (PAIR, (3, 2), given.strides)
        assert array.flags.f_contiguous == given.flags.f_contiguous
        assert array.nbytes == given.nbytes and len(array) == 3
        same(array, host)
        same(array[1:, 0], host[1:, 0])
        same(array[..., ::-1], host[..., ::-1])
        same(array.T, host.T)
        same(array.copy(), host)
        same(array.reshape(-1), host.reshape(-1))
        same(array.reshape(6, order="F"), host.reshape(6, order="F"))
        same(array["a"] * 2, host["a"] * 2)
    array["b"] = 7
    array[0, 0] = np.array((1.5, 2), PAIR)
    host["b"] = 7
    host[0, 0] = (1.5, 2)
    same(array, host)
    same(pickle.loads(pickle.dumps(array)), host)
    same(array[:, 0].copy(), host[:, 0])


def test_structs_have_no_arithmetic():
    array = gpuarray.zeros(3, PAIR)
    with pytest.raises(TypeError, match=r"without arithmetic.*array\['name'\]"):
        array + 1
    with pytest.raises(IndexError, match=r"no field 'c' .*\(a, b\)"):
        array["c"]
    with pytest.raises(TypeError, match="do not go into"):
        array[...] = gpuarray.zeros(3, vec.float2)


def test_views_of_structs():
    array = gpuarray.zeros(3, vec.float2)
    flat = array.view(np.float32)
    flat[...] = np.arange(6, dtype=np.float32)
    same(array["y"], np.array([1, 3, 5], np.float32))
    same(flat.view(vec.float2), np.arange(6, dtype=np.float32).view(vec.float2))
    with pytest.raises(ValueError, match="no whole number"):
        gpuarray.zeros(3, np.float32).view(vec.float2)


def test_vector_types():
    array = gpuarray.GPUArray(5, vec.float3).fill(vec.make_float3(1, 2.5, 3))
    same(array, np.full(5, np.array((1, 2.5, 3), vec.float3)))
    assert vec.uchar4.itemsize == 4 and vec.double2.names == ("x", "y")
    assert vec.types[np.dtype(np.float32), 4] == vec.float4
    with pytest.raises(TypeError, match="make_float3 takes 3 components"):
        vec.make_float3(1, 2)
    assert not hasattr(vec, "double3")


# Functions


def test_choosing():
    c, a, b = RNG.integers(-1, 2, (3, 4)), RNG.random((3, 4)), RNG.random((3, 4))
    x, y, z = to_gpu(c), to_gpu(a), to_gpu(b)
    same(gpuarray.where(x, y, z), np.where(c, a, b))
    same(gpuarray.where(x, y, 0), np.where(c, a, 0))
    same(gpuarray.if_positive(x, y, z), np.where(c > 0, a, b))
    same(gpuarray.minimum(y, z), np.minimum(a, b))
    same(gpuarray.maximum(0.5, y), np.maximum(0.5, a))
    for dtype in (np.uint8, np.bool_, np.int64):  # upstream made names of functions that are not
        u = RNG.integers(0, 2, 5).astype(dtype)
        same(gpuarray.maximum(to_gpu(u), to_gpu(u[::-1])), np.maximum(u, u[::-1]))
    out = gpuarray.empty_like(y)
    assert gpuarray.maximum(y, z, out=out, stream=driver.Stream()) is out
    same(out, np.maximum(a, b))
    with pytest.raises(ValueError, match="broadcast"):
        gpuarray.where(x, y, gpuarray.zeros(3))
    with pytest.raises(ValueError, match="out has"):
        gpuarray.minimum(y, z, out=gpuarray.zeros(3))
    with pytest.raises(TypeError, match="needs a GPUArray"):
        gpuarray.minimum(1, 2)
    with pytest.raises(TypeError, match="out must be a GPUArray"):
        gpuarray.minimum(y, z, out=a)


@pytest.mark.parametrize("name", ["logical_and", "logical_or"])
def test_logic(name):
    a, b = RNG.integers(0, 2, (3, 4)).astype(float), RNG.integers(0, 2, 4)
    function, reference = getattr(gpuarray, name), getattr(np, name)
    same(function(to_gpu(a), to_gpu(b)), reference(a, b))
    for scalar in (1.0, 0, np.nan, True):
        same(function(to_gpu(a), scalar), reference(a, scalar))
        same(function(scalar, to_gpu(a)), reference(scalar, a))
    same(gpuarray.logical_not(to_gpu(a)), np.logical_not(a))


def test_joining():
    a, b = RNG.random((2, 3)), RNG.integers(0, 9, (2, 3))
    for axis in (0, 1, -1):
        same(gpuarray.concatenate((to_gpu(a), to_gpu(b)), axis), np.concatenate((a, b), axis))
        same(gpuarray.stack([to_gpu(a), to_gpu(b)], axis), np.stack((a, b), axis))
    for function in (gpuarray.concatenate, gpuarray.stack):
        with pytest.raises(ValueError, match="there must be an array"):
            function([])
        with pytest.raises(ValueError, match=r"dimension|shape"):
            function([to_gpu(a), gpuarray.zeros(3)])
        with pytest.raises(TypeError, match="must be a GPUArray"):
            function([a])


def test_taking_and_putting():
    a = RNG.random(10, np.float32)
    index = np.array([7, 0, 7], np.uint32)
    x, i = to_gpu(a), to_gpu(index)
    same(gpuarray.take(x, i), a[index])
    out = gpuarray.empty(3, np.float32)
    assert gpuarray.take(x, i, out=out) is out
    same(out, a[index])
    for result, expected in zip(
        gpuarray.multi_take([x, -x], i), (a[index], -a[index]), strict=True
    ):
        same(result, expected)
    places = to_gpu(np.array([1, 3, 4], np.uint32))
    outs = [gpuarray.zeros(5, np.float32), gpuarray.zeros(5, np.float32)]
    source = to_gpu(np.array([2, 1, 0], np.uint32))
    made = gpuarray.multi_take_put([x, x], places, source, out=outs, src_offsets=[0, 5])
    assert made[0] is outs[0]
    for result, offset in zip(made, (0, 5), strict=True):
        expected = np.zeros(5, np.float32)
        expected[[1, 3, 4]] = a[offset + np.array([2, 1, 0])]
        same(result, expected)
    (fresh,) = gpuarray.multi_put([x[:3]], places, dest_shape=6)
    assert fresh.shape == (6,)
    np.testing.assert_array_equal(fresh.get()[[1, 3, 4]], a[:3])
    with pytest.raises(ValueError, match=r"src_indices must have the shape"):
        gpuarray.multi_take_put([x], places, x[:2].astype(np.uint32))
    with pytest.raises(ValueError, match="as many src_offsets"):
        gpuarray.multi_take_put([x], places, source, src_offsets=[1, 2])
    with pytest.raises(ValueError, match="as many in out"):
        gpuarray.multi_put([x[:3]], places, out=outs)
    with pytest.raises(ValueError, match="do not go to 3 positions"):
        gpuarray.multi_put([x], places)


@pytest.mark.parametrize("dtype", ["?", "i1", "u4", "i8", "f4", "f8", "c8"])
def test_reductions(dtype):
    a = RNG.integers(0, 100, (7, 5)).astype(dtype)
    x = to_gpu(a)
    same(gpuarray.sum(x), a.sum(), 1e-6 * (a.dtype.kind in "fc"))
    same(gpuarray.any(x), a.any())
    same(gpuarray.all(x), a.all())
    same(x.any(), a.any())
    same(x.all(driver.Stream()), a.all())
    same(gpuarray.dot(x, x), np.dot(a.ravel(), a.ravel()), 1e-5 * (a.dtype.kind in "fc"))
    if a.dtype.kind != "c":
        same(gpuarray.min(x), a.min())
        same(gpuarray.max(x.T), a.max())
    index = np.array([3, 0, 30])
    same(gpuarray.subset_sum(to_gpu(index), x), a.ravel()[index].sum())
    part = a.ravel()[index]
    same(gpuarray.subset_dot(to_gpu(index), x, x), np.dot(part, part), 1e-6)
    if a.dtype.kind != "c":
        same(gpuarray.subset_min(to_gpu(index), x), part.min())
        same(gpuarray.subset_max(to_gpu(index), x), part.max())


def test_reductions_at_the_edges():
    same(gpuarray.sum(to_gpu(np.full(200, 100, np.int8))), 20000)  # not in int8
    same(gpuarray.sum(gpuarray.ones(3, np.float32), dtype=np.float64), 3.0)
    nan = to_gpu(np.array([1.0, np.nan, 3.0]))
    for function in (gpuarray.min, gpuarray.max, gpuarray.sum):
        assert math.isnan(float(function(nan)))
    empty = gpuarray.zeros(0)
    same(gpuarray.sum(empty), 0.0)
    same(gpuarray.any(empty), np.False_)
    same(gpuarray.all(empty), np.True_)
    same(empty + 1, np.zeros(0))
    with pytest.raises(ValueError, match="zero-size"):
        gpuarray.min(empty)
    with pytest.raises(ValueError, match="arrays of one size"):
        gpuarray.dot(gpuarray.zeros(2), gpuarray.zeros(3))
    with pytest.raises(TypeError, match="must be a GPUArray"):
        gpuarray.sum(np.zeros(3))
    with pytest.raises(IndexError):
        gpuarray.subset_sum(to_gpu(np.array([5])), gpuarray.zeros(3))


@pytest.mark.parametrize("n", [0, 1, 31, 129, 10**6, 2**33])
def test_splay(n):
    (blocks, one), (threads, *rest) = gpuarray.splay(n)
    assert one == 1 and rest == [1, 1] and blocks >= 1 and threads % 32 == 0
    assert threads * blocks >= min(n, 2**14)
    assert threads * (blocks - 1) <= n


# NumPy's functions, other libraries


def test_numpy_functions():
    a = RNG.random((3, 4))
    x = to_gpu(a)
    same(np.sin(x), np.sin(a), 1e-14)
    same(np.add(x, 1, dtype=np.float32), np.add(a, 1, dtype=np.float32))
    same(np.concatenate([x, x]), np.concatenate([a, a]))
    same(np.add.reduce(x, axis=1), np.add.reduce(a, axis=1), 1e-15)
    out = gpuarray.empty_like(x)
    assert np.multiply(x, 2, out=out) is out
    same(out, 2 * a)
    assert np.clip(x, 0.2, 0.4, out) is out and np.clip(x, 0.2, 0.4, out=out) is out
    same(out, a.clip(0.2, 0.4))
    row = out[0]
    assert np.sum(x, axis=0, out=row) is row
    np.testing.assert_allclose(out.get()[0], a.sum(axis=0), rtol=1e-15)
    np.copyto(out, 3.0)
    same(out, np.full((3, 4), 3.0))
    same(np.add(x, 1, where=x > 0.5, out=gpuarray.zeros((3, 4))), np.where(a > 0.5, a + 1, 0))
    values, where = np.unique(x > 0.5, return_counts=True)
    same(values, np.unique(a > 0.5))
    assert where.get().sum() == 12
    same(da.arange(4) + x, np.arange(4) + a)
    same(x + da.arange(4), a + np.arange(4))
    np.testing.assert_array_equal(x.device_array.get(), a)


def test_methods_of_ufuncs():
    x = gpuarray.zeros((3, 4))
    same(np.subtract.outer(x[0], x[:, 1] + 1), np.full((4, 3), -1.0))
    same(np.add.accumulate(x + 1, axis=1), np.add.accumulate(np.ones((3, 4)), axis=1))
    np.add.at(x, (0, 0), 1.0)
    assert x[0, 0].get() == 1


def test_methods():
    a = RNG.random((3, 4))
    x = to_gpu(a)
    same(x.std(axis=0), a.std(axis=0), 1e-12)
    same(x.argmax(axis=1), a.argmax(axis=1))
    same(x.clip(0.2, 0.4), a.clip(0.2, 0.4))
    same(x.astype(np.float32), a.astype(np.float32))
    assert x.tolist() == a.tolist() and x.sum().item() == pytest.approx(a.sum())
    assert not hasattr(x, "no_such_method")


def test_dlpack():
    x = to_gpu(np.arange(4.0))
    if x.__dlpack_device__() != np.zeros(1).__dlpack_device__():
        pytest.skip("NumPy takes memory of the host only")
    host = np.from_dlpack(x)
    np.testing.assert_array_equal(host, np.arange(4.0))
    x += 1
    np.testing.assert_array_equal(host, x.get())
    source = np.arange(3.0)
    shared = gpuarray.from_dlpack(source)
    source += 1
    same(shared, [1.0, 2.0, 3.0])
    same(GPUArray._over(da.from_dlpack(x)), x.get())


def test_conversion_to_the_host_is_asked_for():
    with da.config(host_access="never"), pytest.raises(HostMixError, match=r"use .get\(\)"):
        np.asarray(gpuarray.zeros(3))


def test_textures_are_refused():
    with pytest.raises(driver.LogicError, match="CUDA 12"):
        gpuarray.zeros(3).bind_to_texref(None)
    with pytest.raises(driver.LogicError, match="CUDA 12"):
        gpuarray.zeros(3).bind_to_texref_ext(None)


# cumath

NAMES = {"asin": "arcsin", "acos": "arccos", "atan": "arctan"}
COMPLEX = [
    "exp",
    "log",
    "log10",
    "sqrt",
    *(h + f for f in ("sin", "cos", "tan") for h in ("", "a")),
]
COMPLEX += ["sinh", "cosh", "tanh"]
REAL = ["fabs", "ceil", "floor", *COMPLEX]


@pytest.mark.parametrize("name", REAL)
def test_functions_of_real_arrays(name):
    reference = getattr(np, NAMES.get(name, name))
    for dtype, rtol in ((np.float32, 1e-6), (np.float64, 1e-14)):
        a = RNG.random((5, 4)).astype(dtype)
        x = to_gpu(a)
        same(getattr(cumath, name)(x), reference(a), rtol)
        same(getattr(cumath, name)(x[::2, ::-1]), reference(a[::2, ::-1]), rtol)


def test_functions_are_right_to_the_last_bits():
    a = np.linspace(-10, 10, 5000, dtype=np.float32)
    for function, reference in ((cumath.sin, np.sin), (cumath.cos, np.cos)):
        exact = reference(a.astype(np.float64))
        assert np.max(np.abs(function(to_gpu(a)).get() - exact)) < 6e-8


def test_functions_of_complex_and_integer_arrays():
    a = RNG.random(6) + 1j * RNG.random(6)
    for name in COMPLEX:
        reference = getattr(np, NAMES.get(name, name))
        same(getattr(cumath, name)(to_gpu(a)), reference(a), 1e-13)
    same(cumath.sqrt(to_gpu(np.arange(5))), np.sqrt(np.arange(5)))
    with pytest.raises(TypeError):
        cumath.ceil(to_gpu(a))


def test_where_results_go():
    a = RNG.random(5)
    x, stream = to_gpu(a), driver.Stream()
    for args, options in [
        ((0,), {}),
        ((), {"out": 0}),
        ((0, stream), {}),
        ((0,), {"stream": stream}),
    ]:
        out = gpuarray.zeros(5)
        args = tuple(out if arg == 0 else arg for arg in args)
        options = {key: out if value == 0 else value for key, value in options.items()}
        assert cumath.exp(x, *args, **options) is out
        same(out, np.exp(a), 1e-14)
    same(cumath.exp(x, stream), np.exp(a), 1e-14)
    same(cumath.exp(x, None), np.exp(a), 1e-14)
    with pytest.raises(ValueError, match="out has"):
        cumath.exp(x, out=gpuarray.zeros(4))
    with pytest.raises(TypeError, match="out and stream by name"):
        cumath.exp(x, 3)
    with pytest.raises(TypeError, match="must be a GPUArray"):
        cumath.exp(a)
    with pytest.raises(TypeError, match="Cannot cast"):
        cumath.exp(x, out=gpuarray.zeros(5, np.int32))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])  # upstream read doubles as floats
def test_functions_of_two_results(dtype):
    a = (RNG.random((4, 5)) * 200 - 100).astype(dtype)
    b = (RNG.random((4, 5)) + 0.5).astype(dtype)
    x = to_gpu(a)
    same(cumath.fmod(x, to_gpu(b)), np.fmod(a, b))
    same(cumath.fmod(x, 3), np.fmod(a, 3))
    significand, exponent = cumath.frexp(x)
    expected = np.frexp(a)
    same(significand, expected[0])
    same(exponent, expected[1].astype(dtype))
    same(cumath.ldexp(significand, exponent), a)
    same(cumath.ldexp(x, 3), a * 8)
    fraction, whole = cumath.modf(x)
    same(fraction, np.modf(a)[0])
    same(whole, np.modf(a)[1])


# curandom

PSEUDO = [curandom.XORWOWRandomNumberGenerator, curandom.MRG32k3aRandomNumberGenerator]
QUASI = [
    curandom.Sobol32RandomNumberGenerator, curandom.Sobol64RandomNumberGenerator,
    curandom.ScrambledSobol32RandomNumberGenerator, curandom.ScrambledSobol64RandomNumberGenerator,
]  # fmt: skip


def seeds(n):
    return to_gpu(np.full(n, -5, np.int32))


def test_rand():
    for dtype in (np.float32, np.float64):
        x = curandom.rand((50, 40), dtype, driver.Stream()).get()
        assert x.dtype == dtype and x.shape == (50, 40)
        assert x.min() >= 0 and x.max() < 1 and abs(x.mean() - 0.5) < 0.05
    for dtype in (np.int32, np.uint32):
        x = curandom.rand(4000, dtype).get()
        assert x.dtype == dtype and len(np.unique(x)) > 3990
        assert x.max() > np.iinfo(dtype).max * 0.9
        assert x.min() < np.iinfo(dtype).min + 2**29
    assert curandom.rand(0).shape == (0,)
    with pytest.raises(TypeError, match="complex64 are not known"):
        curandom.rand(3, np.complex64)


@pytest.mark.parametrize("kind", PSEUDO + QUASI)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_distributions(kind, dtype):
    n = 4096
    generator = kind(seeds) if kind in PSEUDO else kind()
    uniform = generator.gen_uniform((64, 64), dtype).get()
    assert uniform.dtype == dtype and uniform.shape == (64, 64)
    assert uniform.min() > 0 and uniform.max() <= 1 and abs(uniform.mean() - 0.5) < 0.02
    normal = generator.gen_normal(n, dtype).get()
    assert abs(normal.mean()) < 0.05 and abs(normal.std() - 1) < 0.05
    array = gpuarray.empty(n, dtype)
    generator.fill_log_normal(array, 1.0, 0.5)
    logs = np.log(array.get())
    assert abs(logs.mean() - 1) < 0.05 and abs(logs.std() - 0.5) < 0.05
    assert generator.gen_log_normal(5, dtype, 1.0, 0.5).dtype == dtype
    whole = generator.gen_uniform(n, np.uint32).get()
    assert abs(whole.mean() / 2**31 - 1) < 0.05
    with pytest.raises(TypeError, match="int32 are not known"):
        generator.gen_normal(5, np.int32)
    with pytest.raises(TypeError, match="must be a GPUArray"):
        generator.fill_uniform(np.zeros(3))


@pytest.mark.parametrize("kind", PSEUDO)
def test_seeds_and_skipping(kind):
    first = kind(seeds)
    a, b = first.gen_uniform(9, np.float32), first.gen_uniform(9, np.float32)
    assert (a.get() != b.get()).all()
    again = kind(seeds)
    same(again.gen_uniform(9, np.float32), a.get())
    same(kind(seeds, offset=1).gen_uniform(9, np.float32), b.get())
    skipping = kind(seeds)
    skipping.call_skip_ahead(1)
    same(skipping.gen_uniform(9, np.float32), b.get())
    skipping = kind(seeds)
    skipping.call_skip_ahead_array(to_gpu(np.array([1], np.uint64)))
    same(skipping.gen_uniform(9, np.float32), b.get())
    other = kind(seeds)
    other.call_skip_ahead_sequence(2)
    c = other.gen_uniform(9, np.float32).get()
    assert not np.isin(c, [a.get(), b.get()]).any()
    with pytest.raises(ValueError, match="ahead only"):
        other.call_skip_ahead(-1)
    with pytest.raises(TypeError, match="GPUArray of integers"):
        kind(np.zeros)
    for getter in (curandom.seed_getter_uniform, curandom.seed_getter_unique):
        assert getter(5).dtype == np.int32
        assert kind(getter).gen_uniform(3, np.float64).shape == (3,)
    uniform = curandom.seed_getter_uniform(9).get()
    assert (uniform == uniform[0]).all()


def test_poisson():
    generator = curandom.XORWOWRandomNumberGenerator(seeds)
    drawn = generator.gen_poisson(4000, np.uint32, 13.0).get()
    assert drawn.dtype == np.uint32
    assert abs(drawn.mean() - 13) < 0.3 and abs(drawn.var() - 13) < 1.5
    means = gpuarray.empty(4000, np.float32)
    means[:2000].fill(2)
    means[2000:].fill(50)
    generator.fill_poisson(means)
    assert abs(means.get()[:2000].mean() - 2) < 0.2 and abs(means.get()[2000:].mean() - 50) < 1


def test_sobol_points_fill_evenly():
    vectors = curandom.generate_direction_vectors(10)
    assert vectors.shape == (10, 32) and vectors.dtype == np.uint32
    for dimension in range(10):
        generator = curandom.Sobol32RandomNumberGenerator(vectors[dimension])
        cells = np.floor(generator.gen_uniform(256, np.float64).get() * 256)
        assert sorted(cells) == list(range(256))  # one in each
    wide = curandom.direction_vector_set.VECTOR_64
    assert curandom.generate_direction_vectors(2, wide).shape == (2, 64)
    with pytest.raises(ValueError, match="10 dimensions"):
        curandom.generate_direction_vectors(11)
    first, later = (curandom.Sobol64RandomNumberGenerator(offset=k) for k in (0, 3))
    first.call_skip_ahead(2)
    first.call_skip_ahead_array(np.array([1]))
    same(first.gen_uniform(5, np.float64), later.gen_uniform(5, np.float64).get())
    with pytest.raises(driver.LogicError, match="no Poisson numbers"):
        first.gen_poisson(3, np.uint32, 2.0)
    with pytest.raises(ValueError, match="rows of 32 integers"):
        curandom.Sobol32RandomNumberGenerator(gpuarray.zeros(3))
    with pytest.raises(TypeError, match="gives 32 bits"):
        curandom.Sobol32RandomNumberGenerator().gen_uniform(3, np.int64)


def test_sobol_normals_are_quantiles():
    generator, twin = (curandom.Sobol32RandomNumberGenerator() for _ in range(2))
    parts = generator.gen_uniform(500, np.float64).get()
    expected = [statistics.NormalDist().inv_cdf(p) for p in parts]
    same(twin.gen_normal(500, np.float64), expected, 1e-13)


def test_there_is_no_curand():
    assert curandom.get_curand_version() is None


def test_modules_do_not_import_pycuda():
    assert "pycuda" not in sys.modules or sys.modules["pycuda"].__name__.startswith("devarray")
