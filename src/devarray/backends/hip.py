"""AMD GPUs: kernels compiled by ROCm's clang, memory and functions of CuPy's ROCm build.

See `_cupy`. No such device was at hand when this was written: kernels are known to compile, and
their texts to give right results elsewhere; the rest is what CuPy's ROCm build documents.
"""

from __future__ import annotations

from collections.abc import Sequence

from devarray.backends._cupy import CupyDevice
from devarray.backends._cupy_driver import Compiler, Dialect, problem_of, survey_of
from devarray.kernels.hip_offline import find_hip_compiler
from devarray.registry import Found

__all__ = ["PRELUDE_FILES", "Hip", "is_worth_it", "open_device", "survey"]

PRELUDE_FILES = ("prelude_hip.h", "gpu.h", "complex.h", "scalar.h", "reduce.h", "grid.h")


def _compiler(architecture: str) -> Compiler:
    """Return clang for an architecture (``gfx942``)."""
    clang = find_hip_compiler()

    def build(text: str, flags: Sequence[str]) -> bytes:
        return clang.compile(text, architecture, flags)

    return Compiler(f"{clang.version} {architecture}", build)


DIALECT = Dialect(
    name="hip",
    is_hip=True,
    driver=("libamdhip64.so", "libamdhip64.so.7", "libamdhip64.so.6"),
    prefix="hip",
    prelude=PRELUDE_FILES,
    remedy="pip install cupy-rocm-7-0, the build that fits the ROCm installed",
    dlpack=10,
    compiler=_compiler,
    fast=("-ffp-contract=fast",),
)


class Hip(CupyDevice):
    """See `devarray.device.Device`."""

    dialect = DIALECT


def survey() -> list[Found]:
    """Return every AMD GPU, or why there is none."""
    return survey_of(DIALECT)


def is_worth_it() -> bool:
    """Say whether there is a GPU that can be used."""
    return not problem_of(DIALECT)


def open_device(index: int) -> Hip:
    """Return the GPU of that number, as HIP counts them."""
    device = Hip()
    device.setup(index)
    return device
