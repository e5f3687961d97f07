"""scikit-learn with ``array_api_dispatch``: results on the device, as from host arrays."""

import functools
import pickle

import numpy as np
import pytest
from compare import on_device, same

import devarray as da
from agreement import NUMPY_LIBRARY, host_memory

sklearn = pytest.importorskip("sklearn")

from sklearn import (  # noqa: E402
    calibration,
    decomposition,
    discriminant_analysis,
    kernel_approximation,
    linear_model,
    metrics,
    mixture,
    model_selection,
    naive_bayes,
    pipeline,
    preprocessing,
    svm,
)
from sklearn.base import clone  # noqa: E402

rng = np.random.default_rng(0)
X = rng.random((48, 4)) + np.repeat(np.eye(4)[:3], 16, axis=0)
CLASS = np.repeat(np.arange(3), 16)
TWO = (np.arange(48) % 16 > 7).astype(np.int64)
Y = X @ np.array([1.0, -2.0, 0.5, 3.0]) + rng.random(48)
COUNTS = rng.poisson(3, 48).astype(np.float64)
WEIGHT = rng.random(48) + 0.5


@pytest.fixture(autouse=True)
def dispatch():
    with sklearn.config_context(array_api_dispatch=True):
        yield


PCA = decomposition.PCA
LDA = discriminant_analysis.LinearDiscriminantAnalysis

# estimator, target, methods that are called with X, fitted attributes
ESTIMATORS = [
    (PCA(2, svd_solver="full"), None, ["transform"], ["components_", "explained_variance_"]),
    (PCA(2, svd_solver="covariance_eigh", whiten=True), None, ["transform"], ["noise_variance_"]),
    (PCA(0.9, svd_solver="full"), None, ["transform", "score_samples"], ["mean_"]),
    (
        PCA(2, svd_solver="randomized", power_iteration_normalizer="QR", random_state=0),
        None,
        ["transform"],
        ["singular_values_"],
    ),
    (LDA(), CLASS, ["predict", "predict_proba", "transform", "decision_function"], ["coef_"]),
    (linear_model.Ridge(solver="svd"), Y, ["predict"], ["coef_"]),
    (
        linear_model.Ridge(alpha=0.1, solver="svd"),
        np.stack([Y, -Y], axis=1),
        ["predict"],
        ["coef_"],
    ),
    (linear_model.RidgeCV(alphas=(0.1, 1.0)), Y, ["predict"], ["coef_"]),
    (linear_model.RidgeClassifier(solver="svd"), CLASS, ["predict"], ["coef_"]),
    (linear_model.RidgeClassifierCV(), CLASS, ["predict"], ["coef_"]),
    (linear_model.LogisticRegression(tol=1e-10), TWO, ["predict", "predict_proba"], ["coef_"]),
    (linear_model.LogisticRegression(tol=1e-10), CLASS, ["predict_log_proba"], ["intercept_"]),
    (linear_model.PoissonRegressor(tol=1e-10), COUNTS, ["predict"], ["coef_"]),
    (naive_bayes.GaussianNB(), CLASS, ["predict", "predict_proba"], ["theta_", "var_"]),
    (
        mixture.GaussianMixture(2, init_params="random_from_data", random_state=0),
        None,
        ["predict", "predict_proba", "score_samples"],
        ["means_", "weights_"],
    ),
    (
        mixture.GaussianMixture(
            2, covariance_type="diag", init_params="random_from_data", random_state=0
        ),
        None,
        ["predict"],
        ["covariances_"],
    ),
    (
        kernel_approximation.Nystroem(n_components=8, random_state=0),
        None,
        ["transform"],
        ["component_indices_"],
    ),
    (preprocessing.StandardScaler(), None, ["transform", "inverse_transform"], ["mean_", "scale_"]),
    (preprocessing.MinMaxScaler((-1, 2)), None, ["transform", "inverse_transform"], ["data_max_"]),
    (preprocessing.MaxAbsScaler(), None, ["transform", "inverse_transform"], ["scale_"]),
    (preprocessing.Normalizer("l1"), None, ["transform"], []),
    (preprocessing.Normalizer("max"), None, ["transform"], []),
    (preprocessing.Binarizer(threshold=0.5), None, ["transform"], []),
    (preprocessing.PolynomialFeatures(3), None, ["transform"], []),
    (preprocessing.PolynomialFeatures(interaction_only=True), None, ["transform"], []),
    (
        pipeline.make_pipeline(preprocessing.StandardScaler(), PCA(2), LDA()),
        CLASS,
        ["predict", "predict_proba"],
        [],
    ),
    (
        pipeline.FeatureUnion([("a", preprocessing.MaxAbsScaler()), ("b", PCA(2))]),
        None,
        ["transform"],
        [],
    ),
    (
        model_selection.GridSearchCV(linear_model.Ridge(solver="svd"), {"alpha": [0.1, 1.0]}, cv=3),
        Y,
        ["predict"],
        [],
    ),
    (
        calibration.CalibratedClassifierCV(LDA(), method="temperature", cv=3, ensemble=False),
        CLASS,
        ["predict_proba"],
        [],
    ),
]


