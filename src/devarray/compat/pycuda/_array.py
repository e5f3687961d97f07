"""`GPUArray`: PyCUDA's array, over one device array."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.registry import get_device
from devarray.runtime import evaluate

from ._buffers import Memory, allocate, is_struct, lengths, make, ordered_axes
from ._errors import UnsupportedError
from ._operators import Operators
from ._order import elementwise, inverse, memory_axes, permuted
from ._shapes import Shapes
from ._transfers import Transfers, on, upload

__all__ = ["GPUArray", "placed", "unwrap", "wrap"]

_numpy: Any = np  # its functions take device arrays, which their types do not say
NO_TEXTURES = "texture references ended with CUDA 12: index the array in the kernel instead"


def unwrap(value: Any) -> Any:
    """Return arguments with device arrays in the place of the `GPUArray`s in them."""
    if isinstance(value, GPUArray):
        return value._values()
    if type(value) in (list, tuple):
        return type(value)([unwrap(item) for item in value])
    if type(value) is dict:
        return {key: unwrap(item) for key, item in value.items()}
    return value


def wrap(value: Any) -> Any:
    """Return results with `GPUArray`s in the place of the device arrays in them."""
    if isinstance(value, DeviceArray):
        return GPUArray._over(value)
    if isinstance(value, np.generic):  # of a reduction, in programs with host_access="always"
        return GPUArray._over(upload(np.asarray(value), False, get_device()))
    if isinstance(value, tuple):
        items = [wrap(item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return [wrap(item) for item in value] if type(value) is list else value


def _delegated(name: str) -> Any:
    """Return a method of device arrays for `GPUArray`."""

    def method(self: GPUArray, *args: Any, **options: Any) -> Any:
        result = getattr(self._values(), name)(*unwrap(args), **unwrap(options))
        out = options.get("out")
        return wrap(result) if out is None else out

    method.__name__ = name
    method.__doc__ = f"See `devarray.DeviceArray.{name}`."
    return method


class GPUArray(Operators, Transfers, Shapes):
    """An array on a device, with PyCUDA's names and NumPy's meanings.

    It holds one `devarray.DeviceArray`: broadcasting, strides, dtypes of results, indexing and
    reductions are that class's, and so are its deferred, fused kernels. Results lie in memory in
    the order that NumPy gives them.

    Parameters
    ----------
    shape : int, sequence of int or host array of int
    dtype : dtype
        Structs, too: they are stored, filled, copied and passed to kernels, but have no arithmetic.
    allocator : callable, optional
        Called once, with the number of bytes; ``int()`` of what it returns is the address.
    base : object, optional
        Is kept alive as long as the array, for memory that is given.
    gpudata : object with int(), optional
        Address of the first element, for memory that is there already; nothing is allocated.
    strides : tuple of int, optional
        In bytes.
    order : {"C", "F"}

    Attributes
    ----------
    allocator : callable
        As given. Results of operations come from devarray's own pool.
    base : object
        What a view was taken of, or what was given.

    Raises
    ------
    ValueError
        If `order` is neither C nor F, or the strides do not fit the shape.
    TypeError
        If the dtype holds Python objects, or `gpudata` is no address.

    Examples
    --------
    >>> import numpy as np
    >>> from devarray.compat.pycuda import gpuarray
    >>> a = gpuarray.to_gpu(np.arange(4, dtype=np.float32))
    >>> (2 * a).get()
    array([0., 2., 4., 6.], dtype=float32)
    """

    __array_priority__ = 100.0

    def __init__(
        self,
        shape: Any,
        dtype: Any,
        allocator: Any = allocate,
        base: Any = None,
        gpudata: Any = None,
        strides: Any = None,
        order: Any = "C",
    ) -> None:
        sizes, kind = lengths(shape), np.dtype(dtype)
        axes = ordered_axes(len(sizes), order)
        allocator = allocate if allocator is None else allocator
        self._array, self._given = make(sizes, kind, strides, axes, gpudata, allocator, base)
        self._struct = is_struct(kind)
        self._dtype = kind if self._struct else self._array.dtype
        self.base, self.allocator = base, allocator

    @classmethod
    def _over(cls, array: DeviceArray, base: Any = None, struct: Any = None) -> GPUArray:
        """Return a device array as a `GPUArray`; `struct` is the dtype, where it is bytes."""
        made: GPUArray = GPUArray.__new__(GPUArray)
        # a result with no axes is an array in PyCUDA: in-place operators write to it
        made._array = array if array.shape else array.reshape(())
        made._given, made._struct = None, struct is not None
        made._dtype = array.dtype if struct is None else struct
        made.base, made.allocator = base, allocate
        return made

    _wrap = staticmethod(wrap)

    def _view(self, array: DeviceArray) -> GPUArray:
        """Return an array of the same dtype that shares this one's memory."""
        base = self if self.base is None else self.base
        return GPUArray._over(array, base, self._dtype if self._struct else None)

    def __getattr__(self, name: str) -> Any:
        if name == "_array" and "_dtype" in self.__dict__:
            raise ValueError("the memory of this array was given back, by gpudata.free()")
        raise AttributeError(f"'GPUArray' object has no attribute {name!r}")

    # What it is

    def _values(self) -> DeviceArray:
        if self._struct:
            raise TypeError(
                f"elements of {self._dtype!r} are stored only, without arithmetic: use a kernel, "
                "or a field of them, array['name']"
            )
        return self._array

    @property
    def device_array(self) -> DeviceArray:
        """The `devarray.DeviceArray` below, which shares this array's memory."""
        return self._values()

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the elements."""
        return self._dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""
        shape = self._array.shape
        return shape[:-1] if self._struct else shape

    @property
    def strides(self) -> tuple[int, ...]:
        """Bytes from one element to the next along each axis."""
        strides = self._array.strides
        return strides[:-1] if self._struct else strides

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    mem_size = size

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self._dtype.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return self.size * self._dtype.itemsize

    @property
    def flags(self) -> Any:
        """How the elements lie in memory: ``c_contiguous``, ``f_contiguous``, ``forc`` ..."""
        if not self._struct:
            return self._array.flags
        return np.lib.stride_tricks.as_strided(
            np.empty(1, self._dtype), self.shape, self.strides, writeable=False
        ).flags

    @property
    def ptr(self) -> int:
        """Address of the first element; what is pending on the array is evaluated first."""
        return self._array.ptr

    @property
    def gpudata(self) -> Any:
        """The memory: what the allocator gave, or an object with ``int()``; None without elements.

        What is pending on the array is evaluated first, and from then on at once.
        """
        if not self.size:
            return None
        address = self._array.ptr
        if self._given is not None and int(self._given) == address:
            return self._given
        return Memory(self)

    @property
    def T(self) -> GPUArray:
        """The array with its axes reversed, as a view."""
        return self._view(permuted(self._array, tuple(range(self.ndim - 1, -1, -1))))

    @property
    def real(self) -> GPUArray:
        """The real part: a contiguous copy; of an array that is not complex, the array itself."""
        values = self._values()
        if values.dtype.kind != "c":
            return self
        return GPUArray._over(elementwise(lambda x: x.real.copy(), values))

    @property
    def imag(self) -> GPUArray:
        """The imaginary part: a contiguous copy; zeros of an array that is not complex."""
        return GPUArray._over(elementwise(lambda x: x.imag.copy(), self._values()))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    # On the host

    def __str__(self) -> str:
        return str(self.get())

    def __repr__(self) -> str:
        return repr(self.get())

    def __bool__(self) -> bool:
        return bool(self._values())

    def __iter__(self) -> Iterator[GPUArray]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        return (self[k] for k in range(len(self)))

    def __reduce__(self) -> Any:
        return _rebuilt, (self.get(),)

    # Copies and values

    def copy(self) -> GPUArray:
        """Return a copy, with the axes in this array's order."""
        axes = memory_axes(self.shape, (self.strides,))
        array = permuted(permuted(self._array, axes).copy(), inverse(axes))
        return GPUArray._over(array, None, self._dtype if self._struct else None)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> GPUArray:
        return self.copy()

    def astype(self, dtype: Any, stream: Any = None) -> GPUArray:
        """Return a copy cast to another dtype."""
        return self._on(stream, elementwise(lambda x: x.astype(dtype), self._values()))

    def _on(self, stream: Any, array: DeviceArray) -> GPUArray:
        """Return a result, evaluated on a stream if there is one."""
        if stream is not None:
            with on(stream, array.device):
                evaluate(array)
        return GPUArray._over(array)

    def fill(self, value: Any, stream: Any = None) -> GPUArray:
        """Set every element to a scalar; return the array."""
        with on(stream, self._array.device):
            if self._struct:
                self[...] = value
            else:
                self._array.fill(unwrap(value))
            if stream is not None:
                evaluate(self._array)
        return self

    def conj(self, out: GPUArray | None = None) -> GPUArray:
        """Return the complex conjugate; of an array that is not complex, the array itself."""
        values = self._values()
        if out is not None:
            np.conjugate(values, out=unwrap(out))
            return out
        if values.dtype.kind != "c":
            return self
        return GPUArray._over(elementwise(np.conjugate, values))

    conjugate = conj

    def mul_add(
        self,
        selffac: Any,
        other: GPUArray,
        otherfac: Any,
        add_timer: Any = None,
        stream: Any = None,
        out: GPUArray | None = None,
    ) -> GPUArray:
        """Return ``selffac * self + otherfac * other``, computed by one kernel.

        Parameters
        ----------
        selffac, otherfac : scalar
        other : GPUArray
        add_timer : callable, optional
            Called with the number of operations, and a function that returns the seconds they took.
        stream : Stream, optional
        out : GPUArray, optional
            Array for the result.
        """

        def formula(x: DeviceArray, y: DeviceArray) -> Any:
            return selffac * x + otherfac * y

        array = elementwise(formula, self._values(), unwrap(other))
        started = time.perf_counter()
        if out is not None:
            with on(stream, array.device):
                _numpy.copyto(unwrap(out), array)
            array = out._array
        result = self._on(stream, array)
        if add_timer is not None:
            evaluate(array)
            array.device.synchronize()
            seconds = time.perf_counter() - started
            add_timer(3 * self.size, lambda: seconds)
        return result if out is None else out

    def any(
        self, axis: Any = None, stream: Any = None, allocator: Any = None, **options: Any
    ) -> GPUArray:
        """Say whether any element is true; see `numpy.any`. PyCUDA's `stream` may come first."""
        return self._truth("any", axis, stream, allocator, options)

    def all(
        self, axis: Any = None, stream: Any = None, allocator: Any = None, **options: Any
    ) -> GPUArray:
        """Say whether all elements are true; see `numpy.all`. PyCUDA's `stream` may come first."""
        return self._truth("all", axis, stream, allocator, options)

    def _truth(
        self, name: str, axis: Any, stream: Any, allocator: Any, options: dict[str, Any]
    ) -> GPUArray:
        if hasattr(axis, "synchronize"):
            axis, stream = None, axis
        out = options.get("out")
        made = getattr(self._values(), name)(axis, **unwrap(options))
        return placed(made, out, stream, allocator)

    sum, prod, mean = _delegated("sum"), _delegated("prod"), _delegated("mean")
    var, std = _delegated("var"), _delegated("std")
    min, max = _delegated("min"), _delegated("max")
    argmin, argmax = _delegated("argmin"), _delegated("argmax")
    cumsum, cumprod = _delegated("cumsum"), _delegated("cumprod")
    dot, clip, round = _delegated("dot"), _delegated("clip"), _delegated("round")
    take, repeat, nonzero = _delegated("take"), _delegated("repeat"), _delegated("nonzero")
    sort, argsort = _delegated("sort"), _delegated("argsort")
    diagonal, trace = _delegated("diagonal"), _delegated("trace")
    swapaxes, flatten = _delegated("swapaxes"), _delegated("flatten")
    item, tolist = _delegated("item"), _delegated("tolist")
    __int__, __float__ = _delegated("__int__"), _delegated("__float__")
    __complex__, __index__ = _delegated("__complex__"), _delegated("__index__")
    __contains__ = _delegated("__contains__")

    # Protocols

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        function = getattr(ufunc, method)
        out = options.get("out")
        inputs, options = unwrap(inputs), unwrap(options)
        if (
            method == "__call__"
            and out is None
            and ufunc.signature is None
            and "where" not in options
        ):
            return wrap(elementwise(functools.partial(function, **options), *inputs))
        result = function(*inputs, **options)
        if out is None:
            return wrap(result)
        return out[0] if isinstance(out, tuple) and len(out) == 1 else out

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        result = function(*unwrap(args), **unwrap(options))
        for given in (*args, options.get("out")):  # the array for the result
            if isinstance(given, GPUArray) and given._array is result:
                return given
        return wrap(result)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return self._values().__array__(dtype, copy)

    def __dlpack__(self, **options: Any) -> Any:
        return self._values().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._array.__dlpack_device__()

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """The memory, as other libraries take it; on CUDA and HIP devices only."""
        interface = dict(self._array.__cuda_array_interface__)
        if self._struct:
            described = {"typestr": self._dtype.str, "descr": self._dtype.descr}
            interface |= {"shape": self.shape, "strides": self.strides, **described}
        return interface

    # Texture references

    def bind_to_texref(self, texref: Any, allow_offset: bool = False) -> Any:
        """Not supported: texture references ended with CUDA 12."""
        raise UnsupportedError(NO_TEXTURES)

    def bind_to_texref_ext(
        self,
        texref: Any,
        channels: int = 1,
        allow_double_hack: bool = False,
        allow_complex_hack: bool = False,
        allow_offset: bool = False,
    ) -> Any:
        """Not supported: texture references ended with CUDA 12."""
        raise UnsupportedError(NO_TEXTURES)


