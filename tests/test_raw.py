"""RawKernel and RawModule: what a launch checks, and what it does to arrays."""

import ctypes
import re
import sys
import threading

import numpy as np
import pytest

import devarray as da
from devarray.errors import CompileError, DeviceError, HostMixError
from devarray.kernels.signatures import parse_parameters
from devarray.raw import _type_problem

SOURCE = """
struct Step { double by; int times; };
__constant__ float factor[2] = {1.f, 1.f};
__device__ int calls;
__global__ void scale(float *x, float a, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] *= a;
}
__global__ void add(const float *x, float *y, int n) {
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += blockDim.x * gridDim.x)
        y[i] += factor[0] * x[i];
}
__global__ void step(double *x, struct Step s) { x[threadIdx.x] += s.by * s.times; }
__global__ void count() { atomicAdd(&calls, 1); }
__global__ void turn(float *x) {
    extern __shared__ float s[];
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x] = s[blockDim.x - 1 - threadIdx.x];
}
__global__ void bytes(unsigned char *x, bool on, void *p, unsigned long long *q) {
    x[0] = on + 2 * (p != 0) + 4 * (q != 0);
}
__global__ void where(int *out) {
    int b = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    int t = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    out[b * blockDim.x * blockDim.y * blockDim.z + t] += b * 1000 + t;
}
template <class T> __global__ void fill(T *x, T value) { x[threadIdx.x] = value; }
"""


class Step(ctypes.Structure):
    _fields_ = (("by", ctypes.c_double), ("times", ctypes.c_int))


@pytest.fixture(scope="module")
def module():
    made = da.RawModule(SOURCE, names=["fill<int>", "fill<double>"])
    try:
        made.compile()
    except da.UnsupportedError as error:
        if "template" not in str(error):
            raise
        made = da.RawModule(SOURCE[: SOURCE.index("template")])
    return made


def kernel(module, name):
    return module.get_function(name)


def test_the_whole_grid_runs_once(module):
    out = da.zeros(3 * 2 * 2 * 4 * 3 * 2, dtype="i4")
    kernel(module, "where")((3, 2, 2), (4, 3, 2), (out,))
    b, t = np.divmod(np.arange(out.size), 24)
    np.testing.assert_array_equal(out.get(), b * 1000 + t)


def test_pending_arguments_are_evaluated_and_readers_keep_their_values(module):
    x = da.arange(10, dtype="f4") + 1
    doubled = x * 2
    view = x[2:5]
    kernel(module, "scale")(1, 32, (x, 10, x.size))
    np.testing.assert_array_equal(x.get(), 10 * (np.arange(10) + 1))
    np.testing.assert_array_equal(doubled.get(), 2 * (np.arange(10) + 1))
    np.testing.assert_array_equal(view.get(), [30, 40, 50])


def test_contiguous_parts_and_columns(module):
    x = da.zeros((4, 6), dtype="f4") + 1
    kernel(module, "scale")(1, 32, (x[1:3], 3, 12))
    kernel(module, "scale")(1, 32, (x.T, 2, 24))
    np.testing.assert_array_equal(x.get()[:, 0], [2, 6, 6, 2])


def test_the_same_array_twice(module):
    x = da.ones(5, dtype="f4")
    kernel(module, "add")(1, 32, (x, x, 5))
    np.testing.assert_array_equal(x.get(), np.full(5, 2))


def test_empty_arrays(module):
    x = da.zeros(0, dtype="f4")
    kernel(module, "scale")(1, 32, (x, 2, 0))
    assert x.size == 0


def test_numbers_are_converted_to_the_declared_type(module):
    x = da.ones(3, dtype="f4")
    kernel(module, "scale")(1, 32, (x, 2, 3))
    kernel(module, "scale")(1, 32, (x, np.float32(0.5), np.int32(3)))
    kernel(module, "scale")(1, 32, (x, True, np.uint32(3)))
    np.testing.assert_array_equal(x.get(), np.ones(3))
    for number in (np.int64(3), np.uint8(3), np.prod([3])):
        kernel(module, "scale")(1, 32, (x, 2, number))
    np.testing.assert_array_equal(x.get(), np.full(3, 8))


