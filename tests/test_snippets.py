"""Kernels from expressions: elementwise, reductions, scans; compared with NumPy."""

import io
import math
import os

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import devarray as da
from devarray import plans
from devarray.backends.cuda import PRELUDE_FILES as CUDA
from devarray.backends.hip import PRELUDE_FILES as HIP
from devarray.kernels import hip_offline, nvrtc
from devarray.kernels.emit_grid import emit_grid
from devarray.kernels.preludes import with_prelude
from devarray.snippets import IndexedKernel, IndexedReduction
from devarray.snippets import scan as scan_module
from devarray.snippets.signature import parse_arguments, parse_params
from devarray.snippets.text import assigned_first, is_plain

F4, F8 = np.dtype("f4"), np.dtype("f8")


@pytest.fixture(scope="module")
def raw():
    """Skip where the device has no raw kernels."""
    x = da.zeros(1, dtype="int32")
    try:
        da.RawKernel('extern "C" __global__ void one(int *x) { x[0] = 1; }', "one")(1, 1, (x,))
    except da.UnsupportedError as error:
        pytest.skip(str(error))
    assert x.item() == 1


@pytest.fixture(scope="module")
def operators():
    """Skip where the device's language has no operators for complex numbers."""
    try:
        da.ElementwiseKernel("T x", "T y", "y = x * x", "square")(da.asarray([1j])).get()
    except da.CompileError as error:
        if "compiles OpenCL C" not in str(error):
            raise
        pytest.skip("complex numbers in expressions need C++")


@pytest.fixture
def x():
    return np.linspace(-2, 3, 30, dtype="f4").reshape(5, 6)


def kernels_for(array):
    """Return what explain says of an array, without the texts."""
    out = io.StringIO()
    da.explain(array, source=False, file=out)
    return out.getvalue()


SQUARED = da.ElementwiseKernel("T x, T y", "T z", "z = (x - y) * (x - y)", "squared_diff")


# ---- elementwise
@pytest.mark.parametrize("dtype", ["f8", "f2", "i4", "u1"])
def test_generic_types(dtype):
    a, b = np.arange(12).astype(dtype).reshape(3, 4), np.arange(4).astype(dtype)
    got = SQUARED(da.asarray(a), da.asarray(b))
    assert got.dtype == dtype
    assert_array_equal(got.get(), ((a - b) * (a - b)).astype(dtype))


def test_it_is_fused_with_what_comes_before_and_after(x):
    array = da.asarray(x)
    result = SQUARED(array + 1, 2 * array[0]) * 3
    said = kernels_for(result)
    assert said.startswith("1 kernel\n")
    assert "fuses: add, multiply, squared_diff, multiply" in said
    assert_allclose(result.get(), (x + 1 - 2 * x[0]) ** 2 * 3, rtol=1e-6)
    total = SQUARED(array, 1).sum(axis=0)
    assert kernels_for(total).startswith("1 kernel\nkernel 1: reduce")
    assert_allclose(total.get(), ((x - 1) ** 2).sum(axis=0), rtol=1e-6)


@pytest.mark.parametrize(
    "view", [lambda a: a.T, lambda a: a[::2, ::-1], lambda a: a[:, :1], lambda a: a[1:1]]
)
def test_views_and_the_index(x, view):
    kernel = da.ElementwiseKernel("T x", "double y", "y = x * 2 + i - n", "indexed")
    want = view(x)
    numbers = np.arange(want.size).reshape(want.shape)
    assert_allclose(kernel(view(da.asarray(x))).get(), want * 2.0 + numbers - want.size, rtol=1e-5)


def test_zero_axes_and_scalars():
    assert SQUARED(da.asarray(3.0), 1).get() == 4
    assert SQUARED(da.asarray(3.0), np.float64(1)).shape == ()
    assert SQUARED(5, da.asarray([1, 2])).get().tolist() == [16, 9]
    typed = da.ElementwiseKernel("float32 x, int64 k, bool b", "float32 z", "z = b ? x * k : x")
    assert typed(da.asarray([1.5], dtype="f4"), 3, True).get() == [4.5]
    count = da.ElementwiseKernel("T x", "T y", "y = x + i")
    assert count(10, size=3).get().tolist() == [10, 11, 12]
    assert count(1.5, size=2).dtype == F8
    only = da.ElementwiseKernel("", "int32 y", "y = 7")
    assert only(size=2).get().tolist() == [7, 7]


def test_several_outputs(x):
    kernel = da.ElementwiseKernel("T x, T y", "T s, bool more", "s = x + y; more = x > y", "two")
    s, more = kernel(da.asarray(x), 0.5)
    assert_array_equal(s.get(), x + np.float32(0.5))
    assert_array_equal(more.get(), x > 0.5)
    one = da.ElementwiseKernel("T x", "T y", "y = x", return_tuple=True)
    assert isinstance(one(da.asarray(x)), tuple)


def test_outputs_that_are_given(x):
    array, out = da.asarray(x), da.empty(x.shape, dtype="f4")
    assert SQUARED(array, 1, out) is out
    assert_array_equal(out.get(), (x - 1) * (x - 1))
    before = out + 0  # a pending reader keeps what it read
    SQUARED(array, out, array)
    assert_array_equal(before.get(), (x - 1) * (x - 1))
    assert_allclose(array.get(), (x - (x - 1) * (x - 1)) ** 2, rtol=1e-6)
    part = da.zeros((5, 12), dtype="f4")
    SQUARED(da.asarray(x), 1, part[:, ::2])
    want = np.zeros((5, 12), "f4")
    want[:, ::2] = (x - 1) * (x - 1)
    assert_array_equal(part.get(), want)
    silent = da.ElementwiseKernel("T x", "T y", "y = x", no_return=True)
    assert silent(array, out) is None


def test_outputs_are_read(x):
    more = da.ElementwiseKernel("T x", "T y", "y += x", "accumulate")
    out = da.ones(x.shape, dtype="f4")
    more(da.asarray(x), out)
    more(da.asarray(x), out)
    assert_array_equal(out.get(), 1 + x + x)
    some = da.ElementwiseKernel("T x", "T y", "if (x > 0) { y = x; }", "some")
    out = da.full(x.shape, 9, dtype="f4")
    some(da.asarray(x), out)
    assert_array_equal(out.get(), np.where(x > 0, x, 9))
    assert_array_equal(some(da.asarray(x)).get(), np.where(x > 0, x, 0))


