"""Devices, streams, events, pools and transfers: the same on every device that is present."""

import gc
import multiprocessing
import pickle
import subprocess
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

import devarray as da
from devarray import registry
from devarray.backends import sycl

NAMES = [device.name for device in da.devices()]
DEFAULT = da.get_device().name
N = 200_000


@pytest.fixture(params=NAMES)
def device(request):
    found = da.Device(request.param)
    with found:
        yield found
    found.memory.limit = 0


# ---- devices


def test_devices_by_name(device):
    assert da.Device(device.name) is device is da.get_device(device)
    assert device in da.devices()
    assert str(device) == device.name and device.name in repr(device)
    assert da.ones(2).device is device  # `with device:` of the fixture
    assert pickle.loads(pickle.dumps(device)) is device


def test_with_device_nests_and_is_of_the_thread(device):
    first = da.Device(NAMES[-1])
    seen = []
    with first:
        assert da.get_device() is first
        with device:
            assert da.get_device() is device
            thread = threading.Thread(target=lambda: seen.append(da.get_device().name))
            thread.start()
            thread.join()
        assert da.get_device() is first
    assert da.get_device() is device
    assert seen == [DEFAULT]


def test_properties(device):
    facts = device.properties
    assert facts["memory"] > 1 << 20 and facts["compute_units"] >= 1
    assert facts["device"] and facts["capability"]
    assert all(isinstance(value, str) for value in device.info().values())


@pytest.mark.parametrize("name", ["abacus", "openmp:1", "openmp:", "openmp:x", "sycl:99", "", "::"])
def test_unknown_devices(name):
    if name:
        with pytest.raises(da.DeviceError, match=r"no device named|sycl"):
            da.Device(name)
    with pytest.raises(TypeError, match="device must be a name or a device"):
        da.Device(3)


def test_unusable_devices_say_what_to_do():
    for found in registry.survey():
        if found.problem:
            with pytest.raises(da.DeviceError) as caught:
                da.Device(found.name)
            assert found.problem in str(caught.value)
            assert "\n" not in found.problem


@pytest.mark.parametrize(
    ("usm", "fp64", "reason"), [(False, True, "USM"), (True, False, "float64"), (True, True, "")]
)
def test_sycl_devices_that_dpnp_cannot_use_are_refused(monkeypatch, usm, fp64, reason):
    fake = SimpleNamespace(
        name="a device", has_aspect_usm_device_allocations=usm, has_aspect_fp64=fp64,
        has_aspect_gpu=False,
    )  # fmt: skip
    monkeypatch.setattr(sycl, "_all_devices", lambda: (fake,))
    monkeypatch.setattr(sycl, "_missing", lambda: "")
    (found,) = sycl.survey()
    assert found.name == "sycl" and bool(found.problem) == bool(reason)
    if reason:
        assert found.problem.startswith("a device: ") and reason in found.problem
        with pytest.raises(da.DeviceError, match=f"a device cannot be used: .*{reason}"):
            sycl.open_device(0)


def test_arrays_of_different_devices_do_not_meet():
    if len(NAMES) == 1:
        pytest.skip("there is one device")
    x, y = da.ones(3, device=NAMES[0]), da.ones(3, device=NAMES[1])
    for mix in (lambda: x + y, lambda: np.add(x, y), lambda: da.concatenate([x, y])):
        with pytest.raises(da.UnsupportedError, match=f"{NAMES[0]} and {NAMES[1]}"):
            mix()
    np.testing.assert_array_equal((x.to_device(NAMES[1]) + y).get(), [2, 2, 2])


# ---- streams and events


def test_streams_compute_the_same(device):
    host = np.arange(N, dtype=float)
    x = da.to_gpu(host)
    streams = [da.Stream(device) for _ in range(3)]
    total, wanted = da.zeros(()), 0.0
    for k in range(30):  # each step needs the one before, which ran on another stream
        with streams[k % 3]:
            total = total + (x * k).sum()
            da.evaluate(total)
        wanted += (host * k).sum()
    assert total.get() == wanted


def test_writes_and_reads_on_different_streams(device):
    one, two = da.Stream(device), da.Stream(device)
    host = np.zeros(N)
    x = da.to_gpu(host)
    for k in range(20):
        with one:
            x += k
            da.evaluate(x)
        host += k
        with two:
            y = x * 2
            da.evaluate(y)
            x[::2] = -1
        host_y = host * 2
        host[::2] = -1
        np.testing.assert_array_equal(y.get(), host_y)
    np.testing.assert_array_equal(x.get(), host)


