"""Pools of device memory: freed pieces are kept, by size, for the next arrays.

A fresh page of host memory costs more than the work on it, and allocating on a GPU waits for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from devarray.config import Settings, on_change
from devarray.errors import DeviceMemoryError

__all__ = ["ALIGNMENT", "MemoryPool", "MemoryStatistics", "Pool"]

ALIGNMENT = 64


class MemoryStatistics(NamedTuple):
    """The memory of a device, in bytes.

    Attributes
    ----------
    used : int
        What arrays (and scratch memory) hold now.
    free : int
        What the pool keeps for the next arrays.
    peak : int
        The most that was used at a time, since the start or the last `MemoryPool.reset_peak`.
    limit : int
        The most that arrays and the pool may hold together; 0 means no limit but the device's.
    allocations, reused : int
        Pieces that came from the system, and that came from the pool.
    """

    used: int
    free: int
    peak: int
    limit: int
    allocations: int
    reused: int


class Pool(Protocol):
    """What ``device.memory`` is on every device."""

    @property
    def limit(self) -> int:
        """The most bytes that arrays and the pool may hold together; 0 means no limit."""

    @limit.setter
    def limit(self, nbytes: int) -> None: ...

    def statistics(self) -> MemoryStatistics:
        """Return the numbers of now."""

    def reset_peak(self) -> None:
        """Let `MemoryStatistics.peak` begin anew at what is used now."""

    def clear(self) -> None:
        """Return all kept memory to the system."""


Allocate = Callable[[int], tuple[int, Any]]


class MemoryPool:
    """Memory of one device, in size classes.

    Parameters
    ----------
    name : str
        The device's name, for messages.
    allocate : callable
        Returns (address, what keeps the memory alive) for a number of bytes; raises `MemoryError`.
    before_reuse : callable, optional
        Is given the mark that `give` was given with a piece that is about to be used again.
    before_free : callable, optional
        Is called before memory goes back to the system.

    Examples
    --------
    >>> import devarray as da
    >>> memory = da.get_device().memory
    >>> x = da.ones(1000)
    >>> memory.statistics().used >= 8000
    True
    """

    def __init__(
        self,
        name: str,
        allocate: Allocate,
        before_reuse: Callable[[Any], None] | None = None,
        before_free: Callable[[], None] | None = None,
    ) -> None:
        self.name = name
        self._allocate = allocate
        self._before_reuse = before_reuse
        self._before_free = before_free
        self._free: dict[int, list[tuple[int, Any, Any]]] = {}
        self._most_kept = 0
        self._limit = 0
        self.kept = 0
        self.used = 0
        self._peak = 0
        self._allocations = 0
        self._reused = 0
        on_change(self._follow)

    def _follow(self, settings: Settings) -> None:
        self._most_kept = settings.pool_limit

    @property
    def limit(self) -> int:
        """The most bytes that arrays and the pool may hold together; 0 means no limit."""
        return self._limit

    @limit.setter
    def limit(self, nbytes: int) -> None:
        if nbytes < 0:
            raise ValueError(f"a limit is a number of bytes, or 0 for none; got {nbytes}")
        self._limit = nbytes
        if nbytes and self.used + self.kept > nbytes:
            self.clear()

    @staticmethod
    def rounded(nbytes: int) -> int:
        """Return the size class: multiples of 64 bytes, coarser for bigger arrays."""
        step = max(ALIGNMENT, 1 << max(nbytes.bit_length() - 4, 0))
        return max(-(-nbytes // step) * step, ALIGNMENT)

    def take(self, nbytes: int) -> tuple[int, int, Any]:
        """Return (size class, address, memory) for `nbytes` bytes.

        Raises
        ------
        DeviceMemoryError
            If there is too little, even after all kept memory was freed.
        """
        size = self.rounded(nbytes)
        waiting = self._free.get(size)
        if waiting:
            try:
                address, memory, mark = waiting.pop()
            except IndexError:  # another thread was faster
                return self._fresh(size, nbytes)
            self.kept -= size
            self._reused += 1
            self._count(size)
            if mark is not None and self._before_reuse is not None:
                self._before_reuse(mark)
            return size, address, memory
        return self._fresh(size, nbytes)

    def _count(self, size: int) -> None:
        self.used += size
        if self.used > self._peak:
            self._peak = self.used

    def _fresh(self, size: int, nbytes: int) -> tuple[int, int, Any]:
        kept = self.kept
        if not self._limit or self.used + kept + size <= self._limit:
            try:
                return self._taken(size)
            except MemoryError:
                pass
        self.clear()
        if self._limit and self.used + size > self._limit:
            raise self._too_little(nbytes, kept, f"its limit is {self._limit} bytes")
        try:
            return self._taken(size)
        except MemoryError as error:
            why = str(error) or "the system has no more"
            raise self._too_little(nbytes, kept, why) from None

    def _taken(self, size: int) -> tuple[int, int, Any]:
        address, memory = self._allocate(size)
        self._allocations += 1
        self._count(size)
        return size, address, memory

    def _too_little(self, nbytes: int, kept: int, why: str) -> DeviceMemoryError:
        return DeviceMemoryError(
            f"{self.name}: no memory for an array of {nbytes} bytes: {why}; arrays hold "
            f"{self.used} bytes, and {kept} bytes that the pool kept were freed before. Delete "
            "arrays, or work on smaller parts"
        )

    def give(self, size: int, address: int, memory: Any, mark: Any = None) -> None:
        """Take memory back, and keep it if there is room for it."""
        self.used -= size
        if self.kept + size <= self._most_kept:
            self.kept += size
            if self._before_reuse is None:
                mark = None  # it would keep streams alive
            self._free.setdefault(size, []).append((address, memory, mark))
        elif self._before_free is not None:
            self._before_free()

    def lose(self, size: int) -> None:
        """Note that memory will not come back to the pool: others hold it as well."""
        self.used -= size

    def statistics(self) -> MemoryStatistics:
        """Return the numbers of now."""
        return MemoryStatistics(
            self.used, self.kept, self._peak, self._limit, self._allocations, self._reused
        )

    def reset_peak(self) -> None:
        """Let the peak begin anew at what is used now."""
        self._peak = self.used

    def clear(self) -> None:
        """Return all kept memory to the system."""
        if self._free and self._before_free is not None:
            self._before_free()
        self._free.clear()
        self.kept = 0
