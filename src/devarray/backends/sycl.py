"""SYCL devices: OpenCL C kernels built and launched by dpctl, memory in USM, functions of dpnp.

The default stream and all others are queues in order. Memory goes back to the pool while work that
uses it may still be waiting in its queue: whoever gets it next comes later in that queue, or waits
for it (`Device.order`).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import time
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np

from devarray.backends._opencl_raw import OpenclCode
from devarray.backends.copying import copy_out
from devarray.backends.opencl import build_log
from devarray.backends.pooled import take
from devarray.config import current
from devarray.device import Block, CompileStatistics, Device, Launcher, Launches, Native
from devarray.errors import CompileError, DeviceError, UnsupportedError
from devarray.kernels.preludes import with_prelude
from devarray.kernels.spec import THREADS
from devarray.layout import Layout
from devarray.modules import Limits, RawCode, RawSource
from devarray.pool import ALIGNMENT, MemoryPool
from devarray.registry import Found
from devarray.streams import Event, Stream

__all__ = ["Sycl", "is_worth_it", "open_device", "survey"]

_PRELUDE = ("prelude_opencl.h", "complex.h", "scalar.h", "reduce.h", "grid.h")
_OPTIONS = "-cl-std=CL3.0 -cl-fp32-correctly-rounded-divide-sqrt"
_QUEUE = ("in_order", "enable_profiling")
_REMEDY = "pip install devarray[sycl]"
MOST_WAITING = 64  # adopted arrays that are kept until the queue is known to have passed them


# ---- finding devices


@cache
def _dpctl() -> Any:
    """Return dpctl, which finds the wheels' CPU runtime only if a variable says where it is."""
    if "OCL_ICD_FILENAMES" not in os.environ and "OCL_ICD_VENDORS" not in os.environ:
        runtime = _cpu_runtime()
        if runtime:
            os.environ["OCL_ICD_FILENAMES"] = runtime
    import dpctl  # noqa: PLC0415 - it takes a second to load, and finds devices
    import dpctl.memory  # noqa: PLC0415
    import dpctl.program  # noqa: PLC0415

    return dpctl


def _cpu_runtime() -> str:
    """Return the path of the OpenCL runtime for the host that wheels have installed, or ""."""
    try:
        files = importlib.metadata.files("intel-opencl-rt") or ()
    except importlib.metadata.PackageNotFoundError:
        return ""
    for file in files:
        if file.name == "libintelocl.so":
            return os.path.realpath(str(file.locate()))
    return ""


def _missing() -> str:
    for name in ("dpctl", "dpnp"):
        if importlib.util.find_spec(name) is None:
            return f"{name} is not installed: {_REMEDY}"
    return ""


def _why_not(device: Any) -> str:
    """Return why a device cannot be used, or ""."""
    if not device.has_aspect_usm_device_allocations:
        return "it has no USM device memory, without which dpnp cannot work: use another driver"
    if not device.has_aspect_fp64:
        return "it has no float64, NumPy's default dtype, in its hardware"
    return ""


@cache
def _all_devices() -> tuple[Any, ...]:
    """Return all devices, the best first: GPUs, then those of the host."""
    found = _dpctl().get_devices()
    return tuple(sorted(found, key=lambda d: (bool(_why_not(d)), not d.has_aspect_gpu)))


def survey() -> list[Found]:
    """Return every SYCL device, and why it cannot be used if it cannot."""
    missing = _missing()
    if missing:
        return [Found("sycl", missing)]
    found = []
    for k, device in enumerate(_all_devices()):
        problem = _why_not(device)
        found.append(Found(f"sycl:{k}" if k else "sycl", problem and f"{device.name}: {problem}"))
    none = "dpctl finds no device: install a driver, or intel-opencl-rt for the processor"
    return found or [Found("sycl", none)]


def is_worth_it() -> bool:
    """Say whether there is a SYCL device that is faster than the host's own compiler."""
    if not os.path.isdir("/dev/dri") or _missing():
        return False
    return any(d.has_aspect_gpu and not _why_not(d) for d in _all_devices())


# ---- streams and events


