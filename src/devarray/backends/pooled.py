"""Blocks of devices whose memory is a `MemoryPool`."""

from __future__ import annotations

from devarray.device import Block, Device
from devarray.pool import MemoryPool

__all__ = ["PooledBlock", "take"]


class PooledBlock(Block):
    """A block whose memory goes back to its device's pool."""

    __slots__ = ("pool", "size")

    pool: MemoryPool
    size: int

    def __del__(self) -> None:
        if self.escaped:  # a view of it may live on; the memory is freed with the last view
            self.pool.lose(self.size)
        else:
            users = self.device.users(self) if self.device.several_streams else None
            self.pool.give(self.size, self.address, self.memory, users)


def take(device: Device, pool: MemoryPool, nbytes: int) -> PooledBlock:
    """Return uninitialised memory of the device's pool."""
    size, address, memory = pool.take(nbytes)
    block = PooledBlock(device, address, nbytes, memory)
    block.pool = pool
    block.size = size
    return block
