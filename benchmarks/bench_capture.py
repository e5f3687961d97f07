"""What a captured evaluation costs, beside the same statements and NumPy's.

``python benchmarks/bench_capture.py [device]``: the block of docs/devices.md, 64 x 64 elements;
medians of alternating rounds, in microseconds.
"""

from __future__ import annotations

import statistics
import sys
import time

import numpy as np

import devarray as da

ROUNDS, REPEATS = 15, 100


def statements(u):
    u[1:-1, 1:-1] = 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])
    return u[1].max()


def timed(work):
    start = time.perf_counter()
    for _ in range(REPEATS):
        work()
    da.synchronize()
    return (time.perf_counter() - start) / REPEATS * 1e6


def main():
    device = da.Device(sys.argv[1] if len(sys.argv) > 1 else None)
    host = np.zeros((64, 64))
    host[0] = 1
    with device, da.config(host_access="never"):
        u = da.to_gpu(host)
        for _ in range(3):
            da.evaluate(statements(u))
        with da.capture() as step:
            statements(u)
        work = {
            "replay": step.replay,
            "statements": lambda: da.evaluate(statements(u)),
            "NumPy": lambda: statements(host),
        }
        for one in work.values():
            timed(one)
        times = {name: [] for name in work}
        for _ in range(ROUNDS):
            for name, one in work.items():
                times[name].append(timed(one))
    print(
        f"{device.name}: " + ", ".join(f"{k} {statistics.median(v):.1f}" for k, v in times.items())
    )


if __name__ == "__main__":
    main()
