"""`devarray.compat.pycuda`'s `elementwise`, `reduction` and `scan` beside NumPy."""

import numpy as np
import pytest

from devarray.compat.pycuda import driver, gpuarray
from devarray.compat.pycuda.elementwise import ElementwiseKernel
from devarray.compat.pycuda.gpuarray import GPUArray, to_gpu, vec
from devarray.compat.pycuda.reduction import ReductionKernel
from devarray.compat.pycuda.scan import ExclusiveScanKernel, InclusiveScanKernel
from devarray.compat.pycuda.tools import ScalarArg, VectorArg, register_dtype
from gaps import where_supported

RNG = np.random.default_rng(6)


def test_linear_combination():
    kernel = ElementwiseKernel(
        "float a, float *x, float b, float *y, float *z", "z[i] = a*x[i] + b*y[i]", "combine"
    )
    x, y = RNG.random(1000, np.float32), RNG.random(1000, np.float32)
    for stream in (None, driver.Stream()):
        z = gpuarray.zeros(1000, np.float32)
        kernel(5, to_gpu(x), np.float32(6), to_gpu(y), z, stream=stream)
        np.testing.assert_allclose(z.get(), 5 * x + 6 * y, rtol=1e-6)
    with pytest.raises(TypeError, match="takes 5 arguments"):
        kernel(5, to_gpu(x))
    with pytest.raises(TypeError, match="declared float"):
        kernel(5, to_gpu(x), 6, to_gpu(y), gpuarray.zeros(1000))
    with pytest.raises(TypeError, match="host array"):
        kernel(5, x, 6, to_gpu(y), z)


CUTS = [
    slice(5, 900), slice(5, 900, 17), slice(300, 5, -1), slice(100, -1), slice(None), slice(5, 2),
]  # fmt: skip


@pytest.mark.parametrize("cut", CUTS)
def test_slices_and_ranges(cut):
    seven = ElementwiseKernel("float *z", "z[i] = 7", "seven")
    expected = np.zeros(1000, np.float32)
    expected[cut] = 7
    z = gpuarray.zeros(1000, np.float32)
    seven(z, slice=cut)
    np.testing.assert_array_equal(z.get(), expected)
    z = gpuarray.zeros(1000, np.float32)
    seven(z, range=slice(*cut.indices(1000)))
    np.testing.assert_array_equal(z.get(), expected)


@where_supported
def test_arguments_as_objects_and_text_around():
    kernel = ElementwiseKernel(
        [VectorArg(np.int32, "x"), ScalarArg(np.int32, "k"), VectorArg(np.int32, "y")],
        "y[i] = twice(x[i]) + shift + n",
        preamble="__device__ int twice(int a) { return 2 * a; }",
        loop_prep="const int shift = k + 1",
    )
    x = RNG.integers(0, 99, (4, 5)).astype(np.int32)
    y = gpuarray.empty((4, 5), np.int32)
    kernel(to_gpu(x), 3, y)
    np.testing.assert_array_equal(y.get(), 2 * x + 4 + 20)
    with pytest.raises(TypeError, match="C argument list"):
        ElementwiseKernel(["float *x"], "x[i] = 0")
    with pytest.raises(ValueError, match="no array"):
        ElementwiseKernel("float a", "a = 1")
    with pytest.raises(driver.LogicError, match="CUDA 12"):
        kernel.get_texref("x")


@where_supported
def test_complex_arrays():
    kernel = ElementwiseKernel(
        "pycuda::complex<float> *x, pycuda::complex<float> f, float *size",
        "x[i] *= f; size[i] = abs(x[i])",
        preamble="#include <pycuda-complex.hpp>",
    )
    x = (RNG.random(9) + 1j * RNG.random(9)).astype(np.complex64)
    z, size = to_gpu(x), gpuarray.empty(9, np.float32)
    kernel(z, np.complex64(2j), size)
    np.testing.assert_allclose(z.get(), x * np.complex64(2j), rtol=1e-6)
    np.testing.assert_allclose(size.get(), np.abs(x * 2), rtol=1e-6)


@where_supported
def test_neighbours():
    kernel = ElementwiseKernel("double *x, double *y", "y[i] = x[i] - (i > 0 ? x[i-1] : 0)")
    x = RNG.random(50)
    y = gpuarray.empty(50, np.float64)
    kernel(to_gpu(x), y)
    np.testing.assert_array_equal(y.get(), np.diff(x, prepend=0))


