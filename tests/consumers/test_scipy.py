"""SciPy with ``SCIPY_ARRAY_API=1``: which functions compute on the device, and which on the host.

Three tables. What SciPy writes over the Array API needs no transfer. What it has in compiled code
takes host arrays: `numpy.asarray` shows it the memory where that is allowed, and SciPy gives the
result in the namespace of the arguments. And what knows nothing of namespaces gives host arrays.
"""

import functools
import os
import subprocess
import sys

import numpy as np
import pytest
from compare import on_device

import devarray as da
from agreement import host_memory

pytest.importorskip("scipy")

import scipy.cluster.hierarchy
import scipy.cluster.vq
import scipy.differentiate
import scipy.fft
import scipy.integrate
import scipy.interpolate
import scipy.linalg
import scipy.ndimage
import scipy.optimize
import scipy.optimize.elementwise
import scipy.signal
import scipy.spatial.distance
import scipy.special
import scipy.stats

pytestmark = pytest.mark.filterwarnings("ignore")  # SciPy's own: small samples, lost precision

rng = np.random.default_rng(0)
A = rng.random((4, 6)) + 0.1
B = rng.random((4, 6)) + 0.1
V = rng.random(32)
W = rng.random(32)
I = rng.integers(1, 9, (4, 6))  # noqa: E741
M = A[:, :4] + 4 * np.eye(4)
S = M @ M.T
P = rng.random((20, 2))
C = A + 1j * B

