"""src/devarray/__init__.pyi is what tools/generate_stubs.py writes."""

import runpy
from pathlib import Path

TOOL = Path(__file__).parents[1] / "tools" / "generate_stubs.py"


def test_stubs_are_current():
    tool = runpy.run_path(str(TOOL))
    current = tool["TARGET"].read_text(encoding="utf-8")
    assert current == tool["text"](), "run: python tools/generate_stubs.py"
