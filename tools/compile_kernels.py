"""Compile kernels that devices launched for GPUs that this machine lacks.

``python tools/compile_kernels.py FOLDER`` takes the texts that ``DEVARRAY_DUMP=FOLDER`` collected
on a grid device (the test-suite's, in CI) and compiles them for NVIDIA's sm_80, sm_90 and sm_120 by
NVRTC and for AMD's gfx90a, gfx942 and gfx1100 by clang. Of texts that differ in nothing but the ops
they apply, one is compiled, the longest: each op compiles for each dtype in
tests/test_offline_compile.py. The last line says how many passed and failed.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devarray.backends import cuda, hip
from devarray.errors import CompileError, DeviceError
from devarray.kernels.emit_grid import CARRY, JOIN, TOTALS
from devarray.kernels.hip_offline import find_hip_compiler
from devarray.kernels.nvrtc import find_nvrtc
from devarray.kernels.preludes import with_prelude
from devarray.kernels.spec import KERNEL_NAME, PRELUDE

NVIDIA = ("sm_80", "sm_90", "sm_120")
AMD = ("gfx90a", "gfx942", "gfx1100")
BATCH = 40  # kernels of one program: the prelude is parsed once for all
_NEEDS = re.compile(r"#define DA_NO_\w+\n")
_KERNELS = re.compile(rf"\b({KERNEL_NAME}|{JOIN}|{TOTALS}|{CARRY})\(")

# What does not belong to a text's shape: its title, what it leaves out, scalars and ops.
_OPS = re.compile(r"^(?://|#define DA_NO|\s*const \w+ [vk]\d+ = ).*\n", re.MULTILINE)
_NAMES = re.compile(r"\b[vxk]\d+\b|(?<=slot\[)\d+|(?<=A\[)[\d +]+")

Compile = Callable[[str, str], bytes]


def _shapes(files: list[Path]) -> list[Path]:
    """Return one file for each skeleton with its operands' layouts and dtypes: the longest."""
    longest: dict[str, Path] = {}
    for file in sorted(files, key=lambda file: file.stat().st_size):
        longest[_NAMES.sub("", _OPS.sub("", file.read_text()))] = file
    return sorted(longest.values())


def _program(texts: list[str]) -> str:
    """Return a program with the kernels of all texts, each in a namespace of its own."""
    parts = [PRELUDE + "\n"]
    for k, text in enumerate(texts):
        own = _KERNELS.sub(rf"\g<1>_{k}(", _NEEDS.sub("", text).replace(PRELUDE, "", 1))
        parts.append(f"namespace text_{k} {{\n{own}}}\n")
    return "".join(parts)


def _compilers() -> Iterator[tuple[tuple[str, ...], tuple[str, ...], Compile]]:
    """Yield the compilers that there are: architectures, prelude, and what compiles a text."""
    nvrtc = find_nvrtc()
    yield NVIDIA, cuda.PRELUDE_FILES, lambda text, arch: nvrtc.compile(text, "kernels.cu", arch)
    clang = find_hip_compiler()
    yield AMD, hip.PRELUDE_FILES, clang.compile


def _check(
    texts: dict[str, str], prelude: tuple[str, ...], arch: str, compile_text: Compile
) -> list[str]:
    """Return what is wrong with a batch, text by text."""

    def attempt(part: list[str]) -> CompileError | None:
        try:
            compile_text(with_prelude(_program(part), prelude), arch)
        except CompileError as error:
            return error
        return None

    if attempt(list(texts.values())) is None:
        return []
    failed = []
    for name, text in texts.items():
        error = attempt([text])
        if error is not None:
            failed.append(f"{name} for {arch}:\n{error.log}")
    return failed or [f"for {arch}: texts of {sorted(texts)} do not compile together"]


def main() -> int:
    """Run the tool; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    found = list(parser.parse_args().folder.glob("grid_*.cpp"))
    files = _shapes(found)
    if not files:
        print("no texts of grid kernels there", file=sys.stderr)
        return 2
    batches = [
        {file.name: file.read_text() for file in files[k : k + BATCH]}
        for k in range(0, len(files), BATCH)
    ]
    try:
        compilers = list(_compilers())
    except DeviceError as error:
        print(error, file=sys.stderr)
        return 2
    start = time.perf_counter()
    failed: list[str] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [
            pool.submit(_check, batch, prelude, arch, compile_text)
            for archs, prelude, compile_text in compilers
            for arch in archs
            for batch in batches
        ]
        for job in jobs:
            failed += job.result()
    print("\n".join(failed))
    total = len(files) * len(NVIDIA + AMD)
    print(f"{len(files)} shapes of {len(found)} texts, {time.perf_counter() - start:.0f} s")
    print(f"{total - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
