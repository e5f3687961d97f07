"""CUDA C for OpenCL: what becomes of the text."""

import re

import pytest

from devarray.errors import UnsupportedError
from devarray.kernels.opencl_kernels import opencl_text
from devarray.kernels.opencl_text import HEADERS, translate_opencl
from devarray.kernels.preludes import prelude


def text_of(source):
    return translate_opencl(source).text


def body_of(body, before="", parameters="float *x, int n"):
    """Return the changed text of a kernel's body."""
    source = f"{before}__global__ void f({parameters}) {{{body}}}"
    found = re.search(r"__global__ void f\([^{]*\{(.*)\}", text_of(source), re.DOTALL)
    return found[1]


# ---- words -------------------------------------------------------------------------------------


def test_known_headers_and_long_long_are_gone_and_lines_stay():
    source = (
        '#include <cuda_runtime.h>\n#include <stdio.h>\n#include "own.h"\n'
        "__device__ long long total; // long long\n"
        "__global__ void f(unsigned long\n long *x) { x[0] = 3ull + 0x1FLL + 5u; }\n"
    )
    text = text_of(source)
    assert text.count("\n") == source.count("\n")
    assert "cuda_runtime" not in text and "stdio" not in text and '#include "own.h"' in text
    lines = text.split("\n")
    assert lines[3] == "__device__ long total; // long long"
    assert "unsigned long" in lines[4] and "x[0] = 3ul + 0x1Fl + 5u" in lines[5]


def test_text_in_strings_and_comments_stays():
    body = 'printf("long long threadIdx.x __shared__"); /* long long */'
    assert body_of(body) == body


def test_pointers_to_literals_are_to_constant_memory():
    assert "__constant const char *s = " in body_of('const char *s = "abc";')
    assert "__constant" not in body_of('printf("const char *s = ");')


def test_macros_are_changed_too():
    text = text_of("#define WIDE long long\n__global__ void f(WIDE *x) {}")
    assert text.startswith("#define WIDE long\n")


@pytest.mark.parametrize("name", ["dot", "clamp", "normalize"])
def test_names_of_opencl_are_the_users(name):
    source = f"__device__ float {name}(float x) {{ return x; }}\n__global__ void f() {{}}"
    assert f"#define {name} da_own_{name}" in opencl_text(source).text
    assert f"da_own_{name}" not in opencl_text("__global__ void f() {}").text


# ---- kernels -----------------------------------------------------------------------------------


def test_kernels_get_a_hidden_parameter_and_are_called():
    made = opencl_text(
        'namespace a { extern "C" __global__ void f(float *x, const int n = 3) {} }\n'
        "__global__ void g(void) {}\n"
    )
    assert [entry.name for entry in made.entries] == ["a::f", "g"]
    assert made.entries[0].parameters == ("x", "n") and made.entries[1].parameters == ()
    assert "f(da_Here da_here, float *x, const int n = 3)" in made.text
    assert "g(da_Here da_here)" in made.text
    assert "a::f(da_here, da_pass(da_from.x), da_pass(da_from.n));" in made.text
    assert "struct Parameters { float *x; const int n; };" in made.text


@pytest.mark.parametrize(
    ("listed", "members", "names"),
    [
        ("float x[], int", "float *x; int da_p1;", ("x", "")),
        ("float x[][4]", "float (*x)[4];", ("x",)),
        ("unsigned, const float *__restrict__",
         "unsigned da_p0; const float *__restrict__ da_p1;", ("", "")),
        ("struct S s, S t", "struct S s; S t;", ("s", "t")),
        ("std::Pair<int, 3> p", "std::Pair<int, 3> p;", ("p",)),
        ("S", "S da_p0;", ("",)),
    ],
)  # fmt: skip
def test_parameters_of_all_kinds(listed, members, names):
    made = opencl_text(f"struct S {{ int a; }};\n__global__ void f({listed}) {{}}")
    assert f"struct Parameters {{ {members} }};" in made.text
    assert made.entries[0].parameters == names


def test_instances_of_templates():
    source = "template <typename T, int N = 4, bool B = true> __global__ void f(T *x) {}"
    made = opencl_text(source, ["f<float>", "f<int, 8, false>"])
    assert [entry.name for entry in made.entries] == ["f<float>", "f<int, 8, false>"]
    assert len({entry.symbol for entry in made.entries}) == 2
    for line in ("using T = float;", "constexpr int N = 4;", "constexpr bool B = true;"):
        assert line in made.text
    assert "using T = int;" in made.text and "constexpr int N = 8;" in made.text
    assert "f<int, 8, false>(da_here, da_pass(da_from.x));" in made.text


