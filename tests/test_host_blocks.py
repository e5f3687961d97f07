"""Kernels as loops over the threads of a block do what the same kernels do as fibers."""

import numpy as np
import pytest

from devarray.errors import CompileError, DeviceError
from devarray.kernels.host_grid import HostModule
from devarray.kernels.host_text import _blocks, host_text
from devarray.kernels.source_text import read
from host_modules import at
from random_kernels import Program, assert_same

# name -> the kernel, which takes (const float *x, float *y, int n) and runs with 4 blocks of 64
KERNELS = {
    "tree": """__global__ void tree(const float *x, float *y, int n) {
        __shared__ float s[64];
        int t = threadIdx.x; // a comment; with __syncthreads();
        s[t] = x[blockIdx.x * 64 + t];
        __syncthreads();
        for (int k = blockDim.x / 2; k > 0; k >>= 1) {
            if (t < k) s[t] += s[t + k];
            __syncthreads();
        }
        if (t == 0) y[blockIdx.x] = s[0];
    }""",
    "doubling": """__global__ void doubling(const float *x, float *y, int n) {
        __shared__ float s[2][64];
        const unsigned t = threadIdx.x, i = blockIdx.x * blockDim.x + t;
        int from = 0;
        s[from][t] = x[i];
        for (unsigned d = 1; d < 64; d *= 2) {
            __syncthreads();
            int to = 1 - from;
            s[to][t] = t >= d ? s[from][t] + s[from][t - d] : s[from][t];
            from = to;
        }
        y[i] = s[from][t];
    }""",
    "halo": """__global__ void halo(const float *x, float *y, int n) {
        extern __shared__ float s[];
        int i = blockIdx.x * blockDim.x + threadIdx.x, t = threadIdx.x + 1;
        s[t] = x[i];
        if (threadIdx.x == 0) { s[0] = i ? x[i - 1] : 0.f; s[65] = i + 64 < n ? x[i + 64] : 0.f; }
        __syncthreads();
        y[i] = 0.25f * s[t - 1] + 0.5f * s[t] + 0.25f * s[t + 1];
    }""",
    "kept": """struct Pair { float a, b; };
    __global__ void kept(const float *x, float *y, int n) {
        __shared__ float s[64];
        float r[3]; Pair p; const float *q = x + threadIdx.x; float v = q[0], w;
        r[0] = v; r[1] = 2 * v; r[2] = 3; p.a = v; p.b = -1;
        unsigned char small = threadIdx.x;
        s[blockDim.x - 1 - threadIdx.x] = v;
        __syncthreads();
        w = s[threadIdx.x]; v += w; q += 1; small += 200;
        __syncthreads();
        y[blockIdx.x * blockDim.x + threadIdx.x] = r[0] + r[1] * r[2] + p.a * p.b + v + w + small;
    }""",
    "stride_for": """__global__ void stride_for(const float *x, float *y, int n) {
        float most = -1e30f;
        unsigned step = gridDim.x * blockDim.x;
        for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
            if (i % 3 == 0) continue;
            most = most > x[i] ? most : x[i];
        }
        y[blockIdx.x * blockDim.x + threadIdx.x] = most;
    }""",
    "stride_while": """__global__ void stride_while(const float *x, float *y, int n) {
        __shared__ float s[64];
        int i = threadIdx.x + blockIdx.x * blockDim.x; float sum = 0;
        while (i < n) {
            sum += x[i];
            i += blockDim.x * gridDim.x;
        }
        s[threadIdx.x] = sum;
        __syncthreads();
        y[blockIdx.x * 64 + threadIdx.x] = s[min(threadIdx.x ^ 1, blockDim.x - 1)];
    }""",
    "stride_uneven": """__global__ void stride_uneven(const float *x, float *y, int n) {
        float sum = 0;
        for (int i = 2 * threadIdx.x; i < n; i += 2 * blockDim.x) sum = sum * 0.5f + x[i];
        y[blockIdx.x * blockDim.x + threadIdx.x] = sum;
    }""",
    "stride_huge": """__global__ void stride_huge(const float *x, float *y, int n) {
        float sum = 0;
        for (unsigned i = 0x7ffeffe0u + threadIdx.x; i < 0x80000100u; i += blockDim.x)
            sum += (i & 7) * x[threadIdx.x];
        y[blockIdx.x * blockDim.x + threadIdx.x] = sum;
    }""",
    "loops": """#define ROUNDS 3
    __global__ void loops(const float *x, float *y, int n) {
        __shared__ float s[64];
        int t = threadIdx.x, left = ROUNDS; float v = x[t];
        while (left > 0) {
            s[t] = v;
            __syncthreads();
            v += s[(t + left) % 64];
            __syncthreads();
            left--;
        }
        do {
            s[t] = v; __syncthreads(); v -= s[63 - t] / 2; left += 2; __syncthreads();
        } while (left < 4);
        if (n > 100) { s[t] = -v; __syncthreads(); v = s[(t + 1) & 63]; } else { __syncthreads(); }
        { float u = 3; __syncthreads(); s[t] = u * v; }
        __syncwarp();
        for (int k = 0; k < 2; ++k) { float t = k + v; v = t * 2; }
        y[blockIdx.x * blockDim.x + t] = v + s[t];
    }""",
    "ends": """__global__ void ends(const float *x, float *y, int n) {
        __shared__ float s[64];
        if (blockIdx.x == 3) return;
        int i = blockIdx.x * blockDim.x + threadIdx.x;
        s[threadIdx.x] = 1;
        if (i >= 150) return;
        __syncthreads();
        float sum = 0;
        for (int k = 0; k < blockDim.x; ++k) { sum += s[k]; if (k > threadIdx.x) break; }
        if (i % 5 == 4) return;
        __syncthreads();
        y[i] = sum + x[i];
    }""",
    "carved": """#define PARTS(n, m) (((n) + (m) - 1) / (m))
    __global__ void carved(const float *x, float *y, int n) {
        extern __shared__ char memory[];
        float *a = (float *)memory, *b = a + blockDim.x;
        const float *mine = x + blockIdx.x * blockDim.x;
        for (int k = 0; k < PARTS(100, 30); ++k) {
            a[threadIdx.x] = mine[threadIdx.x] + k;
            b[threadIdx.x] = 2 * a[threadIdx.x];
            __syncthreads();
            y[blockIdx.x * blockDim.x + threadIdx.x] += b[(threadIdx.x + 1) % blockDim.x] * a[0];
            __syncthreads();
        }
    }""",
    "moving": """__global__ void moving(const float *x, float *y, int n) {
        __shared__ __align__(16) float s[64];
        constexpr int TWICE = 2 * 32;
        static_assert(TWICE == 64, "");
        int u = 1, t = threadIdx.x, j = t + u, first = blockIdx.x * TWICE, last = first + 2;
        s[t] = x[first + t];
        __syncthreads();
        u = 40;
        float sum = 0;
        for (int a = first, b = 0; a <= last; a += u / 40, b += 2) {
            int half = b / 2, k = j + half;
            s[t] += x[a];
            __syncthreads();
            sum += s[(k + b) % 64];
            __syncthreads();
        }
        y[first + t] = sum + j + u;
    }""",
    "parameters": """__global__ void parameters(const float *x, float *y, int n) {
        x += blockIdx.x * blockDim.x; y = y + blockIdx.x * blockDim.x;
        for (int i = threadIdx.x; i < 64; i += blockDim.x) y[i] = x[i];
        __syncthreads();
        int &count = n;
        while (count > threadIdx.x) --count;
        x += threadIdx.x;
        __syncthreads();
        y[threadIdx.x] += n + *x;
    }""",
    "shape": """__global__ void shape(const float *x, float *y, int n) {
        __shared__ float tile[8][9];
        int a = threadIdx.x, b = threadIdx.y, i = (blockIdx.x * 8 + b) * 8 + a;
        tile[b][a] = x[i];
        __syncthreads();
        y[i] = tile[a][b];
    }""",
    "counts": """__device__ void add(float &to, float what) { to += what; }
    __global__ void counts(const float *x, float *y, int n) {
        __shared__ unsigned bins[8];
        float mine = 0;
        if (threadIdx.x < 8) bins[threadIdx.x] = 0;
        __syncthreads();
        for (int i = threadIdx.x; i < n; i += blockDim.x) atomicAdd(&bins[(int)(x[i] * 8) & 7], 1u);
        add(mine, threadIdx.x);
        __syncthreads();
        add(mine, bins[threadIdx.x & 7]);
        __syncthreads();
        y[blockIdx.x * blockDim.x + threadIdx.x] = mine;
    }""",
}


