"""Kernels that are launched over a grid of blocks give what the host's kernels give, to the bit.

The host's are compared with NumPy elsewhere. Every device that launches grids and is present takes
part; where there is none, only the plans of grids are tested.
"""

import math
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

import devarray as da
from agreement import assert_same_bits
from devarray import grid
from devarray.kernels.emit_grid import CARRY, JOIN, TOTALS
from devarray.kernels.emit_reduce import lanes_of, leaf_of
from devarray.kernels.spec import KERNEL_NAME, THREADS
from devarray.layout import make_layout
from devarray.registry import survey
from devarray.walk import reduce_walk, scan_walk

BACKENDS = ("cuda", "hip", "sycl")
PRESENT = [found.name for found in survey() if found.name in BACKENDS and not found.problem]
NONE = pytest.param("none", marks=pytest.mark.skip(reason="no device that launches grids"))
REAL = "?bBhHiIqQefd"


@pytest.fixture(params=PRESENT or [NONE], scope="module")
def there(request):
    device = da.Device(request.param)
    assert device.grid
    return device


@pytest.fixture(autouse=True)
def _kernels():
    with da.config(oracle_limit=0, device="openmp"):
        yield


def values(dtype, n, seed=0):
    """Return numbers of many magnitudes, so that the order of additions matters."""
    rng = np.random.default_rng([seed, n])
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.integers(0, 2, n).astype("?")
    if dtype.kind in "iu":
        return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype)
    spread = 3 if dtype.char == "e" else 8
    x = rng.standard_normal(n) * 10.0 ** rng.uniform(-spread, spread / 2, n)
    if dtype.kind == "c":
        x = x + 1j * rng.standard_normal(n)
    return x.astype(dtype)


def near_one(dtype, n):
    """Return factors whose product stays finite."""
    rng = np.random.default_rng(n)
    return (1 + rng.uniform(-1, 1, n) / 16).astype(dtype)


class Case(NamedTuple):
    host: da.DeviceArray
    there: da.DeviceArray


def case(x, device):
    return Case(da.to_gpu(x, "openmp"), da.to_gpu(x, device))


def same(body, *cases):
    """Compare what a function returns for arrays of the host and of another device."""
    wanted = body(*[c.host for c in cases])
    got = body(*[c.there for c in cases])
    if not isinstance(wanted, (list, tuple)):
        wanted, got = [wanted], [got]
    launches = da.statistics().launches
    da.evaluate(*got)
    assert da.statistics().launches > launches, "nothing was computed by a kernel"
    for one, other in zip(got, wanted, strict=True):
        assert one.device is not other.device
        assert_same_bits(one.get(), other.get())


COMBINERS = {
    "sum": lambda x: x.sum(),
    "prod": lambda x: x.prod(),
    "max": lambda x: x.max(),
    "min": lambda x: x.min(),
    "fmax": da.fmax.reduce,
    "fmin": da.fmin.reduce,
    "argmax": lambda x: x.argmax(),
    "argmin": lambda x: x.argmin(),
    "any": lambda x: x.any(),
    "all": lambda x: x.all(),
    "count": da.count_nonzero,
    "mean": lambda x: x.mean(),
    "var": lambda x: x.var(),
    "and": da.bitwise_and.reduce,
    "or": da.bitwise_or.reduce,
    "xor": da.bitwise_xor.reduce,
}
FLOATS = ("sum", "prod", "max", "min", "fmax", "fmin", "argmax", "argmin", "any", "all", "count",
          "mean")  # fmt: skip
INTEGERS = ("sum", "prod", "max", "min", "argmax", "argmin", "any", "all", "count", "and", "or",
            "xor")  # fmt: skip
COMPLEX = ("sum", "prod", "any", "all", "count", "mean")

# Leaves, teams of a block, blocks of a result, and one more or less than each
EDGES = sorted(
    {128 * 2**k + d for k in range(8) for d in (-9, -8, -1, 0, 1, 7, 8)} | {4095, 4097, 8193}
)


