"""CUDA C and HIP on the host: functions compared with NumPy, failures, and what happens to text.

Kernels of one kind share a source, because each source costs a compilation.
"""

import gc

import numpy as np
import pytest

from devarray.errors import CompileError, DeviceError
from devarray.kernels.host_grid import HostModule, entry_text, host_text, release_memory, translate
from host_modules import at, module

RNG = np.random.default_rng(5)


# ---- atomics, mathematics, intrinsics --------------------------------------------------------

FUNCTIONS = r"""
__global__ void histogram(const unsigned char *x, int *global, unsigned *shared, float *sums,
                          double *exact, int n) {
    __shared__ unsigned s[256];
    for (int k = threadIdx.x; k < 256; k += blockDim.x) s[k] = 0;
    __syncthreads();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) {
        atomicAdd(global + x[i], 1);
        atomicAdd(&s[x[i]], 1u);
        atomicAdd(sums + x[i], 0.5f);
        atomicAdd(exact + x[i], 0.25);
    }
    __syncthreads();
    for (int k = threadIdx.x; k < 256; k += blockDim.x) atomicAdd(shared + k, s[k]);
}
template <class T> __device__ void others(T *o, T v) {
    atomicMin(o, v); atomicMax(o + 1, v); atomicSub(o + 2, v); atomicExch(o + 3, v);
}
template <class T> __device__ void bits(T *o, T v) {
    T one = T(1) << (v % 31);
    atomicAnd(o + 4, (T)~one); atomicOr(o + 5, one); atomicXor_block(o + 6, v);
    for (T old = o[7], seen; (seen = atomicCAS(o + 7, old, (T)(old + 2))) != old;) old = seen;
}
__global__ void atomics(int *i, unsigned *u, long long *l, unsigned long long *m, float *f,
                        double *d) {
    int v = blockIdx.x * blockDim.x + threadIdx.x;
    others(i, v - 50); others(u, (unsigned)v);
    others(l, (long long)v - 50); others(m, (unsigned long long)v);
    others(f, v - 50.5f); others(d, v - 50.5);
    bits(i, v); bits(u, (unsigned)v); bits(l, (long long)v); bits(m, (unsigned long long)v);
    atomicInc(u + 8, 6); atomicDec(u + 9, 6); atomicAdd_system(u + 10, 1u);
}
__global__ void real(const float *x, float *o, const double *y, double *p, int n) {
    int i = threadIdx.x, j = 0;
    float a = x[i], s, c;
    double b = y[i];
    o[n * j + i] = exp(a) + expf(a) - __expf(a); p[n * j++ + i] = exp(b);
    o[n * j + i] = sqrt(a); p[n * j++ + i] = sqrt(b);
    o[n * j + i] = rsqrtf(a); p[n * j++ + i] = rsqrt(b);
    o[n * j + i] = pow(a, 3); p[n * j++ + i] = pow(b, 3);
    o[n * j + i] = pow(a, 2.5f); p[n * j++ + i] = pow(b, 2.5);
    o[n * j + i] = max(a, 1.f) + min(a, 1.f); p[n * j++ + i] = max(b, 1.) + min(b, 1.);
    o[n * j + i] = abs(-a) + fabs(-a); p[n * j++ + i] = abs(-b) + fabs(-b);
    sincosf(a, &s, &c);
    o[n * j + i] = s + 2 * c; p[n * j++ + i] = sin(b) + 2 * cos(b);
    o[n * j + i] = sinpif(a) + 2 * cospif(a); p[n * j++ + i] = sinpi(b) + 2 * cospi(b);
    o[n * j + i] = fma(a, 2.f, 1.f) + __fsqrt_rn(a) * 0; p[n * j++ + i] = fma(b, 2., 1.);
    o[n * j + i] = floor(a) + isnan(a) + 2 * isfinite(a);
    p[n * j++ + i] = floor(b) + isnan(b) + 2 * isfinite(b);
    o[n * j + i] = (float)sqrt(i) + atan2(a, 2.f); p[n * j++ + i] = sqrt(i) + atan2(b, 2.);
    o[n * j + i] = __fdividef(a, 3.f); p[n * j++ + i] = __ddiv_rn(b, 3.);
}
__global__ void whole(const unsigned *x, unsigned *o, int n) {
    int i = threadIdx.x, j = 0;
    unsigned u = x[i];
    o[n * j++ + i] = __popc(u);
    o[n * j++ + i] = __clz(u);
    o[n * j++ + i] = __ffs(u);
    o[n * j++ + i] = __brev(u);
    o[n * j++ + i] = __umulhi(u, 0x12345678u);
    o[n * j++ + i] = __mulhi((int)u, 0x12345678);
    o[n * j++ + i] = __mul24((int)u, 5);
    o[n * j++ + i] = (unsigned)__float_as_int(__int_as_float((int)(u & 0x7f7fffffu)));
    o[n * j++ + i] = __byte_perm(u, 0x89abcdefu, 0x5140);
    o[n * j++ + i] = __funnelshift_l(u, u, 7);
    o[n * j++ + i] = (unsigned)max((int)u, 3) + min(u, 7u) + (unsigned)__ldg((const int *)x + i);
    o[n * j++ + i] = clock64() > 0 && clock() != 0;
    float4 v = make_float4(1, 2, 3, 4);
    int2 w = make_int2(5, 6);
    dim3 d(2, 3);
    unsigned sizes = sizeof(float4) + sizeof(double3) + alignof(float2);
    o[n * j++ + i] = (unsigned)(v.x + v.w + w.y) + d.x + d.y + d.z + sizes;
}
"""
functions = module(FUNCTIONS)