def run(module, name, grid=4, block=64):
    rng = np.random.default_rng(1)
    x = rng.random(1000).astype("f4")
    y = np.zeros(256, "f4")
    module.launch(name, grid, block, [at(x), at(y), 256 if name != "stride_for" else 1000], 1024)
    return y


@pytest.fixture(scope="module")
def both():
    source = "\n".join(KERNELS.values())
    made = set(_blocks(source, read(source)))
    assert made == set(KERNELS), "each of them is of the kind that this is about"
    both = [HostModule(source, ended_pass=True, whole_blocks=whole) for whole in (True, False)]
    assert both[0].whole_blocks, "the text that was made of them compiles"
    return both


@pytest.mark.parametrize("name", KERNELS)
def test_the_same_as_with_fibers(both, name):
    block = (8, 8) if name == "shape" else 64
    mine, theirs = (run(module, name, block=block) for module in both)
    assert theirs.any()
    np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("name", ["stride_for", "stride_while", "kept", "ends"])
@pytest.mark.parametrize(("grid", "block"), [(1, 1), (2, 33), (3, (16, 2)), (1, (4, 4, 4))])
def test_other_shapes_of_blocks(both, name, grid, block):
    mine, theirs = (run(module, name, grid, block) for module in both)
    np.testing.assert_array_equal(mine, theirs)


