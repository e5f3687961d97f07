"""Raw kernels on the devices `cuda` and `hip`: modules of the driver. See `devarray.modules`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devarray.backends._cupy_text import Declarations, compile_raw
from devarray.config import current
from devarray.errors import CompileError, DeviceError, UnsupportedError
from devarray.kernels.signatures import Parameter
from devarray.modules import Attributes, Limits, RawCall, RawCode, RawSource

if TYPE_CHECKING:
    from devarray.backends._cupy import CupyDevice

__all__ = ["CupyCode", "limits_of"]

# Numbers of errors, as both runtimes have them
TOO_MANY_RESOURCES = 701
_OF_CODE = {
    200: "it is no PTX, cubin or code object",
    209: "it is for other GPUs",
    218: "it is PTX that does not compile",
    222: "it is PTX of a later CUDA than the driver's",
}
# Those that tell of earlier work, and stay
_EARLIER = {700, 702, 710, *range(714, 720)}
_UNKNOWN_SIZES = (1, 2, 4, 8)  # what may be a number or a pointer


def limits_of(facts: dict[str, Any]) -> Limits:
    """Return what launches may ask for, given a device's properties as CuPy has them."""
    shared = facts.get("sharedMemPerBlockOptin") or facts["sharedMemPerBlock"]
    threads = int(facts["maxThreadsPerBlock"])
    bx, by, bz = map(int, facts["maxThreadsDim"])
    gx, gy, gz = map(int, facts["maxGridSize"])
    return Limits(threads, (bx, by, bz), (gx, gy, gz), int(shared))


@dataclass(slots=True)
class _Function:
    """A kernel, once it was looked for."""

    handle: Any
    sizes: tuple[int, ...] | None
    parameters: tuple[Parameter, ...] | None
    static_bytes: int
    allowed: int  # dynamic shared memory that it may be launched with


class CupyCode(RawCode):
    """See `devarray.modules.RawCode`.

    Text is compiled with the setting `fast_math` of the moment; the module stays as it is then, for
    it has the values of its variables.

    Parameters
    ----------
    device : CupyDevice
    source : RawSource

    Raises
    ------
    CompileError
        If a text, or PTX, does not compile, or if a binary is none of this GPU's.
    """

    def __init__(self, device: CupyDevice, source: RawSource) -> None:
        if source.engine != "auto":
            raise UnsupportedError(f"{device.name} cannot run raw kernels by {source.engine!r}")
        self._device = device
        self._declared = Declarations(source.text)
        self._names: dict[str, str] = {}
        code = source.code
        if not code:
            fast = device.dialect.raw_fast if current().fast_math else ()
            compiled = compile_raw(source, self._declared, device.raw_compiler, device.cache, fast)
            code, self._names = compiled
        self._entries = _entries(code)
        self._functions: dict[str, _Function] = {}
        device.use()
        self._module = self._load(code)

    def _load(self, code: bytes) -> Any:
        """Return the driver's module, which stays: a kernel may always be waiting in a stream."""
        device = self._device
        module, status, log = device.driver.load_text(code + b"\0")
        if status in _OF_CODE:
            raise CompileError(
                f"{device.name} ({device.architecture}) does not load this: {_OF_CODE[status]}",
                log=log,
                source=code.decode(errors="replace") if _is_ptx(code) else "",
            )
        device.driver.check(status, f"loading raw kernels for {device.architecture}")
        return module

    def _function(self, name: str) -> _Function:
        found = self._functions.get(name)
        if found is None:
            device = self._device
            device.use()
            driver = device.driver
            expression = self._declared.kernels.get(name, name)
            lowered = self._names.get(name) or self._names.get(expression, name)
            handle = driver.find(self._module, lowered)
            if handle is None:  # headers and macros may have made it
                other = _mangled(name, self._entries)
                handle = driver.find(self._module, other) if other else None
            if handle is None:
                raise ValueError(f"no kernel {name!r} in the module{self._kernels(name)}")
            sizes = driver.parameter_sizes(handle)
            parameters = _known(self._declared.parameters(name), sizes)
            static = driver.attribute(handle, 1, name)
            allowed = max(0, device.plain_shared_bytes - static)
            found = self._functions[name] = _Function(handle, sizes, parameters, static, allowed)
        return found

    def _kernels(self, name: str) -> str:
        """Return a sentence on the kernels that there are."""
        plain = name.partition("<")[0].rpartition("::")[2]
        names = {lowered: name for name, lowered in self._names.items() if name[0] != "&"}
        listed = [*names.values(), *(entry for entry in self._entries if entry not in names)]
        text = f"; it has {', '.join(listed)}" if listed else ", it has none that is known"
        if plain in self._declared.templates:
            text += f'. {plain} is a template: name instances, such as names=["{plain}<float>"]'
        return text

    def parameters(self, name: str) -> tuple[Parameter, ...] | None:
        """See `devarray.modules.RawCode`."""
        return self._function(name).parameters

    def launch(self, name: str, call: RawCall) -> None:
        """See `devarray.modules.RawCode`."""
        function = self._function(name)
        device, driver = self._device, self._device.driver
        if function.sizes is not None:
            _check_values(name, function.sizes, call.values)
        device.use()
        self._allow(name, function, call.shared_bytes)
        stream = device.stream_of_launch(call.reads, call.writes)
        status = driver.launch_grid(
            function.handle, call.grid, call.block, call.shared_bytes, stream, call.values
        )
        if status:
            what = f"launching the kernel {name} over a grid of {call.grid}, blocks of {call.block}"
            try:
                driver.check(status, f"{what} and {call.shared_bytes} bytes of shared memory")
            except DeviceError as error:
                raise DeviceError(f"{error}{self._reason(name, status)}") from None
        device.last_kernel = name

    def _reason(self, name: str, status: int) -> str:
        """Return what is known of the reason of a failure."""
        if status == TOO_MANY_RESOURCES:
            facts = self.attributes(name)
            return (
                f". It takes {facts.num_regs} registers of a thread and {facts.shared_size_bytes} "
                f"bytes of static shared memory: a block has at most {facts.max_threads_per_block} "
                "threads"
            )
        if status in _EARLIER:
            last = self._device.last_kernel or "none"
            return (
                f". What failed is work from before: the last kernel launched was {last}. After "
                "most such errors the process cannot use the device any more"
            )
        return ""

    def _allow(self, name: str, function: _Function, nbytes: int) -> None:
        """Make a launch with so much dynamic shared memory possible."""
        if nbytes <= function.allowed:
            return
        device = self._device
        most = device.limits.shared_bytes
        if function.static_bytes + nbytes > most:
            raise ValueError(
                f"kernel {name} has {function.static_bytes} bytes of static shared memory, which "
                f"with {nbytes} of dynamic are more than the {most} of {device.name}"
            )
        device.driver.allow_shared(function.handle, nbytes, name)
        function.allowed = nbytes

    def variable(self, name: str) -> tuple[int, int]:
        """See `devarray.modules.RawCode`."""
        device = self._device
        device.use()
        expression = self._declared.variables.get(name, f"&{name}")
        found = device.driver.variable(self._module, self._names.get(expression, name))
        if found is None:
            names = [known[1:] for known in self._names if known[0] == "&"]
            listed = f"; it has {', '.join(names)}" if names else ", it has none that is known"
            raise ValueError(f"no variable {name!r} in the module{listed}")
        return found

    def attributes(self, name: str) -> Attributes:
        """See `devarray.modules.RawCode`."""
        function, device = self._function(name), self._device
        device.use()
        numbers = range(len(Attributes._fields))  # in the order of the driver's
        return Attributes(*(device.driver.attribute(function.handle, k, name) for k in numbers))

    def blocks_at_once(self, name: str, threads: int, shared_bytes: int) -> int:
        """See `devarray.modules.RawCode`."""
        function, device = self._function(name), self._device
        device.use()
        self._allow(name, function, shared_bytes)
        return device.driver.blocks_at_once(function.handle, threads, shared_bytes, name)


