"""Run PyCUDA's own tests and examples against devarray.compat.pycuda: ``make compat-pycuda``.

They come from PyCUDA's source distribution, which pip downloads to out/pycuda; nothing of it is
kept elsewhere, and PyCUDA itself is not installed. Within pytest this module is the plugin that
makes ``import pycuda`` mean devarray's.

Usage: pycuda_tests.py [--big] [--only tests|examples] [pytest arguments]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from devarray.compat import pycuda
from devarray.registry import get_device

ROOT = Path(__file__).parents[1]
HERE = ROOT / "out" / "pycuda"
VERSION = "2026.1"
# What must pass at least on the host, of how many
TARGETS = {"test_gpuarray": (76, 86), "test_driver": (17, 33), "test_cumath": (28, 28)}
LIMIT = 4 << 30  # bytes: tests of more than 2**32 elements leave themselves out

_LAUNCHES = "kernels cannot launch kernels (dynamic parallelism)"
# Tests that cannot pass, and why
LEFT_OUT = {"test_recursive_launch": _LAUNCHES, "test_jit_link_module": _LAUNCHES}
# The same for devices that are no GPUs of NVIDIA or AMD
NOT_CUDA = {"test_gpuarray_cai": "arrays of this device have no __cuda_array_interface__"}


class Example(NamedTuple):
    """An example: what is changed in its text, and what its output must contain (how often)."""

    name: str
    changes: tuple[tuple[str, str], ...] = ()
    output: str = ""
    times: int = 1
    skip: str = ""


EXAMPLES = (
    Example("hello_gpu", output="0. 0. 0."),
    Example("demo", output="doubled with gpuarray"),
    Example("demo_elementwise"),
    Example("demo_struct", output="doubled second only again\n[ 4.  8. 12.]\n[ 0. 64.]"),
    Example("demo_meta_template"),
    Example("dump_properties", output="MAX_THREADS_PER_BLOCK: 1024"),
    Example("from-wiki/arithmetic_example", output="SourceModule time"),
    Example("from-wiki/matrixmul_simple", output="CPU-GPU difference"),
    Example("from-wiki/matrixmul_tiled", output="CPU-GPU difference"),
    # what it checks is commented out there, behind a benchmark that takes minutes
    Example(
        "from-wiki/matrix_transpose",
        (
            ("# check_transpose()\nrun_benchmark()", "check_transpose()"),
            ("numpy.arange(10, 13, 0.125)", "numpy.arange(10, 11, 0.25)"),
        ),
        "1696",
    ),
    Example("from-wiki/threads_and_blocks", output="th thread in threadIdx", times=64),
    Example(
        "from-wiki/gpu_scalar_mult",
        skip="it needs texture references, by private functions of pycuda.elementwise",
    ),
    Example("from-wiki/demo_complex"),
    Example("from-wiki/select_to_list", output="mem bw"),
    Example("from-wiki/manhattan_distance_for_2D_array", output="-4 -4 -4"),
)


# ---- the plugin of pytest ------------------------------------------------------------------------


def pytest_configure(config: Any) -> None:
    """Let ``import pycuda`` mean devarray's, and say how much memory there is."""
    pycuda.install()
    config.addinivalue_line("markers", "cuda: runs on a device")
    if not os.environ.get("DEVARRAY_PYCUDA_BIG"):
        get_device().memory.limit = LIMIT
    config._results = {}


def pytest_collection_modifyitems(config: Any, items: list[Any]) -> None:
    """Mark what cannot pass on the device."""
    reasons = LEFT_OUT if get_device().has_cuda_interface else {**LEFT_OUT, **NOT_CUDA}
    for item in items:
        why = reasons.get(item.originalname or item.name)
        if why:
            item.add_marker(pytest.mark.skip(reason=why))


def pytest_report_teststatus(report: Any, config: Any) -> None:
    """Note what became of each test."""
    path, _, name = report.nodeid.partition("::")
    entry = config._results.setdefault(f"{Path(path).stem}::{name}", ["passed", ""])
    if report.failed:
        entry[0] = "failed"
    elif report.skipped:
        expected = hasattr(report, "wasxfail")
        reason = report.wasxfail if expected else str(report.longrepr[2])
        entry[:] = ["xfailed" if expected else "skipped", reason.removeprefix("Skipped: ")]


def pytest_unconfigure(config: Any) -> None:
    """Write the results down for `main`."""
    path = os.environ.get("DEVARRAY_PYCUDA_RESULTS")
    if path:
        Path(path).write_text(json.dumps(config._results))


# ---- the program ---------------------------------------------------------------------------------


