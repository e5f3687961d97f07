"""Imports inside src/devarray go down only, those inside functions included.

Backends are the one exception: device.py loads them by name, with importlib, which this test does
not see.
"""

import ast
from pathlib import Path

SRC = Path(__file__).parents[1] / "src"
LAYERS = (
    "errors config layout",
    "kernels walk",
    "pool registry",
    "modules streams",
    "device",
    "grid",
    "backends",
    "graph",
    "fuse peek",
    "launches",
    "plans plain",
    "engine",
    "record",
    "operands",
    "asknumpy bounds",
    "library reductions indexing dispatch",
    "operators methods flat memory host",
    "array",
    "boundary",
    "chapters masks explain",
    "creation data_types diagonals elementwise fft grids histograms inspection joining lib linalg "
    "manipulation nan_statistics numpy_names polynomials products quantiles random repeating "
    "searching sets sorting statistical taking ufunc utility",
    "raw snippets",
    "capture",
    "interop runtime testing cli run __main__ __init__ orders acc offload compat",
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names.split()}


def parts_of(path):
    """devarray/kernels/ops.py -> ("kernels", "ops")."""
    return path.relative_to(SRC / "devarray").with_suffix("").parts


def imports_of(path):
    """Yield line and parts of each module of ours that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            here = ("devarray", *parts_of(path))
            base = [*here[: len(here) - node.level]] if node.level else []
            base += node.module.split(".") if node.module else []
            # `from . import graph` names a module, `from .graph import Node` does not.
            found = [[*base, alias.name] for alias in node.names]
        else:
            continue
        for name in found:
            if name[0] == "devarray":
                below = name[1:] if name[1:] and is_module(name[1:2]) else ["__init__"]
                yield node.lineno, below


def is_module(parts):
    target = SRC.joinpath("devarray", *parts)
    return target.is_dir() or target.with_suffix(".py").is_file()


def test_imports_go_down_only():
    wrong = []
    for path in sorted((SRC / "devarray").rglob("*.py")):
        own = parts_of(path)[0]
        if own not in LEVEL:
            wrong.append(f"{path}: in no layer; give {own!r} its place in LAYERS")
            continue
        for line, (target, *_) in imports_of(path):
            if target not in LEVEL:
                wrong.append(f"{path}:{line}: imports {target!r}, which is in no layer")
            elif LEVEL[target] > LEVEL[own]:
                wrong.append(
                    f"{path}:{line}: {own} (L{LEVEL[own]}) imports {target} (L{LEVEL[target]})"
                )
    assert not wrong, "\n".join(wrong)
