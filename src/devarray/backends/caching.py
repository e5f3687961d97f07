"""Devices whose kernels are kept on disk, and loaded from there."""

from __future__ import annotations

import time
from abc import abstractmethod
from functools import cached_property
from pathlib import Path

from devarray.config import current
from devarray.device import CompileStatistics, Device, Launcher
from devarray.kernels.cache import Compiler, KernelCache
from devarray.kernels.preludes import with_prelude

__all__ = ["CachingDevice"]


class CachingDevice(Device):
    """A device whose kernels are kept on disk.

    Attributes
    ----------
    prelude : tuple of str
        The files that stand before each kernel.
    fast : tuple of str
        The compiler's flags for fast mathematics.
    """

    prelude: tuple[str, ...]
    fast: tuple[str, ...]

    @property
    @abstractmethod
    def compiler(self) -> Compiler:
        """What makes the binaries; raises `CompileError` if there is none."""

    @abstractmethod
    def load(self, path: Path, text: str, name: str) -> Launcher:
        """Return the kernel whose binary is the file `path`, or make it of its text anew."""

    @cached_property
    def cache(self) -> KernelCache:
        """The kernels on disk."""
        return KernelCache()

    def _begin(self) -> None:
        self._loaded: dict[tuple[str, bool], Launcher] = {}
        self._compiled = self._found = 0
        self._seconds = 0.0
        super()._begin()

    def flags(self) -> tuple[str, ...]:
        """Return the flags that the settings of now ask for."""
        return self.fast if current().fast_math else ()

    def has_kernel(self, source: str) -> bool:
        """See `devarray.device.Device`."""
        if (source, current().fast_math) in self._loaded:
            return True
        text = with_prelude(source, self.prelude)
        return self.cache.find(text, self.compiler, self.flags()) is not None

    def compile(self, source: str, name: str) -> Launcher:
        """See `devarray.device.Device`."""
        key = source, current().fast_math
        found = self._loaded.get(key)
        if found is None:
            text = with_prelude(source, self.prelude)
            found = self._loaded[key] = self.load(self._binary(text), text, name)
            self.dump(source, name)
        return found

    def _binary(self, text: str) -> Path:
        """Return the file of a complete text's code, from the disk or from the compiler."""
        path = self.cache.find(text, self.compiler, self.flags())
        if path is not None:
            self._found += 1
            return path
        start = time.perf_counter()
        path = self.cache.build(text, self.compiler, self.flags())
        self._seconds += time.perf_counter() - start
        self._compiled += 1
        return path

    def compile_statistics(self) -> CompileStatistics:
        """See `devarray.device.Device`."""
        return CompileStatistics(self._compiled, self._found, self._seconds)

    def clear_cache(self) -> None:
        """See `devarray.device.Device`."""
        self._loaded.clear()  # binaries stay loaded: a kernel may be running, or waiting
        self.cache.clear()
