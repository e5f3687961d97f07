"""The backends `cuda` and `hip` on a machine that is none: see `standin_gpu`.

Nothing runs before somebody waits for it, and memory that was freed holds garbage, so that these
tests find what is wrong with synchronisation and lifetimes as well as with kernels.
"""

import contextlib
import gc
import os
import pickle
import re
import sys
import threading
import time
import warnings
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import devarray as da
from agreement import assert_same_bits
from devarray import launches, plans, registry
from devarray.backends import _cupy_driver, cuda, hip
from devarray.layout import contiguous
from programs import Programs
from standin_cupy import make_cupy
from standin_gpu import DriverLibrary, Machine


def compiler_for(architecture):
    """Return a compiler whose code is the text."""

    def build(text, flags):
        return f"//{' '.join(flags)}\n{text}".encode()

    return _cupy_driver.Compiler(f"stand-in {architecture}", build)


@contextlib.contextmanager
def standin(machine, backend=cuda, opened=True):
    """Let a backend find a machine that is made up; its first device is the default device."""
    # what runs CUDA's text on the host does not know HIP's built-in functions
    dialect = backend.DIALECT._replace(compiler=compiler_for, prelude=cuda.PRELUDE_FILES)
    with pytest.MonkeyPatch.context() as patch:
        machine.patch = patch
        patch.setattr(backend, "DIALECT", dialect)
        patch.setattr(backend.Cuda if backend is cuda else backend.Hip, "dialect", dialect)
        patch.setitem(sys.modules, "cupy", make_cupy(machine))
        patch.setattr(
            _cupy_driver, "_load", lambda ffi, dialect: DriverLibrary(machine, dialect.prefix)
        )
        patch.setattr(_cupy_driver.importlib.util, "find_spec", lambda name: name == "cupy" or None)
        _cupy_driver.driver_of.cache_clear()
        try:
            if opened:
                with da.Device(dialect.name), da.config(oracle_limit=0):
                    yield machine
            else:
                yield machine
        finally:
            gc.collect()
            for device in registry.open_devices():
                if device.name.startswith(("cuda", "hip")):
                    device.lose("the stand-in is gone")
                    registry.forget(device)
            _cupy_driver.driver_of.cache_clear()


@pytest.fixture
def machine():
    """A machine with two devices; `cuda` is the default device."""
    with standin(Machine()) as made:
        yield made


# ---- every skeleton


RNG = np.random.default_rng(11)
F8 = RNG.integers(-8, 8, (6, 7, 5)) * 0.25
I4 = RNG.integers(-50, 50, (6, 7, 5)).astype(np.int32)
LONG = RNG.integers(-8, 8, 70_001) * 0.5
WIDE = RNG.integers(-8, 8, (3, 9000)) * 0.5
TALL = RNG.integers(-8, 8, (9000, 3)) * 0.5

MAPS = {
    "flat": lambda xp, x: x * 2 + 1,
    "flat of several": lambda xp, x: xp.where(x > 0, x, -x) - xp.minimum(x, 1),
    "strided": lambda xp, x: x[1::2, ::3, ::-1] * 3,
    "transposed": lambda xp, x: x.T + x.T[::-1],
    "negative strides": lambda xp, x: x[::-1, ::-1, ::-1] - x,
    "broadcast": lambda xp, x: x + x[0] * x[:, :1] - x[:, :, 2:3],
    "one element": lambda xp, x: x[2, 3, 4] * 2 + x[1, 1],
    "nothing": lambda xp, x: x[:0] + 1,
    "indices": lambda xp, x: xp.arange(35).reshape(7, 5) * x,
    "diagonal": lambda xp, x: x[:5, :5, 0] * xp.eye(5),
    "two results": lambda xp, x: sum(xp.divmod(x * 4, 3)),
    "transcendental": lambda xp, x: xp.round(xp.sin(x) + xp.exp(x / 8), 6),
    "complex": lambda xp, x: (x + 1j * x[::-1]) * xp.conj(x - 2j),
}
REDUCTIONS = {
    "all": lambda xp, x: x.sum(),
    "inner": lambda xp, x: x.sum(2),
    "outer": lambda xp, x: x.sum(0),
    "middle": lambda xp, x: x.max(1),
    "several": lambda xp, x: x.sum((0, 2)),
    "two inner": lambda xp, x: x.min((1, 2)),
    "kept": lambda xp, x: x.prod(1, keepdims=True),
    "fused": lambda xp, x: (x * x + 1).sum(1) * 2,
    "arg": lambda xp, x: x.argmax(1),
    "arg of all": lambda xp, x: x[::-1].argmin(),
    "initial": lambda xp, x: x.sum(0, initial=10) + x.max(0, initial=3),
    "of nothing": lambda xp, x: x[:0].sum(0) + x[:, :0].prod(1)[:1],
    "bools": lambda xp, x: (x > 0).any(1) & (x < 7).all(1),
    "counts": lambda xp, x: xp.count_nonzero(x, axis=1),
    "where": lambda xp, x: x.sum(1, where=x > 0),
    "variance": lambda xp, x: xp.round(x.var(1), 9),
    "of a view": lambda xp, x: x[::2, ::-1].sum(1),
}
SCANS = {
    "inner": lambda xp, x: x.cumsum(2),
    "outer": lambda xp, x: x.cumsum(0),
    "middle": lambda xp, x: xp.cumprod(x, axis=1),
    "flat": lambda xp, x: xp.cumsum(x * 2),
    "of a view": lambda xp, x: x[:, ::-1].cumsum(1),
}