def test_a_parameter_called_n():
    kernel = ElementwiseKernel("float *x, float *y, int n", "y[5 - i] = x[i] * n")
    x, y = gpuarray.arange(6, dtype=np.float32), gpuarray.zeros(6, np.float32)
    kernel(x, y, np.int32(3), slice=slice(1, 3))
    np.testing.assert_array_equal(y.get(), [0, 0, 0, 6, 3, 0])
    kernel(x, y, np.int32(2))
    np.testing.assert_array_equal(y.get(), [10, 8, 6, 4, 2, 0])


@where_supported
def test_structs():
    kernel = ElementwiseKernel("float3 *p, float *x", "p[i].y = x[i]; p[i].z += i")
    points = gpuarray.GPUArray(6, vec.float3).fill(vec.make_float3(1, 2, 3))
    x = np.arange(6, dtype=np.float32) * 10
    kernel(points, to_gpu(x))
    host = points.get()
    np.testing.assert_array_equal(host["x"], np.ones(6))
    np.testing.assert_array_equal(host["y"], x)
    np.testing.assert_array_equal(host["z"], 3 + np.arange(6))
    kernel(points, to_gpu(-x), slice=slice(None, None, 2))
    np.testing.assert_array_equal(points.get()["y"], np.where(np.arange(6) % 2, x, -x))
    with pytest.raises(TypeError, match="'p' is declared float3"):
        kernel(gpuarray.zeros(6, vec.float4), to_gpu(x))
    with pytest.raises(TypeError, match="'p' is declared float3"):
        kernel(gpuarray.zeros(6), to_gpu(x))
    with pytest.raises(ValueError, match="must be contiguous"):
        kernel(points[::2], to_gpu(x))


@where_supported
def test_structs_by_value():
    kernel = ElementwiseKernel("float3 p, float *x", "x[i] = p.x + p.y * i + p.z")
    x = gpuarray.empty(4, np.float32)
    for point in (vec.make_float3(1, 2, 3), vec.make_float3(1, 2, 3)[()]):
        kernel(point, x)
        np.testing.assert_array_equal(x.get(), 4 + 2 * np.arange(4))
        x.fill(0)
    with pytest.raises(TypeError, match="'p'"):
        kernel(1.5, x)


@where_supported
def test_reduction():
    dot = ReductionKernel(np.float64, "0", "a+b", "x[i]*y[i]", "double *x, double *y")
    x, y = RNG.random(1000), RNG.random(1000)
    result = dot(to_gpu(x), to_gpu(y))
    assert isinstance(result, GPUArray) and result.shape == () and result.dtype == np.float64
    np.testing.assert_allclose(result.get(), x @ y, rtol=1e-12)
    np.testing.assert_allclose(dot(to_gpu(x), to_gpu(y), stream=driver.Stream()).get(), x @ y)
    assert dot(gpuarray.zeros(0), gpuarray.zeros(0)).get() == 0
    sizes = []

    def allocate(nbytes):
        sizes.append(nbytes)
        return driver.mem_alloc(nbytes)

    made = dot(to_gpu(x), to_gpu(y), allocator=allocate)
    np.testing.assert_allclose(made.get(), x @ y, rtol=1e-12)
    assert sizes == [8] and made.allocator is allocate
    with pytest.raises(driver.LogicError, match="kernel_wrapper"):
        dot(to_gpu(x), to_gpu(y), kernel_wrapper=print)
    with pytest.raises(TypeError, match="takes 2 arguments"):
        dot(to_gpu(x))


def test_reduction_into_elements():
    highest = ReductionKernel(np.float32, neutral="-1", reduce_expr="max(a, b)")
    x = RNG.random((4, 200), np.float32)
    rows, out = to_gpu(x), gpuarray.empty(4, np.float32)
    for k in range(4):
        highest(rows[k], out=out[k])
    np.testing.assert_array_equal(out.get(), x.max(axis=1))
    with pytest.raises(ValueError, match="shape"):
        highest(rows[0], out=out)


