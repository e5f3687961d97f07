"""Kernels of PyCUDA's driver over devarray: their arguments, wrong calls, compiling."""

import numpy as np
import pytest

import devarray as da
from devarray.backends import cuda
from devarray.compat.pycuda import compiler, driver
from devarray.compat.pycuda.compiler import SourceModule
from devarray.kernels.nvrtc import find_nvrtc
from standin_gpu import Machine
from test_cuda_standin import standin

TEXT = """
__constant__ int factors[3];

struct pair { int first; double second; };

__global__ void add(float *x, float value, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] += value;
}
__global__ void add_pair(double *x, pair p) { x[threadIdx.x] += p.first + p.second; }
__global__ void codes(double *out, int i, unsigned char b, long long q, float f, double d, int *p) {
    out[0] = i; out[1] = b; out[2] = q; out[3] = f; out[4] = d; out[5] = p ? *p : -1;
}
"""


@pytest.fixture(scope="module")
def module():
    return SourceModule(TEXT)


@pytest.fixture
def add(module):
    return module.get_function("add")


@pytest.fixture
def x_gpu():
    return driver.to_device(np.arange(6, dtype=np.float32))


def host(pointer, n=6, dtype=np.float32):
    return driver.from_device(pointer, n, dtype)


# ---- errors --------------------------------------------------------------------------------------


def test_errors_are_pycuda_s_and_devarray_s():
    for name, core in {
        "MemoryError": da.DeviceMemoryError,
        "LaunchError": da.DeviceError,
        "RuntimeError": da.DeviceError,
        "CompileError": da.CompileError,
        "LogicError": da.DevarrayError,
    }.items():
        kind = getattr(driver, name)
        assert issubclass(kind, driver.Error)
        assert issubclass(kind, core)
    assert issubclass(driver.MemoryError, MemoryError)


def test_a_compile_error_tells_what_a_caller_made_it_of():
    error = driver.CompileError("it failed", ["nvcc", "-c"], stdout="out", stderr="err")
    assert error.command_line == ["nvcc", "-c"]
    assert str(error) == "it failed\n[command: nvcc -c]\n[stdout:\nout]\n[stderr:\nerr]"
    assert str(driver.CompileError("it failed", [])) == "it failed"


def test_lines_of_a_compile_error_are_the_programs():
    for text, options in (
        ("int a;\n\n__global__ void f(int *x) { x[0] = nothing; }\n", {}),
        (
            'int a;\n\nextern "C" __global__ void f(int *x) { x[0] = nothing; }\n',
            {"no_extern_c": 1},
        ),
    ):
        with pytest.raises(driver.CompileError) as caught:
            SourceModule(text, **options)
        assert ":3:" in caught.value.stderr or "(3)" in caught.value.stderr


@pytest.mark.parametrize(
    ("args", "options", "kind", "words"),
    [
        ((np.float32(1), np.int32(6)), {"grid": (1, 1)}, ValueError, "block size is missing"),
        ((np.float32(1),), {"block": (6, 1, 1)}, TypeError, "takes 3 arguments"),
        (
            (np.float32(1), np.int32(6), np.int32(6)),
            {"block": (6,)},
            TypeError,
            "takes 3 arguments",
        ),
        ((1.0, np.int32(6)), {"block": (6, 1, 1)}, TypeError, "numpy.float32"),
        ((np.float32(1), 6), {"block": (6, 1, 1)}, TypeError, "numpy.int32"),
        ((np.float32(1), True), {"block": (6, 1, 1)}, TypeError, "numpy.bool"),
        ((np.float64(1), np.int32(6)), {"block": (6, 1, 1)}, TypeError, "float32 is needed"),
        ((np.float32(1), "six"), {"block": (6, 1, 1)}, TypeError, "got str"),
        ((np.float32(1), np.int32(6)), {"block": (6, 1, 1), "blok": 1}, ValueError, "blok"),
        ((np.float32(1), np.int32(6)), {"block": (2000, 1, 1)}, driver.LogicError, "block.x"),
        ((np.float32(1), np.int32(6)), {"block": (6, 1, 1), "grid": (-1, 1)}, ValueError, "grid.x"),
        (
            (np.float32(1), np.int32(6)),
            {"block": (6, 1, 1), "grid": (0.5, 1)},
            ValueError,
            "grid.x",
        ),
        ((np.float32(1), np.int32(6)), {"block": (6, 1.5, 1)}, TypeError, "integers"),
        (
            (np.float32(1), np.int32(6)),
            {"block": (6, 1, 1), "shared": 1 << 30},
            ValueError,
            "shared",
        ),
        ((np.float32(1), np.int32(6)), {"block": (6, 1, 1), "stream": 7}, TypeError, "stream"),
        ((np.float32(1), np.int32(6)), {"block": (6, 1, 1), "texrefs": [1]}, TypeError, "texture"),
    ],
)
def test_a_wrong_call_raises_before_the_launch(add, x_gpu, args, options, kind, words):
    with pytest.raises(kind, match=words):
        add(x_gpu, *args, **options)
    np.testing.assert_array_equal(host(x_gpu), np.arange(6))


