"""Raw kernels in branches of #if, shared memory declared by macros, words of C's headers."""

import time

import numpy as np
import pytest

import devarray as da
from devarray.errors import CompileError, DeviceError
from devarray.kernels.host_grid import HostModule
from devarray.kernels.host_text import host_text


def result(source, args=(), options=(), names=(), block=1, shared_mem=0, count=1):
    """Return what the kernel of a source writes to the int32 array that is its first argument."""
    module = da.RawModule(source, options=list(options), names=list(names))
    y = da.zeros(count, "int32")
    kernel = module.get_function(names[0] if names else "k")
    kernel(1, block, (y, *args), shared_mem=shared_mem)
    return y.get().tolist()


# ---- branches ----------------------------------------------------------------------------------

LEFT_OUT = """
#if 0
__device__ int old;
__constant__ float table[NOT_KNOWN];
__global__ void unfinished(cudaTextureObject_t t, int *y) { y[0] = undeclared; }
#endif
#ifdef UNKNOWN
__global__ void other(int *y) { y[0] = missing(); }
#elif defined(ALSO_UNKNOWN)
__global__ void third(int *y) { y[0] = 1; }
#else
__device__ int used = 5;
__global__ void k(int *y) { y[0] = used; }
#endif
"""


def test_what_is_not_compiled_is_not_in_the_module():
    module = da.RawModule(LEFT_OUT)
    y = da.zeros(1, "int32")
    module.get_function("k")(1, 1, (y,))
    assert y.get() == 5
    assert module.get_global("used", "int32", ()).get() == 5
    with pytest.raises(ValueError, match=r"it has k\. other is in a branch of #if"):
        module.get_function("other")(1, 1, (y,))
    with pytest.raises(ValueError, match="no variable 'old'"):
        module.get_global("old", "int32", ())


EITHER = """
#ifdef NUMBERS
__constant__ double c = 2;
__global__ void k(int *y, int n) { y[0] = n; }
#else
__constant__ float c = 3;
__global__ void k(int *y, float x, int n) {
    __shared__ int s[1];
    s[0] = n;
    __syncthreads();
    y[0] = (int)(x + c) + s[0] + sizeof c;
}
#endif
"""


def test_one_of_two_kernels_of_a_name():
    assert result(EITHER, (7,), ["-DNUMBERS"]) == [7]
    assert result(EITHER, (1.0, 10)) == [18]
    with pytest.raises(TypeError):
        result(EITHER, (7,))
    both = EITHER.replace("#else", "").replace("double c", "double d")
    with pytest.raises(CompileError, match="several kernels k"):
        result(both, (7,), ["-DNUMBERS"])


@pytest.mark.parametrize(
    "source",
    [
        "#ifndef GUARD\n#define GUARD\n__global__ void k(int *y) { y[0] = 5; }\n#endif",
        "#if 1 /* that\n goes on */\n__global__ void k(int *y) { y[0] = 5; }\n#endif",
        "#if defined(A) || \\\n    1 // and\n__global__ void k(int *y) { y[0] = 5; }\n#endif",
        "#ifdef A\n__global__ void k(int *y, int n)\n#else\n__global__ void k(int *y)\n#endif\n"
        "{ y[0] = 5; }",
        "__global__ void k(int *y) {\n#ifdef A\n if (y) {\n#else\n if (!y) return; {\n#endif\n"
        "y[0] = 5; } }",
        "#if 0\n__global__ void k(int *y) {\n if (y) {\n#endif\n"
        "__global__ void k(int *y) { y[0] = 5; }",
        "#undef A\n#if !defined(A)\n#define A\n#if defined(A)\n__global__ void k(int *y)\n"
        "{ y[0] = 5; }\n#endif\n#endif\n#undef A",
    ],
)
def test_conditions_of_many_kinds(source):
    assert result(source) == [5]


def test_templates_in_branches():
    source = (
        "#if 0\ntemplate <class T> __global__ void k(T *y) { y[0] = 1; }\n"
        "#else\ntemplate <class T> __global__ void k(T *y) { y[0] = 2; }\n#endif"
    )
    assert result(source, names=["k<int>"]) == [2]
    with pytest.raises(ValueError, match="k is a template"):
        da.RawModule(source).get_function("k")(1, 1, (None,))


def test_lines_behind_conditions():
    source = "#if 0\n#endif\n#if 1\n\n__global__ void k(int *y) {\n    assert(!y);\n}\n#endif\n"
    with pytest.raises(DeviceError, match="line 6"):
        result(source)
    with pytest.raises(CompileError) as caught:
        HostModule(source.replace("assert(!y)", "unknown(y)"))
    assert "kernel:6:" in caught.value.log


# ---- dynamic shared memory ---------------------------------------------------------------------

BODY = "s[threadIdx.x] = threadIdx.x; __syncthreads(); y[threadIdx.x] = s[7 - threadIdx.x]; }"
REVERSED = np.arange(8)[::-1].tolist()


@pytest.mark.parametrize(
    "source",
    [
        "#define ARRAY(T, n) extern __shared__ T n[]\n__global__ void k(int *y) { ARRAY(int, s); ",
        "#define ARRAY extern __shared__ \\\n  int s[];\n__global__ void k(int *y) { ARRAY ",
        "#define ARRAY extern __shared__ __align__(16) char m[]; int *s = (int *)m\n"
        "__global__ void k(int *y) { ARRAY; ",
        "#define OWN(T, n) template <> struct Own<T> { \\\n  __device__ T &operator[](int i) { \\\n"
        "    extern T __shared__ n[]; \\\n    return n[i]; } }\n"
        "template <class T> struct Own;\nOWN(int, ints);\nOWN(unsigned int, others);\n"
        "__global__ void k(int *y) { Own<int> s; ",
        "#define SHARED extern __shared__\n__global__ void k(int *y) { SHARED int s[]; ",
        "#define SHARED extern __shared__ __align__(8)\nSHARED int s[];\n"
        "__global__ void k(int *y) { ",
        "__global__ void k(int *y) { extern int __shared__ s[]; ",
        "__global__ void k(int *y) { extern volatile unsigned __shared__ s[]; ",
        "__global__ void k(int *y) { __shared__ extern __align__(4) int s[]; ",
    ],
)
@pytest.mark.parametrize("checks", [False, True])
def test_ways_to_declare_dynamic_shared_memory(source, checks):
    with da.config(raw_checks=checks):
        found = result(source + BODY, block=8, shared_mem=32, count=8)
    assert found == REVERSED


# ---- words -------------------------------------------------------------------------------------


@pytest.mark.parametrize("include", ["", "#include <stdio.h>\n", "#include <algorithm>\n"])
def test_words_of_headers_that_need_none(include):
    source = include + (
        "__global__ void k(int *y, const float *x, clock_t *t) {\n"
        "    clock_t start = clock();\n"
        "    y[0] = (x == NULL) + 2 * (t != NULL) + 4 * (clock() >= start);\n}"
    )
    assert result(source, (None, da.zeros(1, "int64"))) == [7]


# ---- time --------------------------------------------------------------------------------------


def test_long_sources_take_no_more_than_their_length():
    block = "    if (n > %d) { for (int i = 0; i < n; ++i) { y[i] += %d; } }\n"
    lines = "".join(block % (k, k) for k in range(4000))
    source = (
        f"__global__ void k(int *y, int n) {{\n{lines}}}\n"
        "__global__ void d(int *y) { extern __shared__ int s[]; y[0] = s[0]; }\n"
    )
    start = time.thread_time()  # of this thread alone, whatever else the machine does
    host_text(source)
    assert time.thread_time() - start < 8  # a time that grows with the square: minutes