def test_memory_is_not_reused_while_a_stream_uses_it(device):
    stream = da.Stream(device)
    x = da.to_gpu(np.ones(N))
    sums = []
    for k in range(50):
        with stream:
            y = x * k
            sums.append(y.sum())
            da.evaluate(y, sums[-1])
        del y
        z = da.full(N, -1.0)  # of the same size, on the default stream
        da.evaluate(z)
        del z
    assert [float(s.get()) for s in sums] == [N * k for k in range(50)]


def test_library_functions_on_streams(device):
    host = np.random.default_rng(1).random((60, 60))
    with da.Stream(device):
        x = da.to_gpu(host) * 2
        y = da.sort(x @ x, axis=1)
    np.testing.assert_allclose(y.get(), np.sort(host @ host * 4, axis=1))


def test_with_stream_is_of_the_thread(device):
    stream = da.Stream(device)
    seen = []
    with stream:
        assert device.current_stream() is stream
        thread = threading.Thread(target=lambda: seen.append(device.current_stream()))
        thread.start()
        thread.join()
    assert seen == [device.default_stream] and device.current_stream() is device.default_stream
    assert "default" in repr(device.default_stream) and "default" not in repr(stream)


def test_events(device):
    start, end = da.Event(device), da.Event(device)
    assert start.done
    with pytest.raises(ValueError, match="first event was not recorded"):
        start.elapsed_ms(end)
    start.record()
    x = da.to_gpu(np.ones(N))
    for _ in range(5):
        x = x * 1.5
    da.evaluate(x)
    end.record()
    end.synchronize()
    assert start.done and end.done
    assert 0 < start.elapsed_ms(end) < 60_000
    with pytest.raises(TypeError, match="event"):
        start.elapsed_ms(3)


def test_a_stream_waits_for_an_event(device):
    one, two = da.Stream(device), da.Stream(device)
    with one:
        x = da.to_gpu(np.ones(N)) + 1
        da.evaluate(x)
    event = one.record()
    two.wait(event)
    event.wait(two)
    two.synchronize()
    assert event.done and two.done


def test_wrong_streams(device):
    for wrong in (3, object()):
        with pytest.raises(TypeError, match=r"stream must be a devarray\.Stream"):
            da.ones(2).get(stream=wrong)
    if len(NAMES) > 1:
        other = da.Stream(next(name for name in NAMES if name != device.name))
        with pytest.raises(ValueError, match="the stream is one of"):
            da.ones(2).get(stream=other)
        with pytest.raises(ValueError, match="cannot be recorded"):
            other.record(da.Event(device))


def test_launches_return_at_once_on_the_host():
    if da.Device("openmp").threads() < 1:
        pytest.skip("no threads")
    stream = da.Stream("openmp")
    blocker = threading.Event()
    stream.put(blocker.wait)
    with stream:
        y = da.arange(N, device="openmp") * 3
        da.evaluate(y)  # does not wait
    assert not stream.done
    blocker.set()
    assert y[5].get() == 15


def test_errors_of_a_stream_arrive_where_somebody_waits():
    stream = da.Stream("openmp")

    def fail():
        raise ArithmeticError("in the stream")

    stream.put(fail)
    with pytest.raises(ArithmeticError, match="in the stream"):
        stream.synchronize()
    stream.synchronize()


# ---- transfers


def test_transfers_on_a_stream(device):
    stream = da.Stream(device)
    host = da.empty_pinned((50, 40), np.float32)
    host[...] = np.arange(2000).reshape(50, 40)
    out = da.empty_pinned((50, 40), np.float32)
    x = da.to_gpu(host, stream=stream)
    assert x.device is device
    with stream:
        y = x * 2
    assert y.get(out, stream=stream, blocking=False) is out
    stream.synchronize()
    np.testing.assert_array_equal(out, host * 2)


def test_transfers_of_what_is_not_contiguous(device):
    stream = da.Stream(device)
    host = np.arange(24.0).reshape(4, 6)
    x = da.to_gpu(host.T[::2], stream=stream)
    np.testing.assert_array_equal(x.get(stream=stream), host.T[::2])
    out = np.zeros((4, 3)).T
    assert x.get(out, stream=stream) is out
    np.testing.assert_array_equal(out, host.T[::2])
    y = da.to_gpu(host)[::-1, 1::2]
    got = y.get(stream=stream, blocking=False)
    stream.synchronize()
    np.testing.assert_array_equal(got, host[::-1, 1::2])


