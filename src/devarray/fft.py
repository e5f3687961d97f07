"""Fourier transforms, in the device's own library; float32 stays float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from devarray.boundary import to_gpu
from devarray.chapters import library_functions

__all__ = ["fftfreq", "rfftfreq"]


def fftfreq(n: int, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """Return the frequencies of a transform of `n` samples; see `numpy.fft.fftfreq`.

    Parameters
    ----------
    n : int
        Number of samples.
    d : float
        Distance of two samples; the result is in cycles per unit of it.
    dtype : dtype, optional
        Floating-point; float64 by default.
    device : str or Device, optional

    Returns
    -------
    DeviceArray
        Shape ``(n,)``: 0, 1, ..., then the negative ones, over ``d * n``.

    Examples
    --------
    >>> import devarray as da
    >>> da.fft.fftfreq(4)
    array([ 0.  ,  0.25, -0.5 , -0.25], device='openmp')
    """
    return to_gpu(_of_dtype(np.fft.fftfreq(n, d), dtype), device)


def rfftfreq(n: int, d: float = 1.0, dtype: Any = None, device: Any = None) -> Any:
    """Return the frequencies of a real transform of `n` samples; see `numpy.fft.rfftfreq`.

    Parameters
    ----------
    n, d, dtype, device
        See `fftfreq`.

    Returns
    -------
    DeviceArray
        Shape ``(n // 2 + 1,)``.

    Examples
    --------
    >>> import devarray as da
    >>> da.fft.rfftfreq(4)
    array([0.  , 0.25, 0.5 ], device='openmp')
    """
    return to_gpu(_of_dtype(np.fft.rfftfreq(n, d), dtype), device)


def _of_dtype(values: Any, dtype: Any) -> Any:
    if dtype is None:
        return values
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"dtype must be a real floating-point dtype, got {np.dtype(dtype)}")
    return values.astype(dtype)


library_functions(
    globals(),
    "fft fft2 fftn fftshift hfft ifft ifft2 ifftn ifftshift ihfft irfft irfft2 irfftn rfft rfft2 "
    "rfftn",
    np.fft,
)

if TYPE_CHECKING:  # the names above are no definitions to a type checker

    def __getattr__(name: str) -> Any: ...