def test_structures(module):
    kind = np.dtype([("by", "f8"), ("times", "i4")], align=True)
    x = da.zeros(2)
    kernel(module, "step")(1, 2, (x, np.array((0.5, 3), kind)[()]))
    kernel(module, "step")(1, 2, (x, np.array((1, 1), kind)))
    kernel(module, "step")(1, 2, (x, np.array((1, 1), kind).tobytes()))
    kernel(module, "step")(1, 2, (x, Step(0.25, 2)))
    np.testing.assert_array_equal(x.get(), [4, 4])


def test_pointers_of_other_kinds(module):
    x, q = da.zeros(1, dtype="u1"), da.zeros(3, dtype="u8")
    for p, last, wanted in ((None, None, 1), (x, None, 3), (x.ptr, q, 7), (0, q.ptr, 5)):
        kernel(module, "bytes")(1, 1, (x, True, p, last))
        assert x.get()[0] == wanted


def test_variables_of_the_module(module):
    factor = module.get_global("factor", "f4")
    assert factor.shape == (2,)
    factor[...] = [3, 0]
    y = da.zeros(4, dtype="f4")
    kernel(module, "add")(1, 4, (da.ones(4, dtype="f4"), y, 4))
    np.testing.assert_array_equal(y.get(), np.full(4, 3))
    calls = module.get_global("calls", "i4", ())
    calls[...] = 0
    kernel(module, "count")(3, 5)
    assert calls.get() == 15
    assert module.get_global("factor").dtype == np.uint8
    factor[...] = 1
    with pytest.raises(ValueError, match="no variable 'nothing' in the module; it has"):
        module.get_global("nothing")
    with pytest.raises(ValueError, match=r"'factor' has 8 bytes, not 0"):
        module.get_global("factor", "c16")
    with pytest.raises(ValueError, match=r"'factor' has 8 bytes, not 32"):
        module.get_global("factor", "f8", 4)


def test_each_module_has_variables_of_its_own():
    made = []
    for k in range(3):
        module = da.RawModule("""__device__ float by = 2; __device__ int calls;
            __global__ void add(float *x) { x[threadIdx.x] += by; ++calls; }""")
        made.append(module)
        if k:
            module.get_global("by", "f4", ())[...] = 10 * k
    for _ in range(2):
        for k, module in enumerate(made):
            x = da.ones(1, dtype="f4")
            for _ in range(k + 1):
                kernel(module, "add")(1, 1, (x,))
            assert x.get()[0] == 1 + (k + 1) * (10 * k or 2)
    calls = [module.get_global("calls", "i4", ()).get() for module in made]
    np.testing.assert_array_equal(calls, [2, 4, 6])


def test_variables_are_the_same_in_checked_kernels(module):
    if not da.get_device().shares_host_memory:
        pytest.skip("checks are the host's")
    factor, calls = module.get_global("factor", "f4"), module.get_global("calls", "i4", ())
    factor[...], calls[...] = 4, 0
    y = da.zeros(4, dtype="f4")
    with da.config(raw_checks=True):
        kernel(module, "add")(1, 4, (da.ones(4, dtype="f4"), y, 4))
        kernel(module, "count")(2, 3)
    kernel(module, "count")(1, 1)
    np.testing.assert_array_equal(y.get(), np.full(4, 4))
    assert calls.get() == 7
    factor[...] = 1


