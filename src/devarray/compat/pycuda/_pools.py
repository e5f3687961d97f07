"""PyCUDA's memory pools, over devarray's: freed memory is kept by the device's pool for all.

What a pool of PyCUDA tells of itself is counted here; the memory lies in ``device.memory``.
"""

from __future__ import annotations

import sys
import traceback
import weakref
from typing import Any, TextIO

from devarray.registry import get_device

from ._allocations import DeviceAllocation, new_block, whole_number
from ._contexts import mem_get_info
from ._errors import InvalidValueError
from ._host_memory import PagelockedHostAllocation, pagelocked_empty

__all__ = [
    "DebugMemoryPool",
    "DeviceMemoryPool",
    "PageLockedAllocator",
    "PageLockedMemoryPool",
    "PooledDeviceAllocation",
    "PooledHostAllocation",
    "bitlog2",
]

_MANTISSA = 4  # bits of a size that its bin tells, below the highest


def bitlog2(value: int) -> int:
    """Return the number of the highest bit that is set.

    Examples
    --------
    >>> from devarray.compat.pycuda.tools import bitlog2
    >>> bitlog2(17)
    4
    """
    if value < 1:
        raise InvalidValueError(f"only positive numbers have a highest bit, got {value}")
    return int(value).bit_length() - 1


class PooledDeviceAllocation(DeviceAllocation):
    """Device memory that goes back to a pool."""

    __slots__ = ("_pool", "_size")

    def __init__(self, pool: DeviceMemoryPool, nbytes: int, size: int) -> None:
        super().__init__(new_block(size), nbytes)
        self._pool = pool
        self._size = size
        pool._taken(size)

    @property
    def size(self) -> int:
        """The bytes that were asked for."""
        return self.nbytes

    def __len__(self) -> int:
        return self.nbytes

    def __bool__(self) -> bool:
        return True

    def _let_go(self) -> None:
        mine = hasattr(self, "_size") and self._block is not None
        super()._let_go()
        if mine:
            self._pool._given(self._size)


class DeviceMemoryPool:
    """A pool of device memory: what is freed is used again, without asking the device.

    ``pool.allocate`` is an allocator for `gpuarray.GPUArray`.

    Examples
    --------
    >>> from devarray.compat.pycuda.tools import DeviceMemoryPool
    >>> pool = DeviceMemoryPool()
    >>> memory = pool.allocate(1000)
    >>> pool.active_blocks, pool.active_bytes >= 1000
    (1, True)
    >>> memory.free()
    >>> pool.active_blocks, pool.held_blocks
    (0, 1)
    """

    def __init__(self) -> None:
        self._holding = True
        self._held: dict[int, int] = {}
        self.active_blocks = 0
        self.active_bytes = 0

    def allocate(self, size: int) -> PooledDeviceAllocation:
        """Return device memory of at least `size` bytes, at least 1.

        Raises
        ------
        MemoryError
            If there is too little, even after what is kept was freed.
        """
        nbytes = whole_number(size, "size")
        return PooledDeviceAllocation(
            self, nbytes, self.alloc_size(self.bin_number(max(nbytes, 1)))
        )

    __call__ = allocate

    def _taken(self, size: int) -> None:
        self.active_blocks += 1
        self.active_bytes += size
        if self._held.get(size):
            self._held[size] -= 1

    def _given(self, size: int) -> None:
        self.active_blocks -= 1
        self.active_bytes -= size
        if self._holding:
            self._held[size] = self._held.get(size, 0) + 1

    @property
    def held_blocks(self) -> int:
        """Blocks that were freed and not used again."""
        return sum(self._held.values())

    @property
    def managed_bytes(self) -> int:
        """Bytes in use and of blocks that were freed and not used again."""
        return self.active_bytes + sum(size * count for size, count in self._held.items())

    def free_held(self) -> None:
        """Give back to the system what the device's pool keeps."""
        self._held.clear()
        get_device().memory.clear()

    def stop_holding(self) -> None:
        """Do not count on what is freed from now on, and give back what is kept."""
        self._holding = False
        self.free_held()

    @staticmethod
    def bin_number(size: int) -> int:
        """Return the number of the size class that a size falls in; see `alloc_size`."""
        nbytes = whole_number(size, "size")
        exponent = max(nbytes.bit_length() - 1, 0)
        cut = exponent - _MANTISSA
        head = nbytes >> cut if cut >= 0 else nbytes << -cut
        if cut > 0 and head << cut != nbytes:
            head += 1
            if head == 2 << _MANTISSA:
                exponent, head = exponent + 1, 1 << _MANTISSA
        return exponent << _MANTISSA | head & (1 << _MANTISSA) - 1 if nbytes else 0

    @staticmethod
    def alloc_size(bin_nr: int) -> int:
        """Return the bytes of a size class: at most a 16th more than what falls in it."""
        number = whole_number(bin_nr, "bin_nr")
        exponent, tail = number >> _MANTISSA, number & (1 << _MANTISSA) - 1
        head = 1 << _MANTISSA | tail
        cut = exponent - _MANTISSA
        return head << cut if cut >= 0 else max(-(-head >> -cut), 1)


