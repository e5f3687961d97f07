"""Run the example programs under NumPy and under devarray, and compare results and times.

Each program runs three times: with NumPy; with devarray and an empty kernel cache; with devarray
again, when the cache is warm. Both devarray runs must give NumPy's results within TOLERANCE, or
the exit code is 1. Pictures, arrays and the table (table.md) stay in the output folder.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
COMPUTE = re.compile(r"^compute: ([0-9.]+) s", re.MULTILINE)
SUMMARY = re.compile(r"^devarray: (.*=.*)$", re.MULTILINE)

# Largest error that counts as agreement, relative to the largest magnitude in the array.
# Everything else (integers, booleans) has to be equal.
TOLERANCE = {"float64": 1e-9, "complex128": 1e-9, "float32": 1e-5, "complex64": 1e-5}


class DemoError(Exception):
    """A program failed, or its results differ."""


@dataclass
class Row:
    """A line of the table: seconds of the programs' numeric parts, and how well they agree."""

    program: str
    numpy: float | None = None
    first: float | None = None
    warm: float | None = None
    kernels: str = "-"
    error: float | None = None
    problems: list[str] = field(default_factory=list)

    def cells(self) -> list[str]:
        """Return the line's cells as text."""

        def seconds(value: float | None) -> str:
            return "-" if value is None else f"{value:.2f}"

        ratio = f"{self.numpy / self.warm:.2f}" if self.numpy and self.warm else "-"
        error = "-" if self.error is None else f"{self.error:.1e}"
        agrees = "no" if self.problems else "yes"
        times = [seconds(self.numpy), seconds(self.first), seconds(self.warm)]
        return [self.program, *times, ratio, self.kernels, error, agrees]


HEADER = [
    "program",
    "NumPy s",
    "first s",
    "warm s",
    "NumPy/warm",
    "kernels",
    "largest error",
    "agrees",
]


def run(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, dict[str, str]]:
    """Run a program.

    Returns
    -------
    seconds : float
        The sum of its ``compute:`` lines.
    summary : dict of str
        The ``key=value`` pairs of the runner's last ``devarray:`` line; empty without one.

    Raises
    ------
    DemoError
        If it fails or reports no time.
    """
    done = subprocess.run(
        command,
        env=env,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,  # a failure is reported below, with what the program said
    )
    if done.returncode:
        tail = "\n".join(done.stderr.strip().splitlines()[-12:])
        raise DemoError(f"{shlex.join(command)}: exit code {done.returncode}\n{tail}")
    times = [float(text) for text in COMPUTE.findall(done.stdout)]
    if not times:
        raise DemoError(f"{shlex.join(command)}: printed no line `compute: ... s`")
    summaries = SUMMARY.findall(done.stderr)
    pairs = (token.partition("=") for token in summaries[-1].split()) if summaries else ()
    return sum(times), {key: value for key, equals, value in pairs if equals}


def relative_error(expected: np.ndarray[Any, Any], actual: np.ndarray[Any, Any]) -> float:
    """Return the largest error relative to the largest magnitude; infinite if incomparable."""
    if expected.dtype != actual.dtype or expected.shape != actual.shape:
        return float("inf")
    if expected.dtype.name not in TOLERANCE:
        return 0.0 if np.array_equal(expected, actual) else float("inf")
    finite = np.isfinite(expected)
    if not np.array_equal(expected[~finite], actual[~finite], equal_nan=True):
        return float("inf")
    if not finite.any():
        return 0.0
    error = float(np.abs(actual[finite] - expected[finite]).max())
    if not np.isfinite(error):
        return float("inf")
    scale = float(np.abs(expected[finite]).max())
    return error / scale if scale else (0.0 if error == 0 else float("inf"))


def compare(expected: Path, actual: Path) -> tuple[float, list[str]]:
    """Compare two .npz files: the largest relative error, and what is out of tolerance."""
    worst, problems = 0.0, []
    with np.load(expected) as a, np.load(actual) as b:
        if set(a) != set(b):
            problems.append(f"only one of the runs saved {sorted(set(a) ^ set(b))}")
        for name in sorted(set(a) & set(b)):
            x, y = a[name], b[name]
            error = relative_error(x, y)
            worst = max(worst, error)
            bound = TOLERANCE.get(x.dtype.name)
            if error > (bound or 0.0):
                allowed = "must be equal" if bound is None else f"allowed {bound:.0e}"
                problems.append(
                    f"{name}: {x.dtype.name}{list(x.shape)} with NumPy, "
                    f"{y.dtype.name}{list(y.shape)} with devarray, "
                    f"relative error {error:.1e} ({allowed})"
                )
    return worst, problems