def check(body, *arrays):
    """Compare a body's result with NumPy's."""
    with np.errstate(all="ignore"):
        wanted = body(np, *[x.copy() for x in arrays])
        got = body(da, *[da.to_gpu(x) for x in arrays])
    assert isinstance(got, da.DeviceArray) and got.device.name == "cuda"
    assert_same_bits(got.get(), np.asarray(wanted))


@pytest.mark.parametrize("x", [F8, I4], ids=["f8", "i4"])
@pytest.mark.parametrize("name", MAPS)
def test_maps(machine, name, x):
    check(MAPS[name], x)
    assert machine.launches or name == "nothing"


@pytest.mark.parametrize("x", [F8, I4], ids=["f8", "i4"])
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions(machine, name, x):
    check(REDUCTIONS[name], x)


@pytest.mark.parametrize("name", SCANS)
def test_scans(machine, name):
    check(SCANS[name], F8)


@pytest.mark.parametrize("x", [LONG, WIDE, TALL], ids=["long", "wide", "tall"])
def test_what_takes_several_blocks(machine, x):
    check(lambda xp, x: x.sum(), x)
    check(lambda xp, x: x.argmax(), x)
    check(lambda xp, x: x.sum(0), x)
    check(lambda xp, x: x.cumsum(x.ndim - 1), x)
    check(lambda xp, x: x.cumsum(0), x)
    if x.ndim > 1:
        check(lambda xp, x: x.max(1) - x.argmin(1), x)


@pytest.mark.parametrize("source", list("?bBhHiIqQefdFD"))
def test_casts(machine, source):
    x = (np.arange(24) % 5).astype(source).reshape(4, 6)
    on_device = da.to_gpu(x)
    for target in list("?bBhHiIqQefdFD"):
        if np.dtype(source).kind == "c" and np.dtype(target).kind != "c":
            continue
        assert_same_bits(on_device[:, ::2].astype(target).get(), x[:, ::2].astype(target))


def test_stores_to_views(machine):
    def body(xp, x):
        x[1:3, ::2] = x[3:5, ::2] * 2
        x[::-1, 1] += 5
        x[..., 0] = 7
        x *= 2
        x[2:, 3:][x[2:, 3:] > 10] = -1
        x[0] = x[1].T.copy().T
        return x

    check(body, F8)


def test_a_reader_keeps_what_it_read(machine):
    x = da.to_gpu(F8)
    later = x * 2
    x[...] = 0
    assert_same_bits(later.get(), F8 * 2)
    part = x[1:3]
    x += 1
    assert_same_bits(part.get(), np.ones((2, 7, 5)))


def test_masks(machine):
    check(lambda xp, x: x[x > 0], F8)
    check(lambda xp, x: xp.where(x > 0, x, 0).sum(0), F8)
    check(lambda xp, x: xp.nonzero(x[0] > 0)[1], F8)
    check(lambda xp, x: xp.argwhere(x[0] > 0), F8)


def test_random_numbers_are_those_of_the_host(machine):
    with da.Device("openmp"):
        wanted = [r.get() for r in _random()]
    for got, same in zip(_random(), wanted, strict=True):
        assert got.device.name == "cuda"
        assert_same_bits(got.get(), same)


def _random():
    generator = da.random.default_rng(5)
    return [
        generator.random((5, 7)), generator.integers(0, 100, 33), generator.uniform(-1, 1, 9),
        generator.permutation(20),
    ]  # fmt: skip


def test_pending_kernels_may_be_answered_by_numpy(machine):
    """Without waiting for a compiler, if NumPy's result is the same."""
    with da.config(oracle_limit=1000):
        x = da.to_gpu(F8) * 1.5 - 0.25
        y = x.sum(0)
        assert_same_bits(y.get(), (F8 * 1.5 - 0.25).sum(0))


