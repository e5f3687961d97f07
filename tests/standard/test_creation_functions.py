"""Creation functions: dtypes by default, values, devices as objects and as strings."""

from __future__ import annotations

import math

import numpy as np
import pytest

import devarray as da
from standard.common import COMPLEX, DTYPES, NUMERIC, REAL, array, close, same

INFO = da.__array_namespace_info__()
# by name: an object that another test has closed is of no use
DEVICES = [None, *(device.name for device in INFO.devices()), "cpu"]

CREATION = {
    "arange": lambda **options: da.arange(3, **options),
    "asarray": lambda **options: da.asarray([1, 2], **options),
    "empty": lambda **options: da.empty((2, 3), **options),
    "empty_like": lambda **options: da.empty_like(da.ones(2), **options),
    "eye": lambda **options: da.eye(2, 3, **options),
    "from_dlpack": lambda **options: da.from_dlpack(np.ones(2), **options),
    "full": lambda **options: da.full((2,), 3, **options),
    "full_like": lambda **options: da.full_like(da.ones(2), 3, **options),
    "linspace": lambda **options: da.linspace(0, 1, 5, **options),
    "ones": lambda **options: da.ones((2,), **options),
    "ones_like": lambda **options: da.ones_like(da.zeros(2), **options),
    "zeros": lambda **options: da.zeros((2,), **options),
    "zeros_like": lambda **options: da.zeros_like(da.ones(2), **options),
    "fft.fftfreq": lambda **options: da.fft.fftfreq(4, **options),
    "fft.rfftfreq": lambda **options: da.fft.rfftfreq(4, **options),
}


@pytest.mark.parametrize("device", DEVICES, ids=str)
@pytest.mark.parametrize("name", CREATION)
def test_devices(name, device):
    plain = CREATION[name]()
    x = CREATION[name](device=device)
    assert x.device == da.Device(device)
    assert CREATION[name](device=x.device).device == x.device
    assert (x.shape, x.dtype) == (plain.shape, plain.dtype)
    if "empty" not in name:
        same(x, plain.get())


@pytest.mark.parametrize("name", CREATION)
def test_unknown_devices_are_refused(name):
    with pytest.raises((ValueError, TypeError, da.DeviceError)):
        CREATION[name](device="no such device")


@pytest.mark.parametrize("name", sorted(set(CREATION) - {"from_dlpack"}))
def test_dtypes(name):
    for dtype in REAL if name.startswith("fft") else (*REAL, *COMPLEX):
        if name == "arange" and dtype in COMPLEX:
            continue
        x = CREATION[name](dtype=getattr(da, dtype))
        assert x.dtype == dtype
        if "empty" not in name:
            close(x, CREATION[name]().get().astype(dtype))


def test_default_dtypes():
    defaults = INFO.default_dtypes()
    integral, real = defaults["integral"], defaults["real floating"]
    compound = defaults["complex floating"]
    for name in ("empty", "eye", "linspace", "ones", "zeros"):
        assert CREATION[name]().dtype == real
    for value, dtype in ((True, da.bool), (1, integral), (1.0, real), (1j, compound)):
        assert da.full((2,), value).dtype == dtype
        assert da.asarray(value).dtype == dtype
        assert da.asarray([value]).dtype == dtype
    assert da.asarray([1, 2.0]).dtype == real
    assert da.asarray([1, 2j, 0.5]).dtype == compound
    assert da.linspace(0, 1j, 3).dtype == compound
    assert da.arange(3).dtype == integral
    assert da.arange(3.0).dtype == real
    assert da.arange(0, 3, 1.0).dtype == real


@pytest.mark.parametrize("dtype", DTYPES)
def test_values(dtype):
    same(da.zeros((2, 3), dtype=dtype), np.zeros((2, 3)), dtype)
    same(da.ones(3, dtype=dtype), [1, 1, 1], dtype)
    same(da.full((), True, dtype=dtype), 1, dtype)
    x = da.empty((3, 2), dtype=dtype)
    assert (x.shape, x.dtype) == ((3, 2), np.dtype(dtype))
    same(da.zeros_like(x), np.zeros((3, 2)), dtype)
    same(da.ones_like(x), np.ones((3, 2)), dtype)
    same(da.full_like(x, 1), np.ones((3, 2)), dtype)
    assert da.empty_like(x).dtype == dtype


@pytest.mark.parametrize(
    "arguments", [(5,), (2, 5), (0, 10, 3), (10, 0, -3), (3, 3), (5, 2), (-4,)]
)
def test_arange(arguments):
    wanted = list(range(*arguments))
    same(da.arange(*arguments), wanted, "int64")
    same(da.arange(*map(float, arguments)), wanted, "float64")


