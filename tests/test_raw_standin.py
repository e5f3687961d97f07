"""Raw kernels on `cuda` and `hip`: on machines that are none, and NVRTC's code for real ones."""

import contextlib
import gc
import re
import threading
import uuid
import weakref

import numpy as np
import pytest

import devarray as da
from devarray.backends import cuda, hip
from devarray.backends._cupy_raw import _entries
from devarray.backends._cupy_text import Declarations, compile_raw
from devarray.errors import CompileError, DeviceError, UnsupportedError
from devarray.kernels.cache import KernelCache
from devarray.kernels.nvrtc import find_nvrtc
from devarray.modules import RawSource
from standin_gpu import (
    ILLEGAL_ADDRESS,
    MOST_SHARED,
    OUT_OF_RESOURCES,
    PLAIN_SHARED,
    Machine,
    StandinNvrtc,
    compile_text,
)
from test_cuda_standin import standin

SOURCE = """
namespace ns {
__constant__ float by[2] = {1.f, 2.f};
__global__ void shift(float *x, int n) { if (threadIdx.x < n) x[threadIdx.x] += by[0] + by[1]; }
}
template <class T, int N> __global__ void fill(T *x, T value) { x[threadIdx.x * N] = value; }
extern "C" __global__ void twice(const float *x, float *y, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = 2 * x[i];
}
typedef float real;
struct Pair { double a; int b; };
__global__ void mix(real *x, real a, struct Pair p) { x[0] = a + p.a + p.b; }
__global__ void turn(float *x) {
    extern __shared__ float s[];
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x] = s[blockDim.x - 1 - threadIdx.x];
}
"""
NAMES = ("fill<double, 2>",)


@contextlib.contextmanager
def gpu(backend=cuda, **facts):
    """Let there be a machine whose first device is the default device."""
    with standin(Machine(is_hip=backend is hip, **facts), backend, opened=False) as made:
        made.nvrtc = StandinNvrtc()
        made.patch.setattr(cuda, "find_nvrtc", lambda newest=None: made.nvrtc)
        with da.Device(backend.DIALECT.name) as device, da.config(oracle_limit=0):
            made.opened = device
            yield made


@pytest.fixture
def machine():
    with gpu() as made:
        yield made


@pytest.fixture
def module(machine):
    return da.RawModule(SOURCE, names=NAMES)


def function(module, name):
    return module.get_function(name)


# ---- what is found, and under which name


@pytest.mark.parametrize("backend", [cuda, hip], ids=["cuda", "hip"])
def test_kernels_are_found_by_their_names_in_the_text(backend):
    with gpu(backend):
        module = da.RawModule(SOURCE, names=NAMES)
        x = da.arange(4, dtype="f4")
        function(module, "shift")(1, 32, (x, x.size))
        function(module, "ns::shift")(1, 32, (x, 2))
        assert x.get().tolist() == [6, 7, 5, 6]
        y = da.zeros(8)
        function(module, "fill<double, 2>")(1, 4, (y, 7))
        assert y.get().tolist() == [7, 0] * 4
        z = da.empty(4, dtype="f4")
        function(module, "twice")(2, 2, (x, z, 4))
        assert z.get().tolist() == [12, 14, 10, 12]
        device = da.get_device().name
        assert {x.device.name, z.device.name} == {device} == {backend.DIALECT.name}


def test_what_is_not_there(module):
    x = da.zeros(1, dtype="f4")
    with pytest.raises(ValueError, match=r"no kernel 'nix' in the module; it has .*ns::shift"):
        function(module, "nix")(1, 1, (x,))
    with pytest.raises(ValueError, match=r"fill is a template: name instances"):
        function(module, "fill<float, 1>")(1, 1, (x, 1))
    with pytest.raises(ValueError, match="no variable 'nada' in the module; it has ns::by"):
        module.get_global("nada")
    with pytest.raises(UnsupportedError, match="cannot run raw kernels by 'opencl'"):
        da.RawModule(SOURCE, backend="opencl").compile()


def test_parameters(module):
    text = {p.name: (p.kind, p.size, p.target_size) for p in function(module, "mix").parameters()}
    assert text == {"x": ("p", 8, 0), "a": ("?", 4, 0), "p": ("s", 16, 0)}
    fill = function(module, "fill<double, 2>").parameters()
    assert [(p.name, p.kind, p.target_kind, p.target_size) for p in fill] == [
        ("x", "p", "f", 8),
        ("value", "f", "", 0),
    ]