def test_histograms():
    x = RNG.integers(0, 256, 60000).astype(np.uint8)
    counts = np.bincount(x, minlength=256)
    got = [np.zeros(256, kind) for kind in ("i4", "u4", "f4", "f8")]
    functions().launch("histogram", 10, 128, [at(x), *map(at, got), x.size])
    for array, weight in zip(got, (1, 1, 0.5, 0.25), strict=True):
        np.testing.assert_array_equal(array, counts * weight)


def test_atomics():
    v = np.arange(400)
    kinds = ("i4", "u4", "i8", "u8", "f4", "f8")
    got = [np.zeros(11, kind) for kind in kinds]
    for array in got:
        array[0] = 100
        if array.dtype.kind in "iu":
            array[4] = np.iinfo(array.dtype).max
    functions().launch("atomics", 8, 50, [at(array) for array in got])
    for array, kind in zip(got, kinds, strict=True):
        shifted = v - {"i": 50, "u": 0, "f": 50.5}[kind[0]]
        assert (array[0], array[1]) == (shifted.min(), shifted.max())
        assert array[2] == np.array(-shifted.sum()).astype(kind)
        assert array[3] in shifted
        if kind[0] != "f":
            assert array[4] == np.iinfo(kind).max - (2**31 - 1)
            assert array[5] == 2**31 - 1
            assert array[6] == np.bitwise_xor.reduce(v)
            assert array[7] == 800
    up = down = 0
    for _ in v:
        up = 0 if up >= 6 else up + 1
        down = 6 if down == 0 or down > 6 else down - 1
    assert list(got[1][8:11]) == [up, down, 400]


