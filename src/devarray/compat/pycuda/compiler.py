"""``pycuda.compiler``: modules from CUDA C, by devarray's compilers and cache.

On GPUs the text is compiled by NVRTC or HIP's compiler, on the host by its C++ compiler; nvcc is
not needed.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from importlib import resources
from typing import Any

from devarray.raw import RawModule
from devarray.registry import get_device

from ._errors import UnsupportedError, translated
from ._modules import Module, packed

__all__ = [
    "DEFAULT_NVCC_FLAGS",
    "DynamicModule",
    "DynamicSourceModule",
    "SourceModule",
    "compile",
]

DEFAULT_NVCC_FLAGS: list[str] = shlex.split(os.environ.get("PYCUDA_DEFAULT_NVCC_FLAGS", ""))

_TARGETS = ("cubin", "ptx", "fatbin")
# Options that only nvcc knows; the second ones have a value behind them
_ALONE = re.compile(
    r"-O\d?|-v|-w|-m64|-c|-cubin|-ptx|-fatbin|--?(?:verbose|keep|cubin|ptx|fatbin|device-c|dryrun"
    r"|lib|optimize=.*|machine=.*|compiler-(?:bindir|options)=.*|disable-warnings"
    r"|source-in-ptx|threads=.*|time=.*|save-temps|allow-unsupported-compiler|rdc=true"
    r"|(?:gpu-)?(?:arch|architecture|code)=.*|gencode=.*|generate-code=.*)|-g|-l\w+"
)
_WITH_VALUE = re.compile(
    r"-Xcompiler|-Xlinker|-Xarchive|-ccbin|-keep-dir|--?(?:compiler-(?:bindir|options)|keep-dir"
    r"|optimize|machine|threads|time|linker-options|gpu-architecture|gpu-code|generate-code)|-m"
    r"|-arch|-code|-gencode"
)


def _options(options: Sequence[str] | None, include_dirs: Sequence[str], source: str) -> list[str]:
    """Return what devarray's compilers are told."""
    if isinstance(options, str) or isinstance(include_dirs, str):
        raise TypeError("options and include_dirs are lists of strings, not strings")
    given = DEFAULT_NVCC_FLAGS if options is None else options
    words = iter([word for option in given for word in shlex.split(option)])
    kept = []
    for word in words:
        if _WITH_VALUE.fullmatch(word):
            next(words, None)
        elif not _ALONE.fullmatch(word):
            kept.append(word)
    kept += [f"-I{shlex.quote(str(folder))}" for folder in include_dirs]
    if "pycuda-" in source:
        classes = resources.files("devarray.kernels") / "include" / "classes"
        for folder in (resources.files(__package__) / "include", classes):
            kept.append(f"-I{shlex.quote(str(folder))}")
    return kept


def _text(source: str, no_extern_c: bool) -> str:
    if not isinstance(source, str):
        raise TypeError(f"source must be text, got {type(source).__name__}")
    return source if no_extern_c else f'extern "C" {{\n#line 1\n{source}\n}}\n'


class SourceModule(Module):
    """Kernels and variables of a text in CUDA C, compiled for the current device.

    Parameters
    ----------
    source : str
        The text. Unless `no_extern_c`, it stands in ``extern "C" { ... }``, so that templates need
        ``extern "C++" { ... }`` around them.
    nvcc : str
        Of no effect: nvcc is not used.
    options : list of str, optional
        For the compiler, such as ``"-DN=16"``; by default `DEFAULT_NVCC_FLAGS`. What only nvcc
        knows is left out.
    keep, arch, code, cache_dir
        Of no effect: devarray compiles for the device in use and has a cache of its own
        (``devarray.config(dump=folder)`` keeps the texts of kernels).
    no_extern_c : bool
    include_dirs : list of str
        Where included files are looked for.

    Raises
    ------
    CompileError
        If the text does not compile: its command, its output and the text's own line numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat.pycuda import gpuarray
    >>> from devarray.compat.pycuda.compiler import SourceModule
    >>> module = SourceModule('''
    ... __global__ void add(int *x, int value) { x[threadIdx.x] += value; }
    ... ''')
    >>> x = gpuarray.to_gpu(np.arange(3, dtype=np.int32))
    >>> module.get_function("add")(x, np.int32(5), block=(3, 1, 1))
    >>> x.get()
    array([5, 6, 7], dtype=int32)
    """

    def __init__(
        self,
        source: str,
        nvcc: str = "nvcc",
        options: Sequence[str] | None = None,
        keep: bool = False,
        no_extern_c: bool = False,
        arch: str | None = None,
        code: str | None = None,
        cache_dir: Any = None,
        include_dirs: Sequence[str] = (),
    ) -> None:
        text = _text(source, no_extern_c)
        super().__init__(RawModule(text, options=_options(options, include_dirs, source)))


