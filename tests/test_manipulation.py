"""Shapes, joins, splits, diagonals, repeated and padded arrays: NumPy's results and errors."""

import itertools

import numpy as np
import pytest

import devarray as da
from agreement import agree
from devarray import manipulation
from devarray.errors import HostMixError

LINE = np.arange(7)
GRID = np.arange(12.0).reshape(3, 4)
BLOCK = np.arange(24).reshape(2, 3, 4)
POINT = np.array(5.0)
EMPTY = np.zeros((0, 3))
ARRAYS = [LINE, GRID, BLOCK, POINT, EMPTY]
BARRED = np.array([[np.nan, -0.0], [0.0, np.inf]])


@pytest.fixture(autouse=True)
def nothing_is_small(monkeypatch):
    """Let our own stores run in these tests, not NumPy's copies of few elements."""
    monkeypatch.setattr(manipulation, "SMALL", -1)


def calls(*lines):
    """Return parameters for a test: each line is an expression over `xp` and the arrays' names."""
    return pytest.mark.parametrize("text", [x.strip() for x in lines if x.strip()])


def run(text, *arrays, **options):
    """Compare an expression over `xp` and arrays a, b, c."""
    code = compile(text, text, "eval")

    def body(xp, *given):
        return eval(code, {"xp": xp, **dict(zip("abc", given, strict=False))})

    agree(body, *arrays, **options)