@pytest.mark.parametrize("wrong", [np.zeros(6, np.float32), np.int32(64), np.float64(1), None])
def test_what_is_no_pointer_is_refused(add, wrong):
    with pytest.raises(TypeError, match="argument 0"):
        add(wrong, np.float32(1), np.int32(6), block=(6, 1, 1))


def test_a_pointer_for_a_number_is_refused(add, x_gpu):
    with pytest.raises(TypeError, match="argument 2 is an address"):
        add(x_gpu, np.float32(1), x_gpu, block=(6, 1, 1))


def test_time_is_not_taken_in_a_stream(add, x_gpu):
    call = add, x_gpu, np.float32(1), np.int32(6)
    assert call[0](*call[1:], block=(6, 1, 1), time_kernel=True) >= 0
    with pytest.raises(ValueError, match="null stream"):
        call[0](*call[1:], block=(6, 1, 1), time_kernel=True, stream=driver.Stream())


def test_names_that_a_module_lacks(module):
    with pytest.raises(driver.LogicError, match=r"no kernel 'sub'.*add_pair"):
        module.get_function("sub")
    with pytest.raises(driver.LogicError, match=r"no variable 'none'.*factors"):
        module.get_global("none")


@pytest.mark.parametrize(
    "call",
    [
        driver.Array,
        driver.TextureReference,
        lambda: driver.matrix_to_array(np.zeros((2, 2)), "C"),
        driver.Linker,
        driver.start_profiler,
        lambda: driver.Event().ipc_handle(),
        lambda: driver.mem_get_ipc_handle(0),
        lambda: driver.Context.set_limit(driver.limit.STACK_SIZE, 4096),
        lambda: compiler.DynamicSourceModule("__global__ void f() { f<<<1, 1>>>(); }"),
        lambda: driver.memcpy_htoa(None, 0, b""),
        lambda: SourceModule("__global__ void f() {}").get_texref("t"),
    ],
)
def test_what_is_not_supported_says_so(call):
    with pytest.raises(da.UnsupportedError) as caught:
        call()
    assert isinstance(caught.value, driver.LogicError)
    assert len(str(caught.value)) > 20


def test_accesses_out_of_bounds_are_found(add):
    if not da.get_device().shares_host_memory:
        pytest.skip("kernels are checked on the host")
    x, n = driver.mem_alloc(24), np.int32(100)
    with da.config(raw_checks=True), pytest.raises(driver.LaunchError, match=r"line 8.*'x'"):
        add(x, np.float32(1), n, block=(7, 1, 1))


# ---- arguments -----------------------------------------------------------------------------------


def test_handlers_copy_in_and_out(add):
    a = np.arange(6, dtype=np.float32)
    add(driver.In(a), np.float32(1), np.int32(6), block=(6, 1, 1))
    np.testing.assert_array_equal(a, np.arange(6))
    add(driver.InOut(a), np.float32(1), np.int32(6), block=(6, 1, 1), stream=driver.Stream())
    np.testing.assert_array_equal(a, np.arange(1, 7))
    columns = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3))
    add(driver.InOut(columns), np.float32(10), np.int32(2), block=(6, 1, 1))
    np.testing.assert_array_equal(columns, [[10, 1, 2], [13, 4, 5]])
    for wrong, kind in ((a[::2], ValueError), ([1.0], TypeError), (3, TypeError)):
        with pytest.raises(kind):
            add(driver.InOut(wrong), np.float32(1), np.int32(1), block=(1, 1, 1))
    a.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        add(driver.Out(a), np.float32(1), np.int32(6), block=(6, 1, 1))
    add(driver.In(np.empty(0, np.float32)), np.float32(1), np.int32(0), block=(1, 1, 1))


