"""Statistics, tests of whole arrays, differences: the same as NumPy's, function by function."""

import warnings

import numpy as np
import pytest

import devarray as da
from agreement import NUMPY_LIBRARY, agree, assert_same, device, host

rng = np.random.default_rng(7)


def numbers(dtype, shape=(5, 7), missing=0.3):
    """Return random numbers, some of them NaN where the dtype has it."""
    dtype = np.dtype(dtype)
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    x = rng.normal(size=shape) * 5
    if dtype.kind == "c":
        x = x + 1j * rng.normal(size=shape)
    if dtype.kind == "u":
        x = abs(x)
    x = x.astype(dtype)
    if dtype.kind in "fc":
        x[rng.random(shape) < missing] = np.nan
    return x


DTYPES = ["f8", "c16", "i4"]
REDUCTIONS = ["nansum", "nanprod", "nanmin", "nanmax", "nanmean", "nanvar", "nanstd"]


# NaN left out


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_reductions(name, dtype):
    x = numbers(dtype)
    agree(lambda xp, x: getattr(xp, name)(x, axis=0), x, rtol=1e-13)
    if dtype == "f8":
        agree(lambda xp, x: getattr(xp, name)(x, axis=(0, 1), keepdims=True), x, rtol=1e-13)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_nan_reductions_of_unusual_arrays(name):
    x = numbers("f8", (6, 8))
    hopeless = x.copy()
    hopeless[:, 2] = np.nan
    for y in (hopeless, x[::2, ::-3], np.float64(3.0), np.nan):
        agree(lambda xp, y: getattr(xp, name)(y, 0 if y.ndim else None), np.array(y),
              rtol=1e-13, once=True)  # fmt: skip
    for shape in ((0, 3), (3, 0), (0,)):
        for axis in (None, 0, -1):
            agree(lambda xp, y, a=axis: getattr(xp, name)(y, axis=a), np.ones(shape))
    agree(lambda xp, y: getattr(xp, name)(y, axis=2), x)
    agree(lambda xp, y: getattr(xp, name)(y, axis=(0, 0)), x)
    agree(lambda xp, y: getattr(xp, name)(y, nonsense=1), x, words=False)


@pytest.mark.parametrize("name", ["nanmean", "nanstd"])
def test_nan_reductions_of_halves(name):
    x = np.array([[1.5, np.nan, -2.0], [0.5, 4.0, np.nan]])
    agree(lambda xp, x: getattr(xp, name)(x, axis=0), x.astype("f2"))


@pytest.mark.parametrize("name", ["nansum", "nanmean", "nanvar", "nanstd"])
def test_nan_reductions_with_dtype_and_out(name):
    def into(xp, x, out, **options):
        result = getattr(xp, name)(x, axis=0, out=out, **options)
        assert result is out
        return result

    x = numbers("f8")
    agree(lambda xp, x: getattr(xp, name)(x, dtype="f4"), x, rtol=1e-5)
    agree(lambda xp, x: getattr(xp, name)(x, dtype="i4"), x)
    agree(into, x, np.zeros(7), rtol=1e-13)
    agree(into, x, np.zeros(7, "f4"), rtol=1e-5)
    agree(into, x, np.zeros(7, "i4"))
    agree(into, x, np.zeros(6))
    agree(into, x, np.broadcast_to(np.zeros(1), (7,)), words=False)


@pytest.mark.parametrize("name", REDUCTIONS)
def test_nan_reductions_where(name):
    x, mask = numbers("f8"), rng.random((5, 7)) < 0.7
    options = {"initial": 1.0} if name in ("nansum", "nanprod", "nanmin", "nanmax") else {}
    agree(lambda xp, x, m: getattr(xp, name)(x, axis=0, where=m, **options), x, mask, rtol=1e-13)


