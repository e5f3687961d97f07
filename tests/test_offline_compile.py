"""Kernel texts compile for NVIDIA's and AMD's GPUs, on machines without one.

Where a compiler is missing its tests are skipped, unless DEVARRAY_REQUIRE_COMPILERS=1.
"""

import os
import re
import threading
from itertools import count

import numpy as np
import pytest

import devarray as da
from devarray.backends.cuda import PRELUDE_FILES as CUDA
from devarray.backends.hip import PRELUDE_FILES as HIP
from devarray.errors import CompileError, DeviceError
from devarray.kernels import hip_offline, nvrtc
from devarray.kernels.ops import C_TYPES, DTYPES
from devarray.kernels.preludes import prelude, with_prelude
from devarray.kernels.spec import PRELUDE
from test_rows import CALLED, WORKING, load, signatures

NVIDIA = (80, 90, 120)
AMD = ("gfx90a", "gfx942", "gfx1100")
ARCHS = [*NVIDIA, *AMD]
REAL = [dtype for dtype in DTYPES if dtype.kind != "c"]
HEAD = f"{PRELUDE}\ntypedef struct {{ i64 slot[256]; }} Args;\n"
REAL_HEAD = f"#define DA_NO_COMPLEX\n{HEAD}"


# ---- compilers
def found(find):
    """Return a compiler, or skip the test."""
    try:
        return find()
    except DeviceError as error:
        if os.environ.get("DEVARRAY_REQUIRE_COMPILERS") == "1":
            raise
        pytest.skip(str(error))


@pytest.fixture
def cuda():
    return found(nvrtc.find_nvrtc)


@pytest.fixture
def hip():
    return found(hip_offline.find_hip_compiler)


def compiled(text, arch):
    """Return the code of a text for an architecture of either maker; there are no warnings."""
    if isinstance(arch, str):
        compiler = found(hip_offline.find_hip_compiler)
        return compiler.compile(with_prelude(text, HIP), arch, ["-Werror"])
    compiler = found(nvrtc.find_nvrtc)
    if arch not in compiler.architectures:
        pytest.fail(f"{compiler} knows no sm_{arch}")
    program = compiler.build(with_prelude(text, CUDA), "test.cu", arch)
    assert not program.log
    return program.code


# ---- texts
def kernel(name, lines):
    """Return a kernel in which each thread computes one element of everything."""
    begin = f"KERNEL {name}(const Args args) {{\nconst i64* A = args.slot;"
    index = "const i64 i = DA_BLOCK * DA_THREADS + DA_THREAD;"
    return "\n".join([begin, index, *lines, "}\n"])


def pointers(dtypes, slots):
    """Return the lines that declare p0, p1 ..., each with a slot of its own."""
    types = [C_TYPES[dtype.char] for dtype in dtypes]
    return [f"GLOBAL {t}* p{k} = DA_POINTER({t}, A[{next(slots)}]);" for k, t in enumerate(types)]


def statements(loops, slots):
    """Return the lines that apply a row for one choice of dtypes, as generated text does."""
    ins = loops[0].ins
    outs = [loop.out for loop in loops]
    lines = ["{", *pointers([*ins, *outs], slots)]
    for k, dtype in enumerate(ins):
        lines.append(f"const {WORKING[dtype.char]} v{k} = {load(dtype, f'p{k}')};")
    for k, loop in enumerate(loops):
        text = loop.text.format(*(f"v{j}" for j in range(len(ins))))
        if loop.out.char == "e" and not loop.op.own_half:
            text = f"da_to_f16({text})"
        lines.append(f"const {WORKING[loop.out.char]} w{k} = {text};  // {loop.op.name} {ins}")
        stored = f"da_store16(w{k})" if loop.out.char == "e" else f"w{k}"
        lines.append(f"p{len(ins) + k}[i] = {stored};")
    return [*lines, "}"]


def kinds_of(row, signature):
    """Return what sort of loop this is: one of real numbers if the main operand is real."""
    if any(dtype.kind == "c" for dtype in signature):
        return "complex"
    main = signature[row.nin - 1 if row.nin == 3 else 0]
    return "reals" if main.kind == "f" else "integers"