def _is_ptx(code: bytes) -> bool:
    return re.match(rb"\s*(?://[^\n]*\s*)*\.version", code) is not None


def _entries(code: bytes) -> list[str]:
    """Return the names of kernels that stand in PTX, a cubin or a code object, for messages."""
    if _is_ptx(code):
        found = re.findall(rb"\.entry\s+([\w$]+)", code)
    else:  # names of sections in a cubin, of kernel descriptors in a code object
        found = re.findall(rb"(?<=\0\.text\.)[\w$]+(?=\0)|(?<=\0)[\w$]+(?=\.kd\0)", code)
    return [name.decode() for name in dict.fromkeys(found)]


def _mangled(name: str, entries: Sequence[str]) -> str:
    """Return the one entry that C++ makes of a function's name, or ""."""
    found = [entry for entry in entries if re.match(f"_Z{len(name)}{re.escape(name)}(?!I)", entry)]
    return found[0] if len(found) == 1 else ""


def _known(
    declared: tuple[Parameter, ...] | None, sizes: tuple[int, ...] | None
) -> tuple[Parameter, ...] | None:
    """Return parameters as the text declares them, where what the driver says agrees."""
    if sizes is None:
        return declared
    if declared is None or len(declared) != len(sizes):
        declared = (Parameter("?", 0),) * len(sizes)
    known = []
    for parameter, size in zip(declared, sizes, strict=True):
        if parameter.kind == "?" or parameter.size != size:
            kind = "?" if size in _UNKNOWN_SIZES else "s"
            parameter = Parameter(kind, size, name=parameter.name)
        known.append(parameter)
    return tuple(known)


def _check_values(name: str, sizes: tuple[int, ...], values: tuple[bytes, ...]) -> None:
    """Raise unless the values are what a kernel reads: the driver copies whatever lies there."""
    if len(values) != len(sizes):
        raise TypeError(f"kernel {name} takes {len(sizes)} arguments, {len(values)} were given")
    for k, (size, value) in enumerate(zip(sizes, values, strict=True)):
        if len(value) != size:
            raise TypeError(
                f"argument {k} of kernel {name} has {len(value)} bytes, and the kernel takes {size}"
            )