EVERY = """
xp.flip(a)
xp.flip(a, 0)
xp.flip(a, axis=-1)
xp.flip(a, (0, 1))
xp.flip(a, (0, 0))
xp.flip(a, 1.0)
xp.flip(a, True)
xp.fliplr(a)
xp.flipud(a)
xp.rot90(a)
xp.rot90(a, 2)
xp.rot90(a, -1)
xp.rot90(a, k=4)
xp.rot90(a, 3, axes=(1, 2))
xp.rot90(a, 1, axes=(1, -1))
xp.rot90(a, 1, axes=(0, 0))
xp.rot90(a, 1, axes=(0,))
xp.roll(a, 2)
xp.roll(a, -9)
xp.roll(a, 1.0)
xp.roll(a, 1, axis=0)
xp.roll(a, (1, 2), axis=(0, 1))
xp.roll(a, 1, axis=(1, 1))
xp.roll(a, [1, 2])
xp.roll(a, 0)
xp.roll(a, [[1], [2]], axis=(0, 1))
xp.roll(a, 1, axis=3)
xp.rollaxis(a, 1)
xp.rollaxis(a, -1, 1)
xp.rollaxis(a, 0, 2)
xp.rollaxis(a, 0, 4)
xp.rollaxis(a, 0, -1)
xp.matrix_transpose(a)
xp.moveaxis(a, 0, -1)
xp.moveaxis(a, (0, 1), (1, 0))
xp.moveaxis(a, (0, 0), (1, 0))
xp.moveaxis(a, (0, 1), (1, 1))
xp.moveaxis(a, (0, 1), 1)
xp.moveaxis(a, 5, 1)
xp.swapaxes(a, 0, -1)
xp.swapaxes(a, 0, 3)
xp.transpose(a)
xp.transpose(a, axes=(1, 0))
xp.transpose(a, [0, -1])
xp.transpose(a, (0, 0))
xp.transpose(a, (0, 2, 1))
xp.permute_dims(a, (1, 0))
xp.expand_dims(a, 0)
xp.expand_dims(a, axis=-1)
xp.expand_dims(a, (0, 2))
xp.expand_dims(a, [1])
xp.expand_dims(a, ())
xp.expand_dims(a, (0, 0))
xp.expand_dims(a, 5)
xp.squeeze(a)
xp.squeeze(a, 0)
xp.squeeze(a, axis=(0, 0))
xp.squeeze(a, axis=7)
xp.squeeze(xp.expand_dims(a, (0, -1)))
xp.squeeze(xp.expand_dims(a, (0, -1)), -1)
xp.squeeze(xp.expand_dims(a, (0, -1)), axis=(0, -1))
xp.ravel(a)
xp.ravel(a, "F")
xp.ravel(a, order="K")
xp.ravel(a, order="A")
xp.ravel(a, "Q")
xp.ravel(xp.transpose(a), "K")
xp.ravel(xp.flip(a), "K")
xp.reshape(a, -1)
xp.reshape(a, (-1, 1))
xp.reshape(a, (1, -1), order="F")
xp.reshape(a, (4, -1), order="F")
xp.reshape(xp.transpose(a), -1, order="A")
xp.reshape(a, (5, 5))
xp.reshape(a, -1, copy=True)
xp.reshape(xp.transpose(a), -1, copy=False)
xp.reshape(a, -1, order="K")
xp.broadcast_to(a, (2, 3, 4))
xp.broadcast_to(a, 7)
xp.broadcast_to(a, (3, 0, 3))
xp.broadcast_to(a, (2, -1))
xp.broadcast_to(a, (2.0, 3))
xp.broadcast_arrays(a, xp.expand_dims(a, 0))
xp.broadcast_arrays(a)
xp.broadcast_arrays(a, [1, 2])
xp.atleast_1d(a)
xp.atleast_2d(a)
xp.atleast_3d(a)
xp.atleast_2d(a, 3)
xp.diagonal(a)
xp.diagonal(a, 1)
xp.diagonal(a, offset=-1, axis1=1, axis2=0)
xp.diagonal(a, 0, -1, -2)
xp.diagonal(a, 9)
xp.diagonal(a, -9)
xp.diagonal(a, 0, 1, 1)
xp.diagonal(a, 0, 0, 4)
xp.diagonal(a, 1.0)
xp.diag(a)
xp.diag(a, 2)
xp.diag(a, k=-1)
xp.diag(a, -9)
xp.diagflat(a)
xp.diagflat(a, 1)
xp.tril(a)
xp.tril(a, 1)
xp.tril(a, k=-2)
xp.tril(a, 99)
xp.triu(a)
xp.triu(a, -1)
xp.triu(a, k=2)
xp.triu(a, -99)
xp.repeat(a, 7)
xp.repeat(a, 2)
xp.repeat(a, 6, axis=0)
xp.repeat(a, 2, axis=-2)
xp.repeat(a, repeats=5, axis=-1)
xp.repeat(a, 0)
xp.repeat(a, 0, 0)
xp.repeat(a, -1)
xp.repeat(a, -1, 0)
xp.repeat(a, 2.5)
xp.repeat(a, 5, axis=4)
xp.repeat(a, [1, 2, 3], axis=0)
xp.repeat(a, [6])
xp.tile(a, 3)
xp.tile(a, (2, 3))
xp.tile(a, (2, 1, 1, 2))
xp.tile(a, (1,))
xp.tile(a, ())
xp.tile(a, 0)
xp.tile(a, (0, 2))
xp.tile(a, -1)
xp.tile(a, 2.0)
xp.resize(a, (3, 5))
xp.resize(a, 30)
xp.resize(a, ())
xp.resize(a, 0)
xp.resize(a, (2, -1))
xp.resize(a, new_shape=(1, 2))
xp.resize(a, 2.0)
xp.array_split(a, 2)
xp.array_split(a, 5, -1)
xp.array_split(a, 2.5)
xp.array_split(a, 0)
xp.array_split(a, 2, axis=4)
xp.split(a, 1)
xp.split(a, 2, axis=-1)
xp.split(a, [1, 3])
xp.split(a, (3, 1))
xp.split(a, [-1], axis=0)
xp.split(a, 0)
xp.split(a, [])
xp.split(a, 2, axis=9)
xp.hsplit(a, 2)
xp.hsplit(a, [1])
xp.vsplit(a, 3)
xp.vsplit(a, [2])
xp.dsplit(a, 2)
xp.unstack(a)
xp.unstack(a, axis=-1)
xp.unstack(a, axis=1)
xp.unstack(a, axis=4)
xp.concatenate([a, a])
xp.concatenate((a, a), axis=-1)
xp.concatenate([a, a], axis=1, dtype="f4")
xp.concatenate([a, a], axis=0, dtype="i4")
xp.concatenate([a, a], axis=0, dtype="i4", casting="unsafe")
xp.concatenate([a, a], None)
xp.concatenate([a, [[1]]])
xp.concatenate([a, 3], axis=None)
xp.concatenate(a)
xp.concat([a, a], axis=None)
xp.stack([a, a])
xp.stack([a, a], axis=-1)
xp.stack([a, a], 1, dtype="c8")
xp.stack([a, a], 9)
xp.stack([a, 3])
xp.stack(a)
xp.hstack([a, a])
xp.hstack((a, a), dtype="f8")
xp.hstack(a)
xp.vstack([a, a])
xp.vstack([a, a], dtype="f4", casting="no")
xp.vstack(a)
xp.dstack([a, a])
xp.column_stack([a, a])
xp.column_stack([a, [1, 2, 3]])
xp.append(a, 7)
xp.append(a, a, axis=0)
xp.append(a, a, -1)
xp.append(a, [1, 2])
xp.append(a, [[1, 2, 3]], axis=0)
xp.block(a)
xp.block([a, a])
xp.block([[a, a], [a, a]])
xp.block([[[a]], [[a]]])
xp.block([a, 1])
xp.block([a, []])
xp.block([[a], a])
xp.block((a, a))
xp.insert(a, 1, 5)
xp.delete(a, 0)
xp.pad(a, 1)
xp.pad(a, (1, 2), constant_values=3)
xp.pad(a, 2, constant_values=(1, 2))
xp.pad(a, 1, "constant", constant_values=float("nan"))
xp.pad(a, ((1, 0), (0, 2)), constant_values=((1, 2), (3, 4)))
xp.pad(a, {0: 1, -1: (2, 0)})
xp.pad(a, {0: (1, 2, 3)})
xp.pad(a, 0, mode="wrap")
xp.pad(a, -1)
xp.pad(a, 1.5)
xp.pad(a, True)
xp.pad(a, 1, "nothing")
xp.pad(a, 1, mode="edge", constant_values=3)
xp.pad(a, 1, mode="mean")
xp.pad(a, 1, mode="reflect", reflect_type="odd")
xp.pad(a, 1, mode="edge")
xp.pad(a, 1, mode="wrap")
xp.pad(a, 1, mode="reflect")
xp.pad(a, 1, mode="symmetric")
xp.pad(a, 1, constant_values=2j)
xp.rot90(a, 1.0)
xp.rot90(a, -1.5)
xp.reshape(a, -1, order=None)
xp.ravel(a, 5)
xp.concatenate([a, a], casting="never")
""".strip().splitlines()  # fmt: skip