def test_outputs_among_the_inputs():
    swap = da.ElementwiseKernel("T x, T y", "T p, T q", "p = y * 2; q = x * 2", "swap")
    a, b = np.arange(6.0), np.arange(6.0)[::-1].copy()
    for part in (slice(None), slice(1, 5)):
        x, y = da.asarray(a), da.asarray(b)
        swap(x[part], y[part], x[part], y[part])
        assert_array_equal(x.get()[part], b[part] * 2)
        assert_array_equal(y.get()[part], a[part] * 2)
        swap(x, y, x, y)
        assert_array_equal(x.get()[part], a[part] * 4)


def test_macros_as_options(x):
    scaled = da.ElementwiseKernel("T x", "T y", "y = x * BY", "scaled", options=("-DBY=3",))
    assert scaled.fuses
    assert_array_equal(scaled(da.asarray(x)).get(), x * 3)
    total = da.ReductionKernel(
        "T x", "T y", "x * BY", "a + b", "y = a", 0, options=("-D BY=2", "-DUNUSED")
    )
    assert total.fuses
    assert_allclose(total(da.asarray(x)).get(), x.sum() * 2, rtol=1e-5)


def test_overlapping_output():
    a = np.arange(8.0)
    array = da.asarray(a)
    SQUARED(array[:-1], 0, array[1:])
    assert_array_equal(array.get(), np.concatenate([[0], a[:-1] ** 2]))


def test_positional_names_and_types(x):
    kernel = da.ElementwiseKernel("T x, T y", "T z", "out0 = in0 * (out0_type)2 + in1", "named")
    assert_array_equal(kernel(da.asarray(x), 1).get(), x * 2 + 1)


def test_preambles_do_not_meet(x):
    one = "#define K 3\n__device__ T clipped(T a) { return max(a, T(0)) * K; }"
    two = "#define K 5\n__device__ inline T clipped(T a) { return min(a, T(0)) * K; }"
    plus = da.ElementwiseKernel("T x", "T y", "y = clipped(x)", "plus", preamble=one)
    minus = da.ElementwiseKernel("T x", "T y", "y = clipped(x)", "minus", preamble=two)
    both = plus(da.asarray(x)) + minus(da.asarray(x))
    assert kernels_for(both).startswith("1 kernel")
    assert_allclose(both.get(), np.maximum(x, 0) * 3 + np.minimum(x, 0) * 5, rtol=1e-6)


