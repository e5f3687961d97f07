"""Dask arrays whose chunks are device arrays."""

import pickle

import numpy as np
import pytest
from compare import same

import devarray as da

dask = pytest.importorskip("dask")
dk = pytest.importorskip("dask.array")
sizes = pytest.importorskip("dask.sizeof")

import devarray.interop.dask  # noqa: E402

VALUES = np.random.default_rng(0).random((6, 8))


@pytest.fixture(autouse=True)
def one_thread():
    with dask.config.set(scheduler="synchronous"):
        yield


def chunked(values):
    return dk.from_array(values, chunks=(3, 4), asarray=False)


# Functions of a Dask array of 6 x 8 elements in chunks of 3 x 4.
FUNCTIONS = {
    "sum": lambda x: x.sum(),
    "sum0": lambda x: x.sum(axis=0),
    "sumk": lambda x: x.sum(axis=1, keepdims=True),
    "mean": lambda x: x.mean(),
    "mean0": lambda x: x.mean(axis=0),
    "meank": lambda x: x.mean(keepdims=True),
    "var": lambda x: x.var(axis=1),
    "std": lambda x: x.std(),
    "var_d": lambda x: x.var(axis=0, ddof=1),
    "min": lambda x: x.min(axis=0),
    "max": lambda x: x.max(),
    "prod": lambda x: x.prod(axis=1),
    "any": lambda x: (x > 0.5).any(axis=0),
    "all": lambda x: (x > 0.5).all(),
    "argmax": lambda x: x.argmax(),
    "nansum": lambda x: dk.nansum(x, axis=0),
    "nanmean": lambda x: dk.nanmean(x, axis=0),
    "nanvar": dk.nanvar,
    "nanstd": lambda x: dk.nanstd(x, axis=1),
    "nanmin": dk.nanmin,
    "nanmax": lambda x: dk.nanmax(x, axis=0),
    "nanprod": dk.nanprod,
    "moment": lambda x: dk.reductions.moment(x, 3),
    "median": lambda x: dk.median(x, axis=0),
    "nanmedian": lambda x: dk.nanmedian(x, axis=1),
    "cumsum": lambda x: x.cumsum(axis=0),
    "cumprod": lambda x: x.cumprod(axis=1),
    "cumsum_b": lambda x: dk.cumsum(x, axis=1, method="blelloch"),
    "nancumsum": lambda x: dk.nancumsum(x, axis=0),
    "add": lambda x: x + 1,
    "mul": lambda x: x * x.T.rechunk((4, 3)).T,
    "sin": dk.sin,
    "npsin": np.sin,
    "gt": lambda x: x > 0.5,
    "where": lambda x: dk.where(x > 0.5, x, 0),
    "clip": lambda x: dk.clip(x, 0.2, 0.5),
    "round": lambda x: dk.round(x, 1),
    "abs": lambda x: abs(-x),
    "divmod": lambda x: dk.divmod(x, 0.3)[0],
    "astype": lambda x: x.astype("f4"),
    "real": lambda x: x.real,
    "conj": lambda x: x.conj(),
    "angle": dk.angle,
    "slice": lambda x: x[1:5, ::2],
    "int": lambda x: x[2],
    "neg": lambda x: x[::-1],
    "mask": lambda x: x[x > 0.5],
    "newaxis": lambda x: x[:, None],
    "vindex": lambda x: x.vindex[[0, 1, 5], [2, 3, 7]],
    "elem": lambda x: x[3, 4],
    "blocks": lambda x: x.blocks[0, 1],
    "extract": lambda x: dk.extract(x > 0.5, x),
    "T": lambda x: x.T,
    "transpose": lambda x: dk.transpose(x, (1, 0)),
    "reshape": lambda x: x.reshape(2, 3, 8),
    "ravel": lambda x: x.ravel(),
    "flatten": lambda x: x.flatten(),
    "squeeze": lambda x: x[:, :1].squeeze(),
    "swapaxes": lambda x: x.swapaxes(0, 1),
    "moveaxis": lambda x: dk.moveaxis(x, 0, 1),
    "roll": lambda x: dk.roll(x, 2, axis=1),
    "flip": lambda x: dk.flip(x, 0),
    "rot90": dk.rot90,
    "repeat": lambda x: dk.repeat(x, 2, axis=0),
    "tile": lambda x: dk.tile(x, 2),
    "broadcast": lambda x: dk.broadcast_to(x, (2, 6, 8)),
    "atleast": dk.atleast_3d,
    "rechunk": lambda x: x.rechunk((2, 8)),
    "concat": lambda x: dk.concatenate([x, x], axis=1),
    "stack": lambda x: dk.stack([x, x]),
    "vstack": lambda x: dk.vstack([x, x]),
    "hstack": lambda x: dk.hstack([x, x]),
    "block": lambda x: dk.block([[x, x], [x, x]]),
    "append": lambda x: dk.append(x, x, axis=0),
    "dot": lambda x: x.dot(x.T),
    "matmul": lambda x: x @ x.T,
    "tensordot": lambda x: dk.tensordot(x, x, axes=((1,), (1,))),
    "tensordot_all": lambda x: dk.tensordot(x, x, axes=((0, 1), (0, 1))),
    "einsum": lambda x: dk.einsum("ij,kj->ik", x, x),
    "vdot": lambda x: dk.vdot(x, x),
    "outer": lambda x: dk.outer(x[0], x[1]),
    "einsum3": lambda x: dk.einsum("ij->j", x),
    "map_blocks": lambda x: x.map_blocks(lambda b: b * 2),
    "map_overlap": lambda x: x.map_overlap(lambda b: b * 2, depth=1, boundary="reflect"),
    "map_overlap_n": lambda x: x.map_overlap(lambda b: b + 1, depth=1, boundary="none"),
    "overlap_per": lambda x: x.map_overlap(lambda b: b + 1, depth=1, boundary="periodic"),
    "overlap_const": lambda x: x.map_overlap(lambda b: b + 1, depth=1, boundary=0),
    "blockwise": lambda x: dk.blockwise(lambda b: b + 1, "ij", x, "ij", dtype=x.dtype),
    "reduction": lambda x: dk.reduction(x, np.sum, np.sum, axis=0, dtype=x.dtype),
    "apply_along": lambda x: dk.apply_along_axis(lambda v: v.sum(), 0, x, dtype="f8", shape=()),
    "apply_gufunc": lambda x: dk.apply_gufunc(
        lambda v: v.mean(-1), "(i)->()", x, allow_rechunk=True, output_dtypes="f8"
    ),
    "apply_over": lambda x: dk.apply_over_axes(np.sum, x, [0]),
    "diff": lambda x: dk.diff(x, axis=1),
    "gradient": lambda x: dk.gradient(x, axis=0),
    "ediff1d": lambda x: dk.ediff1d(x[0]),
    "tril": dk.tril,
    "triu": dk.triu,
    "diag": lambda x: dk.diag(x[0]),
    "diagonal": dk.diagonal,
    "trace": lambda x: x[:6, :6].trace(),
    "pad": lambda x: dk.pad(x, 1, mode="constant"),
    "pad_edge": lambda x: dk.pad(x, 1, mode="edge"),
    "pad_reflect": lambda x: dk.pad(x, 1, mode="reflect"),
    "pad_wrap": lambda x: dk.pad(x, 1, mode="wrap"),
    "pad_mean": lambda x: dk.pad(x, 1, mode="mean"),
    "pad_ramp": lambda x: dk.pad(x, 1, mode="linear_ramp"),
    "histogram": lambda x: dk.histogram(x, bins=4, range=(0, 1))[0],
    "bincount": lambda x: dk.bincount((x[0] * 5).astype("i8"), minlength=5),
    "digitize": lambda x: dk.digitize(x, np.array([0.2, 0.6])),
    "unique": lambda x: dk.unique(dk.round(x, 1)),
    "isin": lambda x: dk.isin(x, x[0]),
    "percentile": lambda x: dk.percentile(x[0], [25, 50]),
    "topk": lambda x: dk.topk(x, 2, axis=1),
    "average": lambda x: dk.average(x, axis=0),
    "average_w": lambda x: dk.average(x, axis=0, weights=x),
    "cov": dk.cov,
    "corrcoef": dk.corrcoef,
    "count_nonzero": lambda x: dk.count_nonzero(x > 0.5),
    "isclose": lambda x: dk.isclose(x, x),
    "allclose": lambda x: dk.allclose(x, x),
    "select": lambda x: dk.select([x > 0.5], [x], 0),
    "piecewise": lambda x: dk.piecewise(x, [x > 0.5], [1, 2]),
    "choose": lambda x: dk.choose((x > 0.5).astype("i8"), [x, -x]),
    "delete": lambda x: dk.delete(x, 1, axis=0),
    "fft": lambda x: dk.fft.fft(x.rechunk((3, 8))),
    "rfft": lambda x: dk.fft.rfft(x.rechunk((3, 8))),
    "ifftn": lambda x: dk.fft.ifft2(x.rechunk((6, 8))),
    "fftshift": dk.fft.fftshift,
    "norm": dk.linalg.norm,
    "norm1": lambda x: dk.linalg.norm(x, axis=0),
    "qr": lambda x: abs(dk.linalg.qr(x.rechunk((3, 8))[:, :2])[1]),
    "svd": lambda x: dk.linalg.svd(x.T.rechunk((4, 6)))[1],
    "tsqr": lambda x: abs(dk.linalg.tsqr(x.rechunk((6, 8)).T)[1]),
    "coarsen": lambda x: dk.coarsen(np.sum, x, {0: 3, 1: 2}),
    "ones_like": dk.ones_like,
    "zeros_like": dk.zeros_like,
    "full_like": lambda x: dk.full_like(x, 3.0),
    "view": lambda x: x.view("i8"),
    "nan_to_num": dk.nan_to_num,
    "i0": dk.i0,
    "isnull": dk.isnan,
    "unravel": lambda x: dk.unravel_index((x[0] * 5).astype("i8"), (3, 3)),
    "meshgrid": lambda x: dk.meshgrid(x[0], x[1])[0],
    "ptp": lambda x: dk.ptp(x, axis=0),
    "union1d": lambda x: dk.union1d(x[0], x[1]),
}
# Dask indexes chunks with host arrays there.
BY_HOST_INDEX = {
    "argmin": lambda x: x.argmin(axis=0),
    "argmax1": lambda x: x.argmax(axis=1),
    "nanargmax": lambda x: dk.nanargmax(x, axis=0),
    "list": lambda x: x[[0, 4, 1]],
    "intarr": lambda x: x[np.array([1, 3]), :],
    "take": lambda x: dk.take(x, [0, 3], axis=1),
    "compress": lambda x: dk.compress([1, 0, 1, 0, 1, 1], x, axis=0),
    "shuffle": lambda x: dk.shuffle(x, [[5, 4], [0, 1, 2, 3]], axis=0),
}