DISPATCHED = [
    ("special.logsumexp", (A,), {}),
    ("special.logsumexp", (A,), {"axis": 1}),
    ("special.softmax", (A,), {"axis": 1}),
    ("special.log_softmax", (A,), {"axis": 0}),
    ("special.log_expit", (A,), {}),
    ("special.rel_entr", (A, B), {}),
    ("special.xlogy", (A, B), {}),
    ("special.beta", (A, B), {}),
    ("special.jv", (1, A), {}),
    ("special.hyp2f1", (0.5, 0.5, A, B / 2), {}),
    ("special.expm1", (A,), {}),
    ("special.log1p", (A,), {}),
    ("special.lambertw", (A,), {}),
    ("special.ellipe", (A / 2,), {}),
    ("special.powm1", (A, B), {}),
    ("special.round", (A,), {}),
    ("special.agm", (A, B), {}),
    ("special.softplus", (A,), {}),
    ("stats.tmean", (A,), {"axis": 0}),
    ("stats.tvar", (A,), {"axis": 0}),
    ("stats.tstd", (A,), {"axis": 0}),
    ("stats.tmin", (A,), {"axis": 0}),
    ("stats.tmax", (A,), {"axis": 0}),
    ("stats.tsem", (A,), {"axis": 0}),
    ("stats.sem", (A,), {"axis": 0}),
    ("stats.skew", (A,), {"axis": 0}),
    ("stats.kurtosis", (A,), {"axis": 0}),
    ("stats.kstat", (A,), {"axis": 0}),
    ("stats.kstatvar", (A,), {"axis": 0}),
    ("stats.moment", (A,), {"axis": 0}),
    ("stats.variation", (A,), {"axis": 0}),
    ("stats.gmean", (A,), {"axis": 0}),
    ("stats.hmean", (A,), {"axis": 0}),
    ("stats.zscore", (A,), {"axis": 0}),
    ("stats.gzscore", (A,), {"axis": 0}),
    ("stats.iqr", (A,), {"axis": 0}),
    ("stats.describe", (A,), {"axis": 0}),
    ("stats.circmean", (A,), {"axis": 0}),
    ("stats.circvar", (A,), {"axis": 0}),
    ("stats.circstd", (A,), {"axis": 0}),
    ("stats.mode", (A,), {"axis": 0}),
    ("stats.median_abs_deviation", (A,), {"axis": 0}),
    ("stats.gstd", (A,), {"axis": 0}),
    ("stats.rankdata", (A,), {"axis": 0}),
    ("stats.pmean", (A, 2), {}),
    ("stats.quantile", (A, 0.3), {}),
    ("stats.false_discovery_control", (V,), {}),
    ("stats.directional_stats", (A,), {}),
    ("stats.rankdata", (V,), {}),
    ("stats.yeojohnson_llf", (1.0, A), {"axis": 0}),
    ("signal.fftconvolve", (V, W[:5]), {}),
    ("signal.oaconvolve", (V, W[:5]), {}),
    ("signal.hilbert", (V,), {}),
    ("signal.hilbert2", (A,), {}),
    ("signal.envelope", (V,), {}),
    ("signal.resample", (V, 20), {}),
    ("signal.freqz", (W[:3],), {}),
    ("signal.freqz_sos", (np.array([[1.0, 0.2, 0.1, 1.0, 0.3, 0.2]]),), {}),
    ("signal.tf2zpk", (W[:3], W[3:6]), {}),
    ("signal.zpk2tf", (W[:2], W[2:4], 1.0), {}),
    ("signal.sos2tf", (np.array([[1.0, 0.2, 0.1, 1.0, 0.3, 0.2]]),), {}),
    ("signal.gauss_spline", (V, 2), {}),
    ("signal.vectorstrength", (V, 0.3), {}),
    ("signal.choose_conv_method", (V, W), {}),
    ("signal.lp2lp", (W[:3], W[3:6], 2.0), {}),
    ("signal.normalize", (W[:3], W[3:6]), {}),
    ("signal.freqs", (W[:3], W[3:6], V), {}),
    ("fft.fft", (V,), {}),
    ("fft.ifft", (V,), {}),
    ("fft.rfft", (V,), {}),
    ("fft.ihfft", (V,), {}),
    ("fft.hfft", (V,), {}),
    ("fft.irfft", (C[0],), {}),
    ("fft.fft2", (A,), {}),
    ("fft.ifft2", (A,), {}),
    ("fft.rfft2", (A,), {}),
    ("fft.irfft2", (C,), {}),
    ("fft.fftn", (A,), {}),
    ("fft.ifftn", (A,), {}),
    ("fft.rfftn", (A,), {}),
    ("fft.irfftn", (C,), {}),
    ("fft.hfft2", (C,), {}),
    ("fft.ihfftn", (A,), {}),
    ("fft.fftshift", (A,), {}),
    ("fft.ifftshift", (A,), {}),
    ("fft.fht", (V, 0.1, 0.5), {}),
    ("fft.ifht", (V, 0.1, 0.5), {}),
    ("linalg.block_diag", (M, M), {}),
    ("cluster.vq.whiten", (P,), {}),
    ("integrate.trapezoid", (V,), {}),
    ("integrate.trapezoid", (A,), {"dx": 0.1, "axis": 0}),
    ("integrate.cumulative_trapezoid", (V,), {}),
    ("integrate.cumulative_trapezoid", (A,), {"initial": 0, "axis": 0}),
    ("integrate.cumulative_simpson", (V,), {}),
    ("integrate.romb", (rng.random(17),), {}),
    ("integrate.trapezoid", (V, np.sort(W)), {}),
    ("optimize.rosen", (V[:5],), {}),
    ("optimize.rosen_der", (V[:5],), {}),
    ("optimize.rosen_hess", (V[:5],), {}),
    ("optimize.rosen_hess_prod", (V[:5], V[5:10]), {}),
]