@pytest.mark.parametrize("text", EVERY)
def test_functions(text):
    for array in ARRAYS:
        try:
            run(text, array)
        except AssertionError as error:
            error.add_note(f"{text} of shape {array.shape}")
            raise


@pytest.mark.parametrize("mode", ["constant", "edge", "wrap", "reflect", "symmetric"])
def test_pad_wide(mode):
    for length, left, right in itertools.product((1, 2, 3, 5), (0, 1, 4, 9), (0, 2, 13)):
        run(f"xp.pad(a, ({left}, {right}), mode={mode!r})", np.arange(length))
    run(f"xp.pad(a, ((3, 5), (7, 1)), mode={mode!r})", GRID)
    run(f"xp.pad(a, ((0, 0), (2, 2), (1, 0)), mode={mode!r})", BLOCK)
    run(f"xp.pad(a, 50, mode={mode!r})", np.arange(3))
    run(f"xp.pad(a, 2, mode={mode!r})", BARRED)


def test_pad_empty_mode():
    padded = da.pad(da.asarray([1, 2]), (1, 2), mode="empty")
    assert padded.shape == (5,)
    np.testing.assert_array_equal(padded[1:3].get(), [1, 2])


@pytest.mark.parametrize("dtype", ["?", "u1", "f2", "f4", "c8"])
@calls(
    "xp.roll(a, 1)", "xp.tril(a)", "xp.triu(a, 1)", "xp.tile(a, 2)", "xp.repeat(a, 5)",
    "xp.pad(a, 1, constant_values=1)", "xp.concatenate([a, a])", "xp.diag(xp.ravel(a))",
    "xp.append(a, True)", "xp.resize(a, (7,))", "xp.hstack([a, [[1], [2]]])",
)  # fmt: skip
def test_dtypes(text, dtype):
    run(text, np.array([[0, 1], [2, 3]]).astype(dtype))


