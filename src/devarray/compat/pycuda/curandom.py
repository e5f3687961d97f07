"""`pycuda.curandom`: random numbers on a device, by devarray's own generator.

There is no cuRAND below. The generators have its names and its methods, and the pseudo-random ones
give the numbers of `devarray.random` (Philox 4x32-10): the same on every device, but not cuRAND's.
"""

from __future__ import annotations

import enum
import math
import random
from typing import Any

import numpy as np

from devarray.random import Generator, Philox4x32, SeedSequence
from devarray.random import default_rng as device_generator

from ._array import GPUArray
from ._creation import to_gpu
from ._errors import UnsupportedError
from ._quasi import direction_vectors, most_dimensions, normal_quantile, sobol
from ._transfers import on

__all__ = [
    "MRG32k3aRandomNumberGenerator", "ScrambledSobol32RandomNumberGenerator",
    "ScrambledSobol64RandomNumberGenerator", "Sobol32RandomNumberGenerator",
    "Sobol64RandomNumberGenerator", "XORWOWRandomNumberGenerator", "direction_vector_set",
    "generate_direction_vectors", "generate_scramble_constants32", "generate_scramble_constants64",
    "get_curand_version", "rand", "seed_getter_uniform", "seed_getter_unique",
]  # fmt: skip

FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
INTEGERS = (np.dtype(np.int32), np.dtype(np.uint32), np.dtype(np.int64), np.dtype(np.uint64))

_shared = device_generator()


def get_curand_version() -> None:
    """Return None: there is no cuRAND. The generators of this module are there all the same."""
    return


def _unknown(dtype: Any, known: tuple[Any, ...]) -> TypeError:
    names = ", ".join(kind.name for kind in known)
    return TypeError(f"random numbers of dtype {np.dtype(dtype)} are not known here: use {names}")


def _integers(generator: Generator, shape: Any, dtype: np.dtype[Any]) -> Any:
    info = np.iinfo(dtype)
    return generator.integers(info.min, info.max, shape, dtype, endpoint=True)


def rand(shape: Any, dtype: Any = np.float32, stream: Any = None) -> GPUArray:
    """Return uniform random numbers: from [0, 1), or all values of an integer dtype.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : dtype
        float32, float64, int32, uint32, int64, uint64.
    stream : Stream, optional

    Examples
    --------
    >>> from devarray.compat.pycuda.curandom import rand
    >>> rand((2, 3)).shape
    (2, 3)
    """
    result, kind = GPUArray(shape, dtype), np.dtype(dtype)
    if kind not in FLOATS + INTEGERS:
        raise _unknown(dtype, FLOATS + INTEGERS)
    with on(stream, result.device_array.device):
        size = result.shape
        made = _shared.random(size, kind) if kind in FLOATS else _integers(_shared, size, kind)
        return GPUArray._over(made)._on(stream, made)


