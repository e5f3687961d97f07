"""Raw kernels on OpenCL devices, by dpctl: `opencl_kernels` behind the protocol of `modules`.

The processor is such a device, too, and shares the memory of the process.
"""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from devarray.backends.opencl import build_log
from devarray.config import current
from devarray.device import Block
from devarray.errors import CompileError, DeviceError, UnsupportedError
from devarray.kernels.opencl_kernels import NOTHING, Entry, OpenclText, opencl_text
from devarray.kernels.signatures import Parameter
from devarray.kernels.source_text import expanded, signatures
from devarray.modules import Attributes, RawCall, RawCode, RawSource

__all__ = ["OpenclCode", "Put", "processor_code"]

_Sizes = tuple[int, int, int]
# Does a piece of work, which is given a queue and reads and writes blocks, on the current stream
Put = Callable[[Sequence[Block], Sequence[Block], Callable[[Any], None]], None]

_STANDARD = "-cl-std=CLC++2021"
_OPTIONS = f"{_STANDARD} -cl-uniform-work-group-size"
_EXACT = "-cl-fp32-correctly-rounded-divide-sqrt"
_FAST = "-cl-mad-enable"
_BYTES = (64, 256, 4096)  # of `da_Bytes0` and so on
_FAILURES = {1: "assertion failed", 2: "trap"}
_USUAL_BLOCKS = (1 << 21) - 1  # of a grid, along each axis: see DA_LIMIT
_HUGE_BYTES = 1 << 31
_MOST_PLANS = 1000
_RECURSION = re.compile(r"recursive call in function:\s*\n\s*(\S+)")


class _Variant(NamedTuple):
    """What a program is built for.

    Attributes
    ----------
    fast : bool
        Whether with fast mathematics.
    huge : bool
        Whether for launches in which 32-bit sums of indices may wrap.
    flat : tuple of int
        Sizes of the first axes of the blocks, if they are launched as one axis.
    """

    fast: bool = False
    huge: bool = False
    flat: tuple[int, ...] = ()


class _Slot(NamedTuple):
    """A kernel, as it is loaded.

    Attributes
    ----------
    entry : Entry
    kernel : dpctl.program.SyclKernel
    nbytes : int
        Of its arguments.
    shared_bytes : int
        Of its shared arrays, without those that launches size.
    offsets : tuple of int
        Where each parameter lies among the arguments.
    parameters : tuple of Parameter
    """

    entry: Entry
    kernel: Any
    nbytes: int
    shared_bytes: int
    offsets: tuple[int, ...]
    parameters: tuple[Parameter, ...]


def _compiler_options(options: Sequence[str]) -> Iterator[str]:
    """Return what OpenCL's compiler understands of the options for compilers of GPU code."""
    return (option for option in options if option.startswith(("-D", "-I")))


class _Program:
    """A source, built as one variant."""

    def __init__(self, code: OpenclCode, variant: _Variant) -> None:
        self._dpctl = code.dpctl
        defines = ["DA_HUGE"] if variant.huge else []
        if variant.flat:
            x, y = variant.flat
            defines += [f"DA_FLAT_X {x}ul", f"DA_FLAT_Y {y}ul"]
        source = code.source
        written = expanded(source.text, source.options)
        self.text = opencl_text(written, source.names, defines)
        fast = variant.fast or "--use_fast_math" in source.options
        options = " ".join(
            [_OPTIONS, _FAST if fast else _EXACT, *_compiler_options(source.options)]
        )
        self._program = _built(code, self.text, options)
        self.slots: dict[str, _Slot] = {}
        self.variables: dict[str, tuple[int, int]] = {}
        self._declared = signatures(written)
        self._read_table(code.queue)
        self.copier = self._program.get_sycl_kernel("da_copy")

    def _read_table(self, queue: Any) -> None:
        entries, variables = self.text.entries, self.text.variables
        count = sum(2 + 6 * len(entry.parameters) for entry in entries) + 2 * len(variables) + 1
        memory = self._dpctl.memory.MemoryUSMDevice(8 * count, queue=queue)
        argument = self._dpctl.RawKernelArg(np.uint64(memory._pointer).tobytes())
        table = self._program.get_sycl_kernel("da_table")
        queue.submit_async(table, [argument], [1], [1]).wait()
        numbers = iter(np.frombuffer(memory.copy_to_host(), np.uint64).tolist())
        for entry in entries:
            bucket, shared = next(numbers), next(numbers)
            rows = [[next(numbers) for _ in range(6)] for _ in entry.parameters]
            if bucket == NOTHING:
                continue
            parameters = tuple(
                Parameter(
                    chr(kind), size, chr(target) if target else "", target_size, bool(fixed), name
                )
                for name, (kind, size, _, target, target_size, fixed) in zip(
                    entry.parameters, rows, strict=True
                )
            )
            named = self._declared.get(entry.name.split("<")[0].rpartition("::")[2], ())
            if len(named) == len(parameters):  # whose vectors are known from the text
                pairs = zip(parameters, named, strict=True)
                parameters = tuple(replace(told, element=one.element) for told, one in pairs)
            offsets = tuple(row[2] for row in rows)
            kernel = self._program.get_sycl_kernel(entry.symbol)
            self.slots[entry.name] = _Slot(
                entry, kernel, _BYTES[bucket], shared, offsets, parameters
            )
        for name in variables:
            address, nbytes = next(numbers), next(numbers)
            if address != NOTHING:
                self.variables[name] = address, nbytes
        self.failure = next(numbers)

    def copy(self, queue: Any, target: int, source: int, nbytes: int) -> None:
        """Put a copy of a variable into a queue."""
        numbers = (target, source, nbytes)
        arguments = [self._dpctl.RawKernelArg(np.uint64(n).tobytes()) for n in numbers]
        queue.submit_async(self.copier, arguments, [1], [1])

    def failed(self, queue: Any) -> list[int]:
        """Wait, and return what `da_failure` says; it is cleared."""
        dpctl = self._dpctl
        memory = dpctl.memory.MemoryUSMDevice(64, queue=queue)
        memory.memset()
        self.copy(queue, memory._pointer, self.failure, 32)
        self.copy(queue, self.failure, memory._pointer + 32, 32)
        queue.wait()
        return np.frombuffer(memory.copy_to_host(), np.uint32)[:8].tolist()  # type: ignore[no-any-return]