SHARED = [
    ("special.expit", (A,), {}),
    ("special.logit", (A / 2,), {}),
    ("special.entr", (A,), {}),
    ("special.kl_div", (A, B), {}),
    ("special.xlog1py", (A, B), {}),
    ("special.erf", (A,), {}),
    ("special.erfc", (A,), {}),
    ("special.erfinv", (A / 2,), {}),
    ("special.ndtr", (A,), {}),
    ("special.log_ndtr", (A,), {}),
    ("special.ndtri", (A / 2,), {}),
    ("special.gamma", (A,), {}),
    ("special.gammaln", (A,), {}),
    ("special.gammainc", (A, B), {}),
    ("special.gammaincc", (A, B), {}),
    ("special.digamma", (A,), {}),
    ("special.psi", (A,), {}),
    ("special.betaln", (A, B), {}),
    ("special.betainc", (A, B, A / 2), {}),
    ("special.i0", (A,), {}),
    ("special.i0e", (A,), {}),
    ("special.i1", (A,), {}),
    ("special.i1e", (A,), {}),
    ("special.j0", (A,), {}),
    ("special.j1", (A,), {}),
    ("special.binom", (A, B), {}),
    ("special.poch", (A, B), {}),
    ("special.sinc", (A,), {}),
    ("special.exprel", (A,), {}),
    ("special.cbrt", (A,), {}),
    ("special.exp2", (A,), {}),
    ("special.exp10", (A,), {}),
    ("special.radian", (A, B, B), {}),
    ("special.zeta", (A + 1, B), {}),
    ("special.zetac", (A + 1,), {}),
    ("special.ellipk", (A / 2,), {}),
    ("special.chdtr", (A, B), {}),
    ("special.chdtrc", (A, B), {}),
    ("special.bdtr", (I, 10, A / 2), {}),
    ("special.stdtr", (A, B), {}),
    ("special.fdtr", (A, B, A), {}),
    ("special.huber", (A, B), {}),
    ("special.pseudo_huber", (A, B), {}),
    ("special.boxcox", (A, B), {}),
    ("special.inv_boxcox", (A, B), {}),
    ("special.cosm1", (A,), {}),
    ("special.sindg", (A,), {}),
    ("special.multigammaln", (A + 3, 2), {}),
    ("stats.entropy", (A,), {"axis": 0}),
    ("stats.skewtest", (A,), {"axis": 0}),
    ("stats.kurtosistest", (A,), {"axis": 0}),
    ("stats.normaltest", (A,), {"axis": 0}),
    ("stats.jarque_bera", (A,), {"axis": 0}),
    ("stats.lmoment", (A,), {"axis": 0}),
    ("stats.ttest_1samp", (A, 0.5), {}),
    ("stats.ttest_ind", (A, B), {}),
    ("stats.ttest_rel", (A, B), {}),
    ("stats.pearsonr", (V, W), {}),
    ("stats.spearmanr", (V, W), {}),
    ("stats.pointbiserialr", (V > 0.5, W), {}),
    ("stats.chisquare", (V,), {}),
    ("stats.power_divergence", (I.astype(float),), {}),
    ("stats.chatterjeexi", (V, W), {}),
    ("stats.f_oneway", (V, W), {}),
    ("stats.bartlett", (V, W), {}),
    ("stats.levene", (V, W), {}),
    ("stats.fligner", (V, W), {}),
    ("stats.ansari", (V, W), {}),
    ("stats.mood", (V, W), {}),
    ("stats.kruskal", (V, W), {}),
    ("stats.friedmanchisquare", (V, W, V), {}),
    ("stats.mannwhitneyu", (V, W), {}),
    ("stats.wilcoxon", (V, W), {}),
    ("stats.brunnermunzel", (V, W), {}),
    ("stats.cramervonmises_2samp", (V, W), {}),
    ("stats.epps_singleton_2samp", (V, W), {}),
    ("stats.alexandergovern", (V, W), {}),
    ("stats.combine_pvalues", (V,), {}),
    ("signal.convolve", (V, W[:5]), {}),
    ("signal.convolve2d", (A, A[:2, :2]), {}),
    ("signal.correlate", (V, W[:5]), {}),
    ("signal.correlate2d", (A, A[:2, :2]), {}),
    ("signal.lfilter", (W[:3], W[3:6], V), {}),
    ("signal.filtfilt", (W[:3], np.array([1.0, 0.2, 0.1]), V), {}),
    ("signal.sosfilt", (np.array([[1.0, 0.2, 0.1, 1.0, 0.3, 0.2]]), V), {}),
    ("signal.sosfiltfilt", (np.array([[1.0, 0.2, 0.1, 1.0, 0.3, 0.2]]), V), {}),
    ("signal.detrend", (V,), {}),
    ("signal.resample_poly", (V, 2, 1), {}),
    ("signal.savgol_filter", (V, 5, 2), {}),
    ("signal.medfilt", (V, 3), {}),
    ("signal.medfilt2d", (A, 3), {}),
    ("signal.wiener", (V, 3), {}),
    ("signal.upfirdn", (W[:4], V), {}),
    ("signal.cspline1d", (V,), {}),
    ("signal.cspline1d_eval", (V, V), {}),
    ("signal.deconvolve", (V, W[:4]), {}),
    ("signal.bilinear", (W[:3], W[3:6]), {}),
    ("signal.lfilter_zi", (W[:3], W[3:6]), {}),
    ("signal.qspline1d", (V,), {}),
    ("ndimage.gaussian_filter", (A, 1), {}),
    ("ndimage.gaussian_filter1d", (A, 1), {}),
    ("ndimage.gaussian_laplace", (A, 1), {}),
    ("ndimage.gaussian_gradient_magnitude", (A, 1), {}),
    ("ndimage.laplace", (A,), {}),
    ("ndimage.sobel", (A,), {}),
    ("ndimage.prewitt", (A,), {}),
    ("ndimage.uniform_filter", (A, 3), {}),
    ("ndimage.uniform_filter1d", (A, 3), {}),
    ("ndimage.median_filter", (A, 3), {}),
    ("ndimage.maximum_filter", (A, 3), {}),
    ("ndimage.minimum_filter", (A, 3), {}),
    ("ndimage.percentile_filter", (A, 50, 3), {}),
    ("ndimage.rank_filter", (A, 1, 3), {}),
    ("ndimage.convolve", (A, np.ones((3, 3))), {}),
    ("ndimage.convolve1d", (A, np.ones(3)), {}),
    ("ndimage.correlate", (A, np.ones((3, 3))), {}),
    ("ndimage.correlate1d", (A, np.ones(3)), {}),
    ("ndimage.zoom", (A, 2), {}),
    ("ndimage.shift", (A, 0.5), {}),
    ("ndimage.rotate", (A, 30), {}),
    ("ndimage.affine_transform", (A, np.eye(2) * 0.5), {}),
    ("ndimage.map_coordinates", (A, np.array([[0.5, 1.0], [1.0, 2.0]])), {}),
    ("ndimage.spline_filter", (A,), {}),
    ("ndimage.fourier_gaussian", (A, 1), {}),
    ("ndimage.fourier_shift", (C, 0.5), {}),
    ("ndimage.label", (A > 0.6,), {}),
    ("ndimage.sum_labels", (A,), {}),
    ("ndimage.mean", (A, I, np.array([1, 2, 3])), {}),
    ("ndimage.variance", (A,), {}),
    ("ndimage.maximum", (A, I, np.array([1, 2, 3])), {}),
    ("ndimage.center_of_mass", (A,), {}),
    ("ndimage.histogram", (A, 0, 1, 4), {}),
    ("ndimage.binary_erosion", (A > 0.3,), {}),
    ("ndimage.binary_dilation", (A > 0.7,), {}),
    ("ndimage.binary_opening", (A > 0.3,), {}),
    ("ndimage.binary_closing", (A > 0.3,), {}),
    ("ndimage.binary_fill_holes", (A > 0.3,), {}),
    ("ndimage.binary_propagation", (A > 0.8,), {}),
    ("ndimage.grey_erosion", (A, 3), {}),
    ("ndimage.grey_dilation", (A, 3), {}),
    ("ndimage.grey_opening", (A, 3), {}),
    ("ndimage.morphological_gradient", (A, 3), {}),
    ("ndimage.white_tophat", (A, 3), {}),
    ("ndimage.distance_transform_edt", (A > 0.3,), {}),
    ("ndimage.distance_transform_cdt", (A > 0.3,), {}),
    ("ndimage.distance_transform_bf", (A > 0.3,), {}),
    ("fft.dct", (V,), {}),
    ("fft.idct", (V,), {}),
    ("fft.dst", (V,), {}),
    ("fft.idst", (V,), {}),
    ("fft.dctn", (A,), {}),
    ("fft.idctn", (A,), {}),
    ("fft.dstn", (A,), {}),
    ("cluster.vq.vq", (P, P[:3]), {}),
    ("cluster.vq.kmeans", (P, P[:3]), {}),
    ("cluster.vq.kmeans2", (P, P[:3]), {"minit": "matrix"}),
    ("cluster.hierarchy.linkage", (P,), {}),
    ("cluster.hierarchy.single", (P,), {}),
    ("cluster.hierarchy.ward", (P,), {}),
    ("cluster.hierarchy.average", (P,), {}),
    ("cluster.hierarchy.centroid", (P,), {}),
    ("spatial.distance.pdist", (P,), {}),
    ("spatial.distance.euclidean", (V, W), {}),
    ("interpolate.pchip_interpolate", (np.arange(32.0), V, np.array([0.5, 1.5])), {}),
]

