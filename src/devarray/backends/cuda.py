"""NVIDIA GPUs: kernels compiled by NVRTC, memory and functions of CuPy. See `_cupy`."""

from __future__ import annotations

from collections.abc import Sequence

from devarray.backends._cupy import CupyDevice
from devarray.backends._cupy_driver import Compiler, Dialect, problem_of, survey_of
from devarray.kernels.nvrtc import find_nvrtc
from devarray.registry import Found

__all__ = ["Cuda", "PRELUDE_FILES", "is_worth_it", "open_device", "survey"]

PRELUDE_FILES = ("prelude_cuda.h", "gpu.h", "complex.h", "scalar.h", "reduce.h", "grid.h")


def _compiler(architecture: str) -> Compiler:
    """Return NVRTC for an architecture (``sm_90``), no newer than the driver."""
    nvrtc = find_nvrtc(_driver_version() // 1000)

    def build(text: str, flags: Sequence[str]) -> bytes:
        return nvrtc.compile(text, "kernel.cu", architecture, flags)

    version = ".".join(map(str, nvrtc.version))
    return Compiler(f"nvrtc {version} {architecture}", build)


def _driver_version() -> int:
    import cupy  # noqa: PLC0415 - it takes a second to load

    version: int = cupy.cuda.runtime.driverGetVersion()
    return version


DIALECT = Dialect(
    name="cuda",
    is_hip=False,
    driver=("libcuda.so.1", "libcuda.so"),
    prefix="cu",
    prelude=PRELUDE_FILES,
    remedy="pip install devarray[cuda13] (or devarray[cuda12], for drivers of CUDA 12)",
    dlpack=2,
    compiler=_compiler,
    fast=("--use_fast_math",),
)


class Cuda(CupyDevice):
    """See `devarray.device.Device`."""

    dialect = DIALECT


def survey() -> list[Found]:
    """Return every NVIDIA GPU, or why there is none."""
    return survey_of(DIALECT)


def is_worth_it() -> bool:
    """Say whether there is a GPU that can be used."""
    return not problem_of(DIALECT)


def open_device(index: int) -> Cuda:
    """Return the GPU of that number, as CUDA counts them."""
    device = Cuda()
    device.setup(index)
    return device