class _Plan(NamedTuple):
    """How a kernel is launched with blocks and a grid of certain sizes.

    Attributes
    ----------
    program, slot
        What is launched.
    total, local : list of int
        Threads, and threads of a block, along each axis of SYCL.
    others : tuple of str
        Variables that are copied to the program, and back.
    """

    program: _Program
    slot: _Slot
    total: list[int]
    local: list[int]
    others: tuple[str, ...]


def _built(code: OpenclCode, text: OpenclText, options: str) -> Any:
    dpctl = code.dpctl
    name = code.queue.sycl_device.name
    try:
        return dpctl.program.create_program_from_source(code.queue, text.text, options)
    except dpctl.program.SyclProgramCompilationError as error:
        reason = str(error)
    log = build_log(text.text, options, name) or reason
    found = _RECURSION.search(log)
    if found:
        raise UnsupportedError(
            "OpenCL has no functions that call themselves, directly or through others: "
            "run the kernel on a GPU (device cuda or hip), or on device openmp without "
            "backend='opencl'"
        )
    trial = "__kernel void trial(ulong x) {}"
    try:
        dpctl.program.create_program_from_source(code.queue, trial, _STANDARD)
    except dpctl.program.SyclProgramCompilationError:
        raise UnsupportedError(
            f"the OpenCL compiler of {name.strip()} does not take C++ for OpenCL 2021, which raw "
            "kernels are translated to: use another driver, or device openmp"
        ) from None
    command = f"C++ for OpenCL, {options}, for {name.strip()}"
    raise CompileError("a raw kernel did not compile", command, log, code.source.text)