def test_shared_memory(module):
    x = da.arange(64, dtype="f4")
    kernel(module, "turn")(1, 64, (x,), shared_mem=256)
    np.testing.assert_array_equal(x.get(), np.arange(64)[::-1])
    with pytest.raises(ValueError, match=r"shared_mem is \d+ bytes; .* has up to \d+"):
        kernel(module, "turn")(1, 64, (x,), shared_mem=1 << 30)
    with pytest.raises(ValueError, match="shared_mem is -1"):
        kernel(module, "turn")(1, 64, (x,), shared_mem=-1)


def test_dynamic_shared_memory_needs_a_size(module):
    if not da.get_device().shares_host_memory:
        pytest.skip("on the host it would be a crash")
    with pytest.raises(ValueError, match=r"turn has an extern __shared__ array, .* 0 bytes"):
        kernel(module, "turn")(1, 64, (da.zeros(64, dtype="f4"),))


def test_tables_of_pointers_under_checks():
    if not da.get_device().shares_host_memory:
        pytest.skip("checks are the host's")
    source = """struct Row { const float *data; int n; };
__global__ void table(float **rows, float *out) { out[threadIdx.x] = rows[1][threadIdx.x]; }
__global__ void structs(const Row *rows, float *out) {
    for (int k = 0; k < rows[1].n; ++k) out[0] += rows[1].data[k];
}"""
    rows = [da.arange(4, dtype="f4") + 10 * k for k in range(3)]
    pointers = da.to_gpu(np.array([row.ptr for row in rows], "u8"))
    packed = da.to_gpu(np.array([(row.ptr, 4) for row in rows], "u8,u8").view("u1"))
    out = da.zeros(4, dtype="f4")
    made = da.RawModule(source)
    with da.config(raw_checks=True):
        made.get_function("table")(1, 4, (pointers, out))
        np.testing.assert_array_equal(out.get(), [10, 11, 12, 13])
        made.get_function("structs")(1, 1, (packed, out))
        assert out.get()[0] == 56
        with pytest.raises(DeviceError, match="read of 4 bytes"):
            made.get_function("table")(1, 1000, (pointers, out))


def test_tuples_in_other_threads_under_checks():
    """Arrays are found without naming tuples that another thread is still filling."""
    if not da.get_device().shares_host_memory:
        pytest.skip("checks are the host's")
    made = da.RawModule("__global__ void one(float **rows) { rows[0][threadIdx.x] = 1; }")
    x, done, failures = da.zeros(4, dtype="f4"), threading.Event(), []
    rows = da.to_gpu(np.array([x.ptr], "u8"))

    def fill():
        while not done.is_set():
            try:
                tuple(str(n) for n in range(1000))
            except SystemError as error:
                failures.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        thread = threading.Thread(target=fill)
        thread.start()
        with da.config(raw_checks=True):
            for _ in range(20):
                made.get_function("one")(1, 4, (rows,))
    finally:
        done.set()
        thread.join()
        sys.setswitchinterval(before)
    assert not failures


def test_templates(module):
    if not module._source.names:
        pytest.skip("the device's language has no templates")
    for name, dtype in (("fill<int>", "i4"), ("fill<double>", "f8")):
        x = da.zeros(5, dtype=dtype)
        kernel(module, name)(1, 5, (x, 7))
        np.testing.assert_array_equal(x.get(), np.full(5, 7))


