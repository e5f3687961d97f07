"""Settings for the whole run of the tests."""

import os
import queue
import re
import threading

import numpy as np
import pytest

# Before devarray is imported, for it reads the environment then. Our tests run as on a device with
# memory of its own: whatever reaches the host does so by name. (`make test` sets it too.)
os.environ.setdefault("DEVARRAY_HOST_ACCESS", "never")

from devarray import launches

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


# ---- what tests leave behind is not what others begin with

_generators = {}  # of each test file: its generators of random numbers, as they were when it began


def pytest_itemcollected(item):
    module = item.getparent(pytest.Module)
    if module is not None and module.obj.__name__ not in _generators:
        found = [x for x in vars(module.obj).values() if isinstance(x, np.random.Generator)]
        states = [(x.bit_generator, x.bit_generator.state) for x in found]
        _generators[module.obj.__name__] = states


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Let every test draw the numbers that it draws when it is run alone."""
    module = item.getparent(pytest.Module)
    for generator, state in _generators.get(module.obj.__name__, ()) if module else ():
        generator.state = state


class _Last:
    """The last piece of work for the thread that compiles: it tells that it was reached."""

    def __init__(self):
        self.reached = threading.Event()

    def compile(self, device):
        self.reached.set()


def _quiet():
    """Take from the thread that compiles what other tests left it, and wait for what it is at."""
    jobs, worker = launches._jobs, launches._worker
    try:
        while True:
            plan, _ = jobs.get_nowait()
            plan.retry()  # it is compiled when it is used again
    except queue.Empty:
        pass
    if worker is not None:
        last = _Last()
        jobs.put((last, None))
        assert last.reached.wait(300), "the thread that compiles does not come to an end"


@pytest.fixture(scope="module")
def quiet_for_the_file():
    """Nothing that other files left is compiled in the background, with this file's settings."""
    _quiet()


@pytest.fixture
def quiet():
    """Nothing is compiled in the background: the statistics are of this test alone."""
    _quiet()