@calls(
    "xp.roll(a, 1)", "xp.roll(a, (1, 2), axis=(0, -1))", "xp.roll(a, 1, 5)", "xp.roll(a, [[1]])",
    "xp.pad(a, 1)", "xp.pad(a, 2, mode='wrap')", "xp.pad(a, -1)", "xp.concatenate([a, a])",
    "xp.concatenate([a, 3], axis=None)", "xp.concatenate([a, a], dtype='i2', casting='unsafe')",
    "xp.concatenate([a, a], dtype='i2')", "xp.stack([a, a], axis=1)", "xp.hstack([a, a])",
    "xp.concatenate([a, xp.reshape(a, -1)])", "xp.append(a, [1])", "xp.concatenate([a])",
)  # fmt: skip
def test_small(text, monkeypatch):
    """Arrays of few elements go to NumPy, with their views, as others do not."""
    monkeypatch.setattr(manipulation, "SMALL", 100)
    for array in (*ARRAYS, GRID[::-1, ::2], np.ones((2, 2), "f4")):
        run(text, array)


@calls(
    "xp.concatenate([a, b])", "xp.stack([a, b])", "xp.block([a, b])", "xp.append(a, b)",
    "xp.concatenate([a, 3.5], axis=None)", "xp.concatenate([a, 300], axis=None)",
    "xp.concatenate([a, 3j], axis=None)", "xp.concatenate([True, a], axis=None)",
    "xp.concatenate([a, [3.5]], axis=None)", "xp.append(a, 3.5)", "xp.block([a, 3.5])",
    "xp.hstack([a, 3.5])", "xp.stack([a[0], 3.5])",
)  # fmt: skip
def test_joined_dtypes(text):
    for one, other in [("f4", "i8"), ("i1", "u1"), ("?", "f2")]:
        run(text, np.ones(2, one), np.ones(2, other))


@calls(
    "xp.concatenate([])", "xp.stack([])", "xp.hstack([])", "xp.vstack([])", "xp.dstack([])",
    "xp.block([])", "xp.column_stack([])", "xp.concatenate(3)", "xp.atleast_1d()",
    "xp.broadcast_arrays()", "xp.stack(x for x in [[1]])", "xp.vstack(x for x in [[1]])",
    "xp.concatenate(x for x in [[1]])", "xp.broadcast_shapes((2, 1), 3)", "xp.reshape()",
    "xp.broadcast_shapes((2, 1), (3, 2))", "xp.tri(3, k=1, like=None, bad=1)",
)  # fmt: skip
def test_without_arrays(text):
    run(text, once=True)


@calls(
    "xp.tri(3)", "xp.tri(2, 4, 1)", "xp.tri(3, k=-1, dtype='i4')", "xp.tri(0)", "xp.tri(2, -1)",
    "xp.tri(2, 3, dtype=bool)", "xp.atleast_2d([1, 2])", "xp.vstack([[1, 2], [3, 4]])",
    "xp.flip([1, 2])", "xp.tile([1, 2], 2)", "xp.repeat([1, 2], [2, 1])", "xp.pad([1, 2], 1)",
    "xp.block([[1, 2], [3, 4]])", "xp.array_split([1, 2], 2)", "xp.diag([1, 2])",
    "xp.diagflat(3, -1)", "xp.roll([1, 2, 3], 1)", "xp.tril([[1, 2], [3, 4]])",
    "xp.resize(3, (2, 2))",
)  # fmt: skip
def test_results_are_on_the_device(text):
    run(text, once=True)


