"""``devarray run script.py``: an unmodified NumPy script, in which ``numpy`` means devarray.

The script, and the modules that lie beside it, get import machinery of their own: ``import numpy``
gives them a stand-in whose names are devarray's where it has them. All other modules (matplotlib,
SciPy ...) see the real NumPy.
"""

from __future__ import annotations

import builtins
import functools
import importlib
import importlib.machinery
import os
import sys
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

import devarray
from devarray.array import DeviceArray
from devarray.errors import UnsupportedError
from devarray.grids import Indexed
from devarray.operands import decides_itself
from devarray.record import Recorded
from devarray.ufunc import Ufunc

__all__ = ["run_script", "stand_in"]

# The real scalar types, which scripts use in isinstance; and names in which the Array API standard
# differs from NumPy.
_NOT_OURS = frozenset({"bool", "bool_", "sort", "argsort", "floor_divide", "finfo"})


def _on_device(value: Any) -> Any:
    """Return what the library returned with its host arrays moved to the device."""
    if type(value) is np.ndarray and value.ndim:
        try:
            return devarray.to_gpu(value)
        except UnsupportedError:
            return value  # text, objects, dates: these stay what they are
    if isinstance(value, tuple):
        items = [_on_device(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if isinstance(value, list):
        return [_on_device(item) for item in value]
    if isinstance(value, np.random.Generator | np.random.RandomState):
        return _Proxy(value)
    if isinstance(value, np.lib.npyio.NpzFile):
        return _Archive(value)
    return value


def _wrap_function(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **options: Any) -> Any:
        return _on_device(function(*args, **options))

    return wrapper


def _wrap_in_place(function: Any) -> Any:
    """Wrap a function of a random generator; what it writes in place goes back to the device."""

    @functools.wraps(function)
    def wrapper(*args: Any, **options: Any) -> Any:
        given = [*args, *options.values()]
        held = {id(x): x.get() for x in given if isinstance(x, DeviceArray)}
        result = function(
            *[held.get(id(x), x) for x in args],
            **{k: held.get(id(x), x) for k, x in options.items()},
        )
        for x in given:
            if id(x) in held and (function.__name__ == "shuffle" or x is options.get("out")):
                x[...] = held[id(x)]
        return options["out"] if options.get("out") is not None else _on_device(result)

    return wrapper


class _Proxy:
    """An object of NumPy (a random generator) whose methods give device arrays."""

    def __init__(self, target: Any) -> None:
        self._target = target

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        return _wrap_in_place(value) if callable(value) else value


class _Archive(Mapping[str, Any]):
    """An open .npz file whose arrays come as device arrays."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.files = file.files

    def __getitem__(self, key: str) -> Any:
        return _on_device(self._file[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._file.files)

    def __len__(self) -> int:
        return len(self._file.files)

    def __enter__(self) -> _Archive:
        return self

    def __exit__(self, *exc: Any) -> None:
        self._file.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _scalars_only(args: tuple[Any, ...], options: dict[str, Any]) -> bool:
    plain = (bool, int, float, complex, np.generic)
    return not options and all(isinstance(x, plain) for x in args)


def _wrap_ufunc(own: Ufunc, ufunc: Any) -> Any:
    """Return devarray's ufunc, which leaves scalars to NumPy: a device has no gain for them."""

    class ScriptUfunc(Ufunc):
        def __call__(self, *args: Any, **options: Any) -> Any:
            if _scalars_only(args, options) or any(decides_itself(x) for x in args):
                return ufunc(*args, **options)
            return super().__call__(*args, **options)

    return ScriptUfunc(own._op)


def _wrap_own(own: Any, function: Any) -> Any:
    """Return devarray's function.

    NumPy's is called for what devices do not have (arrays of text, say) and for scalars.
    """

    @functools.wraps(function)
    def wrapper(*args: Any, **options: Any) -> Any:
        if _scalars_only(args, {}) and args and not _makes_array(function):
            return _on_device(function(*args, **options))
        try:
            return own(*args, **options)
        except UnsupportedError:
            if any(isinstance(x, Recorded) for x in args):
                raise
            return function(*args, **options)

    return wrapper


_MAKERS = frozenset(
    {
        "arange",
        "array",
        "asarray",
        "empty",
        "eye",
        "full",
        "identity",
        "indices",
        "linspace",
        "meshgrid",
        "ones",
        "zeros",
    }
)


def _makes_array(function: Any) -> bool:
    return getattr(function, "__name__", "") in _MAKERS


class StandIn(types.ModuleType):
    """What a script gets when it imports ``numpy`` or one of its modules."""

    def __init__(self, module: types.ModuleType) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__["_module"] = module
        self.__dict__["__path__"] = getattr(module, "__path__", [])

    def __getattr__(self, name: str) -> Any:
        value = self._find(name)
        self.__dict__[name] = value
        return value

    def _find(self, name: str) -> Any:
        module = self.__dict__["_module"]
        value = getattr(module, name)
        if isinstance(value, types.ModuleType):
            return stand_in(value)
        if module is np and name == "ndarray":
            return DeviceArray
        if module is np and isinstance(getattr(devarray, name, None), Indexed):
            return getattr(devarray, name)
        if module is np and name in devarray.__all__ and name not in _NOT_OURS and callable(value):
            own = getattr(devarray, name)
            if isinstance(own, Ufunc):
                return _wrap_ufunc(own, value)
            return own if isinstance(value, type) else _wrap_own(own, value)
        if module is np.testing and name in devarray.testing.__all__:
            return getattr(devarray.testing, name)
        if isinstance(value, type) or not callable(value):
            return value
        if isinstance(value, np.ufunc):
            return value  # it finds device arrays by itself
        if module is np.random:
            return _wrap_in_place(value)
        return _wrap_function(value)

    def __dir__(self) -> list[str]:
        return dir(self.__dict__["_module"])


@functools.cache
def stand_in(module: types.ModuleType) -> StandIn:
    """Return the stand-in for NumPy or one of its modules."""
    return StandIn(module)


def _import(name: str, *args: Any, **options: Any) -> Any:
    """Import as a script does: NumPy's modules are replaced by their stand-ins."""
    module = builtins.__import__(name, *args, **options)
    level = args[3] if len(args) > 3 else options.get("level", 0)
    if level == 0 and (name == "numpy" or name.startswith("numpy.")):
        return stand_in(module)
    return module


def script_builtins() -> dict[str, Any]:
    """Return the builtins that a script's modules get."""
    return {**vars(builtins), "__import__": _import}


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module beside the script, with the script's imports."""

    def exec_module(self, module: types.ModuleType) -> None:
        module.__dict__["__builtins__"] = script_builtins()
        super().exec_module(module)


class _Finder:
    """Finds the modules beside the script before anything else does."""

    def __init__(self, folder: str) -> None:
        details = (_Loader, importlib.machinery.SOURCE_SUFFIXES)
        self._finder = importlib.machinery.FileFinder(folder, details)
        self._folder = folder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if path is None:
            return self._finder.find_spec(name)
        for folder in path:
            if os.path.commonpath([self._folder, os.path.abspath(folder)]) == self._folder:
                details = (_Loader, importlib.machinery.SOURCE_SUFFIXES)
                return importlib.machinery.FileFinder(folder, details).find_spec(name)
        return None


def run_script(path: str, arguments: list[str]) -> None:
    """Run a script as ``python script.py arguments`` would, on devarray's default device."""
    sys.argv = [path, *arguments]
    path = os.path.abspath(path)
    folder = os.path.dirname(path)
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec")
    main = types.ModuleType("__main__")
    main.__dict__.update(
        __file__=path, __builtins__=script_builtins(), __spec__=None, __cached__=None
    )
    sys.path[0] = folder
    sys.modules["__main__"] = main
    sys.meta_path.insert(0, _Finder(folder))
    exec(code, main.__dict__)  # the job of this command is to run a program