WRONG = [
    (("scale", 1, 32, ()), TypeError, r"scale takes 3 arguments \(x, a, n\), 0 were given"),
    (("scale", 1, 32, ("x", 1, 2, 3)), TypeError, "takes 3 arguments"),
    (("scale", 1, 32, ("f8", 1, 2)), TypeError, r"array of float64, and the kernel takes float32"),
    (("scale", 1, 32, ("x", 1, 2.5)), TypeError, r"argument 2 \('n'\) .* int32 is needed"),
    (("scale", 1, 32, ("x", np.float64(1), 2)), TypeError, "float32 is needed, not float64"),
    (("scale", 1, 32, ("x", 1, 2**40)), OverflowError, r"argument 2 \('n'\)"),
    (("scale", 1, 32, ("x", 1, np.int64(2**31))), OverflowError, "is out of the range of"),
    (("scale", 1, 32, ("x", 1, np.uint64(2**63))), OverflowError, "is out of the range of"),
    (("scale", 1, 32, ("x", "x", 2)), TypeError, "the kernel takes a value there"),
    (("scale", 1, 32, ("x", None, 2)), TypeError, "float32 is needed, not NoneType"),
    (("scale", 1, 32, ("host", 1, 2)), HostMixError, r"host array of shape \(4,\)"),
    (("scale", 1, 32, ("step", 1, 2)), ValueError, "not contiguous"),
    (("scale", 1, 32, ("read-only", 1, 2)), ValueError, "is read-only"),
    (("scale", 1, 32, (1.5, 1, 2)), TypeError, "an address as int, is needed, not float"),
    (("scale", 0, 32, ("x", 1, 2)), ValueError, r"grid.x is 0; it must be from 1"),
    (("scale", -1, 32, ("x", 1, 2)), ValueError, r"grid.x is -1"),
    (("scale", (1, 70000), 32, ("x", 1, 2)), ValueError, r"grid.y is 70000"),
    (("scale", 1, 2000, ("x", 1, 2)), ValueError, r"block.x is 2000"),
    (("scale", 1, (64, 64), ("x", 1, 2)), ValueError, r"at most \d+ threads, not 64 x 64 x 1"),
    (("scale", (1, 1, 1, 1), 1, ("x", 1, 2)), ValueError, "one to three sizes, not 4"),
    (("scale", 1.5, 1, ("x", 1, 2)), TypeError, "one to three integers"),
    (("scale", 1, 1, "x"), TypeError, r"kernel's arguments in one tuple .* not DeviceArray"),
    (("step", 1, 1, ("f8", 1.0)), TypeError, "a structure of 16 bytes is needed, .* not float"),
    (("nothing", 1, 1, ()), ValueError, "no kernel 'nothing' in the module; it has"),
]


@pytest.mark.parametrize(("call", "error", "words"), WRONG, ids=lambda part: str(part)[:40])
def test_wrong_launches(module, call, error, words):
    name, grid, block, args = call
    x = da.ones(4, dtype="f4")
    fixed = da.ones(4, dtype="f4")
    fixed.flags.writeable = False
    given = {
        "x": x,
        "f8": da.ones(4),
        "host": np.ones(4, "f4"),
        "step": da.ones(8, dtype="f4")[::2],
        "read-only": fixed,
    }
    if isinstance(args, tuple):
        args = tuple(given.get(arg, arg) if isinstance(arg, str) else arg for arg in args)
    else:
        args = given[args]
    with pytest.raises(error, match=words):
        kernel(module, name)(grid, block, args)
    np.testing.assert_array_equal(x.get(), np.ones(4))


def test_const_pointers_may_be_read_only(module):
    x = da.ones(4, dtype="f4")
    x.flags.writeable = False
    y = da.zeros(4, dtype="f4")
    kernel(module, "add")(1, 4, (x, y, 4))
    np.testing.assert_array_equal(y.get(), np.ones(4))


def test_streams_and_events(module):
    stream = da.Stream()
    x = da.ones(1000, dtype="f4")
    for _ in range(20):
        kernel(module, "scale")(4, 256, (x, 2, 1000), stream=stream)
    event = stream.record()
    event.synchronize()
    np.testing.assert_array_equal(x.get(), np.full(1000, 2.0**20))
    with stream:
        kernel(module, "scale")(4, 256, (x, 0.5, 1000))
    np.testing.assert_array_equal((x + 0).get(), np.full(1000, 2.0**19))


def test_captures_have_raw_kernels(module):
    x = da.ones(8, dtype="f4")
    with da.capture() as step:
        kernel(module, "scale")(1, 8, (x, 2, 8))
        x += 1
    step.replay()
    step.replay()
    np.testing.assert_array_equal(x.get(), np.full(8, 15))


