"""What array-api-compat asks of an array and of its namespace."""

import numpy as np
import pytest
from compare import same

import devarray as da

compat = pytest.importorskip("array_api_compat")

VALUES = np.random.default_rng(0).random((3, 4))


def test_the_namespace_is_devarray_itself(access):
    x = da.to_gpu(VALUES)
    assert compat.array_namespace(x) is da
    assert compat.array_namespace(x, x + 1, 2.0, None) is da
    assert compat.array_namespace(x, api_version="2024.12") is da


def test_host_arrays_have_another_namespace(access):
    with pytest.raises(TypeError, match="Multiple namespaces"):
        compat.array_namespace(da.to_gpu(VALUES), VALUES)
    with pytest.raises(TypeError, match="Multiple namespaces"):
        compat.array_namespace(da.to_gpu(VALUES), np.float64(1))


@pytest.mark.parametrize("reduce", ["sum", "max", "any", "argmin"])
def test_full_reductions_stay_in_the_namespace(reduce, access):
    x = da.to_gpu(VALUES)
    assert compat.array_namespace(getattr(x, reduce)(), x) is da
    assert compat.array_namespace(x[0, 0], x) is da


def test_an_array_is_one_of_the_standard_and_of_no_other_library(access):
    x = da.to_gpu(VALUES)
    assert compat.is_array_api_obj(x)
    assert compat.is_writeable_array(x)
    assert not compat.is_lazy_array(x)
    for library in ("numpy", "cupy", "torch", "dask", "jax", "ndonnx", "pydata_sparse"):
        assert not getattr(compat, f"is_{library}_array")(x)
        if hasattr(compat, f"is_{library}_namespace"):
            assert not getattr(compat, f"is_{library}_namespace")(da)


def test_devices_and_sizes(access):
    x = da.to_gpu(VALUES)
    assert compat.device(x) == x.device == da.get_device()
    assert compat.to_device(x, x.device) is x
    same(compat.to_device(x, "openmp"), VALUES)
    assert compat.size(x) == 12
    info = da.__array_namespace_info__()
    assert compat.device(x) in info.devices()
    assert info.default_device() == x.device


def test_asking_whether_arrays_are_lazy_launches_nothing(access, quiet):
    x = da.to_gpu(np.random.default_rng(1).random((500, 400)))
    before = da.statistics()
    assert not compat.is_lazy_array(x)
    after = da.statistics()
    assert (after.compiled, after.launches) == (before.compiled, before.launches)