def test_arguments_are_checked(module):
    x, pair = da.zeros(4, dtype="f4"), np.zeros(1, [("a", "f8"), ("b", "i4"), ("_", "i4")])[0]
    twice, mix = function(module, "twice"), function(module, "mix")
    for args, error, words in (
        ((x, x), TypeError, "3 arguments"),
        ((x, x, 2.5), TypeError, "int32 is needed"),
        ((x, da.zeros(4), 4), TypeError, "array of float64"),
        ((x, da.zeros(8, dtype="f4")[::2], 4), ValueError, "not contiguous"),
        ((x, x, 2**40), OverflowError, "argument 2"),
    ):
        with pytest.raises(error, match=words):
            twice(1, 4, args)
    with pytest.raises(TypeError, match="NumPy scalar"):
        mix(1, 1, (x, 1.0, pair))
    with pytest.raises(TypeError, match="argument 1 of kernel mix has 8 bytes, and the kernel"):
        mix(1, 1, (x, np.float64(1), pair))
    with pytest.raises(TypeError, match=r"16 bytes is needed, .* not 4 bytes"):
        mix(1, 1, (x, np.float32(1), b"1234"))
    pair["a"], pair["b"] = 2, 3
    mix(1, 1, (x, np.float32(0.5), pair))
    assert x.get()[0] == 5.5
    with pytest.raises(ValueError, match=r"block\.z is 65"):
        mix(1, (1, 1, 65), (x, np.float32(1), pair))
    with pytest.raises(ValueError, match=r"grid\.y is 65536"):
        mix((1, 65536), 1, (x, np.float32(1), pair))


def test_variables_are_memory_of_the_device(module, machine):
    by = module.get_global("by", "f4")
    assert by.shape == (2,) and by.device.name == "cuda"
    by[...] = [10, 20]
    x = da.zeros(2, dtype="f4")
    function(module, "shift")(1, 2, (x, 2))
    by[0] = 1  # after the launch in the same stream
    assert x.get().tolist() == [30, 30]
    assert by.get().tolist() == [1, 20]
    with pytest.raises(ValueError, match="has 8 bytes, not 12"):
        module.get_global("by", "f4", 3)


# ---- code


def test_code_is_kept_on_disk(machine, tmp_path):
    name = f"k{uuid.uuid4().hex}"
    text = f'#include "n.h"\n__global__ void {name}(int *x) {{ x[0] = N; }}'
    (tmp_path / "n.h").write_text("#define N 3\n")

    def run(**options):
        x = da.zeros(1, dtype="i4")
        made = da.RawModule(text, options=[f"-I{tmp_path}"], **options)
        made.get_function(name)(1, 1, (x,))
        return int(x.get()[0])

    built = machine.nvrtc.told
    assert run() == 3 and len(built) == 1
    assert run() == 3 and len(built) == 1
    (tmp_path / "n.h").write_text("#define N 4\n")
    assert run() == 4 and len(built) == 2
    with da.config(fast_math=True):
        assert run() == 4 and len(built) == 3
    assert "--use_fast_math" in built[2][1] and "--use_fast_math" not in built[1][1]


def test_options(machine):
    text = f"__global__ void f(int *x) {{ x[0] = N + M; }} // {uuid.uuid4()}"
    options = ["-D N=1", "--define-macro", "M=2", "-O3", "-Xcompiler -fPIC", "-lineinfo"]
    options += ["-arch=compute_80", "-gencode=arch=compute_70,code=sm_70", "--fmad=false"]
    made = da.RawModule(text, options=options)
    x = da.zeros(1, dtype="i4")
    made.get_function("f")(1, 1, (x,))
    assert x.get()[0] == 3
    arch, told, names = machine.nvrtc.told[-1]
    assert arch == "compute_80" and names == ("f",)
    own = [option for option in told if not option.startswith("-I")]
    assert own == ["-DN=1", "-DM=2", "-lineinfo", "--fmad=false"]