def test_instances_that_cannot_be_made():
    source = "template <class T, int N> __global__ void f(T *x) {}\n__global__ void g() {}"
    with pytest.raises(ValueError, match=r"no kernel template for 'h<int>'; the source has g, f"):
        opencl_text(source, ["h<int>"])
    with pytest.raises(ValueError, match="too few arguments: int N is open"):
        opencl_text(source, ["f<int>"])
    with pytest.raises(UnsupportedError, match="any number"):
        opencl_text("template <class... T> __global__ void f(int *x) {}", ["f<int>"])


def test_templates_name_the_address_space():
    text = text_of(
        "template <class T> __device__ T take(const T *p, T v) { T *q = (T *)p; return *q + v; }\n"
        "template <class T> __device__ T same(const T &v) { return v; }\n"
        "template <class T> __device__ void put(T &r, T v) { r = v; }\n"
        "template <int N> __device__ int twice(int *p) { return *p * N; }\n"
    )
    lines = text.split("\n")
    assert "take(const __generic T *p, T v) { __generic T *q = (__generic T *)p;" in lines[0]
    assert "same(const T  v)" in lines[1]
    assert "put(__generic T &r, T v)" in lines[2] and "put(__private T &r, T v)" in lines[2]
    assert lines[3].endswith("int twice(int *p) { return *p * N; }")


def test_variables_and_what_may_fail():
    made = opencl_text(
        "__device__ int a, b[3]; namespace n { __constant__ float c = 2; }\n"
        "__device__ void check(int n) { assert(n); }\n"
        "__global__ void f(int n) { check(n); }\n__global__ void g() {}"
    )
    assert made.variables == ("a", "b", "c")
    assert "(ulong)&n::c; *da_to++ = sizeof(n::c);" in made.text
    assert [entry.fails for entry in made.entries] == [True, False]


def test_warps_make_sub_groups():
    source = (
        "#define DOWN(v) __shfl_down_sync(~0u, v, 1)\n"
        "__device__ int next(int v) { return DOWN(v); }\n"
        "__global__ void f(int *x) { x[0] = next(x[0]); }\n__global__ void g() { __syncthreads(); }"
    )
    made = opencl_text(source)
    assert [entry.warps for entry in made.entries] == [True, False]
    assert made.text.count("intel_reqd_sub_group_size(32)") == 1
    assert "#define DA_WARPS" in made.text.replace(prelude(HEADERS), "")
    plain = opencl_text("__global__ void g() { __syncthreads(); }")
    assert "#define DA_WARPS" not in plain.text.replace(prelude(HEADERS), "")


# ---- shared memory -----------------------------------------------------------------------------


def test_shared_arrays_lie_in_the_kernel_of_opencl():
    source = (
        "__global__ void f(float *x) {\n  const int N = 4;\n  for (int k = 0; k < 2; ++k) {\n"
        "    __shared__ float a[N][N + 1], *b;\n    static __shared__\n double c;\n  }\n}\n"
    )
    made = opencl_text(source)
    assert text_of(source).count("\n") == source.count("\n")
    assert "&a = *(__generic da_array0 *)da_here.s0;" in made.text
    assert "namespace da_of0 { const int N = 4; typedef float type[N][N + 1]; }" in made.text
    assert "namespace da_of1 {  typedef float* type; }" in made.text
    assert "__local da_of2::type da_s2;" in made.text
    assert not made.entries[0].dynamic


def test_dynamic_shared_memory_is_an_argument():
    made = opencl_text(
        "extern __shared__ __align__(16) float all[];\n"
        "__device__ float one(int i) { return all[i]; }\n"
        "__global__ void f(float *x) { x[0] = one(1); }\n"
        "__global__ void g(float *x) { extern __shared__ int own[][2]; x[0] = own[0][1]; }\n"
        "__global__ void h(float *x) {}\n"
    )
    assert [entry.dynamic for entry in made.entries] == [True, True, False]
    assert "one(da_Here da_here, int i)" in made.text and "x[0] = one(da_here, 1);" in made.text
    assert "typedef int da_array1 [2];" in made.text
    assert made.text.count("*const all = ") == 1  # only in the function that names it


def test_functions_that_use_shared_memory_are_told_where():
    text = text_of(
        "#define CALL(x) inner(x)\n"
        "template <class T> __device__ T deep(T v) { __shared__ int s; s = v; return s; }\n"
        "__device__ int inner(void);\n"
        "__device__ int inner(void) { return deep<int>(3); }\n"
        "__device__ int other(int v) { return v; }\n"
        "struct S { int inner(int x) { return x; } };\n"
        "__global__ void f(int *x) { S s; x[0] = CALL() + s.inner(2) + other(1); }\n"
    )
    lines = text.split("\n")
    assert lines[0] == "#define CALL(x) inner(da_here, x)"
    assert "T deep(da_Here da_here, T v)" in lines[1]
    assert lines[2] == "__device__ int inner(da_Here da_here);"
    assert "return deep<int>(da_here, 3);" in lines[3]
    assert "int other(int v)" in lines[4]
    assert "s.inner(2) + other(1)" in lines[6]


