"""What the benchmarks share: the machine in words, and medians of alternating runs."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import devarray as da


def machine() -> str:
    """Return the processor, the number of CPUs, and the versions."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    cpus = len(os.sched_getaffinity(0))
    return (
        f"{time.strftime('%Y-%m-%d')}, {model}, {cpus} CPUs, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, devarray {da.__version__}"
    )


def medians(
    functions: dict[str, Callable[[], object]], rounds: int = 9, seconds: float = 0.15
) -> dict[str, float]:
    """Return the median seconds of each function, measured in turns: noise falls on all alike."""
    counts = {}
    for name, function in functions.items():
        function()
        start = time.perf_counter()
        function()
        once = max(time.perf_counter() - start, 1e-7)
        counts[name] = max(1, min(20000, int(seconds / rounds / once)))
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            for _ in range(counts[name]):
                function()
            times[name].append((time.perf_counter() - start) / counts[name])
    return {name: statistics.median(values) for name, values in times.items()}
