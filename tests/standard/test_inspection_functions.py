"""What a namespace tells about itself, its devices and dtypes."""

from __future__ import annotations

import numpy as np
import pytest

import devarray as da
from standard.common import DTYPES, INDEX, KINDS, array, same

INFO = da.__array_namespace_info__()
# by name: an object that another test has closed is of no use
NAMES = [*(device.name for device in INFO.devices()), "cpu"]


def test_capabilities():
    found = INFO.capabilities()
    assert found["boolean indexing"] is True
    assert found["data-dependent shapes"] is True
    assert type(found["max dimensions"]) is int
    most = found["max dimensions"]
    assert da.ones((1,) * most).ndim == most
    with pytest.raises(IndexError, match="dimension"):
        _ = da.ones((1,) * most)[None]
    with pytest.raises(ValueError, match="dimension"):
        da.ones((1,) * (most + 1))


def test_devices():
    devices = INFO.devices()
    assert type(devices) is tuple
    assert INFO.default_device() in devices
    for device in devices:
        assert hash(device) == hash(da.ones(1, device=device).device)
        assert device == da.ones(1, device=device).device
        assert not device != da.ones(1, device=device).device  # noqa: SIM202
        assert str(device)
        assert repr(device)
    assert len(set(devices)) == len(devices)
    assert INFO.devices() == devices


@pytest.mark.parametrize("device", [None, *NAMES])
def test_default_dtypes(device):
    assert INFO.default_dtypes(device=device) == {
        "real floating": np.dtype("float64"),
        "complex floating": np.dtype("complex128"),
        "integral": np.dtype("int64"),
        "indexing": INDEX,
    }
    assert da.argmax(da.ones(2)).dtype == INFO.default_dtypes(device=device)["indexing"]


@pytest.mark.parametrize("device", [None, *NAMES])
def test_dtypes(device):
    everything = INFO.dtypes(device=device)
    assert set(everything) == set(DTYPES)
    for name, dtype in everything.items():
        assert dtype == getattr(da, name)
        assert da.zeros(1, dtype=dtype).dtype == dtype
    for kind, members in KINDS.items():
        assert set(INFO.dtypes(kind=kind, device=device)) == set(members)
    assert set(INFO.dtypes(kind=("bool", "real floating"))) == {"bool", "float32", "float64"}
    assert INFO.dtypes(kind=()) == {}
    with pytest.raises((TypeError, ValueError)):
        INFO.dtypes(kind="no such kind")


def test_arrays_know_their_namespace():
    x = da.ones(2)
    assert x.__array_namespace__() is da
    for version in ("2021.12", "2022.12", "2023.12", "2024.12", "2025.12", None):
        assert x.__array_namespace__(api_version=version) is da
    for version in ("2020.12", "2099.12", ""):
        with pytest.raises(ValueError, match="api_version"):
            x.__array_namespace__(api_version=version)


@pytest.mark.parametrize("device", NAMES)
def test_to_device(device):
    x = array([1, 2])
    y = x.to_device(device)
    same(y, [1, 2])
    assert y.device == da.Device(device)
    same(x.to_device(x.device, stream=None), [1, 2])
    same(da.astype(x, da.float32, device=device), [1, 2], "float32")


def test_to_unknown_devices():
    with pytest.raises((ValueError, TypeError, da.DeviceError)):
        da.ones(1).to_device("no such device")
    with pytest.raises((ValueError, TypeError)):
        da.ones(1).to_device("cpu", stream=object())


def test_results_stay_on_the_device():
    x = da.ones((2, 2), device=INFO.devices()[0])
    for result in (x + 1, da.sum(x), x[0], da.linalg.inv(x + da.eye(2)), da.fft.fft(x), da.sort(x)):
        assert result.device == x.device
