"""Random numbers, drawn and used in an expression, beside NumPy's default generator (PCG64)."""

from __future__ import annotations

import sys

import numpy as np
from common import machine, medians

import devarray as da

N = 10_000_000


def main() -> None:
    print(machine())
    n = int(sys.argv[1]) if len(sys.argv) > 1 else N
    work = {
        "random()": lambda r: r.random(n),
        "random(), float32": lambda r: r.random(n, np.float32),
        "standard_normal()": lambda r: r.standard_normal(n),
        "standard_normal(), float32": lambda r: r.standard_normal(n, np.float32),
        "integers(0, 100)": lambda r: r.integers(0, 100, n),
        "exponential()": lambda r: r.exponential(size=n),
        "poisson(3), n / 10": lambda r: r.poisson(3.0, n // 10),
        "permutation": lambda r: r.permutation(n),
        "choice, n / 10 of n": lambda r: r.choice(n, n // 10, replace=False),
        "mean of random() ** 2": lambda r: (r.random(n) ** 2).mean(),
        "share of x*x + y*y < 1": lambda r: (r.random(n) ** 2 + r.random(n) ** 2 < 1).mean(),
    }
    theirs, ours = np.random.default_rng(0), da.random.default_rng(0)

    def run(draw, threads):
        with da.config(threads=threads):
            da.evaluate(draw(ours))

    functions = {}
    for name, draw in work.items():
        functions["NumPy " + name] = lambda draw=draw: draw(theirs)
        for threads in (1, 2):
            functions[f"{threads} {name}"] = lambda d=draw, threads=threads: run(d, threads)
    times = medians(functions, rounds=7, seconds=1.0)
    print(f"{n} numbers{'':19}{'NumPy ms':>10}{'1 thread':>10}{'2 threads':>11}{'ratios':>12}")
    for name in work:
        numpy, one, two = (times[f"{kind} {name}"] for kind in ("NumPy", 1, 2))
        print(
            f"{name:28}{numpy * 1e3:18.1f}{one * 1e3:10.1f}{two * 1e3:11.1f}"
            f"{numpy / one:7.2f}{numpy / two:6.2f}"
        )


if __name__ == "__main__":
    main()