def test_structures_go_by_value(module):
    pair = np.dtype([("first", np.int32), ("second", np.float64)], align=True)
    value = np.zeros((), pair)
    value["first"], value["second"] = 2, 0.5
    x, add_pair = np.zeros(3), module.get_function("add_pair")
    for argument in (value, value[()], np.frombuffer(value.tobytes(), np.uint8)):
        add_pair(driver.InOut(x), argument, block=(3, 1, 1))
    add_pair.prepare(["P", pair]).prepared_call(
        (1, 1), (3, 1, 1), buffer := driver.to_device(x), value
    )
    np.testing.assert_array_equal(driver.from_device_like(buffer, x), [10.0] * 3)
    with pytest.raises(TypeError, match="structure of 16 bytes"):
        add_pair(driver.InOut(x), np.float64(1), block=(3, 1, 1))


def test_addresses_are_numbers(add, x_gpu):
    for pointer in (np.intp(x_gpu) + 8, np.uintp(int(x_gpu) + 8), np.uint64(int(x_gpu) + 8)):
        add(pointer, np.float32(1), np.int32(2), block=(6, 1, 1))
    np.testing.assert_array_equal(host(x_gpu), [0, 1, 5, 6, 4, 5])


def test_other_objects_with_an_address(add, x_gpu):
    class Holder(driver.PointerHolderBase):
        def get_pointer(self):
            return int(x_gpu)

    class Interface:
        @property
        def __cuda_array_interface__(self):
            return {"data": (int(x_gpu), False)}

    array = da.zeros(6, "float32")
    for pointer in (Holder(), Interface(), array):
        add(pointer, np.float32(1), np.int32(6), block=(6, 1, 1))
    np.testing.assert_array_equal(host(Holder()), np.arange(6) + 2)
    np.testing.assert_array_equal(array.get(), np.ones(6))


def test_prepared_types(module):
    codes = module.get_function("codes")
    out, seven = np.zeros(6), driver.to_device(np.int32(7))
    block = (1, 1, 1)
    expected = [-3, 200, 2**40, 1.5, 0.1, 7]
    for types in ("PiBqfdP", ["P", np.int32, np.uint8, "q", "f", np.dtype("float64"), "P"]):
        buffer = driver.mem_alloc(48)
        assert codes.prepare(types) is codes
        codes.prepared_call((1, 1), block, buffer, -3, 200, 2**40, 1.5, 0.1, seven)
        driver.memcpy_dtoh(out, buffer)
        np.testing.assert_array_equal(out, expected)
    for wrong, kind in (
        ((buffer, 2**31, 0, 0, 0, 0, None), OverflowError),
        ((buffer, 1.5, 0, 0, 0, 0, None), TypeError),
        ((buffer, 0, 256, 0, 0, 0, None), OverflowError),
        ((buffer, 0, 0, 0, "x", 0, None), ValueError),
        ((1.5, 0, 0, 0, 0, 0, None), TypeError),
        ((buffer, 0), TypeError),
    ):
        with pytest.raises(kind):
            codes.prepared_call((1, 1), block, *wrong)
    codes.prepared_call((1, 1), block, buffer, 0, 0, 0, 0, 0, None)
    assert driver.from_device(buffer, 6, np.float64)[5] == -1


def test_prepare_refuses_what_has_no_size(module):
    add = module.get_function("add")
    with pytest.raises(driver.LogicError, match="not prepared"):
        add.prepared_call((1, 1), (1, 1, 1), 0)
    for types in ([float], [int, "P"], [complex]):
        with pytest.raises(TypeError, match=r"numpy\.float32"):
            add.prepare(types)
    with pytest.raises(ValueError, match="no code"):
        add.prepare("P!")
    with pytest.raises(TypeError, match="no parameters of"):
        add.prepare([np.dtype(object)])


