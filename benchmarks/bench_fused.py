"""Fused expressions over large arrays, beside NumPy and the machine's triad bandwidth."""

from __future__ import annotations

import sys

import numpy as np
from common import machine, medians

import devarray as da

N = 10_000_000
GRID = 3000


def main() -> None:
    print(machine())
    n = int(sys.argv[1]) if len(sys.argv) > 1 else N
    rng = np.random.default_rng(0)
    host = [rng.random(n) for _ in range(4)]
    a, b, c, d = (da.to_gpu(h) for h in host)
    grid_host = rng.random((GRID, GRID))
    grid = da.to_gpu(grid_host)
    out = da.empty(n)

    def triad() -> None:
        out[...] = a + 3.0 * b
        da.evaluate(out)

    def stencil(u):
        return 0.25 * (u[1:-1, :-2] + u[1:-1, 2:] + u[:-2, 1:-1] + u[2:, 1:-1])

    def update(u) -> None:
        u[1:-1, 1:-1] += 0.1 * (u[1:-1, :-2] - 2.0 * u[1:-1, 1:-1] + u[1:-1, 2:])

    def moments(x):
        return float(x.mean()), float(x.std())

    def masked(x, y):
        return float(np.where(x > 0.5, x * y, -y).sum())

    work = {
        "chain sqrt(a*b+c)*exp(-d)": (
            lambda w, x, y, z: np.sqrt(w * x + y) * np.exp(-z),
            5 * 8 * n,
        ),
        "polynomial, 8 ops": (lambda w, x, y, z: ((w * x + y) * x + z) * x + w * y - z, 5 * 8 * n),
        "sum((a-b)**2)": (lambda w, x, y, z: ((w - x) ** 2).sum(), 2 * 8 * n),
        "mean and std": (lambda w, x, y, z: moments(w), 2 * 8 * n),
        "where and sum": (lambda w, x, y, z: masked(w, x), 2 * 8 * n),
        "x.sum(axis=0), (n/100, 100)": (lambda w, x, y, z: w.reshape(-1, 100).sum(axis=0), 8 * n),
        "x.sum(axis=1), (n/100, 100)": (lambda w, x, y, z: w.reshape(-1, 100).sum(axis=1), 8 * n),
    }
    functions = {"triad": triad}
    for name, (f, _) in work.items():
        functions["NumPy " + name] = lambda f=f: f(*host)

        def run(f=f):
            result = f(a, b, c, d)
            if isinstance(result, da.DeviceArray):
                da.evaluate(result)

        functions[name] = run
    functions["NumPy 5-point stencil"] = lambda: stencil(grid_host)
    functions["5-point stencil"] = lambda: da.evaluate(stencil(grid))
    functions["NumPy in-place update"] = lambda: update(grid_host)
    functions["in-place update"] = lambda: update(grid)
    times = medians(functions, rounds=7, seconds=1.0)
    band = 3 * 8 * n / times["triad"]
    print(f"triad a + 3.0 * b of {n} float64: {times['triad'] * 1e3:.1f} ms, {band / 1e9:.1f} GB/s")
    print(f"{'':30}{'NumPy ms':>10}{'ms':>9}{'ratio':>8}{'GB/s':>8}{'of triad':>10}")
    traffic = {name: nbytes for name, (_, nbytes) in work.items()}
    traffic |= {"5-point stencil": 2 * 8 * GRID**2, "in-place update": 2 * 8 * GRID**2}
    for name, nbytes in traffic.items():
        numpy, ours = times["NumPy " + name], times[name]
        rate = nbytes / ours
        print(
            f"{name:30}{numpy * 1e3:10.1f}{ours * 1e3:9.1f}{numpy / ours:8.1f}"
            f"{rate / 1e9:8.1f}{rate / band:10.0%}"
        )


if __name__ == "__main__":
    main()
