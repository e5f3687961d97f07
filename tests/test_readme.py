"""The examples of the README and of pages in docs run as they stand.

All ```python blocks run in order in one namespace, as a reader would type them; those written as a
console session (`>>>`) are checked as doctests, output included. A block that cannot run here
is fenced as ```py.
"""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
NAMES = ["devices", "raw-kernels", "debugging-kernels", "snippets"]
NAMES += ["from-cupy", "from-pycuda", "from-pygpu"]
PAGES = ["README.md", *(f"docs/{name}.md" for name in NAMES)]
BLOCK = re.compile(r"^```python[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


def blocks(page):
    """Return (line number, text) of each block."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [(text.count("\n", 0, m.start(1)), m.group(1)) for m in BLOCK.finditer(text)]


def run_session(text, line, namespace, page):
    # The example's globals are copied by DocTest: take back what it defined.
    session = doctest.DocTestParser().get_doctest(text, namespace, page, page, line)
    said = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    result = runner.run(session, out=said.append, clear_globs=False)
    assert result.failed == 0, "".join(said)
    namespace.update(session.globs)


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks_run(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)  # whatever an example writes
    namespace = {"__name__": "readme"}
    found = blocks(page)
    assert found, f"{page} has no ```python block"
    for line, text in found:
        if text.lstrip().startswith(">>>"):
            run_session(text, line, namespace, page)
            continue
        try:
            # Blank lines in front, so that a traceback shows the README's own line numbers.
            exec(compile("\n" * line + text, page, "exec"), namespace)
        except Exception as error:
            pytest.fail(f"{page}, block at line {line}: {type(error).__name__}: {error}")