def test_arange_by_keywords():
    same(da.arange(1, stop=6, step=2), [1, 3, 5])
    close(da.arange(0, 1, 0.25, dtype=da.float32), [0, 0.25, 0.5, 0.75], "float32")
    same(da.arange(3, dtype=da.uint8), [0, 1, 2], "uint8")
    with pytest.raises(ZeroDivisionError):
        da.arange(0, 3, 0)


def test_linspace():
    close(da.linspace(0, 2, num=5), [0, 0.5, 1, 1.5, 2], "float64")
    close(da.linspace(0, 2, 4, endpoint=False), [0, 0.5, 1, 1.5], "float64")
    close(da.linspace(1, 1, 1), [1.0])
    same(da.linspace(1, 2, 0), np.empty(0))
    close(da.linspace(0, 2 + 4j, 3), [0, 1 + 2j, 2 + 4j], "complex128")
    got = da.linspace(-1.0, 7.3, 9, dtype=da.float32).get()
    assert (got[0], got[-1]) == (np.float32(-1.0), np.float32(7.3))


def test_eye():
    same(da.eye(3), np.eye(3))
    same(da.eye(2, 4, k=1), np.eye(2, 4, k=1))
    same(da.eye(4, 2, k=-2, dtype=da.int8), np.eye(4, 2, k=-2), "int8")
    same(da.eye(2, k=9), np.zeros((2, 2)))
    same(da.eye(0, 3), np.zeros((0, 3)))


def test_triangles():
    values = np.arange(24).reshape(2, 3, 4)
    for k in (-3, -1, 0, 2, 5):
        same(da.tril(array(values), k=k), np.where(np.tri(3, 4, k, bool), values, 0))
        same(da.triu(array(values), k=k), np.where(np.tri(3, 4, k - 1, bool), 0, values))
    same(da.tril(array([[True, True], [True, True]])), [[True, False], [True, True]])
    bad = array([[1.0, math.nan], [math.inf, 1.0]])
    same(da.tril(bad), [[1.0, 0.0], [math.inf, 1.0]])


def test_meshgrid():
    x, y, z = array([1, 2, 3], "int8"), array([4, 5], "int8"), array([6], "int8")
    for indexing in ("xy", "ij"):
        got = da.meshgrid(x, y, z, indexing=indexing)
        wanted = np.meshgrid(x.get(), y.get(), z.get(), indexing=indexing)
        assert type(got) is tuple
        for one, other in zip(got, wanted, strict=True):
            same(one, other)
    assert da.meshgrid() == ()
    same(da.meshgrid(x)[0], [1, 2, 3], "int8")
    with pytest.raises(ValueError, match="indexing"):
        da.meshgrid(x, y, indexing="ab")


@pytest.mark.parametrize("dtype", NUMERIC)
def test_asarray_of_sequences(dtype):
    same(da.asarray([[1, 2], [3, 4]], dtype=getattr(da, dtype)), [[1, 2], [3, 4]], dtype)
    same(da.asarray(((1,), (2,)), dtype=dtype), [[1], [2]], dtype)
    same(da.asarray(5, dtype=dtype), 5, dtype)


def test_asarray_of_sequences_that_fit_not():
    with pytest.raises(ValueError, match="inhomogeneous"):
        da.asarray([[1, 2], [3]])
    same(da.asarray([[], []]), np.empty((2, 0)))


def test_asarray_copies():
    x = array([1.0, 2.0])
    assert da.asarray(x) is x
    assert da.asarray(x, copy=False) is x
    shared, copied = da.asarray(x, copy=None), da.asarray(x, copy=True)
    x[0] = 9.0
    same(shared, [9.0, 2.0])
    same(copied, [1.0, 2.0])
    with pytest.raises(ValueError, match="copy"):
        da.asarray(x, dtype=da.float32, copy=False)
    with pytest.raises(ValueError, match="copy"):
        da.asarray([1.0], copy=False)
    same(da.asarray(x, dtype=da.float32, copy=None), [9, 2], "float32")


def test_asarray_of_buffers():
    memory = memoryview(np.asarray([1, 2, 3], "int16"))
    same(da.asarray(memory), [1, 2, 3], "int16")


def test_shapes():
    same(da.zeros(()), 0.0)
    same(da.ones(4), [1.0] * 4)
    assert da.zeros((0, 3)).shape == (0, 3)
    with pytest.raises(ValueError, match="negative"):
        da.zeros((-1,))
    with pytest.raises(TypeError):
        da.zeros((1.5,))
