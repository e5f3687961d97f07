"""All functions of array-api-extra, with its default namespace and without transfers."""

import numpy as np
import pytest
from compare import on_device, same

import devarray as da
from agreement import host_memory

xpx = pytest.importorskip("array_api_extra")
_compat = pytest.importorskip("array_api_extra._lib._compat")

rng = np.random.default_rng(0)
A = rng.random((3, 4))
B = rng.random((3, 4))
K = rng.permutation(12).reshape(3, 4)
C = A + 1j * B
HOLES = A.copy()
HOLES[0, 1] = HOLES[2, 2] = np.nan

# name, arguments, keywords; where order or memory layout is free, the case is chosen without it
CALLS = [
    ("angle", (C,), {}),
    ("angle", (A - 0.5,), {"deg": True}),
    ("argpartition", (K, 0), {}),
    ("atleast_nd", (A,), {"ndim": 4}),
    ("atleast_nd", (A,), {"ndim": 1}),
    ("cov", (A,), {}),
    ("cov", (A,), {"correction": 0}),
    ("cov", (A,), {"fweights": np.array([1, 2, 1, 3])}),
    ("create_diagonal", (A[0],), {}),
    ("create_diagonal", (A,), {"offset": -2}),
    ("deg2rad", (A,), {}),
    ("rad2deg", (A,), {}),
    ("isclose", (A, A + 1e-9), {}),
    ("isclose", (HOLES, HOLES), {"equal_nan": True}),
    ("isclose", (K, 3), {}),
    ("isin", (K, np.array([1, 5, 7])), {}),
    ("isin", (K, np.array([1, 5, 7])), {"invert": True}),
    ("kron", (A, K), {}),
    ("kron", (A[0], 2), {}),
    ("nan_to_num", (HOLES,), {}),
    ("nan_to_num", (HOLES,), {"fill_value": 3.0}),
    ("nanmax", (HOLES,), {}),
    ("nanmin", (HOLES,), {"axis": 0}),
    ("nanmean", (HOLES,), {"axis": 1}),
    ("nansum", (HOLES,), {"axis": 0}),
    ("nunique", (K % 5,), {}),
    ("one_hot", (K[0] % 4, 4), {}),
    ("one_hot", (K % 4, 5), {"axis": 0, "dtype": np.dtype("f4")}),
    ("pad", (A, 2), {}),
    ("pad", (A, ((1, 0), (0, 3))), {"constant_values": 7}),
    ("partition", (K[0], 2), {}),
    ("searchsorted", (np.array([0.2, 0.4, 0.9]), A), {}),
    ("searchsorted", (np.array([0.2, 0.4, 0.9]), A), {"side": "right"}),
    ("sinc", (A - 0.5,), {}),
    ("unravel_index", (K[0], (3, 4)), {}),
]


@pytest.mark.parametrize(
    ("name", "args", "options"), CALLS, ids=[f"{k}-{call[0]}" for k, call in enumerate(CALLS)]
)
def test_function(name, args, options, access):
    function = getattr(xpx, name)
    wanted = function(*args, **options)
    got = function(*on_device(args), **{key: on_device(x) for key, x in options.items()})
    if name in ("partition", "argpartition"):  # the order around the element is free
        kth = args[1]
        pick = K[0] if name == "partition" else np.take_along_axis(K, got.get(), -1)
        np.testing.assert_array_equal(np.sort(pick)[..., kth], np.sort(args[0])[..., kth])
        assert isinstance(got, da.DeviceArray)
        assert got.shape == wanted.shape
        return
    same(got, wanted)


@pytest.mark.parametrize("name", ["setdiff1d", "union1d"])
def test_sets(name, access):
    got = getattr(xpx, name)(*on_device((K[:2], K[1:])))
    wanted = getattr(np, name)(K[:2], K[1:])
    assert isinstance(got, da.DeviceArray)
    np.testing.assert_array_equal(np.sort(got.get()), wanted)  # in an order of its own


@pytest.mark.parametrize(
    ("name", "args", "options"),
    [
        ("diag_indices", (4,), {"ndim": 3}),
        ("tril_indices", (4,), {"offset": -1}),
        ("triu_indices", (3,), {"m": 5}),
    ],
)
def test_indices_of_grids(name, args, options, access):
    function = getattr(xpx, name)
    same(function(*args, **options, xp=da), function(*args, **options, xp=np))


def test_default_dtype_and_shapes(access):
    for kind in ("real floating", "complex floating", "integral", "indexing"):
        assert xpx.default_dtype(da, kind) == xpx.default_dtype(np, kind)


OPERATIONS = ["set", "add", "subtract", "multiply", "divide", "power", "min", "max"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("copy", [None, True, False])
@pytest.mark.parametrize("index", [np.s_[1], np.s_[:, 1:3], np.s_[..., ::2]])
def test_at(operation, copy, index, access):
    x, y = da.to_gpu(A), A.copy()
    wanted = getattr(xpx.at(y)[index], operation)(2.0, copy=copy)
    got = getattr(xpx.at(x)[index], operation)(2.0, copy=copy)
    same(got, wanted)
    assert (got is x) == (wanted is y)
    np.testing.assert_array_equal(x.get(), y)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_at_of_a_mask(operation, access):
    x = da.to_gpu(A)
    wanted = getattr(xpx.at(A)[A > 0.5], operation)(2.0, copy=True)
    same(getattr(xpx.at(x)[x > 0.5], operation)(2.0, copy=True), wanted)
    np.testing.assert_array_equal(x.get(), A)


@pytest.mark.parametrize(
    "options", [{"fill_value": -1.0}, {}], ids=["fill_value", "second function"]
)
def test_apply_where(options, access):
    def run(a, b):
        both = [lambda x, y: x / y] if options else [lambda x, y: x / y, lambda x, y: x * y]
        return xpx.apply_where(b > 0.5, (a, b), *both, **options)

    same(run(*on_device((A, B))), run(A, B))


def test_lazy_apply_of_an_array_function(access):
    got = xpx.lazy_apply(lambda x: x * 2, da.to_gpu(A))
    same(got, A * 2)


@host_memory
def test_lazy_apply_of_a_numpy_function_is_a_transfer():
    x = da.to_gpu(A)
    with da.config(host_access="read"):
        got = xpx.lazy_apply(np.cumsum, x, shape=(12,), dtype=x.dtype, as_numpy=True)
        same(got, np.cumsum(A))
    with da.config(host_access="never"), pytest.raises(da.HostMixError, match=r"\.get\(\)"):
        xpx.lazy_apply(np.cumsum, x, shape=(12,), dtype=x.dtype, as_numpy=True)


def test_every_function_is_tested():
    tested = {name for name, *_ in CALLS} | {"setdiff1d", "union1d", "at", "apply_where"}
    tested |= {"diag_indices", "tril_indices", "triu_indices", "default_dtype", "lazy_apply"}
    not_of_arrays = {"__version__", "testing", "broadcast_shapes", "expand_dims"}  # deprecated
    assert set(xpx.__all__) - tested <= not_of_arrays


def test_asking_whether_arrays_are_lazy_launches_nothing(access, quiet):
    for values in (rng.random((500, 400)), np.arange(10), C, np.zeros((0, 3))):
        x = da.to_gpu(values)
        before = da.statistics()
        assert not _compat.is_lazy_array(x)
        after = da.statistics()
        assert (after.compiled, after.launches) == (before.compiled, before.launches)