ON_HOST = [
    ("special.comb", (I, 2), {}),
    ("special.factorial", (I,), {}),
    ("special.spherical_jn", (2, A), {}),
    ("stats.kendalltau", (V, W), {}),
    ("stats.linregress", (V, W), {}),
    ("stats.ks_2samp", (V, W), {}),
    ("stats.wasserstein_distance", (V, W), {}),
    ("stats.energy_distance", (V, W), {}),
    ("stats.theilslopes", (V, W), {}),
    ("stats.siegelslopes", (V, W), {}),
    ("stats.binned_statistic", (V, W), {}),
    ("stats.percentileofscore", (V, 0.5), {}),
    ("stats.boxcox", (V,), {}),
    ("stats.scoreatpercentile", (V, 30), {}),
    ("signal.decimate", (V, 2), {}),
    ("signal.periodogram", (V,), {}),
    ("signal.csd", (V, W), {"nperseg": 8}),
    ("signal.spectrogram", (V,), {"nperseg": 8}),
    ("signal.stft", (V,), {"nperseg": 8}),
    ("signal.zoom_fft", (V, 0.5), {}),
    ("signal.czt", (V,), {}),
    ("signal.sepfir2d", (A, np.array([1.0, 2, 1]), np.array([1.0, 2, 1])), {}),
    ("linalg.inv", (M,), {}),
    ("linalg.det", (M,), {}),
    ("linalg.solve", (M, V[:4]), {}),
    ("linalg.lu", (M,), {}),
    ("linalg.qr", (M,), {}),
    ("linalg.svd", (M,), {}),
    ("linalg.svdvals", (M,), {}),
    ("linalg.eigh", (S,), {}),
    ("linalg.eigvalsh", (S,), {}),
    ("linalg.eig", (M,), {}),
    ("linalg.cholesky", (S,), {}),
    ("linalg.expm", (M / 4,), {}),
    ("linalg.sqrtm", (S,), {}),
    ("linalg.logm", (S,), {}),
    ("linalg.pinv", (M,), {}),
    ("linalg.norm", (M,), {}),
    ("linalg.lstsq", (A.T, V[:6]), {}),
    ("linalg.solve_triangular", (np.triu(M), V[:4]), {}),
    ("linalg.toeplitz", (V[:4],), {}),
    ("linalg.khatri_rao", (M, M), {}),
    ("linalg.matrix_balance", (M,), {}),
    ("linalg.schur", (M,), {}),
    ("linalg.null_space", (A[:, :4].T,), {}),
    ("linalg.orth", (M,), {}),
    ("linalg.polar", (M,), {}),
    ("linalg.circulant", (V[:4],), {}),
    ("linalg.hankel", (V[:4],), {}),
    ("integrate.simpson", (V,), {}),
    ("optimize.linear_sum_assignment", (M,), {}),
    ("optimize.nnls", (M, V[:4]), {}),
    ("spatial.distance.cdist", (P, P), {}),
    ("spatial.distance.squareform", (V[:6],), {}),
    ("spatial.distance.cosine", (V, W), {}),
]


