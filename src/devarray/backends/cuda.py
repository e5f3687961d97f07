"""NVIDIA GPUs: kernels compiled by NVRTC, memory and functions of CuPy. See `_cupy`."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator, Sequence

from devarray.backends._cupy import CupyDevice
from devarray.backends._cupy_driver import Compiler, Dialect, problem_of, survey_of
from devarray.backends._cupy_text import TITLE, RawCompiler
from devarray.kernels.nvrtc import Nvrtc, Program, find_nvrtc
from devarray.registry import Found

__all__ = ["Cuda", "PRELUDE_FILES", "is_worth_it", "open_device", "raw_compiler", "survey"]

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


# ---- users' texts


def raw_compiler(nvrtc: Nvrtc, architecture: str) -> RawCompiler:
    """Return what compiles users' texts for an architecture."""

    def build(text: str, options: Sequence[str], names: Sequence[str], other: str) -> Program:
        # devarray's own kernels round products and sums one by one; users' do as CUDA does
        told = any(re.match("-*(?:fmad|use_fast_math)", option) for option in options)
        flags = [*options, *([] if told else ["--fmad=true"])]
        return nvrtc.build(text, TITLE, other or architecture, flags, names)

    version = ".".join(map(str, nvrtc.version))
    folders = tuple(dict.fromkeys(_header_folders(nvrtc.path)))
    return RawCompiler(f"nvrtc {version} {architecture}", build, _doubted, folders)


def _doubted(log: str, names: Sequence[str]) -> set[str]:
    """Return the names that NVRTC says are none of the text's."""
    said = {line.strip() for line in re.findall(r"#pragma nv_mangled_name (.*)", log)}
    return said & set(names)


def _header_folders(library: str) -> Iterator[str]:
    """Yield folders with CUDA's headers: beside the compiler, in wheels, in a toolkit."""
    prefixes = [os.path.dirname(os.path.dirname(library))] if os.path.isabs(library) else []
    nvidia = importlib.util.find_spec("nvidia")  # a namespace: each wheel adds a folder to it
    parts = ("cu13", "cuda_runtime", "cuda_cccl")  # of CUDA 13, and of 11 and 12
    for folder in (nvidia.submodule_search_locations or ()) if nvidia else ():
        prefixes += [os.path.join(folder, part) for part in parts]
    prefixes += filter(None, (os.environ.get("CUDA_PATH"), "/usr/local/cuda"))
    for prefix in prefixes:
        include = os.path.join(prefix, "include")
        for folder, header in ((include, "cuda_runtime.h"), (include, "nv/target"),
                               (os.path.join(include, "cccl"), "nv/target")):  # fmt: skip
            if os.path.isfile(os.path.join(folder, header)):
                yield folder


def _raw(architecture: str) -> RawCompiler:
    return raw_compiler(find_nvrtc(_driver_version() // 1000), architecture)


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
    raw=_raw,
    raw_fast=("--use_fast_math",),
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