def test_attributes_of_functions(add):
    assert add.max_threads_per_block >= 256
    assert add.num_regs >= 0
    assert add.get_attribute(driver.function_attribute.SHARED_SIZE_BYTES) >= 0
    add.set_attribute(driver.function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, 1000)
    add.set_cache_config(driver.func_cache.PREFER_L1)
    with pytest.raises(driver.LogicError):
        add.set_attribute(driver.function_attribute.NUM_REGS, 5)
    with pytest.raises(driver.LogicError):
        add.set_attribute(driver.function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, 1 << 40)
    with pytest.raises(AttributeError):
        _ = add.registers


# ---- compiler and include files ------------------------------------------------------------------


def test_options_and_include_folders(tmp_path):
    (tmp_path / "value.h").write_text("#define VALUE 40\n")
    text = '#include "value.h"\n__global__ void f(int *x) { x[0] = VALUE + N; }\n'
    options = ["-DN=2", "-O3", "-Xcompiler", "-Wall", "--ptxas-options=-v", "-arch=sm_70"]
    module = SourceModule(text, options=options, include_dirs=[str(tmp_path)], keep=True)
    x = np.zeros(1, np.int32)
    module.get_function("f")(driver.Out(x), block=(1, 1, 1))
    assert x[0] == 42
    with pytest.raises(TypeError, match="lists"):
        SourceModule(text, options="-DN=2")
    with pytest.raises(TypeError, match="text"):
        SourceModule(text.encode())


def test_modules_of_several_texts():
    module = compiler.DynamicModule()
    module.add_source("__device__ int two() { return 2; }").add_source(
        "__global__ void f(int *x) { x[0] = two(); }", nvcc_options=["-rdc=true", "-lcudadevrt"]
    )
    module.add_stdlib("cudadevrt")
    with pytest.raises(AttributeError, match="link"):
        module.get_function("f")
    x = np.zeros(1, np.int32)
    module.link().get_function("f")(driver.Out(x), block=(1, 1, 1))
    assert x[0] == 2
    with pytest.raises(da.UnsupportedError):
        module.add_stdlib("cublas")


@pytest.mark.parametrize("target", ["cubin", "ptx", "fatbin"])
def test_what_compile_returns_is_a_module_again(tmp_path, target):
    (tmp_path / "value.h").write_text("#define VALUE 40\n")
    text = '#include <cstdint>\n#include "value.h"\n__constant__ int32_t one;\n'
    text += "__global__ void f(int32_t *x) { x[0] = VALUE + N + one; }\n"
    options = ["-DN=2", "-O3"]
    data = compiler.compile(text, options=options, include_dirs=[str(tmp_path)], target=target)
    assert type(data) is bytes
    (tmp_path / "value.h").unlink()  # a binary does not need it any more
    (tmp_path / f"kernel.{target}").write_bytes(data)
    for module in (
        driver.module_from_buffer(data),
        driver.module_from_buffer(bytearray(data)),
        driver.module_from_file(tmp_path / f"kernel.{target}"),
        driver.module_from_file(str(tmp_path / f"kernel.{target}")),
    ):
        x = np.zeros(1, np.int32)
        address, nbytes = module.get_global("one")
        assert nbytes == 4
        driver.memcpy_htod(address, np.int32(7))
        module.get_function("f")(driver.Out(x), block=(1, 1, 1))
        assert x[0] == 49


def test_compile_without_extern_c():
    text = """template <class T> __device__ T twice(T x) { return x + x; }
    extern "C" __global__ void f(float *x) { x[0] = twice(x[0]); }"""
    module = driver.module_from_buffer(compiler.compile(text, no_extern_c=True))
    x = np.ones(1, np.float32)
    module.get_function("f")(driver.InOut(x), block=(1, 1, 1))
    assert x[0] == 2


def test_compile_raises_what_source_modules_raise():
    text = "\n__global__ void f(int *x) { x[0] = missing; }\n"
    with pytest.raises(driver.CompileError, match="missing") as caught:
        compiler.compile(text)
    with pytest.raises(driver.CompileError) as same:
        SourceModule(text)
    assert caught.value.stderr == same.value.stderr != ""
    with pytest.raises(da.UnsupportedError, match="fatbin"):
        compiler.compile("__global__ void f() {}", target="lto")
    with pytest.raises(TypeError, match="text"):
        compiler.compile(b"__global__ void f() {}")


