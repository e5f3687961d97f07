"""Making arrays, and the border between host and device."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import devarray as da
from agreement import agree, assert_same, assert_same_bits, host, host_memory, outcome

Body = Callable[..., Any]
DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
GRID = np.arange(6.0).reshape(2, 3)


def alike(body: Body) -> None:
    """Run ``body(xp)``, which makes its arrays itself, with both."""
    assert_same(outcome(body, da), outcome(body, np))


MAKE: dict[str, Body] = {
    "zeros": lambda xp: [xp.zeros(3), xp.zeros((2, 3), int), xp.zeros([2, 0]), xp.zeros(())],
    "ones": lambda xp: [xp.ones(3, bool), xp.ones((2, 3), dtype="c8"), xp.ones(np.int64(2))],
    "full": lambda xp: [xp.full(3, 7), xp.full((2, 2), 1.5), xp.full(2, True), xp.full(2, 1j)],
    "full, dtype": lambda xp: [xp.full(3, 7, "f4"), xp.full(3, 2.9, int), xp.full(2, np.uint8(3))],
    "full, array": lambda xp: [xp.full((2, 3), [1, 2, 3]), xp.full((2, 2), [[1.5], [2]], "f4")],
    "full, wrong array": lambda xp: xp.full((2, 3), [1, 2]),
    "full, 300 to u1": lambda xp: xp.full(2, 300, "u1"),
    "full, nan to int": lambda xp: xp.full(2, np.nan, "i4"),
    "full, complex to float": lambda xp: xp.full(2, 1j, "f4"),
    "full, 2**70": lambda xp: xp.full(2, 2**70, "f8"),
    "full, 2**63": lambda xp: xp.full(2, 2**63),
    "empty": lambda xp: [xp.empty((2, 0)), xp.empty((3, 0), "u1")],
    "negative": lambda xp: xp.zeros(-1),
    "negative in a tuple": lambda xp: xp.ones((2, -3)),
    "negative, empty": lambda xp: xp.empty((-1,)),
    "float shape": lambda xp: xp.zeros(2.0),
    "float in shape": lambda xp: xp.zeros((2, 1.5)),
    "text shape": lambda xp: xp.zeros("3"),
    "None shape": lambda xp: xp.zeros(None),
    "unknown dtype": lambda xp: xp.zeros(3, "nonsense"),
    "dtype of Python": lambda xp: [xp.zeros(1, float), xp.zeros(1, bool), xp.zeros(1, complex)],
    "arange": lambda xp: [xp.arange(5), xp.arange(2, 8, 3), xp.arange(1.0), xp.arange(5, 0, -2)],
    "arange, dtype": lambda xp: [xp.arange(3, dtype="f4"), xp.arange(0, 1, 0.25), xp.arange(0)],
    "arange, step 0": lambda xp: xp.arange(0, 3, 0),
    "arange, long": lambda xp: [xp.arange(0, 1, 1e-4), xp.arange(100_000), xp.arange(3, 1)],
    "arange, no argument": lambda xp: xp.arange(),
    "arange, keywords": lambda xp: [xp.arange(1, stop=4), xp.arange(0, 6, step=2)],
    "arange, start and step": lambda xp: xp.arange(3, step=2),
    "arange, stop keyword": lambda xp: xp.arange(stop=3),
    "linspace": lambda xp: [xp.linspace(0, 1), xp.linspace(0, 1, 4, endpoint=False)],
    "linspace, retstep": lambda xp: [xp.linspace(2, 3, 5, retstep=True)[0], xp.linspace(0, 1, 1)],
    "linspace, dtype": lambda xp: [xp.linspace(0, 9, 4, dtype=int), xp.linspace(0, 1j, 3)],
    "linspace, arrays": lambda xp: xp.linspace(xp.zeros(2), xp.ones(2), 3, axis=1),
    "linspace, negative": lambda xp: xp.linspace(0, 1, -1),
    "linspace, float": lambda xp: xp.linspace(0, 1, 3.0),
    "eye": lambda xp: [xp.eye(3), xp.eye(2, 4, 1), xp.eye(3, k=-1, dtype=int), xp.identity(2)],
    "eye, negative": lambda xp: xp.eye(-1),
    "identity, dtype": lambda xp: xp.identity(2, "i4"),
    "meshgrid": lambda xp: [list(xp.meshgrid(xp.arange(2), xp.arange(3.0)))],
    "meshgrid, ij": lambda xp: list(xp.meshgrid(xp.arange(2), xp.arange(3), indexing="ij")),
    "meshgrid, sparse": lambda xp: list(
        xp.meshgrid(xp.arange(2), xp.arange(3), xp.arange(4), sparse=True)
    ),
    "meshgrid, views": lambda xp: list(xp.meshgrid(xp.arange(2), xp.arange(3), copy=False)),
    "meshgrid, one": lambda xp: [len(xp.meshgrid(xp.arange(2))), xp.meshgrid(xp.arange(2))[0]],
    "meshgrid, none": lambda xp: len(xp.meshgrid()),
    "meshgrid, 2-d": lambda xp: list(xp.meshgrid(xp.ones((2, 2)), xp.arange(3))),
    "meshgrid, wrong": lambda xp: xp.meshgrid(xp.arange(2), indexing="no"),
    "indices": lambda xp: [xp.indices((2, 3)), xp.indices((2,), dtype="f4"), xp.indices(())],
    "indices, sparse": lambda xp: list(xp.indices((2, 3), sparse=True)),
    "indices, negative": lambda xp: xp.indices((2, -1)),
    "concatenate": lambda xp: [
        xp.concatenate([xp.zeros(2), xp.ones(3, int)]),
        xp.concatenate((xp.eye(2), xp.ones((2, 1))), 1),
        xp.concatenate([xp.eye(2), xp.ones((1, 2))], axis=-2),
        xp.concatenate([xp.eye(2), xp.ones(1)], None),
    ],
    "concatenate, lists": lambda xp: xp.concatenate([[1, 2], [3.5]]),
    "concatenate, array": lambda xp: xp.concatenate(xp.ones((3, 2))),
    "concatenate, empty": lambda xp: [xp.concatenate([xp.zeros((0, 2)), xp.ones((1, 2))])],
    "concatenate, dtype": lambda xp: xp.concatenate([xp.ones(1), xp.ones(1, int)], dtype="f4"),
    "concatenate, casting": lambda xp: xp.concatenate([xp.ones(1)], dtype=int),
    "concatenate, unsafe": lambda xp: xp.concatenate([xp.ones(1)], dtype=int, casting="unsafe"),
    "concatenate, out": lambda xp: xp.concatenate([xp.ones(1), xp.zeros(1)], out=xp.empty(2, "f4")),
    "concatenate, out of wrong shape": lambda xp: xp.concatenate([xp.ones(1)], out=xp.empty(2)),
    "concatenate, out of wrong dtype": lambda xp: xp.concatenate(
        [xp.ones(1)], out=xp.empty(1, int)
    ),
    "concatenate, out and dtype": lambda xp: xp.concatenate(
        [xp.ones(1)], out=xp.empty(1), dtype="f4"
    ),
    "concatenate, nothing": lambda xp: xp.concatenate([]),
    "concatenate, scalars": lambda xp: xp.concatenate([xp.zeros(()), xp.ones(())]),
    "concatenate, ndim": lambda xp: xp.concatenate([xp.eye(2), xp.ones(2)]),
    "concatenate, shape": lambda xp: xp.concatenate([xp.eye(2), xp.ones((2, 3))]),
    "concatenate, axis": lambda xp: xp.concatenate([xp.ones(2), xp.ones(2)], axis=1),
    "stack": lambda xp: [xp.stack([xp.zeros(2), xp.ones(2)], a) for a in (0, 1, -1)],
    "stack, array": lambda xp: xp.stack(xp.ones((2, 3)), axis=1),
    "stack, scalars": lambda xp: xp.stack([xp.zeros(()), xp.ones(())]),
    "stack, dtype": lambda xp: xp.stack([xp.ones(2, int), xp.ones(2)], dtype="f4"),
    "stack, nothing": lambda xp: xp.stack([]),
    "stack, shape": lambda xp: xp.stack([xp.zeros(2), xp.ones(3)]),
    "stack, axis": lambda xp: xp.stack([xp.zeros(2), xp.ones(2)], axis=2),
    "broadcast_arrays": lambda xp: list(xp.broadcast_arrays(xp.eye(2), xp.ones(2), 3)),
    "broadcast_arrays, wrong": lambda xp: xp.broadcast_arrays(xp.ones(2), xp.ones(3)),
    "copy": lambda xp: [xp.copy(xp.arange(3)), xp.copy([1, 2]), xp.copy(3.0)],
    "asarray": lambda xp: [
        xp.asarray([1, 2]),
        xp.asarray([[1.5], [2]]),
        xp.asarray(3),
        xp.asarray(()),
    ],
    "asarray, dtype": lambda xp: [
        xp.asarray([1, 2], "f4"),
        xp.asarray([1.7], int),
        xp.asarray(1, bool),
    ],
    "asarray, ragged": lambda xp: xp.asarray([[1], [2, 3]]),
    "asarray, 300 to u1": lambda xp: xp.asarray([300], "u1"),
    "asarray, nan to int": lambda xp: xp.asarray([np.nan], int),
    "asarray, bools": lambda xp: [xp.asarray([True, 2]), xp.asarray([True, 2.5, 1j])],
    "asarray, nested": lambda xp: xp.asarray([xp.ones(2), xp.zeros(2)]),
    "asarray, nested deep": lambda xp: xp.asarray([[xp.ones(2)], [xp.zeros(2)]]),
    "asarray, scalars inside": lambda xp: xp.asarray([xp.sum(xp.ones(2)), 5]),
    "asarray, range": lambda xp: [xp.asarray(range(3)), xp.asarray(b"ab"[0])],
    "array": lambda xp: [
        xp.array([1, 2]),
        xp.array(3, ndmin=2),
        xp.array([1], ndmin=3),
        xp.array(1j),
    ],
    "array, copy": lambda xp: xp.array(xp.arange(3), copy=True, dtype="f4"),
    "astype": lambda xp: [
        xp.arange(3).astype("f4"),
        xp.arange(3).astype(bool),
        xp.ones(2).astype("i2"),
    ],
    "astype, casting": lambda xp: xp.ones(2).astype(int, casting="safe"),
    "astype, no": lambda xp: xp.ones(2).astype("f4", casting="no"),
    "astype, copy": lambda xp: [x := xp.ones(2), x.astype(float, copy=False) is x][1],
    "astype, copied": lambda xp: [x := xp.ones(2), x.astype(float) is x][1],
    "like": lambda xp: [
        xp.zeros_like(xp.eye(2, dtype="i4")),
        xp.ones_like(xp.arange(3.0)),
        xp.full_like(xp.arange(3), 2.9),
        xp.zeros_like(xp.eye(2), int, shape=(3,)),
        xp.ones_like([1, 2]),
        xp.full_like(xp.ones(2), 1, "c8"),
        xp.empty_like(xp.zeros((0, 2), "u1")),
        xp.zeros_like(3),
        xp.full_like(xp.ones(2), [3, 4]),
    ],
    "like, error": lambda xp: xp.full_like(xp.ones(2, "u1"), 300),
    "where": lambda xp: [xp.where(xp.arange(3) > 1, 1, 2.5), xp.where([True, False], [1, 2], 3)],
    "where, one": lambda xp: list(xp.where(xp.arange(3) > 0)),
    "where, two": lambda xp: xp.where(xp.ones(2), 1),
    "where, shapes": lambda xp: xp.where(xp.ones(2), xp.ones(3), 1),
    "where, weak": lambda xp: [
        xp.where(xp.ones(2), xp.ones(2, "f4"), 2.5),
        xp.where(xp.ones(2), xp.ones(2, "u1"), 2),
        xp.where(1, xp.ones(2, "i1"), xp.ones(2, "u1")),
        xp.where(xp.ones(2, bool), 1, 2),
    ],
    "where, overflow": lambda xp: xp.where(xp.ones(2, bool), xp.ones(2, "u1"), 300),
    "clip": lambda xp: [
        xp.clip(xp.arange(5), 1, 3),
        xp.clip(xp.arange(5.0), None, 3),
        xp.clip(xp.arange(5), 2, None),
        xp.arange(5).clip(1, 3),
        xp.arange(5).clip(max=2),
        xp.clip(xp.arange(5), min=1, max=2),
        xp.clip(xp.arange(5), 1.5, 3),
        xp.clip(xp.arange(3), xp.ones(3), 5),
        xp.arange(3).clip(),
    ],
    "clip, both": lambda xp: xp.clip(xp.arange(5), 1, 2, min=3),
    "clip, out": lambda xp: [x := xp.arange(5), xp.clip(x, 1, 3, out=x), x],
    "clip, u1": lambda xp: xp.clip(xp.ones(2, "u1"), -1, 300),
    "clip, nan": lambda xp: xp.clip(xp.arange(3.0), xp.asarray(np.nan), 1),
    "round": lambda xp: [
        xp.round(xp.asarray([0.5, 1.5, 2.345, -0.5]), 2),
        xp.round(xp.asarray([0.5, 1.5, -0.5])),
        xp.asarray([1.25, 2.5]).round(1),
        xp.round(xp.asarray([15, 25, 37]), -1),
        xp.round(xp.arange(3)),
        xp.round(xp.asarray([1234.5]), -2),
        xp.round(xp.asarray([True])),
        xp.round(xp.asarray([1.55 + 2j]), 1),
    ],
    "round, float16": lambda xp: [
        xp.asarray([1.37, 2.5], "f2").round(1),
        xp.asarray([1.5], "f4").round(),
    ],
    "round, out": lambda xp: xp.round(xp.asarray([1.5]), out=xp.zeros(1, int)),
}


@pytest.mark.parametrize("name", MAKE)
def test_like_numpy(name: str) -> None:
    alike(MAKE[name])


def test_every_dtype_goes_there_and_back() -> None:
    for dtype in DTYPES:
        x = np.arange(6).reshape(2, 3).astype(dtype)
        for view in (x, x.T, x[:, ::-2], x[:0], x[1, 1], np.asfortranarray(x)):
            device = da.to_gpu(view)
            assert_same_bits(device.get(), np.asarray(view))
            assert device.strides == np.ascontiguousarray(view).reshape(np.shape(view)).strides
            assert_same_bits(da.asnumpy(device), np.asarray(view))
            assert_same_bits(device.to_numpy(), np.asarray(view))


def test_get_is_a_copy() -> None:
    x = da.arange(3)
    values = x.get()
    values[:] = 9
    assert x.tolist() == [0, 1, 2]
    assert values.flags.owndata and values.flags.writeable


def test_get_to_an_array() -> None:
    x = da.arange(6.0).reshape(2, 3)
    out = np.zeros((2, 3))
    assert x.get(out=out) is out
    assert_same_bits(out, GRID)
    target = np.zeros((3, 4))
    assert_same_bits(x.get(out=target.T[1:3]), GRID)
    assert target.sum() == GRID.sum()
    x[:, ::-1].get(out)
    assert_same_bits(out, GRID[:, ::-1])
    read_only = np.zeros((2, 3))
    read_only.flags.writeable = False
    for wrong, error in (
        (np.zeros((3, 2)), ValueError), (np.zeros((2, 3), "f4"), ValueError), ([0], TypeError),
        (da.zeros((2, 3)), TypeError), (read_only, ValueError),
        (np.zeros((2, 3), ">f8"), ValueError),
    ):  # fmt: skip
        with pytest.raises(error):
            x.get(out=wrong)  # type: ignore[arg-type]


def test_to_gpu_copies() -> None:
    x = np.arange(3.0)
    device = da.to_gpu(x)
    x[0] = 99
    other = da.to_gpu(device)
    device[1] = 50
    assert device.tolist() == [0, 50, 2]
    assert other.tolist() == [0, 1, 2]


def test_asarray_copies_as_asked() -> None:
    x = da.arange(3.0)
    assert da.asarray(x) is x
    assert da.asarray(x, copy=False) is x
    assert da.asarray(x, float) is x
    assert da.asarray(x, copy=True) is not x
    copied = da.array(x)
    viewed = da.array(x, copy=False)
    x[0] = 7
    assert copied.tolist() == [0, 1, 2]
    assert viewed.tolist() == [7, 1, 2]
    with pytest.raises(ValueError, match="avoid copy"):
        da.asarray(x, "f4", copy=False)
    with pytest.raises(ValueError, match="avoid copy"):
        da.asarray([1, 2], copy=False)
    with pytest.raises(ValueError, match="avoid copy"):
        da.array([1, 2], copy=False)
    with pytest.raises(ValueError, match="avoid copy"):
        da.asarray(np.arange(3), "f4", copy=False)


@host_memory
def test_asarray_shares_host_memory_if_asked() -> None:
    x = np.arange(6.0).reshape(2, 3)
    shared = da.asarray(x, copy=False)
    later = shared + 1
    x[0, 0] = 100
    assert shared[0, 0].get() == 100
    assert (shared * 2).get()[0, 0] == 200
    assert later.get()[0, 0] in (1, 101)  # recorded before the host wrote
    shared[1] = -1
    assert x[1].tolist() == [-1, -1, -1]
    shared += 1
    assert x[1].tolist() == [0, 0, 0]
    view = da.asarray(x[:, ::-2], copy=False)
    view[0] = 55
    assert x[0].tolist() == [55, 2, 55]
    fixed = np.arange(3)
    fixed.flags.writeable = False
    constant = da.asarray(fixed, copy=False)
    assert (constant + 1).tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="read-only"):
        constant[0] = 1


# ---- copies and pickles
@pytest.mark.parametrize("dtype", DTYPES)
def test_pickling(dtype: str) -> None:
    x = da.arange(6).reshape(2, 3).astype(dtype)
    for array in (x, x.T, x[:0], x[1, 1:2] + x[0, :1]):
        for protocol in (2, pickle.HIGHEST_PROTOCOL):
            again = pickle.loads(pickle.dumps(array, protocol))
            assert again.device is array.device
            assert_same_bits(again.get(), array.get())


def test_copies() -> None:
    x = da.arange(4)
    copies = [
        copy.copy(x),
        copy.deepcopy(x),
        x.copy(),
        np.copy(x),
        da.copy(x),
        x[...].copy(),
        x.flatten(),
    ]
    nested = copy.deepcopy({"a": [x, x]})
    x[:] = -1
    for one in copies:
        assert one.tolist() == [0, 1, 2, 3]
    assert nested["a"][0].tolist() == [0, 1, 2, 3]
    assert nested["a"][0] is nested["a"][1]
    copies[0][0] = 5
    assert copies[1].tolist() == [0, 1, 2, 3]


# ---- DLPack
@host_memory
def test_dlpack_to_numpy() -> None:
    x = da.arange(6.0).reshape(2, 3) * 2
    theirs = np.from_dlpack(x)
    assert_same_bits(np.array(theirs), GRID * 2)
    assert_same_bits(np.array(np.from_dlpack(x[:, ::-2])), (GRID * 2)[:, ::-2])
    assert_same_bits(np.array(np.from_dlpack(x.T)), (GRID * 2).T)
    x[0, 0] = 77
    assert theirs[0, 0] == 77
    x += 1
    assert theirs[0, 0] == 78
    copied = np.from_dlpack(x, copy=True)
    x[0, 0] = 0
    assert copied[0, 0] == 78
    assert x.__dlpack_device__() == (1, 0)


@host_memory
def test_dlpack_outlives_the_array() -> None:
    x = da.arange(100_000.0) + 1
    theirs = np.from_dlpack(x)
    del x
    others = [da.ones(100_000) * k for k in range(4)]
    da.evaluate(*others)
    assert_same_bits(np.array(theirs), np.arange(1.0, 100_001))


@pytest.mark.parametrize("dtype", DTYPES)
def test_dlpack_dtypes(dtype: str) -> None:
    x = np.arange(3).astype(dtype)
    assert_same_bits(da.from_dlpack(x).get(), x)
    assert_same_bits(np.from_dlpack(da.to_gpu(x), device="cpu", copy=True), x)


@host_memory
def test_from_dlpack() -> None:
    x = np.arange(3.0)
    copied, shared = da.from_dlpack(x, copy=True), da.from_dlpack(x)
    x[0] = 5
    assert copied.tolist() == [0, 1, 2]
    assert shared.tolist() == [5, 1, 2]
    assert (shared + 1).tolist() == [6, 2, 3]
    x[1] = 6
    assert (shared + 1).tolist() == [6, 7, 3]
    shared[2] = 7
    assert x.tolist() == [5, 6, 7]
    mine = da.ones(2)
    assert da.from_dlpack(mine, copy=False) is mine
    with pytest.raises((AttributeError, TypeError)):
        da.from_dlpack([1, 2])


# ---- np.asarray
def test_host_access_never() -> None:
    x = da.arange(3)
    with da.config(host_access="never"):
        for body in (
            lambda: np.asarray(x), lambda: np.array(x), lambda: np.asarray(x, copy=True),
            x.__array__, lambda: np.ma.asarray(x),
        ):  # fmt: skip
            with pytest.raises(da.HostMixError, match=r"\.get\(\)"):
                body()


@host_memory
def test_host_access_read() -> None:
    x = da.arange(4.0) * 2
    with da.config(host_access="read"):
        shared = np.asarray(x)
        copied = np.array(x)
        cast = np.asarray(x, "f4")
        view = np.asarray(x[::-2])
        constant = np.asarray(da.broadcast_to(x[:1], (3,)))
        with pytest.raises(da.HostMixError):
            x + np.ones(4)
    x[0] = 9
    assert shared[0] == 9
    assert copied[0] == 0
    assert cast.dtype == "f4" and cast[0] == 0
    assert view.tolist() == [6, 2]
    assert not constant.flags.writeable
    shared[1] = 100
    assert (x + 1).tolist() == [10, 101, 5, 7]
    assert view.tolist() == [6, 100]
    before = x + 0
    shared[2] = -1
    assert before.tolist() == [9, 100, 4, 6]
    x *= 2
    assert shared.tolist() == [18, 200, -2, 12]


def test_host_access_always() -> None:
    x = da.arange(3.0)
    with da.config(host_access="always"):
        values = np.asarray(x)
        assert (np.ones(3) + x).tolist() == [1, 2, 3]
        assert isinstance(np.concatenate([x, np.ones(2)]), da.DeviceArray)
        x[:] = np.array([5.0, 6, 7])
        x[np.array([True, False, False])] = 0
        assert x[np.array([0, 1])].tolist() == [0, 6]
    assert x.tolist() == [0, 6, 7]
    assert values.tolist() == [0, 1, 2]


def test_host_access_is_checked() -> None:
    with pytest.raises(ValueError, match="host_access"):
        da.config(host_access="sometimes")


# ---- Python's protocols
def test_text() -> None:
    x = da.arange(3)
    assert repr(x) == f"array([0, 1, 2], device='{x.device}')"
    assert str(x) == "[0 1 2]"
    assert repr(da.ones(2, "f4")) == f"array([1., 1.], dtype=float32, device='{x.device}')"
    assert repr(da.zeros((0, 2))).startswith("array([], shape=(0, 2), dtype=float64")
    assert repr(da.asarray(2.5)) == f"array(2.5, device='{x.device}')"
    assert str(da.asarray(2.5)) == "2.5"
    assert f"{da.asarray(2.5):.3f}" == "2.500"
    assert f"{da.ones(3).sum():8.2f}|" == "    3.00|"
    assert f"{da.arange(2)}" == "[0 1]"
    assert f"{da.asarray(2.5)}" == f"{np.array(2.5)}"
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{da.arange(2):.2f}"
    big = da.arange(10_000)
    assert "..." in repr(big)


CONVERSIONS: dict[str, Body] = {
    "bool": bool, "int": int, "float": float, "complex": complex, "len": len, "list": list,
    "index": lambda x: [10, 20, 30, 40][x], "hash": hash, "tolist": lambda x: x.tolist(),
    "item": lambda x: x.item(), "item(0)": lambda x: x.item(0), "item(5)": lambda x: x.item(5),
    "iter": iter, "in": lambda x: 1 in x,
    "not in": lambda x: 99 in x, "unpack": lambda x: [*x], "range": lambda x: list(range(x)),
    "item key": lambda x: x.item((0,)), "not": lambda x: not x, "size": lambda x: (x.size, x.ndim),
}  # fmt: skip


@pytest.mark.parametrize("name", CONVERSIONS)
@pytest.mark.parametrize(
    "x",
    [np.array(3), np.array(1.5), np.array(1j), np.array(True), np.array([2]), np.array([1.5]),
     np.array([[1]]), np.arange(3), np.zeros(0), np.zeros((2, 2))],
    ids=lambda x: f"{x.dtype.name}{x.shape}",
)  # fmt: skip
def test_conversions(name: str, x: Any) -> None:
    if name == "iter" and x.ndim:
        return
    f = CONVERSIONS[name]
    words = name not in ("hash", "float", "int", "complex", "index", "range")
    assert_same(outcome(f, da.to_gpu(x)), outcome(f, x), words=words)


def test_iteration_gives_rows() -> None:
    rows = list(da.arange(6).reshape(2, 3))
    assert [row.tolist() for row in rows] == [[0, 1, 2], [3, 4, 5]]
    x = da.zeros((2, 2))
    for k, row in enumerate(x):
        row += k
    assert x.tolist() == [[0, 0], [1, 1]]
    a, b = da.asarray([1, 2])
    assert (int(a), int(b)) == (1, 2)
    assert dict(enumerate(da.arange(2).tolist())) == {0: 0, 1: 1}


# ---- dtypes that devices do not have
UNSUPPORTED = [
    np.array([1, None]), np.array([1.0], "g"), np.array([1j], "G"),
    np.array(["2020-01-01"], "M8[D]"),
    np.array([3], "m8[s]"), np.array(["text"]), np.array([b"text"]), np.array([(1, 2.0)], "i4,f8"),
    np.array([b"raw"], "V3"),
]  # fmt: skip


@pytest.mark.parametrize("x", UNSUPPORTED, ids=lambda x: x.dtype.name)
def test_unsupported_dtypes(x: Any) -> None:
    for body in (
        lambda: da.to_gpu(x),
        lambda: da.asarray(x),
        lambda: da.array(x),
        lambda: da.asarray(x, copy=False),
        lambda: da.zeros(2, x.dtype),
        lambda: da.empty(2, x.dtype),
        lambda: da.zeros_like(x),
        lambda: da.ones(2).astype(x.dtype),
        lambda: da.full(1, 0, x.dtype),
        lambda: da.asarray([1], x.dtype),
        lambda: da.eye(2, dtype=x.dtype),
        lambda: da.ones(2).sum(dtype=x.dtype),
    ):
        with pytest.raises(da.UnsupportedError, match="not supported"):
            body()


def test_unsupported_operands() -> None:
    x = da.ones(2)
    for scalar in (np.longdouble(1), np.datetime64("2020-01-01"), np.timedelta64(1, "s")):
        with pytest.raises(TypeError):
            x + scalar
        with pytest.raises(TypeError):
            scalar + x


def test_byte_swapped_data() -> None:
    x = np.arange(3, dtype=">i4")
    device = da.to_gpu(x)
    assert device.dtype == np.dtype("i4") and device.dtype.isnative
    assert device.tolist() == [0, 1, 2]
    assert da.asarray([1.5], ">f8").dtype.isnative
    assert da.asarray(x, ">i4").tolist() == [0, 1, 2]
    for body in (lambda: da.ones(2).astype(">f4"), lambda: da.zeros(2, ">f8")):
        with pytest.raises(da.UnsupportedError, match="byte order '>' is not supported"):
            body()  # what is written to a file would have other bytes than were asked for
    assert (da.arange(3) + x[1]).tolist() == [1, 2, 3]
    with pytest.raises((ValueError, TypeError)):
        da.asarray(x, copy=False)


def test_other_names_of_dtypes() -> None:
    for dtype in ("longlong", "ulonglong", "intc", "uintp", np.longlong):
        x = np.ones(2, dtype)
        assert da.to_gpu(x).dtype == x.dtype
        assert (da.to_gpu(x) + np.longlong(1)).tolist() == [2, 2]


def test_unusual_hosts() -> None:
    class Holder:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.arange(3)

    assert da.asarray(Holder()).tolist() == [0, 1, 2]
    assert da.asarray(memoryview(b"abc")).tolist() == [97, 98, 99]
    assert da.asarray(np.float32(2)).dtype == "f4"
    unaligned = np.frombuffer(b"\0" + np.arange(3.0).tobytes(), "u1")[1:].view("f8")
    assert da.to_gpu(unaligned).tolist() == [0, 1, 2]
    assert outcome(lambda: da.asarray(unaligned, copy=False).sum()) is not None


def test_too_large() -> None:
    for body in (lambda xp: xp.empty(2**62, "u1"), lambda xp: xp.empty((2**40, 2**40))):
        with pytest.raises((MemoryError, ValueError)):
            body(da)
    with pytest.raises((MemoryError, ValueError)):
        da.ones(2**60).sum(axis=()).get()
    assert da.ones(3).tolist() == [1, 1, 1]


def test_conjugates_and_parts() -> None:
    z = np.array([1 + 2j, -3j])
    agree(lambda xp, a: [a.conj(), a.conjugate(), a.real, a.imag, xp.conj(a)], z, rtol=1e-15)
    agree(lambda xp, a: [a.conj(), a.real, a.imag], GRID)


def test_creation_is_lazy_and_repeatable() -> None:
    x = da.zeros(3)
    y = x + 1
    x += 5
    z = da.full_like(x, 2) * x
    assert [host(a)[1].tolist() for a in (x, y, z)] == [[5, 5, 5], [1, 1, 1], [10, 10, 10]]


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_masked_arrays_and_matrices_are_refused() -> None:
    masked = np.ma.masked_array([1.0, 2.0, 30.0], [0, 0, 1])
    for x in (masked, np.matrix([[1, 2]])):
        for make in (da.asarray, da.to_gpu, da.array):
            with pytest.raises(da.UnsupportedError, match="is not supported on devices"):
                make(x)
    with da.config(host_access="always"):
        assert (da.arange(3) + masked).tolist() == [1, 3, None]  # its own operator decides


def test_the_class_makes_arrays_of_a_shape() -> None:
    x = da.ndarray((2, 3), np.int32)
    assert isinstance(x, da.DeviceArray) and x.shape == (2, 3) and x.dtype == np.int32
    x[...] = 1
    assert x.sum() == 6
    assert da.DeviceArray(3).dtype == np.float64
    with pytest.raises(TypeError, match="not of buffer"):
        da.ndarray((2,), buffer=b"12345678")
    with pytest.raises(ValueError, match="negative dimensions"):
        da.ndarray((-1,))


def test_devices_by_name() -> None:
    assert da.zeros(2).device is da.get_device()
    assert da.zeros(2, device="openmp").device.name == "openmp"
    with pytest.raises((ValueError, da.DevarrayError), match="nonsense"):
        da.zeros(2, device="nonsense")
