"""``import pycuda`` for programs that stay as they are: the names of PyCUDA mean these modules."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["install", "uninstall"]

_OURS = __package__
_NAME = "pycuda"
_MISSING = {
    "gl": "memory of OpenGL is not shared with devarray's devices",
    "sparse": "there are no sparse matrices",
    "debug": "run the program under pdb: on the device 'openmp' kernels run in this process",
}


class _Finder(MetaPathFinder, Loader):
    """Finds ``pycuda`` and its modules here."""

    def __init__(self) -> None:
        self._specs: dict[str, Any] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for PyCUDA's modules."""
        package, _, rest = fullname.partition(".")
        if package != _NAME:
            return None
        if rest in _MISSING:
            raise ModuleNotFoundError(
                f"devarray.compat.pycuda has no {fullname}: {_MISSING[rest]}", name=fullname
            )
        if importlib.util.find_spec(_ours(fullname)) is None:
            return None
        return ModuleSpec(fullname, self, is_package=not rest)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module of ours that is meant."""
        module = importlib.import_module(_ours(spec.name))
        self._specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module as it is: it has been executed under its own name."""
        # The import system has put its spec, for the name of PyCUDA's, into the module
        spec: Any = module.__spec__
        module.__spec__ = self._specs.pop(spec.name)


def _ours(name: str) -> str:
    return _OURS + name[len(_NAME) :]


_finder = _Finder()


def install() -> None:
    """Let ``import pycuda`` and ``from pycuda import ...`` mean this package, in this process.

    Raises
    ------
    ImportError
        If PyCUDA itself has been imported.

    Examples
    --------
    >>> from devarray.compat import pycuda
    >>> pycuda.install()
    >>> import pycuda.driver as drv
    >>> drv.Stream.__module__
    'devarray.compat.pycuda._streams'
    >>> from devarray.compat.pycuda import uninstall
    >>> uninstall()
    """
    found = sys.modules.get(_NAME)
    if found is not None and found.__name__ != _OURS:
        raise ImportError(
            "PyCUDA itself is imported already: call devarray.compat.pycuda.install() before"
        )
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def uninstall() -> None:
    """Undo `install`."""
    if _finder in sys.meta_path:
        sys.meta_path.remove(_finder)
        for name in [n for n in sys.modules if n == _NAME or n.startswith(f"{_NAME}.")]:
            del sys.modules[name]
