"""AMD GPUs: kernels compiled by ROCm's clang, memory and functions of CuPy's ROCm build.

See `_cupy`. No such device was at hand when this was written: kernels are known to compile, and
their texts to give right results elsewhere; the rest is what CuPy's ROCm build documents. Users'
texts are compiled by hiprtc, which that build calls `cupy.cuda.nvrtc`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from devarray.backends._cupy import CupyDevice
from devarray.backends._cupy_driver import Compiler, Dialect, problem_of, survey_of
from devarray.backends._cupy_text import TITLE, RawCompiler
from devarray.errors import CompileError
from devarray.kernels.hip_offline import find_hip_compiler
from devarray.kernels.nvrtc import Program
from devarray.registry import Found

__all__ = ["PRELUDE_FILES", "Hip", "is_worth_it", "open_device", "survey"]

PRELUDE_FILES = ("prelude_hip.h", "gpu.h", "complex.h", "scalar.h", "reduce.h", "grid.h")


def _compiler(architecture: str) -> Compiler:
    """Return clang for an architecture (``gfx942``)."""
    clang = find_hip_compiler()

    def build(text: str, flags: Sequence[str]) -> bytes:
        return clang.compile(text, architecture, flags)

    return Compiler(f"{clang.version} {architecture}", build)


# Fast mathematics that keeps what NaN and infinities mean, as CUDA's does
_FAST = ("-ffp-contract=fast", "-freciprocal-math", "-fno-trapping-math")
# Options of CUDA's compilers -> those of clang
_TRANSLATED = {
    "use_fast_math": _FAST,
    "fmad=true": ("-ffp-contract=fast",),
    "fmad=false": ("-ffp-contract=off",),
}
_ONLY_CUDA = (
    "lineinfo", "generate-line-info", "maxrregcount", "ptxas-options", "Xptxas", "ftz", "prec-div",
    "prec-sqrt", "restrict", "default-device", "device-as-default-execution-space", "rdc",
    "relocatable-device-code", "extra-device-vectorization", "minimal", "split-compile",
)  # fmt: skip


def _clang_options(options: Sequence[str]) -> Iterator[str]:
    words = iter(options)
    for word in words:
        name, _, value = word.lstrip("-").partition("=")
        if name in _ONLY_CUDA:
            if name in ("maxrregcount", "Xptxas") and not value:
                next(words, None)
        else:
            yield from _TRANSLATED.get(word.lstrip("-"), (word.replace("--std=", "-std=", 1),))


def _raw(architecture: str) -> RawCompiler:
    """Return hiprtc, which compiles users' texts, for an architecture."""
    import cupy  # noqa: PLC0415 - it takes a second to load

    nvrtc = cupy.cuda.nvrtc

    def build(text: str, options: Sequence[str], names: Sequence[str], other: str) -> Program:
        flags = [f"--offload-arch={other or architecture}", *_clang_options(options)]
        if not any(flag.startswith("-std=") for flag in flags):
            flags.append("-std=c++17")
        program = nvrtc.createProgram(text, TITLE, (), ())
        try:
            for name in names:
                nvrtc.addNameExpression(program, name)
            nvrtc.compileProgram(program, tuple(flags))
            lowered = {name: nvrtc.getLoweredName(program, name) for name in names}
            code: bytes = nvrtc.getPTX(program)  # which is the code object
            return Program(code, nvrtc.getProgramLog(program), lowered)
        except nvrtc.NVRTCError as error:
            command = shlex.join(["hiprtc", *flags, TITLE])
            log = nvrtc.getProgramLog(program)
            raise CompileError(f"the kernel did not compile: {error}", command, log, text) from None
        finally:
            nvrtc.destroyProgram(program)

    version = ".".join(map(str, nvrtc.getVersion()))
    # what hiprtc says of a name that is none differs from version to version: all are doubted
    return RawCompiler(f"hiprtc {version} {architecture}", build, _doubted, (), typedefs=False)


def _doubted(log: str, names: Sequence[str]) -> set[str]:
    return set(names)


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
    raw=_raw,
    raw_fast=_FAST,
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
