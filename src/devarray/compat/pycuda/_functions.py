"""PyCUDA's kernels and their arguments, over `devarray.RawKernel`."""

from __future__ import annotations

import operator
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from devarray.raw import RawKernel
from devarray.registry import get_device

from ._allocations import DeviceAllocation, PointerHolderBase, address_of, in_use, mem_alloc
from ._contexts import Context
from ._copies import host_bytes, memcpy_dtoh, memcpy_htod
from ._enums import func_cache, function_attribute, shared_config
from ._errors import InvalidValueError, LogicError, UnsupportedError, translated
from ._streams import Event, core_stream

__all__ = ["ArgumentHandler", "Function", "In", "InOut", "Out"]

_CODES = re.compile(r"(\d*)([bBhHiIlLqQnNfdFDPse?])")
_POINTER = "P"


class ArgumentHandler:
    """Base class of `In`, `Out` and `InOut`: a host array as an argument of a kernel.

    Parameters
    ----------
    ary : numpy.ndarray
        Contiguous.

    Attributes
    ----------
    array
        As given.
    """

    def __init__(self, ary: Any) -> None:
        self.array = ary
        self.dev_alloc: DeviceAllocation | None = None

    def get_device_alloc(self) -> DeviceAllocation:
        """Return the device memory that stands for the array."""
        if self.dev_alloc is None:
            if not hasattr(self.array, "nbytes"):
                raise TypeError(
                    f"{type(self).__name__} takes a host array, got {type(self.array).__name__}"
                )
            self.dev_alloc = mem_alloc(max(self.array.nbytes, 1))
        return self.dev_alloc

    def pre_call(self, stream: Any) -> None:
        """Do what comes before the launch."""

    def post_call(self, stream: Any) -> None:
        """Do what comes after the launch."""


class In(ArgumentHandler):
    """A host array that is copied to the device before the kernel runs."""

    def pre_call(self, stream: Any) -> None:
        """Copy the array to the device."""
        memcpy_htod(self.get_device_alloc(), self.array)


class Out(ArgumentHandler):
    """A host array that is filled from the device after the kernel has run."""

    def pre_call(self, stream: Any) -> None:
        """Refuse an array that cannot be filled, before anything runs."""
        host_bytes(self.array, write=True)

    def post_call(self, stream: Any) -> None:
        """Copy the array from the device."""
        memcpy_dtoh(self.array, self.get_device_alloc())


class InOut(In, Out):
    """A host array that is copied to the device before the kernel runs, and back after."""

    def pre_call(self, stream: Any) -> None:
        """Copy the array to the device."""
        Out.pre_call(self, stream)
        In.pre_call(self, stream)


class _Prepared(NamedTuple):
    """What `Function.prepare` was told of a parameter: a pointer, bytes, or a number's dtype."""

    code: str
    nbytes: int = 0
    dtype: np.dtype[Any] | None = None


def _prepared(arg_types: Any) -> list[_Prepared]:
    """Return what each of the codes, dtypes and classes says."""
    found: list[_Prepared] = []
    for kind in [arg_types] if isinstance(arg_types, str) else arg_types:
        if isinstance(kind, str):
            found += _from_codes(kind)
        elif isinstance(kind, np.dtype):
            found.append(_of_dtype(kind))
        elif isinstance(kind, type) and issubclass(kind, np.generic):
            found.append(_of_dtype(np.dtype(kind)))
        elif kind in (float, complex, int, bool):
            raise TypeError(
                f"{kind.__name__} does not say how many bytes the parameter has: use numpy.float32 "
                "or 'f', numpy.int32 or 'i' and so on"
            )
        else:
            found.append(_Prepared(_POINTER))
    return found


def _from_codes(text: str) -> Iterator[_Prepared]:
    place = 0
    while place < len(text):
        code = _CODES.match(text, place)
        if code is None:
            raise InvalidValueError(
                f"{text[place:]!r} is no code of a type: they are those of the module struct, P "
                "for pointers, F and D for complex numbers, 16s for a structure of 16 bytes"
            )
        place = code.end()
        count = int(code[1] or 1)
        if code[2] == "s":
            yield _Prepared("s", count)
        elif code[2] in "PN":
            yield from [_Prepared(_POINTER)] * count
        else:
            dtype: Any = np.dtype({"n": "l"}.get(code[2], code[2]))
            yield from [_Prepared(code[2], dtype.itemsize, dtype)] * count