def function_of(path):
    return functools.reduce(getattr, path.split("."), scipy)


def parts(result):
    """Return the arrays and numbers that a result consists of."""
    if isinstance(result, (da.DeviceArray, np.ndarray, np.generic, float, int, str, type(None))):
        return [result]
    if isinstance(result, (tuple, list)):
        return [part for item in result for part in parts(item)]
    kept = (da.DeviceArray, np.ndarray, np.generic, float, int)
    public = sorted((k, v) for k, v in vars(result).items() if not k.startswith("_"))
    return [value for _, value in public if isinstance(value, kept)]


def check(got, wanted, device):
    """Compare all parts of results; those that are arrays are on the device if `device` says so."""
    found, expected = parts(got), parts(wanted)
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        if isinstance(other, (np.ndarray, np.generic)) and device:
            assert isinstance(one, da.DeviceArray), f"not a device array: {type(one)}"
        values = one.get() if isinstance(one, da.DeviceArray) else one
        if isinstance(other, (str, type(None))):
            assert values == other
            continue
        assert np.shape(values) == np.shape(other)
        if isinstance(other, (np.ndarray, np.generic)):
            assert np.asarray(values).dtype.kind == np.asarray(other).dtype.kind
        np.testing.assert_allclose(values, other, rtol=1e-9, atol=1e-10)


def named(table):
    return [f"{k}-{path}" for k, (path, *_) in enumerate(table)]