def called(estimator):
    text = " ".join(str(estimator).split())
    return text if len(text) < 60 else f"{text[:57]}..."


def agree(got, wanted):
    """Compare results; iterative solvers stop within their tolerance, not at the same bit."""
    if isinstance(wanted, np.ndarray) and wanted.dtype.kind in "US":
        np.testing.assert_array_equal(got, wanted)
        return
    same(got, wanted, rtol=1e-6, atol=1e-8)


def facing(got, wanted):
    """Return the columns of a projection with the signs of `wanted`: an SVD may choose them."""
    return got * np.sign((got.get() * wanted).sum(0)).tolist()


@pytest.mark.parametrize(
    ("estimator", "target", "methods", "attributes"),
    ESTIMATORS,
    ids=[f"{k}-{called(e[0])}" for k, e in enumerate(ESTIMATORS)],
)
def test_estimator(estimator, target, methods, attributes, access):
    wanted, got = clone(estimator), clone(estimator)
    x = da.to_gpu(X)
    if target is None:
        wanted.fit(X)
        got.fit(x)
    else:
        wanted.fit(X, target)
        got.fit(x, da.to_gpu(target))
    for method in methods:
        result, expected = getattr(got, method)(x), getattr(wanted, method)(X)
        turned = method == "transform" and isinstance(got, LDA) and not NUMPY_LIBRARY
        agree(facing(result, expected) if turned else result, expected)
    for attribute in attributes:
        agree(getattr(got, attribute), getattr(wanted, attribute))


FLOAT32 = (PCA, preprocessing.StandardScaler, preprocessing.MinMaxScaler, LDA)


@pytest.mark.parametrize("estimator", FLOAT32)
def test_float32_stays_float32(estimator, access):
    x = da.to_gpu(X.astype(np.float32))
    assert estimator().fit(x, da.to_gpu(CLASS)).transform(x).dtype == np.float32


@pytest.mark.parametrize("labels", [CLASS, CLASS[::-1].copy() * 5, TWO])
def test_labels(labels, access):
    wanted, got = preprocessing.LabelEncoder(), preprocessing.LabelEncoder()
    codes = wanted.fit_transform(labels)
    same(got.fit_transform(da.to_gpu(labels)), codes)
    same(got.inverse_transform(da.to_gpu(codes)), labels)
    same(
        preprocessing.LabelBinarizer().fit_transform(da.to_gpu(labels)),
        preprocessing.LabelBinarizer().fit_transform(labels),
    )


@pytest.mark.parametrize("function", [preprocessing.minmax_scale, preprocessing.maxabs_scale])
def test_functions_of_preprocessing(function, access):
    same(function(da.to_gpu(X)), function(X))


def test_kernel_centerer(access):
    kernel = metrics.pairwise.linear_kernel(X)
    centre = preprocessing.KernelCenterer()
    same(clone(centre).fit_transform(da.to_gpu(kernel)), clone(centre).fit_transform(kernel))


LABELS = (CLASS, np.roll(CLASS, 3))
BINARY = (TWO, np.roll(TWO, 3))
SCORES = (TWO, rng.random(48))
PROBABILITIES = (CLASS, rng.dirichlet(np.ones(3), 48))
REGRESSION = (COUNTS + 1, COUNTS + rng.random(48))
PAIRS = (X, X[::-1] + 0.1)  # no pair has distance 0, which has no digits
macro = functools.partial