@calls(
    "xp.flip(a, 0)", "xp.roll(a, 1, 0)", "xp.tile(a, (2, 2))", "xp.repeat(a, 5, 1)",
    "xp.concatenate([a, a], 1)", "xp.diagonal(a, 1)", "xp.tril(a)", "xp.pad(a, 2, mode='wrap')",
    "xp.ravel(a)", "xp.ravel(a, 'F')", "xp.ravel(a, 'K')", "xp.reshape(a, (2, -1), 'F')",
    "xp.resize(a, 11)", "xp.rot90(a)", "xp.block([[a], [a]])", "xp.split(a, [1], 1)",
)  # fmt: skip
def test_layouts(text):
    """Strided, reversed, transposed and broadcast arrays, and pending ones, as arguments."""
    base = np.arange(60.0).reshape(6, 10)
    code = compile(text, text, "eval")
    for change in (
        "a[::2, ::3]", "a[::-1, ::-2]", "a.T", "a[:, :1].T[::-1]", "a[:0]", "a + 1",
        "(a * 2).T", "(a - 1)[1:, ::-1]", "xp.broadcast_to(a[2], (3, 10))",
        "xp.broadcast_to(a[:, :1], (6, 5)).T",
    ):  # fmt: skip
        view = compile(change, change, "eval")

        def body(xp, a, view=view):
            return eval(code, {"xp": xp, "a": eval(view, {"xp": xp, "a": a})})

        agree(body, base)


VIEWS = [
    "xp.flip(a, 1)", "xp.fliplr(a)", "xp.flipud(a)", "xp.rot90(a)", "xp.rot90(a, 4)",
    "xp.rot90(a, 2)", "xp.rollaxis(a, 1)", "xp.matrix_transpose(a)", "xp.moveaxis(a, 0, 1)",
    "xp.transpose(a)", "xp.expand_dims(a, 0)", "xp.squeeze(xp.expand_dims(a, 0), 0)",
    "xp.reshape(a, -1)", "xp.reshape(a, (2, 6), copy=False)", "xp.ravel(a)",
    "xp.ravel(xp.transpose(a), 'F')", "xp.ravel(xp.transpose(a), 'K')",
    "xp.ravel(xp.transpose(a), 'A')", "xp.split(a, 2, axis=1)[1]", "xp.hsplit(a, 2)[0]",
    "xp.vsplit(a, 3)[1]", "xp.array_split(a, 2)[1]", "xp.unstack(a)[1]",
    "xp.unstack(a, axis=1)[0]", "xp.atleast_1d(a)", "xp.atleast_3d(a)",
    "xp.reshape(xp.transpose(a), -1, order='F')", "xp.broadcast_arrays(a, a)[0]",
]  # fmt: skip
COPIES = [
    "xp.roll(a, 1)", "xp.roll(a, 0)", "xp.roll(a, 0, axis=0)", "xp.tile(a, 1)", "xp.tile(a, 2)",
    "xp.repeat(a, 1)", "xp.repeat(a, 1, axis=0)", "xp.repeat(a, 5)", "xp.pad(a, 0)",
    "xp.pad(a, 0, mode='wrap')", "xp.resize(a, (3, 4))", "xp.concatenate([a])", "xp.append(a, [])",
    "xp.block(a)", "xp.block([a])", "xp.tril(a, 9)", "xp.triu(a, -9)", "xp.ravel(a, 'F')",
    "xp.ravel(a[:, ::2])", "xp.ravel(a[:, 0], 'F')", "xp.ravel(a[:, 0], 'K')",
    "xp.reshape(a, -1, copy=True)", "xp.reshape(xp.transpose(a), -1)", "xp.diag(a[0])",
    "xp.diagflat(a)", "xp.hstack([a])", "xp.vstack([a])",
]  # fmt: skip


def _writes(xp, make, array):
    """Write through the result, then to the argument, and show both."""
    given = array + 1
    result = eval(make, {"xp": xp, "a": given})
    result[...] = -result
    given[0, :2] = 50
    return result, given


@pytest.mark.parametrize("make", VIEWS + COPIES)
def test_views_are_views_and_copies_are_copies(make):
    agree(lambda xp, a: _writes(xp, make, a), GRID)


@pytest.mark.parametrize("make", VIEWS)
def test_views_share_the_buffer(make):
    x = da.to_gpu(GRID) + 1
    assert eval(make, {"xp": da, "a": x})._buffer is x._buffer