def test_mathematics():
    x = np.array([0.25, 0.5, 1, 2.75, 7.5], np.float32)
    y = x.astype(float)
    o, p = np.zeros((13, 5), np.float32), np.zeros((13, 5))
    functions().launch("real", 1, 5, [at(x), at(o), at(y), at(p), 5])
    wanted = [
        *(np.exp(y), np.sqrt(y), 1 / np.sqrt(y), y**3, y**2.5, np.maximum(y, 1) + np.minimum(y, 1)),
        *(2 * y, np.sin(y) + 2 * np.cos(y), np.sin(np.pi * y) + 2 * np.cos(np.pi * y), 2 * y + 1),
        *(np.floor(y) + 2, np.sqrt(np.arange(5)) + np.arctan2(y, 2), y / 3),
    ]
    np.testing.assert_allclose(p, wanted, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(o, wanted, rtol=1e-6, atol=2e-6)


def test_intrinsics():
    x = np.array([0, 1, 0x80000000, 0x12345678, 0xFFFFFFFF], np.uint32)
    o = np.zeros((13, 5), np.uint32)
    functions().launch("whole", 1, 5, [at(x), at(o), 5])

    def bits24(u):
        return ((u & 0xFFFFFF) ^ 0x800000) - 0x800000

    for u, got in zip(map(int, x), o.T, strict=True):
        signed = u - (u >> 31 << 32)
        low = [u >> 8 * k & 255 for k in range(4)] + [0xEF, 0xCD, 0xAB, 0x89]
        wanted = [
            *(u.bit_count(), 32 - u.bit_length(), (u & -u).bit_length(), int(f"{u:032b}"[::-1], 2)),
            *(u * 0x12345678 >> 32, signed * 0x12345678 >> 32, bits24(u) * 5, u & 0x7F7FFFFF),
            low[0] | low[4] << 8 | low[1] << 16 | low[5] << 24,
            u << 7 | u >> 25,
            max(signed, 3) + min(u, 7) + signed,
            1,
            11 + 6 + 16 + 24 + 8,
        ]
        assert [int(g) for g in got] == [w & 0xFFFFFFFF for w in wanted], hex(u)


# ---- what goes wrong -------------------------------------------------------------------------

WRONG = r"""
__global__ void ended(int *x) {
    if (threadIdx.x >= 40) return;
    __syncthreads();
    x[threadIdx.x] = 1;
}
__global__ void elsewhere() {
    if (threadIdx.x < 10)
        __syncthreads();
    else
        __syncthreads();
}
__global__ void waits_for_ever(int *x) {
    if (threadIdx.x % 32 < 16) x[0] = __shfl_sync(0xffffffffu, 1, 0);
    else __syncthreads();
}
__global__ void not_in_the_mask(int *x) { x[0] = __shfl_sync(0xfffffff0u, 1, 4); }
__global__ void asserts(const int *x) {
    assert(x[blockIdx.x * blockDim.x + threadIdx.x] != 77 && "no 77");
    __syncthreads();
}
__global__ void late_end(int *x) {
    __syncthreads();
    if (threadIdx.x == 3) return;
    x[threadIdx.x] = 2;
}
__global__ void deep(double *x) {
    double big[30000];
    for (int k = 0; k < 30000; k++) big[k] = x[threadIdx.x] + k;
    __syncthreads();
    x[threadIdx.x] = big[(int)x[threadIdx.x]];
}
__global__ void trapped() { __syncthreads(); if (threadIdx.x == 5) __trap(); }
"""
wrong = module(WRONG)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ended", r"kernel ended, block \(0, 0, 0\), .*line 4: divergence.*64"),
        ("elsewhere", r"kernel elsewhere.* line 11: divergence: 10 threads .* in line 9"),
        ("waits_for_ever", r"line 14: divergence: .* 0xffffffff .* 32 wait in .* 32 at the bar"),
        ("not_in_the_mask", r"thread \(0, 0, 0\), line 17: the mask 0xfffffff0 lacks"),
        ("trapped", r"kernel trapped.* thread \(5, 0, 0\), line 33: trap"),
    ],
)
def test_failures_are_reported(name, words):
    x = np.zeros(64, np.int32)
    args = [at(x)] if wrong().kernels[name] else []
    with pytest.raises(DeviceError, match=words):
        wrong().launch(name, 1, 64, args)
    with pytest.raises(DeviceError, match=f"^kernel {name}, block"):
        wrong().launch(name, 50, 64, args, threads=2)
    wrong().launch("late_end", 1, 64, [at(x)])  # and the next launch is as good as ever
    np.testing.assert_array_equal(x, np.where(np.arange(64) == 3, x[3], 2))


def test_a_failed_assertion_ends_the_launch():
    x = np.zeros(6400, np.int32)
    wrong().launch("asserts", 100, 64, [at(x)])
    x[64 * 30 + 12] = 77
    place = (
        r"kernel asserts, block \(30, 0, 0\), thread \(12, 0, 0\), line 19: assertion failed: x\["
    )
    for _ in range(100):
        with pytest.raises(DeviceError, match=place):
            wrong().launch("asserts", 100, 64, [at(x)])


def test_threads_that_have_ended_may_pass():
    lenient = HostModule(WRONG, ended_pass=True, whole_blocks=False)
    x = np.zeros(64, np.int32)
    lenient.launch("ended", 1, 64, [at(x)])
    np.testing.assert_array_equal(x, np.arange(64) < 40)
    with pytest.raises(DeviceError, match="line 14"):
        lenient.launch("waits_for_ever", 1, 64, [at(x)])


def test_big_frames_get_big_stacks():
    x = np.arange(64.0)
    wrong().launch("deep", 2, 32, [at(x)])
    assert (x[:32] >= 2 * np.arange(32)).all()
    np.testing.assert_array_equal(x[32:], np.arange(32.0, 64))


def test_assertions_of_kernels_without_barriers():
    source = "__global__ void k(const int *x) {\n  assert(x[threadIdx.x] < 5);\n}"
    assert "DH_GUARDED" in entry_text(source)
    made = HostModule(source)
    x = np.arange(8, dtype=np.int32)
    made.launch("k", 1, 5, [at(x)])
    with pytest.raises(
        DeviceError, match=r"thread \(5, 0, 0\), line 2: assertion failed: x\[threadI"
    ):
        made.launch("k", 3, 8, [at(x)])
    del made
    gc.collect()


def test_printing(capfd):
    made = HostModule("""#include <stdio.h>
    __global__ void k(float x) { printf("%u %.2f\\n", threadIdx.x, x); }""")
    made.launch("k", 1, 3, [0.125])
    assert capfd.readouterr().out == "0 0.12\n1 0.12\n2 0.12\n"