def rows_of(kinds):
    """Return a kernel for each row that has such loops."""
    texts = {}
    for row in CALLED:
        lines = []
        slots = count()
        for signature in signatures(row):
            if kinds_of(row, signature) == kinds:
                lines += statements(row.make(signature), slots)
        if lines:
            name = f"row_{row.name}_{len(texts)}"  # two rows are called floor_divide
            texts[name] = kernel(name, lines)
    return texts


def casts():
    texts = {}
    for target in REAL:
        lines = []
        slots = count()
        for source in REAL:
            value = f"da_to_{C_TYPES[target.char]}({load(source, 'p0')})"
            stored = f"da_store16({value})" if target.char == "e" else value
            lines += ["{", *pointers([source, target], slots), f"p1[i] = {stored};", "}"]
        name = f"cast_to_{target.name}"
        texts[name] = kernel(name, lines)
    return texts


def exchanges():
    """Return kernels with all that passes between threads."""
    texts = {}
    for dtype in DTYPES:
        t = WORKING[dtype.char]
        lines = [
            f"SHARED {t} tile[DA_THREADS];",
            f"GLOBAL {t}* p = (GLOBAL {t}*)A[0];",
            "GRID_FOR(j, A[1]) {",
            f"{t} x = p[j], y = da_shuffle_xor(x, 4, 16);",
            "tile[DA_THREAD] = y;",
            "BARRIER;",
            "y = da_shuffle_down(tile[DA_THREADS - 1 - DA_THREAD], 2, 32);",
            "p[j] = y;",
            "GLOBAL_BARRIER;",
            "p[j + DA_BLOCKS] = x;",
            "}",
        ]
        name = f"exchange_{dtype.name}"
        texts[name] = kernel(name, lines)
    return texts


PROGRAMS = {
    "integers": (REAL_HEAD, lambda: rows_of("integers")),
    "reals": (REAL_HEAD, lambda: rows_of("reals")),
    "casts": (REAL_HEAD, casts),
    "complex": (HEAD, lambda: rows_of("complex")),
    "exchanges": (HEAD, exchanges),
}


# ---- tests
# the texts for complex numbers take long, and call nothing that differs between architectures
TARGETS = [(p, a) for p in PROGRAMS for a in (ARCHS if p != "complex" else (90, "gfx942"))]


@pytest.mark.parametrize(("program", "arch"), TARGETS)
def test_program(program, arch):
    head, make = PROGRAMS[program]
    kernels = make()
    code = compiled("".join([head, *kernels.values()]), arch)
    assert code[:4] == b"\x7fELF"
    assert not [name for name in kernels if name.encode() not in code]


def grid(*shape, dtype=float):
    return da.empty(shape, dtype, device="null:1")


GENERATED = {
    "map_flat": lambda: np.sqrt(grid(40) * 2.0 + grid(40)),
    "map_nd": lambda: grid(40, 30)[:, ::2] * grid(15) + grid(40, 1, dtype="f4"),
    "map_f16": lambda: grid(40, dtype="f2") * grid(40, dtype="f2") + np.float16(1),
    "map_complex": lambda: np.sin(grid(40, dtype="c8")) * 2j,
    "reduce_inner": lambda: (grid(40, 30, 20)[:, ::2] ** 2).sum(axis=(1, 2)) * 0.5,
    "reduce_complex": lambda: grid(40, 30, dtype="c8").sum(axis=1),
    "reduce_outer": lambda: grid(300, 400, dtype="u1").max(axis=0),
    "reduce_arg": lambda: grid(40, 30, dtype="i4").argmin(axis=1),
    "scan_inner": lambda: (grid(40, 30) + 1.0).cumsum(axis=1),
    "scan_outer": lambda: grid(40, 30, dtype="?").cumsum(axis=0),
}