def test_compile_errors_have_the_lines_of_the_user():
    with pytest.raises(CompileError) as error:
        da.RawKernel("__global__ void f(int *x) {\n  int a = 1;\n  x[0] = a + missing;\n}", "f")(
            1, 1, (da.zeros(1, dtype="i4"),)
        )
    assert re.search(r"\b3\b.*missing|missing.*\n?.*3 \|", error.value.log)
    assert "missing" in error.value.source


def test_calls_of_other_forms(module):
    x = da.zeros(4, dtype="f4")
    with pytest.raises(TypeError, match=r"scale\(grid, block, \(x, y, 5\), .* one tuple"):
        kernel(module, "scale")(1, 32, x, 2, 4)
    with pytest.raises(TypeError, match=r"a devarray\.Stream or none, not int"):
        kernel(module, "scale")(1, 32, (x, 2, 4), stream=0)
    with pytest.raises(TypeError, match="not more arguments than these"):
        kernel(module, "scale")(1, 32, (x, 2, 4), 0, None, 5)
    if da.get_device().shares_host_memory:
        with pytest.raises(ValueError, match=r"fill is a template: .* names=\[\"fill<float>\"\]"):
            kernel(module, "fill<float>")(1, 1, (x, 0))


def test_texts_of_other_systems():
    text = '\ufeff#define KERNEL(name) \\\r\n extern "C" __global__ void name\r\n'
    text += "KERNEL(f)(int *x) {\r\n x[0] = 3;\r\n}\r\n"
    x = da.zeros(1, dtype="i4")
    da.RawModule(code=text, options=("-std=c++11",)).get_function("f")(1, 1, (x,))
    assert x.get()[0] == 3


def test_constructors():
    with pytest.raises(TypeError, match="one of them only"):
        da.RawModule()
    with pytest.raises(TypeError, match="one of them only"):
        da.RawModule("", path="x.cu")
    with pytest.raises(TypeError, match="text or bytes"):
        da.RawModule(5)
    with pytest.raises(TypeError, match="sequences of strings"):
        da.RawModule("", options="-DN=3")
    with pytest.raises(ValueError, match="'auto' or 'opencl'"):
        da.RawModule("", backend="cuda")
    with pytest.raises(TypeError, match="options are strings, not int"):
        da.RawModule("", options=[5])
    with pytest.raises(FileNotFoundError):
        da.RawModule(path="there_is_no_such_file.cu")


def test_a_kernel_from_a_file_and_options(tmp_path):
    (tmp_path / "number.h").write_text("#define NUMBER 5\n")
    source = '#include "number.h"\n__global__ void f(int *x) { x[0] = NUMBER * N; }'
    (tmp_path / "f.cu").write_text(source)
    x = da.zeros(1, dtype="i4")
    for number in (5, 6):  # the file is read again
        (tmp_path / "number.h").write_text(f"#define NUMBER {number}\n")
        options = [
            "-D N=3",
            "--define-macro=threads=7",
            f"-I{tmp_path}",
            "-lineinfo",
            "-arch=sm_80",
        ]
        made = da.RawModule(path=tmp_path / "f.cu", options=options)
        made.get_function("f")(1, 1, (x,))
        assert x.get()[0] == number * 3


def test_files_that_lie_beside_each_other(tmp_path, monkeypatch):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "beside.h").write_text("#define NUMBER 7\n")
    (tmp_path / "sub" / "f.cu").write_text(
        '#include "beside.h"\n__global__ void f(int *x) { x[0] = NUMBER; }'
    )
    monkeypatch.chdir(tmp_path)
    x = da.zeros(1, dtype="i4")
    da.RawModule(path="sub/f.cu").get_function("f")(1, 1, (x,))
    assert x.get()[0] == 7
    source = '#include "beside.h"\n__global__ void f(int *x) { x[0] = -NUMBER; }'
    da.RawKernel(source, "f", options=["-Isub"])(1, 1, (x,))
    assert x.get()[0] == -7