def test_memory_given_back_is_taken_again():
    x = np.zeros(64, np.int32)
    for block in (32, 64, 1):
        wrong().launch("late_end", 3, block, [at(x)])
        release_memory()
        wrong().launch("late_end", 3, block, [at(x)])
    assert (x[1:3] == 2).all()


def test_text_that_does_not_compile():
    source = "__global__ void k(int *x) {\n\n  x[0] = undeclared;\n}"
    with pytest.raises(CompileError) as caught:
        HostModule(source)
    assert "kernel:3" in caught.value.log
    assert caught.value.source == source
    assert "DH_GRID" not in str(caught.value)


# ---- text ------------------------------------------------------------------------------------


def modes(source, names=()):
    """Return how each kernel of a source runs."""
    found = [line.split(", ") for line in entry_text(source, names).splitlines()]
    return {words[1].strip('"'): words[2] for words in found if words[0].startswith("DH_LAUNCHER")}


@pytest.mark.parametrize(
    ("before", "body", "mode"),
    [
        ("", "", "DH_LOOP"),
        ("// __syncthreads();", '/* __shfl_sync( */ const char *s = "__syncwarp()";', "DH_LOOP"),
        ("", "__syncthreads();", "DH_FIBERS"),
        ("", "x[0] = __shfl_down(x[0], 1);", "DH_FIBERS"),
        ("#define BARRIER __syncthreads()", "", "DH_LOOP"),
        ("#define BARRIER __syncthreads()\n#define SYNC \\\n BARRIER", "SYNC;", "DH_FIBERS"),
        ("__device__ void f() { __syncthreads(); }", "", "DH_LOOP"),
        ("__device__ void f() { __syncthreads(); }", "f();", "DH_FIBERS"),
        ("template <class T> __device__ T f(T x) { return __any(x); }", "f(1);", "DH_FIBERS"),
        ("__device__ void g() { __syncwarp(); } __device__ void f() { g(); }", "f();", "DH_FIBERS"),
        ("struct S { __device__ void f() { __syncthreads(); } };", "", "DH_FIBERS"),
        ("#define F f()\n__device__ void f() { __syncthreads(); }", "F;", "DH_FIBERS"),
        ("__device__ void f(int x) { assert(x); }", "f(1);", "DH_GUARDED"),
        ("", "__trap();", "DH_GUARDED"),
    ],
)
def test_how_kernels_run(before, body, mode):
    other = "__global__ void other() { __syncthreads(); }"
    source = f"{before}\n__global__ void k(int *x) {{ {body} }}\n{other}"
    assert modes(source) == {"k": mode, "other": "DH_FIBERS"}


def test_what_is_changed_in_the_text():
    text = translate(
        '#include <cuda_runtime.h>\n__global__ void f(void);\nextern "C" __global__ void f() {}\n'
        "__global__ void __launch_bounds__(64, 2) g(const float (&x)[2], int y) {\n"
        "  extern __shared__ __align__(8)\n unsigned char a[];\n"
        " extern __shared__ float b[][4]; }\n"
        "// __global__ void h(int)\n"
    )
    assert text == (
        '\n__global__ void f(DH_GRID);\nextern "C" __global__ void f(DH_GRID) {}\n'
        "__global__ void __launch_bounds__(64, 2) g(DH_GRID, const float (&x)[2], int y) {\n"
        "  DH_DYNAMIC(unsigned char, a, );\n\n DH_DYNAMIC(float, b, [4]); }\n"
        "// __global__ void h(int)\n"
    )