def check(function):
    wanted = dask.compute(function(chunked(VALUES)))[0]
    found = function(chunked(da.to_gpu(VALUES)))
    same(dask.compute(found)[0], wanted)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_as_with_host_chunks_and_stays_on_the_device(name, never):
    check(FUNCTIONS[name])


@pytest.mark.parametrize("name", BY_HOST_INDEX)
def test_function_that_indexes_with_host_arrays(name, never):
    check(BY_HOST_INDEX[name])


def test_positions_of_the_greatest_are_joined_on_the_host(never):
    with pytest.raises(da.HostMixError):
        dk.argtopk(chunked(da.to_gpu(VALUES)), 2, axis=1).compute()


@pytest.mark.parametrize("name", ["mean0", "tensordot", "rechunk", "mask", "var"])
def test_function_where_the_host_may_read(name):
    with da.config(host_access="read"):
        check(FUNCTIONS[name])


def test_threads(never):
    with dask.config.set(scheduler="threads"):
        check(lambda x: ((x - x.mean(axis=0)) / x.std(axis=0)).sum(axis=1))


def test_meta_says_what_chunks_are(never):
    x = chunked(da.to_gpu(VALUES))
    for y in (x, x + 1, x.sum(axis=0), x.astype("f4"), x @ x.T, dk.concatenate([x, x])):
        assert isinstance(y._meta, da.DeviceArray)