def test_attributes_and_occupancy(module):
    one = kernel(module, "turn")
    assert one.attributes["max_threads_per_block"] >= 64
    found = one.occupancy((16, 4), 256)
    assert found.blocks >= 1
    assert found.threads == 64 * found.blocks
    assert [p.name for p in kernel(module, "scale").parameters()] == ["x", "a", "n"]
    with pytest.raises(ValueError, match=r"block.x is 5000"):
        one.occupancy(5000)


def test_arrays_of_other_devices(module):
    device = da.get_device()
    others = [other for other in da.devices() if other is not device]
    if not others:
        pytest.skip("there is one device")
    x = da.zeros(1, dtype="f4", device=others[0])
    with pytest.raises(DeviceError, match=r"argument 1 \('y'\).* is on"):
        kernel(module, "add")(1, 1, (da.zeros(1, dtype="f4"), x, 1))


def test_arrays_at_addresses():
    x = da.arange(12.0)
    rows = da.from_address(x.ptr, (3, 4), owner=x)
    rows[1] = 0
    np.testing.assert_array_equal(x.get(), [0, 1, 2, 3, 0, 0, 0, 0, 8, 9, 10, 11])
    back = da.from_address(x[11:].ptr, (4,), strides=(-24,), owner=x)
    np.testing.assert_array_equal((back + 0).get(), [11, 8, 0, 2])
    assert da.from_address(0, (0, 3)).shape == (0, 3)
    with pytest.raises(ValueError, match="strides is incompatible"):
        da.from_address(x.ptr, (3,), strides=(8, 8))
    assert x[3:].ptr - x.ptr == 24


def test_variables_with_c_linkage():
    source = """extern "C" __constant__ float c[3];
extern "C" __device__ int n = 2;
extern "C" __global__ void f(float *x) { x[threadIdx.x] = n * c[threadIdx.x]; }"""
    made = da.RawModule(source)
    made.get_global("c", "f4")[...] = [1, 2, 3]
    x = da.zeros(3, dtype="f4")
    made.get_function("f")(1, 3, (x,))
    np.testing.assert_array_equal(x.get(), [2, 4, 6])


def test_kernels_in_included_files(tmp_path):
    (tmp_path / "wait.cuh").write_text(
        "#pragma once\n#include <cuda_runtime.h>\n"
        "__device__ void together() { __syncthreads(); }\n"
        "__global__ void twice(int *x) { x[threadIdx.x] *= 2; }\n"
    )
    source = """#include "wait.cuh"
#include "wait.cuh"
__global__ void turn(int *x) {
    __shared__ int s[64];
    s[threadIdx.x] = x[threadIdx.x];
    together();
    x[threadIdx.x] = s[63 - threadIdx.x];
}"""
    made = da.RawModule(source, options=[f"-I{tmp_path}"])
    x = da.arange(64, dtype="i4")
    made.get_function("turn")(1, 64, (x,))
    made.get_function("twice")(1, 64, (x,))
    np.testing.assert_array_equal(x.get(), 2 * np.arange(64)[::-1])


def test_kernels_in_namespaces():
    source = """namespace a {
__global__ void f(int *x) { x[0] = 1; }
__global__ void only(int *x) { x[0] = 5; }
}
namespace b {
__global__ void f(int *x) {
    __shared__ int s;
    s = 2;
    __syncthreads();
    x[0] = s;
}
}"""
    made = da.RawModule(source)
    x = da.zeros(1, dtype="i4")
    for name, wanted in (("a::f", 1), ("b::f", 2), ("a::only", 5)):
        made.get_function(name)(1, 1, (x,))
        assert x.get()[0] == wanted
    if da.get_device().shares_host_memory:
        with pytest.raises(ValueError, match=r"no kernel 'f' .* with its namespace"):
            made.get_function("f")(1, 1, (x,))


