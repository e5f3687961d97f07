"""A GPU machine that is none: what the backends `cuda` and `hip` call of CuPy's runtime and of the
driver, over memory of the host, with kernels that `HostModule` compiles.

It is as unkind as CUDA allows to be. Streams run nothing until somebody waits for them; memory that
goes back to the pool is overwritten in the order of the stream it was taken in; a call for another
device than the current one, or in a thread without a context, fails as it does in CUDA. So a
missing synchronisation, or memory used after it was freed, shows as a wrong result.

`cupy` itself, with arrays and functions, is in `standin_cupy`.
"""

from __future__ import annotations

import collections
import contextlib
import hashlib
import json
import os
import tempfile
import threading
import time
import types
from pathlib import Path

import cffi
import numpy as np

from devarray.kernels import host_grid, host_text
from devarray.kernels.nvrtc import Program
from devarray.kernels.source_text import included

GARBAGE = 0x7F  # what no value is made of: floats are huge, bools neither True nor False
GUARD = 512  # bytes before and after each block that nobody may touch

SUCCESS, INVALID_VALUE, NO_DEVICE, INSUFFICIENT_DRIVER = 0, 1, 100, 35
NOT_AFTER_FORK = 3
INVALID_CONTEXT, INVALID_HANDLE, NOT_FOUND, NOT_READY = 201, 400, 500, 600
OUT_OF_RESOURCES, LAUNCH_FAILURE, ILLEGAL_ADDRESS, INVALID_PTX = 701, 719, 700, 218
PLAIN_SHARED, MOST_SHARED = 49152, 232448  # of a block: without being told, and at most
WORDS = {
    INVALID_VALUE: ("InvalidValue", "invalid argument"),
    2: ("MemoryAllocation", "out of memory"),
    NOT_AFTER_FORK: ("InitializationError", "initialization error"),
    101: ("InvalidDevice", "invalid device ordinal"),
    INSUFFICIENT_DRIVER: (
        "InsufficientDriver", "CUDA driver version is insufficient for CUDA runtime version",
    ),
    NO_DEVICE: ("NoDevice", "no CUDA-capable device is detected"),
    INVALID_CONTEXT: ("DeviceUninitialized", "invalid device context"),
    INVALID_HANDLE: ("InvalidResourceHandle", "invalid resource handle"),
    NOT_FOUND: ("SymbolNotFound", "named symbol not found"),
    NOT_READY: ("NotReady", "device not ready"),
    OUT_OF_RESOURCES: ("LaunchOutOfResources", "too many resources requested for launch"),
    LAUNCH_FAILURE: ("LaunchFailure", "unspecified launch failure"),
    ILLEGAL_ADDRESS: ("IllegalAddress", "an illegal memory access was encountered"),
    INVALID_PTX: ("InvalidPtx", "a PTX JIT compilation failed"),
}  # fmt: skip


class CUDARuntimeError(RuntimeError):
    """An error of the runtime; `status` is its number."""

    def __init__(self, status):
        self.status = status
        name, words = WORDS[status]
        super().__init__(f"cudaError{name}: {words}")


class OutOfMemoryError(MemoryError):
    """The pool found no memory."""


class Queue:
    """A stream, as the device sees it."""

    def __init__(self, machine, device, ptr):
        self.machine, self.device, self.ptr = machine, device, ptr
        self.ops = collections.deque()
        self.last = 0
        self.captured = None  # the work, while it is captured for a graph

    def put(self, work):
        if self.captured is not None:
            self.captured.append(work)
            return
        self.last += 1
        self.ops.append((self.last, work))

    def run(self, until=None):
        """Do the work up to a number, or all of it."""
        while self.ops and (until is None or self.ops[0][0] <= until):
            _, work = self.ops.popleft()
            if self.machine.sticky:
                continue
            self.machine.works += 1
            work()


