"""Run the official test-suite of the Array API standard against devarray: ``make conformance``.

The suite is taken from the folder that ARRAY_API_TESTS_DIR names, or cloned, at a pinned commit,
to ``out/``. ``skips.txt`` names tests that are not run, ``xfails.txt`` those that are expected to
fail; an expected failure that passes is a failure. ``--docs`` writes the table of results to
docs/conformance.md. Further arguments go to pytest (``-k``, ``-n 2`` where pytest-xdist is there).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
OUT = ROOT / "out"
PAGE = ROOT / "docs" / "conformance.md"
SUITE = "https://github.com/data-apis/array-api-tests"
COMMIT = "55fcc60179efa2680ddd6cd926ddf17b83530e2b"  # of 2026-04-03: standard 2025.12
BEGIN, END = "<!-- written by make conformance -->", "<!-- end -->"


def suite() -> Path:
    """Return the folder of the suite, cloned first if need be."""
    given = os.environ.get("ARRAY_API_TESTS_DIR")
    if given:
        folder = Path(given)
        if not (folder / "array_api_tests").is_dir():
            sys.exit(f"ARRAY_API_TESTS_DIR={given}: there is no folder array_api_tests in it")
        return folder
    folder = OUT / "array-api-tests"
    if not (folder / "array-api" / "src").is_dir():
        print(f"cloning {SUITE} at {COMMIT[:8]} to {folder.relative_to(ROOT)}")
        folder.mkdir(parents=True, exist_ok=True)
        for command in (
            ["git", "init", "--quiet"],
            ["git", "fetch", "--quiet", "--depth", "1", SUITE, COMMIT],
            ["git", "checkout", "--quiet", "--force", "FETCH_HEAD"],
            ["git", "submodule", "--quiet", "update", "--init", "--depth", "1"],
        ):
            subprocess.run(command, cwd=folder, check=True)
    return folder


def commit_of(folder: Path) -> str:
    """Return the commit of the suite, or a dash where it is no clone."""
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()[:8] or "-"


def run_suite(folder: Path, examples: int, more: list[str], report: Path) -> int:
    """Run pytest in the suite's folder; return its exit status."""
    command = [
        *(sys.executable, "-m", "pytest", "-q", "array_api_tests", "-p", "no:cacheprovider"),
        *("--disable-deadline", "--derandomize", f"--max-examples={examples}"),
        *(f"--skips-file={HERE / 'skips.txt'}", f"--xfails-file={HERE / 'xfails.txt'}"),
        *("-o", "xfail_strict=true", f"--junitxml={report}", *more),
    ]
    settings = {"ARRAY_API_TESTS_MODULE": "devarray", "DEVARRAY_HOST_ACCESS": "never"}
    return subprocess.run(command, cwd=folder, env=os.environ | settings, check=False).returncode


def results(report: Path) -> dict[str, Counter[str]]:
    """Return for each chapter how many tests passed, failed and were skipped."""
    chapters: dict[str, Counter[str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        chapter = case.get("classname", "").rpartition("test_")[2].replace("_", " ")
        kinds = {child.tag for child in case}
        kind = "failed" if kinds & {"failure", "error"} else "skipped" if kinds else "passed"
        chapters.setdefault(chapter, Counter())[kind] += 1
    return chapters


def table(chapters: dict[str, Counter[str]], heading: str) -> str:
    """Return the results as a table in Markdown."""
    total: Counter[str] = sum(chapters.values(), Counter())
    rows = [*sorted(chapters.items()), ("**all**", total)]
    lines = [heading, "", "| chapter | passed | failed | skipped |", "| --- | --- | --- | --- |"]
    lines += [f"| {name} | {c['passed']} | {c['failed']} | {c['skipped']} |" for name, c in rows]
    return "\n".join(lines)


def main() -> int:
    """Run the suite and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--max-examples", type=int, default=100, help="examples a test (100)")
    parser.add_argument("--docs", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    arguments, more = parser.parse_known_args()
    OUT.mkdir(exist_ok=True)
    report = OUT / "conformance.xml"
    folder = suite()
    start = time.perf_counter()
    status = run_suite(folder, arguments.max_examples, more, report)
    seconds = time.perf_counter() - start
    heading = (
        f"{time.strftime('%Y-%m-%d')}: suite {commit_of(folder)}, {len(os.sched_getaffinity(0))} "
        f"CPUs, {arguments.max_examples} examples a test, {seconds:.0f} s."
    )
    text = table(results(report), heading)
    print(text)
    if arguments.docs:
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