def combiners_of(dtype):
    kind = np.dtype(dtype).kind
    return COMPLEX if kind == "c" else FLOATS if kind == "f" else INTEGERS


def together(names):
    return lambda x: [COMBINERS[name](x) for name in names]


@pytest.mark.parametrize("dtype", ["e", "d", "D", "q"])
def test_short_lengths(there, dtype):
    """All reductions at once: what is fused is up to the engine."""
    c = case(values(dtype, 300), there)
    names = combiners_of(dtype)
    for n in range(1, 301):
        same(together(names), Case(c.host[:n], c.there[:n]))


@pytest.mark.parametrize("dtype", ["e", "d", "D", "q"])
def test_lengths_around_powers_of_two(there, dtype):
    c = case(values(dtype, EDGES[-1]), there)
    names = combiners_of(dtype)
    for n in EDGES:
        same(together(names), Case(c.host[:n], c.there[:n]))


@pytest.mark.parametrize("dtype", REAL + "FD")
def test_each_combiner_by_itself(there, dtype):
    names = combiners_of(dtype)
    if dtype not in "?efDI":
        names = [name for name in names if name in ("sum", "prod", "max", "argmin", "mean")]
    for n in (1, 100, 1000, 100_000):
        x = case(values(dtype, n), there)
        factors = x if np.dtype(dtype).kind in "biu" else case(near_one(dtype, n), there)
        for name in names:
            same(COMBINERS[name], factors if name == "prod" else x)


@pytest.mark.parametrize("dtype", ["d", "F", "q"])
def test_long(there, dtype):
    x = case(values(dtype, 3_000_001), there)
    names = ("sum", "any", "count") if dtype == "F" else ("sum", "max", "argmin", "count")
    for n in (2_999_999, 3_000_000, 3_000_001):
        same(together(names), Case(x.host[:n], x.there[:n]))


def test_longer_than_the_parts_of_a_reduction(there):
    """Teams join several leaves themselves."""
    n = (128 << 17) + 777
    assert grid_of_length(n, "d").header[2] > 1
    x = case(values("b", n), there)
    same(lambda x: [x.astype("d").sum(), x.argmax(), x.sum(dtype="i8")], x)
    same(lambda x: (x.astype("d") * 0.1).sum(), x)


def test_variance(there):
    for dtype in "efdFD":
        for n in (1, 7, 1000, 50_000):
            same(COMBINERS["var"], case(values(dtype, n), there))


SHAPES = [
    (1, 1), (1, 300), (300, 1), (7, 9), (3, 129), (129, 3), (40, 1000), (1000, 40), (3, 20_000),
    (20_000, 3), (20_000, 70), (600, 600),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["f", "D", "h"])
@pytest.mark.parametrize("axis", [0, 1])
def test_one_of_two_axes(there, dtype, axis):
    """Inner and outer walks, of columns that are many or few."""
    for shape in SHAPES:
        c = case(values(dtype, math.prod(shape)).reshape(shape), there)
        same(lambda x, axis=axis: x.sum(axis), c)
        if dtype != "D":
            same(lambda x, axis=axis: [x.max(axis), x.argmin(axis)], c)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "axes", [(0, 1, 2), (0, 1), (0, 2), (1, 2), (0,), (1,), (2,), None, (2, 0)]
)
def test_several_axes(there, order, axes):
    for shape in ((5, 6, 7), (3, 200, 9), (40, 3, 300), (2, 2, 5000), (1, 17, 1)):
        x = np.asarray(values("f", math.prod(shape)).reshape(shape), order=order)
        c = case(x, there)
        if order == "F":
            c = Case(c.host.transpose(2, 0, 1), c.there.transpose(2, 0, 1))
        same(lambda x: [x.sum(axes), x.sum(axes, keepdims=True), x.max(axes)], c)


