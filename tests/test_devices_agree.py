"""Moving a program between devices changes its results by no more than the rows' ulp."""

import pytest

import devarray as da
from device_programs import PROGRAMS, compare, run

OTHERS = [device.name for device in da.devices() if device.name != "openmp"]


@pytest.mark.parametrize("device", OTHERS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_devices_agree(name, device):
    with da.config(oracle_limit=0):
        compare(run(name, da.Device(device)), run(name, da.Device("openmp")))


def test_there_are_twenty():
    assert len(PROGRAMS) == 20
