"""The programs of docs/consumers.md run, each in a process of its own and without transfers."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "consumers.md"
PROGRAM = re.compile(r"^## (.*?)$|^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def programs():
    """Yield (heading, program) for each block of the page."""
    heading = ""
    for match in PROGRAM.finditer(PAGE.read_text(encoding="utf-8")):
        if match.group(1):
            heading = match.group(1)
        else:
            yield heading, match.group(2)


PROGRAMS = list(programs())


def test_each_library_has_a_program():
    wanted = {"scikit-learn", "SciPy", "xarray", "Dask", "einops", "array-api-extra", "matplotlib"}
    headings = " ".join(heading for heading, _ in PROGRAMS)
    assert {name for name in wanted if name not in headings} == set()


@pytest.mark.parametrize(("heading", "program"), PROGRAMS, ids=[name for name, _ in PROGRAMS])
@pytest.mark.parametrize("access", ["read", "never"])
def test_program_runs(heading, program, access, tmp_path):
    for library in set(re.findall(r"^(?:import|from) (\w+)", program, re.MULTILINE)):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    script = tmp_path / "program.py"
    script.write_text(program, encoding="utf-8")
    environment = {**os.environ, "DEVARRAY_HOST_ACCESS": access, "SCIPY_ARRAY_API": "1"}
    done = subprocess.run(
        [sys.executable, str(script)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