def test_structures_that_are_parameters():
    source = """struct P { int a; int b[2]; };
__global__ void f(P p, int *x) {
    p.b[1] += threadIdx.x;
    p.a = 2;
    __syncthreads();
    for (int k = 0; k < p.a; ++k) x[threadIdx.x] += p.b[1];
}"""
    module = HostModule(source)
    assert set(_blocks(source, read(source))) == {"f"}
    assert module.whole_blocks
    x = np.zeros(40, "i4")
    module.launch("f", 1, 40, [np.array([5, 6, 7], "i4").tobytes(), at(x)])
    np.testing.assert_array_equal(x, 2 * (7 + np.arange(40)))


def test_templates_and_namespaces():
    source = """namespace a {
    template <class T, int N> __global__ void twice(T *x) {
        __shared__ T s[N];
        T v = x[threadIdx.x];
        s[N - 1 - threadIdx.x] = v;
        __syncthreads();
        x[threadIdx.x] = v + s[threadIdx.x];
    } }"""
    name = "a::twice<double, 32>"
    x = np.arange(32.0)
    module = HostModule(source, [name])
    assert module.whole_blocks
    module.launch(name, 1, 32, [at(x)])
    np.testing.assert_array_equal(x, np.full(32, 31.0))


LEFT_TO_FIBERS = {
    "a shuffle for some": "int v = *x; x[threadIdx.x] = v ? __shfl_sync(~0u, v, 0) : 0;",
    "a shuffle in a condition": "int v = 32; while (__shfl_sync(~0u, v, 0) > 0) v--; *x = v;",
    "a barrier for some": "if (threadIdx.x < 32) { __syncthreads(); } x[threadIdx.x] = 1;",
    "a count of its own": "for (int k = threadIdx.x; k < 64; k += 64) { __syncthreads(); x[k]++; }",
    "a jump": "for (int k = 0; k < 3; ++k) { if (x[threadIdx.x]) break; __syncthreads(); }",
    "a directive": "\n#define N 3\n__syncthreads();\n#undef N\nx[threadIdx.x] = 2;",
    "a count for some": "if (threadIdx.x % 2) { int n = __syncthreads_count(1); x[1] = n; }",
    "a match for all": "int p; unsigned m = __match_all_sync(~0u, 1, &p); x[threadIdx.x] = m + p;",
    "a mask for some": "int v = *x; x[threadIdx.x] = __shfl_sync(0xfffffff0, v, 5);",
    "no length": "int a[] = {1, 2}; a[0] = *x; __syncthreads(); x[threadIdx.x] = a[0] + a[1];",
    "a limit from memory": "for (int k = 0; k < x[threadIdx.x]; ++k) { __syncthreads(); }",
}


@pytest.mark.parametrize("what", LEFT_TO_FIBERS)
def test_what_is_left_to_fibers(what):
    source = "__global__ void f(int *x) {" + LEFT_TO_FIBERS[what] + "}"
    assert not _blocks(source, read(source))


def test_messages_are_those_of_the_text_as_it_is():
    source = """__global__ void f(float *x) {
    __shared__ float s[32];
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x] = s[threadIdx.x] + nothing;
}"""
    with pytest.raises(CompileError, match=r"kernel:5:\d+: error: .*nothing.") as error:
        HostModule(source)
    assert "dh_x" not in error.value.log


