"""Control of evaluation, and what has been done so far in this process."""

from __future__ import annotations

from dataclasses import dataclass

from devarray import engine, plans
from devarray.array import DeviceArray
from devarray.capture import evaluate_all
from devarray.registry import open_devices

__all__ = ["Statistics", "clear_cache", "evaluate", "statistics", "synchronize"]


def evaluate(*arrays: DeviceArray) -> None:
    """Compute arrays now; those of one shape are computed by one kernel where rules allow.

    Examples
    --------
    >>> import devarray as da
    >>> x = da.ones(3)
    >>> y, z = x + 1, x * 2
    >>> da.evaluate(y, z)
    """
    for array in arrays:
        if not isinstance(array, DeviceArray):
            raise TypeError(f"evaluate needs device arrays, got {type(array).__name__}")
    engine.evaluate([array._buffer for array in arrays])


def synchronize() -> None:
    """Compute everything that is pending, on every device, and wait for it.

    Examples
    --------
    >>> import devarray as da
    >>> da.synchronize()
    """
    with engine.lock:
        evaluate_all()
        for device in open_devices():
            for stream in device.streams():
                stream.synchronize()


@dataclass(frozen=True, slots=True)
class Statistics:
    """What has been done in this process.

    Attributes
    ----------
    kernels : int
        Different kernels.
    launches : int
        Runs of a kernel.
    oracle : int
        Evaluations that NumPy answered while a kernel was not compiled yet.
    compiled, cached : int
        Kernels that were compiled, and that were found on disk.
    kernel_time : float
        Seconds in kernels.
    compile_time : float
        Seconds in the compiler.
    nbytes : int
        Bytes that kernels read and wrote, each operand counted once a kernel.
    """

    kernels: int
    launches: int
    oracle: int
    compiled: int
    cached: int
    kernel_time: float
    compile_time: float
    nbytes: int


def statistics() -> Statistics:
    """Return what has been done in this process so far.

    Examples
    --------
    >>> import devarray as da
    >>> da.statistics().kernels >= 0
    True
    """
    counters = engine.counters
    compiled = cached = 0
    seconds = 0.0
    for device in open_devices():
        work = device.compile_statistics()
        compiled += work.compiled
        cached += work.cached
        seconds += work.seconds
    return Statistics(
        len(plans.known_plans()),
        counters.launches,
        counters.oracle,
        compiled,
        cached,
        counters.seconds,
        seconds,
        counters.bytes,
    )


def clear_cache() -> None:
    """Forget all kernels, in this process and on disk."""
    with engine.lock:
        plans.forget_plans()
        for device in open_devices():
            device.clear_cache()