def test_pinned_memory(device):
    assert da.empty_pinned(0).shape == (0,) and da.empty_pinned((2, 3), "i2").dtype == np.int16
    x = da.empty_pinned(5)
    x[:] = 3
    assert type(x) is np.ndarray and x.flags.writeable and x.flags.c_contiguous


@pytest.mark.parametrize("name", NAMES)
def test_copies_between_devices(device, name):
    x = da.to_gpu(np.arange(12.0).reshape(3, 4))[:, ::2] + 1
    y = x.to_device(name)
    assert y.device.name == name
    np.testing.assert_array_equal(y.get(), x.get())
    assert (y is x) == (name == device.name)
    stream = da.Stream(name)
    np.testing.assert_array_equal(x.to_device(name, stream=stream).get(), x.get())


def test_pickles_go_back_to_their_device(device):
    x = da.to_gpu(np.arange(5)) * 2
    y = pickle.loads(pickle.dumps(x))
    assert y.device is device
    np.testing.assert_array_equal(y.get(), x.get())


def test_dlpack_within_a_device(device):
    x = da.to_gpu(np.arange(6.0)).reshape(2, 3)
    assert x.__dlpack_device__() == device.dlpack_device
    library = device.xp
    y = library.from_dlpack(x)
    assert tuple(y.shape) == (2, 3)
    z = da.from_dlpack(library.arange(4))
    assert z.device is device
    np.testing.assert_array_equal(z.get(), np.arange(4))
    np.testing.assert_array_equal(da.from_dlpack(np.arange(3.0)).get(), np.arange(3.0))
    with pytest.raises(AttributeError, match="__dlpack__"):
        da.from_dlpack(3)


def test_arrays_of_the_device_library(device):
    y = device.xp.arange(4)
    x = da.asarray(y)
    assert x.device is device
    np.testing.assert_array_equal((x + 1).get(), [1, 2, 3, 4])


def test_the_cuda_interface(device):
    x = da.arange(6).reshape(2, 3)
    if not device.has_cuda_interface:
        with pytest.raises(AttributeError, match="CUDA and HIP"):
            x.__cuda_array_interface__  # noqa: B018
        return
    found = x.__cuda_array_interface__
    assert (found["shape"], found["typestr"], found["version"]) == ((2, 3), "<i8", 3)
    assert found["stream"] == 1 and found["strides"] is None


def test_memory_that_is_read_only_is_not_written(device):
    x = da.to_gpu(np.array([3.0, 1.0, 2.0]))
    x.setflags(write=False)
    for write in (
        x.sort,
        lambda: np.put(x, [0], [1]),
        lambda: np.copyto(x, 1),
        lambda: np.putmask(x, da.to_gpu(np.array([True, False, True])), 0.0),
        lambda: np.cumsum(x, out=x),
        lambda: x.partition(1),
    ):
        with pytest.raises(ValueError, match="read-only"):
            write()
    np.testing.assert_array_equal(x.get(), [3, 1, 2])


def test_library_calls_copy_nothing(device, monkeypatch):
    x = da.to_gpu(np.random.default_rng(2).random((30, 30)))
    da.evaluate(x)
    copied = []
    copy_out = device.copy_out
    monkeypatch.setattr(device, "copy_in", lambda source, *rest, **options: copied.append(source))
    monkeypatch.setattr(
        device,
        "copy_out",
        lambda block, layout, out, *rest, **options: (
            copied.append(out) if out.nbytes > 1 else copy_out(block, layout, out, *rest, **options)
        ),
    )
    with da.config(oracle_limit=0):  # NumPy's answers while kernels compile are copied
        for result in (x @ x, da.sort(x), da.fft.fft(x), da.linalg.solve(x, x), x.T @ x[0]):
            assert result.device is device
    monkeypatch.undo()
    assert not copied  # but for the truth that `sort` wants of whether there are zeros


def test_functions_that_the_library_lacks(device):
    if device.xp is np:
        pytest.skip("NumPy lacks none of its own functions")
    host, keys = np.array([3.0, 1.0, 2.0]), np.array([1, 1, 0])
    x, k = da.to_gpu(host), da.to_gpu(keys)
    with pytest.raises(da.UnsupportedError, match=r"has no numpy\.lexsort: use \.get\(\)"):
        np.lexsort((x, k))
    with da.config(host_access="always"):  # for whole programs: NumPy computes, on copies
        order = np.lexsort((x, k))
        assert order.device is device
        np.testing.assert_array_equal(order.get(), np.lexsort((host, keys)))
        out = da.zeros(3)
        assert np.add.reduceat(x, [0, 1, 2], out=out) is out
        np.testing.assert_array_equal(out.get(), host)
        late = x * 2
        np.add.at(x, [0, 0], 5.0)
    np.testing.assert_array_equal(x.get(), [13, 1, 2])
    np.testing.assert_array_equal(late.get(), host * 2)