class DynamicSourceModule(SourceModule):
    """As `SourceModule`; kernels that launch kernels are not supported.

    Raises
    ------
    UnsupportedError
        If the text launches a kernel.
    """

    def __init__(self, source: str, *args: Any, **options: Any) -> None:
        _no_launches(source)
        options.pop("cuda_libdir", None)
        super().__init__(source, *args, **options)


def _no_launches(source: str) -> None:
    if "<<<" in source:
        raise UnsupportedError(
            "kernels cannot launch kernels (dynamic parallelism): launch them one after the other "
            "from Python"
        )


class DynamicModule:
    """Several texts that make one module.

    Parameters
    ----------
    nvcc, link_options, keep, no_extern_c, arch, code, cache_dir, include_dirs, message_handler, \
log_verbose, cuda_libdir
        Those that `SourceModule` has mean the same; the others have no effect.
    """

    def __init__(
        self,
        nvcc: str = "nvcc",
        link_options: Sequence[str] | None = None,
        keep: bool = False,
        no_extern_c: bool = False,
        arch: str | None = None,
        code: str | None = None,
        cache_dir: Any = None,
        include_dirs: Sequence[str] = (),
        message_handler: Any = None,
        log_verbose: bool = False,
        cuda_libdir: str | None = None,
    ) -> None:
        self._no_extern_c = no_extern_c
        self._include_dirs = include_dirs
        self._texts: list[str] = []
        self._options: list[str] = []
        self._module: Module | None = None

    def add_source(
        self, source: str, nvcc_options: Sequence[str] | None = None, name: str = "kernel.ptx"
    ) -> DynamicModule:
        """Add a text; return the module."""
        _no_launches(source)
        self._texts.append(_text(source, self._no_extern_c))
        found = _options(nvcc_options, self._include_dirs, source)
        self._options += [option for option in found if option not in self._options]
        return self

    def add_data(self, data: bytes, input_type: Any, name: str = "unknown") -> DynamicModule:
        """Not supported: binaries are not linked."""
        raise UnsupportedError("binaries are not linked: use module_from_buffer for a whole one")

    add_file = add_data

    def add_stdlib(self, libname: str) -> DynamicModule:
        """Take note of a library; only ``cudadevrt``, which nothing here needs."""
        if libname != "cudadevrt":
            raise UnsupportedError(f"modules are not linked with libraries such as {libname!r}")
        return self

    def link(self) -> DynamicModule:
        """Compile what was added; return the module."""
        self._module = Module(RawModule("\n".join(self._texts), options=self._options))
        return self

    def __getattr__(self, name: str) -> Any:
        if name not in ("get_function", "get_global", "get_texref", "get_surfref"):
            raise AttributeError(f"a DynamicModule has no attribute {name!r}")
        if self._module is None:
            raise AttributeError("call link() before functions are taken from the module")
        return getattr(self._module, name)


def compile(
    source: str,
    nvcc: str = "nvcc",
    options: Sequence[str] | None = None,
    keep: bool = False,
    no_extern_c: bool = False,
    arch: str | None = None,
    code: str | None = None,
    cache_dir: Any = None,
    include_dirs: Sequence[str] = (),
    target: str = "cubin",
) -> bytes:
    """Return a text as `driver.module_from_buffer` and `module_from_file` take it.

    On GPUs that is a binary or PTX. Where the current device runs texts only, it is the text itself
    with its options and the files that it includes, after it was compiled as a trial; every device
    takes that.

    Parameters
    ----------
    source, options, no_extern_c, include_dirs
        As for `SourceModule`.
    arch : str, optional
        Such as ``"sm_90"``; by default that of the current device. Of no effect for texts.
    target : {"cubin", "ptx", "fatbin"}
        GPUs get the same binary for ``"fatbin"`` and ``"cubin"``: it is for one architecture.

    Raises
    ------
    CompileError
        If the text does not compile.
    UnsupportedError
        For another target.

    Examples
    --------
    >>> from devarray.compat.pycuda import compiler, driver
    >>> binary = compiler.compile("__global__ void f(int *x) { *x = 5; }")
    >>> driver.module_from_buffer(binary).get_function("f")
    <pycuda function f>
    """
    if target not in _TARGETS:
        raise UnsupportedError(f"target must be 'cubin', 'ptx' or 'fatbin', got {target!r}")
    raw = RawModule(_text(source, no_extern_c), options=_options(options, include_dirs, source))
    with translated():
        binary = get_device().raw_binary(raw._source, arch or "", target == "ptx")
        if not binary:
            raw.compile()
    return binary or packed(raw)
