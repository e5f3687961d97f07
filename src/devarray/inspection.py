"""What programs ask of the namespace (the standard's inspection API) and of arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from devarray.chapters import implements, library_functions, on_device
from devarray.device import Device
from devarray.kernels.ops import DTYPES
from devarray.layout import MOST_AXES, normalize_axis
from devarray.registry import available_devices, get_device

__all__ = ["__array_api_version__", "__array_namespace_info__", "ndim", "shape", "size"]

__array_api_version__ = "2025.12"


class NamespaceInfo:
    """The inspection API of the standard; ``devarray.__array_namespace_info__()`` gives one.

    Examples
    --------
    >>> import devarray as da
    >>> info = da.__array_namespace_info__()
    >>> info.default_dtypes()["indexing"]
    dtype('int64')
    """

    def capabilities(self) -> dict[str, Any]:
        """Return what programs may rely on."""
        return {
            "boolean indexing": True,
            "data-dependent shapes": True,
            "max dimensions": MOST_AXES,
        }

    def default_device(self) -> Device:
        """Return the device of arrays that are made without saying where."""
        device: Device = get_device()
        return device

    def devices(self) -> tuple[Device, ...]:
        """Return the devices of this machine."""
        return available_devices()

    def default_dtypes(self, *, device: Any = None) -> dict[str, np.dtype[Any]]:
        """Return the dtypes of arrays that are made from Python numbers."""
        get_device(device)
        return {
            "real floating": np.dtype(np.float64),
            "complex floating": np.dtype(np.complex128),
            "integral": np.dtype(np.int64),
            "indexing": np.dtype(np.int64),
        }

    def dtypes(
        self, *, device: Any = None, kind: str | tuple[str, ...] | None = None
    ) -> dict[str, np.dtype[Any]]:
        """Return the standard's dtypes by name.

        Parameters
        ----------
        device : str or Device, optional
        kind : str or tuple of str, optional
            "bool", "signed integer", "unsigned integer", "integral", "real floating", "complex
            floating", "numeric", or a tuple of these; all by default.

        Raises
        ------
        ValueError
            For an unknown kind.
        """
        get_device(device)
        standard = {dtype.name: dtype for dtype in DTYPES if dtype.name != "float16"}
        if kind is None:
            return standard
        return {name: dtype for name, dtype in standard.items() if np.isdtype(dtype, kind)}


def __array_namespace_info__() -> NamespaceInfo:  # noqa: N807 - the standard's name
    """Return an object that says what this namespace can do: devices, dtypes, capabilities."""
    return NamespaceInfo()


@implements(np.ndim)
def ndim(a: Any) -> int:
    """Return the number of axes; see `numpy.ndim`."""
    return on_device(a).ndim


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """Return the lengths of the axes; see `numpy.shape`."""
    return on_device(a).shape


@implements(np.size)
def size(a: Any, axis: Any = None) -> int:
    """Return the number of elements, of all axes or along some; see `numpy.size`.

    Examples
    --------
    >>> import devarray as da
    >>> da.size(da.ones((2, 3)), 1)
    3
    """
    lengths = on_device(a).shape
    if axis is None:
        return math.prod(lengths)
    axes = axis if isinstance(axis, tuple) else (axis,)
    return math.prod(lengths[normalize_axis(k, len(lengths))] for k in axes)


library_functions(
    globals(),
    "array2string array_repr array_str isfortran may_share_memory shares_memory",
)