def test_elements_do_not_follow():
    def body(xp, a):
        parts = xp.unstack(a)
        a[...] = 0
        return parts

    agree(body, LINE)


@calls(
    "xp.diagonal(a)", "xp.diag(a)", "xp.diag(a, 1)", "xp.broadcast_to(a, (2, 3, 4))",
    "xp.diagonal(a, -1).T", "xp.flip(xp.diagonal(a))",
)  # fmt: skip
def test_read_only(text):
    def body(xp, a):
        view = eval(text, {"xp": xp, "a": a})
        a[...] = 8  # it follows
        seen = view + 0
        try:
            view[...] = 3
        except ValueError as error:
            return seen, str(error)
        return seen

    agree(body, GRID.copy())


@pytest.mark.parametrize(
    "make",
    [*VIEWS, "xp.diagonal(a)", "xp.broadcast_to(a, (2, 3, 4))", "xp.tril(a)", "xp.triu(a)",
     "xp.tile(a, (2, 1))", "xp.repeat(a, 9, axis=1)", "xp.flip(a[0, 0:1])", "xp.split(a, [1])",
     "xp.unstack(a)", "xp.broadcast_arrays(a, a[0])", "xp.reshape(a, (4, 3), order='F')",
     "xp.squeeze(a[:1, :1])", "xp.permute_dims(a, (1, 0))", "xp.diagonal(a)", "xp.atleast_2d(a)"],
)  # fmt: skip
def test_nothing_is_evaluated(make):
    with da.config(eager=False):
        x = da.to_gpu(GRID) + 1
        eval(make, {"xp": da, "a": x})
        assert x._buffer.block is None


def _steps():
    """Return how many kernels ran, or would have, if they were compiled already."""
    counters = da.statistics()
    return counters.launches + counters.oracle


def test_a_triangle_is_fused():
    x = da.to_gpu(GRID)
    with da.config(eager=False):
        result = da.tril(x * 2, 1) + da.triu(x)
    before = _steps()
    np.testing.assert_array_equal(result.get(), np.tril(GRID * 2, 1) + np.triu(GRID))
    assert _steps() - before <= 1


def test_stores_fuse_what_is_joined():
    x = da.to_gpu(GRID)
    before = _steps()
    with da.config(eager=False):
        result = da.concatenate([x + 1, x * 2])
    after = _steps()
    assert after - before == 2
    np.testing.assert_array_equal(result.get(), np.concatenate([GRID + 1, GRID * 2]))


def test_out():
    def body(xp, a, b):
        out = xp.tile(a, (2, 1))
        xp.concatenate([a, b], out=out)
        whole = xp.stack([a, b], out=xp.reshape(out, (2, 3, 4)))
        return out, whole

    agree(body, GRID, GRID + 1)
    run("xp.concatenate([a, a], out=b)", GRID, np.zeros((6, 4), "i4"))
    run("xp.concatenate([a, a], out=b)", GRID, np.zeros((5, 4)))
    run("xp.concatenate([a, a], out=b, dtype='f8')", GRID, np.zeros((6, 4)))
    run("xp.concatenate([a, a], out=b, casting='unsafe')", GRID, np.zeros((6, 4), "i4"))
    run("xp.concatenate([a[1:], a[:-1]], out=a[:])", LINE[:2].copy())


def test_argument_is_its_own_result():
    """Overlapping: what is written is what was there before."""

    def body(xp, a):
        a[...] = xp.roll(a, 1, axis=1)
        a[...] = xp.flip(a)
        a[1:] = xp.tril(a)[:-1]
        a[:, :2] = xp.diagonal(a[:, 1:])[:, None]
        return a

    agree(body, GRID)


def test_numbers_may_lie_on_the_device():
    x, one, pair = da.arange(6), da.asarray(1), da.asarray([1, 2])
    np.testing.assert_array_equal(da.roll(x, one).get(), np.roll(np.arange(6), 1))
    np.testing.assert_array_equal(da.pad(x, pair).get(), np.pad(np.arange(6), (1, 2)))
    np.testing.assert_array_equal(da.tile(x, pair).get(), np.tile(np.arange(6), (1, 2)))
    np.testing.assert_array_equal(da.repeat(pair, pair).get(), [1, 2, 2])
    np.testing.assert_array_equal(da.repeat(pair, one).get(), [1, 2])
    assert [part.size for part in da.split(x, pair)] == [1, 1, 4]


