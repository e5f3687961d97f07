"""xarray objects over device arrays."""

import copy
import importlib
import pickle

import numpy as np
import pytest
from compare import same

import devarray as da

xr = pytest.importorskip("xarray")
pd = pytest.importorskip("pandas")

import devarray.interop.xarray  # noqa: E402

WHOLE = np.random.default_rng(0).random((4, 6))
HOLES = WHOLE.copy()
HOLES[0, 1] = HOLES[2, 3] = np.nan


DAYS = pd.date_range("2000-01-01", periods=4)


def labelled(values):
    return xr.DataArray(
        values,
        dims=("t", "x"),
        coords={"t": [10, 20, 30, 40], "x": np.arange(6.0), "lab": ("x", list("aabbcc"))},
        name="v",
        attrs={"units": "m"},
    )


FUNCTIONS = {
    "add": lambda a: a + 1,
    "addself": lambda a: a + a.T,
    "mul": lambda a: 2 * a,
    "rsub": lambda a: 1 - a,
    "pow": lambda a: a**2,
    "neg": lambda a: -a,
    "abs": abs,
    "cmp": lambda a: a > 0.5,
    "np_sin": np.sin,
    "xr_ufuncs": xr.ufuncs.cos,
    "broadcast": lambda a: a * a.isel(t=0),
    "matmul": lambda a: a @ a.isel(t=0),
    "bool": lambda a: (a > 0.5) & (a < 0.8),
    "sum": lambda a: a.sum(),
    "sumt": lambda a: a.sum("t"),
    "mean": lambda a: a.mean("x"),
    "std": lambda a: a.std("t"),
    "var": lambda a: a.var("t", ddof=1),
    "min": lambda a: a.min("t"),
    "max": lambda a: a.max(),
    "prod": lambda a: a.prod("x"),
    "any": lambda a: (a > 0.5).any("t"),
    "all": lambda a: (a > 0.5).all(),
    "median": lambda a: a.median("t"),
    "quantile": lambda a: a.quantile(0.5, dim="t"),
    "quantiles": lambda a: a.quantile([0.2, 0.5], dim="t"),
    "argmin": lambda a: a.argmin("t"),
    "argmax": lambda a: a.argmax("x"),
    "idxmax": lambda a: a.idxmax("x"),
    "idxmin": lambda a: a.idxmin("t"),
    "count": lambda a: a.count("t"),
    "cumsum": lambda a: a.cumsum("t"),
    "cumprod": lambda a: a.cumprod("x"),
    "sumnos": lambda a: a.sum("t", skipna=False),
    "meannos": lambda a: a.mean(skipna=False),
    "sumkeep": lambda a: a.sum("t", keepdims=True),
    "min_count": lambda a: a.sum("t", min_count=2),
    "reduce": lambda a: a.reduce(np.ptp, "t"),
    "isel": lambda a: a.isel(t=1),
    "iselsl": lambda a: a.isel(x=slice(1, 4)),
    "isellist": lambda a: a.isel(x=[0, 3]),
    "sel": lambda a: a.sel(t=20),
    "selsl": lambda a: a.sel(x=slice(1, 3)),
    "sellist": lambda a: a.sel(t=[10, 30]),
    "selnear": lambda a: a.sel(x=1.2, method="nearest"),
    "getmask": lambda a: a[a.t > 15],
    "head": lambda a: a.head(2),
    "thin": lambda a: a.thin(x=2),
    "dropsel": lambda a: a.drop_sel(t=10),
    "selstr": lambda a: a.set_index(x="lab").sel(x="a"),
    "T": lambda a: a.T,
    "transpose": lambda a: a.transpose("x", "t"),
    "expand": lambda a: a.expand_dims("z"),
    "expandn": lambda a: a.expand_dims(z=3),
    "squeeze": lambda a: a.isel(t=[0]).squeeze("t"),
    "stack": lambda a: a.stack(s=("t", "x")),
    "unstack": lambda a: a.stack(s=("t", "x")).unstack("s"),
    "roll": lambda a: a.roll(x=2),
    "shift": lambda a: a.shift(x=1),
    "diff": lambda a: a.diff("x"),
    "pad": lambda a: a.pad(x=1),
    "padedge": lambda a: a.pad(x=1, mode="edge"),
    "padrefl": lambda a: a.pad(x=1, mode="reflect"),
    "rename": lambda a: a.rename(x="y"),
    "sortby": lambda a: a.sortby("t", ascending=False),
    "rot": lambda a: a.isel(x=slice(None, None, -1)),
    "where": lambda a: a.where(a > 0.5),
    "where2": lambda a: a.where(a > 0.5, 0),
    "xrwhere": lambda a: xr.where(a > 0.5, a, -a),
    "fillna": lambda a: a.fillna(0),
    "isnull": lambda a: a.isnull(),
    "notnull": lambda a: a.notnull(),
    "dropna": lambda a: a.dropna("x"),
    "clip": lambda a: a.clip(0.2, 0.8),
    "round": lambda a: a.round(1),
    "astype": lambda a: a.astype("f4"),
    "isin": lambda a: a.isin([a.isel(t=0, x=0).item()]),
    "combine_first": lambda a: a.combine_first(a * 0),
    "groupby": lambda a: a.groupby("lab").mean(),
    "groupbysum": lambda a: a.groupby("lab").sum(),
    "groupbymap": lambda a: a.groupby("lab").map(lambda g: g - g.mean("x")),
    "groupbybins": lambda a: a.groupby_bins("x", [0, 2, 6]).mean(),
    "groupbyarith": lambda a: a.groupby("lab") - a.groupby("lab").mean(),
    "resample": lambda a: (
        a.assign_coords(t=pd.date_range("2000-01-01", periods=4)).resample(t="2D").mean()
    ),
    "rolling": lambda a: a.rolling(x=3).mean(),
    "rollingc": lambda a: a.rolling(x=3, center=True, min_periods=1).sum(),
    "rollingmax": lambda a: a.rolling(t=2).max(),
    "rollconstr": lambda a: a.rolling(x=3).construct("w"),
    "concat": lambda a: xr.concat([a, a], "t"),
    "concatnew": lambda a: xr.concat([a, a], "new"),
    "merge": lambda a: xr.merge([a, a.rename("w")])["w"],
    "align": lambda a: xr.align(a, a.isel(x=slice(1, 3)))[0],
    "alignouter": lambda a: xr.align(a, a.isel(x=slice(1, 3)), join="outer")[1],
    "reindex": lambda a: a.reindex(x=[0, 1, 7]),
    "reindexlike": lambda a: a.reindex_like(a.isel(x=slice(2))),
    "arith_align": lambda a: a + a.isel(x=slice(1, 4)),
    "combine": lambda a: xr.combine_nested([a, a], "t"),
    "integrate": lambda a: a.integrate("x"),
    "cumint": lambda a: a.cumulative_integrate("x"),
    "dot": lambda a: xr.dot(a, a, dim="t"),
    "dotall": lambda a: xr.dot(a, a),
    "cov": lambda a: xr.cov(a, a * 2, dim="t"),
    "corr": lambda a: xr.corr(a, a**2, dim="t"),
    "cross": lambda a: xr.cross(a.isel(x=slice(3)), a.isel(x=slice(3)), dim="x"),
    "apply_ufunc": lambda a: xr.apply_ufunc(lambda v: v * 2, a),
    "apply_ufunc_core": lambda a: xr.apply_ufunc(lambda v: v.mean(-1), a, input_core_dims=[["x"]]),
    "ones_like": xr.ones_like,
    "zeros_like": xr.zeros_like,
    "full_like": lambda a: xr.full_like(a, 3.0),
    "copy": lambda a: a.copy(deep=True),
    "to_dataset": lambda a: a.to_dataset()["v"],
    "to_array": lambda a: xr.Dataset({"p": a, "q": a * 2}).to_dataarray(),
    "variable": lambda a: (a.variable * 2).mean("t"),
    "real": lambda a: a.real,
    "conj": lambda a: a.conj(),
    "broadcast_like": lambda a: a.isel(t=0).broadcast_like(a),
    "mapds": lambda a: a.to_dataset().map(np.fabs)["v"],
}


