"""The settings, in one frozen dataclass, from the environment or ``with devarray.config(...)``.

Settings are process-wide: a ``with`` block in one thread is seen by all. Whoever needs to follow a
change registers with `on_change`, so that the recording path reads plain module variables and not
this module.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from types import TracebackType
from typing import Any

__all__ = ["Settings", "config", "current", "default_threads", "on_change"]

_HOST_ACCESS = ("never", "read", "always")


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set; each field is read from ``DEVARRAY_<FIELD>`` at import.

    Attributes
    ----------
    device : str
        Name of the default device; empty means the best one present.
    host_access : {"read", "never", "always"}
        ``read``: ``np.asarray(x)`` is a shared view on devices whose memory is the host's, mixing
        host and device arrays raises. ``never``: both raise. ``always``: host arrays are copied to
        the device where they meet.
    eager : bool
        Evaluate every operation when it is written.
    check : bool
        Evaluate everything a second time with NumPy and raise if the results differ by more than
        the ops' ulp.
    threads : int
        Threads a kernel may use; 0 means ``OMP_NUM_THREADS``, else the number of CPUs this process
        may use.
    cache_dir : str
        Folder of the kernel cache; empty means ``$XDG_CACHE_HOME/devarray`` or
        ``~/.cache/devarray``.
    cache_limit : int
        Bytes of compiled kernels to keep on disk; the least recently used go first.
    pool_limit : int
        Bytes of freed array memory to keep for the next arrays.
    dump : str
        Folder into which the source of every kernel is written; empty means none.
    max_nodes : int
        Most operations that one kernel may fuse.
    oracle_limit : int
        Largest number of element operations that NumPy answers while a new kernel compiles; 0 means
        never.
    fast_math : bool
        Allow fused multiply-add, which changes last bits.
    raw_checks : bool
        On devices that are the host, check every access of raw kernels to memory: bounds of arrays,
        races on shared memory, barriers that not all threads reach. The first fault is an error
        that tells thread, line and array. Kernels take much longer.
    """

    device: str = ""
    host_access: str = "read"
    eager: bool = False
    check: bool = False
    threads: int = 0
    cache_dir: str = ""
    cache_limit: int = 512 << 20
    pool_limit: int = 2 << 30
    dump: str = ""
    max_nodes: int = 96
    oracle_limit: int = 65536
    fast_math: bool = False
    raw_checks: bool = False

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if type(value) is not type(field.default):
                raise ValueError(
                    f"{field.name} must be of type {type(field.default).__name__}, got {value!r}"
                )
        if self.host_access not in _HOST_ACCESS:
            raise ValueError(f"host_access must be one of {_HOST_ACCESS}, got {self.host_access!r}")
        for name, least in (
            ("threads", 0),
            ("cache_limit", 0),
            ("pool_limit", 0),
            ("max_nodes", 1),
            ("oracle_limit", 0),
        ):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise ValueError(f"{name} must be an integer >= {least}, got {value!r}")


def _parse(name: str, text: str, default: Any) -> Any:
    if isinstance(default, bool):
        if text.lower() in ("1", "true", "yes", "on"):
            return True
        if text.lower() in ("", "0", "false", "no", "off"):
            return False
        raise ValueError(f"DEVARRAY_{name.upper()} must be 0 or 1, got {text!r}")
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"DEVARRAY_{name.upper()} must be an integer, got {text!r}") from None
    return text


def from_environment() -> Settings:
    """Return the settings that the ``DEVARRAY_*`` variables ask for."""
    values = {}
    for field in fields(Settings):
        text = os.environ.get(f"DEVARRAY_{field.name.upper()}")
        if text is not None:
            values[field.name] = _parse(field.name, text, field.default)
    return Settings(**values)


_current = from_environment()
_listeners: list[Callable[[Settings], None]] = []
_lock = threading.RLock()


def current() -> Settings:
    """Return the settings in force."""
    return _current


def on_change(listener: Callable[[Settings], None]) -> None:
    """Call `listener` with the settings now and whenever they change."""
    _listeners.append(listener)
    listener(_current)


def _set(settings: Settings) -> None:
    global _current
    with _lock:
        _current = settings
        for listener in _listeners:
            listener(settings)


class config:
    """Change settings, for good or for a ``with`` block.

    Parameters
    ----------
    **changes
        Fields of `Settings`.

    Raises
    ------
    TypeError
        If there is no setting of that name.
    ValueError
        If the value is not allowed.

    Examples
    --------
    >>> import devarray as da
    >>> with da.config(eager=True):
    ...     x = da.ones(3) + 1
    """

    def __init__(self, **changes: Any) -> None:
        unknown = sorted(set(changes) - {field.name for field in fields(Settings)})
        if unknown:
            known = ", ".join(field.name for field in fields(Settings))
            raise TypeError(f"no setting named {unknown[0]!r}; the settings are {known}")
        self._before = _current
        _set(replace(_current, **changes))

    def __enter__(self) -> Settings:
        return _current

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _set(self._before)


def default_threads() -> int:
    """Return how many threads kernels of the host have if no setting says so."""
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if text.isdigit() and int(text) > 0:
        return int(text)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
