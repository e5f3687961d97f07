"""A module that stands for CuPy, over the machine of `standin_gpu`.

It has the names that CuPy has, and takes the arguments that CuPy's functions take
(``cupy_names.txt``, written from CuPy 14.2); what they compute is what NumPy computes on the hidden
memory. Results are written to their memory only when the stream gets there.
"""

from __future__ import annotations

import functools
import inspect
import operator
import types
from pathlib import Path
from typing import NamedTuple

import numpy as np

from standin_gpu import (
    CUDARuntimeError,
    Event,
    ForeignMemory,
    Hiprtc,
    MemoryPointer,
    OutOfMemoryError,
    Pool,
    Runtime,
    Stream,
    UnownedMemory,
    elapsed_time,
)

__all__ = ["make_cupy"]

_MUTATE_FIRST = {"copyto", "putmask", "place", "put", "fill_diagonal", "put_along_axis"}
_MUTATE_SELF = {"ndarray.sort", "ndarray.partition", "ndarray.put", "ndarray.fill", "setitem"}
_STABLE = {"sort", "argsort", "ndarray.sort", "ndarray.argsort"}  # always, in CuPy
_ARRAY_BOOLS = {"allclose", "array_equal", "array_equiv"}  # 0-d arrays in CuPy
_TAKE_LISTS = {"array", "asarray", "asanyarray", "ascontiguousarray", "full"}


# ---- names and parameters


@functools.cache
def _table():
    """Return kind, ufunc counts and signature of each name."""
    table = {}
    for line in Path(__file__).with_name("cupy_names.txt").read_text().splitlines()[1:]:
        kind, name, *words = line.split()
        counts = tuple(map(int, words.pop(0).split(":"))) if kind == "ufunc" else None
        table[name] = kind, counts, _signature(words)
    return table


def _signature(words):
    parameters, kind = [], inspect.Parameter.POSITIONAL_OR_KEYWORD
    for word in words:
        if word == "/":
            parameters = [p.replace(kind=inspect.Parameter.POSITIONAL_ONLY) for p in parameters]
        elif word == "*":
            kind = inspect.Parameter.KEYWORD_ONLY
        elif word.startswith("**"):
            parameters.append(inspect.Parameter(word[2:], inspect.Parameter.VAR_KEYWORD))
        elif word.startswith("*"):
            parameters.append(inspect.Parameter(word[1:], inspect.Parameter.VAR_POSITIONAL))
            kind = inspect.Parameter.KEYWORD_ONLY
        else:
            default = None if word.endswith("=") else inspect.Parameter.empty
            parameters.append(inspect.Parameter(word.rstrip("="), kind, default=default))
    return inspect.Signature(parameters)


# ---- arrays


class Flags:
    """`ndarray.flags`, which knows nothing of being writeable."""

    def __init__(self, host, owndata):
        self.c_contiguous = host.flags.c_contiguous
        self.f_contiguous = host.flags.f_contiguous
        self.forc, self.fnc, self.owndata = host.flags.forc, host.flags.fnc, owndata


class Place:
    """`cupy.cuda.Device` of an array."""

    def __init__(self, number):
        self.id = number


class Capsule(NamedTuple):
    """What DLPack's capsule stands for."""

    array: object


