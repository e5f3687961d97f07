"""The disk cache of compiled kernels: source text in, a private and verified binary out.

A binary is one sealed file, ``<key>.so`` (see `sealed`); the seal stands behind the last byte that
the loader reads. The source lies beside it as ``<key>.cpp``, for people. ``usage`` is a ledger with
one byte for every 4 KiB ever added: its length tells whether the limit is near, without a scan of
the folder. Compilers work in ``tmp/``.

No lock is taken, neither between processes (files appear by rename and disappear by unlink, and a
binary that is mapped outlives both) nor between threads (at worst two make a temporary folder each;
and no lock can be held while somebody forks).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..config import current
from ..errors import CompileError
from .sealed import (
    STALE,
    can_write,
    default_directory,
    make_fallback,
    private_folder,
    publish,
    read_sealed,
    remove,
    sweep,
    temporary_name,
    write_sealed,
)

__all__ = [
    "CacheEntry",
    "CacheStats",
    "Compiler",
    "KernelCache",
    "kernel_key",
]

# Part of every key: raise it when the layout of files or the way kernels are called changes.
FORMAT = b"devarray kernel 1"
_BLOCK = 4096  # what the ledger counts in, and about what a small file costs
_GRACE = 60.0  # seconds after its use for which a binary is kept: somebody is about to load it
_NAME = re.compile(r"([0-9a-f]{64})\.(so|cpp)")


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """A kernel on disk.

    Attributes
    ----------
    key : str
        Name of the files, without suffix.
    path : Path
        The binary; its source is ``path.with_suffix(".cpp")``.
    bytes : int
        What both take on disk, in whole blocks of 4 KiB.
    used : float
        When it was last found or built, in seconds since the epoch.
    """

    key: str
    path: Path
    bytes: int
    used: float


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What a cache holds, and what this process got out of it.

    Attributes
    ----------
    entries, bytes : int
        Kernels on disk, and what they take.
    hits, misses, builds : int
        How often `KernelCache.find` did and did not succeed; how many kernels were compiled.
    compile_seconds : float
        Time that compilers took.
    """

    entries: int
    bytes: int
    hits: int
    misses: int
    builds: int
    compile_seconds: float


class Compiler(Protocol):
    """What makes a binary of a text."""

    @property
    def identity(self) -> str:
        """What decides over the binary besides the text: versions, flags, architecture."""

    def compile(self, source: str, output: Path, extra_flags: Sequence[str] = ()) -> None:
        """Compile a text into a file; raises `CompileError`."""


def kernel_key(source: str, toolchain: Compiler, extra_flags: Sequence[str] = ()) -> str:
    """Return the name under which a kernel is kept: a hash of all that decides over its code."""
    digest = hashlib.sha256(FORMAT)
    for part in (toolchain.identity, "\0".join(extra_flags), source):
        data = part.encode()
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.hexdigest()


