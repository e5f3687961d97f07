"""PyCUDA's kernels, over `devarray.RawKernel`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from devarray.config import current
from devarray.raw import RawKernel
from devarray.registry import get_device

from ._allocations import in_use
from ._arguments import (
    ArgumentHandler,
    Prepared,
    as_array,
    call_value,
    for_kernel,
    prepared_types,
    prepared_value,
)
from ._contexts import Context
from ._enums import func_cache, function_attribute, shared_config
from ._errors import InvalidValueError, LogicError, UnsupportedError, translated
from ._streams import Event, core_stream

__all__ = ["Function"]


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
        self._prepared: list[Prepared] | None = None

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
        values = [call_value(k, arg, handlers) for k, arg in enumerate(args)]
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
            given = [for_kernel(value, p, arg, k) for k, (value, p, arg) in enumerate(sources)]
            if current().raw_checks:
                given = [
                    as_array(value, p, arg, device)
                    for value, p, arg in zip(given, declared, args, strict=True)
                ]
            try:
                self._kernel(_sizes(grid), _sizes(block, True), given, shared, core)
            except ValueError as error:
                raise InvalidValueError(str(error)) from None
        if stream is not None and not core.done:
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
        self._prepared = prepared_types(arg_types)
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
                values.append(prepared_value(kind, arg))
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
