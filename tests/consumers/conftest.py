"""SciPy dispatches on arrays only if told so before its import; tests run under both accesses."""

import os
import sys

import pytest

import devarray as da
from agreement import host_memory

if "SCIPY_ARRAY_API" not in os.environ:
    assert "scipy" not in sys.modules, "scipy was imported before it was told to dispatch"
    os.environ["SCIPY_ARRAY_API"] = "1"


@pytest.fixture(params=[pytest.param("read", marks=host_memory), "never"])
def access(request):
    """Run a test where the host may read device memory, and where it may not."""
    with da.config(host_access=request.param):
        yield request.param


@pytest.fixture
def never():
    """Run a test where any conversion to a host array that is not asked for is an error."""
    with da.config(host_access="never"):
        yield
