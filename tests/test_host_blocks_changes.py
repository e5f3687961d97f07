"""Kernels as loops over threads: variables, ends and loops that change in ways hard to see."""

import numpy as np
import pytest

from devarray.kernels.host_grid import HostModule
from devarray.kernels.host_text import _blocks
from devarray.kernels.source_text import read
from host_modules import at

AROUND = """
#define SET(a, b) a = b
#define STEP v += t
#define STOP return
const int WIDTH = 4;
enum Sizes { HEIGHT = 5, DEPTH };
struct Box { int *at; };
struct Sum {
    int sum;
    __device__ void add(int x) { sum += x; }
    __device__ void to(int &v, int w) { v += w; }
};
__device__ void skip(int &k) { k += 64; }
__device__ int lane() { return threadIdx.x; }
"""
HEAD = "__global__ void %s(const int *x, int *y, int n)"
THREAD = "int i = blockIdx.x * blockDim.x + threadIdx.x, t = threadIdx.x;"
KERNELS = {
    "pointer_to_a_scalar": """
        int v = x[i], *p = &v; __syncthreads(); *p += 5; __syncthreads(); y[i] = v;""",
    "pointer_to_an_array": """
        int r[2] = {t, 3}, *p = r; __syncthreads(); y[i] = p[0] + p[1];""",
    "names_of_constants": """
        int WIDTH = t, u = WIDTH + DEPTH;
        for (int k = 0; k < DEPTH; ++k) {
            int HEIGHT = t + k; __syncthreads(); u += WIDTH + HEIGHT; __syncthreads();
        }
        y[i] = u;""",
    "pointer_in_a_struct": """
        int v = t; Box b = {&v}; __syncthreads(); *b.at = 9; __syncthreads(); y[i] = v + i;""",
    "array_with_values": """
        int s = 0;
        for (int k = 0; k < 3; ++k) {
            int r[2] = {k}; __syncthreads(); r[1] += t; __syncthreads(); s += r[0] + r[1];
        }
        y[i] = s;""",
    "macro_that_sets": "int v = 0; SET(v, t); __syncthreads(); y[i] = v;",
    "macro_with_names": "int v = 0; STEP; __syncthreads(); y[i] = v;",
    "macro_that_returns": "if (t > 5) STOP; __syncthreads(); y[i] = t + 1;",
    "switch_that_returns": """
        switch (t % 3) { case 0: return; } __syncthreads(); y[i] = t + lane();""",
    "method_with_a_reference": "int v = 3; Sum s; s.to(v, t); __syncthreads(); y[i] = v;",
    "method_that_changes": """
        Sum s; s.sum = 0; __syncthreads(); s.add(t); __syncthreads(); s.add(2); __syncthreads();
        y[i] = s.sum;""",
    "lambda": """
        int v = 3; auto f = [](int &q, int w) { q += w; };
        f(v, t); __syncthreads(); y[i] = v;""",
    "parentheses": """
        int v = 0, w = 0; (v) += t; (t & 1 ? v : w)++; __syncthreads(); y[i] = v + 9 * w;""",
    "return_and_once": """
        __syncthreads(); if (t > 40) return; int c = blockIdx.x; y[i] = c + t + 1;""",
    "division_behind_a_return": """
        y[i] = 1; if (i >= n - 200) return;
        int r = i / (n - 200); int q = n / (n - 200); __syncthreads(); y[i] = r + q;""",
    "division_that_some_avoid": """
        int d = t - 5; if (d <= 0) return;
        int q = 100 / d; y[i] = 1; __syncthreads(); y[i] += q;""",
    "start_below_an_unsigned_limit": """
        for (int k = t - 3; k < blockDim.x * 2; k += blockDim.x) y[k] = k + 1;""",
    "start_that_changes_memory": """
        __shared__ int c; c = 0; __syncthreads();
        for (int k = atomicAdd(&c, 1); k < n; k += blockDim.x) y[k] = k + 1;
        __syncthreads(); if (t == 0) y[1000] = c;""",
    "count_that_a_function_changes": """
        for (int k = t; k < n; k += blockDim.x) { y[k] = k + 1; skip(k); }""",
    "uniform_break": """
        __shared__ int done; int v = t;
        for (int k = 0; k < 20; ++k) {
            if (t == 0) done = k >= 3;
            __syncthreads(); v += k;
            if (done) break;
            __syncthreads();
            if (k == 1) { v *= 2; continue; }
            v += 7; __syncthreads();
        }
        y[i] = v;""",
    "limits_from_memory": """
        __shared__ int s[64]; const int *mine = x + blockIdx.x; int m = mine[1] % 9 + 2, v = t;
        for (int k = t; k < mine[2]; k += blockDim.x) v += k;
        while (m > 0) {
            s[t] = v; __syncthreads(); v += s[63 - t]; __syncthreads(); m -= 1 + (*mine & 1);
        }
        if (mine[3] & 1) { s[t] = v; __syncthreads(); v -= s[t ^ 1]; }
        y[i] = v;""",
    "memory_that_nobody_reaches": """
        y[i] = 1; if (i >= n - 200) return;
        int m = x[(blockIdx.x + 1) << 28]; for (int k = 0; k < m; ++k) { __syncthreads(); }""",
}
LEFT = {
    "loop_over_a_list": """
        int v = 0, l[2] = {1, 2}; for (int k : l) { v += k * t; __syncthreads(); } y[i] = v;""",
    "pointer_to_a_function": """
        int v = 3; void (*f)(int &) = skip; f(v); __syncthreads(); y[i] = v + t;""",
    "break_of_some": """
        for (int k = 0; k < 20; ++k) { y[i] = k; if (k == t) return; if (t > 60) break; }
        for (int k = 0; k < 3; ++k) { if (x[t] < 0) break; __syncthreads(); }""",
    "names_of_ours": "int dh_x = 3; __syncthreads(); y[i] = dh_x;",
}


@pytest.fixture(scope="module")
def both():
    bodies = {**KERNELS, **LEFT}.items()
    source = AROUND + "\n".join(f"{HEAD % name} {{ {THREAD} {body} }}" for name, body in bodies)
    assert set(_blocks(source, read(source))) == set(KERNELS)
    both = [HostModule(source, ended_pass=True, whole_blocks=whole) for whole in (True, False)]
    assert both[0].whole_blocks, "the text that was made of them compiles"
    return both


@pytest.mark.parametrize("name", [*KERNELS, *LEFT])
def test_the_same_as_with_fibers(both, name):
    x = np.random.default_rng(0).integers(0, 1000, 2000, "i4")
    results = [np.zeros(2000, "i4") for _ in both]
    for module, y in zip(both, results, strict=True):
        module.launch(name, 3, 64, [at(x), at(y), 200])
    assert results[1].any()
    np.testing.assert_array_equal(*results)


def test_a_value_that_one_thread_sets_and_all_read():
    """Compilers give it to all threads, and programs rely on it."""
    source = f"""{AROUND}{HEAD % "f"} {{
    __shared__ int sum; int *at, five, own; {THREAD}
    if (t == 1) {{ at = &sum; sum = 0; five = 5 * n; }}
    if (t < 99) own = t;
    __syncthreads();
    atomicAdd(at, five + own);
    __syncthreads();
    y[i] = sum;
}}"""
    module = HostModule(source)
    assert module.whole_blocks
    x, y = np.zeros(64, "i4"), np.zeros(64, "i4")
    module.launch("f", 1, 64, [at(x), at(y), 3])
    np.testing.assert_array_equal(y, 64 * 15 + np.arange(64).sum())