WRITTEN = {
    "method": """struct Sum { float *s; __device__ Sum(float *p) : s(p) {}
        __device__ float of(float v) { s[threadIdx.x] = v; __syncthreads(); return s[0] + s[7]; } };
        __global__ void k(float *x) { __shared__ float b[8];
        x[threadIdx.x] = Sum(b).of(threadIdx.x); }""",
    "lambda": """__global__ void k(float *x) { __shared__ float b[8];
        auto f = [&](float v) { b[threadIdx.x] = v; __syncthreads(); return b[7]; };
        x[threadIdx.x] = f(threadIdx.x); }""",
    "functor": """template <class F> __device__ float apply(F f, float v) { return f(v); }
        struct Next { __device__ float operator()(float v) const { return v + 1; } };
        __global__ void k(float *x) { x[threadIdx.x] = apply(Next(), 6.f); }""",
    "dynamic": """struct P { float a; int b; };
        extern "C" __global__ void k(float *x) { extern __shared__ P p[];
        p[threadIdx.x].a = threadIdx.x; __syncthreads(); x[threadIdx.x] = p[7].a; }""",
    "warp": """__device__ void fold(volatile float *s, int t) {
        if (t < 4) s[t] += s[t + 4]; __syncwarp(); if (t < 2) s[t] += s[t + 2]; __syncwarp(); }
        __global__ void k(float *x) { volatile __shared__ float s[8]; s[threadIdx.x] = threadIdx.x;
        __syncthreads(); fold(s, threadIdx.x); x[threadIdx.x] = (s[0] + s[1]) / 4; }""",
    "constants": """struct Q { float a[3]; int n; }; __constant__ Q q;
        __device__ float t[] = {1, 2, 5};
        __device__ __constant__ const float two = 2.0f;
        __global__ void k(float *x) { x[threadIdx.x] = t[2] + two + q.n; }""",
    "rows": """__device__ float at(float (*t)[8], int i) { return t[i][threadIdx.x]; }
        __global__ void k(float *x) { __shared__ float t[8][8];
        for (int i = 0; i < 8; i++) t[i][threadIdx.x] = i; __syncthreads();
        x[threadIdx.x] = at(t, 7); }""",
    "layout": """__global__\nvoid\nk (\n float *x // output, with ) and { in a comment\n)
        { switch (threadIdx.x) { case 0: x[0] = 7; break; default: x[threadIdx.x] = 7; } }""",
    "directives": """#if __CUDA_ARCH__ < 600
        __device__ double atomicAdd(double *a, double v) { return 0; }
        #endif
        #ifdef NEVER
        __global__ void k(float *x) { {
        #else
        __global__ void k(float *x) {
        #endif
        x[threadIdx.x] = 7; }""",
    "qualifiers": """static __inline__ __device__ float f(float v) { return v + 1; }
        inline __device__ __forceinline__ float g(float v) { return f(v); }
        __global__ static void k(float *__restrict__ x) { x[threadIdx.x] = g(6); }""",
}


@pytest.mark.parametrize("way", WRITTEN)
def test_ways_to_write_kernels(way):
    x = np.zeros(8, np.float32)
    HostModule(WRITTEN[way]).launch("k", 1, 8, [at(x)], shared_bytes=64)
    np.testing.assert_array_equal(x, 7)


def test_names_of_all_kinds():
    source = r"""
    #define KERNEL extern "C" __global__ void __launch_bounds__(256)
    #define NAMED(name) __global__ void name
    namespace inner { __global__ void hidden(int *x) { x[threadIdx.x] = 1; } }
    template <class T, int N> __global__ void fill(T *x) { x[threadIdx.x] = N; __syncthreads(); }
    __device__ int add(int a, int b) { return a + b; }
    KERNEL read(int *x) { int index = 0, y1 = 2, exp = 3; x[threadIdx.x] = add(index, y1 * exp); }
    NAMED(write)(int *x) {
        auto f = [=](int k) { return k + (int)threadIdx.x; };
        x[threadIdx.x] = f(2);
    }
    __global__ void total(int *x) {
        enum { N = 3 };
        struct min { int v; } m = {N};
        x[threadIdx.x] = m.v;
    }
    __global__ void print(int *x) { if (x[0] == -1) printf("%d\n", x[0]); x[threadIdx.x] = 12; }
    """
    made = HostModule(source, names=["fill<int, 8>", "fill<short, 9>"])
    for name, wanted, kind in (
        *(("hidden", 1, "i4"), ("fill<int, 8>", 8, "i4"), ("fill<short, 9>", 9, "i2")),
        *(("read", 6, "i4"), ("write", [2, 3, 4], "i4"), ("total", 3, "i4"), ("print", 12, "i4")),
    ):
        x = np.zeros(3, kind)
        made.launch(name, 1, 3, [at(x)])
        np.testing.assert_array_equal(x, np.broadcast_to(wanted, 3), err_msg=name)


def test_many_modules_with_much_shared_memory():
    text = """__global__ void k(int *x) {{
        __shared__ int s[12288];
        s[threadIdx.x] = {0};
        __syncthreads();
        x[threadIdx.x] = s[0];
    }}"""
    made = [HostModule(text.format(k)) for k in range(4)]
    x = np.zeros(32, np.int32)
    for _ in range(3):
        for k, one in enumerate(made):
            one.launch("k", 4, 32, [at(x)])
            assert (x == k).all()


def test_host_text_is_one_piece():
    text = host_text("__global__ void k() {}", stack=131072)
    assert "#define DH_STACK 131072\n" in text
    assert "da_launch_k" in text
