"""Devices: what a backend provides, and blocks of memory.

docs/adding-a-backend.md shows a complete backend.
"""

from __future__ import annotations

import hashlib
import os
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, NamedTuple, Protocol

import numpy as np

from devarray import registry
from devarray.config import current
from devarray.errors import DeviceError, UnsupportedError
from devarray.layout import Layout
from devarray.modules import Limits, RawCode, RawSource
from devarray.pool import Pool
from devarray.streams import Event, Stream

__all__ = [
    "Block",
    "CompileStatistics",
    "Device",
    "Launcher",
    "Launches",
    "Native",
]


class Block:
    """A piece of device memory; it goes back to its device when the last reference to it does.

    Attributes
    ----------
    device : Device
    address : int
    nbytes : int
    memory : object
        What keeps the memory alive, in the device's own terms.
    loads : list of weakref
        Nodes that read the memory; see `engine`.
    captured : bool
        A captured launch uses the memory, so that arrays must stay in it.
    escaped : bool
        Code outside devarray may read or write the memory (DLPack, ``np.asarray``, ...).
    readers : dict
        The streams that read the memory since it was written last, and when (`Stream.count`).
    written : tuple or None
        The stream that wrote it last, and when; None stands for the default stream.
    """

    __slots__ = (
        "address", "captured", "device", "escaped", "loads", "memory", "nbytes", "readers",
        "written",
    )  # fmt: skip
    index = False  # see `graph.index_node`

    def __init__(self, device: Device, address: int, nbytes: int, memory: object) -> None:
        self.device = device
        self.address = address
        self.nbytes = nbytes
        self.memory = memory
        self.escaped = self.captured = False
        self.loads: list[weakref.ref[Any]] = []
        self.readers: dict[Stream, int] | None = None
        self.written: tuple[Stream, int] | None = None

    def live_loads(self) -> list[Any]:
        """Return the nodes that are alive and read the memory."""
        found = [ref() for ref in self.loads]
        return [node for node in found if node is not None]

    def add_load(self, node: Any) -> None:
        """Note that a node reads the memory."""
        if len(self.loads) > 8:
            self.loads = [ref for ref in self.loads if ref() is not None]
        self.loads.append(weakref.ref(node))


class CompileStatistics(NamedTuple):
    """Kernels that were compiled, those found on disk, and the seconds spent in the compiler."""

    compiled: int
    cached: int
    seconds: float


class Native(NamedTuple):
    """Where an array of a device's own library lies: its first element, and strides in bytes."""

    address: int
    strides: tuple[int, ...]


Launches = tuple[tuple[str, int], ...]  # kernels of one text, in order, with the blocks of each


class Launcher(Protocol):
    """A loaded kernel; how it is called is between it and its device."""

    def __call__(self, arguments: bytes, launches: Launches = ()) -> object:
        """Run the kernel with packed arguments, over the blocks of `launches` on a grid device."""