def test_binaries(machine):
    code, lowered = compile_text(SOURCE, (), ("mix", "twice"))
    made = da.RawModule(code)
    x, y = da.arange(3, dtype="f4"), da.zeros(3, dtype="f4")
    twice = made.get_function(lowered["twice"])
    assert [(p.kind, p.size) for p in twice.parameters()] == [("?", 8), ("?", 8), ("?", 4)]
    twice(1, 3, (x, y, np.int32(3)))
    assert y.get().tolist() == [0, 2, 4]
    with pytest.raises(TypeError, match="takes 3 arguments"):
        twice(1, 3, (x, y))
    with pytest.raises(TypeError, match=r"argument 2 of kernel .* has 8 bytes, and the kernel ta"):
        twice(1, 3, (x, y, np.int64(3)))
    with pytest.raises(TypeError, match="NumPy scalar"):
        twice(1, 3, (x, y, 3))
    with pytest.raises(CompileError, match=r"cuda \(sm_90\) does not load this: .*PTX") as caught:
        da.RawModule(b".version 8.0\n.target sm_90\n.visible .entry f()\n").compile()
    assert "ptxas" in caught.value.log and ".entry f" in caught.value.source


def test_a_driver_that_does_not_tell_of_parameters():
    with gpu(driver=12000, built_for=12000):
        module = da.RawModule(SOURCE)
        assert [p.kind for p in function(module, "mix").parameters()] == ["p", "?", "?"]
        code, lowered = compile_text(SOURCE, (), ("twice",))
        twice = da.RawModule(code).get_function(lowered["twice"])
        assert twice.parameters() is None
        x, y = da.arange(3, dtype="f4"), da.zeros(3, dtype="f4")
        twice(1, 3, (x, y, np.int32(3)))
        assert y.get().tolist() == [0, 2, 4]


# ---- launches


@pytest.mark.parametrize("backend", [cuda, hip], ids=["cuda", "hip"])
def test_dynamic_shared_memory(backend):
    with gpu(backend) as machine:
        device = da.get_device()
        turn = da.RawModule(SOURCE).get_function("turn")
        x = da.arange(4, dtype="f4")
        most = PLAIN_SHARED if backend is hip else MOST_SHARED
        assert device.limits.shared_bytes == most
        for nbytes in (16, most, PLAIN_SHARED):
            turn(1, 4, (x,), shared_mem=nbytes)
        assert x.get().tolist() == [3, 2, 1, 0]
        with pytest.raises(ValueError, match=f"has up to {most}"):
            turn(1, 4, (x,), shared_mem=most + 1)
        machine.static_bytes = 1000
        again = da.RawModule(SOURCE).get_function("turn")
        with pytest.raises(ValueError, match="has 1000 bytes of static shared memory"):
            again(1, 4, (x,), shared_mem=most)
        again(1, 4, (x,), shared_mem=most - 1000)
        assert x.get().tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("backend", [cuda, hip], ids=["cuda", "hip"])
def test_attributes_and_occupancy(backend):
    with gpu(backend):
        turn = da.RawModule(SOURCE).get_function("turn")
        assert turn.attributes == {
            "max_threads_per_block": 1024,
            "shared_size_bytes": 0,
            "const_size_bytes": 16,
            "local_size_bytes": 0,
            "num_regs": 32,
            "ptx_version": 90,
            "binary_version": 90,
        }
        assert turn.occupancy(256) == (8, 2048)
        assert turn.occupancy((8, 8), shared_mem=20_000).blocks > 0
        if backend is cuda:
            assert turn.occupancy(256, shared_mem=100_000) == (2, 512)


def test_streams_wait_for_each_other(module, machine):
    twice = function(module, "twice")
    x = da.arange(1000, dtype="f4")
    y, z = da.empty(1000, dtype="f4"), da.empty(1000, dtype="f4")
    first, second = da.Stream(), da.Stream()
    twice(8, 128, (x + 1, y, 1000), stream=first)
    assert machine.pending()
    twice(8, 128, (y, z, 1000), stream=second)
    x += 5  # what the kernels read is as it was
    with second:
        w = z * 1
    np.testing.assert_array_equal(w.get(), 4 * (np.arange(1000, dtype="f4") + 1))
    np.testing.assert_array_equal(y.get(), 2 * (np.arange(1000, dtype="f4") + 1))


def test_captures_become_graphs(module, machine):
    twice = function(module, "twice")
    x, y = da.ones(4, dtype="f4"), da.zeros(4, dtype="f4")
    x.get()
    with da.capture() as step:
        twice(1, 4, (x, y, 4))
        x += y
    assert x.get().tolist() == [3] * 4
    step.replay()
    step.replay()
    assert machine.graphs == 2
    assert x.get().tolist() == [27] * 4


