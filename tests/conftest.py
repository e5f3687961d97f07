"""Settings for the whole run of the tests."""

import os
import re

import pytest

# Before devarray is imported, for it reads the environment then. Our tests run as on a device with
# memory of its own: whatever reaches the host does so by name. (`make test` sets it too.)
os.environ.setdefault("DEVARRAY_HOST_ACCESS", "never")

# of the message that a device's library lacks a function
_GAP = re.compile(r"\w+, the library of device [\w:]+, has no [^:\n]+")


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="write the kernel texts in tests/golden anew"
    )


def _gap(error):
    """Return the message of an error that says that the device's library lacks a function."""
    while error is not None:
        found = _GAP.search(str(error))
        if found:
            return found.group()
        error = error.__cause__ or error.__context__
    return ""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Skip where the device's library lacks a function: devarray says so, which is all it can."""
    try:
        return (yield)
    except Exception as error:
        gap = _gap(error)
        if not gap:
            raise
        pytest.skip(gap)