FUNCTIONS = {
    "exp(x)": np.exp, "expf(x)": np.exp, "__expf(x)": np.exp, "log1p(x)": np.log1p,
    "sqrt(x)": np.sqrt, "rsqrt(x)": lambda x: 1 / np.sqrt(x), "cbrt(x)": np.cbrt,
    "floor(x) + ceil(x)": lambda x: np.floor(x) + np.ceil(x),
    "round(x)": lambda x: np.floor(x + 0.5),
    "trunc(x) + rint(x)": lambda x: np.trunc(x) + np.rint(x),
    "atan2(x, T(2))": lambda x: np.arctan2(x, 2), "hypot(x, x)": lambda x: np.hypot(x, x),
    "pow(x, 3)": lambda x: x**3, "powf(x, 2.5f)": lambda x: x**2.5, "abs(-x)": np.abs,
    "fmod(x, T(0.7))": lambda x: np.fmod(x, x.dtype.type(0.7)), "fabsf(-x)": np.abs,
    "max(x, 1) + min(x, 1)": lambda x: np.maximum(x, 1) + np.minimum(x, 1),
    "fma(x, x, x)": lambda x: x * x + x,
    "erf(x)": np.vectorize(math.erf), "lgamma(x + 1)": np.vectorize(lambda v: math.lgamma(v + 1)),
    "isnan(x) + isfinite(x)": lambda x: np.isnan(x) + 0.0 + np.isfinite(x),
    "std::sin(x) * M_PI": lambda x: np.sin(x) * np.pi, "x < INFINITY": lambda x: x < np.inf,
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_functions(dtype):
    cases = "\n".join(f"case {k}: y = {text}; break;" for k, text in enumerate(FUNCTIONS))
    kernel = da.ElementwiseKernel("T x, int64 k", "double y", f"switch (k) {{ {cases} }}", "all")
    a = np.linspace(0.1, 4, 17).astype(dtype)
    got = kernel(da.asarray(a), da.arange(len(FUNCTIONS))[:, None]).get()
    for row, (name, function) in zip(got, FUNCTIONS.items(), strict=True):
        assert_allclose(row, function(a), rtol=3e-6, err_msg=name)


def test_nan_and_infinity():
    a = np.array([np.nan, np.inf, -np.inf, -0.0, 1])
    with np.errstate(invalid="ignore"):
        want = (a - a[::-1]) * (a - a[::-1])
    assert_array_equal(SQUARED(da.asarray(a), da.asarray(a)[::-1]).get(), want)
    larger = da.ElementwiseKernel("T x, T y", "T z", "z = fmax(x, y)", "larger")
    assert_array_equal(larger(da.asarray(a), 0).get(), np.fmax(a, 0))


def test_control_flow():
    collatz = da.ElementwiseKernel(
        "int64 x",
        "int64 steps",
        """
        steps = 0;  // and a comment with continue
        if (x < 1) continue;
        long long v = x;
        while (v != 1) { v = v % 2 ? 3 * v + 1 : v / 2; ++steps; }
        """,
        "collatz",
    )
    assert collatz(da.arange(8)).get().tolist() == [0, 0, 1, 7, 2, 5, 8, 16]


def test_complex_numbers(x, operators):
    z = (x + 1j * x[::-1]).astype("c8")
    kernel = da.ElementwiseKernel(
        "T x, float32 s", "T y, float32 r", "y = conj(x) * T(0, 1) / (x + s); r = abs(x) + x.real()"
    )
    y, r = kernel(da.asarray(z), 2)
    assert_allclose(y.get(), np.conj(z) * 1j / (z + 2), rtol=1e-5)
    assert_allclose(r.get(), abs(z) + z.real, rtol=1e-5)
    exp = da.ElementwiseKernel("complex128 x", "complex128 y", "y = exp(x) + complex<double>(1, 2)")
    assert_allclose(exp(da.asarray(z.astype("c16"))).get(), np.exp(z.astype("c16")) + 1 + 2j)


@pytest.mark.filterwarnings("error")
def test_check_mode_capture_and_eager(x):
    with da.config(check=True):
        assert_allclose((SQUARED(da.asarray(x), 1) + 1).get(), (x - 1) ** 2 + 1, rtol=1e-6)
    with da.config(eager=True):
        assert_allclose((SQUARED(da.asarray(x), 1) + 1).get(), (x - 1) ** 2 + 1, rtol=1e-6)
    pending = SQUARED(da.asarray(x), 1)
    assert_allclose(float(pending[1, 1]), (x[1, 1] - 1) ** 2, rtol=1e-6)


# ---- texts that are C++, which some devices have in kernels of their own only
LSTM = """
template <typename T> __device__ T sigmoid(T x) {
    const T half = 0.5;
    return tanh(x * half) * half + half;
}
template <typename T> __device__ inline T grad_tanh(T y) { return 1 - y * y; }
__device__ void add(double &total, const double &x) { total += x; }
#define COMMON \\
    T aa = tanh(a); \\
    T ai = sigmoid(b);
"""


@pytest.mark.parametrize("dtype", ["f4", "f8", "f2"])
def test_preambles_with_templates(dtype):
    kernel = da.ElementwiseKernel(
        "T a, T b", "T c, T d", "COMMON; c = aa * ai; d = grad_tanh(c);", "lstm", preamble=LSTM
    )
    assert kernel.fuses
    assert kernel.fuses_on(da.get_device()) == da.get_device().cpp
    a = np.linspace(-1, 1, 12).astype(dtype).reshape(3, 4)
    c, d = kernel(da.asarray(a) + 1, da.asarray(a)[::-1])
    want = np.tanh(a + 1.0) / (1 + np.exp(-a[::-1].astype("f8")))
    tolerance = 1e-2 if dtype == "f2" else 1e-5
    assert_allclose((c * 2).get(), want * 2, rtol=tolerance, atol=tolerance)
    assert_allclose(d.get(), 1 - want**2, rtol=tolerance, atol=tolerance)
    out = da.zeros((4, 3), dtype).T
    kernel(da.asarray(a), 0.5, out, da.zeros((3, 4), dtype))
    assert_allclose(
        out.get(), np.tanh(a.astype("f8")) / (1 + np.exp(-0.5)), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize(
    "text",
    [
        "auto r = x * 2; y = r",
        "y = static_cast<double>(x) + x",
        "double r = x; add(r, x); y = r",
        "y = std::abs(-x) + abs(x)",
    ],
)
def test_texts_in_cpp(text):
    x = np.arange(4.0)
    kernel = da.ElementwiseKernel("T x", "T y", text, "cpp", preamble=LSTM if "add" in text else "")
    assert kernel.fuses
    assert_array_equal(kernel(da.asarray(x)).get(), 2 * x)


@pytest.mark.parametrize("dtype", ["c8", "c16"])
def test_complex_numbers_need_operators(dtype):
    z = np.array([1 + 2j, -3j, 0.5, 0]).astype(dtype)
    kernel = da.ElementwiseKernel("T x", "T y", "y = x * x + exp(x) * conj(x) - pow(x, T(2))", "c")
    assert kernel.fuses_on(da.get_device(), {"T": z.dtype}) == da.get_device().cpp
    assert kernel.fuses_on(da.get_device(), {"T": F4})
    want = np.exp(z) * np.conj(z)
    assert_allclose((kernel(da.asarray(z)) * 2).get(), 2 * want, rtol=1e-5, atol=1e-5)
    total = da.ReductionKernel("T x", "T y", "x * x", "a + b", "y = a", "0", "total")
    assert_allclose(total(da.asarray(z) + 1).get(), ((z + 1) ** 2).sum(), rtol=1e-5)


@pytest.mark.parametrize("header", ["", "template <class T> __device__ T own(T x) { return x; }"])
@pytest.mark.parametrize("name", ["half", "global", "local", "kernel", "constant", "pipe"])
def test_names_that_opencl_reserves(name, header):
    x = np.arange(4.0)
    text = f"T {name} = x / 2; z = {name} + x; // {name}"
    kernel = da.ElementwiseKernel("T x", "T z", text, "reserved", preamble=header)
    assert_array_equal(kernel(da.asarray(x)).get(), 1.5 * x)
    kernel = da.ElementwiseKernel(f"T {name}", "T z", f"z = {name} + 1", "p", preamble=header)
    assert_array_equal(kernel(da.asarray(x)).get(), x + 1)


def test_reductions_and_indexed_kernels_in_cpp():
    x = np.arange(12.0).reshape(3, 4)
    total = da.ReductionKernel(
        "T x", "T y", "sigmoid(x)", "a + b", "y = a", "0", "total", preamble=LSTM
    )
    assert total.fuses
    want = 1 / (1 + np.exp(-x))
    assert_allclose(total(da.asarray(x), axis=1).get(), want.sum(axis=1), rtol=1e-12)
    assert_allclose(total(da.asarray(x)[::-1].T, axis=(0, 1)).get(), want.sum(), rtol=1e-12)
    twice = IndexedKernel("double *x, double *y", "y[i] = sigmoid(x[i])", preamble=LSTM)
    assert twice.fuses
    y = da.zeros((3, 4))
    twice(da.asarray(x), y)
    assert_allclose(y.get(), want, rtol=1e-12)
    largest = IndexedReduction(
        "f8", "0", "static_cast<double>(max(a, b))", "sigmoid(x[i])", "double *x",
        preamble=LSTM,
    )  # fmt: skip
    assert largest.fuses
    assert_allclose(largest(da.asarray(x)).get(), want.max(), rtol=1e-12)


# ---- elementwise: kernels of their own
def test_raw_arguments(raw, x):
    turned = da.ElementwiseKernel(
        "raw T x", "T y", "y = x[_ind.size() - 1 - i] * x.size()", "turned"
    )
    assert not turned.fuses
    assert_array_equal(turned(da.asarray(x) + 0, size=30).get(), x.ravel()[::-1] * 30)
    part = da.ElementwiseKernel("raw T x, T w", "T y", "y = x[i * x.shape()[1]] * w", "part")
    assert_array_equal(part(da.asarray(x).T, da.asarray(x[0, :6])).get(), x.T[:, 0] * x[0])
    wide = part(da.asarray(x), da.asarray(x)[:, :1])
    assert_array_equal(wide.get(), (x[:, 0] * x[:, 0])[:, None])


def test_raw_types(raw, operators):
    kernel = da.ElementwiseKernel("raw T x, T w", "T y", "if (i) y = x[i - 1] * w + w", "previous")
    for dtype in ("c8", "c16", "u1", "?"):
        a = (np.arange(6) * (1 + 0.5j if dtype[0] == "c" else 1)).astype(dtype)
        got = kernel(da.asarray(a), da.asarray(a))
        want = np.zeros(6, dtype)
        want[1:] = a[:-1] * a[1:] + a[1:]
        assert got.dtype == dtype
        assert_allclose(got.get(), want, rtol=1e-6)


@pytest.mark.parametrize(
    ("params", "operation"),
    [
        ("raw T x", "T at = i * 0.75; y = x[at]"),
        ("raw T x", "float at = i * 0.75f; y = x[at]"),
        ("raw T x", "y = x[fabs(-0.75 * i)]"),
        ("raw T x", "auto at = 3 * i / 4; y = x[x[at]] /* of [x] */"),
        ("raw T x, float32 z", "y = x[z + i * 3 / 4]"),
        ("raw T x, int32 z", "int at = i * 3; at /= 4; y = x[at + z]"),
        ("raw T x, int32 z", "int at[] = {(int)(i * 3 / 4 + z)}; y = x[at]"),
        ("raw T x, int32 z, raw S w", "const unsigned at = w[i]; y = x[w[at - at + i] + z]"),
    ],
)
def test_raw_arrays_are_indexed_by_integers(raw, params, operation):
    x, places = np.arange(8.0), np.arange(8) * 3 // 4
    arrays = {"x": da.asarray(x), "z": 0, "w": da.asarray(places)}
    given = [arrays[param.split()[-1]] for param in params.split(", ")]
    kernel = da.ElementwiseKernel(params, "T y", operation, "places")
    np.testing.assert_array_equal(kernel(*given, size=8).get(), x[places])


def test_raw_results_at_floating_point_indices(raw):
    x, y = np.array([2.75, 0.5, -0.5]), da.zeros(3)
    da.ElementwiseKernel("T x", "raw T y", "atomicAdd(&y[x], 1.0)")(da.asarray(x), y)
    assert y.get().tolist() == np.bincount(x.astype(int), minlength=3).tolist() == [2, 0, 1]


def test_reductions_index_raw_arrays_by_integers(raw):
    kernel = da.ReductionKernel("T t, raw T x", "T y", "x[t]", "a + b", "y = a", "0")
    t, x = np.array([2.9, 0.5, 1]), np.arange(9.0)
    assert kernel(da.asarray(t), da.asarray(x)).get() == x[t.astype(int)].sum() == 3


def test_raw_complex_functions(raw, operators):
    z = np.array([1 + 2j, -3 + 0.5j, -2 - 1j, 0.25, 4j, -1])
    text = "T z = x[i]; y = exp(z) + log(z) * sin(z) - cos(z) / sqrt(z) + pow(z, T(2, 1)) * abs(z)"
    kernel = da.ElementwiseKernel("raw T x", "T y", text, "functions")
    want = np.exp(z) + np.log(z) * np.sin(z) - np.cos(z) / np.sqrt(z) + z ** (2 + 1j) * abs(z)
    assert_allclose(kernel(da.asarray(z), size=6).get(), want, rtol=1e-12)
    assert not kernel.fuses


def test_raw_outputs(raw):
    values = np.array([0, 2, 2, 1, 2, 5], dtype="i4")
    bins = da.zeros(6, dtype="i4")
    count = da.ElementwiseKernel("int32 x", "raw int32 h", "atomicAdd(&h[x], 1)", "count")
    later = bins + 0
    count(da.asarray(values), bins)
    assert later.get().tolist() == [0] * 6
    assert bins.get().tolist() == np.bincount(values, minlength=6).tolist()
    spread = da.zeros((6, 2), dtype="i4")
    count(da.asarray(values), spread[:, 1])
    assert spread.get()[:, 1].tolist() == bins.get().tolist()


def test_around_the_loop_and_options(raw):
    total = da.ElementwiseKernel(
        "T x", "raw T sum", "mine += x * FACTOR", "total", options=("-DFACTOR=2", "-w"),
        loop_prep="T mine = 0;", after_loop="atomicAdd(&sum[0], mine);",
    )  # fmt: skip
    out = da.zeros(1, dtype="f4")
    total(da.ones(100_000, dtype="f4"), out, block_size=64)
    assert out.item() == 200_000


# ---- reductions
NORM = da.ReductionKernel("T x", "T y", "x * x", "a + b", "y = sqrt(a)", "0", "l2norm")


@pytest.mark.parametrize("axis", [None, 0, 1, 2, -1, (0, 1), (0, 2), (1, 2)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_axes(axis, keepdims):
    a = np.random.default_rng(1).random((4, 5, 30))
    got = NORM(da.asarray(a) + 1, axis=axis, keepdims=keepdims) * 2
    assert_allclose(got.get(), 2 * np.sqrt(((a + 1) ** 2).sum(axis=axis, keepdims=keepdims)))


def test_a_reduction_is_one_kernel(x):
    assert kernels_for(NORM(da.asarray(x) + 1, axis=1) * 2).startswith("1 kernel\n")


def test_reductions_that_begin_with_nothing():
    largest = da.ReductionKernel("T x, T y", "T z", "max(x, y)", "max(a, b)", "z = a", None, "most")
    a = -1 - np.random.default_rng(2).random((3, 40, 30))
    for axis in (0, 1, None):
        assert_array_equal(largest(da.asarray(a), -9, axis=axis).get(), a.max(axis=axis))
    with pytest.raises(
        ValueError, match="zero-size array to reduction operation most which has no"
    ):
        largest(da.zeros((3, 0)), 1.0, axis=1)
    assert largest(da.zeros((0, 3)), 1.0, axis=1).shape == (0,)
    assert_array_equal(NORM(da.zeros((3, 0)), axis=1).get(), np.zeros(3))
    assert NORM(da.zeros(())).get() == 0


def test_order_of_operands():
    """Which of two comes first is kept: here the first and the last element survive."""
    a = np.random.default_rng(3).random((7, 300, 9))
    for text, pick in (("a", 0), ("b", -1)):
        kernel = da.ReductionKernel("T x", "T y", "x", text, "y = a", "0", "edge")
        if not da.get_device().grid:  # teams of threads take every eighth element
            assert_array_equal(kernel(da.asarray(a), axis=0).get(), a[pick])
        assert kernel(da.asarray(a[:1, 0, :1])).get() == a[0, 0, 0]


def test_accumulators_and_sizes(x):
    mean = da.ReductionKernel(
        "T x", "T y", "x", "a + b", "y = a / (_in_ind.size() / _out_ind.size())", "0", "mean",
        reduce_type="double",
    )  # fmt: skip
    assert_allclose(mean(da.asarray(x), axis=1).get(), x.mean(axis=1), rtol=1e-5, atol=1e-7)
    out = da.zeros(6, dtype="f4")
    assert mean(da.asarray(x), out, axis=0) is out
    assert_allclose(out.get(), x.mean(axis=0), rtol=1e-5, atol=1e-7)
    product = da.ReductionKernel("T x", "T y", "x", "a * b", "y = a", 1)
    small = np.arange(1, 13, dtype="i8").reshape(3, 4)
    assert_array_equal(product(da.asarray(small), axis=0).get(), small.prod(axis=0))
    half = np.linspace(1, 2, 12).astype("f2").reshape(3, 4)
    assert_allclose(product(da.asarray(half), axis=1).get(), half.prod(axis=1), rtol=2e-3)


def test_siblings_are_computed_together(x):
    array = da.asarray(x) + 1
    low = da.ReductionKernel("T x", "T y", "x", "min(a, b)", "y = a", None, "low")
    both = low(array, axis=1) + array.sum(axis=1)
    assert_allclose(both.get(), (x + 1).min(axis=1) + (x + 1).sum(axis=1), rtol=1e-5)


STRUCT = """
struct limits {
  float low, high;
  __device__ limits() {}
  __device__ limits(float a, float b) : low(a), high(b) {}
};
__device__ limits joined(limits a, limits b) {
  return limits(fminf(a.low, b.low), fmaxf(a.high, b.high));
}
"""
LIMITS = np.dtype([("low", "f4"), ("high", "f4")])


def test_structs(raw, operators):
    spread = da.ReductionKernel(
        "T x", "T y", "limits(x, x)", "joined(a, b)", "y = a.high - a.low", "limits(0, 0)",
        "spread", reduce_type="limits", preamble=STRUCT,
    )  # fmt: skip
    assert not spread.fuses
    a = np.random.default_rng(4).normal(size=(3, 50, 4)).astype("f4")
    for axis in (None, 0, 1, 2, (0, 2)):
        got = spread(da.asarray(a), axis=axis, keepdims=True)
        assert_array_equal(got.get(), np.ptp(a, axis=axis, keepdims=True))
    assert spread(da.zeros((0, 2), dtype="f4"), axis=0).get().tolist() == [0, 0]
    ends = IndexedReduction(
        LIMITS, "limits(9, -9)", "joined(a, b)", "limits(x[i], x[i])", "const float *x",
        preamble=STRUCT, types={"limits": LIMITS},
    )  # fmt: skip
    for n in (0, 1, 127, 513, 140_001):
        b = np.random.default_rng(n).normal(size=n).astype("f4")
        low, high = ends(da.asarray(b)).get().view(LIMITS)[0]
        assert (low, high) == ((b.min(), b.max()) if n else (9, -9))


# ---- C argument lists
LINEAR = IndexedKernel("float a, float *x, float b, float *y, float *z", "z[i] = a*x[i] + b*y[i]")


def test_argument_lists():
    rng = np.random.default_rng(5)
    a, b = rng.random((2, 20_000), dtype="f4")
    x, y, z = da.asarray(a), da.asarray(b), da.zeros(20_000, dtype="f4")
    assert LINEAR.fuses
    LINEAR(5, x, 6, y, z)
    want = np.float32(5) * a + np.float32(6) * b
    assert_allclose(z.get(), want, rtol=1e-6)
    for cut in (slice(5, 20_000, 17), slice(-1, 10, -17), slice(3, 3), slice(None)):
        z, some = da.zeros(20_000, dtype="f4"), np.zeros(20_000, "f4")
        LINEAR(5, x, 6, y, z, slice=cut)
        some[cut] = want[cut]
        assert_allclose(z.get(), some, rtol=1e-6)


def test_ranges():
    count = IndexedKernel("int *x", "x[i] = i * 10 + n", "count")
    x = da.zeros(5, dtype="i4")
    count(x, range=slice(4, -1, -2))
    assert x.get().tolist() == [5, 0, 25, 0, 45]
    grid = da.zeros((2, 3), dtype="i4")
    count(grid)
    assert grid.get().tolist() == [[6, 16, 26], [36, 46, 56]]
    columns = da.zeros((3, 2), dtype="i4").T
    count(columns)  # i is the place in memory
    assert columns.T.get().tolist() == [[6, 16], [26, 36], [46, 56]]
    with pytest.raises(IndexError, match="'x' has 5 elements: index 5 is out of bounds"):
        count(x, range=slice(0, 6))


def test_views_of_argument_lists(x):
    array, out = da.asarray(x), da.zeros((6, 10), dtype="f4")
    LINEAR(2, array.T, 1, array.T, out[:, ::2])
    want = np.zeros((6, 10), "f4")
    want[:, ::2] = 3 * x.T
    assert_allclose(out.get(), want, rtol=1e-6)


def test_texts_that_index(raw):
    turn = IndexedKernel("const float *x, float *y", "y[i] = x[n - 1 - i]", "turn")
    assert not turn.fuses
    a = np.random.default_rng(6).random(1000, dtype="f4")
    y = da.zeros(1000, dtype="f4")
    turn(da.asarray(a) + 0, y)
    assert_array_equal(y.get(), a[::-1])
    y, want = da.zeros(1000, dtype="f4"), np.zeros(1000, "f4")
    turn(da.asarray(a), y, range=slice(3, 100, 2))
    want[3:100:2] = a[::-1][3:100:2]
    assert_array_equal(y.get(), want)


def test_reductions_with_argument_lists():
    dot = IndexedReduction("f4", "0", "a+b", "x[i]*y[i]", "float *x, float *y")
    x = da.arange(400, dtype="f4")
    assert kernels_for(dot(x + 0, x)).startswith("1 kernel")
    assert_allclose(dot(x, x).get(), 21253400, rtol=1e-6)
    out = da.zeros((), dtype="f4")
    assert dot(x[::2], x[1::2], out=out) is out
    assert_allclose(out.get(), np.dot(np.arange(0, 400, 2.0), np.arange(1, 400, 2.0)), rtol=1e-6)
    most = IndexedReduction("i4", "-2147483647-1", "a > b ? a : b")
    assert most(da.asarray([[3, 8], [5, -1]], dtype="i4")).get() == 8
    assert most(da.zeros(0, dtype="i4")).get() == np.iinfo("i4").min


def test_reductions_of_texts_that_index(raw):
    dot = IndexedReduction("f8", "0", "a+b", "x[i]*y[n-1-i]", "double *x, double *y")
    a = np.arange(400.0)
    assert dot(da.asarray(a), da.asarray(a)).get() == np.dot(a, a[::-1])


# ---- scans
@pytest.mark.parametrize("n", [0, 1, 2, 1000, (1 << 20) + 5])
def test_sums_so_far(n):
    a = np.random.default_rng(7).integers(-100, 100, n).astype("i4")
    want = a.cumsum(dtype="i4")
    add = da.ScanKernel("int32 x", "int32 y", "x", "a + b", name="add")
    before = da.ScanKernel("int32 x", "int32 y", "x", "a+b", identity=0, exclusive=True)
    x = da.asarray(a)
    assert_array_equal(add(x + 1).get(), (a + 1).cumsum(dtype="i4"))
    assert_array_equal(before(x).get(), want - a)
    assert before(x, out=x) is x
    assert_array_equal(x.get(), want - a)
    y = da.asarray(a)
    add(y, y)
    assert_array_equal(y.get(), want)


@pytest.mark.parametrize("n", [64, 100, 1003])
def test_scans_in_pieces(monkeypatch, n):
    monkeypatch.setattr(scan_module, "MANY", 64)
    last = da.ScanKernel("T x", "T y", "x * 2", "a * 3 % 1000 + b", "y = a + 1", name="fold")
    most = da.ScanKernel("T x", "T y", "x * 2", "max(a, b)", "y = a + 1", name="most")
    a = np.random.default_rng(8).integers(0, 100, n)
    with da.config(threads=4):
        assert_array_equal(most(da.asarray(a)).get(), np.maximum.accumulate(a * 2) + 1)
        into = da.zeros(2 * n, dtype="i8")
        most(da.asarray(a), into[::2])
        assert_array_equal(into.get()[::2], np.maximum.accumulate(a * 2) + 1)
    assert last(da.asarray(a[:1])).get() == a[:1] * 2 + 1


def test_scans_along_axes():
    a = np.random.default_rng(9).random((5, 6, 7))
    most = da.ScanKernel("T x", "T y", "x", "max(a, b)")
    product = da.ScanKernel("T x", "T y", "x", "a * b", identity=1, exclusive=True)
    for axis in (0, 1, 2, -1):
        assert_array_equal(most(da.asarray(a), axis=axis).get(), np.maximum.accumulate(a, axis))
        turned = da.asarray(a).T[::-1]
        assert_array_equal(most(turned, axis=axis).get(), np.maximum.accumulate(a.T[::-1], axis))
    want = np.concatenate([np.ones((5, 1, 7)), a.cumprod(axis=1)[:, :-1]], axis=1)
    assert_allclose(product(da.asarray(a), axis=1).get(), want, rtol=1e-12)


# ---- on GPUs that are not there
def compiled(text, arch):
    """Return the code of a text for a GPU, or skip the test."""
    try:
        if isinstance(arch, str):
            compiler = hip_offline.find_hip_compiler()
            return compiler.compile(with_prelude(text, HIP), arch, ["-Werror"])
        program = nvrtc.find_nvrtc().build(with_prelude(text, CUDA), "test.cu", arch)
    except da.DeviceError as error:
        if os.environ.get("DEVARRAY_REQUIRE_COMPILERS") == "1":
            raise
        pytest.skip(str(error))
    assert not program.log
    return program.code


@pytest.mark.parametrize("arch", [90, "gfx942"])
def test_texts_compile_for_gpus(monkeypatch, arch):
    specs = []

    def make(*args):
        specs.append(make_spec(*args))
        return specs[-1]

    make_spec = plans._make_spec
    monkeypatch.setattr(plans, "_make_spec", make)
    x = da.arange(12.0).reshape(3, 4)
    calls = "; ".join(f"y += {text}" for text in FUNCTIONS)
    one = da.ElementwiseKernel("T x", "T y, bool b", f"{calls}; b = y > i", "functions of gpus")
    helper = "struct two { double a; __device__ two(double x) : a(x) {} };"
    two = da.ElementwiseKernel(
        "T x", "T y", "two t(real(x)); y = exp(x) / T(1, 2) + conj(x) + t.a", preamble=helper
    )
    norm = da.ReductionKernel("T x", "T y", "x * x", "max(a, b) + K", "y = a", 0, options=["-DK=1"])
    scan = da.ScanKernel("T x", "T y", "x", "fma(a, b, a)", "y = -a")
    for result in (*one(x), two(x + 1j), norm(x + 2, axis=0), norm(x + 2, axis=1), scan(x)):
        da.explain(result, file=io.StringIO())
    assert len(specs) >= 6
    for spec in specs:
        assert compiled(emit_grid(spec), arch)


# ---- bad input
GOOD = da.ElementwiseKernel("T x, float32 y", "T z", "z = x + y", "good")
ONE = READ_ONLY = None


@pytest.fixture(autouse=True)
def arrays(monkeypatch):
    """Make the arrays anew, as tests of other files close devices."""
    monkeypatch.setitem(globals(), "ONE", da.ones(3, dtype="f4"))
    one = da.ones(1, dtype="f4")
    monkeypatch.setitem(globals(), "READ_ONLY", da.broadcast_to(one, (3,)))


@pytest.mark.parametrize(
    ("error", "match", "call"),
    [
        (ValueError, "unknown type 'foo'", lambda: da.ElementwiseKernel("foo x", "T y", "y = x")),
        (ValueError, "is no parameter", lambda: da.ElementwiseKernel("T", "T y", "y = 1")),
        (ValueError, "name of a word of C", lambda: da.ElementwiseKernel("T for", "T y", "y = 1")),
        (ValueError, "two parameters 'x'", lambda: da.ElementwiseKernel("T x, T x", "T y", "")),
        (ValueError, "both an input and", lambda: da.ElementwiseKernel("T x", "T x", "x = 1")),
        (ValueError, "has no output", lambda: da.ElementwiseKernel("T x", "", "x")),
        (TypeError, "operation must be a str", lambda: da.ElementwiseKernel("T x", "T y", 3)),
        (TypeError, "parameters must be a str", lambda: da.ElementwiseKernel(1, "T y", "")),
        (TypeError, "options is a sequence",
         lambda: da.ElementwiseKernel("T x", "T y", "y = x", options="-D")),
        (TypeError, r"takes 2 inputs, or 3 arguments .*\(x, y, z\); 1 were given",
         lambda: GOOD(ONE)),
        (TypeError, "unexpected keyword argument 'shape'", lambda: GOOD(ONE, 1, shape=3)),
        (TypeError, "'y' is declared float32; got an array of float64",
         lambda: GOOD(ONE, da.ones(3))),
        (TypeError, "'z' is declared T, which is float32 because 'x' is; got an array of float64",
         lambda: GOOD(ONE, 1, da.ones(3))),
        (TypeError, "would lose its value", lambda: GOOD(ONE, 1j)),
        (TypeError, "would lose its value", lambda: SQUARED(da.ones(3, dtype="i4"), 0.5)),
        (OverflowError, "out of bounds for uint8", lambda: SQUARED(da.ones(3, dtype="u1"), 300)),
        (TypeError, "must be a DeviceArray or a number, not str", lambda: GOOD(ONE, "a")),
        (TypeError, "host array", lambda: GOOD(np.ones(3, "f4"), 1)),
        (TypeError, "is a host array; outputs", lambda: GOOD(ONE, 1, np.ones(3, "f4"))),
        (ValueError, r"could not be broadcast together with shapes \(3,\) \(2,\)",
         lambda: GOOD(ONE, da.ones(2, dtype="f4"))),
        (ValueError, r"non-broadcastable output operand with shape \(1,\)",
         lambda: GOOD(ONE, 1, da.ones(1, dtype="f4"))),
        (ValueError, "output array is read-only", lambda: GOOD(ONE, 1, READ_ONLY)),
        (ValueError, "no array says how many", lambda: GOOD(1, 2)),
        (ValueError, "size= is for calls", lambda: GOOD(ONE, 1, size=3)),
        (ValueError, "size must be an integer >= 0", lambda: GOOD(1, 1, size=-1)),
        (TypeError, "nothing decides the type S",
         lambda: da.ElementwiseKernel("T x", "S y", "y = x")(ONE)),
        (TypeError, "is raw, so it must be a DeviceArray",
         lambda: da.ElementwiseKernel("raw T x", "T y", "y = x[i]")(3, size=2)),
        (ValueError, "has one output",
         lambda: da.ReductionKernel("T x", "T y, T z", "x", "a", "y = a", 0)),
        (TypeError, "takes 1 inputs", NORM),
        (TypeError, "'y' is declared T, which is float32", lambda: NORM(ONE, out=da.zeros(()))),
        (ValueError, "wrong shape", lambda: NORM(ONE, out=da.zeros(2, dtype="f4"))),
        (ValueError, "axis 1 is out of bounds for array of dimension 1", lambda: NORM(ONE, axis=1)),
        (ValueError, "needs an identity",
         lambda: da.ScanKernel("T x", "T y", "x", "a+b", exclusive=True)),
        (ValueError, "is no arithmetic type",
         lambda: da.ScanKernel("T x", "T y", "x", "a+b", reduce_type="thing")),
        (ValueError, "without axes", lambda: da.ScanKernel("T x", "T y", "x", "a+b")(da.ones(()))),
        (TypeError, "takes 5 arguments", lambda: LINEAR(1, ONE)),
        (TypeError, "'a' must be a number, not DeviceArray", lambda: LINEAR(ONE, ONE, 1, ONE, ONE)),
        (TypeError, "'x' must be a DeviceArray, not int", lambda: LINEAR(1, 1, 1, ONE, ONE)),
        (TypeError, "is declared float, which is float32",
         lambda: LINEAR(1, da.ones(3), 1, ONE, ONE)),
        (IndexError, "'y' has 2 elements", lambda: LINEAR(1, ONE, 1, ONE[:2], ONE)),
        (ValueError, "read-only", lambda: LINEAR(1, ONE, 1, ONE, READ_ONLY)),
        (TypeError, "give one of them",
         lambda: LINEAR(1, ONE, 1, ONE, ONE, range=slice(1), slice=slice(1))),
        (ValueError, "has no array", lambda: IndexedKernel("float x", "x = 1")),
        (ValueError, "complex<double>, and what types=",
         lambda: IndexedKernel("thing *x", "x[i] = 1")),
    ],
)  # fmt: skip
def test_bad_input(error, match, call):
    with pytest.raises(error, match=match):
        call()


def test_compile_errors_have_the_text_s_lines():
    bad = da.ElementwiseKernel("T x", "T y", "T v = x;\ny = v +* 2;", "bad")
    with pytest.raises(da.CompileError) as caught:
        bad(ONE).get()
    assert "bad:2" in caught.value.log
    assert caught.value.source
    assert SQUARED(ONE, 1).get().tolist() == [0, 0, 0]


# ---- the pieces
def test_grammars():
    (p, q) = parse_params("raw T x, float32 y")
    assert (p.raw, p.dtype, q.raw, q.dtype) == (True, None, False, F4)
    listed = parse_arguments(
        "const unsigned int *n, pycuda::complex<double> z, double *__restrict__ q"
    )
    assert [(p.name, p.dtype.name, p.vector, p.constant) for p in listed] == [
        ("n", "uint32", True, True),
        ("z", "complex128", False, False),
        ("q", "float64", True, False),
    ]  # fmt: skip
    assert parse_params("") == ()


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("z = x", True),
        ("z = x; z += 1", True),
        ("T t = x; { t = 1; } z = t", True),
        ("z += x", False),
        ("if (x) z = 1", False),
        ("{ z = 1; }", False),
        ("z = z + 1", False),
        ("/* z = */ z == 1;", False),
        ("for (;;) break; z = 1", False),
        ("x = 1", False),
    ],
)
def test_what_is_given_a_value_first(text, first):
    assert assigned_first(text, "z") is first


@pytest.mark.parametrize(
    ("text", "preamble", "plain"),
    [
        ("y = sqrt(x) + T(1)", "", True),
        ("y = f(x)", "__device__ float f(float a) { return a; }", True),
        ("y = f(x)", "", False),
        ("y = x; __syncthreads();", "", False),
        ("// __syncthreads()\ny = x", "", True),
        ("return", "", False),
        ("y = x", '#include "mine.h"', False),
        ("y = x", "#include <math.h>", True),
        ("y = table[1]", "__device__ float table[2] = {1, 2};", False),
    ],
)
def test_what_fuses(text, preamble, plain):
    assert is_plain(text, preamble, (), ("T",)) is plain


@pytest.mark.parametrize(
    ("params", "text", "expected"),
    [
        ("T x, int32 n", "y = x * n", lambda x: 3 * x),
        ("T x, int32 n, raw T z", "y = x * n + z[_ind.size() - 1 - i]", lambda x: 3 * x + x[::-1]),
        ("T x, int32 n", "y = x * n + _ind.size()", lambda x: 3 * x + 6),
        ("T x, int32 tid, raw T z", "y = x * tid + z[i]", lambda x: 4 * x),
    ],
)
def test_parameters_that_are_called_as_what_texts_may_use(params, text, expected):
    x = np.arange(6, dtype=np.float32)
    kernel = da.ElementwiseKernel(params, "T y", text)
    more = (da.asarray(x),) * params.count("raw")
    np.testing.assert_array_equal(kernel(da.asarray(x), 3, *more).get(), expected(x))
    total = da.ReductionKernel(params, "T y", "x * 3", "a + b", "y = a", "0")
    np.testing.assert_array_equal(total(da.asarray(x), 3, *more).get(), 45)


def test_arrays_of_indices():
    x, rows = np.random.default_rng(3).random((4, 5)), np.array([3, 0, 2])
    take = da.ElementwiseKernel(
        "raw T x, S row, int32 column",
        "T y",
        "int at[] = {row, column};  // x[at], in any order of axes\ny = x[at] + x.shape()[1]",
    )
    np.testing.assert_array_equal(take(da.asarray(x), da.asarray(rows), 1).get(), x[rows, 1] + 5)
    flipped = da.asarray(np.asfortranarray(x))[::-1]
    np.testing.assert_array_equal(take(flipped, da.asarray(rows), 4).get(), x[::-1][rows, 4] + 5)
    add = da.ElementwiseKernel(
        "S row, T value",
        "raw T y",
        "int n = i, at[] = {row, i, 1}; (void)n; atomicAdd(&y[at], value);",
    )
    y, expected = da.zeros((4, 3, 2)), np.zeros((4, 3, 2))
    add(da.asarray(rows), 2.5, y)
    expected[rows, [0, 1, 2], 1] = 2.5
    np.testing.assert_array_equal(y.get(), expected)
    with pytest.raises(ValueError, match="x has 1 axes, and its text indexes it with 2 indices"):
        take(da.asarray(x[0]), da.asarray(rows), 1)


@pytest.mark.parametrize("n", [7, 2**21])
def test_results_of_an_element_that_returns(n):
    kernel = da.ElementwiseKernel(
        "T x, raw T z",
        "T y, int32 steps",
        "steps = 1; for (int k = 0; k < 3; k++) if (x == k) { y = 7; return; }\n"
        "y = z[i]; steps = 2;",
    )
    x = np.arange(n, dtype=np.float32)
    y, steps = kernel(da.asarray(x), da.asarray(x))
    np.testing.assert_array_equal(y.get(), np.where(x < 3, 7, x))
    np.testing.assert_array_equal(steps.get(), np.where(x < 3, 1, 2))


@pytest.mark.parametrize("params", ["T x", "T x, raw T z"])
def test_results_of_reductions_that_post_map_reads(params):
    kernel = da.ReductionKernel(params, "T y", "x * x", "a + b", "if (a > 10) y += a", "0")
    x, before = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([100, 200], np.float32)
    more = (da.asarray(x),) * params.count("raw")
    for keepdims in (False, True):
        out = da.asarray(before.reshape(2, 1) if keepdims else before)
        assert kernel(da.asarray(x), *more, out, axis=1, keepdims=keepdims) is out
        np.testing.assert_array_equal(out.get().ravel(), [100, 250])
    np.testing.assert_array_equal(kernel(da.asarray(x), *more, axis=1).get(), [0, 50])
    out = da.asarray(np.float32(1))
    kernel(da.asarray(x), *more, out=out)
    assert out.get() == 56


def test_the_index_that_reductions_have():
    kernel = da.ReductionKernel("S t, raw T x", "T y", "x[_j * 3 + t]", "a + b", "y = a", "0")
    t, x = np.array([2, 0, 1]), np.arange(9.0)
    assert kernel(da.asarray(t), da.asarray(x)).get() == x.reshape(3, 3)[np.arange(3), t].sum()
    with pytest.raises(da.UnsupportedError, match=r"_j is known in reductions of all elements"):
        kernel(da.asarray(t.reshape(3, 1)), da.asarray(x), axis=0)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_post_map_uses_raw_inputs(axis):
    kernel = da.ReductionKernel(
        "T x, raw S weights", "U y", "x", "a + b", "y = static_cast<U>(a * -weights[1])", "0"
    )
    x, weights = np.arange(6.0).reshape(2, 3), np.array([1, 0.5], np.float32)
    out = da.zeros(np.sum(x, axis=axis).shape, np.float32)
    kernel(da.asarray(x), da.asarray(weights), out, axis=axis)
    np.testing.assert_array_equal(out.get(), -x.sum(axis=axis) / 2)


def test_half_precision_under_its_other_name():
    kernel = da.ElementwiseKernel(
        "raw T x",
        "T y",
        "y = T(doubled(x[i]) + float(float16(1.5f)));",
        preamble="__device__ float16 doubled(float16 x) { return x / 0.5; }",
    )
    x = np.arange(4, dtype=np.float16)
    np.testing.assert_array_equal(kernel(da.asarray(x), size=4).get(), 2 * x + np.float16(1.5))


@pytest.mark.parametrize("order", ["C", "F"])
def test_strides_of_raw_arrays(order):
    kernel = da.ElementwiseKernel(
        "raw T x, S row", "T y", "y = x[row * x.strides()[0] / (int)sizeof(T)] + x.strides()[1]"
    )
    x, rows = np.arange(24.0).reshape(4, 3, 2).copy(order), np.array([3, 1])
    np.testing.assert_array_equal(
        kernel(da.asarray(x), da.asarray(rows)).get(), x[rows, 0, 0] + 2 * 8
    )
    with pytest.raises(ValueError, match=r"x.strides\(\)\[1\] of an array of 1 axes"):
        kernel(da.asarray(x.ravel()), da.asarray(rows))