# ---- indices -----------------------------------------------------------------------------------

GLOBAL = "blockIdx.x * blockDim.x + threadIdx.x"


def marked(prefix, text=GLOBAL):
    return re.sub(r"\b(threadIdx|blockIdx|blockDim|gridDim)\b", rf"{prefix}\1", text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"int i = {GLOBAL}; x[i] = 1;", f"int i = {marked('DA_W_')}; x[i] = 1;"),
        (f"unsigned i = {GLOBAL}; x[i] = 1;", f"unsigned i = {marked('DA_W_')}; x[i] = 1;"),
        (f"size_t i = {GLOBAL}; x[i] = 1;", f"size_t i = {GLOBAL}; x[i] = 1;"),
        (f"float i = {GLOBAL};", f"float i = {GLOBAL};"),
        (f"int i = {GLOBAL}; x[i - 1] = x[i];",
         f"int i = {marked('DA_W_')}; x[(long)i - 1] = x[i];"),
        (f"int i = {GLOBAL}; x[i + n] = 1;", f"int i = {marked('DA_R_')}; x[i + n] = 1;"),
        (f"unsigned i = {GLOBAL}; x[i + n] = 1;",
         f"unsigned i = {marked('DA_R_')}; x[DA_SIGNED i + n] = 1;"),
        (f"int i = {GLOBAL}; i = i + 1; x[i] = 1;",
         f"int i = {marked('DA_R_')}; i = i + 1; x[i] = 1;"),
        ("int i = threadIdx.x / 2;", "int i = threadIdx.x / 2;"),
        ("int i = min(threadIdx.x, 3);", "int i = min(threadIdx.x, 3);"),
        ("int i = threadIdx.x * 0.5f;", "int i = threadIdx.x * 0.5f;"),
        ("x[threadIdx.x] = 1;", "x[DA_W_threadIdx.x] = 1;"),
        ("x[n + threadIdx.x] = 1;", "x[n + DA_I_threadIdx.x] = 1;"),
        ("x[threadIdx.x % n] = 1;", "x[threadIdx.x % n] = 1;"),
        ("x[threadIdx.x >> 1] = 1;", "x[threadIdx.x >> 1] = 1;"),
        ("if (threadIdx.x - 1 < n) x[0] = 1;", "if (threadIdx.x - 1 < n) x[0] = 1;"),
    ],
)  # fmt: skip
def test_words_for_indices(before, after):
    assert body_of(before) == after


def test_variables_that_only_name_an_index():
    after = body_of("unsigned t = threadIdx.x; unsigned s = n; x[t] = x[t + s];")
    assert "x[DA_W_threadIdx.x] = x[DA_I_threadIdx.x + DA_SIGNED s];" in after
    for change in ("t += 1;", "t = n;", "t++;", "int *p = &t;"):
        after = body_of(f"int t = threadIdx.x; {change} x[t] = 1;")
        assert "x[t] = 1;" in after and "DA_R_threadIdx" in after, change
    inc = "__device__ void inc(int &v) { v = 0; }\n"
    assert "x[t] = 1;" in body_of("int t = threadIdx.x; inc(t); x[t] = 1;", before=inc)
    two = body_of("{ int t = threadIdx.x; x[t] = 1; } { int t = n; x[t] = 2; }")
    assert "x[t] = 1;" in two and "x[t] = 2;" in two


# ---- what OpenCL has no counterpart of ---------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('asm("membar.gl;");', "assembly"),
        ("g<<<1, 1>>>();", "kernels that launch kernels"),
        ("int *p = new int[3];", "memory that kernels allocate"),
        ("void *p = malloc(3);", "memory that kernels allocate"),
        ("nvcuda::wmma::fill();", "matrix instructions"),
        ("x[0] = tex2D<float>(t, 1, 2);", "textures"),
        ("__shared__ struct { int a; } s;", "shared memory"),
    ],
)
def test_the_line_of_what_opencl_cannot_do(line, what):
    source = f"__global__ void g() {{}}\n__global__ void f(float *x) {{\n\n  {line}\n}}\n"
    with pytest.raises(UnsupportedError, match=rf"line 4: OpenCL has no counterpart of {what}"):
        translate_opencl(source)
    with pytest.raises(UnsupportedError, match="device cuda or hip"):
        translate_opencl(source)


def test_words_of_other_things_are_no_obstacle():
    for line in ("int virtual_ = 1;", "// asm new delete", 'printf("<<<");', "int renew = 2;"):
        text_of(f"__global__ void f(float *x) {{ {line}\n }}")