def test_threads_and_devices(module, machine):
    results = {}

    def work(number):
        with da.Device(f"cuda:{number}" if number else "cuda"):
            x, y = da.arange(4, dtype="f4"), da.zeros(4, dtype="f4")
            function(module, "twice")(1, 4, (x, y, 4))
            results[number] = y.get().tolist(), y.device.name

    threads = [threading.Thread(target=work, args=(number,)) for number in (1, 0)]
    for thread in threads:
        thread.start()
        thread.join()
    assert results == {0: ([0, 2, 4, 6], "cuda"), 1: ([0, 2, 4, 6], "cuda:1")}
    other = da.zeros(4, dtype="f4", device="cuda:1")
    with pytest.raises(DeviceError, match=r"is on cuda:1, and the kernel runs on cuda"):
        function(module, "twice")(1, 4, (da.zeros(4, dtype="f4"), other, 4))


def test_launches_that_the_driver_refuses(module, machine):
    x = da.zeros(4, dtype="f4")
    turn, twice = function(module, "turn"), function(module, "twice")
    turn(1, 4, (x,), shared_mem=16)
    machine.launch_status = OUT_OF_RESOURCES
    with pytest.raises(DeviceError, match=r"launching the kernel turn .*701.* 32 registers"):
        turn(1, 4, (x,), shared_mem=16)
    machine.launch_status = ILLEGAL_ADDRESS
    with pytest.raises(
        DeviceError, match=r"kernel twice .*700.* the last kernel launched was turn"
    ):
        twice(1, 4, (x, x, 4))


def test_kernels_that_fail(machine):
    x = da.zeros(4, dtype="f4")
    da.RawModule(SOURCE).get_function("turn")(1, 4, (x,), shared_mem=16)
    machine.crash = True
    with pytest.raises(DeviceError, match="the last kernel launched was turn"):
        x.get()
    machine.sticky = 0


# ---- memory at an address


@pytest.mark.parametrize("backend", [cuda, hip], ids=["cuda", "hip"])
def test_addresses(backend):
    with gpu(backend):
        x = da.arange(12, dtype="f4").reshape(3, 4)
        y = x + 1
        assert y[1].ptr == y.ptr + 16
        view = da.from_address(y.ptr, (4, 3), "f4", strides=(4, 16), owner=y)
        view[0] *= 10
        want = np.arange(1, 13, dtype="f4").reshape(3, 4)
        want[:, 0] *= 10
        np.testing.assert_array_equal(y.get(), want)
        backwards = da.from_address(y.ptr + 44, 12, "f4", strides=(-4,), owner=y)
        np.testing.assert_array_equal((backwards + 1).get(), want.ravel()[::-1] + 1)
        np.testing.assert_array_equal(backwards.sum().get(), want.sum())
        kept = weakref.ref(y._buffer)
        del y, view
        gc.collect()
        np.testing.assert_array_equal(backwards.get(), want.ravel()[::-1])
        assert kept() is not None
        del backwards
        gc.collect()
        assert kept() is None


def test_addresses_of_other_memory(machine):
    host = np.zeros(4)
    with pytest.raises(ValueError, match="is no address in memory that cuda can use"):
        da.from_address(host.ctypes.data, 4)
    other = da.ones(4, device="cuda:1")
    with pytest.raises(DeviceError, match="memory of device 1 cannot be used on cuda"):
        da.from_address(other.ptr, 4, device="cuda")
    assert da.from_address(other.ptr, 4, device="cuda:1", owner=other).get().tolist() == [1] * 4
    assert da.from_address(0, 0).get().tolist() == []


def test_launches_through_addresses(module, machine):
    x, y = da.arange(4, dtype="f4"), da.zeros(4, dtype="f4")
    function(module, "twice")(1, 4, (x.ptr, y.ptr, 4))
    assert y.get().tolist() == [0, 2, 4, 6]
    function(module, "twice")(1, 4, (x, y.ptr, np.int32(4)))
    assert y.get().tolist() == [0, 2, 4, 6]


# ---- hiprtc


def test_options_for_hiprtc():
    with gpu(hip) as machine:
        told = [
            "-DN=2", "--use_fast_math", "-lineinfo", "--maxrregcount=32", "-O3", "--std=c++14",
            "-fgpu-rdc",
        ]  # fmt: skip
        text = f"__global__ void f(int *x) {{ x[0] = N; }} // {uuid.uuid4()}"
        da.RawModule(text, options=told).compile()
        program = machine.opened.cupy.cuda.nvrtc.told[-1]
        assert program.names == ["f"]
        assert list(program.options) == [
            "--offload-arch=gfx90a", "-DN=2", "-ffp-contract=fast", "-freciprocal-math",
            "-fno-trapping-math", "-std=c++14", "-fgpu-rdc",
        ]  # fmt: skip