class SyclEvent(Event):
    """An event: a barrier in a queue."""

    native: Any = None

    def mark(self, stream: Stream) -> None:
        """See `devarray.streams.Event`."""
        assert isinstance(stream, SyclStream)
        self.native = stream.queue.submit_barrier()

    @property
    def done(self) -> bool:
        """Whether the event has happened; one that was never recorded has."""
        status = _dpctl().event_status_type.complete
        return self.native is None or self.native.execution_status == status

    def synchronize(self) -> None:
        """See `devarray.streams.Event`."""
        if self.native is not None:
            self.native.wait()

    def _milliseconds(self, end: SyclEvent) -> float:
        return (end.native.profiling_info_end - self.native.profiling_info_end) / 1e6  # type: ignore[no-any-return]


class SyclStream(Stream):
    """A queue in order."""

    queue: Any

    @property
    def native(self) -> int:
        """The address of the `sycl::queue`."""
        return self.queue.addressof_ref()  # type: ignore[no-any-return]

    @property
    def done(self) -> bool:
        """Whether everything in the stream has finished."""
        return self.record().done

    def synchronize(self) -> None:
        """See `devarray.streams.Stream`."""
        self.queue.wait()

    def wait(self, event: Event) -> None:
        """See `devarray.streams.Stream`."""
        assert isinstance(event, SyclEvent)
        if event.native is not None:
            self.queue.submit_barrier([event.native])


# ---- memory and kernels


class _Memory:
    """A piece of memory, for dpctl and NumPy; its owner lives as long as it does."""

    def __init__(self, address: int, nbytes: int, queue: Any, owner: object) -> None:
        self.owner = owner
        shared = {"shape": (nbytes,), "typestr": "|u1", "strides": None, "data": (address, False)}
        self.__sycl_usm_array_interface__ = {"version": 1, "syclobj": queue, **shared}
        self.__array_interface__ = {"version": 3, **shared}


class AdoptedBlock(Block):
    """A block over memory of dpnp's, which must outlive the work that uses it."""

    __slots__ = ()

    device: Sycl

    def __del__(self) -> None:
        self.device.bury(self.memory)


class ForeignBlock(Block):
    """A block over memory that somebody else has made, and may give back once it is gone."""

    __slots__ = ()

    device: Sycl

    def __del__(self) -> None:
        self.device.finish()


class Program:
    """The kernels of one text."""

    def __init__(self, program: Any, raw_argument: Any) -> None:
        self._program = program
        self._raw_argument = raw_argument
        self._kernels: dict[str, Any] = {}
        self.queue: Any = None

    def __call__(self, arguments: bytes, launches: Launches = ()) -> None:
        """Put the kernels into the queue."""
        argument = [self._raw_argument(arguments)]
        for name, blocks in launches:
            kernel = self._kernels.get(name)
            if kernel is None:
                kernel = self._kernels[name] = self._program.get_sycl_kernel(name)
            self.queue.submit_async(kernel, argument, [blocks * THREADS], [THREADS])