class Allocation:
    """Memory from the system, between two guards."""

    def __init__(self, device, size):
        self.device, self.size = device, size
        self.whole = np.full(size + 2 * GUARD + 512, GARBAGE, np.uint8)
        start = GUARD + (-(self.whole.ctypes.data + GUARD)) % 512
        self.bytes = self.whole[start : start + size]
        self.start = start
        self.address = self.bytes.ctypes.data

    def check(self):
        before, after = self.whole[: self.start], self.whole[self.start + self.size :]
        if (before != GARBAGE).any() or (after != GARBAGE).any():
            raise AssertionError(f"something wrote beside a block of {self.size} bytes")


class PooledMemory:
    """A block of the pool; it goes back when nobody refers to it."""

    def __init__(self, pool, allocation, queue):
        self._pool, self._queue, self.allocation = pool, queue, allocation
        self.ptr, self.size, self.device_id = allocation.address, allocation.size, pool.device

    def __del__(self):
        self._pool.give(self.allocation, self._queue)


class ForeignMemory:
    """Memory that somebody else owns (`UnownedMemory` in CuPy)."""

    def __init__(self, allocation, owner):
        self.allocation, self.owner = allocation, owner
        self.ptr, self.size, self.device_id = (
            allocation.address, allocation.size, allocation.device,
        )  # fmt: skip


class Window:
    """Memory that the machine did not give: a variable of a module, or what somebody points to."""

    def __init__(self, device, address, size):
        self.device, self.address, self.size = device, address, size
        self.bytes = _bytes_at(address, size)


class UnownedMemory:
    """Memory at an address (`UnownedMemory` in CuPy)."""

    def __init__(self, machine, ptr, size, owner, device_id=-1):
        found = machine.find(ptr)
        if device_id < 0:
            device_id = found.device
        self.allocation = found or Window(device_id, ptr, size)
        self.ptr, self.size, self.owner, self.device_id = ptr, size, owner, device_id


class MemoryPointer:
    """A place in a block."""

    def __init__(self, mem, offset):
        self.mem, self.ptr, self.device_id = mem, mem.ptr + offset, mem.device_id

    def __add__(self, offset):
        return MemoryPointer(self.mem, self.ptr - self.mem.ptr + offset)

    def __int__(self):
        return self.ptr