class _RandomNumberGenerator:
    """What generators of both kinds have: each ``fill_...`` has a ``gen_...`` that makes the array.

    Numbers are drawn one call after another; `stream` says where they are computed.
    """

    def _uniform(self, shape: Any, dtype: np.dtype[Any]) -> Any:
        """Return numbers from (0, 1], or all values of an integer dtype."""
        raise NotImplementedError

    def _normal(self, shape: Any, dtype: np.dtype[Any]) -> Any:
        raise NotImplementedError

    def _poisson(self, data: Any, mean: Any) -> Any:
        raise NotImplementedError

    def _fill(self, data: GPUArray, known: tuple[Any, ...], make: Any, stream: Any) -> None:
        if not isinstance(data, GPUArray):
            raise TypeError(f"data must be a GPUArray, got {type(data).__name__}")
        if data.dtype not in known:
            raise _unknown(data.dtype, known)
        with on(stream, data._array.device):
            data[...] = GPUArray._over(make(data.shape, data.dtype))
            if stream is not None:
                data._on(stream, data._array)

    def fill_uniform(self, data: GPUArray, stream: Any = None) -> None:
        """Fill an array with uniform numbers from (0, 1], or all values of an integer dtype."""
        self._fill(data, FLOATS + INTEGERS, self._uniform, stream)

    def gen_uniform(self, shape: Any, dtype: Any, stream: Any = None) -> GPUArray:
        """Return a new array; see `fill_uniform`."""
        result = GPUArray(shape, dtype)
        self.fill_uniform(result, stream)
        return result

    def fill_normal(self, data: GPUArray, stream: Any = None) -> None:
        """Fill an array with standard normal numbers."""
        self._fill(data, FLOATS, self._normal, stream)

    def gen_normal(self, shape: Any, dtype: Any, stream: Any = None) -> GPUArray:
        """Return a new array; see `fill_normal`."""
        result = GPUArray(shape, dtype)
        self.fill_normal(result, stream)
        return result

    def fill_log_normal(
        self, data: GPUArray, mean: float, stddev: float, stream: Any = None
    ) -> None:
        """Fill an array with numbers whose logarithm is normal, of that mean and deviation."""

        def make(shape: Any, dtype: np.dtype[Any]) -> Any:
            return np.exp(float(mean) + float(stddev) * self._normal(shape, dtype))

        self._fill(data, FLOATS, make, stream)

    def gen_log_normal(
        self, shape: Any, dtype: Any, mean: float, stddev: float, stream: Any = None
    ) -> GPUArray:
        """Return a new array; see `fill_log_normal`."""
        result = GPUArray(shape, dtype)
        self.fill_log_normal(result, mean, stddev, stream)
        return result

    def fill_poisson(
        self, data: GPUArray, lambda_value: float | None = None, stream: Any = None
    ) -> None:
        """Fill an array with Poisson numbers.

        Parameters
        ----------
        data : GPUArray
            float32, float64, or 32 or 64 bits of integer.
        lambda_value : float, optional
            The mean; by default each element's own value before.
        stream : Stream, optional
        """

        def make(shape: Any, dtype: np.dtype[Any]) -> Any:
            mean = data._array if lambda_value is None else float(lambda_value)
            return self._poisson(shape, mean).astype(dtype)

        self._fill(data, FLOATS + INTEGERS, make, stream)

    def gen_poisson(
        self, shape: Any, dtype: Any, lambda_value: float, stream: Any = None
    ) -> GPUArray:
        """Return a new array; see `fill_poisson`."""
        result = GPUArray(shape, dtype)
        self.fill_poisson(result, lambda_value, stream)
        return result

    def call_skip_ahead(self, i: int, stream: Any = None) -> None:
        """Skip the numbers of `i` calls (Sobol: `i` numbers)."""
        raise NotImplementedError

    def call_skip_ahead_array(self, i: Any, stream: Any = None) -> None:
        """Skip as `call_skip_ahead` does, by the greatest element of `i`.

        cuRAND has many states, and an element for each; here there is one.
        """
        self.call_skip_ahead(_greatest(i))


def _skipped(i: Any) -> int:
    count = int(i)
    if count < 0:
        raise ValueError(f"generators skip ahead only, got {count}")
    return count


def _greatest(i: Any) -> int:
    host = i.get() if isinstance(i, GPUArray) else np.asarray(i)
    if host.dtype.kind not in "ui" or not host.size:
        raise TypeError(f"a whole number for each state is needed, got {host.dtype} {host.shape}")
    return int(host.max())


