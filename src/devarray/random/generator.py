"""The generator: NumPy's methods over the bits of Philox."""

from __future__ import annotations

import math
import operator
import warnings
from typing import Any

import numpy as np

from devarray import linalg
from devarray.array import DeviceArray
from devarray.boundary import asarray
from devarray.layout import normalize_axis
from devarray.operands import refuse_host
from devarray.random import selection
from devarray.random.bits import F8
from devarray.random.continuous import Distributions
from devarray.random.on_host import HostDraws
from devarray.random.parameters import (
    as_size,
    host_values,
    integer_bounds,
    integer_dtype,
    store,
    with_numpys_errors,
)
from devarray.record import as_result

__all__ = ["Generator", "default_rng"]

TAKE: Any = np.take_along_axis

# Fewer than one in so many of a population are chosen by NumPy, which need not order the rest.
FEW = 50


def _given(x: Any) -> DeviceArray:
    """Return an array argument on its device."""
    refuse_host(x, "in a call of a random generator")
    return asarray(x)


class Generator(Distributions, HostDraws):
    """Random numbers on a device; see `numpy.random.Generator`.

    Element `i` of a result depends on the seed, on how many calls came before, and on `i`: not on
    the device, the number of threads, or what it is fused with. The numbers are not NumPy's.

    Parameters
    ----------
    bit_generator : Philox4x32 or seed, optional
        What the numbers are made of; generators that share one draw in turns.
    device : str or Device, optional
        Where to draw; by default the default device at the time of a call.

    Examples
    --------
    >>> import devarray as da
    >>> rng = da.random.Generator(da.random.Philox4x32(1))
    >>> rng.integers(0, 10, size=3).shape
    (3,)
    """

    @with_numpys_errors
    def integers(
        self,
        low: Any,
        high: Any = None,
        size: Any = None,
        dtype: Any = np.int64,
        endpoint: bool = False,
    ) -> Any:
        """Draw integers from [low, high), or [low, high]; see `numpy.random.Generator.integers`.

        No integer is likelier than another by more than 2**-32 of its probability; of a hundred
        integers, by 2**-57.

        Examples
        --------
        >>> import devarray as da
        >>> dice = da.random.default_rng(0).integers(1, 6, size=1000, endpoint=True)
        >>> int(dice.min()), int(dice.max())
        (1, 6)
        """
        kind = integer_dtype(dtype)
        low, high = integer_bounds(low, high, kind, bool(endpoint), self.device)

        def formula(draw: Any, low: Any, high: Any) -> Any:
            return selection.integers(draw, low, high, kind)

        return self._draw(size, formula, low, high)

    def bytes(self, length: int) -> bytes:
        """Return random bytes; see `numpy.random.Generator.bytes`.

        Examples
        --------
        >>> import devarray as da
        >>> len(da.random.default_rng(0).bytes(10))
        10
        """
        length = operator.index(length)
        if length < 0:
            raise ValueError("length must not be negative")
        low, _ = self._take((-(-length // 8),)).bits()
        words: np.ndarray[Any, Any] = low.get().astype("<u8")
        return words.tobytes()[:length]

    @with_numpys_errors
    def choice(
        self,
        a: Any,
        size: Any = None,
        replace: bool = True,
        p: Any = None,
        axis: int = 0,
        shuffle: bool = True,
    ) -> Any:
        """Choose from an array, or from ``0 ... a-1``; see `numpy.random.Generator.choice`.

        Parameters
        ----------
        a : int or array_like
        size : int or tuple of int, optional
        replace : bool
            Whether an element may be chosen again.
        p : array_like, optional
            The probability of each element.
        axis : int
            What is chosen lies along this axis of `a`.
        shuffle : bool
            False allows for less than random order without replacement (the order is random
            nonetheless where that costs nothing).

        Examples
        --------
        >>> import devarray as da
        >>> da.random.default_rng(0).choice(3, size=3, replace=False).sum()
        array(3, device='openmp')
        """
        array = None if np.ndim(a) == 0 else _given(a)
        n = operator.index(a) if array is None else array.shape[axis]
        shape = as_size(size) or ()
        count = math.prod(shape)
        if n <= 0 and count:
            raise ValueError("a must be a positive integer unless no samples are taken")
        weights = None if p is None else _weights(p, n)
        if replace or not count:
            draw = self._take(shape)
            if weights is None:
                index = selection.chosen(draw, max(n, 1))
            else:
                index = selection.weighted(draw, weights)
        else:
            index = self._distinct(n, count, weights, bool(shuffle)).reshape(shape)
        if array is None:
            return as_result(index) if size is None else index
        result = np.take(array, index, axis=axis)
        return as_result(result) if size is None else result

    def _distinct(self, n: int, count: int, weights: Any, shuffle: bool) -> Any:
        """Return `count` different positions below `n`."""
        if count > n:
            raise ValueError("Cannot take a larger sample than population when replace is False")
        if weights is not None:
            if np.count_nonzero(weights > 0) < count:
                raise ValueError("Fewer non-zero entries in p than size")
            return selection.weighted_distinct(self._take((n,)), weights, count)
        if count < n // FEW:
            source = self._host_source()
            return self._to_device(source.choice(n, count, replace=False, shuffle=shuffle))
        return selection.orders(self._take((n,)))[:count]

    @with_numpys_errors
    def permutation(self, x: Any, axis: int = 0) -> Any:
        """Return a copy in random order; see `numpy.random.Generator.permutation`.

        An integer stands for the integers below it.

        Examples
        --------
        >>> import devarray as da
        >>> da.sort(da.random.default_rng(0).permutation(4))
        array([0, 1, 2, 3], device='openmp')
        """
        if isinstance(x, (int, np.integer)):
            return selection.orders(self._take((max(int(x), 0),)))
        array = _given(x)
        axis = normalize_axis(axis, array.ndim)
        return np.take(array, selection.orders(self._take((array.shape[axis],))), axis=axis)

    @with_numpys_errors
    def permuted(self, x: Any, *, axis: int | None = None, out: Any = None) -> Any:
        """Return a copy with each slice along an axis in an order of its own.

        See `numpy.random.Generator.permuted`.

        Parameters
        ----------
        x : array_like
        axis : int, optional
            By default all elements change places.
        out : DeviceArray, optional
            Where to put the result; it may be `x`.
        """
        array = _given(x)
        if not array.ndim:
            raise TypeError("len() of unsized object")
        if out is not None:
            refuse_host(out, "in a call of a random generator")
            if not isinstance(out, (DeviceArray, np.ndarray)):
                raise TypeError("out must be a numpy array")
            if out.shape != array.shape:
                raise ValueError("out must have the same shape as x")
            if not np.can_cast(array.dtype, out.dtype, "safe"):
                raise TypeError(
                    f"Cannot cast array data from {array.dtype!r} to {out.dtype!r} according to "
                    "the rule 'safe'"
                )
        if axis is None:
            flat = array.reshape(-1)
            result = np.take(flat, selection.orders(self._take(flat.shape))).reshape(array.shape)
        else:
            axis = normalize_axis(axis, array.ndim)
            moved = array.swapaxes(axis, -1)
            order = selection.orders(self._take(moved.shape))
            result = TAKE(moved, order, -1).swapaxes(axis, -1)
        return result if out is None else store(out, result)

    @with_numpys_errors
    def shuffle(self, x: Any, axis: int = 0) -> None:
        """Bring an array or list into random order; see `numpy.random.Generator.shuffle`.

        Parameters
        ----------
        x : DeviceArray or mutable sequence
            Slices of an array keep their content.
        axis : int
        """
        refuse_host(x, "in a call of a random generator")
        if not isinstance(x, (DeviceArray, np.ndarray)):
            self._shuffle_items(x, axis)
            return
        if not x.ndim:
            raise TypeError("len() of unsized object")
        axis = normalize_axis(axis, x.ndim)
        order = selection.orders(self._take((x.shape[axis],)))
        store(x, np.take(_given(x), order, axis=axis))

    def _shuffle_items(self, x: Any, axis: int) -> None:
        n = len(x)
        if axis != 0:
            raise NotImplementedError("Axis argument is only supported on ndarray objects")
        if n < 2:
            return
        items = [x[k] for k in range(n)]
        for k, chosen in enumerate(selection.orders(self._take((n,))).get().tolist()):
            x[k] = items[chosen]

    @with_numpys_errors
    def multivariate_normal(
        self,
        mean: Any,
        cov: Any,
        size: Any = None,
        check_valid: str = "warn",
        tol: float = 1e-8,
        *,
        method: str = "svd",
    ) -> Any:
        """Draw vectors of a covariance; see `numpy.random.Generator.multivariate_normal`.

        Examples
        --------
        >>> import devarray as da
        >>> rng = da.random.default_rng(0)
        >>> rng.multivariate_normal([0.0, 1.0], [[2.0, 1.0], [1.0, 3.0]], size=4).shape
        (4, 2)
        """
        if method not in ("eigh", "svd", "cholesky"):
            raise ValueError("method must be one of {'eigh', 'svd', 'cholesky'}")
        mean, cov = _given(mean), _given(cov)
        if "c" in (mean.dtype.kind, cov.dtype.kind):
            raise TypeError("mean and cov must not be complex")
        mean, cov = mean.astype(F8, copy=False), cov.astype(F8, copy=False)
        if mean.ndim != 1:
            raise ValueError("mean must be 1 dimensional")
        if cov.ndim != 2 or cov.shape[0] != cov.shape[1]:
            raise ValueError("cov must be 2 dimensional and square")
        if mean.shape[0] != cov.shape[0]:
            raise ValueError("mean and cov must have same length")
        if check_valid not in ("warn", "raise", "ignore"):
            raise ValueError("check_valid must equal 'warn', 'raise', or 'ignore'")
        shape = (*(as_size(size) or ()), mean.shape[0])
        factor, valid = _factor(cov, method, check_valid != "ignore", tol)
        if not valid and check_valid == "raise":
            raise ValueError("covariance is not symmetric positive-semidefinite.")
        if not valid:
            words = "covariance is not symmetric positive-semidefinite."
            warnings.warn(words, RuntimeWarning, stacklevel=3)
        return mean + np.matmul(self.standard_normal(shape), factor.T)


def _factor(cov: Any, method: str, check: bool, tol: float) -> tuple[Any, bool]:
    """Return a matrix whose square is `cov`, and whether it is (or nobody asked)."""
    if method == "cholesky":
        return linalg.cholesky(cov), True
    if method == "eigh":
        values, vectors = linalg.eigh(cov)
        valid = not check or not bool(np.any(values < -tol))
        return vectors * np.sqrt(np.abs(values)), valid
    u, s, vh = linalg.svd(cov)
    square = np.matmul(vh.T * s, vh)
    valid = not check or bool(np.all(np.isclose(square, cov, rtol=tol, atol=tol)))
    return u * np.sqrt(s), valid


def _weights(p: Any, n: int) -> np.ndarray[Any, Any]:
    """Return probabilities on the host; NumPy says what is wrong with them."""
    host: np.ndarray[Any, Any] = np.asarray(host_values(p), F8)
    if host.shape != (n,):
        raise ValueError(
            "a and p must have same size" if host.ndim == 1 else "p must be 1-dimensional"
        )
    np.random.default_rng(0).choice(n, 0, p=host)
    return host


def default_rng(seed: Any = None, device: Any = None) -> Generator:
    """Return a generator of random numbers on a device; see `numpy.random.default_rng`.

    Parameters
    ----------
    seed : None, int, sequence of int, SeedSequence, bit generator or generator
        As for NumPy; a `Generator` of this module is returned as it is, a `Philox4x32` is shared.
    device : str or Device, optional
        Where to draw.

    Examples
    --------
    >>> import devarray as da
    >>> rng = da.random.default_rng(7)
    >>> x = rng.normal(size=1000) * 2 + 1
    >>> x.shape, x.dtype
    ((1000,), dtype('float64'))
    """
    if isinstance(seed, Generator):
        return seed
    return Generator(seed, device)