def test_shared_memory_in_methods_and_macros():
    with pytest.raises(UnsupportedError, match=r"line 1: .* methods"):
        translate_opencl("struct S { void f() { __shared__ int a; } };")
    with pytest.raises(UnsupportedError, match=r"line 2: .* a macro"):
        translate_opencl("\n#define BUFFER __shared__ int a\n__global__ void f() { BUFFER; }")


INDEX = "int i = blockIdx.x * blockDim.x + threadIdx.x; __shared__ float s[4]; int j = i % 3; j++;"


@pytest.mark.parametrize(
    ("body", "fine"),
    [
        ("if (i >= n) return; __syncthreads();", False),
        ("if (i < n) { x[i] = 3; return; } __syncthreads();", False),
        ("if (i < n) { x[i] = 3; } else { return; } __syncthreads();", False),
        ("if (i < n) x[i] = 3; else return; __syncthreads();", False),
        ("if (j) return; BARRIER;", False),
        ("if (j) return; waits(x);", False),
        ("if (x[i] > 0) return; __syncthreads_count(1);", False),
        ("for (int k = i; k < n; k += 2) { if (x[k]) return; __syncthreads(); }", False),
        ("if (n > 3) return; __syncthreads();", True),
        ("if (blockIdx.x > 3) { return; } __syncthreads();", True),
        ("__syncthreads(); if (i < n) return; x[i] = 2;", True),
        ("if (i < n) return; __shfl_sync(~0u, n, 1);", True),
        ("for (int k = 0; k < n; k += 2) { if (n == k) return; __syncthreads(); }", True),
    ],
)
def test_returns_before_barriers(body, fine):
    source = (
        "#define BARRIER __syncthreads()\n__device__ void waits(float *x) { BARRIER; }\n"
        f"__global__ void f(float *x, int n) {{ {INDEX}\n{body} }}"
    )
    source += "\n__global__ void other(int *x) { __syncthreads(); }"
    entry, other = opencl_text(source).entries
    assert other.refused == ""
    if fine:
        assert entry.refused == ""
    else:
        assert re.match(r"line 4: .* threads that return before a barrier", entry.refused)


# ---- branches of #if ---------------------------------------------------------------------------


def test_what_may_not_be_compiled_is_asked_for():
    source = (
        "#if 0\n__device__ int old;\n__global__ void a(int *x) { x[0] = old; }\n#else\n"
        "__global__ void b(int *x) { x[0] = 1; }\n#endif\n__global__ void c(int *x) {}\n"
    )
    made = opencl_text(source)
    assert [entry.name for entry in made.entries] == ["a", "b", "c"] and made.variables == ("old",)
    behind = made.text.partition('#line 1 "kernels"')[2]
    told = re.findall(
        r"#if defined\((\w+)\)\nnamespace.*?__kernel void da_kernel(\d)", behind, re.S
    )
    assert [kernel for _, kernel in told] == ["0", "1"] and told[0][0] != told[1][0]
    for macro, line in zip([macro for macro, _ in told], (2, 5), strict=True):
        assert f'\n#define {macro}\n#line {line} "kernel"\n' in made.text
    assert f"#if defined({told[0][0]})\n*da_to++ = (ulong)&old" in behind


# ---- C++'s library -----------------------------------------------------------------------------


def test_names_of_the_standard_library():
    source = "#include <cmath>\n#include <algorithm>\nusing namespace std;\n"
    body = "std::uint32_t n = (std::uint32_t)std::sqrt(x[0]) + std :: min(n, 3);"
    text = text_of(f"{source}__global__ void f(float *x, int n) {{ {body} }}")
    assert "std" not in text and "#include" not in text and "sqrt(x[0]) + min(n, 3)" in text
    for name in ("std::numeric_limits<int>::max()", "std::max<int>(1, 2)", "std::swap(a, b)"):
        with pytest.raises(
            UnsupportedError, match="line 2: .*" + re.escape(name.partition("<")[0][:9])
        ):
            text_of(f"\n__global__ void f(int *x) {{ x[0] = {name}; }}")


# ---- cooperative groups ------------------------------------------------------------------------


def test_blocks_that_wait_by_their_group():
    head = "#include <cooperative_groups.h>\nnamespace cg = cooperative_groups; // groups\n"
    own = "cg::thread_block b = cg::this_thread_block(); x[0] = 1; cg::sync(b); b.sync();"
    text = text_of(f"{head}__global__ void f(int *x) {{ {own} }}")
    assert text.count("__syncthreads()") == 2 and "cooperative" not in text and "cg" not in text
    assert text.startswith("\n") and text.count("\n") == 2
    for more in ("x[0] = b.size();", "auto t = cg::tiled_partition<8>(b); t.sync();"):
        with pytest.raises(UnsupportedError, match=r"line 2: .*cooperative groups"):
            text_of(f"{head}__global__ void f(int *x) {{ {own} {more} }}")