def test_names_that_hiprtc_does_not_find():
    with gpu(hip):
        text = "__global__ void is_missing() {}\n__global__ void there(int *x) { x[0] = 5; }"
        x = da.zeros(1, dtype="i4")
        da.RawModule(text, names=["there"]).get_function("there")(1, 1, (x,))
        assert x.get()[0] == 5
        with pytest.raises(CompileError, match="HIPRTC_ERROR") as caught:
            da.RawModule(text, names=["missing"]).compile()
        assert caught.value.command.startswith("hiprtc --offload-arch=gfx90a")
        assert caught.value.log == "no missing" and caught.value.source == text


# ---- NVRTC itself: what devices get, without a device

KERNELS = {
    "plain": "__global__ void k(float *x, int n) { int i = threadIdx.x; if (i < n) x[i] += 1; }",
    "C": 'extern "C" __global__ void k(double *x) { x[blockIdx.x] = threadIdx.y; }',
    "bounds": "__global__ void __launch_bounds__(128, 2) k(int *x) { x[threadIdx.x]++; }",
    "namespaces": "namespace a { namespace b { __global__ void k(int *x) { *x = 1; } } }",
    "one name twice": """
        namespace a { __global__ void k(int *x) { *x = 1; } }
        namespace b { __global__ void k(float *x) { *x = 2; } }""",
    "static shared": """
        __global__ void k(float *x) {
            __shared__ float s[128];
            s[threadIdx.x] = x[threadIdx.x];
            __syncthreads();
            for (int n = 64; n; n /= 2) {
                if (threadIdx.x < n) s[threadIdx.x] += s[threadIdx.x + n];
                __syncthreads();
            }
            if (!threadIdx.x) x[0] = s[0];
        }""",
    "dynamic shared": """
        extern __shared__ double s[];
        __global__ void k(double *x) { s[threadIdx.x] = 1; __syncthreads(); x[0] = s[1]; }""",
    "warps": """
        __global__ void k(int *x) {
            int v = __shfl_down_sync(~0u, x[threadIdx.x], 1) + __popc(__ballot_sync(~0u, 1));
            x[threadIdx.x] = __any_sync(~0u, v > 3) + __shfl_xor_sync(~0u, v, 4);
        }""",
    "atomics": """
        __device__ unsigned long long total;
        __global__ void k(float *x, unsigned n) {
            atomicAdd(x, 1.f); atomicAdd(&total, 1ull); atomicMax(&n, 3u);
            atomicCAS((unsigned *)x, 1u, 2u); __threadfence();
        }""",
    "constants": """
        __constant__ float c[16]; static __constant__ int length = 3;
        __global__ void k(float *x) { x[threadIdx.x] = c[threadIdx.x % length]; }""",
    "structs": """
        struct P { double a; float3 b; };
        __global__ void k(P *p, P q, float4 *v) { *p = q; *v = make_float4(1, 2, 3, q.b.z); }""",
    "headers": """
        #include <stdio.h>
        #include <cmath>
        #include <stdint.h>
        #include <cstdint>
        #include <float.h>
        #include <climits>
        #include <assert.h>
        #include <cuda_runtime.h>
        #include "device_launch_parameters.h"
        __global__ void k(int64_t *x, uint8_t n) {
            assert(n < INT_MAX);
            x[0] = (int64_t)(FLT_MAX + M_PI + INFINITY + DBL_EPSILON) + (uintptr_t)x + LLONG_MIN;
            printf("%d", n);
        }""",
    "left out": """
        #if 0
        __global__ void other(int *x) {}
        __constant__ int nothing;
        #else
        __global__ void k(int *x) { x[0] = 1; }
        #endif""",
    "overloads": """
        __global__ void o(int *x) { *x = 1; }
        __global__ void o(float *x) { *x = 2; }
        __global__ void k() {}""",
    "by macros": "#define KERNEL(n) __global__ void n(float *x)\nKERNEL(k) { x[0] = 1; }",
    "templates": """
        template <class T, int N = 2> __global__ void t(T *x, T a) { x[threadIdx.x * N] = a; }
        template <typename T> __global__ void k2(T x) {}
        __global__ void k(float *x) {}""",
}


def nvrtc(architecture):
    """Return what devices of an architecture compile with."""
    try:
        found = find_nvrtc()
    except DeviceError as error:
        pytest.skip(str(error))
    return cuda.raw_compiler(found, architecture)