class ndarray:  # noqa: N801 - CuPy's name
    """An array of the device: no ndarray of NumPy's, and never one by itself."""

    __array_priority__ = 100
    machine = None  # of the class that `make_cupy` derives

    def __init__(self, shape, dtype=float, memptr=None, strides=None, order="C"):
        machine = self.machine
        machine.check()
        dtype = np.dtype(dtype)
        shape = (int(shape),) if np.ndim(shape) == 0 else tuple(map(int, shape))
        if memptr is None:
            size = int(np.prod(shape, dtype=object)) * dtype.itemsize
            memptr = machine.pools[machine.device].take(max(size, 1))
        self.data = memptr
        allocation = memptr.mem.allocation
        offset = memptr.ptr - allocation.address
        self._host = np.ndarray(shape, dtype, allocation.bytes, offset, strides, order)
        self.base = None

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to "
            "construct a NumPy array explicitly."
        )

    shape = property(lambda self: self._host.shape)
    dtype = property(lambda self: self._host.dtype)
    strides = property(lambda self: self._host.strides)
    size = property(lambda self: self._host.size)
    ndim = property(lambda self: self._host.ndim)
    itemsize = property(lambda self: self._host.itemsize)
    nbytes = property(lambda self: self._host.nbytes)
    flags = property(lambda self: Flags(self._host, self.base is None))
    device = property(lambda self: Place(self.data.device_id))
    T = property(lambda self: _wrap(self, self._host.T))
    mT = property(lambda self: _wrap(self, self._host.mT))  # noqa: N815
    real = property(lambda self: _wrap(self, self._host.real))
    imag = property(lambda self: _wrap(self, self._host.imag))

    @property
    def __cuda_array_interface__(self):
        return {
            "shape": self.shape, "typestr": self.dtype.str, "data": (self.data.ptr, False),
            "strides": None if self._host.flags.c_contiguous else self.strides,
            "stream": 1, "version": 3,
        }  # fmt: skip

    def __dlpack_device__(self):
        return (10 if self.machine.is_hip else 2), self.data.device_id

    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        """Return what `from_dlpack` takes, once the consumer's stream is told to wait."""
        machine = self.machine
        if dl_device is not None and tuple(dl_device) == (1, 0):
            return self.get().__dlpack__(max_version=max_version)
        with machine.lock:
            if stream != -1:
                producer, last = machine.current(), machine.current().last
                consumer = machine.queue(0 if stream in (None, 0, 1) else stream)
                if consumer is not producer:
                    consumer.put(lambda: producer.run(last))
            return Capsule(self.copy() if copy else self)

    def get(self, stream=None, order="C", out=None, blocking=True):
        """Wait for the current stream, and return a copy on the host."""
        _catch_up(self.machine)
        if out is not None:
            out[...] = self._host
            return out
        return np.array(self._host, order=order)

    def item(self):
        return self.get().item()

    def tolist(self):
        return self.get().tolist()

    def __len__(self):
        return len(self._host)

    def __iter__(self):
        return (self[k] for k in range(len(self)))

    def __bool__(self):
        return bool(self.get())

    def __int__(self):
        return int(self.get())

    def __float__(self):
        return float(self.get())

    def __complex__(self):
        return complex(self.get())

    def __getitem__(self, key):
        return _call("getitem", operator.getitem, (self, key), {}, indices=True)

    def __setitem__(self, key, value):
        if isinstance(value, (list, np.ndarray)) and np.ndim(value):
            raise TypeError(f"Unsupported type {type(value)}")
        _call("setitem", operator.setitem, (self, key, value), {}, indices=True)

    __hash__ = None


def _operator(name, function):
    def method(self, other=None, *rest):
        if isinstance(other, (list, tuple)) or (isinstance(other, np.ndarray) and other.ndim):
            raise TypeError(f"Unsupported type {type(other)}")
        args = (self, other) if function in _BINARY_FUNCTIONS else (self,)
        return _call(name, function, args, {})

    return method


_BINARY = [
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "and",
    "or",
    "xor",
    "lshift",
    "rshift",
    "matmul",
]
_COMPARE = ["lt", "le", "eq", "ne", "gt", "ge"]
_UNARY = ["neg", "pos", "abs", "invert"]


def _function(name):
    return getattr(operator, name + "_" if name in ("and", "or") else name)


_BINARY_FUNCTIONS = [_function(name) for name in _BINARY + _COMPARE]
for _name in _BINARY + _COMPARE + _UNARY:
    setattr(ndarray, f"__{_name}__", _operator(_name, _function(_name)))


def _in_place(name, function):
    def method(self, other):
        _call("setitem", function, (self, other), {})
        return self

    return method


def _reflected(name, function):
    def method(self, other):
        return _call(name, lambda x, y: function(y, x), (self, other), {})

    return method


for _name in _BINARY:
    setattr(ndarray, f"__i{_name}__", _in_place(_name, getattr(operator, "i" + _name)))
    setattr(ndarray, f"__r{_name}__", _reflected(_name, _function(_name)))


def _method(name):
    signature = _table()["ndarray." + name][2]

    def method(self, *args, **kwargs):
        signature.bind(*args, **kwargs)
        return _call("ndarray." + name, getattr(np.ndarray, name), (self, *args), kwargs)

    return method


for _name, (_kind, _, _) in _table().items():
    _owner, _, _name = _name.rpartition(".")
    if _owner == "ndarray" and _kind == "function" and _name not in vars(ndarray):
        setattr(ndarray, _name, _method(_name))


# ---- calls


def _catch_up(machine):
    """Let the current stream do its work; the others go on sleeping."""
    with machine.lock:
        machine.check()
        machine.current().run()
        machine.check()