@where_supported
def test_reduction_to_structs():
    pair = np.dtype([("low", np.float32), ("high", np.float32)])
    register_dtype(pair, "low_high_of_test")
    kernel = ReductionKernel(
        pair,
        neutral="low_high_of_test(1e30f, -1e30f)",
        reduce_expr="low_high_of_test(fminf(a.low, b.low), fmaxf(a.high, b.high))",
        map_expr="low_high_of_test(x[i], x[i])",
        arguments="const float *x",
        preamble="""
        struct low_high_of_test {
            float low, high;
            __device__ low_high_of_test() {}
            __device__ low_high_of_test(float l, float h) : low(l), high(h) {}
        };""",
    )
    x = RNG.random(3000, np.float32)
    result = kernel(to_gpu(x))
    assert result.dtype == pair and result.shape == ()
    assert (result.get()["low"], result.get()["high"]) == (x.min(), x.max())
    out = gpuarray.zeros((), pair)
    assert kernel(to_gpu(x), out=out) is out
    np.testing.assert_array_equal(out.get(), result.get())
    assert kernel(to_gpu(x), allocator=driver.mem_alloc).get() == result.get()
    with pytest.raises(ValueError, match="out has"):
        kernel(to_gpu(x), out=gpuarray.zeros(2, pair))
    with pytest.raises(driver.LogicError, match="how many elements"):
        ReductionKernel(np.float32, "0", "a+b", "x[i].low", "low_high_of_test *x")(
            gpuarray.zeros(3, pair)
        )


@pytest.mark.parametrize("n", [0, 1, 10, 1000, 2**14 + 5])
def test_scans(n):
    inclusive = InclusiveScanKernel(np.int32, "a+b", "0")
    exclusive = ExclusiveScanKernel(np.int32, "a+b", 0)
    x = RNG.integers(0, 10, n).astype(np.int32)
    sums = np.cumsum(x, dtype=np.int32)
    for kernel, expected in ((inclusive, sums), (exclusive, sums - x)):
        array = to_gpu(x)
        fresh = kernel(array, "new", stream=driver.Stream())
        np.testing.assert_array_equal(fresh.get(), expected)
        np.testing.assert_array_equal(array.get(), x)
        out = gpuarray.zeros(n, np.int32)
        assert kernel(array, out) is out
        np.testing.assert_array_equal(out.get(), expected)
        assert kernel(array) is array  # in place
        np.testing.assert_array_equal(array.get(), expected)


@pytest.mark.parametrize("cut", [slice(None), slice(None, None, 2)])
def test_scans_of_integers_with_another_sign(cut):
    kernel = InclusiveScanKernel(np.int32, "a+b")
    x = RNG.integers(0, 2**30, 20).astype(np.uint32)
    expected = np.cumsum(x[cut], dtype=np.int32)
    array = to_gpu(x)[cut]
    fresh = kernel(array, "new")
    assert fresh.dtype == np.int32
    np.testing.assert_array_equal(fresh.get(), expected)
    assert kernel(array) is array and array.dtype == np.uint32
    np.testing.assert_array_equal(array.get(), expected.view(np.uint32))
    with pytest.raises(TypeError, match="input_ary must be a GPUArray of int32, got int64"):
        kernel(gpuarray.zeros(3, np.int64))


def test_scans_of_other_arrays():
    highest = InclusiveScanKernel(np.float64, "max(a, b)")
    x = RNG.random((3, 4))
    expected = np.maximum.accumulate(x.ravel()).reshape(3, 4)
    np.testing.assert_array_equal(highest(to_gpu(x)).get(), expected)
    strided = gpuarray.zeros((3, 8))[:, ::2]
    np.testing.assert_array_equal(highest(to_gpu(x), strided).get(), expected)
    with pytest.raises(TypeError, match="input_ary must be a GPUArray of float64, got float32"):
        highest(gpuarray.zeros(3, np.float32))
    with pytest.raises(TypeError, match="output_ary must be a GPUArray"):
        highest(to_gpu(x), np.zeros((3, 4)))
    with pytest.raises(ValueError, match="output_ary must have shape"):
        highest(to_gpu(x), gpuarray.zeros(3))
    with pytest.raises(ValueError, match="identity"):
        ExclusiveScanKernel(np.float64, "a+b")
    with pytest.raises(driver.LogicError, match="no options"):
        InclusiveScanKernel(np.float64, "a+b", options=["-O1"])
