"""Python threads that record and evaluate together, and children after a fork."""

import multiprocessing
import os
import threading
import time

import numpy as np
import pytest

import devarray as da

OWN_MEMORY = not da.Device().shares_host_memory
survives_fork = pytest.mark.skipif(OWN_MEMORY, reason="the device's runtime survives no fork")

SECONDS = float(os.environ.get("DEVARRAY_THREAD_SECONDS", "4"))


def test_eight_threads_with_shared_and_private_arrays():
    shared = da.arange(1000.0)
    host = shared.get()
    errors = []
    stop = time.monotonic() + SECONDS

    def work(k):
        try:
            rng = np.random.default_rng(k)
            while time.monotonic() < stop:
                scale = float(rng.integers(1, 9))
                lazy = shared * scale + 1.0
                private = da.to_gpu(host[: 100 + k])
                private[1:] += private[:-1] * scale
                expected = host[: 100 + k].copy()
                expected[1:] += expected[:-1] * scale
                np.testing.assert_array_equal(private.get(), expected)
                np.testing.assert_array_equal(lazy.get(), host * scale + 1.0)
                assert float((shared - k).max()) == 999.0 - k
                private[private > 50] = 0
                expected[expected > 50] = 0
                assert private.sum().item() == expected.sum()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_threads_writing_to_parts_of_one_array():
    whole = da.zeros((8, 5000))
    errors = []

    def work(k):
        try:
            for _ in range(50):
                whole[k] += 1.0
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    np.testing.assert_array_equal(whole.get(), np.full((8, 5000), 50.0))


def _child(values, queue):
    x = da.to_gpu(values)
    queue.put(float((np.sqrt(x) * 2.0).sum()))


@pytest.mark.parametrize("method", [pytest.param("fork", marks=survives_fork), "spawn"])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_multiprocessing_after_use(method):
    big = da.arange(400_000.0)  # enough for several threads
    expected = float((np.sqrt(big) * 2.0).sum())
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_child, args=(big.get(), queue))
    child.start()
    result = queue.get(timeout=300)
    child.join(timeout=300)
    assert child.exitcode == 0 and result == expected
    assert float((np.sqrt(big) * 2.0).sum()) == expected


@survives_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_fork_with_pending_arrays_and_a_busy_compiler():
    x = da.arange(100.0)
    pending = x * 3.0 - 1.0
    for k in range(2, 5):  # small and exact: compiled in the background from the second sight
        for _ in range(2):
            (x * float(k) + x / float(k)).get()
    child = os.fork()
    if child == 0:
        ok = np.array_equal(pending.get(), np.arange(100.0) * 3.0 - 1.0)
        os._exit(0 if ok else 1)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        time.sleep(0.01)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        pytest.fail("the forked child hangs")
    assert os.waitstatus_to_exitcode(status) == 0
    np.testing.assert_array_equal(pending.get(), np.arange(100.0) * 3.0 - 1.0)


@pytest.mark.skipif(not OWN_MEMORY, reason="the host's memory and threads survive a fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_is_told_that_the_device_is_lost():
    x = da.arange(3.0)
    x.get()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        found = []
        try:
            for use in ((x + 1).get, x.get, lambda: da.ones(2).get()):
                try:
                    found.append(repr(use()))
                except da.DeviceError as error:
                    found.append("forked" if "before this process was forked" in str(error) else "")
        finally:
            os.write(writer, " ".join(found).encode())
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 1000) == b"forked forked forked"
    np.testing.assert_array_equal((x + 1).get(), [1.0, 2.0, 3.0])