def compiled(text, tmp_path, architecture="sm_80", names=(), options=()):
    source = RawSource(text, tuple(names), tuple(options))
    return compile_raw(
        source, Declarations(text), nvrtc(architecture), KernelCache(tmp_path / "cache")
    )


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
@pytest.mark.parametrize("name", KERNELS)
def test_nvrtc_compiles(name, architecture, tmp_path):
    names = ("t<float>", "t<double, 4>", "k2<int2>") if name == "templates" else ()
    code, lowered = compiled(KERNELS[name], tmp_path, architecture, names)
    assert code.startswith(b"\x7fELF")
    entries = _entries(code)
    kernels = {text: symbol for text, symbol in lowered.items() if text[0] != "&"}
    assert set(names) <= set(kernels) and set(kernels.values()) <= set(entries)
    found = {text.rpartition("::")[2] for text in kernels}
    assert "k" in found or (name == "by macros" and entries == ["_Z1kPf"])
    assert len(kernels) == (2 if name == "one name twice" else len(names) + (name != "by macros"))
    for text, symbol in lowered.items():
        if text[0] == "&":
            assert symbol.encode() in code
    variables = {"constants": {"&c", "&length"}, "atomics": {"&total"}}.get(name, set())
    assert {text for text in lowered if text[0] == "&"} == variables
    # from the disk it is the same
    assert compiled(KERNELS[name], tmp_path, architecture, names) == (code, lowered)


def test_nvrtc_names_templates(tmp_path):
    text = KERNELS["templates"]
    names = ("t<float>", "t<double, 4>", "k2<int2>")
    _, lowered = compiled(text, tmp_path, names=names)
    assert lowered == {
        "t<float>": "_Z1tIfLi2EEvPT_S0_",
        "t<double, 4>": "_Z1tIdLi4EEvPT_S0_",
        "k2<int2>": "_Z2k2I4int2EvT_",
        "k": "_Z1kPf",
    }
    declared = Declarations(text)
    assert [p.target_size for p in declared.parameters("t<double, 4>")] == [8, 0]
    assert [(p.kind, p.size) for p in declared.parameters("k2<int2>")] == [("s", 8)]
    assert declared.parameters("t") is None
    with pytest.raises(CompileError, match="names= has one that is no kernel"):
        compiled(text, tmp_path, names=["nix<int>"])


def test_nvrtc_contracts_products_as_cuda_does(tmp_path):
    text = "__global__ void k(float *x, float a) { x[0] = x[1] * a + x[2]; }"
    for options, contracted in (
        ((), True),
        (("--fmad=false",), False),
        (("-fmad", "false"), False),
        (("--use_fast_math",), True),
    ):
        code, _ = compiled(text, tmp_path, options=("-arch=compute_80", *options))
        assert (b"fma.rn" in code) == contracted, options


def test_nvrtc_errors_name_the_users_lines(tmp_path):
    text = "#include <stdio.h>\n\n__global__ void k(float *x) {\n    x = ;\n}\n"
    with pytest.raises(CompileError) as caught:
        compiled(text, tmp_path)
    assert re.search(r"kernel\.cu\(4\): error: expected an expression", caught.value.log)
    assert caught.value.source == text and caught.value.command.startswith("nvrtc -arch=sm_80")
    for header, words in (
        ("foo/bar.h", r'header foo/bar\.h was not found.*options=\["-Ifolder"\]'),
        ("unordered_map", "have no headers of C or C"),
        ("cuda/nothing", "nvidia-cuda-cccl"),
        ("cuda_nothing.h", "nvidia-cuda-runtime"),
    ):
        with pytest.raises(CompileError, match=words):
            compiled(f"#include <{header}>\n__global__ void k() {{}}", tmp_path)
    with pytest.raises(CompileError, match="INVALID_OPTION"):
        compiled("__global__ void k() {}", tmp_path, options=["--no-such-option"])


def test_nvrtc_takes_headers_of_cuda(tmp_path):
    text = "#include <cuda_fp16.h>\n__global__ void k(__half *x) { x[0] = __hadd(x[1], x[2]); }"
    if not any(re.search("include", folder) for folder in nvrtc("sm_80").folders):
        pytest.skip("there are no headers of CUDA here: neither nvidia-cuda-runtime nor a toolkit")
    _, lowered = compiled(text, tmp_path)
    assert lowered == {"k": "_Z1kP6__half"}
