"""What a backend provides for raw kernels: a user's text or binary, loaded on a device."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

from devarray.kernels.signatures import Parameter

__all__ = ["Attributes", "Extent", "Limits", "RawCall", "RawCode", "RawSource"]


class RawSource(NamedTuple):
    """What a user wants to be loaded.

    Attributes
    ----------
    text : str
        CUDA C or HIP; empty if `code` is there.
    names : tuple of str
        Instances of templates, such as ``"sum<float>"``.
    options : tuple of str
        For the compiler, such as ``-DN=16``.
    code : bytes
        PTX, a cubin or a code object.
    engine : str
        ``"auto"``, or the one of the device's ways to run the text that is asked for.
    """

    text: str
    names: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    code: bytes = b""
    engine: str = "auto"


class Limits(NamedTuple):
    """What a launch may ask for.

    Attributes
    ----------
    threads : int
        Threads of a block.
    block, grid : tuple of int
        Threads and blocks along each axis.
    shared_bytes : int
        Dynamic shared memory of a block.
    """

    threads: int = 1024
    block: tuple[int, int, int] = (1024, 1024, 64)
    grid: tuple[int, int, int] = (2**31 - 1, 65535, 65535)
    shared_bytes: int = 232448  # of a block of NVIDIA's compute capability 9.0


class Extent(NamedTuple):
    """Where an array argument lies, for checks of what a kernel accesses.

    Without a name, it is other memory that the kernel may use.
    """

    name: str
    address: int
    nbytes: int
    dtype: str
    writeable: bool


class RawCall(NamedTuple):
    """A launch whose arguments have been checked.

    Attributes
    ----------
    grid, block : tuple of int
        Three numbers each.
    shared_bytes : int
        Dynamic shared memory.
    values : tuple of bytes
        What each parameter receives.
    reads, writes : list of Block
        The memory of array arguments; what is written is read as well.
    arrays : tuple of Extent
        Where the array arguments lie.
    kept : object
        What must live until the kernel has ended.
    """

    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared_bytes: int
    values: tuple[bytes, ...]
    reads: list[Any]
    writes: list[Any]
    arrays: tuple[Extent, ...] = ()
    kept: object = None


class Attributes(NamedTuple):
    """What a loaded kernel takes, as CUDA's function attributes have it; -1 is not known.

    Attributes
    ----------
    max_threads_per_block : int
    shared_size_bytes, const_size_bytes, local_size_bytes : int
        Static shared memory of a block, constants of the module, memory of a thread, in bytes.
    num_regs : int
        Registers of a thread.
    ptx_version, binary_version : int
        As 10 * major + minor.
    """

    max_threads_per_block: int
    shared_size_bytes: int = -1
    const_size_bytes: int = -1
    local_size_bytes: int = -1
    num_regs: int = -1
    ptx_version: int = -1
    binary_version: int = -1


class RawCode(ABC):
    """Kernels and variables that are loaded on a device."""

    @abstractmethod
    def parameters(self, name: str) -> tuple[Parameter, ...] | None:
        """Return a kernel's parameters, or None if nothing tells them.

        Raises
        ------
        ValueError
            If there is no such kernel; the message names those that there are.
        """

    @abstractmethod
    def launch(self, name: str, call: RawCall) -> None:
        """Run a kernel on the current stream."""

    @abstractmethod
    def variable(self, name: str) -> tuple[int, int]:
        """Return address and bytes of a variable of the module.

        Raises
        ------
        ValueError
            If there is no such variable; the message names those that there are.
        """

    @abstractmethod
    def attributes(self, name: str) -> Attributes:
        """Return what a kernel takes."""

    @abstractmethod
    def blocks_at_once(self, name: str, threads: int, shared_bytes: int) -> int:
        """Return how many blocks of a kernel run at once on one compute unit."""