def test_macros_can_be_taken_back():
    source = "__global__ void f(int *x) {\n#ifdef N\nx[0] = N;\n#else\nx[0] = -1;\n#endif\n}"
    x = da.zeros(1, dtype="i4")
    forms = (["-D", "N=3"], 3), (["--define-macro=N=3", "--undefine-macro=N"], -1)
    for options, wanted in (*forms, (["-DN=3"], 3), (["-DN=3", "-UN"], -1), (["-UN", "-D N=4"], 4)):
        da.RawModule(source, options=options).get_function("f")(1, 1, (x,))
        assert x.get()[0] == wanted


def test_macros_without_a_semicolon_before_kernels():
    macro = "#define MAKE(T) __device__ T square(T x) { return x * x; }\nMAKE(float) MAKE(int)\n"
    body = "__global__ void f(int *x) { x[threadIdx.x] = square(x[threadIdx.x]); }"
    for kernel in (body, f'extern "C" {body}', body.replace("{", "{ __syncthreads();", 1)):
        x = da.arange(4, dtype="i4")
        da.RawKernel(macro + kernel, "f")(1, 4, (x,))
        np.testing.assert_array_equal(x.get(), [0, 1, 4, 9])


def test_qualified_classes_are_no_variables():
    source = """
    __device__ struct Point { int x; };
    __device__ struct Pair { int a, b; } pair = {2, 3};
    __global__ void f(int *y) { Point p = {4}; y[0] = p.x + pair.b; }
    """
    module = da.RawModule(source)
    x = da.zeros(1, dtype="i4")
    module.get_function("f")(1, 1, (x,))
    assert x.get()[0] == 7
    module.get_global("pair", "i4")[...] = 5
    module.get_function("f")(1, 1, (x,))
    assert x.get()[0] == 9


def test_names_that_other_languages_have():
    source = """__global__ void f(float *x) {
    __shared__ float kernel[64];
    float local = 0;
    for (int half = blockDim.x / 2; half > 0; half /= 2) local += half;
    kernel[threadIdx.x] = local + x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x] = kernel[63 - threadIdx.x];
}"""
    x = da.arange(64, dtype="f4")
    da.RawKernel(source, "f")(1, 64, (x,))
    np.testing.assert_array_equal(x.get(), 63 + np.arange(64)[::-1])
    module = da.RawModule(
        "__device__ int local = 3; __global__ void kernel(int *x) { x[0] = local; }"
    )
    y = da.zeros(1, dtype="i4")
    module.get_function("kernel")(1, 1, (y,))
    assert y.get()[0] == module.get_global("local", "i4").get()[0] == 3


@pytest.mark.parametrize(
    ("vector", "dtype", "fits"),
    [
        ("float4", "f4", True), ("float4", "f8", False), ("float4", "i4", False),
        ("float2", "c8", True), ("double2", "c8", False), ("double2", "c16", True),
        ("uchar4", "i1", True), ("int4", "u4", True), ("longlong2", "i8", True),
        ("longlong2", "i4", False), ("ulong2", "u8", True), ("float4", "u1", True),
    ],
)  # fmt: skip
def test_pointers_to_vectors(vector, dtype, fits):
    (parameter,) = parse_parameters(f"const {vector} *x")
    assert (_type_problem(parameter, np.dtype(dtype)) == "") is fits


def test_arrays_as_vectors():
    source = "__global__ void f(float4 *x) { x[threadIdx.x].z = x[threadIdx.x].x + 1; }"
    x = da.arange(16, dtype="f4")
    da.RawKernel(source, "f")(1, 4, (x,))
    np.testing.assert_array_equal(x.get().reshape(4, 4)[:, 2], x.get().reshape(4, 4)[:, 0] + 1)
    with pytest.raises(TypeError, match=r"float64, and the kernel takes vectors of float32"):
        da.RawKernel(source, "f")(1, 4, (da.zeros(16),))