class DebugMemoryPool(DeviceMemoryPool):
    """A pool that writes down each allocation: its size, where it was asked for, and what lives.

    Parameters
    ----------
    interactive : bool
        Wait for the enter key before each one.
    logfile : file, optional
        By default standard output.
    """

    def __init__(self, interactive: bool = True, logfile: TextIO | None = None) -> None:
        super().__init__()
        self.interactive = interactive
        self.logfile = sys.stdout if logfile is None else logfile
        self.blocks: weakref.WeakKeyDictionary[PooledDeviceAllocation, tuple[int, str]] = (
            weakref.WeakKeyDictionary()
        )

    def allocate(self, size: int) -> PooledDeviceAllocation:
        """See `DeviceMemoryPool.allocate`."""
        place = " > ".join(frame.name for frame in traceback.extract_stack()[:-1])
        free, total = mem_get_info()
        lines = [
            f"{size} bytes for {place}; {free} of {total} bytes are free, "
            f"{self.active_blocks} blocks in use, {self.held_blocks} held"
        ]
        counts: dict[tuple[int, str], int] = {}
        for entry in self.blocks.values():
            counts[entry] = counts.get(entry, 0) + 1
        lines += [f"  {n} x {nbytes} bytes of {where}" for (nbytes, where), n in counts.items()]
        print("\n".join(lines), file=self.logfile)
        if self.interactive:
            input("  [Enter]")
        result = super().allocate(size)
        self.blocks[result] = size, place
        return result


class PooledHostAllocation(PagelockedHostAllocation):
    """Page-locked memory of a pool."""


class PageLockedAllocator:
    """What a `PageLockedMemoryPool` gets its memory from.

    Parameters
    ----------
    flags : int
        Flags of `host_alloc_flags`; of no effect.
    """

    def __init__(self, flags: int = 0) -> None:
        self.flags = flags


class PageLockedMemoryPool:
    """A pool of page-locked host memory, which is the device's own.

    Parameters
    ----------
    allocator : PageLockedAllocator, optional
    """

    def __init__(self, allocator: PageLockedAllocator | None = None) -> None:
        if not isinstance(allocator, (PageLockedAllocator, type(None))):
            raise TypeError(f"allocator must be a PageLockedAllocator, got {allocator!r}")
        self._flags = 0 if allocator is None else allocator.flags
        self._arrays: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()

    def allocate(self, shape: Any, dtype: Any, order: str = "C") -> Any:
        """Return an uninitialised array in page-locked memory; see `driver.pagelocked_empty`."""
        array = pagelocked_empty(shape, dtype, order, self._flags)
        owner = array.base if isinstance(array.base, PagelockedHostAllocation) else array.base.base
        self._arrays[id(owner)] = owner
        return array

    @property
    def active_blocks(self) -> int:
        """Blocks that arrays use."""
        return len(self._arrays)

    @property
    def active_bytes(self) -> int:
        """Bytes that arrays use."""
        return sum(owner.nbytes for owner in self._arrays.values())

    managed_bytes = active_bytes
    held_blocks = 0

    def free_held(self) -> None:
        """Do nothing: the device keeps page-locked memory by itself."""

    def stop_holding(self) -> None:
        """Do nothing: the device keeps page-locked memory by itself."""