class DevicePool:
    """The pool of one device: freed blocks are kept for the stream in which they were taken."""

    def __init__(self, machine, device):
        self.machine, self.device = machine, device
        self.kept = {}  # (stream, bytes) -> allocations
        self.used = self.total = self.limit = 0

    def take(self, size):
        machine = self.machine
        size = -(-size // 512) * 512
        queue = machine.current()
        kept = self.kept.get((queue, size))
        if machine.denied(size):
            raise OutOfMemoryError(f"Out of memory allocating {size:,} bytes")
        if kept:
            allocation = kept.pop()
        else:
            if self.limit and self.total + size > self.limit:
                self.free_all()
            if self.limit and self.total + size > self.limit:
                raise OutOfMemoryError(
                    f"Out of memory allocating {size:,} bytes (allocated so far: {self.total:,} "
                    f"bytes, limit set to: {self.limit:,} bytes)."
                )
            machine.bind()
            allocation = machine.allocate(self.device, size)
            self.total += size
        self.used += size
        return MemoryPointer(PooledMemory(self, allocation, queue), 0)

    def give(self, allocation, queue):
        with self.machine.lock:
            self.used -= allocation.size

            def spoil():
                allocation.check()
                allocation.bytes[...] = GARBAGE

            queue.put(spoil)
            self.kept.setdefault((queue, allocation.size), []).append(allocation)

    def free_all(self):
        """Free what is kept; as cudaFree does, wait for the whole device first."""
        self.machine.finish(self.device)
        for allocations in self.kept.values():
            for allocation in allocations:
                self.total -= allocation.size
                self.machine.release(allocation)
        self.kept.clear()


class Pool:
    """`MemoryPool`: what it says is of the current device."""

    def __init__(self, machine):
        self._machine = machine

    def _of(self):
        return self._machine.pools[self._machine.device]

    def used_bytes(self):
        return self._of().used

    def free_bytes(self):
        return self._of().total - self._of().used

    def total_bytes(self):
        return self._of().total

    def get_limit(self):
        return self._of().limit

    def set_limit(self, size=None, fraction=None):
        self._of().limit = size or 0

    def free_all_blocks(self, stream=None):
        with self._machine.lock:
            self._of().free_all()


class EventRecord:
    """An event, as the device sees it."""

    def __init__(self, device):
        self.device, self.queue, self.number, self.happened, self.time = device, None, 0, True, 0.0


class Machine:
    """Devices, their memory and streams, what is current in each thread, and faults to order.

    Attributes
    ----------
    driver : int
        The version of the driver; `built_for` is that of the runtime in CuPy.
    deny_after : int or None
        After so many allocations there is no memory.
    launch_status : int
        What the next launch returns.
    crash : bool
        The next kernel that runs fails, and with it everything after it.
    static_bytes : int
        The static shared memory that kernels say they have.
    """

    def __init__(self, devices=2, is_hip=False, driver=13000, built_for=13000):
        self.count, self.is_hip, self.driver, self.built_for = devices, is_hip, driver, built_for
        self.process = os.getpid()
        self.lock = threading.RLock()
        self.local = threading.local()
        self.queues = {(k, 0): Queue(self, k, 0) for k in range(devices)}
        self.pools = [DevicePool(self, k) for k in range(devices)]
        self.allocations = {}
        self.events, self.modules, self.functions, self.pinned = {}, {}, {}, {}
        self._next = 0x1000
        self.deny_after = None
        self.launch_status = self.sticky = self.works = self.launches = self.graphs = 0
        self.crash = False
        self.static_bytes = 0

    def handle(self):
        self._next += 0x10
        return self._next

    # memory

    def denied(self, size):
        if self.deny_after is None:
            return False
        self.deny_after -= 1
        return self.deny_after < 0

    def allocate(self, device, size):
        allocation = Allocation(device, size)
        self.allocations[allocation.address] = allocation
        return allocation

    def release(self, allocation):
        allocation.check()
        del self.allocations[allocation.address]

    def find(self, address):
        """Return the memory that an address is in."""
        for allocation in self.allocations.values():
            if allocation.address <= address < allocation.address + allocation.size:
                return allocation
        return None

    def is_pinned(self, address):
        return any(at <= address < at + size for at, size in self.pinned.items())

    # what is current

    @property
    def device(self):
        return getattr(self.local, "device", 0)

    def bind(self):
        """Note that this thread has a context of the current device."""
        self.check()
        if not hasattr(self.local, "bound"):
            self.local.bound = set()
        self.local.bound.add(self.device)

    @property
    def is_bound(self):
        return self.device in getattr(self.local, "bound", ())

    def current(self):
        """Return the stream that CuPy uses now, in this thread, on the current device."""
        streams = getattr(self.local, "streams", {})
        return self.queues[self.device, streams.get(self.device, 0)]

    def queue(self, ptr):
        """Return the stream of an address; 0 is the current device's."""
        if ptr == 0:
            return self.queues[self.device, 0]
        for (_, address), queue in self.queues.items():
            if address == ptr:
                return queue
        raise CUDARuntimeError(INVALID_HANDLE)

    def check(self):
        if os.getpid() != self.process:
            self.sticky = NOT_AFTER_FORK
        if self.sticky:
            raise CUDARuntimeError(self.sticky)

    def finish(self, device):
        for queue in list(self.queues.values()):
            if queue.device == device:
                queue.run()

    def pending(self):
        """Return how many pieces of work are waiting."""
        return sum(len(queue.ops) for queue in self.queues.values())


# ---- the runtime


class Runtime:
    """`cupy.cuda.runtime`."""

    CUDARuntimeError = CUDARuntimeError

    def __init__(self, machine):
        self._machine = machine
        self.is_hip = machine.is_hip

    def getDeviceCount(self):
        machine = self._machine
        if machine.driver < machine.built_for // 1000 * 1000:
            raise CUDARuntimeError(INSUFFICIENT_DRIVER)
        if not machine.count:
            raise CUDARuntimeError(NO_DEVICE)
        return machine.count

    def runtimeGetVersion(self):
        return self._machine.built_for

    def driverGetVersion(self):
        return self._machine.driver

    def getDevice(self):
        return self._machine.device

    def setDevice(self, device):
        self._machine.check()
        if not 0 <= device < self._machine.count:
            raise CUDARuntimeError(101)
        self._machine.local.device = device

    def getDeviceProperties(self, device):
        facts = {
            "name": f"Stand-in {device}".encode(), "major": 9, "minor": 0,
            "totalGlobalMem": 1 << 34, "multiProcessorCount": 4, "warpSize": 32,
            "maxThreadsPerBlock": 1024, "maxThreadsDim": (1024, 1024, 64),
            "maxGridSize": (2**31 - 1, 65535, 65535), "sharedMemPerBlock": PLAIN_SHARED,
        }  # fmt: skip
        if self.is_hip:
            facts["gcnArchName"] = b"gfx90a:sramecc+:xnack-"
        else:
            facts |= {"sharedMemPerBlockOptin": MOST_SHARED, "pageableMemoryAccess": 0}
        return facts

    def pointerGetAttributes(self, ptr):
        machine = self._machine
        machine.check()
        found = machine.find(ptr)
        kind = 2 if found else int(machine.is_pinned(ptr))
        device = found.device if found else (0 if kind else -2)
        return types.SimpleNamespace(device=device, devicePointer=ptr, hostPointer=0, type=kind)

    def memGetInfo(self):
        self._machine.bind()
        return (1 << 34) - self._machine.pools[self._machine.device].total, 1 << 34

    def memcpyAsync(self, dst, src, size, kind, stream):
        machine = self._machine
        with machine.lock:
            machine.bind()
            queue = machine.queue(stream)
            target, source = _bytes_at(dst, size), _bytes_at(src, size)
            for address, on_device in ((dst, kind != 2), (src, kind != 1)):
                if size and (machine.find(address) is not None) != on_device:
                    raise CUDARuntimeError(INVALID_VALUE)
            if kind == 1 and not machine.is_pinned(src):
                source = source.copy()  # pageable memory is staged before the call returns

            def copy():
                target[...] = source

            queue.put(copy)

    def memcpyPeerAsync(self, dst, dstDevice, src, srcDevice, size, stream):
        machine = self._machine
        with machine.lock:
            machine.bind()
            for address, device in ((dst, dstDevice), (src, srcDevice)):
                found = machine.find(address)
                if size and (found is None or found.device != device):
                    raise CUDARuntimeError(INVALID_VALUE)
            target, source = _bytes_at(dst, size), _bytes_at(src, size)

            def copy():
                target[...] = source

            machine.queue(stream).put(copy)


def _bytes_at(address, size):
    if not size:
        return np.empty(0, np.uint8)
    ffi = host_grid._ffi()
    return np.frombuffer(ffi.buffer(ffi.cast("char *", address), size), np.uint8)


class Stream:
    """`cupy.cuda.Stream`; those of `machine.make_streams`."""

    machine: Machine

    def __init__(self, null=False, non_blocking=False, ptds=False, priority=None):
        machine = self.machine
        self.ptr, self.device_id = 0, -1
        if not null:
            if not non_blocking:
                raise NotImplementedError("the stand-in has no streams that follow the default one")
            with machine.lock:
                machine.bind()
                self.ptr, self.device_id = machine.handle(), machine.device
                machine.queues[self.device_id, self.ptr] = Queue(machine, self.device_id, self.ptr)

    def use(self):
        machine = self.machine
        if self.device_id not in (-1, machine.device):
            raise RuntimeError(
                f"The device that the stream is created on ({self.device_id}) does not match "
                f"with the current device ({machine.device})"
            )
        if not hasattr(machine.local, "streams"):
            machine.local.streams = {}
        machine.local.streams[machine.device] = self.ptr
        return self

    @property
    def done(self):
        return not self.machine.sticky and not self.machine.queue(self.ptr).ops

    def synchronize(self):
        machine = self.machine
        with machine.lock:
            machine.check()
            machine.queue(self.ptr).run()
            machine.check()

    def begin_capture(self, mode=None):
        machine = self.machine
        machine.check()
        if not self.ptr:
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if machine.is_hip:  # as CuPy 13
            raise RuntimeError("This function is not supported on HIP")
        machine.queue(self.ptr).captured = []

    def end_capture(self):
        machine = self.machine
        queue = machine.queue(self.ptr)
        work, queue.captured = queue.captured, None
        machine.check()
        return Graph(machine, work)

    def wait_event(self, event):
        machine = self.machine
        with machine.lock:
            machine.check()
            record = machine.events[event.ptr]
            queue, number = record.queue, record.number
            if queue is not None:
                machine.queue(self.ptr).put(lambda: queue.run(number))


class Graph:
    """`cupy.cuda.Graph`."""

    def __init__(self, machine, work):
        self._machine, self._work = machine, work

    def launch(self, stream=None):
        machine = self._machine
        with machine.lock:
            machine.check()
            machine.graphs += 1
            queue = machine.current() if stream is None else machine.queue(stream.ptr)
            for work in self._work:
                queue.put(work)


class Event:
    """`cupy.cuda.Event`."""

    machine: Machine

    def __init__(self, block=False, disable_timing=False, interprocess=False):
        machine = self.machine
        machine.bind()
        self.ptr = machine.handle()
        machine.events[self.ptr] = EventRecord(machine.device)

    def record(self, stream=None):
        machine = self.machine
        with machine.lock:
            machine.check()
            record = machine.events[self.ptr]
            queue = machine.current() if stream is None else machine.queue(stream.ptr)
            if queue.device != record.device:
                raise CUDARuntimeError(INVALID_HANDLE)
            mark = record.mark = object()
            record.happened, record.queue = False, queue

            def happen():
                if record.mark is mark:
                    record.happened, record.time = True, time.perf_counter()

            queue.put(happen)
            record.number = queue.last

    @property
    def done(self):
        return not self.machine.sticky and self.machine.events[self.ptr].happened

    def synchronize(self):
        machine = self.machine
        with machine.lock:
            machine.check()
            record = machine.events[self.ptr]
            if record.queue is not None:
                record.queue.run(record.number)
            machine.check()


def elapsed_time(machine):
    """Return `cupy.cuda.get_elapsed_time`."""

    def get_elapsed_time(start_event, end_event):
        first, second = (machine.events[e.ptr] for e in (start_event, end_event))
        if first.queue is None or second.queue is None:
            raise CUDARuntimeError(INVALID_HANDLE)
        if not (first.happened and second.happened):
            raise CUDARuntimeError(NOT_READY)
        return (second.time - first.time) * 1e3

    return get_elapsed_time


# ---- the driver

SIGNATURES = {  # as in cuda.h and hip_runtime_api.h
    "ModuleLoadData": "int(void **, const void *)",
    "ModuleLoadDataEx": "int(void **, const void *, unsigned, int *, void **)",
    "ModuleGetFunction": "int(void **, void *, const char *)",
    "ModuleGetGlobal": "int(void **, size_t *, void *, const char *)",
    "FuncGetAttribute": "int(int *, int, void *)",
    "FuncSetAttribute": "int(void *, int, int)",
    "FuncGetParamInfo": "int(void *, size_t, size_t *, size_t *)",
    "OccupancyMaxActiveBlocksPerMultiprocessor": "int(int *, void *, int, size_t)",
    "LaunchKernel": "int(void *, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, "
    "unsigned, void *, void **, void **)",
    "GetErrorName": "int(int, const char **)",
    "GetErrorString": "int(int, const char **)",
}
FULL_NAMES = {  # where they are not prefix and name
    "cu": {"ModuleGetGlobal": "cuModuleGetGlobal_v2"},
    "hip": {
        "LaunchKernel": "hipModuleLaunchKernel",
        "OccupancyMaxActiveBlocksPerMultiprocessor":
            "hipModuleOccupancyMaxActiveBlocksPerMultiprocessor",
    },
}  # fmt: skip
NOT_IN_HIP = ("ModuleLoadDataEx", "FuncSetAttribute", "FuncGetParamInfo")


class LoadedFunction:
    """A kernel, as the driver sees it."""

    def __init__(self, module, name, device):
        self.module, self.name, self.device = module, name, device
        self.parameters = module.kernels[name]
        self.shared = PLAIN_SHARED  # dynamic, that launches may ask for


class DriverLibrary:
    """The driver's library, loaded: functions of C that cffi calls. A module's code is its text."""

    def __init__(self, machine, prefix):
        self._machine = machine
        self._ffi = ffi = cffi.FFI()
        self._texts = {}
        self._keep = []
        for name, signature in SIGNATURES.items():
            own = getattr(self, "_" + name)
            if prefix == "hip" and name in NOT_IN_HIP:
                continue
            if name == "FuncGetParamInfo" and machine.driver < 12040:
                continue
            if name.startswith("GetError") and prefix == "hip":
                signature, own = "const char *(int)", getattr(self, "_hip" + name)
            full = FULL_NAMES[prefix].get(name, f"{prefix}{name}")
            error = 999 if signature.startswith("int") else ffi.NULL
            setattr(self, full, ffi.callback(signature, own, error=error))

    def _ready(self):
        if self._machine.sticky:
            return self._machine.sticky
        return SUCCESS if self._machine.is_bound else INVALID_CONTEXT

    def _at(self, table, handle):
        return table[int(self._ffi.cast("uintptr_t", handle))]

    def _ModuleLoadData(self, module, image):
        if status := self._ready():
            return status
        text = self._ffi.string(self._ffi.cast("char *", image)).decode()
        if text.startswith((".version", "\x7fELF")):
            return INVALID_PTX
        handle = self._machine.handle()
        self._machine.modules[handle] = (*load_code(text), self._machine.device)
        module[0] = self._ffi.cast("void *", handle)
        return SUCCESS

    def _ModuleLoadDataEx(self, module, image, count, options, values):
        told = {options[k]: values[k] for k in range(count)}
        status = self._ModuleLoadData(module, image)
        if status == INVALID_PTX and 5 in told:
            text = b"ptxas application ptx input, line 1; fatal   : the stand-in has no PTX\0"
            size = int(self._ffi.cast("uintptr_t", told[6]))
            self._ffi.memmove(told[5], text, min(size, len(text)))
        return status

    def _ModuleGetFunction(self, function, module, name):
        found, symbols, device = self._at(self._machine.modules, module)
        text = self._ffi.string(name).decode()
        text = symbols.get(text) if symbols else text
        if text not in found.kernels:
            return NOT_FOUND
        handle = self._machine.handle()
        self._machine.functions[handle] = LoadedFunction(found, text, device)
        function[0] = self._ffi.cast("void *", handle)
        return SUCCESS

    def _ModuleGetGlobal(self, address, size, module, name):
        if status := self._ready():
            return status
        machine = self._machine
        found, symbols, device = self._at(machine.modules, module)
        try:
            place, nbytes = found.variable(symbols.get(self._ffi.string(name).decode(), ""))
        except ValueError:
            return NOT_FOUND
        machine.allocations.setdefault(place, Window(device, place, nbytes))
        address[0], size[0] = self._ffi.cast("void *", place), nbytes
        return SUCCESS

    def _FuncGetAttribute(self, value, attribute, function):
        if status := self._ready():
            return status
        found = self._at(self._machine.functions, function)
        numbers = (1024, self._machine.static_bytes, 16, 0, 32, 90, 90, 0, found.shared)
        if not 0 <= attribute < len(numbers):
            return INVALID_VALUE
        value[0] = numbers[attribute]
        return SUCCESS

    def _FuncSetAttribute(self, function, attribute, value):
        if status := self._ready():
            return status
        found = self._at(self._machine.functions, function)
        if attribute != 8 or not 0 <= value <= MOST_SHARED - self._machine.static_bytes:
            return INVALID_VALUE
        found.shared = value
        return SUCCESS

    def _FuncGetParamInfo(self, function, index, offset, size):
        sizes = [
            parameter.size for parameter in self._at(self._machine.functions, function).parameters
        ]
        if index >= len(sizes):
            return INVALID_VALUE
        offset[0], size[0] = sum(sizes[:index]), sizes[index]
        return SUCCESS

    def _OccupancyMaxActiveBlocksPerMultiprocessor(self, blocks, function, threads, shared):
        if status := self._ready():
            return status
        found = self._at(self._machine.functions, function)
        if shared > found.shared:
            blocks[0] = 0
        else:
            blocks[0] = min(2048 // threads, (MOST_SHARED // shared) if shared else 32, 32)
        return SUCCESS

    def _LaunchKernel(self, function, gx, gy, gz, bx, by, bz, shared, stream, arguments, extra):
        machine, ffi = self._machine, self._ffi
        if status := self._ready() or machine.launch_status:
            machine.launch_status = 0
            return status
        found = self._at(machine.functions, function)
        if not (1 <= gx < 1 << 31 and 1 <= gy <= 65535 and 1 <= gz <= 65535):
            return INVALID_VALUE
        if not (1 <= bx * by * bz <= 1024 and bz <= 64) or shared > found.shared:
            return INVALID_VALUE
        if extra != ffi.NULL or found.device != machine.device:
            return INVALID_HANDLE
        with machine.lock:
            try:
                queue = machine.queue(int(ffi.cast("uintptr_t", stream)))
            except CUDARuntimeError as error:
                return error.status
            if queue.device != found.device:
                return INVALID_HANDLE
            values = [ffi.buffer(arguments[k], p.size)[:] for k, p in enumerate(found.parameters)]
            machine.launches += 1

            def run():
                if machine.crash:
                    machine.sticky = LAUNCH_FAILURE
                    return
                grid, block = (gx, gy, gz), (bx, by, bz)
                found.module.run(found.name, grid, block, values, shared, threads=1)

            queue.put(run)
        return SUCCESS

    def _words(self, status, which):
        if status not in WORDS:
            return self._ffi.NULL
        name, words = WORDS[status]
        key = status, which
        if key not in self._texts:
            text = words if which else "CUDA_ERROR_" + name.upper()
            self._texts[key] = self._ffi.new("char[]", text.encode())
        return self._texts[key]

    def _GetErrorName(self, status, text):
        text[0] = self._words(status, 0)
        return SUCCESS if status in WORDS else INVALID_VALUE

    def _GetErrorString(self, status, text):
        text[0] = self._words(status, 1)
        return SUCCESS if status in WORDS else INVALID_VALUE

    def _hipGetErrorName(self, status):
        return self._words(status, 0)

    def _hipGetErrorString(self, status):
        return self._words(status, 1)


# ---- kernels

_loaded = {}
_FOLDER = Path(tempfile.gettempdir(), f"devarray-standin-{os.getuid()}")


def _translated(source, *rest, original=host_text.host_text):
    """Return `host_text` of a kernel, which takes it a fifth of a second: kept on disk."""
    key = hashlib.sha256(repr((source, rest, _version())).encode()).hexdigest()
    path = _FOLDER / key
    with contextlib.suppress(FileNotFoundError):
        return path.read_text()
    text = original(source, *rest)
    _FOLDER.mkdir(mode=0o700, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)
    return text


def _version(cache=[]):  # noqa: B006 - read once
    if not cache:
        folder = Path(host_text.__file__).parent
        paths = [*sorted(folder.glob("*.py")), *sorted(folder.glob("include/host_*"))]
        cache.append(hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest())
    return cache[0]


def load(text, names=(), flags=()):
    """Return a module of kernels, which are compiled without optimisation.

    Those without variables are made once: each module has variables of its own.
    """
    key = text, names, flags, included(text, flags)
    if key not in _loaded or _loaded[key]._variables:
        original = host_grid.host_text
        host_grid.host_text = _translated
        try:
            _loaded[key] = host_grid.HostModule(text, names, ("-O0", *flags))
        finally:
            host_grid.host_text = original
    return _loaded[key]


# ---- compilers of users' texts, whose code is the text behind a line about it

_RAW = "//raw "


def load_code(code):
    """Return the module that code stands for, and what its symbols are called there."""
    if not code.startswith(_RAW):
        return load(code), None
    line, _, text = code.partition("\n")
    told = json.loads(line.removeprefix(_RAW))
    module = load(text, tuple(told["instances"]), tuple(told["flags"]))
    return module, told["symbols"]


def compile_text(text, options, names):
    """Return code, and the symbol of each name: none is called as in the text."""
    flags = tuple(option for option in options if option.startswith(("-D", "-I")))
    instances = [name for name in names if "<" in name]
    module = load(text, tuple(instances), flags)  # errors of the text show now
    symbols, lowered = {}, {}
    for name in names:
        plain = name if name in module.kernels else name.lstrip("&").rpartition("::")[2]
        lowered[name] = "_Z" + name.encode().hex()
        symbols[lowered[name]] = plain
    symbols |= {name: name for name in module.kernels if name not in symbols.values()}
    told = {"instances": instances, "flags": flags, "symbols": symbols}
    return f"{_RAW}{json.dumps(told)}\n{text}".encode(), lowered


class StandinNvrtc:
    """What `devarray.kernels.nvrtc.Nvrtc` is; it notes what it was told."""

    # what is kept on disk is of one state of our own translation
    path, version = "libnvrtc.so.13", (13, 0, f"stand-in-{_version()[:12]}")

    def __init__(self):
        self.told = []

    def build(self, source, name, arch, options=(), expressions=()):
        self.told.append((arch, tuple(options), tuple(expressions)))
        code, names = compile_text(source, options, expressions)
        return Program(code, "", names)


class NVRTCError(RuntimeError):
    """An error of hiprtc's."""


class Hiprtc:
    """`cupy.cuda.nvrtc` of a ROCm build."""

    NVRTCError = NVRTCError

    def __init__(self):
        self.programs, self.told = {}, []

    def getVersion(self):
        return 7, 0, f"stand-in-{_version()[:12]}"

    def createProgram(self, src, name, headers, include_names):
        self.programs[len(self.told) + 1] = program = types.SimpleNamespace(src=src, names=[])
        self.told.append(program)
        return len(self.told)

    def addNameExpression(self, prog, name):
        self.programs[prog].names.append(name)

    def compileProgram(self, prog, options):
        program = self.programs[prog]
        program.options = options
        missing = [name for name in program.names if name.endswith("missing")]
        program.log = f"no {missing[0]}" if missing else ""
        if missing:
            raise NVRTCError("HIPRTC_ERROR_COMPILATION (6)")
        program.code, program.lowered = compile_text(program.src, options, program.names)

    def getProgramLog(self, prog):
        return self.programs[prog].log

    def getLoweredName(self, prog, name):
        return self.programs[prog].lowered[name]

    def getPTX(self, prog):
        return self.programs[prog].code

    def destroyProgram(self, prog):
        del self.programs[prog]