METRICS = [
    (metrics.accuracy_score, LABELS),
    (metrics.average_precision_score, SCORES),
    (metrics.balanced_accuracy_score, LABELS),
    (metrics.brier_score_loss, SCORES),
    (metrics.cohen_kappa_score, LABELS),
    (metrics.confusion_matrix, LABELS),
    (metrics.d2_brier_score, SCORES),
    (metrics.d2_log_loss_score, PROBABILITIES),
    (metrics.det_curve, SCORES),
    (macro(metrics.f1_score, average="macro"), LABELS),
    (macro(metrics.f1_score, average=None), LABELS),
    (macro(metrics.fbeta_score, beta=2, average="weighted"), LABELS),
    (metrics.hamming_loss, LABELS),
    (macro(metrics.jaccard_score, average="macro"), LABELS),
    (metrics.log_loss, PROBABILITIES),
    (metrics.multilabel_confusion_matrix, LABELS),
    (macro(metrics.precision_score, average="micro"), LABELS),
    (metrics.precision_recall_curve, SCORES),
    (macro(metrics.precision_recall_fscore_support, average="macro"), LABELS),
    (macro(metrics.recall_score, average="macro"), LABELS),
    (metrics.roc_auc_score, SCORES),
    (metrics.roc_curve, SCORES),
    (metrics.zero_one_loss, LABELS),
    (metrics.f1_score, BINARY),
    (metrics.classification_report, LABELS),
    (metrics.d2_absolute_error_score, REGRESSION),
    (metrics.d2_pinball_score, REGRESSION),
    (metrics.d2_tweedie_score, REGRESSION),
    (metrics.explained_variance_score, REGRESSION),
    (metrics.max_error, REGRESSION),
    (metrics.mean_absolute_error, REGRESSION),
    (metrics.mean_absolute_percentage_error, REGRESSION),
    (metrics.mean_gamma_deviance, REGRESSION),
    (metrics.mean_pinball_loss, REGRESSION),
    (metrics.mean_poisson_deviance, REGRESSION),
    (metrics.mean_squared_error, REGRESSION),
    (metrics.mean_squared_log_error, REGRESSION),
    (metrics.mean_tweedie_deviance, REGRESSION),
    (metrics.median_absolute_error, REGRESSION),
    (metrics.r2_score, REGRESSION),
    (metrics.root_mean_squared_error, REGRESSION),
    (metrics.root_mean_squared_log_error, REGRESSION),
    (metrics.calinski_harabasz_score, (X, CLASS)),
    (metrics.davies_bouldin_score, (X, CLASS)),
    (metrics.pairwise.additive_chi2_kernel, PAIRS),
    (metrics.pairwise.chi2_kernel, PAIRS),
    (metrics.pairwise.cosine_distances, PAIRS),
    (metrics.pairwise.cosine_similarity, PAIRS),
    (metrics.pairwise.euclidean_distances, PAIRS),
    (metrics.pairwise.laplacian_kernel, PAIRS),
    (metrics.pairwise.linear_kernel, PAIRS),
    (metrics.pairwise.manhattan_distances, PAIRS),
    (metrics.pairwise.paired_cosine_distances, PAIRS),
    (metrics.pairwise.paired_euclidean_distances, PAIRS),
    (metrics.pairwise.polynomial_kernel, PAIRS),
    (metrics.pairwise.rbf_kernel, PAIRS),
    (metrics.pairwise.sigmoid_kernel, PAIRS),
    (macro(metrics.pairwise_distances, metric="euclidean"), PAIRS),
    (macro(metrics.pairwise_kernels, metric="rbf"), PAIRS),
]


def name_of(metric):
    return getattr(metric, "func", metric).__name__


@pytest.mark.parametrize(
    ("metric", "args"), METRICS, ids=[f"{k}-{name_of(m[0])}" for k, m in enumerate(METRICS)]
)
def test_metric(metric, args, access):
    agree(metric(*on_device(args)), metric(*args))


@pytest.mark.parametrize(
    ("metric", "args"),
    [
        (metrics.accuracy_score, LABELS),
        (metrics.roc_auc_score, SCORES),
        (metrics.r2_score, REGRESSION),
        (metrics.log_loss, PROBABILITIES),
    ],
)
def test_metric_with_weights(metric, args, access):
    agree(
        metric(*on_device(args), sample_weight=da.to_gpu(WEIGHT)),
        metric(*args, sample_weight=WEIGHT),
    )


def test_train_test_split(access):
    options = {"random_state": 0, "stratify": CLASS}
    wanted = model_selection.train_test_split(X, CLASS, **options)
    options["stratify"] = da.to_gpu(CLASS)
    same(model_selection.train_test_split(*on_device((X, CLASS)), **options), wanted)


def test_cross_validation(access):
    model = linear_model.Ridge(solver="svd")
    for function in (model_selection.cross_val_predict, model_selection.cross_val_score):
        got = function(model, *on_device((X, Y)), cv=4)
        wanted = function(model, X, Y, cv=4)
        np.testing.assert_allclose(
            got.get() if isinstance(got, da.DeviceArray) else got, wanted, rtol=1e-9
        )


def test_fitted_estimators_are_pickled_with_their_device_arrays(access):
    x = da.to_gpu(X)
    model = pickle.loads(pickle.dumps(PCA(2).fit(x)))
    assert isinstance(model.components_, da.DeviceArray)
    same(model.transform(x), PCA(2).fit(X).transform(X), rtol=1e-6, atol=1e-8)


def test_host_arrays_and_device_arrays_are_not_mixed(access):
    model = PCA(2).fit(da.to_gpu(X))
    with pytest.raises(ValueError, match="namespace"):
        model.transform(X)


@host_memory
def test_an_estimator_without_support_reads_the_host_or_says_so():
    x, y = on_device((X, CLASS))
    with da.config(host_access="read"), sklearn.config_context(array_api_dispatch=False):
        np.testing.assert_array_equal(
            svm.SVC().fit(x, y).predict(x), svm.SVC().fit(X, CLASS).predict(X)
        )
    with (
        da.config(host_access="never"),
        sklearn.config_context(array_api_dispatch=False),
        pytest.raises(da.HostMixError, match=r"\.get\(\)"),
    ):
        svm.SVC().fit(x, y)
