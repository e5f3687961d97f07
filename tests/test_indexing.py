"""Reading and writing parts of arrays, in NumPy's words where it goes wrong."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import devarray as da
from agreement import agree, assert_same_bits

Body = Callable[..., Any]
GRID = np.arange(24).reshape(2, 3, 4)
LINE = np.arange(6.0)


class Index:
    def __index__(self) -> int:
        return 1


BASIC: dict[str, Any] = {
    "integer": 1,
    "negative": -1,
    "pair": (1, 2),
    "element": (1, 2, -1),
    "slice": slice(1, None),
    "step": (slice(None), slice(None, None, 2)),
    "reversed": slice(None, None, -1),
    "reversed from within": (Ellipsis, slice(2, 0, -1)),
    "beyond": slice(-10, 10),
    "far beyond": slice(-(10**30), 10**30, 10**20),
    "empty": slice(2, 1),
    "empty tuple": (),
    "ellipsis": Ellipsis,
    "ellipsis first": (Ellipsis, 1),
    "ellipsis between": (0, Ellipsis, 1),
    "element and ellipsis": (0, 1, 2, Ellipsis),
    "new axis": None,
    "new axes": (None, 1, None, slice(None), None),
    "numpy integer": (np.int8(1), np.uint64(2)),
    "0-d host array": np.array(1),
    "__index__": Index(),
    "slice of __index__": slice(Index(), None),
    "true": True,
    "false": False,
    "too large": 2,
    "too small": -3,
    "too large, second": (0, 3),
    "too large, third": (0, 0, 4),
    "too many": (0, 0, 0, 0),
    "too many with an ellipsis": (0, 0, 0, 0, Ellipsis),
    "two ellipses": (Ellipsis, Ellipsis),
    "float": 1.0,
    "float in a tuple": (0, 1.5),
    "text": "x",
    "complex": 1j,
    "slice of floats": slice(0.5),
    "step 0": slice(None, None, 0),
    "dictionary": {},
    "numpy float": np.float64(1),
}


@pytest.mark.parametrize("name", BASIC)
def test_basic_keys(name: str) -> None:
    key = BASIC[name]
    agree(lambda xp, a: a[key], GRID)

    def store(xp: Any, a: Any) -> None:
        a[key] = 7

    agree(store, GRID)


def test_keys_of_small_arrays() -> None:
    agree(lambda xp, a: [a[()], a[...], a[None], a[..., None]], np.array(5))
    for key in (0, slice(None), (0, 0), "x", (Ellipsis, 0)):
        agree(lambda xp, a, k=key: a[k], np.array(5))
        agree(lambda xp, a, k=key: operator.setitem(a, k, 1), np.array(5))
    agree(lambda xp, a: [a[:], a[::-1], a[...]], np.zeros(0))
    agree(lambda xp, a: a[0], np.zeros(0))
    agree(lambda xp, a: a[-1], np.zeros((0, 2)))


def test_views_share_memory() -> None:
    def body(xp: Any, a: Any) -> Any:
        rows = a[::2]
        corner = rows[:, 1:][::-1]
        swapped = a.T
        before = a + 0
        corner[...] = -1
        swapped[0] = 100
        a[1, 1:3] = rows[0, :2]
        rows += 1
        return [a, rows, corner, swapped, before, a.reshape(-1)[3:7]]

    agree(body, np.arange(12.0).reshape(3, 4))


def test_elements_are_values_not_views() -> None:
    def body(xp: Any, a: Any) -> Any:
        element, part = a[1], a[1:2]
        same = a[1, ...]
        a[1] = 99
        return [element, part, same]

    agree(body, LINE)


def test_element_of_a_pending_expression() -> None:
    agree(lambda xp, a: [(a * 2)[3], (a + a)[::-1][0], (a * 3)[2:][1]], LINE)


# ---- assignment
ASSIGN: dict[str, Body] = {
    "broadcast row": lambda xp, a: operator.setitem(a, (), a[0, 0]),
    "broadcast leading ones": lambda xp, a: operator.setitem(a, 0, a[None, None, 1]),
    "column": lambda xp, a: operator.setitem(a, slice(None), a[:, :, :1]),
    "list": lambda xp, a: operator.setitem(a, (0, 0), [1, 2, 3, 4]),
    "nested list": lambda xp, a: operator.setitem(a, 0, [[1], [2], [3]]),
    "wrong length": lambda xp, a: operator.setitem(a, (0, 0), [1, 2, 3]),
    "wrong shape": lambda xp, a: operator.setitem(a, 0, a[:, 0]),
    "too many axes": lambda xp, a: operator.setitem(a, 0, a),
    "array to an element": lambda xp, a: operator.setitem(a, (0, 0, 0), a[0, 0]),
    "array of one to an element": lambda xp, a: operator.setitem(a, (0, 0, 0), a[0, 0, :1]),
    "0-d": lambda xp, a: operator.setitem(a, 0, a.sum()),
    "other dtype": lambda xp, a: operator.setitem(a, 0, a[1] / 2),
    "bool": lambda xp, a: operator.setitem(a, 0, a[1] > 14),
    "overlap forward": lambda xp, a: operator.setitem(a, (Ellipsis, slice(1, None)), a[..., :-1]),
    "overlap backward": lambda xp, a: operator.setitem(a, (Ellipsis, slice(None, -1)), a[..., 1:]),
    "overlap reversed": lambda xp, a: operator.setitem(a, Ellipsis, a[::-1, ::-1, ::-1]),
    "itself": lambda xp, a: operator.setitem(a, Ellipsis, a),
    "none": lambda xp, a: operator.setitem(a, 0, None),
    "text": lambda xp, a: operator.setitem(a, 0, "x"),
    "number as text": lambda xp, a: operator.setitem(a, 0, "12"),
    "object": lambda xp, a: operator.setitem(a, 0, object()),
    "ragged": lambda xp, a: operator.setitem(a, 0, [[1], [2, 3]]),
    "to an empty part": lambda xp, a: operator.setitem(a, slice(0, 0), 1),
    "array to an empty part": lambda xp, a: operator.setitem(a, slice(0, 0), a[1]),
    "empty to a part": lambda xp, a: operator.setitem(a, 0, a[:0]),
    "read-only": lambda xp, a: operator.setitem(xp.broadcast_to(a, (2, 2, 3, 4)), 0, 1),
    "read-only, all": lambda xp, a: operator.setitem(xp.broadcast_to(a, (2, 2, 3, 4)), Ellipsis, 1),
    "fill": lambda xp, a: a.fill(3),
    "fill a view": lambda xp, a: a[:, 1].fill(-3),
    "delete": lambda xp, a: operator.delitem(a, 0),
}


@pytest.mark.parametrize("name", ASSIGN)
def test_assignment(name: str) -> None:
    agree(lambda xp, a: [ASSIGN[name](xp, a), a], GRID, words=name not in ("delete",))


SCALARS = [
    1, -1, 300, 2**31, 2**63, 2**64, -(2**70), 1.5, -1.5, 1e10, 1e300, np.nan, np.inf, 1 + 2j, True,
    np.float64(1.5), np.float64(np.nan), np.int64(300), np.complex64(1j), np.uint8(200),
    np.array(3.7),
]  # fmt: skip


@pytest.mark.parametrize("value", SCALARS, ids=repr)
@pytest.mark.parametrize("dtype", ["?", "u1", "i4", "i8", "u8", "f2", "f4", "f8", "c8"])
def test_scalars_are_cast(dtype: str, value: Any) -> None:
    if dtype in ("u1", "u8") and type(value) is np.float64 and value != value:
        pytest.skip("NumPy takes NaN for some integers and refuses it for others: we refuse it")
    x = np.zeros(3, dtype)
    agree(lambda xp, a: [operator.setitem(a, 1, value), a], x, once=True)
    agree(lambda xp, a: [operator.setitem(a, slice(1, None), value), a], x, once=True)
    agree(lambda xp, a: [a.fill(value), a], x, once=True)
    agree(lambda xp, a: [operator.setitem(a, a == 0, value), a], x, once=True)


def test_arrays_are_cast() -> None:
    source = np.array([1.5, -1.5, 3.9])
    for dtype in ("?", "i1", "i8", "f4", "c8"):
        agree(lambda xp, a, b: [operator.setitem(a, slice(None), b), a], np.zeros(3, dtype), source)
    with pytest.warns(np.exceptions.ComplexWarning):
        da.zeros(2)[:] = da.ones(2, complex)
    with pytest.warns(np.exceptions.ComplexWarning):
        da.ones(2, complex).astype(float)


# ---- boolean masks
MASKS: dict[str, Body] = {
    "read": lambda xp, a, m: [a[m], a[~m], a[a > 5]],
    "read rows": lambda xp, a, m: a[m[:, 0]],
    "read with a key": lambda xp, a, m: [a[m[:, 0], 1:], a[:, m[0]], a[0, m[1]]],
    "read all": lambda xp, a, m: a[a == a],
    "read none": lambda xp, a, m: a[a > 99],
    "list": lambda xp, a, m: [a[[True, False, True]], a[:, [False, True, True, False]]],
    "bool": lambda xp, a, m: [a[True], a[False], a[np.True_]],
    "0-d mask": lambda xp, a, m: a[a.sum() > 0],
    "wrong shape": lambda xp, a, m: a[m.T],
    "wrong length": lambda xp, a, m: a[m[:2]],
    "wrong list": lambda xp, a, m: a[[True, False]],
    "too many axes": lambda xp, a, m: a[0][m],
    "write": lambda xp, a, m: operator.setitem(a, m, -1),
    "write expression": lambda xp, a, m: operator.setitem(a, a > 3, a.sum()),
    "write rows": lambda xp, a, m: operator.setitem(a, m[:, 0], 7),
    "write none": lambda xp, a, m: operator.setitem(a, a > 99, 7),
    "write a row": lambda xp, a, m: operator.setitem(a, m[:, 0], a[0]),
    "write as many": lambda xp, a, m: operator.setitem(a, m, a[m] * 2),
    "write list": lambda xp, a, m: operator.setitem(a, m[:, 0], [1, 2, 3, 4]),
    "write too few": lambda xp, a, m: operator.setitem(a, m, a[m][:2]),
    "write too many": lambda xp, a, m: operator.setitem(a, m, a.reshape(-1)),
    "write, wrong shape": lambda xp, a, m: operator.setitem(a, m.T, 1),
    "write, wrong length": lambda xp, a, m: operator.setitem(a, m[:2], 1),
    "write, too many axes": lambda xp, a, m: operator.setitem(a[0], m, 1),
    "write through a view": lambda xp, a, m: operator.setitem(a[::-1, ::2], m[:, ::2], 50),
    "write read-only": lambda xp, a, m: operator.setitem(xp.broadcast_to(a, (2, 3, 4))[0], m, 1),
    "write with a key": lambda xp, a, m: operator.setitem(a, (m[:, 0], slice(1, 3)), 9),
    "write to True": lambda xp, a, m: operator.setitem(a, True, 4),
    "write to False": lambda xp, a, m: operator.setitem(a, False, 4),
    "write complex": lambda xp, a, m: operator.setitem(a, m, 1j),
    "write nan": lambda xp, a, m: operator.setitem(a, m, np.nan),
    "write 2**70": lambda xp, a, m: operator.setitem(a, m, 2**70),
    "add": lambda xp, a, m: operator.setitem(a, m, a[m] + 10),
    "nonzero": lambda xp, a, m: [xp.where(m), xp.where(a > 5)],
    "mask of the target": lambda xp, a, m: operator.setitem(m, m, False),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks(name: str) -> None:
    grid = np.arange(12).reshape(3, 4)
    agree(lambda xp, a, m: [MASKS[name](xp, a, m), a], grid, grid % 3 == 0)


def test_masks_in_kernels() -> None:
    def body(xp: Any, a: Any) -> Any:
        b = a * 2
        b[b > 6] = 0
        b[a < 2] += 5
        b[::2][a[::2] > 3] = a[0]
        return [a, b]

    with da.config(oracle_limit=0):
        agree(body, LINE)
        agree(body, np.arange(200_000.0) % 9)


# ---- integer arrays
FANCY: dict[str, Body] = {
    "list": lambda xp, a, i: [a[[0, 2, 0]], a[:, [3, 0]], a[[1], [2]]],
    "array": lambda xp, a, i: [a[i], a[i, i], a[:, i], a[i[:, None], i]],
    "negative": lambda xp, a, i: a[-i - 1],
    "other dtypes": lambda xp, a, i: [a[i.astype("u1")], a[i.astype("i2")]],
    "0-d": lambda xp, a, i: a[i[0]],
    "with a slice": lambda xp, a, i: [a[1:, i], a[i, ::2], a[None, i], a[..., i]],
    "with a mask": lambda xp, a, i: a[a[:, 0] > 3, i[:2]],
    "empty list": lambda xp, a, i: a[[]],
    "two axes": lambda xp, a, i: a[i[:2].reshape(1, 2), [[1], [2]]],
    "too large": lambda xp, a, i: a[i + 1],
    "too small": lambda xp, a, i: a[i - 4],
    "too large, second": lambda xp, a, i: a[:, i * 4],
    "shapes differ": lambda xp, a, i: a[i, [0, 1]],
    "floats": lambda xp, a, i: a[i / 1],
    "float list": lambda xp, a, i: a[[0.5]],
    "too many": lambda xp, a, i: a[i, i, i],
    "write": lambda xp, a, i: operator.setitem(a, i, -1),
    "write repeated": lambda xp, a, i: operator.setitem(a, [0, 0, 1], [[1], [2], [3]]),
    "write an array": lambda xp, a, i: operator.setitem(a, i[:2], a[1:]),
    "write too large": lambda xp, a, i: operator.setitem(a, i + 1, -1),
    "write too small": lambda xp, a, i: operator.setitem(a, i - 4, -1),
    "write wrong shape": lambda xp, a, i: operator.setitem(a, i, a[:2]),
    "write through a view": lambda xp, a, i: operator.setitem(a[:, ::-1], (i, i), -5),
    "write read-only": lambda xp, a, i: operator.setitem(xp.broadcast_to(a[0], (3, 4)), i, 0),
    "write elements": lambda xp, a, i: operator.setitem(a, (i, i), [10, 20, 30]),
    "write nan": lambda xp, a, i: operator.setitem(a, i, np.nan),
    "write floats": lambda xp, a, i: operator.setitem(a, i, a[i] / 2),
    "add": lambda xp, a, i: operator.setitem(a, i, a[i] + 1),
}


@pytest.mark.parametrize("name", FANCY)
def test_integer_arrays(name: str) -> None:
    grid = np.arange(12).reshape(3, 4)
    agree(lambda xp, a, i: [FANCY[name](xp, a, i), a], grid, np.array([0, 2, 1]))


def test_a_failed_write_changes_nothing() -> None:
    x = da.arange(12).reshape(3, 4)
    for key, value in (
        (da.asarray([0, 5]), 1), ((0, 9), 1), (0, da.ones(3)), (da.ones((3, 3), bool), 0), (0, 1j),
    ):  # fmt: skip
        with pytest.raises((IndexError, ValueError, TypeError)):
            x[key] = value
    np.testing.assert_array_equal(x.get(), np.arange(12).reshape(3, 4))


def test_pending_readers_keep_their_values() -> None:
    def body(xp: Any, a: Any, i: Any) -> Any:
        one = a + 1
        a[i] = 100
        two = a * 2
        a[a > 50] = -1
        three = a[::2] + 0
        a[1:3] = [8, 9]
        return [a, one, two, three]

    agree(body, LINE, np.array([0, 4]))


@pytest.mark.parametrize(
    "key",
    [np.array([0, -1]), np.array([True, False, True]), (np.array([[0]]), slice(1)), np.ogrid[:3]],
)
def test_host_arrays_are_indices_as_lists_are(key: Any) -> None:
    values = np.arange(6.0).reshape(3, 2)
    x = da.to_gpu(values)
    assert_same_bits(x[key].get(), values[key])
    x[key] = 7
    values[key] = 7
    assert_same_bits(x.get(), values)


def test_host_values_do_not_mix() -> None:
    x = da.arange(4)
    with pytest.raises(IndexError, match="arrays used as indices must be of integer"):
        x[np.ones(2)]
    with pytest.raises(da.HostMixError):
        x[:2] = np.ones(2)
    with pytest.raises(da.HostMixError):
        x[da.asarray([0, 1])] = np.ones(2)
    with pytest.raises(da.HostMixError):
        np.arange(3)[da.asarray([0])]


def test_device_scalars_are_indices() -> None:
    x, k = da.arange(5), da.asarray(2)
    assert int(x[k]) == 2
    assert int(np.arange(5)[k]) == 2
    assert [10, 20, 30][k] == 30
    np.testing.assert_array_equal(x[k:].get(), [2, 3, 4])
    x[k] = 9
    assert x.tolist() == [0, 1, 9, 3, 4]


# ---- more than 2**31 elements, without the memory
def test_views_of_huge_broadcasts() -> None:
    def body(xp: Any, a: Any) -> Any:
        wide = xp.broadcast_to(a, (2**32,))
        square = xp.broadcast_to(a[:1, None], (2**20, 2**20))
        return [
            wide[:: 2**20], wide[-1], wide[2**31 + 5], wide[2**32 - 3 :] + 1, wide.shape,
            square[::-(2**18), 2**19 :: 2**18] * 2, square[2**20 - 1, 7], wide.size, wide.nbytes,
        ]  # fmt: skip

    agree(body, np.ones(1))
    agree(lambda xp, a: xp.broadcast_to(a, (2**32,))[2**32], np.ones(1))
    agree(lambda xp, a: xp.broadcast_to(a, (2**40, 2**30)), np.ones(1))


def test_sums_over_huge_broadcasts() -> None:
    n = 2**31 + 3
    x = da.asarray([3], "u1")
    assert int(da.broadcast_to(x, (n,)).sum()) == 3 * n
    assert int(da.broadcast_to(x, (1, n)).sum(axis=1)[0]) == 3 * n


# ---- shapes
SHAPES: dict[str, Body] = {
    "reshape": lambda xp, a: [a.reshape(6, 4), a.reshape((4, 6)), a.reshape(-1), a.reshape(2, -1)],
    "reshape list": lambda xp, a: a.reshape([3, 8]),
    "reshape, function": lambda xp, a: xp.reshape(a, (8, 3)),
    "reshape F": lambda xp, a: [a.reshape(6, 4, order="F"), a.T.reshape(-1, order="F")],
    "reshape A": lambda xp, a: a.reshape(-1, order="A"),
    "reshape of a transposed array": lambda xp, a: [a.T.reshape(-1), a.T.reshape(4, 6)],
    "reshape of a slice": lambda xp, a: [a[:, ::2].reshape(-1), a[:, :, ::2].reshape(2, 6)],
    "reshape to ones": lambda xp, a: a.reshape(1, 24, 1, 1),
    "reshape, wrong size": lambda xp, a: a.reshape(5, 5),
    "reshape, wrong size, 1-d": lambda xp, a: a.reshape(25),
    "reshape, not divisible": lambda xp, a: a.reshape(5, -1),
    "reshape, two unknown": lambda xp, a: a.reshape(-1, -1),
    "reshape, -2": lambda xp, a: a.reshape(-2, 12),
    "reshape to scalar": lambda xp, a: [a[:1, :1, :1].reshape(()), a[0, 0, 0].reshape(1, 1)],
    "reshape to scalar, wrong": lambda xp, a: a.reshape(()),
    "reshape, no shape": lambda xp, a: a.reshape(),
    "reshape, floats": lambda xp, a: a.reshape(2.0, 12),
    "reshape, order wrong": lambda xp, a: a.reshape(24, order="Q"),
    "reshape empty": lambda xp, a: [a[:0].reshape(0, 7), a[:0].reshape(3, -1), a[:0].reshape(-1)],
    "reshape empty, unknown": lambda xp, a: a[:0].reshape(0, -1),
    "ravel": lambda xp, a: [a.ravel(), a.T.ravel(), a.ravel("F"), xp.ravel(a)],
    "flatten": lambda xp, a: [a.flatten(), a.T.flatten(), a.flatten("F")],
    "transpose": lambda xp, a: [a.T, a.transpose(), a.transpose(1, 2, 0), a.transpose((2, 0, 1))],
    "transpose, negative": lambda xp, a: [a.transpose(-1, 0, 1), xp.transpose(a, (0, -1, 1))],
    "transpose, wrong": lambda xp, a: a.transpose(0, 1),
    "transpose, repeated": lambda xp, a: a.transpose(0, 1, 1),
    "transpose, out of range": lambda xp, a: a.transpose(0, 1, 3),
    "swapaxes": lambda xp, a: [a.swapaxes(0, 2), xp.swapaxes(a, -1, 1)],
    "swapaxes, wrong": lambda xp, a: a.swapaxes(0, 3),
    "squeeze": lambda xp, a: [a[:1].squeeze(), a[:1, :, :1].squeeze(2), xp.squeeze(a[:1], (0,))],
    "squeeze, wrong": lambda xp, a: a.squeeze(0),
    "squeeze, out of range": lambda xp, a: a.squeeze(5),
    "expand_dims": lambda xp, a: [xp.expand_dims(a, 0), xp.expand_dims(a, (0, -1))],
    "expand_dims, wrong": lambda xp, a: xp.expand_dims(a, 5),
    "expand_dims, repeated": lambda xp, a: xp.expand_dims(a, (0, 0)),
    "moveaxis": lambda xp, a: [xp.moveaxis(a, 0, -1), xp.moveaxis(a, (0, 1), (2, 0))],
    "moveaxis, wrong": lambda xp, a: xp.moveaxis(a, 3, 0),
    "moveaxis, repeated": lambda xp, a: xp.moveaxis(a, (0, 0), (1, 2)),
    "moveaxis, lengths": lambda xp, a: xp.moveaxis(a, (0, 1), (1,)),
    "broadcast_to": lambda xp, a: [
        xp.broadcast_to(a, (5, 2, 3, 4)),
        xp.broadcast_to(a[:1], a.shape),
    ],
    "broadcast_to, wrong": lambda xp, a: xp.broadcast_to(a, (2, 3, 5)),
    "broadcast_to, fewer axes": lambda xp, a: xp.broadcast_to(a, (3, 4)),
    "broadcast_to, negative": lambda xp, a: xp.broadcast_to(a[0, 0, 0], (-1,)),
    "broadcast_to an integer": lambda xp, a: xp.broadcast_to(a[0, 0, :1], 5),
    "sizes": lambda xp, a: [a.size, a.ndim, a.itemsize, a.nbytes, a.shape, a.strides, a.T.strides],
    "strides": lambda xp, a: [a[:, ::-2].strides, a.reshape(4, 6).strides, a[..., None, 1].strides],
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes(name: str) -> None:
    agree(SHAPES[name], GRID)


def test_reshapes_are_views_where_numpys_are() -> None:
    def body(xp: Any, a: Any) -> Any:
        views = [
            a.reshape(-1), a.T.reshape(4, 3, 2), a[:, 1:].reshape(2, -1),
            a[:, :, ::2].reshape(6, 2),
            a.T.reshape(-1), a.transpose(1, 0, 2).reshape(6, 4), a[::-1].reshape(2, 12), a.ravel(),
            a.flatten(), a.copy(), a.reshape(6, 4, order="F"), a.squeeze(),
            a[None].reshape(2, 3, 4),
        ]  # fmt: skip
        a += 1000
        return views

    agree(body, GRID)


def test_reshape_of_pending_expressions() -> None:
    def body(xp: Any, a: Any) -> Any:
        b = a * 2
        flat = b.reshape(-1)
        flat[0] = 77
        c = (a + 1).T.reshape(-1)
        d = (a + 1).reshape(6, 4)[::2].T
        return [b, flat, c, d, (a - 1)[None].squeeze().T]

    with da.config(oracle_limit=0):
        agree(body, GRID.astype(float))


def test_real_and_imag_are_views() -> None:
    def body(xp: Any, z: Any) -> Any:
        z.real[1] = 10
        z.imag[::2] = -1
        z.imag *= 2
        return [z, z.real, z.imag, z.T.imag + 1, xp.real(z), xp.imag(z)]

    agree(body, np.array([1 + 2j, 3j, 4]))
    agree(body, np.array([[1 + 2j, 3j], [4, 1j]], "c8"))
    agree(lambda xp, a: [a.real, a.imag], LINE)
    agree(lambda xp, a: operator.setitem(a.imag, 0, 1), LINE)
