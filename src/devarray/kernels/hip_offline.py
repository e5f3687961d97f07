"""Compiling HIP for AMD's GPUs with plain clang, on machines without such a GPU and without ROCm.

What ROCm adds to clang is its device library, bitcode with the mathematical functions; Debian and
Ubuntu package it. Kernels include no header of HIP, so none is needed, and parsing them would take
longer than all the rest.
"""

from __future__ import annotations

import functools
import glob
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..errors import CompileError, DeviceError
from .compiler_runs import problem_of_run, run_compiler
from .sealed import make_fallback

__all__ = ["HipCompiler", "find_hip_compiler"]

_TIMEOUT = 120.0  # seconds for a text
_OLDEST, _NEWEST = 15, 40  # versions of clang: the oldest with these options, and no limit
_FLAGS = (
    *("-x", "hip", "--cuda-device-only", "--no-gpu-bundle-output", "-nogpuinc"),
    *("-std=c++17", "-O3", "-ffp-contract=off", "-fwrapv", "-fno-strict-aliasing"),
    # they are the defaults, and results depend on them
    *("-fhip-fp32-correctly-rounded-divide-sqrt", "-fno-gpu-flush-denormals-to-zero"),
)
# where ROCm and distributions put clang and the device library
_ROCM_CLANG = ("lib/llvm/bin", "llvm/bin")
_ROCM_BITCODE = ("amdgcn/bitcode", "lib/llvm/lib/clang/*/lib/amdgcn/bitcode")
_PACKAGED_BITCODE = (
    *("/usr/lib/*/amdgcn/bitcode", "/usr/lib*/amdgcn/bitcode"),
    *("/usr/lib*/clang/*/amdgcn/bitcode", "/usr/lib*/clang/*/lib/amdgcn/bitcode"),
    *("/usr/lib/llvm-*/lib/clang/*/lib/amdgcn/bitcode", "/usr/lib64/rocm/amdgcn/bitcode"),
)
_ABI_VERSIONS = (400, 500, 600)  # of code objects; which one is made depends on clang's version
# Constants that older libraries want and newer clangs do not link any more: flush no denormals
_DROPPED = ("oclc_daz_opt_off.bc",)
_REMEDY = (
    "Debian, Ubuntu: apt-get install --no-install-recommends clang-19 lld-19 rocm-device-libs; "
    "or ROCm, with ROCM_PATH set if it is not in /opt/rocm."
)
_PROBE = """\
extern "C" __attribute__((device, const)) float __ocml_fmod_f32(float, float);
extern "C" __attribute__((device, const)) double __ocml_sin_f64(double);
extern "C" __attribute__((global)) void probe(float *x, double *y) {
    x[0] = __ocml_fmod_f32(x[1], x[2]);
    y[0] = __ocml_sin_f64(y[1]);
}
"""