@pytest.mark.parametrize(
    ("target", "arch", "first"),
    [("cubin", None, b"\x7fELF"), ("fatbin", "sm_80", b"\x7fELF"), ("ptx", "sm_80", b"//")],
)
def test_gpus_get_binaries_and_the_headers_that_source_modules_get(target, arch, first):
    try:
        nvrtc = find_nvrtc()
    except da.DeviceError as error:
        pytest.skip(str(error))
    text = "#include <cstdint>\n__global__ void f(int32_t *x) { x[0] = N; }"
    with standin(Machine(), opened=False) as made:
        made.patch.setattr(cuda, "find_nvrtc", lambda newest=None: nvrtc)
        with da.Device("cuda"):
            code = compiler.compile(text, options=["-DN=5"], target=target, arch=arch)
    assert code.startswith(first)
    assert target != "ptx" or b".target sm_80" in code


def test_what_compile_returned_must_be_whole():
    if not da.get_device().shares_host_memory:
        pytest.skip("what GPUs say to a wrong binary is their matter")
    data = compiler.compile("__global__ void f(int *x) { x[0] = 1; }")
    for wrong in (data[:-1], data[:60], data + b"\n", data.replace(b"= 1", b"= 2")):
        with pytest.raises(driver.LogicError, match="compile"):
            driver.module_from_buffer(wrong)


def test_binaries_are_for_gpus(tmp_path):
    if not da.get_device().shares_host_memory:
        pytest.skip("what GPUs say to a wrong binary is their matter")
    (tmp_path / "kernel.ptx").write_text(".version 8.0\n")
    with pytest.raises(driver.LogicError, match="GPUs"):
        driver.module_from_file(tmp_path / "kernel.ptx")
    with pytest.raises(driver.LogicError, match="GPUs"):
        driver.module_from_buffer(b"\x7fELF...")


FUNCTIONS = (
    *("exp", "log", "log10", "sqrt", "sin", "cos", "tan"),
    *("asin", "acos", "atan", "sinh", "cosh", "tanh", "conj"),
)


def test_complex_numbers_in_kernels():
    calls = "".join(f"out[{k} * n + i] = {name}(x[i]);" for k, name in enumerate(FUNCTIONS))
    more = f"""
    out[{len(FUNCTIONS)} * n + i] = (2.0 * x[i] - conj(x[i]) / x[i] + 1.0) * x[i];
    out[{len(FUNCTIONS) + 1} * n + i] = pycuda::polar(abs(x[i]), arg(x[i]));
    out[{len(FUNCTIONS) + 2} * n + i] = complex(norm(x[i]), real(x[i]) + x[i].imag());
    out[{len(FUNCTIONS) + 3} * n + i] = pycuda::pow(x[i], 0.1 * x[i] / abs(x[i]));
    out[{len(FUNCTIONS) + 4} * n + i] = pow(x[i], -3);
    """
    module = SourceModule(f"""
    #include <pycuda-complex.hpp>
    typedef pycuda::complex<double> complex;
    __global__ void all(complex *out, const complex *x, int n) {{
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        if (i < n) {{ {calls} {more} }}
    }}""")
    values = [-30, -2, -1, -0.3, -1e-3, 1e-3, 0.5, 1, 1.5, 25]
    x = np.array([complex(a, b) for a in values for b in values])
    out = np.empty((len(FUNCTIONS) + 5, x.size), np.complex128)
    all_of_them = module.get_function("all")
    all_of_them(driver.Out(out), driver.In(x), np.int32(x.size), block=(64, 1, 1), grid=(2, 1))
    for name, got in zip(FUNCTIONS, out, strict=False):
        function = getattr(np, name.replace("a", "arc", 1) if name[0] == "a" else name)
        np.testing.assert_allclose(got, function(x), rtol=3e-14, atol=1e-300, err_msg=name)
    expected = [
        (2 * x - x.conj() / x + 1) * x,
        x,
        abs(x) ** 2 + 1j * (x.real + x.imag),
        x ** (0.1 * x / abs(x)),
        x**-3.0,
    ]
    np.testing.assert_allclose(out[len(FUNCTIONS) :], expected, rtol=1e-12)