class Device(ABC):
    """One place where memory lives and kernels run.

    Parameters
    ----------
    name : str, optional
        ``"openmp"``, ``"sycl"``, ``"cuda:1"`` ...; by default the default device.

    Attributes
    ----------
    name : str
    shares_host_memory : bool
        Memory is the host's, so that a host view of an array needs no copy.
    grid : bool
        Kernels are launched over a grid of blocks (`kernels.emit_grid`), not called.
    cpp : bool
        Fused kernels are compiled as C++, so that users' texts in them may be, too.
    packs : bool
        Grid kernels read memory 16 bytes wide where they can (``DA_PACKS`` of the prelude).
    xp : module
        The device's own array library, which runs what is not fused.
    memory : Pool
        The pool that arrays come from: its limit, what is used, kept and was used at most.
    dlpack_type, index : int
        What DLPack calls devices of this kind, and this one among them.
    has_cuda_interface : bool
        Arrays have a ``__cuda_array_interface__``.

    Raises
    ------
    DeviceError
        If there is no such device, or it cannot be used; the message says what to do.

    Examples
    --------
    >>> import devarray as da
    >>> with da.Device("openmp"):
    ...     x = da.ones(3)
    >>> x.device.name
    'openmp'
    """

    name: str
    shares_host_memory = False
    grid = False
    cpp = True
    packs = False
    xp: Any
    memory: Pool
    dlpack_type = 0
    index = 0
    has_cuda_interface = False

    def __new__(cls, name: str | Device | None = None) -> Device:
        """Return the device of that name; see `get_device`."""
        return registry.get_device(name) if cls is Device else object.__new__(cls)

    # What every backend writes

    @abstractmethod
    def setup(self, index: int) -> None:
        """Open the device: `Device` objects are made once, by ``open_device(index)``."""

    @abstractmethod
    def empty(self, nbytes: int) -> Block:
        """Return uninitialised memory, aligned to 64 bytes."""

    @abstractmethod
    def native(
        self, block: Block, layout: Layout, dtype: np.dtype[Any], writeable: bool = True
    ) -> Any:
        """Return the memory as an array of the device's own library, without a copy."""

    @abstractmethod
    def adopt(self, array: Any) -> Block:
        """Return the memory of an array of the device's own library as a block, without a copy."""

    @abstractmethod
    def describe(self, array: Any) -> Native | None:
        """Return where an array of the device's own library lies; None if it is no such array."""

    @abstractmethod
    def counterpart(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return what the device's library has for a NumPy function.

        Raises
        ------
        UnsupportedError
            If it has nothing; the message names the function and the device.
        """

    @abstractmethod
    def copy_in(
        self, source: np.ndarray[Any, Any], block: Block, offset: int = 0, wait: bool = True
    ) -> None:
        """Copy a C-contiguous host array to `offset` bytes into `block`, on the current stream.

        Without `wait`, `source` must stay as it is until the stream gets there.
        """

    @abstractmethod
    def copy_out(
        self, block: Block, layout: Layout, out: np.ndarray[Any, Any], wait: bool = True
    ) -> None:
        """Copy elements to a host array of the same shape and dtype, on the current stream."""

    @abstractmethod
    def has_kernel(self, source: str) -> bool:
        """Say whether `compile` would return without running a compiler."""

    @abstractmethod
    def compile(self, source: str, name: str) -> Launcher:
        """Return the kernel, from the cache or from the compiler; raises `CompileError`."""

    @abstractmethod
    def launch(
        self,
        kernel: Launcher,
        arguments: bytes,
        launches: Launches,
        reads: list[Block],
        writes: list[Block],
    ) -> None:
        """Run a kernel on the current stream."""

    @abstractmethod
    def make_stream(self) -> Stream:
        """Return a new stream."""

    @abstractmethod
    def new_event(self) -> Event:
        """Return a new event."""

    @abstractmethod
    def compile_statistics(self) -> CompileStatistics:
        """Return how many kernels were compiled, and found on disk."""

    @abstractmethod
    def clear_cache(self) -> None:
        """Forget all kernels, in this process and on disk."""

    @property
    @abstractmethod
    def properties(self) -> dict[str, Any]:
        """What the device is: its name, memory in bytes, compute units, capability and so on."""

    def info(self) -> dict[str, str]:
        """Return what ``devarray info`` prints."""
        return {name.replace("_", " "): str(value) for name, value in self.properties.items()}

    # What they have in common

    default_stream: Stream
    unusable = ""  # why the device cannot be used any more

    def threads(self) -> int:
        """Return how many threads of the host a kernel may use."""
        return 1

    @property
    def dlpack_device(self) -> tuple[int, int]:
        """What DLPack calls the device: its kind and its number."""
        return self.dlpack_type, self.index

    def copy_between(self, source: Block, offset: int, target: Block) -> bool:
        """Fill `target`, of this device, from `offset` bytes into `source`, without the host.

        Returns False if the devices cannot do that; nothing has happened then.
        """
        return False

    def dump(self, source: str, name: str) -> None:
        """Write a kernel's text to the folder that the setting `dump` names, if it names one."""
        folder = current().dump
        if folder:
            os.makedirs(folder, exist_ok=True)
            stem = hashlib.sha256(source.encode()).hexdigest()[:16]
            kind = "grid" if self.grid else "loop"
            with open(os.path.join(folder, f"{kind}_{name}_{stem}.cpp"), "w") as file:
                file.write(source)

    def make_graph(self, run: Callable[[], None], blocks: list[Block]) -> Callable[[], None]:
        """Return what repeats the launches of `run`; the device may have a shorter way.

        `blocks` is the memory that they use.
        """
        return run

    def at(self, address: int, nbytes: int, owner: object = None) -> Block:
        """Return memory at an address as a block; `owner` lives as long as it does.

        Without `owner`, whoever made the memory must keep it.
        """
        raise UnsupportedError(f"{self.name} has no arrays over memory at an address")

    @property
    def limits(self) -> Limits:
        """What the launch of a raw kernel may ask for."""
        return Limits()

    def load_raw(self, source: RawSource) -> RawCode:
        """Return a user's kernels, compiled if need be.

        Raises
        ------
        CompileError
            If the text does not compile; lines are those of the user's text.
        UnsupportedError
            If the device cannot run such a source; the message says which can.
        """
        raise UnsupportedError(f"{self.name} has no raw kernels")

    def raw_binary(self, source: RawSource, architecture: str = "", ptx: bool = False) -> bytes:
        """Return the binary of a user's text, or its PTX, which `load_raw` takes as code.

        Empty if the device runs texts only.

        Raises
        ------
        CompileError
            If the text does not compile.
        """
        return b""

    def pinned(self, nbytes: int) -> np.ndarray[Any, Any]:
        """Return host memory, as bytes, that the device copies from and to by itself."""
        return np.empty(nbytes, np.uint8)

    def _begin(self) -> None:
        """Start what every device has; `setup` calls it last."""
        self._local = threading.local()
        self.several_streams = False
        self._streams: weakref.WeakSet[Stream] = weakref.WeakSet()
        self.default_stream = self.make_stream()

    def __repr__(self) -> str:
        return f"<device {self.name}>"

    def __str__(self) -> str:
        return self.name

    def __reduce__(self) -> Any:
        return registry.get_device, (self.name,)

    def __enter__(self) -> Device:
        registry.push(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        registry.pop()

    def current_stream(self) -> Stream:
        """Return the stream that work of this thread goes to."""
        stack = getattr(self._local, "stack", None)
        return stack[-1] if stack else self.default_stream

    def push_stream(self, stream: Stream) -> None:
        """Make a stream the current one of this thread; see ``with stream:``."""
        self._local.stack = [*getattr(self._local, "stack", ()), stream]

    def pop_stream(self) -> None:
        """Make the stream before `push_stream` the current one again."""
        self._local.stack = self._local.stack[:-1]

    def new_stream(self) -> Stream:
        """Return a new stream."""
        self.several_streams = True
        stream = self.make_stream()
        self._streams.add(stream)
        return stream

    def streams(self) -> list[Stream]:
        """Return the streams that are in use, the default one first."""
        return [self.default_stream, *self._streams]

    def order(self, reads: Iterable[Block], writes: Iterable[Block]) -> Stream:
        """Return the current stream, for a piece of work that uses memory.

        It waits for the streams that wrote what is read, and used what is written.
        """
        stream = self.current_stream()
        stream.count += 1
        for block in reads:
            stream.follow(*(block.written or (self.default_stream, 0)))
            if block.readers is None:
                block.readers = {}
            block.readers[stream] = stream.count
        for block in writes:
            for user in self.users(block):
                stream.follow(*user)
            block.readers = None
            block.written = (stream, stream.count)
        return stream

    def users(self, block: Block) -> list[tuple[Stream, int]]:
        """Return the streams that used memory since it was written, and when."""
        return [block.written or (self.default_stream, 0), *(block.readers or {}).items()]

    def synchronize(self) -> None:
        """Wait until everything in the current stream of this thread has finished."""
        self.current_stream().synchronize()

    def close(self) -> None:
        """Give back the device's memory and kernels; arrays on it cannot be used any more.

        ``Device(name)`` opens it again.
        """
        self.default_stream.synchronize()
        self.memory.clear()
        self.lose(f"{self.name} was closed; Device({self.name!r}) opens it again")
        registry.forget(self)

    def lose(self, why: str) -> None:
        """Let every later use of the device raise `DeviceError`."""
        self.unusable = why

        def refuse(*args: Any, **options: Any) -> Any:
            raise DeviceError(why)

        for name in _USES:
            setattr(self, name, refuse)

    def forked(self) -> None:
        """Take note, in a child, that the process was forked after the device was opened."""
        self.lose(
            f"{self.name} was opened before this process was forked, and its runtime does not "
            "survive that: use multiprocessing's 'spawn', or open the device in the child only"
        )


# What fails on a device that was closed or lost
_USES = [
    "empty",
    "native",
    "adopt",
    "copy_in",
    "copy_out",
    "compile",
    "load_raw",
    "at",
    "launch",
    "new_stream",
    "new_event",
    "synchronize",
]