class HipCompiler:
    """A clang and a device library that were seen to work together.

    Parameters
    ----------
    command : str
        The compiler.
    bitcode : str
        The folder with the device library.

    Attributes
    ----------
    command : str
    bitcode : str
    version : str
        The first line of what ``--version`` prints.

    Raises
    ------
    CompileError
        If they do not work, or not together.
    """

    def __init__(self, command: str, bitcode: str) -> None:
        self.command = command
        self.bitcode = bitcode
        self._folder = Path(make_fallback(self))  # links to the library, and what it lacks
        code, text = run_compiler([command, "--version"], "", self._folder, _TIMEOUT)
        found = re.search(r"clang version (\d+)", text)
        if code or not found or int(found[1]) < _OLDEST:
            name = text.partition("\n")[0] or "no clang"
            raise CompileError(f"{command} is {name}; clang {_OLDEST} is the oldest that does")
        self.version = text.partition("\n")[0]
        for file in glob.glob(f"{bitcode}/*.bc"):
            (self._folder / os.path.basename(file)).symlink_to(file)
        for abi in _ABI_VERSIONS:
            self._supply(f"oclc_abi_version_{abi}", "__oclc_ABI_version", abi)
        self.compile(_PROBE, "gfx90a")

    def __repr__(self) -> str:
        return f"<HIP compiler {self.command} ({self.version}) with {self.bitcode}>"

    def compile(self, source: str, arch: str, options: Sequence[str] = ()) -> bytes:
        """Return the code object of a source text.

        Parameters
        ----------
        source : str
            HIP that includes no header.
        arch : str
            The architecture, such as ``gfx942``.
        options : sequence of str
            Further options of clang.

        Raises
        ------
        CompileError
            If the text does not compile, an option is wrong or the architecture unknown.
        """
        found = re.fullmatch(r"gfx(\d+)([0-9a-f])([0-9a-f])(:.*)?", arch)
        if not found:
            raise CompileError(f"{arch!r} is no architecture of AMD's; one is called gfx942, say")
        number = 1000 * int(found[1]) + 100 * int(found[2], 16) + int(found[3], 16)
        self._supply(
            f"oclc_isa_version_{''.join(found.group(1, 2, 3))}", "__oclc_ISA_version", number
        )
        flags = [f"--offload-arch={arch}", f"--rocm-device-lib-path={self._folder}"]
        for name in _DROPPED:
            if (self._folder / name).exists():
                flags += ["-Xclang", "-mlink-builtin-bitcode", "-Xclang", f"{self._folder}/{name}"]
        return self._compile([*_FLAGS, *flags, *options, "-c"], source)

    def _supply(self, name: str, variable: str, value: int) -> None:
        """Make one of the device library's files that hold a constant, if it is missing.

        Older libraries know no newer architectures, but differ from newer ones in these files only.
        """
        file = self._folder / f"{name}.bc"
        if file.exists():
            return
        text = (
            f"extern const __constant int {variable};\nconst __constant int {variable} = {value};\n"
        )
        flags = ["-x", "cl", "-cl-std=CL2.0", "-nogpulib", "-target", "amdgcn-amd-amdhsa"]
        code = self._compile([*flags, "-mcpu=gfx906", "-emit-llvm", "-c"], text)
        part = Path(tempfile.mkdtemp(dir=self._folder), name)
        part.write_bytes(code)
        part.replace(file)  # at once: another thread may be at the same file
        part.parent.rmdir()

    def _compile(self, flags: Sequence[str], source: str) -> bytes:
        """Run clang, and return what it makes."""
        work = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            output = work / "output"
            command = [self.command, *flags, "-", "-o", str(output)]
            code, log = run_compiler(command, source, work, _TIMEOUT)
            if code != 0:
                raise CompileError(
                    problem_of_run(code, output, _TIMEOUT), shlex.join(command), log, source
                )
            return output.read_bytes()
        finally:
            shutil.rmtree(work)


# ---- finding one -----------------------------------------------------------------------------


@functools.cache
def find_hip_compiler() -> HipCompiler:
    """Return the compiler, looking for it at the first call.

    That of ROCm (``ROCM_PATH``, ``/opt/rocm``) comes first, then the newest clang in ``PATH``.

    Raises
    ------
    DeviceError
        If there is none; the message says what was tried and how to get it.
    """
    tried = []
    for command, bitcode in dict.fromkeys(_candidates()):
        try:
            return HipCompiler(command, bitcode)
        except (CompileError, OSError) as error:
            tried.append(f"{command} with {bitcode}: {str(error).splitlines()[0]}")
    if not tried:
        clang, bitcode = next(_clangs(), "no clang"), next(_bitcode(), "no device library")
        tried.append(f"found {clang} and {bitcode}")
    raise DeviceError(f"No compiler of HIP works ({'; '.join(tried)}). Install {_REMEDY}")


def _candidates() -> Iterator[tuple[str, str]]:
    """Yield compilers and device libraries that may go together, the best first."""
    for rocm in _rocms():
        for folder in _ROCM_CLANG:
            clang = shutil.which(os.path.join(rocm, folder, "clang"))
            for bitcode in _folders(os.path.join(rocm, name) for name in _ROCM_BITCODE):
                if clang:
                    yield clang, bitcode
    for clang in _clangs():
        for bitcode in _bitcode():
            yield clang, bitcode


def _rocms() -> list[str]:
    named = os.environ.get("ROCM_PATH")
    return [
        *([named] if named else []),
        "/opt/rocm",
        *sorted(glob.glob("/opt/rocm-*"), reverse=True),
    ]


def _clangs() -> Iterator[str]:
    for name in (*(f"clang-{version}" for version in range(_NEWEST, _OLDEST - 1, -1)), "clang"):
        clang = shutil.which(name)
        if clang:
            yield clang


def _bitcode() -> Iterator[str]:
    """Yield the folders of device libraries: packaged ones, which older clangs can read, first."""
    yield from _folders(_PACKAGED_BITCODE)
    yield from _folders(os.path.join(rocm, name) for rocm in _rocms() for name in _ROCM_BITCODE)


def _folders(patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        for folder in sorted(glob.glob(pattern), reverse=True):
            if os.path.exists(os.path.join(folder, "ocml.bc")):
                yield folder