class OpenclCode(RawCode):
    """See `devarray.modules.RawCode`.

    Parameters
    ----------
    source : RawSource
    dpctl : module
    queue : dpctl.SyclQueue
        In order; of the device that the source is loaded on.
    put : callable
        Does a piece of work, which is given a queue, on the current stream.
    """

    def __init__(self, source: RawSource, dpctl: Any, queue: Any, put: Put) -> None:
        if source.code:
            raise UnsupportedError(
                "OpenCL cannot run PTX or binaries for other devices: give the kernel's text"
            )
        self.source = source
        self.dpctl = dpctl
        self.queue = queue
        self._put = put
        self._programs: dict[_Variant, _Program] = {}
        self._plans: dict[tuple[str, _Sizes, _Sizes, bool, bool], _Plan] = {}
        self._main = self._program(_Variant(current().fast_math))

    def _program(self, variant: _Variant) -> _Program:
        found = self._programs.get(variant)
        if found is None:
            found = self._programs[variant] = _Program(self, variant)
        return found

    def _slot(self, name: str) -> _Slot:
        slots = self._main.slots
        inside = [kernel for kernel in slots if kernel.endswith(f"::{name}")]
        if name not in slots and len(inside) == 1:  # in a namespace
            return slots[inside[0]]
        if name not in slots:
            has = f"it has {', '.join(slots)}" if slots else "it has none"
            raise ValueError(f"no kernel {name!r} in the module; {has}")
        return slots[name]

    def parameters(self, name: str) -> tuple[Parameter, ...]:
        """See `devarray.modules.RawCode`."""
        return self._slot(name).parameters

    def variable(self, name: str) -> tuple[int, int]:
        """See `devarray.modules.RawCode`."""
        variables = self._main.variables
        if name not in variables:
            has = f"it has {', '.join(variables)}" if variables else "it has none"
            raise ValueError(f"no variable {name!r} in the module; {has}")
        return variables[name]

    def attributes(self, name: str) -> Attributes:
        """See `devarray.modules.RawCode`."""
        slot = self._slot(name)
        constants = sum(nbytes for _, nbytes in self._main.variables.values())
        threads = min(1024, slot.kernel.work_group_size)
        return Attributes(threads, slot.shared_bytes, constants, slot.kernel.private_mem_size)

    def blocks_at_once(self, name: str, threads: int, shared_bytes: int) -> int:
        """Return 1: OpenCL does not tell, and a thread of a processor works on one block."""
        self._slot(name)
        return 1

    def launch(self, name: str, call: RawCall) -> None:
        """See `devarray.modules.RawCode`."""
        huge = any(block.nbytes >= _HUGE_BYTES for block in (*call.reads, *call.writes))
        key = (name, call.grid, call.block, current().fast_math, huge)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            plan = self._plans[key] = self._plan(*key)
        self._put(call.reads, call.writes, partial(self._run, plan, call))

    def _plan(self, name: str, grid: _Sizes, block: _Sizes, fast: bool, huge: bool) -> _Plan:
        entry = self._slot(name).entry
        if entry.refused:
            raise UnsupportedError(f"kernel {name}: {entry.refused}")
        threads = math.prod(grid) * math.prod(block)
        huge = huge or max(grid) > _USUAL_BLOCKS or threads >= _HUGE_BYTES
        several = entry.warps and block[1] * block[2] > 1
        program = self._program(_Variant(fast, huge, block[:2] if several else ()))
        if several:
            block = (math.prod(block), 1, 1)
        axes = max(k + 1 for k in range(3) if k == 0 or block[k] > 1 or grid[k] > 1)
        # the last axis of SYCL is the first one of OpenCL
        local = list(reversed(block[:axes]))
        total = [a * b for a, b in zip(reversed(grid[:axes]), local, strict=True)]
        others = () if program is self._main else tuple(self._main.variables)
        return _Plan(program, program.slots[self._slot(name).entry.name], total, local, others)

    def _run(self, plan: _Plan, call: RawCall, queue: Any) -> None:
        """Put a launch into a queue; wait for it if it may report a failure."""
        program, slot = plan.program, plan.slot
        for variable in plan.others:
            place, nbytes = self._main.variables[variable]
            program.copy(queue, program.variables[variable][0], place, nbytes)
        data = bytearray(slot.nbytes)
        for offset, value in zip(slot.offsets, call.values, strict=True):
            data[offset : offset + len(value)] = value
        arguments = [self.dpctl.RawKernelArg(data)]
        if slot.entry.dynamic:
            arguments.append(self.dpctl.LocalAccessor("u1", (max(call.shared_bytes, 1),)))
        name = slot.entry.name
        try:
            queue.submit_async(slot.kernel, arguments, plan.total, plan.local)
        except self.dpctl._sycl_queue.SyclKernelSubmitError as problem:
            raise DeviceError(f"kernel {name} could not be launched: {problem}") from None
        for variable in plan.others:
            place, nbytes = self._main.variables[variable]
            program.copy(queue, place, program.variables[variable][0], nbytes)
        if slot.entry.fails:
            self._report(name, program.failed(queue))

    def _report(self, name: str, failure: list[int]) -> None:
        what, line, *places = failure
        if what:
            block, thread = tuple(places[:3]), tuple(places[3:])
            lines = self.source.text.splitlines()
            text = lines[line - 1].strip() if 0 < line <= len(lines) else ""
            text = text[max(text.find("assert"), 0) :]
            raise DeviceError(
                f"kernel {name}, block {block}, thread {thread}, line {line}: "
                f"{_FAILURES[what]}: {text}"
            )


# ---- the processor, for arrays of the host -----------------------------------------------------

Do = Callable[[Sequence[Block], Sequence[Block], Callable[[], None]], None]


def processor_code(source: RawSource, do: Do) -> OpenclCode:
    """Return a source as it is loaded on the processor's OpenCL device; launches are waited for.

    Parameters
    ----------
    source : RawSource
    do : callable
        Does a piece of work, which reads and writes blocks, on the current stream.

    Raises
    ------
    UnsupportedError
        If there is no such device.
    """
    dpctl, queue = _processor()

    def put(reads: Sequence[Block], writes: Sequence[Block], work: Callable[[Any], None]) -> None:
        do(reads, writes, partial(_waited, queue, work))

    return OpenclCode(source, dpctl, queue, put)


def _waited(queue: Any, work: Callable[[Any], None]) -> None:
    work(queue)
    queue.wait()


@cache
def _processor() -> tuple[Any, Any]:
    """Return dpctl, and a queue of the processor's OpenCL device."""
    if importlib.util.find_spec("dpctl") is None:
        raise UnsupportedError(
            "backend='opencl' needs dpctl, which is not installed: pip install devarray[sycl]"
        )
    from devarray.backends.sycl import _dpctl  # noqa: PLC0415 - it imports this module

    dpctl = _dpctl()
    for device in dpctl.get_devices(device_type="cpu"):
        if device.has_aspect_usm_system_allocations:
            return dpctl, dpctl.SyclQueue(device, property="in_order")
    raise UnsupportedError(
        "backend='opencl' needs an OpenCL device for the processor that shares the memory of the "
        "process: pip install devarray[sycl] brings Intel's"
    )