def measure(program: Path, runner: Sequence[str], out: Path) -> Row:
    """Run one program three ways and compare the results."""
    row = Row(program.stem)
    folders = {how: out / how for how in ("numpy", "devarray-first", "devarray")}
    results = f"{program.stem}.npz"
    for folder in folders.values():
        (folder / results).unlink(missing_ok=True)  # not to be taken for this run's

    # The cache lies in `out` because devarray refuses one below a world-writable folder.
    with tempfile.TemporaryDirectory(prefix="cache-", dir=out) as cache:
        env = dict(os.environ, DEVARRAY_CACHE_DIR=cache)
        env.pop("DEVARRAY_HOST_ACCESS", None)  # the runner's to set
        try:
            plain = [sys.executable, str(program), str(folders["numpy"])]
            row.numpy, _ = run(plain, env)
            ours = [*runner, str(program)]
            row.first, summary = run([*ours, str(folders["devarray-first"])], env)
            row.kernels = summary.get("kernels", "-")
            row.warm, _ = run([*ours, str(folders["devarray"])], env)
            for how in ("devarray-first", "devarray"):
                error, problems = compare(folders["numpy"] / results, folders[how] / results)
                row.error = max(error, row.error or 0.0)
                row.problems += [f"{how}: {problem}" for problem in problems]
        except (DemoError, OSError) as error:
            row.problems.append(str(error))
    return row


def table(rows: Sequence[Row]) -> list[str]:
    """Return the lines of the table, which are Markdown and aligned."""
    lines = [HEADER, *(row.cells() for row in rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(HEADER))]

    def text(cells: Sequence[str]) -> str:
        padded = (
            cell.rjust(width) if k else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join(padded) + " |"

    rule = ["-" * width if k == 0 else "-" * (width - 1) + ":" for k, width in enumerate(widths)]
    return [text(lines[0]), text(rule), *(text(line) for line in lines[1:])]


def machine() -> str:
    """Name the machine in a line: a time means nothing without it."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        found = re.search(r"^model name\s*: (.*)$", info.read_text(), re.MULTILINE)
        name = found.group(1) if found else name
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores; Python {platform.python_version()}, NumPy {np.__version__}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("programs", nargs="*", help="names under examples/ (default: all)")
    parser.add_argument("--out", type=Path, default=ROOT / "out", help="folder for the results")
    parser.add_argument(
        "--runner",
        default=f"{shlex.quote(sys.executable)} -m devarray run",
        help="command that runs a program with devarray (default: %(default)s)",
    )
    options = parser.parse_args(arguments)

    known = {path.stem: path for path in sorted((ROOT / "examples").glob("*.py"))}
    unknown = set(options.programs) - set(known)
    if unknown:
        parser.error(f"no example {sorted(unknown)}; there are {sorted(known)}")
    out = options.out.resolve()
    out.mkdir(parents=True, exist_ok=True)

    rows = []
    for name in options.programs or known:
        print(f"running {name} ...", file=sys.stderr, flush=True)
        rows.append(measure(known[name], shlex.split(options.runner), out))

    lines = table(rows)
    notes = [
        machine(),
        "Seconds of the numeric part, results saved; first: empty kernel cache; warm: second run.",
        "Error: relative to the largest magnitude of its array; allowed: "
        + ", ".join(f"{name} {bound:.0e}" for name, bound in TOLERANCE.items())
        + ", others equal.",
    ]
    problems = [f"{row.program}: {problem}" for row in rows for problem in row.problems]
    (out / "table.md").write_text("\n".join([*lines, "", *(f"- {note}" for note in notes), ""]))
    print("\n".join([*lines, *notes, f"Pictures and arrays: {os.path.relpath(out)}"]))
    for problem in problems:
        print(f"FAILED {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