@pytest.mark.parametrize("arch", [90, "gfx942"])
@pytest.mark.parametrize("name", GENERATED)
def test_generated_kernel(name, arch):
    texts = da.get_device("null:1").kernels
    before = len(texts)
    da.evaluate(GENERATED[name]())
    (text,) = texts[before:]
    assert PRELUDE in text
    assert b"da_kernel" in compiled(text, arch)


ROUNDING = kernel(
    "rounding",
    [
        "GLOBAL f32* p = (GLOBAL f32*)A[0];",
        "GLOBAL f64* q = (GLOBAL f64*)A[1];",
        "p[i] = p[i] * p[i + 1] + p[i + 2];",
        "p[i + 3] = p[i] / p[i + 4];",
        "p[i + 5] = da_sqrt(p[i + 6]);",
        "q[i] = q[i] * q[i + 1] + q[i + 2];",
        "q[i + 3] = q[i] / q[i + 4];",
        "q[i + 5] = da_sqrt(q[i + 6]);",
    ],
)


def test_cuda_rounds_each_operation_once(cuda):
    text = cuda.compile(with_prelude(REAL_HEAD + ROUNDING, CUDA), "test.cu", "compute_80").decode()
    found = re.findall(r"\b(?:mul|add|div|sqrt|fma)\.\S*f(?:32|64)\b", text)
    ops = ["mul.rn", "add.rn", "div.rn", "sqrt.rn"]
    assert sorted(found) == sorted(f"{op}.{t}" for op in ops for t in ("f32", "f64"))


def test_hip_rounds_each_operation_once(hip):
    text = hip.compile(
        with_prelude(REAL_HEAD + ROUNDING, HIP), "gfx942", ["-S", "-emit-llvm"]
    ).decode()
    lines = [line for line in text.splitlines() if re.search(r"= f(mul|add|div) ", line)]
    assert sum("= fdiv float" in line for line in lines) == 1
    assert sum("= fdiv double" in line for line in lines) == 1
    assert not [line for line in lines if re.search("fpmath|fast|contract|arcp|afn", line)]
    # no call of the library is left, and nothing was fused but what the library's roots fuse
    assert not re.search(r"fmuladd|@__oc", text)


def test_cuda_code_of_both_kinds(cuda):
    text = 'extern "C" __global__ void one(float *x) { *x = 1; }'
    assert cuda.version >= (11, 2)
    assert cuda.architectures == tuple(sorted(cuda.architectures))
    ptx = cuda.compile(text, "one.cu", "compute_80")
    assert b".target sm_80" in ptx
    assert b"\0" not in ptx
    assert cuda.compile(text, "one.cu", "sm_80") == cuda.compile(text, "one.cu", 80)


def test_cuda_names_of_templates(cuda):
    text = "template <class T> __global__ void scale(T *x, T by) { *x *= by; }"
    wanted = ["scale<float>", "scale<long>"]
    program = cuda.build(text, "scale.cu", 80, expressions=wanted)
    assert list(program.names) == wanted
    assert len(set(program.names.values())) == 2
    assert all(name.encode() in program.code for name in program.names.values())
    with pytest.raises(CompileError, match="shrink"):
        cuda.build(text, "scale.cu", 80, expressions=["shrink<float>"])


def test_cuda_options_replace_defaults(cuda):
    text = 'extern "C" __global__ void k(float *x) { *x = x[1] * x[2] + x[3]; }'
    for option in ("--fmad=true", "-fmad=true", "--use_fast_math"):
        program = cuda.build(text, "k.cu", "compute_80", [option])
        assert b"fma.rn" in program.code
        assert not program.log  # no option was given twice
    program = cuda.build(text, "k.cu", "compute_80", ["-std=c++20"])
    assert b"fma.rn" not in program.code
    assert not program.log


def test_cuda_warnings_are_kept(cuda):
    program = cuda.build("__device__ static int unused() { return 1; }", "warn.cu", 80)
    assert "unused" in program.log