def test_slices_can_be_assigned(never):
    def assigned(x):
        x = x.copy()
        x[1:3] = 0
        x[x > 0.5] = 1
        return x

    check(assigned)


def test_assignment_leaves_the_source_alone(never):
    source = da.to_gpu(VALUES)
    x = chunked(source)
    x[0] = 0
    x.compute()
    np.testing.assert_array_equal(source.get(), VALUES)


def test_sizes_that_are_known_only_after_computing(never):
    x = chunked(da.to_gpu(VALUES))
    chosen = x[x > 0.5].compute_chunk_sizes()
    assert chosen.shape == ((VALUES > 0.5).sum(),)


def test_tokens_follow_the_values(never):
    x = da.to_gpu(VALUES)
    assert dask.base.tokenize(x) == dask.base.tokenize(da.to_gpu(VALUES.copy()))
    assert dask.base.tokenize(x) == dask.base.tokenize(x + 0)  # pending
    assert dask.base.tokenize(x) != dask.base.tokenize(x + 1)
    assert dask.base.tokenize(x) != dask.base.tokenize(x.astype("f4"))
    assert dask.base.tokenize(x) != dask.base.tokenize(x.reshape(8, 6))
    assert chunked(x).name == chunked(da.to_gpu(VALUES)).name


def test_size_is_that_of_the_elements(never):
    assert sizes.sizeof(da.zeros((1000, 10))) == 80_000
    assert sizes.sizeof(da.zeros(0)) == 1