class _PseudoRandomNumberGenerator(_RandomNumberGenerator):
    """Pseudo-random numbers, by Philox 4x32-10.

    Parameters
    ----------
    seed_getter : callable, optional
        Called with the number of seeds, gives a `GPUArray` of integers; by default the seed is the
        operating system's.
    offset : int
        How many calls to skip.

    Examples
    --------
    >>> from devarray.compat.pycuda import curandom
    >>> generator = curandom.XORWOWRandomNumberGenerator(curandom.seed_getter_unique)
    >>> generator.gen_normal(1000, "float32").shape
    (1000,)
    """

    generators_per_block = 1
    block_count = 1

    def __init__(self, seed_getter: Any = None, offset: int = 0) -> None:
        entropy: Any = None
        if seed_getter is not None:
            seeds = seed_getter(self.generators_per_block * self.block_count)
            if not isinstance(seeds, GPUArray) or seeds.dtype.kind not in "ui":
                raise TypeError("seed_getter must return a GPUArray of integers")
            entropy = [int(seed) % (1 << 64) for seed in seeds.get().ravel()]
        self._entropy = SeedSequence(entropy).entropy
        self._sequence = 0
        self._generator = self._make(_skipped(offset))

    def _make(self, call: int) -> Generator:
        bits = Philox4x32(SeedSequence(self._entropy, spawn_key=(self._sequence,)))
        bits.state = {**bits.state, "call": call}
        return Generator(bits)

    @property
    def state(self) -> dict[str, Any]:
        """Key and counter; see `devarray.random.Philox4x32`."""
        return self._generator.bit_generator.state

    def _uniform(self, shape: Any, dtype: np.dtype[Any]) -> Any:
        if dtype in FLOATS:
            return 1.0 - self._generator.random(shape, dtype)
        return _integers(self._generator, shape, dtype)

    def _normal(self, shape: Any, dtype: np.dtype[Any]) -> Any:
        return self._generator.standard_normal(shape, dtype)

    def _poisson(self, shape: Any, mean: Any) -> Any:
        return self._generator.poisson(mean, shape)

    def call_skip_ahead(self, i: int, stream: Any = None) -> None:
        """Skip the numbers of `i` calls."""
        self._generator = self._make(self.state["call"] + _skipped(i))

    def call_skip_ahead_sequence(self, i: int, stream: Any = None) -> None:
        """Go on with the sequence of numbers that comes `i` after this one."""
        self._sequence += _skipped(i)
        self._generator = self._make(self.state["call"])

    def call_skip_ahead_sequence_array(self, i: Any, stream: Any = None) -> None:
        """Go on with a later sequence, by the greatest element of `i`."""
        self.call_skip_ahead_sequence(_greatest(i))


class XORWOWRandomNumberGenerator(_PseudoRandomNumberGenerator):
    """Pseudo-random numbers, by Philox under this name; see the module."""


class MRG32k3aRandomNumberGenerator(_PseudoRandomNumberGenerator):
    """Pseudo-random numbers, by Philox under this name; see the module."""

    def call_skip_ahead_subsequence(self, i: int, stream: Any = None) -> None:
        """Go on with the sequence of numbers that comes `i` after this one."""
        self.call_skip_ahead_sequence(i)

    def call_skip_ahead_subsequence_array(self, i: Any, stream: Any = None) -> None:
        """Go on with a later sequence, by the greatest element of `i`."""
        self.call_skip_ahead_sequence_array(i)


def seed_getter_uniform(n: int) -> GPUArray:
    """Return `n` times the same random seed."""
    return GPUArray(n, np.int32).fill(random.randrange(2**31))


def seed_getter_unique(n: int) -> GPUArray:
    """Return `n` random seeds."""
    return to_gpu(np.array([random.randrange(2**31) for _ in range(n)], np.int32))


# Quasi-random numbers


class direction_vector_set(enum.IntEnum):  # noqa: N801
    """Which direction vectors: for how many bits, and for scrambled numbers or others."""

    VECTOR_32 = 101
    SCRAMBLED_VECTOR_32 = 102
    VECTOR_64 = 103
    SCRAMBLED_VECTOR_64 = 104


def generate_direction_vectors(count: int, direction: Any = None) -> GPUArray:
    """Return the direction vectors of the first dimensions of Sobol's points.

    Parameters
    ----------
    count : int
        How many dimensions: at most 10.
    direction : direction_vector_set, optional
        By default those of 32 bits. Scrambled numbers use the same.

    Returns
    -------
    GPUArray
        Of shape ``(count, 32)`` and uint32, or ``(count, 64)`` and uint64.
    """
    if not 0 <= count <= most_dimensions:
        raise ValueError(
            f"there are direction vectors of {most_dimensions} dimensions, not {count}"
        )
    wide = direction is not None and direction_vector_set(direction).name.endswith("64")
    bits = 64 if wide else 32
    rows = [direction_vectors(dimension, bits) for dimension in range(count)]
    dtype = np.uint64 if wide else np.uint32
    return to_gpu(np.array(rows, dtype).reshape(count, bits))


def generate_scramble_constants32(count: int) -> GPUArray:
    """Return `count` constants to scramble numbers of 32 bits with, always the same."""
    return to_gpu(np.random.default_rng(0).integers(0, 1 << 32, count, np.uint32))