def download() -> Path:
    """Return the folder of PyCUDA's source distribution, from the package index if need be."""
    folder = HERE / f"pycuda-{VERSION}"
    if not (folder / "test").is_dir():
        HERE.mkdir(parents=True, exist_ok=True)
        print(f"downloading PyCUDA {VERSION} to {HERE}", flush=True)
        pip = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check"]
        what = ["--no-deps", "--no-binary", "pycuda", f"pycuda=={VERSION}", "-d", str(HERE)]
        subprocess.run([*pip, *what], check=True)
        with tarfile.open(HERE / f"pycuda-{VERSION}.tar.gz") as archive:
            archive.extractall(HERE, filter="data")
    return folder


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a test: devarray and this folder are found, PyCUDA's is not."""
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT / "tools")))
    given = {k: v for k, v in os.environ.items() if k != "DEVARRAY_HOST_ACCESS"}
    return {**given, "PYTHONPATH": path, "MPLBACKEND": "agg", **more}


def run_tests(folder: Path, arguments: list[str], big: bool) -> bool:
    """Run the tests, print what became of them, and return whether enough passed."""
    with tempfile.TemporaryDirectory() as scratch:
        results = Path(scratch) / "results.json"
        more = {"DEVARRAY_PYCUDA_RESULTS": str(results)}
        if big:
            more["DEVARRAY_PYCUDA_BIG"] = "1"
        tests = [str(folder / "test" / f"{name}.py") for name in TARGETS]
        # none of this project's settings: they are for its own tests
        options = ["-q", "--no-header", "-p", "no:cacheprovider", "-p", "pycuda_tests"]
        command = ["-m", "pytest", "-c", os.devnull, f"--rootdir={folder}", *options]
        subprocess.run(
            [sys.executable, *command, "--tb=short", *arguments, *tests],
            env=environment(**more),
            cwd=scratch,
            check=False,
        )
        found = json.loads(results.read_text()) if results.exists() else {}
    return report(found, partial=bool(arguments))


def report(found: dict[str, tuple[str, str]], partial: bool) -> bool:
    """Print counts and the reason of each skip; return whether nothing failed and enough passed.

    A test function counts once, whatever its parameters: it passed if some passed and none failed.
    """
    good = bool(found)
    for name, (least, whole) in TARGETS.items():
        mine = {test: state for test, state in found.items() if test.startswith(f"{name}::")}
        functions: dict[str, set[str]] = {}
        for test, (state, _) in mine.items():
            functions.setdefault(test.partition("[")[0], set()).add(state)
        order = ("failed", "passed", "xfailed", "skipped")
        counts = Counter(next(s for s in order if s in states) for states in functions.values())
        listed = ", ".join(f"{counts[state]} {state}" for state in order if counts[state])
        print(f"{name}: {listed or 'nothing ran'} (needed: {least} of {whole})")
        for test, (state, reason) in sorted(mine.items()):
            if state != "passed":
                print(f"    {state}: {test.partition('::')[2]}: {reason or 'see above'}")
        good = good and not counts["failed"] and (partial or counts["passed"] >= least)
    return good


def run_examples(folder: Path) -> bool:
    """Run the examples; return whether all ended well and printed what they should."""
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        for example in EXAMPLES:
            if example.skip:
                print(f"{example.name}: skipped: {example.skip}")
                continue
            text = (folder / "examples" / f"{example.name}.py").read_text()
            for old, new in example.changes:
                if old not in text:
                    raise ValueError(f"{example.name}: {old!r} is not in its text")
                text = text.replace(old, new)
            program = Path(scratch) / f"{Path(example.name).name}.py"
            program.write_text(text)
            start = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "devarray.compat.pycuda", str(program)],
                env=environment(),
                cwd=scratch,
                capture_output=True,
                text=True,
                check=False,
            )
            fine = done.returncode == 0 and done.stdout.count(example.output) >= example.times
            good = good and fine
            state = "ran" if fine else "FAILED"
            print(f"{example.name}: {state} in {time.perf_counter() - start:.1f} s", flush=True)
            if not fine:
                print(done.stdout[-2000:], done.stderr[-4000:], sep="\n")
    return good


def run_ranks() -> bool:
    """Run our own test of a program with two ranks of MPI, which needs mpi4py and an MPI."""
    test = ROOT / "tests" / "acceptance" / "test_pycuda_driver.py"
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-k", "two_ranks", str(test)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    print(f"a program with two ranks: {done.stdout.strip().splitlines()[-1]}")
    if done.returncode:
        print(done.stdout[-4000:])
    return done.returncode == 0


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--big", action="store_true", help="run tests of more than 4 GB as well")
    parser.add_argument("--only", choices=("tests", "examples"), help="run one of the two")
    options, arguments = parser.parse_known_args()
    folder = download()
    good = True
    if options.only != "examples":
        good = run_tests(folder, arguments, options.big)
    if options.only != "tests":
        good = run_examples(folder) and good
        good = run_ranks() and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
