"""The backend of docs/adding-a-backend.md, which runs the CUDA dialect of kernels on the host."""

import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest

import devarray as da
from devarray import registry
from devarray.kernels.ops import DTYPES
from device_programs import PROGRAMS, compare, run

PAGE = Path(__file__).parents[1] / "docs" / "adding-a-backend.md"


@pytest.fixture(scope="module")
def simulator():
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.S)
    module = types.ModuleType("simulator_of_the_docs")
    exec(compile(code, str(PAGE), "exec"), module.__dict__)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, module.__name__, module)
        patch.setattr(registry, "_BACKENDS", dict(registry._BACKENDS))
        registry.add_backend("simulator", module.__name__)
        device = da.Device("simulator")
        with device:
            yield device
        device.close()


@pytest.fixture(autouse=True)
def kernels_only(simulator):
    with da.config(oracle_limit=0):
        yield


def test_backends_have_one_name_each():
    with pytest.raises(ValueError, match="there is a backend named 'openmp'"):
        registry.add_backend("openmp", "anything")


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_do_as_on_the_host(simulator, name):
    compare(run(name, simulator), run(name, da.Device("openmp")))
    assert not simulator.memory.statistics().limit


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype_in_every_skeleton(simulator, dtype):
    rng = np.random.default_rng(3)
    host = (rng.random((37, 300)) * 20).astype(dtype)
    x = da.to_gpu(host)
    for mine, theirs in (
        (x + x, host + host),
        (x[::2, ::-3].T, host[::2, ::-3].T),
        (x[1:] == x[:-1], host[1:] == host[:-1]),
        (x.sum(axis=1), da.to_gpu(host, "openmp").sum(axis=1).get()),
        (x.sum(axis=0), da.to_gpu(host, "openmp").sum(axis=0).get()),
        ((x + x[0]).sum(), (da.to_gpu(host, "openmp") + da.to_gpu(host[0], "openmp")).sum().get()),
    ):
        assert mine.device is simulator
        np.testing.assert_array_equal(mine.get(), theirs)
    if dtype.kind != "c":
        for axis in (0, 1, None):
            np.testing.assert_array_equal(x.argmax(axis=axis).get(), host.argmax(axis=axis))
    np.testing.assert_allclose(
        x.cumsum(axis=1).get().astype(complex), host.cumsum(axis=1).astype(complex), rtol=1e-2
    )