class KernelCache:
    """Compiled kernels on disk, least recently used out.

    Parameters
    ----------
    directory : Path, optional
        The folder, by default what `default_directory` says; judged at its first use.
    limit : int, optional
        Bytes to keep, by default the setting ``cache_limit``.

    Notes
    -----
    What `find` and `build` return can vanish before it is loaded (not by eviction within a minute,
    but a user may empty the folder), and the system may refuse to load code from the folder::

        path = cache.find(source, toolchain) or cache.build(source, toolchain)
        try:
            library = ffi.dlopen(str(path))
        except OSError as error:
            if not cache.load_failed(path, error):
                raise
            library = ffi.dlopen(str(cache.build(source, toolchain)))

    Once loaded, a binary stays valid whatever happens to its file.
    """

    def __init__(self, directory: Path | None = None, limit: int | None = None) -> None:
        self._directory = default_directory() if directory is None else Path(directory)
        self._limit = limit
        self._main: str | None = None  # the real path of the folder, once judged and found good
        self._fallback: str | None = None
        self._reason = ""  # why nothing, or nothing more, is written to the folder
        self._judged = self._swept = self._warned = False
        self._next_scan = 0.0
        self._hits = self._misses = self._builds = 0
        self._seconds = 0.0

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that are searched, in this order; at most the chosen and a temporary one."""
        if not self._judged:
            try:
                self._main = private_folder(self._directory)
            except OSError as error:
                self._main = None
                self._reason = str(error)
            self._judged = True
        return tuple(folder for folder in (self._main, self._fallback) if folder is not None)

    def find(
        self, source: str, toolchain: Compiler, extra_flags: Sequence[str] = ()
    ) -> Path | None:
        """Return the kernel's binary if it is on disk, whole, ours and private; else None.

        Parameters
        ----------
        source, toolchain, extra_flags
            The kernel's text, its compiler, and flags beyond those of the toolchain.
        """
        name = kernel_key(source, toolchain, extra_flags) + ".so"
        for folder in self.folders:
            if read_sealed(folder, name) is not None:
                self._hits += 1
                return Path(folder, name)
        self._misses += 1
        return None

    def build(self, source: str, toolchain: Compiler, extra_flags: Sequence[str] = ()) -> Path:
        """Compile the kernel and return its binary, whether or not there was one before.

        Parameters
        ----------
        source, toolchain, extra_flags
            As for `find`.

        Raises
        ------
        CompileError, OSError
            If the text does not compile; if the temporary folder cannot be written either.
        """
        folder = self._folder_to_write()
        try:
            return self._build_in(folder, source, toolchain, extra_flags)
        except (CompileError, OSError) as error:
            if folder == self._fallback:
                raise
            compiled = isinstance(error, CompileError)
            if compiled and can_write(folder):
                raise
            self._give_up("it is full or cannot be written" if compiled else str(error))
        return self._build_in(self._folder_to_write(), source, toolchain, extra_flags)

    def load_failed(self, path: Path, error: OSError) -> bool:
        """Say whether to call `build` and try again after the loader refused a binary.

        Parameters
        ----------
        path : Path
            What `find` or `build` returned.
        error : OSError
            What the loader said.

        Returns
        -------
        bool
            True if the file has vanished, or if its folder is to blame (noexec, a security module):
            from now on a temporary folder is used. False if the binary is at fault, as with an
            undefined symbol, or if it was in the temporary folder already.
        """
        if not os.path.lexists(path):
            return True
        if "undefined symbol" in str(error) or str(path.parent) == self._fallback:
            return False
        self._give_up(f"binaries cannot be loaded from it ({error})", forget=True)
        return True

    def entries(self) -> list[CacheEntry]:
        """Return the kernels on disk, the most recently used first."""
        found = [entry for folder in self.folders for entry in _scan(folder)]
        return sorted(found, key=lambda entry: entry.used, reverse=True)

    def stats(self) -> CacheStats:
        """Return the numbers; those of the disk are counted anew."""
        entries = self.entries()
        size = sum(entry.bytes for entry in entries)
        found = self._hits, self._misses
        return CacheStats(len(entries), size, *found, self._builds, self._seconds)

    def clear(self) -> None:
        """Remove all kernels and what is known of compilers; binaries in use stay valid."""
        for folder in self.folders:
            with contextlib.suppress(OSError), os.scandir(folder) as files:
                for file in files:
                    known = file.name == "usage" or file.name.startswith("compiler-")
                    if known or _NAME.fullmatch(file.name):
                        remove(file.path)
            sweep(folder)

    def _folder_to_write(self) -> str:
        """Return the folder for new kernels: the chosen one, or else a temporary one."""
        if self._main is not None and not os.path.isdir(self._main):
            self._judged = False  # somebody removed it: make it anew
        if self.folders and self._main is not None and not self._reason:
            return self._main
        if self._fallback is not None and os.path.isdir(self._fallback):
            return self._fallback
        try:
            self._fallback = fallback = make_fallback(self)
        except OSError as error:
            raise CompileError(f"no folder for kernels: {self._reason}; {error}") from error
        if not self._warned:
            self._warned = True
            text = (
                f"the folder for compiled kernels, {self._directory}, cannot be used: "
                f"{self._reason}. New kernels go to a temporary folder and are not kept. "
                "Set DEVARRAY_CACHE_DIR to a folder that is yours alone."
            )
            warnings.warn(text, RuntimeWarning, stacklevel=3)
        return fallback

    def _give_up(self, reason: str, forget: bool = False) -> None:
        """Write no more to the folder; with `forget`, read no more from it either."""
        self._reason = self._reason or reason
        if forget:
            self._main = None

    def _build_in(
        self, folder: str, source: str, toolchain: Compiler, extra_flags: Sequence[str]
    ) -> Path:
        if not self._swept:
            self._swept = True
            sweep(folder)
        key = kernel_key(source, toolchain, extra_flags)
        text = source.encode()
        temporary = Path(temporary_name(folder))
        start = time.perf_counter()
        try:
            toolchain.compile(source, temporary, extra_flags)
            seconds = time.perf_counter() - start
            code = temporary.read_bytes()
        finally:
            remove(str(temporary))
        publish(folder, f"{key}.cpp", text)
        write_sealed(folder, f"{key}.so", code)
        self._builds += 1
        self._seconds += seconds
        with contextlib.suppress(OSError):  # the kernel is there, whatever becomes of the ledger
            self._account(folder, 2 + (len(code) + len(text)) // _BLOCK)
        return Path(folder, f"{key}.so")

    def _account(self, folder: str, blocks: int) -> None:
        """Add to the ledger, and evict if it says that the limit is passed."""
        limit = current().cache_limit if self._limit is None else self._limit
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        fd = os.open(f"{folder}/usage", flags, 0o600)
        try:
            os.write(fd, b"." * blocks)
            total = os.fstat(fd).st_size
            fresh = total == blocks  # so is the folder, or else somebody removed the ledger
            if fresh or (total * _BLOCK > limit and time.monotonic() >= self._next_scan):
                os.ftruncate(fd, self._evict(folder, limit))
        finally:
            os.close(fd)

    def _evict(self, folder: str, limit: int) -> int:
        """Remove the least recently used kernels if there are too many; return blocks left."""
        entries = sorted(_scan(folder), key=lambda entry: entry.used)
        total = sum(entry.bytes for entry in entries)
        if total > limit:
            newest = time.time() - _GRACE
            for entry in entries:
                # Some room is made, so that the next build need not scan again.
                if total <= limit * 3 // 4 or entry.used > newest:
                    break
                remove(str(entry.path))
                remove(str(entry.path.with_suffix(".cpp")))
                total -= entry.bytes
            if total > limit:  # the rest is in use, and will be for a while
                self._next_scan = time.monotonic() + _GRACE
        sweep(folder)
        return total // _BLOCK


def _scan(folder: str) -> Iterator[CacheEntry]:
    """Yield the folder's kernels; remove sources whose binary is gone."""
    sizes: dict[str, dict[str, os.stat_result]] = {}
    with contextlib.suppress(OSError), os.scandir(folder) as files:
        for file in files:
            match = _NAME.fullmatch(file.name)
            if match:
                with contextlib.suppress(FileNotFoundError):  # another process evicts, too
                    sizes.setdefault(match[1], {})[match[2]] = file.stat(follow_symlinks=False)
    for key, parts in sizes.items():
        if "so" in parts:
            size = sum(info.st_size // _BLOCK + 1 for info in parts.values()) * _BLOCK
            yield CacheEntry(key, Path(folder, f"{key}.so"), size, parts["so"].st_mtime)
        elif "cpp" in parts and parts["cpp"].st_mtime < time.time() - STALE:
            remove(f"{folder}/{key}.cpp")