def check(got, wanted):
    assert got.dims == wanted.dims
    same(got.data, wanted.data)
    if isinstance(wanted, xr.DataArray):
        assert set(got.coords) == set(wanted.coords)
        assert got.attrs == wanted.attrs


@pytest.mark.parametrize("values", [WHOLE, HOLES], ids=["whole", "holes"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_is_as_over_host_arrays(name, values, never):
    wanted = FUNCTIONS[name](labelled(values))
    check(FUNCTIONS[name](labelled(da.to_gpu(values))), wanted)


@pytest.mark.parametrize("name", ["mean", "where", "groupby", "rolling"])
def test_function_where_the_host_may_read(name):
    with da.config(host_access="read"):
        wanted = FUNCTIONS[name](labelled(HOLES))
        check(FUNCTIONS[name](labelled(da.to_gpu(HOLES))), wanted)


# These are computed on the host, by SciPy or pandas, or mix the values with coordinates there.
ON_THE_HOST = {
    "interp": lambda a: a.interp(x=[0.5, 1.5]),
    "interpolate_na": lambda a: a.interpolate_na("x"),
    "differentiate": lambda a: a.differentiate("x"),
    "polyfit": lambda a: a.polyfit("x", 1),
    "where_drop": lambda a: a.where(a.t > 15, drop=True),
    "sortby": lambda a: a.sortby(a.isel(t=0)),
    "vectorize": lambda a: xr.apply_ufunc(np.sum, a, input_core_dims=[["x"]], vectorize=True),
    "values": lambda a: a.values,
    "float": lambda a: float(a.sum()),
    "to_pandas": lambda a: a.to_pandas(),
}


@pytest.mark.parametrize("name", ON_THE_HOST)
def test_no_transfer_is_hidden(name, never):
    ON_THE_HOST[name](labelled(WHOLE))
    with pytest.raises(da.HostMixError, match=r"\.get\(\)|to_gpu"):
        ON_THE_HOST[name](labelled(da.to_gpu(WHOLE)))


def test_pointwise_indexing_is_xarray_s_own_limit(access):
    points = {"t": xr.DataArray([0, 1], dims="p"), "x": xr.DataArray([2, 3], dims="p")}
    with pytest.raises(TypeError, match="Vectorized indexing is not supported"):
        labelled(da.to_gpu(WHOLE)).isel(points)
    x = labelled(da.to_gpu(WHOLE))
    same(x.data[points["t"].values, points["x"].values], labelled(WHOLE).isel(points).values)


def test_get_brings_everything_to_the_host(never):
    x = labelled(da.to_gpu(WHOLE)).assign_coords(height=("x", da.arange(6.0)))
    host = (2 * x).devarray.get()
    assert type(host.data) is np.ndarray
    assert type(host.coords["height"].data) is np.ndarray
    xr.testing.assert_identical(host.drop_vars("height"), 2 * labelled(WHOLE))
    assert x.devarray.on_device
    assert not host.devarray.on_device


def test_to_device_leaves_indexes_on_the_host(never):
    host = labelled(WHOLE).assign_coords(height=("x", np.arange(6.0)))
    x = host.devarray.to_device()
    assert isinstance(x.data, da.DeviceArray)
    assert isinstance(x.coords["height"].data, da.DeviceArray)
    assert x.devarray.to_device("openmp").data.device == da.get_device("openmp")
    assert set(x.indexes) == {"t", "x"}
    assert list(x.coords["lab"].values) == list("aabbcc")
    xr.testing.assert_identical(x.devarray.get(), host)


def test_dataset_moves_as_a_whole(never):
    host = xr.Dataset(
        {
            "a": labelled(WHOLE),
            "b": labelled(WHOLE).isel(t=0, drop=True),
            "name": ("x", list("abcdef")),
        }
    )
    on_device = host.devarray.to_device()
    assert isinstance(on_device.a.data, da.DeviceArray)
    assert not on_device.devarray.on_device  # text stays on the host
    assert on_device[["a", "b"]].devarray.on_device
    xr.testing.assert_identical(on_device.devarray.get(), host)
    changed = (on_device[["a", "b"]] * 2).mean("x")
    assert changed.devarray.on_device
    xr.testing.assert_allclose(changed.devarray.get(), (host[["a", "b"]] * 2).mean("x"))


def test_xarray_s_own_ways_to_the_host(access):
    x = labelled(da.to_gpu(WHOLE))
    assert type(x.to_numpy()) is np.ndarray
    xr.testing.assert_identical(x.as_numpy(), labelled(WHOLE))
    if access == "read":
        assert type(x.values) is np.ndarray


def test_variable(never):
    x = xr.Variable(("t", "x"), da.to_gpu(WHOLE))
    check((x * 2 - x.mean("t")).max("x"), _of_variable(xr.Variable(("t", "x"), WHOLE)))


def _of_variable(x):
    return (x * 2 - x.mean("t")).max("x")


def test_assignment(never):
    def assigned(values):
        x = labelled(values)
        x += 1
        x[{"t": 0}] = 5
        x.loc[{"t": 20, "x": slice(1, 3)}] = -1.0
        x.data[x.data > 1.5] = 8
        return x

    check(assigned(da.to_gpu(WHOLE)), assigned(WHOLE.copy()))


def test_assignment_to_listed_rows(never):
    x, y = labelled(da.to_gpu(WHOLE)), labelled(WHOLE.copy())
    x[{"t": [2, 3]}] = 7
    y[{"t": [2, 3]}] = 7
    check(x, y)


def test_copies_and_pickles_stay_on_the_device(never):
    x = labelled(da.to_gpu(WHOLE))
    for y in (copy.deepcopy(x), x.copy(), pickle.loads(pickle.dumps(x))):
        check(y, labelled(WHOLE))
        y[{"t": 0}] = 0
    check(x, labelled(WHOLE))


def test_comparison_of_whole_objects(never):
    x = labelled(da.to_gpu(HOLES))
    assert x.equals(x + 0)
    assert x.identical(x.copy())
    assert not x.equals(x + 1)
    xr.testing.assert_allclose(x, x + 1e-12)


def test_text_shows_the_values_and_the_device(never):
    text = repr(labelled(da.to_gpu(WHOLE)))
    assert "device='openmp'" in text
    assert "0.63696" in text
    assert "DataArray 'v' (t: 4, x: 6)" in text
    assert "device" in repr(xr.Dataset({"a": ("x", da.zeros(3))})) or "0.0" in repr(
        xr.Dataset({"a": ("x", da.zeros(3))})
    )
    assert "<div>" in labelled(da.to_gpu(WHOLE))._repr_html_()


def test_chunks_of_dask_within_xarray(never):
    dk = pytest.importorskip("dask.array")
    importlib.import_module("devarray.interop.dask")
    chunks = dk.from_array(da.to_gpu(WHOLE), chunks=2, asarray=False)
    found = xr.DataArray(chunks, dims=("t", "x")).mean("t", skipna=False).compute()
    same(found.data, WHOLE.mean(axis=0))


def test_apply_ufunc_over_pending_expressions_stays_lazy(never):
    x = labelled(da.to_gpu(np.random.default_rng(0).random((4, 6))))
    before = da.statistics()
    y = xr.apply_ufunc(lambda v: np.sin(v) * 2 + 1, x)
    z = y * y - x
    after = da.statistics()
    assert after.launches == before.launches
    assert after.kernels == before.kernels
    assert isinstance(z.data, da.DeviceArray)