def test_chunks_travel_between_processes(never):
    x = pickle.loads(pickle.dumps(chunked(da.to_gpu(VALUES))))
    same(x.sum(axis=0).compute(), chunked(VALUES).sum(axis=0).compute())


@pytest.mark.parametrize(
    "create",
    [
        lambda: dk.ones((4, 6), chunks=3),
        lambda: dk.zeros((4, 6), chunks=3, dtype="f4"),
        lambda: dk.full((4, 6), 7, chunks=3),
        lambda: dk.arange(10, chunks=4),
        lambda: dk.arange(2, 10, 3, chunks=2, dtype="f8"),
        lambda: dk.empty((4, 6), chunks=3) * 0 + 1,
    ],
)
def test_backend_creates_device_chunks(create, never):
    wanted = create().compute()
    with dask.config.set({"array.backend": "devarray"}):
        x = create()
    assert isinstance(x._meta, da.DeviceArray)
    same(x.compute(), wanted)


def test_chunks_move_between_backends(never):
    x = dk.from_array(VALUES, chunks=(3, 4)).to_backend("devarray")
    same(x.compute(), VALUES)
    assert x.to_backend("devarray") is x
    back = (2 * x).to_backend("numpy").compute()
    assert type(back) is np.ndarray
    np.testing.assert_array_equal(back, 2 * VALUES)


def test_numbers_of_elements_are_counted_on_the_device(never):
    with_nan = VALUES.copy()
    with_nan[1, 2] = np.nan
    x = chunked(da.to_gpu(with_nan))
    same(dk.nanmean(x, axis=1).compute(), np.nanmean(with_nan, axis=1))
    same(x.mean(axis=(0, 1), keepdims=True).compute(), with_nan.mean(keepdims=True))


def test_einsum_of_many_operands(never):
    x = chunked(da.to_gpu(VALUES))
    same(
        dk.einsum("ij,jk,kl->il", x, x.T, x).compute(),
        np.einsum("ij,jk,kl->il", VALUES, VALUES.T, VALUES),
    )