@pytest.mark.parametrize("name", ["nanvar", "nanstd"])
def test_nanvar_options(name):
    x = numbers("f8")
    agree(lambda xp, x: getattr(xp, name)(x, axis=0, correction=2), x, rtol=1e-13)
    agree(lambda xp, x: getattr(xp, name)(x, ddof=1, correction=2), x)
    agree(lambda xp, x: getattr(xp, name)(x, axis=0, ddof=4), x, rtol=1e-13)
    agree(lambda xp, x: getattr(xp, name)(x, ddof=x.size), x)
    agree(
        lambda xp, x: getattr(xp, name)(x, axis=0, mean=xp.nanmean(x, axis=0, keepdims=True)),
        x,
        rtol=1e-13,
    )
    agree(lambda xp, x: getattr(xp, name)(x, 0, None, None, 1), numbers("i4"), rtol=1e-13)


@pytest.mark.parametrize("name", ["nancumsum", "nancumprod"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_accumulations(name, dtype):
    x = numbers(dtype)
    agree(lambda xp, x: getattr(xp, name)(x), x, rtol=1e-13 if dtype == "c16" else 0)
    agree(lambda xp, x: getattr(xp, name)(x, axis=0), x, rtol=1e-13 if dtype == "c16" else 0)
    agree(lambda xp, x: getattr(xp, name)(x, axis=3), x)


@pytest.mark.parametrize("name", ["nanargmin", "nanargmax"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_positions(name, dtype):
    x = numbers(dtype, missing=0.2)
    x[0] = 1
    agree(lambda xp, x: getattr(xp, name)(x), x)
    agree(lambda xp, x: getattr(xp, name)(x, axis=0), x)
    agree(lambda xp, x: getattr(xp, name)(x, axis=0, keepdims=True), x)
    agree(lambda xp, x, out: getattr(xp, name)(x, 0, out), x, np.zeros(7, np.intp))


@pytest.mark.parametrize("name", ["nanargmin", "nanargmax"])
def test_nan_positions_that_are_none(name):
    x = numbers("f8")
    x[1] = np.nan
    agree(lambda xp, x: getattr(xp, name)(x, axis=1), x)
    agree(lambda xp, x: getattr(xp, name)(x[1]), x)
    agree(lambda xp, x: getattr(xp, name)(x[1, 0]), x)
    agree(lambda xp, x, out: getattr(xp, name)(x, 1, out), x, np.zeros(5, np.intp))
    agree(lambda xp, x: getattr(xp, name)(x[:0]), x)
    agree(lambda xp, x: getattr(xp, name)(x[:0], axis=1), x)
    agree(lambda xp, x: getattr(xp, name)(x, axis=2), x)
    infinite = np.array([np.nan, np.inf, -np.inf, np.nan])
    agree(lambda xp, x: getattr(xp, name)(x), infinite)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (lambda xp: xp.nanmean(xp.ones((0, 3)), axis=0), "Mean of empty slice"),
        (lambda xp: xp.nanvar(xp.ones((1, 3)), axis=0, ddof=1), "Degrees of freedom <= 0"),
        (lambda xp: xp.nanstd(xp.ones((0,))), "Degrees of freedom <= 0"),
        (lambda xp: xp.cov(xp.ones((2, 1))), "Degrees of freedom <= 0"),
    ],
)
def test_warnings_known_from_shapes(body, words):
    for xp in (np, da):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            body(xp)
        files = [w.filename for w in caught if words in str(w.message)]
        assert len(files) == 1
    assert files == [__file__]


def test_no_warning_without_slices():
    da.nanmean(da.ones((0, 3)), axis=1)
    da.nanvar(da.ones((0, 3)), axis=1)


@pytest.mark.parametrize(
    "name", [*REDUCTIONS, "nancumsum", "average", "ptp", "cumulative_sum", "diff", "trapezoid"]
)
def test_nothing_is_evaluated(name, quiet):
    x = da.asarray([1.0, 2.0, 4.0])
    pending = x if name in ("diff", "trapezoid") else x * 2  # slices are views of memory
    before = da.statistics()
    with da.config(eager=False):
        result = getattr(da, name)(pending)
    assert da.statistics() == before
    assert_same(host(result), getattr(np, name)(pending.get()), 1e-14)


@pytest.mark.parametrize("name", ["nanmedian", "nanpercentile", "nanquantile"])
def test_nan_quantiles(name):
    x = numbers("f8")
    q = () if name == "nanmedian" else (np.array([0.25, 0.5]),)
    agree(lambda xp, x, *q: getattr(xp, name)(x, *q, axis=0, keepdims=True), x, *q)


# Averages


def test_average():
    x, w = numbers("f8", missing=0), rng.random((5, 7))
    row, column = w[0].copy(), w[:, 0].copy()
    agree(lambda xp, x: xp.average(x), x)
    agree(lambda xp, x: xp.average(x, axis=(0, 1), keepdims=True), x)
    agree(lambda xp, x: xp.average(x, axis=0, returned=True), x, rtol=1e-14)
    agree(lambda xp, x, w: xp.average(x, weights=w), x, w, rtol=1e-14)
    agree(lambda xp, x, w: xp.average(x, axis=1, weights=w, returned=True), x, row, rtol=1e-14)
    agree(lambda xp, x, w: xp.average(x, 0, w, keepdims=True, returned=True), x, column, rtol=1e-14)
    agree(lambda xp, x, w: xp.average(x, (1, 0), w.T), x, w, rtol=1e-14)
    agree(lambda xp, x: xp.average(x[0], weights=[1, 2, 3, 0, 0, 0, 1]), x, rtol=1e-14)


@pytest.mark.parametrize(("dtype", "weight"), [("i4", "i8"), ("f2", "f4"), ("?", "f4")])
def test_average_dtypes(dtype, weight):
    x, w = numbers(dtype, (6,), missing=0), np.arange(6).astype(weight)
    agree(lambda xp, x, w: xp.average(x, weights=w, returned=True), x, w, rtol=1e-6)


def test_average_errors():
    x = numbers("f8", missing=0)
    agree(lambda xp, x, w: xp.average(x, weights=w), x, np.zeros((5, 7)))
    agree(lambda xp, x, w: xp.average(x, weights=w), x, np.ones(7))
    agree(lambda xp, x, w: xp.average(x, axis=0, weights=w), x, np.ones(7))
    agree(lambda xp, x: xp.average(x, axis=2), x)
    agree(lambda xp, x: xp.average(x, axis=(0, 0)), x)
    agree(lambda xp, x: xp.average(x[0, 0], axis=0), x)
    with pytest.raises(da.HostMixError):
        da.average(device(x), weights=x)


# Covariances


@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_cov(dtype):
    x, y = numbers(dtype, missing=0), numbers(dtype, (5, 7), missing=0)
    agree(lambda xp, x: xp.cov(x), x, rtol=1e-13)
    agree(lambda xp, x, y: xp.cov(x, y, rowvar=False), x, y, rtol=1e-13)
    agree(lambda xp, x, y: xp.cov(x[0], y[0], bias=True), x, y, rtol=1e-13)
    agree(lambda xp, x: xp.cov(x, ddof=2), x, rtol=1e-13)
    agree(lambda xp, x: xp.cov(x, dtype="c8" if dtype == "c16" else "f4"), x, rtol=1e-4)
    agree(lambda xp, x: xp.corrcoef(x), x, rtol=1e-13)
    agree(lambda xp, x: xp.corrcoef(x[0]), x, rtol=1e-13)
    agree(lambda xp, x, y: xp.corrcoef(x, y, rowvar=False), x, y, rtol=1e-13)


def test_cov_with_weights():
    x = numbers("f8", missing=0)
    f, a = rng.integers(0, 4, 7), rng.random(7)
    agree(lambda xp, x, f: xp.cov(x, fweights=f), x, f, rtol=1e-13)
    agree(lambda xp, x, a: xp.cov(x, aweights=a), x, a, rtol=1e-13)
    agree(lambda xp, x, f, a: xp.cov(x, fweights=f, aweights=a, ddof=0), x, f, a, rtol=1e-13)
    agree(lambda xp, x, f, a: xp.cov(x, fweights=f, aweights=a), x, f, a, rtol=1e-13)


@pytest.mark.parametrize(
    "options",
    [
        {"ddof": 1.5},
        {"fweights": [0.5] * 7},
        {"fweights": [-1] * 7},
        {"fweights": [1] * 6},
        {"fweights": [[1] * 7]},
        {"aweights": [-1] * 7},
        {"aweights": [0] * 7},
        {"aweights": [[1] * 7]},
        {"y": [[[1.0]]]},
        {"y": [1.0]},
    ],
)
def test_cov_errors(options):
    agree(lambda xp, x: xp.cov(x, **options), numbers("f8", missing=0), words="y" not in options)


def test_cov_of_little():
    agree(lambda xp, x: xp.cov(x), np.ones((0, 3)))
    agree(lambda xp, x: xp.cov(x), np.ones((2, 1)))
    agree(lambda xp, x: xp.cov(x), np.ones((2, 2, 2)))


# Extent, accumulations


@pytest.mark.parametrize("dtype", ["f8", "u1", "c16", "?"])
def test_ptp(dtype):
    x = numbers(dtype, missing=0.1)
    agree(lambda xp, x: xp.ptp(x, axis=0), x)
    agree(lambda xp, x: xp.ptp(x, axis=(0, 1), keepdims=True), x)
    if dtype != "?":  # NumPy has written the maxima when it finds that it cannot subtract
        agree(lambda xp, x, out: xp.ptp(x, 0, out), x, np.zeros(7, dtype))
    if dtype == "f8":
        agree(lambda xp, x, out: xp.ptp(x, 0, out), x, np.zeros(7, "f4"))
        agree(lambda xp, x, out: xp.ptp(x, 0, out), x, np.zeros((2, 7)))
        agree(lambda xp, x: xp.ptp(x, 0, x[:, 0]), x)
    agree(lambda xp, x: xp.ptp(x[:0], axis=0), x)
    agree(lambda xp, x: xp.ptp(x, axis=4), x)


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
@pytest.mark.parametrize("initial", [False, True])
def test_cumulative(name, initial):
    def into(xp, x, out):
        result = getattr(xp, name)(x, axis=1, out=out, include_initial=initial)
        assert result is out
        return result

    x = numbers("i4") + 6
    options = {"include_initial": initial}
    agree(lambda xp, x: getattr(xp, name)(x, axis=0, **options), x)
    agree(lambda xp, x: getattr(xp, name)(x, axis=-1, dtype="f4", **options), x)
    agree(lambda xp, x: getattr(xp, name)(x[:, :0], axis=1, **options), x)
    agree(lambda xp, x: getattr(xp, name)(x[0], **options), x)
    agree(lambda xp, x: getattr(xp, name)(x, **options), np.array(3.5))
    agree(lambda xp, x: getattr(xp, name)(x, **options), x)
    agree(lambda xp, x: getattr(xp, name)(x, axis=2, **options), x)
    agree(into, x, np.zeros((5, 7 + initial), np.int64))
    agree(into, x, np.zeros((5, 4), np.int64), words=False)


# Quantiles


@pytest.mark.parametrize("dtype", ["f8", "i4"])
def test_quantiles(dtype):
    x = numbers(dtype, missing=0)
    q = np.array([0.1, 0.5])
    agree(lambda xp, x: xp.median(x), x)
    agree(lambda xp, x: xp.median(x, axis=0, keepdims=True), x)
    agree(lambda xp, x, out: xp.median(x, axis=0, out=out), x, np.zeros(7))
    agree(lambda xp, x, q: xp.quantile(x, q, axis=1), x, q)
    agree(lambda xp, x: xp.percentile(x, [10, 90], method="lower"), x)
    agree(lambda xp, x, w: xp.quantile(x, 0.5, weights=w, method="inverted_cdf"), x,
          np.arange(35).reshape(5, 7))  # fmt: skip
    agree(lambda xp, x: xp.quantile(x, 1.5), x)
    if dtype == "f8":
        agree(lambda xp, x, q, out: xp.quantile(x, q, axis=0, out=out), x, q, np.zeros((2, 7)))


# Histograms


LARGE = rng.normal(size=70_000)
LARGE[:3] = 2.5, -3.0, 0.0


@pytest.mark.parametrize("dtype", ["f8", "f4", "u1"])
def test_histograms(dtype):
    x = (LARGE * 20 + 100).astype(dtype)
    for limits in (None, (90, 110), (90.5, 111.25))[: 1 if dtype == "u1" else 3]:
        for bins in (10, np.int64(100), 1):
            agree(lambda xp, x, r=limits, b=bins: xp.histogram(x, b, r), x, once=bins == 1)


def test_values_on_edges():
    x = np.repeat(np.linspace(0, 1, 71), 1000)
    for bins in (7, 10, 70, 71):
        agree(lambda xp, x, b=bins: xp.histogram(x, b), x)
        agree(lambda xp, x, b=bins: xp.histogram(x, b, (0.1, 0.9)), x)
        agree(lambda xp, x, b=bins: xp.histogram(x, b), x.astype("f4"))
        agree(lambda xp, x, b=bins: xp.histogram(x, b, (0.1, 0.9)), x.astype("f4"))
        agree(lambda xp, x, b=bins: xp.histogram(x, b, (0, 1)), x.astype("f4"))
        agree(lambda xp, x, b=bins: xp.histogram(x, b, (0.1, np.float64(1))), x, once=True)
    agree(lambda xp, x: xp.histogram(x, 3), np.full(70_000, 2.5))
    agree(lambda xp, x: xp.histogram(x, 5), np.arange(70_000) + 2**62)


def test_histogram_options():
    agree(lambda xp, x: xp.histogram(x, 5, density=True), LARGE)
    rtol = 0 if NUMPY_LIBRARY else 1e-12  # weights are added up in any order
    agree(lambda xp, x: xp.histogram(x, 5, weights=x), LARGE, rtol=rtol)
    agree(lambda xp, x, bins: xp.histogram(x, bins), LARGE, np.array([-1.0, 0.0, 0.5]))
    agree(lambda xp, x: xp.histogram(x, "sqrt"), LARGE)
    agree(lambda xp, x: xp.histogram(x.reshape(2, -1).T), LARGE)
    agree(lambda xp, x: xp.histogram(x[:0]), LARGE)
    agree(lambda xp, x: xp.histogram(x[:20], 4), LARGE)
    agree(lambda xp, x: xp.histogram(x > 0, 2, (0, 1)), LARGE)


def test_histogram_errors():
    missing = LARGE.copy()
    missing[5] = np.nan
    agree(lambda xp, x: xp.histogram(x), missing)
    agree(lambda xp, x: xp.histogram(x, 4, (-1, 1)), missing)
    for bins, limits in ((0, None), (-1, None), (2.5, None), (3, (1, 0)), (3, (0, np.inf))):
        agree(lambda xp, x, b=bins, r=limits: xp.histogram(x, b, r), LARGE)
    with pytest.raises(da.HostMixError):
        da.histogram(LARGE)


def test_counts():
    x = rng.integers(0, 9, 50)
    agree(lambda xp, x: xp.bincount(x, minlength=12), x)
    agree(lambda xp, x: xp.histogram_bin_edges(x, 4), x)
    agree(lambda xp, x: xp.histogram2d(x, x, 4), x)
    agree(lambda xp, x: xp.convolve(x, x[:3], "same"), x)
    agree(lambda xp, x: xp.correlate(x, x[:3]), x)


# Differences


@pytest.mark.parametrize("dtype", ["f8", "i4", "u1", "?", "c16"])
def test_diff(dtype):
    x = numbers(dtype, missing=0.1)
    for n in (0, 1, 2, 3, 7, 9):
        agree(lambda xp, x, n=n: xp.diff(x, n), x)
    agree(lambda xp, x: xp.diff(x, axis=0), x)
    agree(lambda xp, x: xp.diff(x[::-2, ::3], 1, 0), x)


def test_diff_with_ends():
    x = numbers("f8")
    agree(lambda xp, x: xp.diff(x, prepend=0, append=x[:, :2]), x)
    agree(lambda xp, x: xp.diff(x, axis=0, n=2, prepend=x[:1]), x)
    agree(lambda xp, x, p: xp.diff(x, prepend=p), x, np.ones((3, 1)), words=False)
    agree(lambda xp, x: xp.diff(x, -1), x)
    agree(lambda xp, x: xp.diff(x, axis=2), x)
    agree(lambda xp, x: xp.diff(x[0, 0]), x)
    agree(lambda xp, x: xp.diff(x[:0], axis=0), x)
    assert_same(host(da.diff(device(x), prepend=None, append=None)), np.diff(x))
    with pytest.raises(da.HostMixError):
        da.diff(device(x), prepend=x)


def test_high_differences_stay_exact():
    x = rng.normal(size=40)
    agree(lambda xp, x: xp.diff(x, 6), x)
    agree(lambda xp, x: xp.diff(x, 12), x)


@pytest.mark.parametrize("dtype", ["f8", "i4", "u1", "?"])
def test_ediff1d(dtype):
    x = numbers(dtype)
    agree(lambda xp, x: xp.ediff1d(x), x)
    agree(lambda xp, x, b: xp.ediff1d(x[0], to_begin=b), x, np.array([[1], [2]]).astype(dtype))
    agree(lambda xp, x: xp.ediff1d(x[0], to_end=1.5, to_begin=[[1], [2]]), x)
    agree(lambda xp, x: xp.ediff1d(x[0, :1], 7, 8), x)
    agree(lambda xp, x: xp.ediff1d(x[0, :0], 7, 8), x)
    agree(lambda xp, x: xp.ediff1d(x[0, 0]), x)


EVEN = np.arange(7) * 0.5
UNEVEN = np.array([0.0, 1.0, 1.5, 3.5, 4.0, 6.0, 6.25])
WHOLE = np.array([0, 1, 3, 6, 10, 15, 21])


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize("dtype", ["f8", "f4", "i4", "c16"])
def test_gradient(dtype, edge_order):
    x = numbers(dtype, missing=0)
    e = edge_order
    agree(lambda xp, x: xp.gradient(x, edge_order=e), x)
    agree(lambda xp, x: xp.gradient(x, 0.3, edge_order=e), x)
    agree(lambda xp, x: xp.gradient(x, np.float64(0.3), 2, edge_order=e), x)
    agree(lambda xp, x: xp.gradient(x, axis=-1, edge_order=e), x)
    agree(lambda xp, x: xp.gradient(x, axis=(1, 0), edge_order=e), x)
    for places in (EVEN, UNEVEN, WHOLE):
        agree(lambda xp, x, s: xp.gradient(x, 2.0, s, edge_order=e), x, places)
        agree(lambda xp, x, s: xp.gradient(x, s, axis=1, edge_order=e), x, places)


def test_gradient_errors():
    x = numbers("f8", missing=0)
    agree(lambda xp, x: xp.gradient(x, edge_order=3), x)
    agree(lambda xp, x: xp.gradient(x, 1.0, 2.0, 3.0), x)
    agree(lambda xp, x: xp.gradient(x, [1.0, 2.0], axis=0), x)
    agree(lambda xp, x: xp.gradient(x, [[1.0]], axis=0), x)
    agree(lambda xp, x: xp.gradient(x, axis=2), x)
    agree(lambda xp, x: xp.gradient(x, axis=(0, 0)), x)
    agree(lambda xp, x: xp.gradient(x[:1]), x)
    agree(lambda xp, x: xp.gradient(x[:1], [1.0], axis=0), x)
    agree(lambda xp, x: xp.gradient(x[:2], edge_order=2), x)
    agree(lambda xp, x: xp.gradient(x[0, 0]), x)
    agree(lambda xp, x: xp.gradient(x > 0), x)
    agree(lambda xp, x, d: xp.gradient(x[0], d), x, np.array(0.25))


@pytest.mark.parametrize("dtype", ["f8", "i4"])
def test_trapezoid(dtype):
    y, rtol = numbers(dtype, missing=0), 1e-13
    agree(lambda xp, y: xp.trapezoid(y, dx=0.3, axis=0), y, rtol=rtol)
    agree(lambda xp, y, x: xp.trapezoid(y, x), y, UNEVEN, rtol=rtol)
    agree(lambda xp, y, x: xp.trapezoid(y, x, axis=1), y, np.tile(UNEVEN, (5, 1)), rtol=rtol)
    agree(lambda xp, y: xp.trapezoid(y[0]), y, rtol=rtol)
    agree(lambda xp, y: xp.trapezoid(y[:0], axis=0), y)
    agree(lambda xp, y, x: xp.trapezoid(y, x[:3]), y, UNEVEN, words=False)
    agree(lambda xp, y: xp.trapezoid(y, axis=2), y)
    agree(lambda xp, y: xp.trapezoid(y[0, 0]), y)


def test_interp():
    agree(lambda xp, x, xs, ys: xp.interp(x, xs, ys), np.array([0.2, 7.0]), UNEVEN, EVEN)
    agree(lambda xp, xs, ys: xp.interp(2.0, xs, ys), UNEVEN, EVEN)


# Whole arrays


@pytest.mark.parametrize("dtype", ["f8", "c16"])
def test_equality(dtype):
    x = numbers(dtype)
    y = x.copy()
    for equal_nan in (False, True):
        agree(lambda xp, x, y, e=equal_nan: xp.array_equal(x, y, equal_nan=e), x, y)
        agree(lambda xp, x, y, e=equal_nan: xp.array_equal(x, y[:4], e), x, y)
        agree(lambda xp, x, y, e=equal_nan: xp.array_equal(x, y + 1, e), x, y)
        agree(lambda xp, x, y, e=equal_nan: xp.allclose(x, y + 1e-9, equal_nan=e), x, y)
    agree(lambda xp, x: xp.array_equal(x, x, True), x)
    agree(lambda xp, x: xp.array_equal(x, x.astype("c8"), True), x)
    agree(lambda xp, x: xp.array_equal(x[:0], x[:0]), x)
    agree(lambda xp, x: xp.array_equal(x, [[1], [1, 2]]), x)
    agree(lambda xp, x: xp.array_equiv(x, [[1], [1, 2]]), x)
    agree(lambda xp, x: xp.array_equal(x[0], [1, 2]), x)


def test_array_equiv():
    x = np.ones((2, 3))
    for y in (1.0, [1.0, 1.0, 1.0], [[1.0], [2.0]], [1.0, 1.0], np.ones((4, 1, 3)), [], 0):
        agree(lambda xp, x, y: xp.array_equiv(x, y), x, np.array(y))
    agree(lambda xp, x: xp.array_equiv(x, 1), x)


def test_allclose():
    x = np.array([1.0, np.inf, np.nan])
    agree(lambda xp, x: xp.allclose(x[:2], x[:2] * (1 + 1e-6)), x)
    agree(lambda xp, x: xp.allclose(x[:2], x[:2] * (1 + 1e-6), rtol=1e-7), x)
    agree(lambda xp, x: xp.allclose(x[:1], 1.1, atol=0.2), x)
    agree(lambda xp, x: xp.allclose(x, x[:2]), x, words=False)
    agree(lambda xp, x: xp.allclose(x[:0], x[:0]), x)
    assert da.allclose([1.0, 2.0], [1.0, 2.0]) is True
    with pytest.raises(da.HostMixError):
        da.allclose(device(x), x)


# Functions of users


def test_apply_along_axis():
    x = numbers("f8", (3, 4, 5), missing=0)

    def seen(line):
        assert type(line) is np.ndarray or type(line) is da.DeviceArray
        assert line.ndim == 1
        return line.sum()

    agree(lambda xp, x: xp.apply_along_axis(seen, 1, x), x, rtol=1e-13)
    agree(lambda xp, x: xp.apply_along_axis(lambda v: v[:2] * 2, 0, x), x)
    agree(lambda xp, x: xp.apply_along_axis(lambda v: v[:, None] * v, -1, x), x)
    agree(lambda xp, x: xp.apply_along_axis(lambda v: 3.5, 1, x), x)
    agree(lambda xp, x: xp.apply_along_axis(lambda v, k, n=1: v[k] + n, 1, x, 2, n=3), x)
    agree(lambda xp, x: xp.apply_along_axis(lambda v: v * 2, 0, x[0, 0]), x)
    agree(lambda xp, x: xp.apply_along_axis(lambda v: v[0], 0, x[0, 0]), x)
    agree(lambda xp, x: xp.apply_along_axis(lambda v: v, 3, x), x)
    agree(lambda xp, x: xp.apply_along_axis(lambda v: v, 1, x[:0]), x)
    agree(lambda xp, x: xp.apply_along_axis(seen, 0, [[1.0, 2.0], [3.0, 5.0]]), x, once=True)


def test_errors_of_users_are_their_own():
    calls = []

    def fails(line):
        calls.append(type(line))
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        np.apply_along_axis(fails, 0, da.ones((2, 3)))
    assert calls == [da.DeviceArray]


def test_apply_over_axes():
    x = numbers("f8", (3, 4, 5), missing=0)
    agree(lambda xp, x: xp.apply_over_axes(xp.sum, x, (0, -1)), x, rtol=1e-13)
    agree(lambda xp, x: xp.apply_over_axes(xp.cumsum, x, 1), x)
    agree(lambda xp, x: xp.apply_over_axes(lambda a, k: a.max(k, keepdims=True), x, [0, 1]), x)
    agree(lambda xp, x: xp.apply_over_axes(lambda a, k: a.sum(), x, [0, 1]), x, words=False)


# The Array API's signatures


def test_standard_signatures():
    x = numbers("f4", (3, 4), missing=0)
    y = device(x)
    for name in ("var", "std"):
        wanted = getattr(np, name)(x, axis=(0, 1), ddof=1.0, keepdims=True)
        got = getattr(da, name)(y, axis=(0, 1), correction=1.0, keepdims=True)
        assert_same(host(got), wanted, 1e-6)
    for name in ("sum", "prod"):
        got = getattr(da, name)(y, axis=1, dtype=da.float64, keepdims=True)
        assert got.dtype == da.float64 and got.shape == (3, 1)
    for name in ("max", "min", "mean", "all", "any"):
        got = getattr(da, name)(y, axis=(0, 1), keepdims=True)
        assert_same(host(got), getattr(np, name)(x, axis=(0, 1), keepdims=True), 1e-6)
    got = da.cumulative_sum(y, axis=1, dtype=da.float64, include_initial=True)
    assert got.dtype == da.float64 and got.shape == (3, 5)
    assert da.diff(y, axis=0, n=1, prepend=None, append=y[:1]).shape == (3, 4)
    assert da.count_nonzero(y, axis=(0, 1), keepdims=True).shape == (1, 1)
