"""Costs per operation on small arrays, beside NumPy's; and what a new expression costs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from common import machine, medians

import devarray as da

SIZE = 100

FIRST_SIGHT = """
import sys, time
import numpy as np
import devarray as da
da.config(oracle_limit=int(sys.argv[1]))
x = da.to_gpu(np.arange(100.0))
da.evaluate(x + 1.0)
warm = time.perf_counter()
da.evaluate(da.{expression})
print(time.perf_counter() - warm)
"""


def chain(x, y):
    """Twenty operations."""
    z = x
    for _ in range(10):
        z = z + y
        z = z * y
    return z


def first_sight(expression: str, limit: int, cache: str) -> float:
    """Return the seconds of the first evaluation of an expression in a new process."""
    code = FIRST_SIGHT.format(expression=expression)
    run = subprocess.run(
        [sys.executable, "-c", code, str(limit)],
        capture_output=True, text=True, check=True,
        env={**os.environ, "DEVARRAY_CACHE_DIR": cache},
    )  # fmt: skip
    return float(run.stdout)


def import_times() -> tuple[float, float]:
    """Return the seconds of importing NumPy, and of importing devarray after it (best of five)."""
    code = (
        "import time; a = time.perf_counter(); import numpy; b = time.perf_counter(); "
        "import devarray; print(b - a, time.perf_counter() - b)"
    )
    with tempfile.TemporaryDirectory() as folder:  # bytecode is kept, as pip's installations do
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        runs = [
            subprocess.run(
                [sys.executable, "-c", code],
                capture_output=True,
                text=True,
                check=True,
                env=environment,
            ).stdout.split()
            for _ in range(6)
        ]
    return min(float(r[0]) for r in runs), min(float(r[1]) for r in runs)


def main() -> None:
    print(machine())
    a, b = np.random.default_rng(0).random((2, SIZE)) + 0.5
    x, y = da.to_gpu(a), da.to_gpu(b)
    functions = {
        "NumPy a + b": lambda: a + b,
        "record x + y": lambda: x + y,
        "record x + 1.0": lambda: x + 1.0,
        "record np.add(x, y)": lambda: np.add(x, y),
        "NumPy chain of 20": lambda: chain(a, b),
        "record chain of 20": lambda: chain(x, y),
        "one op, evaluated": lambda: da.evaluate(x + y),
        "chain of 20, evaluated": lambda: da.evaluate(chain(x, y)),
        "NumPy a.sum()": lambda: float(a.sum()),
        "x.sum(), evaluated": lambda: float(x.sum()),
        "NumPy a[1:-1] = a[:-2]": lambda: a.__setitem__(slice(1, -1), b[:-2]),
        "x[1:-1] = y[:-2]": lambda: x.__setitem__(slice(1, -1), y[:-2]),
    }
    with da.config(oracle_limit=0):
        times = medians(functions)
    unit = times["NumPy a + b"]
    print(f"{'':28}{'us':>9}{'of NumPy a + b':>18}")
    for name, seconds in times.items():
        print(f"{name:28}{seconds * 1e6:9.2f}{seconds / unit:18.1f}")
    evaluated = times["chain of 20, evaluated"] - times["record chain of 20"]
    print(f"{'  evaluation of that chain':28}{evaluated * 1e6:9.2f}{evaluated / unit:18.1f}")

    exact, other = "add(x, 2.0) * x", "exp(x) * 2.0"
    with tempfile.TemporaryDirectory(dir=".") as cache:
        print("first sight of an expression, in ms")
        print(f"  compiled                    {first_sight(exact, 0, cache) * 1e3:9.2f}")
        print(f"  compiled, transcendental    {first_sight(other, 0, cache) * 1e3:9.2f}")
        print(f"  on disk                     {first_sight(exact, 0, cache) * 1e3:9.2f}")
    with tempfile.TemporaryDirectory(dir=".") as cache:
        print(f"  answered by NumPy           {first_sight(exact, 65536, cache) * 1e3:9.2f}")
    own, ours = import_times()
    print(f"import: numpy {own * 1e3:.0f} ms, devarray {ours * 1e3:.0f} ms more")
    print(time.strftime("done %H:%M:%S"))


if __name__ == "__main__":
    main()