@pytest.mark.parametrize(("path", "args", "options"), DISPATCHED, ids=named(DISPATCHED))
def test_computed_on_the_device(path, args, options, never):
    function = function_of(path)
    check(function(*on_device(args), **options), function(*args, **options), device=True)


@pytest.mark.parametrize(("path", "args", "options"), SHARED, ids=named(SHARED))
@host_memory
def test_computed_by_compiled_code_on_shared_memory(path, args, options):
    function = function_of(path)
    wanted = function(*args, **options)
    with da.config(host_access="read"):
        check(function(*on_device(args), **options), wanted, device=True)
    with da.config(host_access="never"), pytest.raises(da.HostMixError):
        function(*on_device(args), **options)


@pytest.mark.parametrize(("path", "args", "options"), ON_HOST, ids=named(ON_HOST))
@host_memory
def test_result_is_on_the_host(path, args, options):
    function = function_of(path)
    with da.config(host_access="read"):
        check(function(*on_device(args), **options), function(*args, **options), device=False)


def test_ufuncs_need_no_transfer_if_scipy_does_not_dispatch():
    """Without SCIPY_ARRAY_API `scipy.special` has plain ufuncs, which ask the array itself."""
    program = """
import numpy as np, scipy.special as sp, devarray as da
x = np.linspace(0.1, 2.0, 24).reshape(4, 6)
for f in (sp.erf, sp.gammaln, sp.expit, sp.ndtr, sp.j0, sp.digamma):
    y = f(da.to_gpu(x))
    assert isinstance(y, da.DeviceArray)
    np.testing.assert_array_equal(y.get(), f(x))
y = sp.betainc(2.0, da.to_gpu(x), 0.5)
np.testing.assert_array_equal(y.get(), sp.betainc(2.0, x, 0.5))
"""
    environment = {"DEVARRAY_HOST_ACCESS": "never", "SCIPY_ARRAY_API": None}
    run_program(program, environment)


def run_program(program, environment):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env={k: v for k, v in {**os.environ, **environment}.items() if v is not None},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_policies_for_nan(access):
    holes = V.copy()
    holes[3] = np.nan
    x = da.to_gpu(holes)
    assert np.isnan(float(scipy.stats.skew(x)))
    check(scipy.stats.skew(x, nan_policy="omit"), scipy.stats.skew(V[holes == V]), device=True)
    with pytest.raises(ValueError, match="contains nan"):
        scipy.stats.skew(x, nan_policy="raise")


def test_minimising_a_device_function(access):
    """Optimizers hand out host vectors: the function puts them on the device and gives a float."""
    matrix, goal = da.to_gpu(M), da.to_gpu(V[:4])

    def misfit(p):
        return float(((matrix @ da.to_gpu(p) - goal) ** 2).sum())

    found = scipy.optimize.minimize(misfit, np.zeros(4), tol=1e-12)
    np.testing.assert_allclose(found.x, np.linalg.solve(M, V[:4]), atol=1e-4)


def test_roots_found_elementwise(never):
    targets = np.linspace(1.0, 2.0, 5)
    c = da.to_gpu(targets)
    found = scipy.optimize.elementwise.find_root(
        lambda x, c: x**2 - c, (da.zeros(5), 2 + da.zeros(5)), args=(c,)
    )
    assert isinstance(found.x, da.DeviceArray)
    np.testing.assert_allclose(found.x.get(), np.sqrt(targets), rtol=1e-12)


def test_tanhsinh_integrates_elementwise(never):
    upper = np.linspace(1.0, 2.0, 4)
    found = scipy.integrate.tanhsinh(da.exp, da.zeros(4), da.to_gpu(upper))
    assert isinstance(found.integral, da.DeviceArray)
    np.testing.assert_allclose(found.integral.get(), np.expm1(upper), rtol=1e-12)


def test_derivative_elementwise(never):
    found = scipy.differentiate.derivative(da.exp, da.to_gpu(V[:5]))
    assert isinstance(found.df, da.DeviceArray)
    np.testing.assert_allclose(found.df.get(), np.exp(V[:5]), rtol=1e-9)


def test_laziness_checks_compile_nothing_of_their_own(never, quiet):
    x = da.to_gpu(rng.random((200, 300)))
    scipy.stats.zscore(x, axis=0).get()
    before = da.statistics()
    scipy.stats.zscore(x, axis=0).get()
    assert da.statistics().compiled == before.compiled
