"""Five workloads on every device that is present, beside the other libraries on the same device.

``python benchmarks/bench_devices.py [elements]``: on `openmp` and `sycl` beside NumPy and dpnp, on
`cuda` beside CuPy (eager and ``cupy.fuse``), torch.compile and jax.jit where they are installed.
Contenders alternate; medians of rounds, in milliseconds, and the GB/s of what must be moved at
least. Every result is compared with NumPy's.
"""

from __future__ import annotations

import importlib.util
import platform
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import devarray as da

ROUNDS = 11
Work = Callable[[], Any]


def chain(xp, a, b, c, d):
    return xp.sqrt(a * b + c) * xp.exp(-d)


def polynomial(xp, a, b, c, d):
    return ((a * 2 - 1) * b + 0.5) * c - d


def distance(xp, a, b, c, d):
    return ((a - b) ** 2).sum()


def rows(xp, a, b, c, d):
    x = a.reshape(-1, 1000)
    return (x - x.mean(axis=1, keepdims=True)).max(axis=1)


def stencil(xp, a, b, c, d):
    u = a.reshape(-1, 1000)
    return 0.25 * (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:])


# workload -> operands of the size of `a` that are read or written at least
WORK = {chain: 5, polynomial: 5, distance: 2, rows: 1, stencil: 2}


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def devarray_on(device, function, host) -> tuple[Work, Callable[[Any], Any]]:
    arrays = [da.to_gpu(x, device) for x in host]

    def work():
        result = function(np, *arrays)
        da.evaluate(result)
        device.synchronize()
        return result

    return work, lambda result: result.get()


def numpy_itself(function, host):
    return lambda: function(np, *host), np.asarray


def dpnp_itself(function, host):
    import dpnp

    arrays = [dpnp.asarray(x) for x in host]

    def work():
        result = function(dpnp, *arrays)
        result.sycl_queue.wait()
        return result

    return work, dpnp.asnumpy


def cupy_itself(function, host, fuse=False):
    import cupy

    arrays = [cupy.asarray(x) for x in host]
    run = (
        cupy.fuse()(lambda *xs: function(cupy, *xs)) if fuse else (lambda *xs: function(cupy, *xs))
    )

    def work():
        result = run(*arrays)
        cupy.cuda.runtime.deviceSynchronize()
        return result

    return work, cupy.asnumpy


def torch_compiled(function, host, device):
    import torch

    class Names:  # what the workloads call
        sqrt, exp = torch.sqrt, torch.exp

    arrays = [torch.from_numpy(x).to(device) for x in host]
    special = {
        rows: lambda _, a, *rest: (
            ((x := a.reshape(-1, 1000)) - x.mean(dim=1, keepdim=True)).max(dim=1).values
        )
    }
    run = torch.compile(lambda *xs: special.get(function, function)(Names, *xs))

    def work():
        result = run(*arrays)
        if device == "cuda":
            torch.cuda.synchronize()
        return result

    return work, lambda result: result.cpu().numpy()


def jax_compiled(function, host):
    import jax

    jax.config.update("jax_enable_x64", True)
    arrays = [jax.numpy.asarray(x) for x in host]
    run = jax.jit(lambda *xs: function(jax.numpy, *xs))
    return lambda: run(*arrays).block_until_ready(), np.asarray


def contenders(device, function, host):
    """Yield (name, work, to host) of everybody who is there."""
    yield "devarray", *devarray_on(device, function, host)
    kind = device.name.partition(":")[0]
    if kind == "openmp":
        yield "NumPy", *numpy_itself(function, host)
    if kind == "sycl":
        yield "dpnp", *dpnp_itself(function, host)
    if kind in ("cuda", "hip"):
        yield "CuPy", *cupy_itself(function, host)
        if function not in (rows, stencil):  # cupy.fuse has neither slices nor keepdims
            yield "cupy.fuse", *cupy_itself(function, host, fuse=True)
    if kind in ("cuda", "openmp"):
        if _installed("torch"):
            where = "cuda" if kind == "cuda" else "cpu"
            yield "torch.compile", *torch_compiled(function, host, where)
        if _installed("jax"):
            yield "jax.jit", *jax_compiled(function, host)


def measure(device, function, host):
    """Print the times of one workload on one device."""
    wanted = function(np, *host)
    work = {}
    for name, one, to_host in contenders(device, function, host):
        np.testing.assert_allclose(to_host(one()), wanted, rtol=1e-6)  # and warm
        one()
        work[name] = one
    times: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(ROUNDS):
        for name, one in work.items():
            start = time.perf_counter()
            one()
            times[name].append(time.perf_counter() - start)
    moved = WORK[function] * host[0].nbytes
    parts = []
    for name, seconds in times.items():
        median = statistics.median(seconds)
        parts.append(f"{name} {median * 1e3:.3f} ms ({moved / median / 1e9:.0f} GB/s)")
    print(f"{device.name:8} {host[0].dtype} {function.__name__:10} " + ", ".join(parts), flush=True)


def copy_speed(device, nbytes):
    """Print the speed of a copy within the device: what workloads are measured against."""
    x = da.to_gpu(np.ones(nbytes // 8), device)
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        da.evaluate(x * 1.0)
        device.synchronize()
        times.append(time.perf_counter() - start)
    print(f"{device.name:8} copy {2 * nbytes / statistics.median(times[2:]) / 1e9:.0f} GB/s")


def main():
    count = int(float(sys.argv[1])) if len(sys.argv) > 1 else 10_000_000
    count -= count % 1000
    print(f"{count} elements, NumPy {np.__version__}, {platform.platform()}, {time.strftime('%F')}")
    rng = np.random.default_rng(0)
    for device in da.devices():
        print(f"{device.name}: {device.properties}")
        copy_speed(device, 8 * count)
        for dtype in (np.float64, np.float32):
            host = [rng.random(count).astype(dtype) for _ in range(4)]
            for function in WORK:
                measure(device, function, host)


if __name__ == "__main__":
    main()