def _of_dtype(dtype: np.dtype[Any]) -> _Prepared:
    if dtype.kind == "V":
        return _Prepared("s", dtype.itemsize)
    if dtype.kind not in "biufc":
        raise TypeError(f"a kernel has no parameters of {dtype}")
    return _Prepared(dtype.char, dtype.itemsize, dtype)


def _prepared_value(kind: _Prepared, value: Any) -> Any:
    """Return an argument as the type that was prepared, as `RawKernel` takes it."""
    dtype: Any = kind.dtype
    if kind.code == _POINTER:
        return _Pointer(0 if value is None else address_of(value))
    if dtype is None:
        data = value if isinstance(value, bytes) else np.asarray(value).tobytes()
        if len(data) > kind.nbytes:
            raise TypeError(f"{kind.nbytes} bytes were prepared, the value has {len(data)}")
        return np.void(data.ljust(kind.nbytes, b"\0"))
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if dtype.kind in "iu":
        value = operator.index(value)
        limits = np.iinfo(dtype)
        if not limits.min <= value <= limits.max:
            raise OverflowError(f"{value} is out of the range of {dtype}")
    elif dtype.kind == "f":
        value = float(value)
    return dtype.type(value)


class _Pointer(NamedTuple):
    """An address among arguments."""

    address: int


def _value(k: int, arg: Any, handlers: list[ArgumentHandler]) -> Any:
    """Return an argument of a call as `RawKernel` takes it, addresses as `_Pointer`."""
    if isinstance(arg, ArgumentHandler):
        handlers.append(arg)
        return _Pointer(int(arg.get_device_alloc()))
    if isinstance(arg, np.generic):
        return arg
    if isinstance(arg, np.ndarray):
        base: Any = arg.base
        if isinstance(base, PointerHolderBase):
            return _Pointer(address_of(arg))
        return arg[()] if arg.ndim == 0 else np.void(arg.tobytes())
    if type(arg) in (int, float, complex, bool):
        like = {int: "numpy.int32", float: "numpy.float32", complex: "numpy.complex64"}
        raise TypeError(
            f"argument {k} is a Python {type(arg).__name__}, whose size is not known: pass "
            f"{like.get(type(arg), 'numpy.bool_')}({arg!r}), or whatever the kernel declares"
        )
    try:
        return _Pointer(address_of(arg))
    except TypeError as error:
        raise TypeError(f"argument {k}: {error}") from None


def _for_kernel(value: Any, parameter: Any, source: Any, k: int) -> Any:
    """Return a value for a parameter: where its type is unknown, an address has its own."""
    kind = "?" if parameter is None else parameter.kind
    pointer = kind == "p"
    if isinstance(value, _Pointer):
        if kind != "?" and not pointer and (kind, parameter.size) not in _HOLDS_ADDRESS:
            raise TypeError(f"argument {k} is an address, and the kernel takes a number there")
        return value.address if pointer else np.uintp(value.address)
    if pointer:
        if isinstance(source, np.ndarray):
            raise TypeError(
                f"argument {k} is a host array: PyCUDA passes it by value, as a structure, and the "
                "kernel takes a pointer there. Pass driver.In(array), driver.Out(array) or "
                "driver.InOut(array), or copy it with gpuarray.to_gpu(array)"
            )
        if isinstance(value, (np.integer, np.void)) and value.itemsize == np.uintp().itemsize:
            return int(np.frombuffer(value.tobytes(), np.uintp)[0])
        raise TypeError(
            f"argument {k} is of {value.dtype}, and the kernel takes a pointer there: pass an "
            "allocation, a GPUArray, or an address as numpy.intp"
        )
    return value


_HOLDS_ADDRESS = {("u", 8), ("i", 8)}