# ---- memory


def test_statistics_of_memory(device):
    gc.collect()
    memory = device.memory
    memory.reset_peak()
    before = memory.statistics()
    x = da.to_gpu(np.ones(N))
    da.evaluate(x)
    during = memory.statistics()
    assert during.used >= before.used + 8 * N
    assert during.peak >= during.used
    del x
    gc.collect()
    after = memory.statistics()
    assert after.used < during.used
    memory.clear()
    assert memory.statistics().free == 0


def test_a_limit(device):
    gc.collect()
    device.memory.clear()
    x = da.to_gpu(np.arange(1000.0))
    device.memory.limit = device.memory.statistics().used + 100_000
    with pytest.raises(da.DeviceMemoryError) as caught:
        da.evaluate(da.zeros(N) + 1)
    assert str(8 * N) in str(caught.value) and device.name in str(caught.value)
    assert isinstance(caught.value, MemoryError)
    np.testing.assert_array_equal((x + 1).get(), np.arange(1000.0) + 1)  # and life goes on
    with pytest.raises(ValueError, match="limit"):
        device.memory.limit = -1


def test_what_fails_changes_nothing_and_leaks_nothing(device):
    x = da.to_gpu(np.arange(1000.0))
    y = x * 2
    da.evaluate(y)
    gc.collect()
    device.memory.clear()
    used = device.memory.statistics().used
    device.memory.limit = used + 100_000
    for _ in range(1000):
        with pytest.raises(da.DeviceMemoryError):
            y[...] = da.cumsum(da.ones(N))[:1000] + y
    device.memory.limit = 0
    gc.collect()
    assert device.memory.statistics().used <= used + 4096
    np.testing.assert_array_equal(y.get(), np.arange(1000.0) * 2)


# ---- the end of devices


@pytest.mark.parametrize("name", NAMES)
def test_closed_devices(name, monkeypatch):
    # opened anew and put aside afterwards: the device that the other tests use stays open
    monkeypatch.setattr(registry, "_open", {})
    device = da.Device(name)
    with device:
        closing(device)


def closing(device):
    x = da.to_gpu(np.arange(4.0))
    y = x + 1
    stream = da.Stream(device)
    device.close()
    for use in (x.get, y.get, lambda: x * 2 + 0 * y.get(), lambda: da.Stream(device)):
        with pytest.raises(da.DeviceError, match="was closed; Device"):
            use()
    del stream
    again = da.Device(device.name)
    assert again is not device
    da.synchronize()  # what is pending on the closed device is in nobody's way
    with da.capture() as step:
        da.evaluate(da.ones(3, device=again) + 3)
    assert step.launches == 1
    np.testing.assert_array_equal((da.ones(3, device=again) + 1).get(), [2, 2, 2])


def _in_child(name, queue):
    try:
        result = (da.ones(3, device=name) + 1).get().tolist()
    except da.DeviceError as error:
        result = str(error)
    queue.put(result)


def test_forked_children():
    for name in NAMES:
        da.evaluate(da.ones(3, device=name) + 1)
    stream = da.Stream("openmp")
    context = multiprocessing.get_context("fork")
    for name in NAMES:
        queue = context.Queue()
        child = context.Process(target=_in_child, args=(name, queue))
        child.start()
        result = queue.get(timeout=300)
        child.join(300)
        if da.Device(name).shares_host_memory:
            assert result == [2, 2, 2]
        else:
            assert "forked" in result and "spawn" in result
    assert stream.done


def test_info_shows_every_device():
    text = subprocess.run(
        [sys.executable, "-m", "devarray", "info"], capture_output=True, text=True, check=True
    ).stdout
    for found in registry.survey():
        state = f"not usable: {found.problem}" if found.problem else "usable"
        assert any(
            line.startswith(f"device {found.name}") and state in line for line in text.splitlines()
        )


def test_threads_with_streams(device):
    wanted = [float((np.arange(1000.0) * k).sum()) for k in range(8)]
    found = [0.0] * 8

    def work(k):
        with device, da.Stream(device):
            for _ in range(20):
                found[k] = float((da.arange(1000.0) * k).sum().get())

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == wanted