def test_cuda_errors(cuda):
    with pytest.raises(CompileError) as caught:
        cuda.compile("__global__ void k() { nonsense; }", "wrong.cu", 80, ["-lineinfo"])
    error = caught.value
    assert "nonsense" in error.log
    assert error.command == "nvrtc -arch=sm_80 --fmad=false -std=c++17 -lineinfo wrong.cu"
    assert "   1 | __global__" in str(error)
    assert str(error).count("nonsense") == error.log.count("nonsense") + 1
    with pytest.raises(CompileError, match="--no-such-option"):
        cuda.compile("", "k.cu", 80, ["--no-such-option"])
    with pytest.raises(CompileError, match="gpu-architecture"):
        cuda.compile("", "k.cu", 1)
    with pytest.raises(ValueError, match="null"):
        cuda.compile("int x;\0", "k.cu", 80)


def test_cuda_compiles_in_threads(cuda):
    texts = [f'extern "C" __global__ void k{n}(int *x) {{ *x = {n}; }}' for n in range(4)]
    codes = {}

    def work(n):
        codes[n] = cuda.compile(texts[n], "k.cu", "compute_80")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [codes[n] for n in range(4)] == [
        cuda.compile(text, "k.cu", "compute_80") for text in texts
    ]


def test_without_nvrtc(monkeypatch):
    monkeypatch.setattr(nvrtc, "_candidates", lambda: iter(["/nowhere/libnvrtc.so.13"]))
    nvrtc.find_nvrtc.cache_clear()
    with pytest.raises(DeviceError, match=r"/nowhere.*pip install devarray\[cuda13\]"):
        nvrtc.find_nvrtc()
    nvrtc.find_nvrtc.cache_clear()


def test_nvrtc_of_a_later_cuda_is_passed_over(cuda):
    assert nvrtc.find_nvrtc(newest=cuda.version[0]).version == cuda.version
    with pytest.raises(DeviceError, match="1 is wanted at most"):
        nvrtc.find_nvrtc(newest=1)


def test_libraries_in_wheels_and_toolkits(monkeypatch, tmp_path):
    for name in (
        *("site/nvidia/cu13/lib/libnvrtc.so.13", "site/nvidia/cu13/lib/libnvrtc-builtins.so.13.0"),
        *("site/nvidia/cuda_nvrtc/lib/libnvrtc.so.12", "toolkit/lib64/libnvrtc.so.11.2"),
        *("site/nvidia/cuda_nvrtc/lib/libnvrtc.alt.so.12", "toolkit/lib64/libnvrtc.so.12"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setenv("CUDA_PATH", str(tmp_path / "toolkit"))
    ours = [
        os.path.relpath(p, tmp_path) for p in nvrtc._candidates() if p.startswith(str(tmp_path))
    ]
    assert ours == [
        "site/nvidia/cu13/lib/libnvrtc.so.13",
        "site/nvidia/cuda_nvrtc/lib/libnvrtc.so.12",
        "toolkit/lib64/libnvrtc.so.12",
        "toolkit/lib64/libnvrtc.so.11.2",
    ]


def test_hip_errors(hip):
    with pytest.raises(CompileError) as caught:
        hip.compile("KERNEL k() { nonsense; }", "gfx942")
    assert "unknown type name 'KERNEL'" in caught.value.log
    assert "--offload-arch=gfx942" in caught.value.command
    assert "   1 | KERNEL" in str(caught.value)
    with pytest.raises(CompileError, match="gfx9 "):
        hip.compile("", "gfx9 ")
    with pytest.raises(CompileError, match="gfx999"):
        hip.compile("", "gfx999")


def test_without_hip_compiler(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(hip_offline, "_rocms", lambda: [])
    hip_offline.find_hip_compiler.cache_clear()
    with pytest.raises(DeviceError, match="rocm-device-libs"):
        hip_offline.find_hip_compiler()
    hip_offline.find_hip_compiler.cache_clear()


def test_hip_leaves_nothing_behind(hip, tmp_path):
    other = hip_offline.HipCompiler(hip.command, hip.bitcode)
    folder = other._folder
    before = set(os.listdir(folder))
    other.compile(prelude(HIP), "gfx90a")
    with pytest.raises(CompileError):
        other.compile("nonsense", "gfx90a")
    assert set(os.listdir(folder)) == before
    del other
    assert not folder.exists()
