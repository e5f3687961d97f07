"""Captured evaluations: replays do what the statements did, to the same memory."""

import numpy as np
import pytest

import devarray as da

NAMES = [device.name for device in da.devices()]


@pytest.fixture(params=NAMES, autouse=True)
def device(request):
    with da.Device(request.param) as found:
        yield found


def relax(u):
    u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])
    return u.sum(axis=0), (u > 0.1).any()


def test_replays_are_the_statements_again():
    host = np.zeros((20, 30))
    host[0] = 1
    u = da.to_gpu(host)
    with da.capture() as step:
        sums, some = relax(u)
    assert step.launches >= 3
    relax(host)
    for _ in range(5):
        step.replay()
        wanted = relax(host)
        np.testing.assert_array_equal(u.get(), host)
        np.testing.assert_array_equal(sums.get(), wanted[0])
        assert some.get() == wanted[1]


def test_replays_read_what_inputs_hold_then():
    x = da.to_gpu(np.arange(5.0))
    with da.capture() as step:
        y = (x * 2).cumsum()
    x[...] = 1
    step.replay()
    np.testing.assert_array_equal(y.get(), [2, 4, 6, 8, 10])
    x += 1
    step.replay()
    np.testing.assert_array_equal(y.get(), [4, 8, 12, 16, 20])


def test_whole_arrays_are_written_where_they_are():
    x = da.to_gpu(np.arange(4.0))
    keep = x * 1
    da.evaluate(keep)
    with da.capture() as step:
        x[...] = x * 2 + 1
        x -= 1
    for _ in range(3):
        step.replay()
    np.testing.assert_array_equal(x.get(), np.arange(4.0) * 16)


def test_pending_readers_keep_the_values_that_they_read():
    x = da.to_gpu(np.arange(4.0))
    with da.capture() as step:
        x += 1
    late = x * 10
    step.replay()
    np.testing.assert_array_equal(late.get(), [10, 20, 30, 40])
    np.testing.assert_array_equal(x.get(), [2, 3, 4, 5])


def test_what_is_pending_before_is_not_captured():
    x = da.arange(5) * 3
    with da.capture() as step:
        pass
    assert step.launches == 0
    step.replay()
    np.testing.assert_array_equal(x.get(), np.arange(5) * 3)


def test_memory_stays_while_a_capture_lives():
    with da.capture() as step:
        y = da.ones(1000) + 1
        for _ in range(4):
            y = y * 2
    del y
    others = [da.full(1000, 7.0) for _ in range(6)]
    da.evaluate(*others)
    step.replay()
    assert all((x.get() == 7).all() for x in others)


def test_library_functions_cannot_be_captured():
    x = da.to_gpu(np.arange(9.0).reshape(3, 3))
    step = da.capture()
    with pytest.raises(da.UnsupportedError, match="matmul ran in the device's library"), step:
        x @ x
    with pytest.raises(da.DevarrayError, match="nothing to replay"):
        step.replay()


def test_misuse():
    with pytest.raises(da.DevarrayError, match="cannot be nested"), da.capture(), da.capture():
        pass
    with da.capture() as step:
        da.evaluate(da.ones(3) + 1)
    with pytest.raises(da.DevarrayError, match="once"):
        step.__enter__()
    with pytest.raises(da.DevarrayError, match="nothing to replay: the capture is new"):
        da.capture().replay()


def test_a_failing_block_captures_nothing():
    capture = da.capture()
    with pytest.raises(ZeroDivisionError), capture:
        da.evaluate(da.ones(3) + 1)
        1 / 0  # noqa: B018
    with pytest.raises(da.DevarrayError, match="the capture is failed"):
        capture.replay()
    with da.capture() as again:
        da.evaluate(da.ones(3) + 2)
    again.replay()


def test_on_a_stream(device):
    x = da.to_gpu(np.arange(1000.0))
    with da.capture() as step:
        x[...] = x * 2
    with da.Stream(device):
        step.replay()
    np.testing.assert_array_equal(x.get(), np.arange(1000.0) * 4)