def test_rows_of_several_axes_are_halved(there):
    """Rows that are no power of two, each of several leaves; strides keep them apart."""
    base = case(values("d", 64 * 40 * 700).reshape(64, 40, 700), there)
    for rows, others, n in ((1, 3, 700), (5, 40, 650), (63, 37, 300), (64, 40, 129), (3, 2, 8)):
        part = (slice(rows), slice(None, others), slice(1, n))
        same(lambda x: [x.sum(), x.argmax()], Case(base.host[part], base.there[part]))
        same(lambda x: x.sum((1, 2)), Case(base.host[part], base.there[part]))


VIEWS = {
    "every second": lambda x: x[::2],
    "reversed": lambda x: x[::-1],
    "reversed, every third": lambda x: x[::-3],
    "shifted": lambda x: x[3:],
    "broadcast": lambda x: da.broadcast_to(x[5], (1000,)),
    "broadcast rows": lambda x: da.broadcast_to(x[:300], (50, 300)),
    "broadcast columns": lambda x: da.broadcast_to(x[:300, None], (300, 50)),
    "diagonal": lambda x: x[:10000].reshape(100, 100).diagonal(),
    "a transposed product": lambda x: x[:600].reshape(20, 30).T * x[:20],
    "inner times outer": lambda x: x[:700, None] * x[:33],
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", ["f", "D"])
def test_operands(there, view, dtype):
    c = case(values(dtype, 20_003), there)
    shown = Case(VIEWS[view](c.host), VIEWS[view](c.there))
    for axis in (None, *range(shown.host.ndim)):
        same(lambda x, axis=axis: x.sum(axis), shown)
        if dtype == "f":
            same(lambda x, axis=axis: x.argmax(axis), shown)


@pytest.mark.parametrize("dtype", ["d", "e", "i"])
def test_ties_and_nan(there, dtype):
    rng = np.random.default_rng(2)
    for n in (1, 5, 8, 9, 64, 129, 1000, 5001, 40_000):
        x = rng.integers(0, 3, n).astype(dtype)
        cases = [x, np.zeros_like(x)]
        if dtype != "i":
            with_nan = x.copy()
            with_nan[rng.integers(0, n, 1 + n // 50)] = np.nan
            zeros = np.where(x > 1, -0.0, 0.0).astype(dtype)
            one = x.copy()
            one[-1] = np.nan
            cases += [with_nan, zeros, one, np.full_like(x, np.nan), np.full_like(x, -np.inf)]
        for y in cases:
            same(together(("argmax", "argmin", "max", "min")), case(y, there))
            same(together(("argmax", "argmin")), case(y[::-1], there))


def test_ties_along_axes(there):
    x = np.random.default_rng(3).integers(0, 4, (9, 40, 50)).astype("f")
    x[3, 4] = np.nan
    c = case(x, there)
    for axis in (0, 1, 2, None):
        same(
            lambda x, axis=axis: [x.argmax(axis), x.argmin(axis), x.argmax(axis, keepdims=True)], c
        )


@pytest.mark.parametrize("dtype", ["f", "D", "q"])
def test_initial_and_where(there, dtype):
    for n in (1, 9, 300, 70_000):
        x = values(dtype, n)
        mask = case(np.random.default_rng(n).integers(0, 2, n).astype("?"), there)
        c = case(x, there)
        same(lambda x: [x.sum(initial=3), x.sum(initial=3, keepdims=True)], c)
        same(lambda x, w: x.sum(where=w), c, mask)
        same(lambda x, w: x.sum(where=w, initial=-7), c, mask)
        if dtype != "D":
            same(lambda x, w: x.max(where=w, initial=2), c, mask)


def test_negative_zeros_and_infinities(there):
    for dtype in "efdFD":
        for n in (1, 3, 8, 200, 40_000):
            x = np.full(n, -0.0).astype(dtype)
            same(lambda x: [x.sum(), x.sum(keepdims=True)], case(x, there))
            x[n // 2] = np.inf
            same(lambda x: x.sum(), case(x, there))


def test_work_before_and_after_the_reduction(there):
    """Expressions are fused into the reduction, on both sides."""
    x = case(values("d", 30_000).reshape(300, 100), there)
    y = case(values("d", 100), there)

    def body(x, y):
        total = ((x - y) * (x + 1)).sum(1)
        return [total * 2 + 1, total.reshape(300, 1) * np.float64(0.5)]

    same(body, x, y)
    same(lambda x, y: [(x * y).sum(0) - y, abs(x).max(0) / 3], x, y)
    same(lambda x, y: ((x * y).sum() + y[3]) * 2, x, y)


def test_results_of_no_dimension(there):
    x = case(values("f", 1), there)
    point = Case(x.host[0], x.there[0])
    same(lambda x: [x.sum() + 1, x.max(axis=()) * 2], point)
    same(lambda x: [x.sum(), x.sum(keepdims=True), x.sum(0, keepdims=True)], x)


SCANS = [
    (1,), (255,), (256,), (257,), (4097,), (100_003,), (300, 70), (70, 300), (5, 9000), (9000, 5),
    (4, 5, 600),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["?", "b", "q", "I"])
def test_scans_of_integers(there, dtype):
    for shape in SCANS:
        c = case(values(dtype, math.prod(shape)).reshape(shape), there)
        for axis in range(len(shape)):
            same(lambda x, axis=axis: x.cumsum(axis), c)
            same(lambda x, axis=axis: da.maximum.accumulate(x, axis), c)
        same(lambda x: x[::-1].cumprod(0), c)


@pytest.mark.parametrize("dtype", ["f", "d", "F", "D"])
def test_scans_of_floats(there, dtype):
    """They are joined in another order than the host's."""
    for shape in SCANS:
        c = case(np.random.default_rng(1).uniform(0.5, 1, shape).astype(dtype), there)
        for axis in range(len(shape)):
            wanted, got = c.host.cumsum(axis), c.there.cumsum(axis)
            assert got.dtype == wanted.dtype
            rtol = np.finfo(got.dtype).eps * max(8, math.sqrt(shape[axis]))
            np.testing.assert_allclose(got.get(), wanted.get(), rtol=rtol)
            if dtype == "d":
                same(lambda x, axis=axis: da.minimum.accumulate(x, axis), c)


@pytest.mark.parametrize("dtype", ["e", "f", "D"])
def test_scans_of_floats_whose_sums_are_exact(there, dtype):
    for shape in SCANS:
        x = np.random.default_rng(2).uniform(0, 1, shape) < min(1, 1000 / max(shape))
        c = case(np.where(x, 1, 0).astype(dtype), there)
        for axis in range(len(shape)):
            same(lambda x, axis=axis: x.cumsum(axis), c)


# ---- the plans of grids


def spec_of(dtype, mode="inner"):
    """Return what `grid_of` asks of a Spec."""
    reducer = SimpleNamespace(loop=SimpleNamespace(out=np.dtype(dtype)))
    return SimpleNamespace(kind="reduce", mode=mode, reducers=(reducer,))


def walk_of(shape, axes, strides=None):
    if strides is None:
        strides = tuple(8 * math.prod(shape[a + 1 :]) for a in range(len(shape)))
    layout = make_layout(shape, strides, 0, 8)
    return reduce_walk(shape, axes, (layout,), (8,), (), False)


def grid_of_length(n, dtype):
    return grid.grid_of(spec_of(dtype), walk_of((n,), (0,)), n)


def split(n, lanes):
    """Return where reduce.h splits n elements."""
    return n // 2 - n // 2 % 8 if lanes == 8 else (n - n % 8) // 2


def check(plan, walk, spec):
    """Follow the kernels from the root of a result's tree to its leaves."""
    parts, blocks, own, rows, of_rows, depth = plan.header
    lanes, leaf = lanes_of(spec), leaf_of(spec)
    in_block = (THREADS // lanes).bit_length() - 1
    assert 0 <= of_rows <= depth
    assert 0 <= own < 24  # DA_LEVELS of grid.h
    assert rows == math.prod(walk.dims[walk.kept : -1])
    counts = {rows}
    for _ in range(of_rows):
        counts = {part for n in counts if n > 1 for part in (n // 2, n - n // 2)} | counts & {1}
    assert counts == {1}
    lengths = {walk.dims[-1]}
    for level in range(depth - of_rows):
        assert any(n > leaf for n in lengths), f"level {level} splits nothing"
        halves = {
            part for n in lengths if n > leaf for part in (split(n, lanes), n - split(n, lanes))
        }
        lengths = halves | {n for n in lengths if n <= leaf}
    assert 0 < min(lengths) <= max(lengths) <= leaf
    # what a team and a block join, and what is left for the second kernel
    left = depth - own - min(depth - own, in_block)
    assert parts == left <= grid.PARTS
    assert blocks * (THREADS // lanes) >= walk.results << (depth - own)
    names = [name for name, _ in plan.launches]
    assert names == ([KERNEL_NAME, JOIN] if parts else [KERNEL_NAME])
    assert plan.scratch == ((walk.results << parts) * (24 + 8) if parts else 0)
    assert all(0 < count <= grid.MOST_BLOCKS for _, count in plan.launches)


HUGE = [10**6, 10**7 + 1, 2**31 - 1, 2**31, 10**10 + 3, *(128 * 2**k + 1 for k in range(12, 36))]


@pytest.mark.parametrize("dtype", ["d", "D"])
def test_every_leaf_is_reached(dtype):
    spec = spec_of(dtype)
    for n in [*range(1, 5001), *HUGE]:
        walk = walk_of((n,), (0,), (0,))
        check(grid.grid_of(spec, walk, n), walk, spec)


@pytest.mark.parametrize("dtype", ["d", "D"])
def test_every_row_is_reached(dtype):
    spec = spec_of(dtype)
    for rows in (2, 3, 5, 31, 32, 33, 1000, 10**6 + 1):
        for n in (1, 2, 63, 64, 65, 128, 129, 1000, 4097):
            for results in (1, 2, 7, 100_000) if n >= 63 else (1, 2, 7):
                shape, strides = (results, rows, n), (rows * n * 80, n * 16, 8)
                walk = walk_of(shape, (1, 2), strides)
                assert walk.mode == "inner"
                check(grid.grid_of(spec, walk, math.prod(shape)), walk, spec)


@pytest.mark.parametrize("columns", [8, 511, 513, 100_000])
def test_columns_have_room_for_their_parts(columns):
    spec = spec_of("d", "outer")
    several = 0
    for rows in (17, 64, 1000, 10**6):
        walk = walk_of((rows, columns), (0,))
        assert walk.mode == "outer"
        plan = grid.grid_of(spec, walk, rows * columns)
        assert plan.header[0] == plan.header[5] == walk.chunks
        assert plan.header[3] == rows
        assert plan.launches[0][1] * THREADS >= columns << walk.chunks
        several += walk.chunks > 0
        assert (plan.scratch > 0) == (len(plan.launches) == 2) == (walk.chunks > 0)
        assert plan.scratch >= (columns << walk.chunks) * 32 or not walk.chunks
    assert bool(several) == (columns < 100_000)


def test_chunks_of_scans_cover_their_lines():
    spec = SimpleNamespace(kind="scan", mode="inner", reducers=())
    for n in (1, 255, 256, 4096, 8191, 8192, 8193, 10**5, 10**6 + 1, 10**9):
        for lines in (1, 3, 600):
            layout = make_layout((lines, n), (8 * n, 8), 0, 8)
            walk = scan_walk((lines, n), 1, (layout,), (8,), (8 * n, 8))
            plan = grid.grid_of(spec, walk, lines * n)
            _, blocks, _, size, chunks, _ = plan.header
            assert blocks == lines * chunks
            assert (chunks - 1) * size < n <= chunks * size
            names = [name for name, _ in plan.launches]
            assert names == ([TOTALS, CARRY, KERNEL_NAME] if chunks > 1 else [KERNEL_NAME])
            assert plan.scratch == (blocks * 16 if chunks > 1 else 0)