@pytest.mark.parametrize("each_step", [True, False])
def test_random_programs(machine, each_step):
    class Few(Programs):
        options: ClassVar = {"oracle_limit": 0}
        dtypes = ("f8", "i8", "?")

    Few.each_step = each_step
    run_state_machine_as_test(
        Few,
        settings=settings(
            max_examples=int(os.environ.get("DEVARRAY_PROGRAMS", "80")),
            stateful_step_count=25,
            deadline=None,
            derandomize="DEVARRAY_PROGRAMS" not in os.environ,
            database=None,
            report_multiple_bugs=False,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_random_programs_that_numpy_may_answer(machine):
    class Any(Programs):
        each_step = False

    with da.config(oracle_limit=1 << 20):
        run_state_machine_as_test(
            Any,
            settings=settings(
                max_examples=120,
                stateful_step_count=25,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )


# ---- CuPy's functions


LIBRARY = {
    "matmul": lambda xp, x: x[0] @ x[1].T,
    "dot": lambda xp, x: xp.dot(x[0], x[1, 0]),
    "tensordot": lambda xp, x: xp.tensordot(x, x, axes=([1, 2], [1, 2])),
    "einsum": lambda xp, x: xp.einsum("ijk,ijk->i", x, x),
    "sort": lambda xp, x: xp.sort(x, axis=1),
    "sort flat": lambda xp, x: xp.sort(x, axis=None),
    "argsort": lambda xp, x: xp.argsort(x[0, 0], kind="stable"),
    "unique": lambda xp, x: xp.unique(x),
    "unique inverse": lambda xp, x: xp.unique(x, return_inverse=True)[1],
    "take": lambda xp, x: xp.take(x, xp.asarray([0, 2, -1]), axis=1),
    "take along": lambda xp, x: xp.take_along_axis(x, xp.argsort(x, axis=-1)),
    "index arrays": lambda xp, x: x[xp.asarray([0, 3]), :, xp.asarray([[1], [2]])],
    "index lists": lambda xp, x: x[:, [0, -1]],
    "concatenate": lambda xp, x: xp.concatenate([x, x[:2]]),
    "median": lambda xp, x: xp.median(x, axis=0),
    "percentile": lambda xp, x: xp.percentile(x, 30, axis=0),
    "searchsorted": lambda xp, x: xp.searchsorted(xp.sort(x[0, 0]), x[1]),
    "bincount": lambda xp, x: xp.bincount((x[0, 0] + 50).astype("i8")),
    "histogram": lambda xp, x: xp.histogram(x, bins=4)[0],
    "convolve": lambda xp, x: xp.convolve(x[0, 0], x[1, 0]),
    "interp": lambda xp, x: xp.interp(x[0], xp.arange(5.0), x[1, 0]),
    "partition": lambda xp, x: xp.sort(xp.partition(x[0, 0], 2)[:2]),
    "repeat": lambda xp, x: xp.repeat(x, 2, axis=1),
    "isin": lambda xp, x: xp.isin(x, x[0, 0]),
    "fft": lambda xp, x: xp.round(xp.fft.fft(x, axis=1), 9),
    "solve": lambda xp, x: xp.round(xp.linalg.solve(x[0, :5] + 9 * xp.eye(5), x[1, 0]), 9),
    "norm": lambda xp, x: xp.round(xp.linalg.norm(x[0]), 9),
    "reshaped": lambda xp, x: xp.sort(x.transpose(2, 0, 1).reshape(-1)),
}


@pytest.mark.parametrize("name", LIBRARY)
def test_library(machine, name):
    check(LIBRARY[name], F8)


def test_library_in_place(machine):
    def body(xp, x):
        y = xp.zeros((7, 7))
        x.sort(axis=1)
        x[::-1].sort(axis=0, kind="mergesort")
        x[2].sort(stable=True)
        x[xp.asarray([0, 2])] = x[xp.asarray([3, 4])]
        x[1].fill(4)
        xp.add.at(x, (xp.asarray([0, 0]), 0, 0), 1)
        xp.matmul(x[0], x[1].T, out=y)
        return x + y[:, :5]

    check(body, F8)


def test_what_reads_before_the_library_writes(machine):
    x = da.to_gpu(F8)
    before = x * 2
    x.sort(axis=0)
    assert_same_bits(before.get(), F8 * 2)
    assert_same_bits(x.get(), np.sort(F8, axis=0))


@pytest.mark.parametrize(
    "body",
    [
        lambda xp, x: xp.take(x, xp.asarray([999])),
        lambda xp, x: xp.linalg.solve(x[0], x[1, 0]),
        lambda xp, x: xp.matmul(x, x),
        lambda xp, x: xp.concatenate([x, x[0]]),
        lambda xp, x: xp.sort(x, axis=7),
        lambda xp, x: xp.sort(x, kind="none"),
        lambda xp, x: xp.unique(x, nonsense=1),
        lambda xp, x: x[xp.asarray([99])],
    ],
)
def test_errors_of_the_library_are_numpys(machine, body):
    with pytest.raises(Exception) as numpys:
        body(np, F8)
    with pytest.raises(type(numpys.value), match=re.escape(str(numpys.value))):
        body(da, da.to_gpu(F8))


def test_what_cupy_lacks_is_said(machine):
    x = da.to_gpu(F8)
    with pytest.raises(da.UnsupportedError, match=r"cupy, the library of device cuda, has no "):
        da.fft.fft(x, out=x.astype("c16"))
    with pytest.raises(da.UnsupportedError, match=r"has only a part of numpy.fmax.reduce: `fmax"):
        np.fmax.reduce(x.astype("c16"))
    with pytest.raises(da.UnsupportedError, match=r"has no numpy.einsum_path"):
        da.einsum_path("ij,jk", x[0], x[1].T)


# ---- transfers


LAYOUTS = {
    "whole": lambda x: x,
    "part": lambda x: x[2:4],
    "strided": lambda x: x[::2, 1::2],
    "backwards": lambda x: x[::-1, :, ::-1],
    "columns": lambda x: x.T,
    "one": lambda x: x[1, 2, 3],
    "empty": lambda x: x[:0],
    "column": lambda x: x[:, 1:2, 0],
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_get(machine, name):
    x = LAYOUTS[name](da.to_gpu(F8))
    wanted = LAYOUTS[name](F8)
    assert_same_bits(x.get(), np.asarray(wanted))
    for order in "CF":
        out = np.empty(x.shape, x.dtype, order)
        assert x.get(out) is out
        assert_same_bits(out, np.asarray(wanted))
    assert_same_bits(np.array(x.tolist(), "f8").reshape(x.shape), np.asarray(wanted))


@pytest.mark.parametrize("name", LAYOUTS)
def test_to_gpu(machine, name):
    x = LAYOUTS[name](F8)
    assert_same_bits(da.to_gpu(x).get(), np.asarray(x))


@pytest.mark.parametrize("name", LAYOUTS)
def test_other_device(machine, name):
    x = LAYOUTS[name](da.to_gpu(F8) + 1)
    there = x.to_device("cuda:1")
    assert there.device.name == "cuda:1"
    assert_same_bits((there * 2).get(), np.asarray(LAYOUTS[name](F8 + 1) * 2))
    back = (there - 1).to_device("cuda")
    assert_same_bits(back.get(), np.asarray(LAYOUTS[name](F8)))
    assert_same_bits(back.to_device("openmp").get(), np.asarray(LAYOUTS[name](F8)))


def test_the_source_is_written_after_the_copy(machine):
    """The copy runs in a stream of the other device, and nobody waits for it."""
    x = da.to_gpu(F8) * 1
    there = x.to_device("cuda:1")
    x[...] = 0
    assert_same_bits(x.get(), np.zeros_like(F8))
    assert_same_bits(there.get(), F8)
    x = da.to_gpu(F8) * 1
    there = x.to_device("cuda:1")
    del x
    scratch = [da.full(F8.shape, k) * 1 for k in range(3)]
    da.evaluate(*scratch)
    da.Device("cuda").synchronize()
    assert_same_bits(there.get(), F8)


def test_several_devices_in_turn(machine):
    first, second = da.Device("cuda"), da.Device("cuda:1")
    with first:
        x = da.to_gpu(F8)
    with second:
        y = da.to_gpu(I4)
        y2 = da.sort(y * 2, axis=1)
    x2 = da.sort(x * 3, axis=1)  # while the other one was used last
    assert_same_bits(y2.sum(0).get(), np.sort(I4 * 2, axis=1).sum(0))
    assert_same_bits(x2.sum(0).get(), np.sort(F8 * 3, axis=1).sum(0))
    second.synchronize()
    assert first.memory.statistics().used != second.memory.statistics().used
    second.memory.limit = 1 << 20
    assert (first.memory.limit, second.memory.limit) == (0, 1 << 20)
    with pytest.raises(da.UnsupportedError, match="different devices"):
        x + y


def test_pinned_memory(machine):
    host = da.empty_pinned((6, 7, 5))
    host[...] = F8
    stream = da.Stream()
    x = da.to_gpu(host, stream=stream)
    out = da.empty_pinned(F8.shape)
    out[...] = 0
    with stream:
        y = x * 2
        y.get(out, blocking=False)
    assert not out.any()
    stream.synchronize()
    assert_same_bits(np.array(out), F8 * 2)
    assert da.empty_pinned(0).shape == (0,)


# ---- streams


def test_work_waits_for_somebody(machine):
    x = da.to_gpu(F8)
    before = machine.works
    y = x * 2 + x.sum()
    da.evaluate(y)
    assert machine.pending() and machine.works == before
    da.Device("cuda").synchronize()
    assert not machine.pending()


def test_streams_follow_one_another(machine):
    streams = [da.Stream() for _ in range(3)]
    x = da.to_gpu(LONG)
    wanted = LONG.copy()
    for k in range(9):
        with streams[k % 3]:
            x = da.sort(x * 2 - x)[::-1] + k if k % 2 else x + x.sum() * 0 + k
            wanted = np.sort(wanted)[::-1] + k if k % 2 else wanted + k
            da.evaluate(x)
    assert_same_bits(x.get(), wanted)


def test_writes_wait_for_readers(machine):
    one, two = da.Stream(), da.Stream()
    x = da.to_gpu(F8)
    with one:
        y = x * 2
        da.evaluate(y)
    with two:
        x[...] = 0
        da.evaluate(x)
        two.synchronize()
    assert_same_bits(y.get(), F8 * 2)
    with one:
        x += 1
    with two:
        z = x.sum(0)
    x[...] = 9
    assert_same_bits(z.get(), np.full((7, 5), 6.0))


def test_results_of_the_library_belong_to_their_stream(machine):
    one, two = da.Stream(), da.Stream()
    x = da.to_gpu(F8)
    with one:
        s = da.sort(x, axis=0)
    with two:
        y = s * 2
        da.evaluate(y)
        assert_same_bits(y.get(), np.sort(F8, axis=0) * 2)
    with two:
        s.sort(axis=1)
    assert_same_bits(s.get(), np.sort(np.sort(F8, axis=0), axis=1))


def test_memory_is_not_reused_while_a_stream_uses_it(machine):
    one, two = da.Stream(), da.Stream()
    x = da.to_gpu(LONG)
    with two:
        y = x * 2  # reads memory that was taken in the default stream
        da.evaluate(y)
    del x
    fills = [da.full(LONG.shape, 5.0) for _ in range(3)]
    da.evaluate(*fills)
    da.Device("cuda").synchronize()
    assert_same_bits(y.get(), LONG * 2)
    with one:
        a = da.to_gpu(LONG) * 3
        da.evaluate(a)
    with two:
        b = a - 1
        da.evaluate(b)
        del a
        c = da.zeros(LONG.shape) + 1
        da.evaluate(c)
    one.synchronize()
    assert_same_bits(b.get(), LONG * 3 - 1)


def test_memory_taken_in_one_stream_and_written_in_another(machine):
    one, two = da.Stream(), da.Stream()
    with one:
        old = da.to_gpu(LONG) * 2
        copy = old + 1
        da.evaluate(old, copy)
        del old  # its memory is still read by the kernel of `copy`, which waits in the stream
        fresh = da.empty(LONG.shape)  # the same memory
    with two:
        fresh[...] = 7
        two.synchronize()
    assert_same_bits(fresh.get(), np.full(LONG.shape, 7.0))
    assert_same_bits(copy.get(), LONG * 2 + 1)


def test_streams_of_the_other_device(machine):
    with da.Device("cuda:1") as second:
        stream = da.Stream()
        x = da.to_gpu(F8)
        with stream:
            y = da.sort(x * 2, axis=0)
    z = da.to_gpu(F8) * 5  # on the first one
    assert not second.current_stream().done or second.current_stream().done
    assert_same_bits(z.get(), F8 * 5)
    with stream:
        w = y + 1
        da.evaluate(w)
    da.evaluate(z - 1)
    event = stream.record()
    event.synchronize()
    assert event.done and stream.done
    assert_same_bits(w.get(), np.sort(F8 * 2, axis=0) + 1)
    assert_same_bits(y.to_device("cuda").get(), np.sort(F8 * 2, axis=0))


def test_memory_of_one_stream_written_in_another(machine):
    device, (one, two) = da.Device("cuda"), (da.Stream(), da.Stream())
    sevens = np.full(4096, 7.0)
    with one:
        first = device.empty(sevens.nbytes)
        device.copy_in(sevens, first, wait=False)
        del first
        again = device.empty(sevens.nbytes)  # the same memory, which is in use up to now
    with two:
        device.copy_in(sevens, again)
    one.synchronize()
    out = np.zeros(4096)
    device.copy_out(again, contiguous((4096,), 8), out)
    assert_same_bits(out, sevens)


def test_transfers_wait_if_they_shall(machine):
    host = da.empty_pinned(100)
    host[...] = 3
    x = da.to_gpu(host)
    host[...] = 4
    assert_same_bits(x.get(), np.full(100, 3.0))
    host[...] = (x * 2).get(host)
    assert_same_bits(np.array(host), np.full(100, 6.0))


def test_leaving_a_stream(machine):
    x = da.to_gpu(F8)
    stream = da.Stream()
    assert machine.current().ptr == 0
    with stream:
        assert machine.current().ptr == stream.native != 0
        with da.Device("cuda").default_stream:
            assert machine.current().ptr == 0
        assert machine.current().ptr == stream.native
        y = da.sort(x, axis=0)
    assert machine.current().ptr == 0
    assert_same_bits(da.sort(y, axis=1).get(), np.sort(np.sort(F8, axis=0), axis=1))


def _on_second(machine, work):
    """Do something on the second device, while the first one is the current one in CUDA."""
    machine.local.device = 0
    result = work()
    machine.local.device = 0
    return result


def test_whatever_device_is_current(machine):
    second = da.Device("cuda:1")
    with second:
        x = da.to_gpu(F8)
        da.evaluate(x * 3)
        second.synchronize()

        def waits():
            x.__imul__(2)
            da.evaluate(x)  # a kernel that no memory is taken for

        _on_second(machine, waits)
        assert not _on_second(machine, lambda: second.default_stream.done)
        _on_second(machine, second.default_stream.synchronize)
        assert _on_second(machine, lambda: second.default_stream.done)
        assert not machine.pending()
        kernel = _on_second(machine, lambda: (x - 17.5) * 0.125 - x)  # one that is not loaded yet
        assert_same_bits(_on_second(machine, kernel.get), (F8 * 2 - 17.5) * 0.125 - F8 * 2)
        assert_same_bits(_on_second(machine, x[::2, ::-1].get), F8[::2, ::-1] * 2)
        line = _on_second(machine, lambda: da.logspace(0, 2, 3))
        assert_same_bits(_on_second(machine, line.get), np.logspace(0, 2, 3))
        block = second.empty(8 * 8)
        _on_second(machine, lambda: second.copy_in(np.arange(8.0), block))
        out = np.zeros(8)
        _on_second(machine, lambda: second.copy_out(block, contiguous((8,), 8), out))
        assert_same_bits(out, np.arange(8.0))
        made = _on_second(machine, second.new_stream)
        assert made.cupy.device_id == 1
        _on_second(machine, lambda: setattr(second.memory, "limit", 1 << 25))
        assert second.memory.limit == 1 << 25
        assert da.Device("cuda").memory.limit == 0
        kept = second.empty(1 << 16)
        del kept
        assert second.memory.statistics().free
        _on_second(machine, second.memory.clear)
        assert not second.memory.statistics().free


def test_freeing_memory_changes_no_device(machine):
    second = da.Device("cuda:1")
    with second:
        x = da.to_gpu(F8)
        with da.Stream():
            y = x * 2
            da.evaluate(y)
    machine.local.device = 0
    del x
    assert machine.device == 0
    assert_same_bits(y.get(), F8 * 2)


def test_replays_on_streams(machine):
    x = da.to_gpu(F8)
    with da.capture() as step:
        y = x * 2
    one, two = da.Stream(), da.Stream()
    with one:
        x += 1
        da.evaluate(x)
    with two:
        step.replay()
    assert_same_bits(y.get(), (F8 + 1) * 2)


def wait_for(condition):
    """Wait for the thread that compiles."""
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, "the thread that compiles has not done it"
        time.sleep(0.01)


def test_compilation_in_the_background(machine, quiet):
    x = da.to_gpu(F8)
    machine.patch.setattr(x.device, "has_kernel", lambda source: False)
    with da.config(oracle_limit=1000):
        for _ in range(2):
            assert_same_bits((x * 1.5 - 0.0625).get(), F8 * 1.5 - 0.0625)
        plan = plans.known_plans()[-1]
        wait_for(lambda: plan.ready is not None)
        before = machine.launches
        assert_same_bits((x * 1.5 - 0.0625).get(), F8 * 1.5 - 0.0625)
        assert machine.launches == before + 1


@pytest.mark.parametrize("failure", ["closed", "unforeseen"])
def test_failures_do_not_end_compilation(machine, failure, monkeypatch, quiet):
    device = da.Device("cuda:1")
    with device:
        da.evaluate(da.to_gpu(F8) * 2 + 0.375)
    plan = plans.known_plans()[-1]
    if failure == "closed":
        device.close()
    else:
        monkeypatch.setattr(type(device), "compile", lambda *_: {}["no such thing"])
    plan.exact = True
    launches._compile_later(plan, device)
    wait_for(lambda: not plan.exact)  # it is compiled when it is used again
    assert launches._worker.is_alive()


def test_events(machine):
    stream = da.Stream()
    start, end, never = da.Event(), da.Event(), da.Event()
    with stream:
        start.record()
        x = da.to_gpu(LONG) * 2
        da.evaluate(x)
        end.record()
    assert not end.done
    with pytest.raises(ValueError, match="the second event has not happened yet"):
        start.synchronize() or start.elapsed_ms(end)
    with pytest.raises(ValueError, match="the first event was not recorded"):
        never.elapsed_ms(end)
    end.synchronize()
    assert end.done and start.elapsed_ms(end) >= 0
    assert never.done
    never.synchronize()
    with da.Device("cuda:1"):
        other = da.Event()
        other.record()
        other.synchronize()
        waits = da.Stream()
        waits.wait(end)
    with pytest.raises(TypeError, match="end must be an event of cuda"):
        start.elapsed_ms(other)
    with pytest.raises(ValueError, match="cannot be recorded in a stream of cuda"):
        stream.record(other)
    with da.Device("openmp"):
        host = da.Event()
    with pytest.raises(TypeError):
        stream.wait(host)


def test_threads_have_contexts_of_their_own(machine):
    x = da.to_gpu(F8)
    results = []

    def work():
        with da.Device("cuda"), da.config(oracle_limit=0):
            results.append((x * 3 - 1).get())
            with da.Stream():
                results.append((x * 3 - 1).get())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert len(results) == 2
    for result in results:
        assert_same_bits(result, F8 * 3 - 1)


def test_a_single_device_has_contexts_by_thread_as_well():
    with standin(Machine(devices=1)):
        x = da.to_gpu(F8)
        da.evaluate(x * 3 - 2)
        results = []
        thread = threading.Thread(target=lambda: results.append((x * 3 - 2).get()))
        thread.start()
        thread.join()
        assert_same_bits(results[0], F8 * 3 - 2)


def test_captures(machine):
    x = da.to_gpu(F8)
    with da.capture() as step:
        y = (x * 2).sum(0)
        x += 1
    assert_same_bits(y.get(), (F8 * 2).sum(0))
    for k in range(1, 4):
        step.replay()
        assert_same_bits(y.get(), ((F8 + k) * 2).sum(0))
    assert machine.graphs == 3


# ---- faults


def test_no_memory_in_the_middle(machine):
    device = da.Device("cuda")
    x = da.to_gpu(LONG)
    y = x * 2 + 1
    machine.deny_after = 0
    with pytest.raises(da.DeviceMemoryError) as caught:
        y.get()
    machine.deny_after = None
    text = str(caught.value)
    assert text.startswith("cuda: no memory for an array of 560008 bytes: ")
    assert f"of the device's {1 << 34} bytes are free" in text
    assert f"arrays hold {device.memory.statistics().used} bytes" in text
    assert_same_bits(y.get(), LONG * 2 + 1)
    for denied in range(6):
        z = x[1:] + 1
        machine.deny_after = denied
        try:
            with contextlib.suppress(da.DeviceMemoryError):
                z += da.sort(z * 2).cumsum()
        finally:
            machine.deny_after = None
        assert z.get()[0] in (LONG[1] + 1, LONG[1] + 1 + 2 * (LONG[1:] + 1).min())
        assert_same_bits(x.get(), LONG)


def test_a_limit(machine):
    device = da.Device("cuda")
    device.memory.clear()
    device.memory.limit = device.memory.statistics().used + 1_000_000
    assert device.memory.limit == device.memory.statistics().limit
    x = da.to_gpu(LONG)
    with pytest.raises(da.DeviceMemoryError, match=rf"of a limit of {device.memory.limit}"):
        da.evaluate(x * 2)
    with pytest.raises(da.DeviceMemoryError, match=r"cuda: no memory for what sort needs"):
        da.sort(x)
    with pytest.raises(ValueError, match="a limit is a number of bytes"):
        device.memory.limit = -1
    device.memory.limit = 0
    assert_same_bits(da.sort(x).get(), np.sort(LONG))


def test_pinned_memory_runs_out(machine):
    da.Device("cuda").synchronize()
    machine.deny_after = 0
    with pytest.raises(da.DeviceMemoryError, match="cuda: no pinned memory of 80 bytes: cudaError"):
        da.empty_pinned(10)


def test_a_launch_that_fails(machine):
    x = da.to_gpu(F8)
    y = x * 2
    machine.launch_status = 701
    with pytest.raises(
        da.DeviceError,
        match=r"cuda: launching the kernel map_flat over 1 blocks failed: "
        r"CUDA_ERROR_LAUNCHOUTOFRESOURCES \(701\): too many resources requested for launch",
    ):
        y.get()
    assert_same_bits(y.get(), F8 * 2)
    machine.launch_status = 12345
    with pytest.raises(da.DeviceError, match=r"failed: unknown \(12345\): unknown"):
        (x * 2).get()


def test_a_kernel_that_crashes(machine):
    x = da.to_gpu(F8)
    y = x * 2
    machine.crash = True
    da.evaluate(y)  # returns before the kernel runs
    message = (
        r"cuda: work that was put into a stream failed: .*LaunchFailure.*the last kernel .*map"
    )
    with pytest.raises(da.DeviceError, match=message):
        y.get()
    with pytest.raises(da.DeviceError):
        da.Device("cuda").synchronize()
    with pytest.raises(da.DeviceError):
        da.sort(x)


def test_failures_do_not_leak(machine):
    device = da.Device("cuda")
    x = da.to_gpu(LONG)
    da.evaluate(x * 2, x.sum(), x * 2 + x.sum())
    gc.collect()
    used = device.memory.statistics().used
    for k in range(1000):
        y = x * 2 + x.sum()
        machine.deny_after = k % 2
        with pytest.raises(da.DeviceMemoryError):
            da.evaluate(y)
        machine.deny_after = None
        del y
    gc.collect()
    device.synchronize()
    assert device.memory.statistics().used == used
    device.memory.clear()
    assert device.memory.statistics().free == 0
    device.memory.reset_peak()
    assert device.memory.statistics().peak == used


def test_close_and_open_again(machine):
    for _ in range(3):
        device = da.Device("cuda:1")
        stream = da.Stream("cuda:1")
        with device:
            x = da.to_gpu(F8) * 2
            y = x[1] + 1
            da.evaluate(x)
            with stream:
                read = x + 1  # still to be done when the device is closed
                da.evaluate(read)
        device.close()
        assert device not in registry.open_devices()
        for use in (x.get, y.get, device.new_stream, device.synchronize):
            with pytest.raises(
                da.DeviceError, match=r"cuda:1 was closed; Device\('cuda:1'\) opens"
            ):
                use()
        del x, y, read, use, stream
        gc.collect()
        again = da.Device("cuda:1")
        assert again is not device
        with again:
            assert_same_bits((da.to_gpu(F8) * 2).get(), F8 * 2)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_forked_child(machine):
    x = da.to_gpu(F8)
    stream = da.Stream()
    with stream:
        y = x * 2
        da.evaluate(y)
    ours, theirs = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that there are threads
        child = os.fork()
    if not child:
        try:
            message = "nothing was raised"
            unseen = []
            sys.unraisablehook = lambda told: unseen.append(repr(told.exc_value))
            try:
                (y + 1).get()
            except da.DeviceError as error:
                message = str(error)
            del x, y, stream
            os.write(theirs, "; ".join([message, *unseen]).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    os.waitpid(child, 0)
    text = os.read(ours, 4096).decode()
    os.close(ours)
    assert text.startswith("cuda was opened before this process was forked")
    assert text.endswith("use multiprocessing's 'spawn', or open the device in the child only")
    assert_same_bits(y.get(), F8 * 2)


def test_pickles(machine):
    x = pickle.loads(pickle.dumps(da.to_gpu(F8)[::2] * 2))
    assert x.device.name == "cuda"
    assert_same_bits(x.get(), F8[::2] * 2)
    device = da.Device("cuda:1")
    assert pickle.loads(pickle.dumps(device)) is device


def test_arrays_of_cupys(machine):
    cupy = sys.modules["cupy"]
    native = cupy.asarray(F8)
    x = da.asarray(native)
    assert x.device.name == "cuda"
    assert_same_bits((x * 2).get(), F8 * 2)
    assert_same_bits(cupy.asarray(x * 2).get(), F8 * 2)
    interface = (x[::2]).__cuda_array_interface__
    assert interface["strides"] == x[::2].strides and interface["version"] == 3
    with pytest.raises(TypeError, match="Implicit conversion to a NumPy array"):
        np.asarray(native)
    cupy.cuda.runtime.setDevice(1)
    elsewhere = cupy.asarray(F8)
    with pytest.raises(da.DeviceError, match="memory of device 1 cannot be used on cuda: copy"):
        da.asarray(elsewhere, device="cuda")


def test_kernels_are_cached(machine):
    device = da.Device("cuda")
    x = da.to_gpu(F8)
    da.evaluate(x * 2)
    before = device.compile_statistics()
    da.evaluate(x * 2)
    assert device.compile_statistics() == before
    with da.config(fast_math=True):
        da.evaluate(da.sin(x) * 2)
    assert device.properties["device"] == "Stand-in 0"
    assert device.properties["capability"] == "sm_90"
    assert device.info()["memory"] == str(1 << 34)


# ---- what makes devices unusable


def problem(backend=cuda, **facts):
    with standin(Machine(**facts), backend, opened=False):
        (found,) = backend.survey()
        assert not backend.is_worth_it()
        with pytest.raises(da.DeviceError, match=re.escape(found.problem)):
            backend.open_device(0)
        return found.problem


def test_no_driver(monkeypatch):
    _cupy_driver.driver_of.cache_clear()
    dialect = cuda.DIALECT._replace(driver=("libcuda-that-is-not.so",))
    told = _cupy_driver.problem_of(dialect)
    assert told == (
        "no driver: libcuda-that-is-not.so cannot be loaded; it comes with an NVIDIA GPU and its "
        "driver"
    )
    dialect = hip.DIALECT._replace(driver=("libamdhip64-that-is-not.so",))
    assert "AMD GPU and its driver (ROCm)" in _cupy_driver.problem_of(dialect)


def test_no_cupy():
    with standin(Machine(), opened=False) as machine:
        machine.patch.setattr(_cupy_driver.importlib.util, "find_spec", lambda name: None)
        assert cuda.survey()[0].problem == f"CuPy is not installed: {cuda.DIALECT.remedy}"


def test_a_broken_cupy():
    with standin(Machine(), opened=False) as machine:
        machine.patch.setitem(sys.modules, "cupy", None)
        assert re.match("CuPy cannot be imported (.*): pip install", cuda.survey()[0].problem)


def test_cupy_for_the_other_kind():
    assert problem(is_hip=True).startswith("the CuPy that is installed is built for ROCm: pip")
    assert problem(hip).startswith("the CuPy that is installed is built for CUDA: pip")


def test_the_driver_is_too_old():
    told = problem(driver=12040)
    assert "insufficient for CUDA runtime version" in told
    assert "CuPy is built for version 13.0: update the driver, or pip install" in told


def test_no_device():
    assert problem(devices=0).startswith("the driver finds no device (cudaErrorNoDevice: no CUDA-")


def test_no_such_device(machine):
    with pytest.raises(
        da.DeviceError, match=r"no device named 'cuda:2'; of cuda there are: cuda, "
    ):
        da.Device("cuda:2")
    assert [found.name for found in cuda.survey()] == ["cuda", "cuda:1"]
    assert cuda.is_worth_it()


# ---- the other backend


def test_hip():
    with standin(Machine(is_hip=True, built_for=70051831, driver=70051831), hip):
        x = da.to_gpu(F8)
        assert x.device.name == "hip" and x.device.properties["capability"] == "gfx90a"
        assert_same_bits((x * 2 + 1).get(), F8 * 2 + 1)
        assert_same_bits(x.sum(0).get(), F8.sum(0))
        assert_same_bits(x.sum().get(), F8.sum())
        assert_same_bits(x.cumsum(1).get(), F8.cumsum(1))
        assert_same_bits(da.sort(x, axis=1).get(), np.sort(F8, axis=1))