@calls(
    "da.flip(h)", "da.roll(h, 1)", "da.tile(h, 2)", "da.concatenate([x, h])", "da.stack(h)",
    "da.pad(h, 1)", "da.split(h, 1)", "da.tril(h)", "da.append(x, h)",
    "da.block([x, h])", "np.hstack([x, h])", "np.append(h, x)", "da.broadcast_to(h, (2, 2))",
    "da.diag(h)", "da.repeat(x, h)", "np.concatenate([x, x], out=np.zeros(4))", "da.resize(h, 3)",
)  # fmt: skip
def test_host_arrays_are_refused(text):
    with pytest.raises(HostMixError):
        eval(text, {"da": da, "np": np, "x": da.arange(2), "h": np.arange(2)})


def test_the_standard():
    x = da.to_gpu(GRID)
    assert type(da.unstack(x, axis=1)) is tuple
    assert type(da.broadcast_arrays(x, x[0])) is tuple
    assert da.expand_dims(x).shape == (1, 3, 4)
    assert da.concat([x, x], axis=None).shape == (24,)
    assert da.permute_dims(x, axes=(1, 0)).shape == (4, 3)
    assert da.broadcast_shapes((3, 1), (1, 4)) == (3, 4)
    assert da.tri(2, device="openmp").device is da.Device("openmp")
    for part in da.unstack(x[0]):
        assert isinstance(part, da.DeviceArray)
        assert part.shape == ()


def test_big_triangles_and_errors_beyond_the_stand_ins():
    """NumPy is not asked about big arrays: the words are ours then, the classes its."""
    x = da.broadcast_to(da.arange(2), (3_000_000, 2))
    with pytest.raises(np.exceptions.AxisError):
        da.flip(x, 2)
    with pytest.raises(ValueError, match="into shape"):
        da.reshape(x, (5, 7))
    with pytest.raises(ValueError, match="must match exactly"):
        da.concatenate([x, x[:, :1]])


@pytest.mark.parametrize("kind", ["host", "device"])
def test_lengths_and_axes_may_come_as_arrays(kind):
    def given(xp, *numbers):
        return da.asarray(numbers) if kind == "device" and xp is da else np.array(numbers)

    def body(xp, x):
        y = x.reshape(given(xp, 3, 2)) + 0
        y.resize(given(xp, 2, 3))
        return [
            xp.transpose(x, given(xp, 1, 0)), x.transpose(given(xp, 1, 0)),
            xp.ones(given(xp, 2, 1)), xp.tile(x, given(xp, 1, 2)),
            xp.roll(x, given(xp, 1, 2), given(xp, 0, 1)), xp.pad(x, given(xp, 1, 2)),
            xp.reshape(x, given(xp, 3, 2)), y,
        ]  # fmt: skip

    agree(body, np.arange(6).reshape(2, 3), once=True)


@pytest.mark.parametrize("name", ["diagonal", "diag"])
def test_diagonals_are_read_only_views(name):
    for xp, x in ((np, np.arange(9.0).reshape(3, 3)), (da, da.arange(9.0).reshape(3, 3))):
        view = getattr(np, name)(x)
        assert type(view) is type(x)
        assert not view.flags.writeable and not view[1:].flags.writeable
        for change in (
            lambda view=view: view.__setitem__(0, 5),
            lambda view=view: view.__iadd__(1),
            lambda view=view: np.add(view, 1, out=view),
            lambda view=view: view.fill(2),
        ):
            with pytest.raises(ValueError, match="read-only"):
                change()
        x[1, 1] = 7  # what the array gets, its diagonal shows
        assert view.tolist() == [0, 7, 8]
        view.flags.writeable = True  # NumPy allows it, for memory that may be written
        view[0] = 3
        assert float(x[0, 0]) == 3, xp
