"""Kernels from expressions against the same in array operations, and as kernels of their own.

Run as ``python benchmarks/bench_snippets.py [log2 of the elements]``.
"""

import sys
import time

import numpy as np

import devarray as da
from devarray.snippets import IndexedKernel, IndexedReduction

REPEATS = 9
STRUCT = """
struct limits {
  float low, high;
  __device__ limits() {}
  __device__ limits(float a, float b) : low(a), high(b) {}
};
__device__ limits joined(limits a, limits b) {
  return limits(fminf(a.low, b.low), fmaxf(a.high, b.high));
}
"""
LIMITS = np.dtype([("low", "f4"), ("high", "f4")])
TEXT = "z[i] = (x[i] - y[i]) * (x[i] - y[i])"


def best(run):
    """Return the least milliseconds of a run."""
    least = np.inf
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = run()
        if result is not None:
            da.evaluate(result)
        da.synchronize()
        least = min(least, time.perf_counter() - start)
    return least * 1e3


def call_time(run, count=2000):
    """Return the microseconds that recording a call takes."""
    run()
    start = time.perf_counter()
    for _ in range(count):
        run()
    return (time.perf_counter() - start) / count * 1e6


def main():
    """Print a table."""
    n = 1 << int(sys.argv[1] if len(sys.argv) > 1 else 24)
    rng = np.random.default_rng(0)
    a, b = (da.to_gpu(rng.random(n, dtype="f4")) for _ in range(2))
    out = da.empty(n, dtype="f4")
    squared = da.ElementwiseKernel("T x, T y", "T z", "z = (x - y) * (x - y)", "squared")
    indexed = IndexedKernel("float *x, float *y, float *z", TEXT)
    own = IndexedKernel("float *x, float *y, float *z", TEXT + "; float *unused = z;", "own")
    norm = da.ReductionKernel("T x", "T y", "x * x", "a + b", "y = sqrt(a)", "0", "norm")
    scan = da.ScanKernel("T x", "T y", "x", "a + b", name="scan")
    ends = IndexedReduction(
        LIMITS, "limits(9, -9)", "joined(a, b)", "limits(x[i], x[i])", "const float *x",
        preamble=STRUCT, types={"limits": LIMITS},
    )  # fmt: skip
    square = a[: n // 4096 * 4096].reshape(-1, 4096)
    rows = {
        "squared(a + 1, b) * 2": lambda: squared(a + 1, b) * 2,
        "the same in array operations": lambda: ((a + 1) - b) * ((a + 1) - b) * 2,
        "squared(a, b)": lambda: squared(a, b),
        "C argument list, fused": lambda: indexed(a, b, out) or out,
        "C argument list, a kernel of its own": lambda: own(a, b, out),
        "norm(a)": lambda: norm(a),
        "sqrt((a * a).sum())": lambda: np.sqrt((a * a).sum()),
        "norm(a, axis=0), 4096 columns": lambda: norm(square, axis=0),
        "sqrt((a * a).sum(axis=0))": lambda: np.sqrt((square * square).sum(axis=0)),
        "reduction to a struct": lambda: ends(a),
        "scan(a)": lambda: scan(a),
        "cumulative_sum(a)": lambda: da.cumulative_sum(a),
    }
    print(f"{da.get_device()}, {n} elements of float32, best of {REPEATS}")
    for name, run in rows.items():
        print(f"{name:40s} {best(run):8.1f} ms")
    few = da.ones(1000, dtype="f4")
    print(f"{'recording squared(x, y)':40s} {call_time(lambda: squared(few, few)):8.1f} us")
    print(f"{'recording x - y':40s} {call_time(lambda: few - few):8.1f} us")


if __name__ == "__main__":
    main()
