"""Folders and files that only this user can write, whose content is verified when it is read.

A file appears by one rename, with a seal (magic and checksum) behind its last byte: one read tells
whether it is whole. What is being written lies in ``tmp/``; what a killed process left there goes
by age.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import stat
import tempfile
import time
import weakref
from pathlib import Path

from ..config import current

__all__ = [
    "STALE",
    "can_write",
    "default_directory",
    "make_fallback",
    "private_folder",
    "publish",
    "read_sealed",
    "remove",
    "sweep",
    "temporary_name",
    "write_sealed",
]

_MAGIC = b"\ndevarray-seal-1\n"
_SEAL = len(_MAGIC) + 32
STALE = 900.0  # seconds after which a temporary file has no owner: compilers are stopped at 120


def default_directory() -> Path | None:
    """Return the folder that settings and environment ask for, or None if there is no home."""
    configured = current().cache_dir
    if configured:
        return Path(configured).expanduser()
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(xdg):  # the XDG specification says that relative paths are to be ignored
        return Path(xdg, "devarray")
    home = os.path.expanduser("~")
    if os.environ.get("HOME") == "" or not os.path.isabs(home):
        return None
    return Path(home, ".cache", "devarray")


def private_folder(path: Path | None, owners: bool = True) -> str:
    """Create the folder if need be and return its real path; OSError says why it is not trusted.

    With `owners`, every parent must belong to root or to us.
    """
    if path is None:
        raise FileNotFoundError("there is no home folder")
    folder = os.path.realpath(path)  # from here on no symbolic link can be moved under us
    missing = []
    while not os.path.lexists(folder):
        folder, name = os.path.split(folder)
        missing.append(name)
    for name in reversed(missing):
        folder = os.path.join(folder, name)
        with contextlib.suppress(FileExistsError):  # another process was faster; see below
            os.mkdir(folder, 0o700)
    info = os.lstat(folder)
    if not stat.S_ISDIR(info.st_mode):
        raise NotADirectoryError(f"{folder} is not a folder")
    if info.st_uid != os.geteuid():
        raise PermissionError(f"{folder} belongs to user {info.st_uid}")
    if info.st_mode & 0o077:
        mode = stat.S_IMODE(info.st_mode)
        raise PermissionError(f"{folder} is open to others (mode {mode:04o}, needs 0700)")
    for parent in Path(folder).parents:  # who can write there can put another folder in our place
        info = parent.lstat()
        if info.st_mode & 0o022 and not info.st_mode & stat.S_ISVTX:
            raise PermissionError(f"{parent} can be written by others")
        if owners and info.st_uid not in (0, os.geteuid()):
            raise PermissionError(f"{parent} belongs to user {info.st_uid}")
    if os.statvfs(folder).f_flag & getattr(os, "ST_NOEXEC", 0):
        raise PermissionError(f"{folder} is on a file system mounted noexec")
    return folder


def _seal(name: str, data: bytes | memoryview) -> bytes:
    digest = hashlib.sha256(name.encode())
    digest.update(data)
    return _MAGIC + digest.digest()


def read_sealed(folder: str, name: str) -> bytes | None:
    """Return what `write_sealed` wrote; None if it is missing, not ours, not private or damaged.

    Its time of use is set. A file that is refused stays: the next writer replaces it.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK  # a FIFO must not block
    try:
        fd = os.open(f"{folder}/{name}", flags)
    except OSError:
        return None
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode) or info.st_uid != os.geteuid() or info.st_mode & 0o022:
            return None
        data = os.read(fd, info.st_size)
        body = memoryview(data)[:-_SEAL]
        if len(data) != info.st_size or data[-_SEAL:] != _seal(name, body):
            return None
        with contextlib.suppress(OSError):  # a read-only file system serves well enough
            os.utime(fd)
        return bytes(body)
    except OSError:  # a disk error in the middle of the read
        return None
    finally:
        os.close(fd)


def write_sealed(folder: str, name: str, data: bytes) -> None:
    """Write `data` as the file `name` of `folder`, at once, private, and with a seal."""
    publish(folder, name, data + _seal(name, data))


def publish(folder: str, name: str, data: bytes) -> None:
    """Write `data` as the file `name` of `folder`, at once, private."""
    temporary = temporary_name(folder)
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with open(os.open(temporary, flags, 0o600), "wb") as file:
            file.write(data)
        os.replace(temporary, f"{folder}/{name}")
    except BaseException:
        remove(temporary)
        raise


def temporary_name(folder: str) -> str:
    """Return a fresh name in the folder's ``tmp``."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(f"{folder}/tmp", 0o700)
    return f"{folder}/tmp/{os.getpid()}-{secrets.token_hex(6)}"


def remove(path: str) -> None:
    """Remove a file or a folder if it is there and can be removed."""
    try:
        os.unlink(path)
    except OSError:
        shutil.rmtree(path, ignore_errors=True)


def sweep(folder: str) -> None:
    """Remove what killed processes left in ``tmp``."""
    oldest = time.time() - STALE
    with contextlib.suppress(OSError), os.scandir(f"{folder}/tmp") as entries:
        for entry in entries:
            if entry.stat(follow_symlinks=False).st_mtime < oldest:
                remove(entry.path)


def can_write(folder: str) -> bool:
    """Return whether a kernel's worth of bytes can be written: only trying tells of a full disk."""
    with contextlib.suppress(OSError):
        publish(folder, "tmp/trial", bytes(1 << 20))
        os.unlink(f"{folder}/tmp/trial")
        return True
    return False


def _remove_own(folder: str, pid: int) -> None:
    if os.getpid() == pid:  # a forked child that exits must not take its parent's folder away
        shutil.rmtree(folder, ignore_errors=True)


def make_fallback(owner: object) -> str:
    """Return a new temporary folder that goes with `owner` or with the process."""
    candidates = [tempfile.gettempdir(), os.environ.get("XDG_RUNTIME_DIR", ""), "/dev/shm"]
    problem = OSError("no temporary folder")
    for candidate in filter(os.path.isabs, candidates):
        try:
            made = tempfile.mkdtemp(prefix="devarray-", dir=candidate)
            weakref.finalize(owner, _remove_own, os.path.realpath(made), os.getpid())
            # In some containers / and /tmp belong to nobody we know, so that is not asked.
            return private_folder(Path(made), owners=False)
        except OSError as error:
            problem = error
    raise problem
