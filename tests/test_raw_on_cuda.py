"""The tests of `test_raw` once more, on the device `cuda` of a machine that is none."""

import re

import pytest

import devarray as da
import test_raw
from devarray.backends import cuda
from standin_gpu import Machine, StandinNvrtc
from test_cuda_standin import standin

globals().update(
    {name: value for name, value in vars(test_raw).items() if re.match("test_|module$", name)}
)


@pytest.fixture(scope="module", autouse=True)
def machine():
    with standin(Machine(), opened=False) as made:
        made.patch.setattr(cuda, "find_nvrtc", lambda newest=None: StandinNvrtc())
        with da.Device("cuda"), da.config(oracle_limit=0):
            yield made