def _find_arrays(value, found):
    if isinstance(value, ndarray):
        found.append(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _find_arrays(item, found)
    elif isinstance(value, dict):
        for item in value.values():
            _find_arrays(item, found)


def _hidden(value):
    if isinstance(value, ndarray):
        return value._host
    if isinstance(value, (list, tuple)):
        return type(value)([_hidden(item) for item in value])
    if isinstance(value, dict):
        return {key: _hidden(item) for key, item in value.items()}
    return value


def _refuse(value, top=True):
    """Refuse what CuPy does not take for an array of its own."""
    if isinstance(value, np.ndarray) and value.ndim:
        raise TypeError(f"Unsupported type {type(value)}")
    if isinstance(value, (list, tuple)) and top:
        for item in value:
            _refuse(item)


def _call(name, function, args, kwargs, indices=False, machine=None):
    """Call a function of NumPy's on the hidden memory; what it writes is written in the stream."""
    found = []
    _find_arrays((args, kwargs), found)
    machine = found[0].machine if found else machine
    with machine.lock:
        for array in found:
            if array.data.device_id != machine.device:
                raise AssertionError(
                    f"{name}: an array of device {array.data.device_id} is used "
                    f"while device {machine.device} is the current one"
                )
        if not indices and name not in _TAKE_LISTS:
            _refuse((args, list(kwargs.values())))
        _catch_up(machine)
        if name in _STABLE:
            if kwargs.get("kind") not in (None, "stable"):
                raise ValueError("kind can only be None or 'stable'")
            kwargs = {**kwargs, "kind": "stable"}
        out = kwargs.get("out")
        written = [out] if isinstance(out, ndarray) else list(out or ())
        if name in _MUTATE_FIRST or name in _MUTATE_SELF:
            written = [args[0]]
        copies = {id(x): x._host.copy() for x in written if x is not None}
        swap = functools.partial(_swapped, copies=copies)
        with np.errstate(all="ignore"):
            result = function(*map(swap, args), **{k: swap(v) for k, v in kwargs.items()})
        for x in written:
            if x is not None:
                machine.current().put(functools.partial(_write, x._host, copies[id(x)]))
        if copies and name not in ("setitem",):
            if out is not None:
                return out if not isinstance(out, tuple) or len(out) > 1 else out[0]
            return None
        return _results(name, result, found, machine)


def _write(target, values):
    target[...] = values


def _swapped(value, copies):
    if id(value) in copies:
        return copies[id(value)]
    if isinstance(value, tuple) and any(id(item) in copies for item in value):
        return tuple(_swapped(item, copies) for item in value)
    return _hidden(value)


def _results(name, result, found, machine):
    if name in _ARRAY_BOOLS:
        result = np.bool_(result)
    if isinstance(result, (np.ndarray, np.generic)):
        for array in found:
            if isinstance(result, np.ndarray) and result.size and _is_part(result, array):
                return _wrap(array, result)
        return _new(machine, np.asarray(result))
    if isinstance(result, (tuple, list)):
        items = [_results(name, item, found, machine) for item in result]
        return type(result)(*items) if hasattr(result, "_fields") else type(result)(items)
    return result


def _is_part(result, array):
    allocation = array.data.mem.allocation
    return allocation.address <= result.ctypes.data < allocation.address + allocation.size


def _wrap(array, view):
    """Return an array over a part of another one's memory."""
    cls = type(array)
    made = cls.__new__(cls)
    if not view.size:
        made.data = array.data
    else:
        made.data = MemoryPointer(array.data.mem, view.ctypes.data - array.data.mem.ptr)
    made._host, made.base = view, array if array.base is None else array.base
    return made


def _new(machine, values):
    if values.dtype.hasobject or values.dtype.kind not in "biufc":
        raise TypeError(f"Unsupported dtype {values.dtype}")
    order = "F" if values.flags.fnc else "C"
    made = machine.ndarray(values.shape, values.dtype, order=order)
    machine.current().put(functools.partial(_write, made._host, values.copy()))
    return made


# ---- the module


class ufunc:  # noqa: N801 - CuPy's name
    """A ufunc of CuPy's."""

    def __init__(self, machine, name, own):
        _, (self.nin, self.nout), self._signature = _table()[name]
        self._machine, self.name, self._own = machine, name, own

    def __call__(self, *args, **kwargs):
        if len(args) <= self.nin:
            self._signature.bind(*args, **kwargs)
        elif len(args) > self.nin + self.nout:
            raise TypeError(f"Wrong number of arguments for {self.name}")
        else:
            kwargs["out"] = args[self.nin :] if self.nout > 1 else args[self.nin]
            args = args[: self.nin]
        for value in args:
            if isinstance(value, (list, tuple)):
                raise TypeError(f"Unsupported type {type(value)}")
        return _call(self.name, self._own, args, kwargs, machine=self._machine)

    def at(self, a, indices, b=None):
        """Only those that CuPy has."""
        if self.name not in ("add", "subtract", "maximum", "minimum", "bitwise_and",
                             "bitwise_or", "bitwise_xor"):  # fmt: skip
            raise NotImplementedError("`ufunc.at` is not supported for this ufunc")
        _call("put", self._own.at, (a, indices, b), {}, indices=True)

    def reduce(self, array, axis=0, dtype=None, out=None, keepdims=False):
        if self.name not in ("add", "multiply"):
            raise NotImplementedError(f"`{self.name}.reduce` is not supported yet")
        return _call("reduce", self._own.reduce, (array, axis, dtype), {"keepdims": keepdims})

    def outer(self, A, B, **kwargs):
        return _call("outer", self._own.outer, (A, B), kwargs)


class Space(types.ModuleType):
    """`cupy`, or one of its modules."""

    def __init__(self, name, machine, prefix, own):
        super().__init__(name)
        self._machine, self._prefix, self._own = machine, prefix, own

    def __getattr__(self, name):
        full = self._prefix + name
        found = _table().get(full)
        if found is None:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        kind, _, signature = found
        own = getattr(self._own, name, None)
        if own is None:
            raise NotImplementedError(f"the stand-in has no {full}")
        if kind == "ufunc":
            value = ufunc(self._machine, full, own)
        elif kind == "function":
            value = self._function(name, own, signature)
        else:
            value = own
        setattr(self, name, value)
        return value

    def _function(self, name, own, signature):
        machine = self._machine

        @functools.wraps(own)
        def function(*args, **kwargs):
            signature.bind(*args, **kwargs)
            return _call(name, own, args, kwargs, machine=machine)

        function.__signature__ = signature
        return function


def make_cupy(machine):
    """Return the module."""
    cupy = Space("cupy", machine, "", np)
    cupy.__version__ = "14.2.0"
    cupy.ndarray = machine.ndarray = type("ndarray", (ndarray,), {"machine": machine})
    cupy.ufunc = ufunc
    for name in ("linalg", "fft", "random"):
        setattr(cupy, name, Space(f"cupy.{name}", machine, f"{name}.", getattr(np, name)))
    cupy.asnumpy = lambda a, stream=None, order="C", out=None, *, blocking=True: a.get(out=out)
    cupy.empty = lambda shape, dtype=float, order="C": cupy.ndarray(shape, dtype, order=order)
    cupy.asarray = functools.partial(_asarray, machine)
    cupy.from_dlpack = functools.partial(_from_dlpack, machine)
    pool = Pool(machine)
    cupy.get_default_memory_pool = lambda: pool
    cuda = cupy.cuda = types.ModuleType("cupy.cuda")
    cuda.runtime = Runtime(machine)
    cuda.memory = types.SimpleNamespace(OutOfMemoryError=OutOfMemoryError)
    cuda.MemoryPointer = MemoryPointer
    cuda.UnownedMemory = functools.partial(UnownedMemory, machine)
    if machine.is_hip:
        cuda.nvrtc = Hiprtc()
    cuda.Stream = type("Stream", (Stream,), {"machine": machine})
    cuda.Stream.null = cuda.Stream(null=True)
    cuda.Event = type("Event", (Event,), {"machine": machine})
    cuda.get_elapsed_time = elapsed_time(machine)
    cuda.alloc = functools.partial(_alloc, machine)
    cuda.alloc_pinned_memory = functools.partial(_alloc_pinned, machine)
    return cupy


def _alloc(machine, size):
    with machine.lock:
        machine.check()
        return machine.pools[machine.device].take(size)


def _alloc_pinned(machine, size):
    if machine.denied(size):
        raise CUDARuntimeError(2)
    memory = np.full(-(-size // 512) * 512, 0x7F, np.int8)
    machine.pinned[memory.ctypes.data] = memory.nbytes
    return memoryview(memory)


def _from_dlpack(machine, array, *, device=None, copy=None):
    if array.__dlpack_device__()[0] not in (2, 10):
        raise NotImplementedError("the stand-in takes arrays of its devices only")
    found = array.__dlpack__(stream=machine.current().ptr).array
    return _wrap(found, found._host)


def _asarray(machine, a, dtype=None, order=None, *, blocking=False):
    if isinstance(a, ndarray):
        return a if dtype is None else a.astype(dtype, copy=False)
    described = getattr(a, "__cuda_array_interface__", None)
    if described is None:
        return _new(machine, np.asarray(a, dtype))
    address = described["data"][0]
    memory = ForeignMemory(machine.find(address), a)
    pointer = MemoryPointer(memory, address - memory.ptr)
    return machine.ndarray(described["shape"], described["typestr"], pointer, described["strides"])