def generate_scramble_constants64(count: int) -> GPUArray:
    """Return `count` constants to scramble numbers of 64 bits with, always the same."""
    return to_gpu(np.random.default_rng(0).integers(0, (1 << 64) - 1, count, np.uint64))


class _Sobol(_RandomNumberGenerator):
    """Sobol's points in one dimension: they fill (0, 1) evenly, and are not random.

    Parameters
    ----------
    dir_vector : GPUArray, optional
        Direction vectors, of which the first row is used; by default those of the first dimension;
        see `generate_direction_vectors`.
    offset : int
        How many numbers to skip.
    """

    _bits = 32

    def __init__(self, dir_vector: Any = None, offset: int = 0) -> None:
        if dir_vector is None:
            self._vectors = direction_vectors(0, self._bits)
        else:
            self._vectors = _row(dir_vector, self._bits)
        self._scramble = 0
        self._next = _skipped(offset)

    def _words(self, shape: Any) -> Any:
        count = math.prod(shape)
        if self._next + count > 1 << self._bits:
            raise ValueError(f"there are 2**{self._bits} numbers, and all are used up")
        words = sobol(self._vectors, self._scramble, self._next, count)
        self._next += count
        return words.reshape(shape)

    def _units(self, shape: Any) -> Any:
        """Return float64 in (0, 1): the middles of the cells that the words name."""
        words = self._words(shape) >> max(self._bits - 52, 0)
        return (words.astype(np.float64) + 0.5) * 2.0 ** -min(self._bits, 52)

    def _uniform(self, shape: Any, dtype: np.dtype[Any]) -> Any:
        if dtype in FLOATS:
            return self._units(shape).astype(dtype)
        wanted = 8 * dtype.itemsize
        if wanted > self._bits:
            raise TypeError(f"this generator gives {self._bits} bits, {dtype} has {wanted}")
        words = self._words(shape) >> (self._bits - wanted)
        unsigned = np.dtype(f"u{dtype.itemsize}")
        return words.astype(unsigned).view(dtype)

    def _normal(self, shape: Any, dtype: np.dtype[Any]) -> Any:
        return normal_quantile(self._units(shape)).astype(dtype)

    def _poisson(self, shape: Any, mean: Any) -> Any:
        raise UnsupportedError("Sobol's points give no Poisson numbers: use XORWOW or MRG32k3a")

    def call_skip_ahead(self, i: int, stream: Any = None) -> None:
        """Skip `i` numbers."""
        self._next += _skipped(i)


def _row(array: Any, bits: int) -> np.ndarray[Any, Any]:
    host = array.get() if isinstance(array, GPUArray) else np.asarray(array)
    host = host.reshape(-1, host.shape[-1]) if host.ndim else host
    if host.ndim != 2 or not len(host) or host.shape[1] != bits or host.dtype.kind not in "ui":
        raise ValueError(
            f"direction vectors are rows of {bits} integers, got shape {host.shape}, {host.dtype}"
        )
    row: np.ndarray[Any, Any] = host[0]
    return row


class _ScrambledSobol(_Sobol):
    def __init__(
        self, dir_vector: Any = None, scramble_vector: Any = None, offset: int = 0
    ) -> None:
        super().__init__(dir_vector, offset)
        make = generate_scramble_constants32 if self._bits == 32 else generate_scramble_constants64
        constants = make(1) if scramble_vector is None else scramble_vector
        host = constants.get() if isinstance(constants, GPUArray) else np.asarray(constants)
        if not host.size or host.dtype.kind not in "ui":
            raise ValueError("scramble_vector needs an integer constant")
        self._scramble = int(host.ravel()[0]) % (1 << self._bits)


class Sobol32RandomNumberGenerator(_Sobol):
    """Sobol's points in one dimension, of 32 bits; see `generate_direction_vectors`."""


class Sobol64RandomNumberGenerator(_Sobol):
    """Sobol's points in one dimension, of 64 bits; see `generate_direction_vectors`."""

    _bits = 64


class ScrambledSobol32RandomNumberGenerator(_ScrambledSobol):
    """Sobol's points in one dimension, of 32 bits, shifted by a constant."""


class ScrambledSobol64RandomNumberGenerator(_ScrambledSobol):
    """Sobol's points in one dimension, of 64 bits, shifted by a constant."""

    _bits = 64