def test_what_does_not_compile_is_left_out_alone():
    source = """typedef float Row[4];
__global__ void odd(float *x) {
    Row row;
    for (int k = 0; k < 4; ++k) row[k] = x[4 * threadIdx.x + k];
    __syncthreads();
    x[threadIdx.x] = row[0] + row[3];
}
__global__ void even(float *x) {
    float v = x[threadIdx.x];
    __syncthreads();
    x[threadIdx.x ^ 1] = v;
}"""
    assert set(_blocks(source, read(source))) == {"odd", "even"}
    module = HostModule(source)
    x = np.arange(64, dtype="f4")
    module.launch("odd", 1, 16, [at(x)])
    np.testing.assert_array_equal(x[:16], 8 * np.arange(16) + 3)
    module.launch("even", 1, 16, [at(x)])
    np.testing.assert_array_equal(x[:16], 8 * (np.arange(16) ^ 1) + 3)
    assert "DH_THREADS" in host_text(source, whole_blocks=True, left_out={"odd"})


@pytest.mark.parametrize("lengths", [(2000,), (110, 110, 110)])
def test_what_is_too_large_to_keep_runs_as_fibers(lengths):
    declared = "; ".join(f"float big{k}[{length}]" for k, length in enumerate(lengths))
    values = " ".join(
        f"for (int k = 0; k < {length}; ++k) big{k}[k] = k * threadIdx.x;"
        for k, length in enumerate(lengths)
    )
    x = np.zeros(64, "f4")
    source = f"""__global__ void f(float *x) {{
    {declared};
    {values}
    __syncthreads();
    x[threadIdx.x] = {" + ".join(f"big{k}[threadIdx.x + 40]" for k in range(len(lengths)))};
}}"""
    assert _blocks(source, read(source))
    module = HostModule(source)
    assert not module.whole_blocks
    module.launch("f", 1, 64, [at(x)])
    t = np.arange(64)
    np.testing.assert_array_equal(x, len(lengths) * (t + 40) * t)


def test_ended_threads_are_an_error_where_they_count(both):
    source = KERNELS["ends"]
    module = HostModule(source)
    x, y = np.ones(1000, "f4"), np.zeros(256, "f4")
    with pytest.raises(DeviceError, match=r"divergence: a barrier for 64 threads, of which 12"):
        module.launch("ends", (3,), 64, [at(x), at(y), 256])


def test_assertions_in_blocks():
    source = """__global__ void f(const int *x, int *y) {
    __shared__ int s[64];
    s[threadIdx.x] = x[threadIdx.x];
    __syncthreads();
    assert(s[threadIdx.x] != 40);
    y[threadIdx.x] = s[63 - threadIdx.x];
}"""
    module = HostModule(source)
    x, y = np.arange(64, dtype="i4"), np.zeros(64, "i4")
    with pytest.raises(DeviceError, match=r"thread \(40, 0, 0\), line 5: assertion failed"):
        module.launch("f", 1, 64, [at(x), at(y)])
    x[40] = 0
    module.launch("f", 1, 64, [at(x), at(y)])
    np.testing.assert_array_equal(y, x[::-1])


def test_random_programs():
    names = [f"f{k}" for k in range(12)]
    texts = [Program(k).text(name) for k, name in enumerate(names)]
    source = "\n".join(texts)
    assert len(_blocks(source, read(source))) >= 10
    both = [HostModule(source, whole_blocks=whole) for whole in (True, False)]
    assert both[0].whole_blocks
    assert_same(both, names, texts)


@pytest.mark.parametrize("options", [(), ("-DTWICE",), ("-DFAST=1", "-DTWICE"), ("-DFAST=0",)])
def test_conditions_of_the_preprocessor(options):
    source = """#define SIZE 64
__global__ void f(const float *x, float *y, int n) {
    __shared__ float s[SIZE];
    int t = threadIdx.x;
    s[t] = x[t];
    __syncthreads();
#ifdef TWICE // with a comment
    float v = s[t ^ 1];
    __syncthreads();
    s[t] += v;
    __syncthreads();
#endif
#if defined(FAST) && \\
    FAST
    #pragma unroll
    for (int k = 32; k > 0; k >>= 1) { if (t < k) s[t] += s[t + k]; __syncthreads(); }
#elif defined(FAST)
    if (t == 0) s[0] = -1;
# if SIZE > 32
    __syncthreads();
# endif
#else
    for (int k = SIZE / 2; k > 1; k /= 2) {
        __syncthreads();
        if (t < k) s[t] -= s[t + k];
    }
#endif
    __syncthreads();
    y[t] = s[t] + s[0] + __LINE__;
}"""
    assert _blocks(source, read(source))
    x, results = np.arange(64, dtype="f4"), []
    for whole_blocks in (True, False):
        module = HostModule(source, flags=options, whole_blocks=whole_blocks)
        assert module.whole_blocks is whole_blocks
        results.append(np.zeros(64, "f4"))
        module.launch("f", 1, 64, [at(x), at(results[-1]), 64])
    assert results[0].any()
    np.testing.assert_array_equal(*results)