def placed(value: Any, out: Any = None, stream: Any = None, allocator: Any = None) -> GPUArray:
    """Return a result of the core where the caller wants it.

    Parameters
    ----------
    value : DeviceArray
        Or NumPy's scalar, in programs with ``host_access="always"``.
    out : GPUArray, optional
        Array for the result, which is cast as NumPy's ``out`` are.
    stream : Stream, optional
        The result is evaluated there.
    allocator : callable, optional
        Gives the memory of the result.
    """
    if isinstance(value, np.generic):
        value = wrap(value)._array
    if out is not None and not isinstance(out, GPUArray):
        raise TypeError(f"out must be a GPUArray, got {type(out).__name__}")
    made: GPUArray
    if out is not None:
        made = out
    elif allocator in (None, allocate):
        made = GPUArray._over(value)
    else:
        made = GPUArray(value.shape, value.dtype, allocator)
    with on(stream, value.device):
        if out is not None or allocator not in (None, allocate):
            if made.shape != value.shape:
                raise ValueError(f"the result has shape {value.shape}, out has {made.shape}")
            _numpy.copyto(made._values(), value)
        if stream is not None:
            evaluate(made._array)
    return made


def _rebuilt(host: np.ndarray[Any, Any]) -> GPUArray:
    array = GPUArray(host.shape, host.dtype, strides=host.strides)
    array.set(host)
    return array