class Sycl(Device):
    """See `devarray.device.Device`."""

    grid = True
    cpp = False
    dlpack_type = 14
    default_stream: SyclStream
    memory: MemoryPool

    def setup(self, index: int) -> None:
        """See `devarray.device.Device`."""
        missing = _missing()
        if missing:
            raise DeviceError(f"sycl: {missing}")
        found = _all_devices()
        if index >= len(found):
            names = ", ".join(str(place.name) for place in survey())
            raise DeviceError(f"no device named 'sycl:{index}'; of SYCL there are: {names}")
        problem = _why_not(found[index])
        if problem:
            raise DeviceError(f"sycl: {found[index].name} cannot be used: {problem}")
        import dpnp  # noqa: PLC0415 - it takes a second to load
        import dpnp.tensor  # noqa: PLC0415

        from devarray.backends.dpnp_functions import Functions  # noqa: PLC0415

        self.name = f"sycl:{index}" if index else "sycl"
        self.xp = dpnp
        self._usm_array = dpnp.tensor.usm_ndarray
        self._functions = Functions(self.name, lambda: self.current_stream().queue)  # type: ignore[attr-defined]
        self._as_dpnp = dpnp.ndarray._create_from_usm_ndarray
        self._dpctl = _dpctl()
        self._device = found[index]
        self._context: Any = None
        self._loaded: dict[tuple[str, bool], Program] = {}
        self._seconds = 0.0
        self._grave: list[Any] = []
        self._begin()
        self.memory = MemoryPool(self.name, self._allocate, self._before_reuse, self.finish)

    def _allocate(self, size: int) -> tuple[int, Any]:
        dpctl = self._dpctl
        try:
            memory = dpctl.memory.MemoryUSMDevice(
                size, alignment=ALIGNMENT, queue=self.default_stream.queue
            )
        except dpctl.memory.USMAllocationError as error:
            raise MemoryError(str(error)) from None
        return memory._pointer, memory

    def _before_reuse(self, users: Any) -> None:
        stream = self.current_stream()
        for user in users:
            stream.follow(*user)

    def finish(self) -> None:
        """Wait until nothing in any queue uses memory that goes back to the system."""
        for stream in self.streams():
            stream.synchronize()

    def bury(self, memory: Any) -> None:
        """Keep memory of dpnp's until what uses it has finished."""
        self._grave.append(memory)
        if len(self._grave) >= MOST_WAITING:
            waiting, self._grave = self._grave, []
            self.finish()
            waiting.clear()

    def empty(self, nbytes: int) -> Block:
        """See `devarray.device.Device`."""
        return take(self, self.memory, nbytes)

    def _usm(self, address: int, nbytes: int, owner: object = None) -> Any:
        """Return memory at an address as a memory object of dpctl's, in the current queue.

        What is no USM memory is the host's, as far as the device sees that, and becomes an ndarray.
        """
        stream = self.current_stream()
        assert isinstance(stream, SyclStream)
        part = _Memory(address, nbytes, stream.queue, owner)
        try:
            return self._dpctl.memory.as_usm_memory(part)
        except ValueError:
            if not self._device.has_aspect_usm_system_allocations:
                raise DeviceError(f"no memory of {self.name} is at {address:#x}") from None
        return np.asarray(part)

    def at(self, address: int, nbytes: int, owner: object = None) -> Block:
        """See `devarray.device.Device`."""
        return ForeignBlock(self, address, nbytes, self._usm(address, nbytes, owner))

    def native(
        self, block: Block, layout: Layout, dtype: np.dtype[Any], writeable: bool = True
    ) -> Any:
        """See `devarray.device.Device`."""
        if self.several_streams:
            self.order((), (block,))
        size = dtype.itemsize
        memory: Any = block.memory
        if isinstance(memory, np.ndarray):
            raise UnsupportedError("dpnp has no arrays over memory of the host: copy it first")
        if memory.sycl_queue is not self.current_stream().queue:  # type: ignore[attr-defined]
            memory = self._usm(block.address, block.nbytes)
        if 0 in layout.shape:
            array = self._usm_array(
                layout.shape, dtype, buffer_ctor_kwargs={"queue": memory.sycl_queue}
            )
        elif layout.offset % size or any(stride % size for stride in layout.strides):
            raise UnsupportedError(
                "dpnp has no arrays whose elements are not aligned: copy it first"
            )
        else:
            strides = tuple([stride // size for stride in layout.strides])
            array = self._usm_array(
                layout.shape, dtype, strides, memory, offset=layout.offset // size
            )
        if not writeable:
            array.flags.writable = False
        return self._as_dpnp(array)

    def adopt(self, array: Any) -> Block:
        """See `devarray.device.Device`."""
        memory = array.get_array().usm_data
        stream: Any = self.current_stream()
        if array.sycl_queue != stream.queue:  # of an array that others made
            array.sycl_queue.wait()
        block = AdoptedBlock(self, memory._pointer, memory.nbytes, memory)
        if self.several_streams:  # the current one wrote it
            self.order((), (block,))
        return block

    def describe(self, array: Any) -> Native | None:
        """See `devarray.device.Device`."""
        if not isinstance(array, self.xp.ndarray):
            return None
        return Native(array.get_array()._pointer, array.strides)

    def counterpart(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """See `devarray.device.Device`."""
        return self._functions.find(function)

    def copy_in(
        self, source: np.ndarray[Any, Any], block: Block, offset: int = 0, wait: bool = True
    ) -> None:
        """See `devarray.device.Device`."""
        stream: Any = self.order((), (block,))
        target = self._usm(block.address + offset, source.nbytes)
        event = stream.queue.memcpy_async(target, source.reshape(-1).view(np.uint8), source.nbytes)
        if wait:
            event.wait()

    def copy_out(
        self, block: Block, layout: Layout, out: np.ndarray[Any, Any], wait: bool = True
    ) -> None:
        """See `devarray.device.Device`."""
        copy_out(self, self._fetch, block, layout, out, wait)

    def _fetch(self, address: int, host: np.ndarray[Any, Any], wait: bool) -> None:
        stream: Any = self.current_stream()
        source = self._usm(address, host.nbytes)
        event = stream.queue.memcpy_async(host.reshape(-1).view(np.uint8), source, host.nbytes)
        if wait:
            event.wait()

    def has_kernel(self, source: str) -> bool:
        """See `devarray.device.Device`."""
        return (source, current().fast_math) in self._loaded

    def compile(self, source: str, name: str) -> Launcher:
        """See `devarray.device.Device`."""
        key = source, current().fast_math
        found = self._loaded.get(key)
        if found is None:
            start = time.perf_counter()
            found = self._loaded[key] = self._build(with_prelude(source, _PRELUDE))
            self._seconds += time.perf_counter() - start
            self.dump(source, name)
        return found

    def _build(self, text: str) -> Program:
        dpctl = self._dpctl
        queue = self.default_stream.queue
        if current().fast_math:
            text = text.replace("FP_CONTRACT OFF", "FP_CONTRACT ON", 1)
        try:
            program = dpctl.program.create_program_from_source(queue, text, _OPTIONS)
        except dpctl.program.SyclProgramCompilationError as error:
            command = f"OpenCL C, {_OPTIONS}, for {self._device.name}"
            log = build_log(text, _OPTIONS, self._device.name) or str(error)
            raise CompileError("a kernel did not compile", command, log, text) from None
        return Program(program, dpctl.RawKernelArg)

    def launch(
        self,
        kernel: Launcher,
        arguments: bytes,
        launches: Launches,
        reads: list[Block],
        writes: list[Block],
    ) -> None:
        """See `devarray.device.Device`."""
        stream: Any = self.order(reads, writes) if self.several_streams else self.default_stream
        kernel.queue = stream.queue  # type: ignore[attr-defined]
        kernel(arguments, launches)

    @property
    def limits(self) -> Limits:
        """See `devarray.device.Device`; nothing goes beyond what kernels in CUDA C may expect."""
        usual, native = Limits(), self._device
        threads = min(usual.threads, native.max_work_group_size)
        x, y, z = map(min, usual.block, native.max_work_item_sizes3d)
        return Limits(threads, (x, y, z), shared_bytes=native.local_mem_size)

    def load_raw(self, source: RawSource) -> RawCode:
        """See `devarray.device.Device`."""
        return OpenclCode(source, self._dpctl, self.default_stream.queue, self._put)

    def _put(
        self, reads: Sequence[Block], writes: Sequence[Block], work: Callable[[Any], None]
    ) -> None:
        stream: Any = self.order(reads, writes) if self.several_streams else self.default_stream
        work(stream.queue)

    @property
    def dlpack_device(self) -> tuple[int, int]:
        """See `devarray.device.Device`: dpnp knows the number."""
        empty = self._usm_array((), "u1", buffer_ctor_kwargs={"queue": self.default_stream.queue})
        kind, index = empty.__dlpack_device__()
        return int(kind), int(index)

    def make_stream(self) -> Stream:
        """See `devarray.device.Device`."""
        stream = SyclStream(self)
        queue = self._dpctl.SyclQueue
        if self._context is None:
            stream.queue = queue(self._device, property=_QUEUE)
            self._context = stream.queue.sycl_context
        else:
            stream.queue = queue(self._context, self._device, property=_QUEUE)
        return stream

    def new_event(self) -> Event:
        """See `devarray.device.Device`."""
        return SyclEvent(self)

    def compile_statistics(self) -> CompileStatistics:
        """See `devarray.device.Device`."""
        return CompileStatistics(len(self._loaded), 0, self._seconds)

    def clear_cache(self) -> None:
        """See `devarray.device.Device`."""
        self._loaded.clear()

    @property
    def properties(self) -> dict[str, Any]:
        """See `devarray.device.Device`."""
        device = self._device
        return {
            "device": device.name.strip(),
            "capability": f"{device.backend.name} (driver {device.driver_version})",
            "memory": device.global_mem_size,
            "compute_units": device.max_compute_units,
            "library": f"dpnp {self.xp.__version__}",
        }


def open_device(index: int) -> Sycl:
    """Return the device of that number, counted as `survey` does."""
    device = Sycl()
    device.setup(index)
    return device