class Function:
    """A kernel of a module; see `Module.get_function`.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat.pycuda import driver
    >>> from devarray.compat.pycuda.compiler import SourceModule
    >>> twice = SourceModule('''
    ... __global__ void twice(float *a) { a[threadIdx.x] *= 2; }
    ... ''').get_function("twice")
    >>> a = np.arange(3, dtype=np.float32)
    >>> twice(driver.InOut(a), block=(3, 1, 1))
    >>> a
    array([0., 2., 4.], dtype=float32)
    """

    def __init__(self, kernel: RawKernel) -> None:
        self._kernel = kernel
        self._prepared: list[_Prepared] | None = None

    @property
    def name(self) -> str:
        """The kernel's name."""
        return self._kernel.name

    def __call__(
        self,
        *args: Any,
        block: Sequence[int] | None = None,
        grid: Sequence[int] = (1, 1),
        stream: Any = None,
        shared: int = 0,
        texrefs: Sequence[Any] = (),
        time_kernel: bool = False,
        **unknown: Any,
    ) -> float | None:
        """Run the kernel.

        Parameters
        ----------
        *args
            NumPy scalars; device memory: allocations, arrays with ``gpudata``, `In`, `Out` and
            `InOut`, addresses as ``numpy.intp``; structures: ``numpy.void``, or host arrays, which
            are passed by value.
        block : sequence of int
            Threads of a block, along x, y and z.
        grid : sequence of int
            Blocks, along x, y and z. What follows a decimal point is dropped.
        stream : Stream, optional
            Without it the kernel runs after all that is in streams.
        shared : int
            Bytes of the ``extern __shared__`` array.
        texrefs : sequence
            Must be empty: there are no texture references.
        time_kernel : bool
            Wait for the kernel, and return the seconds that it took; not with a stream.

        Raises
        ------
        TypeError
            If the number of arguments is wrong, if one is a Python number, or does not fit what the
            kernel declares.
        ValueError
            If `block` is missing, or if there are unknown keywords.
        LogicError
            If grid, block or shared memory are not within the device's limits.
        LaunchError
            If the kernel fails while it is waited for.
        """
        if unknown:
            raise ValueError(
                f"unknown keywords {', '.join(unknown)}: a kernel takes block, grid, stream, "
                "shared, texrefs and time_kernel"
            )
        if block is None:
            raise ValueError("the block size is missing: pass block=(x, y, z)")
        if time_kernel and stream is not None:
            raise ValueError("time_kernel needs the null stream: time with events in a stream")
        _no_textures(texrefs)
        handlers: list[ArgumentHandler] = []
        values = [_value(k, arg, handlers) for k, arg in enumerate(args)]
        for handler in handlers:
            handler.pre_call(stream)
        if time_kernel:
            Context.synchronize()
        start = time.perf_counter()
        self._launch(grid, block, values, args, shared, stream)
        if time_kernel:
            Context.synchronize()
        seconds = time.perf_counter() - start
        for handler in handlers:
            handler.post_call(stream)
        return seconds if time_kernel else None

    def _launch(
        self,
        grid: Any,
        block: Any,
        values: list[Any],
        args: Sequence[Any],
        shared: int,
        stream: Any,
    ) -> None:
        device = get_device()
        core = core_stream(stream, device)
        with translated():
            parameters = self._kernel.parameters(device)
            if parameters is None or len(parameters) != len(values):
                declared: Any = [None] * len(values)
            else:
                declared = parameters
            sources = zip(values, declared, args, strict=True)
            given = [_for_kernel(value, p, arg, k) for k, (value, p, arg) in enumerate(sources)]
            try:
                self._kernel(_sizes(grid), _sizes(block, True), given, shared, core)
            except ValueError as error:
                raise InvalidValueError(str(error)) from None
        if not core.done:
            in_use.hold(args, device)

    # ---- prepared calls --------------------------------------------------------------------------

    def prepare(self, arg_types: Any, texrefs: Sequence[Any] = ()) -> Function:
        """Say which types the parameters have, so that prepared calls take Python numbers.

        Parameters
        ----------
        arg_types : str or sequence
            Codes of the module `struct` (``"PPif"``), and ``P`` for pointers, ``F`` and ``D`` for
            complex numbers; dtypes; anything else stands for a pointer.
        texrefs : sequence
            Must be empty: there are no texture references.

        Returns
        -------
        Function
            This one.

        Raises
        ------
        TypeError
            For Python's number types, whose size says nothing.
        """
        _no_textures(texrefs)
        self._prepared = _prepared(arg_types)
        return self

    def _values(self, args: Sequence[Any]) -> list[Any]:
        if self._prepared is None:
            raise LogicError(f"kernel {self.name} was not prepared: call prepare() first")
        if len(args) != len(self._prepared):
            raise TypeError(
                f"{len(self._prepared)} arguments were prepared for kernel {self.name}, "
                f"{len(args)} were given"
            )
        values = []
        for k, (kind, arg) in enumerate(zip(self._prepared, args, strict=True)):
            try:
                values.append(_prepared_value(kind, arg))
            except (TypeError, ValueError, OverflowError) as error:
                raise type(error)(f"argument {k} of kernel {self.name}: {error}") from None
        return values

    def prepared_call(self, grid: Any, block: Any, *args: Any, shared_size: int = 0) -> None:
        """Run the kernel with the types that were prepared.

        Parameters
        ----------
        grid, block : sequence of int
        *args
            Python or NumPy numbers, and pointers.
        shared_size : int
            Bytes of the ``extern __shared__`` array.
        """
        self._launch(grid, block, self._values(args), args, shared_size, None)

    def prepared_async_call(
        self, grid: Any, block: Any, stream: Any, *args: Any, shared_size: int = 0
    ) -> None:
        """Put the kernel into a stream; see `prepared_call`."""
        self._launch(grid, block, self._values(args), args, shared_size, stream)

    def prepared_timed_call(
        self, grid: Any, block: Any, *args: Any, shared_size: int = 0
    ) -> Callable[[], float]:
        """Run the kernel, and return a function that waits for it and returns its seconds."""
        start, end = Event(), Event()
        values = self._values(args)
        start.record()
        self._launch(grid, block, values, args, shared_size, None)
        end.record()

        def seconds() -> float:
            end.synchronize()
            return end.time_since(start) * 1e-3

        return seconds

    # ---- attributes ------------------------------------------------------------------------------

    def get_attribute(self, attr: int) -> int:
        """Return one of `function_attribute`; 0 where the device has or tells nothing of the kind.

        On the host a kernel uses no registers or memory of a device.
        """
        name = function_attribute(attr).name.lower()
        with translated():
            return max(int(self._kernel.attributes.get(name, 0)), 0)

    def set_attribute(self, attr: int, value: int) -> None:
        """Set one of `function_attribute`, as far as it can be.

        ``MAX_DYNAMIC_SHARED_SIZE_BYTES`` needs not be set; it is checked against the device's
        limit. ``PREFERRED_SHARED_MEMORY_CARVEOUT`` is a wish, which is passed over.
        """
        which = function_attribute(attr)
        if which is function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES:
            most = get_device().limits.shared_bytes
            if not 0 <= value <= most:
                raise InvalidValueError(
                    f"{value} bytes of shared memory: {get_device().name} has up to {most}"
                )
        elif which is not function_attribute.PREFERRED_SHARED_MEMORY_CARVEOUT:
            raise LogicError(f"{which} cannot be set")

    def set_cache_config(self, fc: int) -> None:
        """Take a wish, which drivers may pass over; devarray does."""
        func_cache(fc)

    def set_shared_config(self, sc: int) -> None:
        """Take a wish, which drivers may pass over; devarray does."""
        shared_config(sc)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name.upper() not in function_attribute.__members__:
            raise AttributeError(f"a Function has no attribute {name!r}")
        return self.get_attribute(function_attribute[name.upper()])

    def __repr__(self) -> str:
        return f"<pycuda function {self.name}>"


def _sizes(sizes: Any, whole: bool = False) -> tuple[Any, ...]:
    """Return sizes of grid or block as a tuple; those of a grid may come from a division."""
    several = (sizes,) if np.ndim(sizes) == 0 else tuple(sizes)
    if whole:
        return several
    return tuple(int(n) if isinstance(n, (float, np.floating)) else n for n in several)


def _no_textures(texrefs: Sequence[Any]) -> None:
    if len(texrefs):
        raise UnsupportedError(
            "there are no texture references (CUDA 12 removed them): pass a pointer, and let the "
            "kernel index it"
        )
