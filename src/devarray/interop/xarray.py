"""The accessor ``.devarray`` of xarray's objects: values to the device and back, by name.

xarray itself works with device arrays without it. What it cannot do by itself is to bring them to
the host where that must be asked for: ``x.devarray.get()``, of a `DataArray` or a `Dataset`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xarray as xr

import devarray as da

__all__ = ["DataArrayAccessor", "DatasetAccessor"]


def _to_host(variable: Any) -> Any:
    values = variable.data
    return variable.copy(data=values.get()) if isinstance(values, da.DeviceArray) else variable


def _to_device(device: Any) -> Callable[[Any], Any]:
    """Return the function that puts a variable on a device; indexes and dates stay as they are."""

    def move(variable: Any) -> Any:
        values = variable.data
        if isinstance(variable, xr.IndexVariable) or values.dtype.kind not in "biufc":
            return variable
        return variable.copy(data=da.asarray(values, device=device))

    return move


@xr.register_dataarray_accessor("devarray")
class DataArrayAccessor:
    """``x.devarray`` of a `xarray.DataArray`.

    Examples
    --------
    >>> import xarray as xr
    >>> import devarray as da
    >>> import devarray.interop.xarray
    >>> x = xr.DataArray(da.arange(3.0), dims="t")
    >>> (2 * x).devarray.get().values
    array([0., 2., 4.])
    """

    def __init__(self, array: Any) -> None:
        self._array = array

    def _changed(self, change: Callable[[Any], Any]) -> Any:
        array = self._array
        data = change(array.variable).data
        coords = {
            name: change(array.coords[name].variable)
            for name in array.coords
            if name not in array.xindexes
        }
        return array.copy(data=data).assign_coords(coords)

    @property
    def on_device(self) -> bool:
        """Whether the data are a device array."""
        return isinstance(self._array.data, da.DeviceArray)

    def get(self) -> Any:
        """Return the array with its values, and those of its coordinates, on the host."""
        return self._changed(_to_host)

    def to_device(self, device: Any = None) -> Any:
        """Return the array with its values, and those of its coordinates, on a device.

        Coordinates that are indexes stay on the host: xarray keeps them in pandas.

        Parameters
        ----------
        device : str or Device, optional
            The default device if None.
        """
        return self._changed(_to_device(device))


@xr.register_dataset_accessor("devarray")
class DatasetAccessor:
    """``x.devarray`` of a `xarray.Dataset`; see `DataArrayAccessor`."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def _changed(self, change: Callable[[Any], Any]) -> Any:
        dataset = self._dataset
        return dataset.assign(
            {name: change(dataset.variables[name]) for name in dataset.data_vars}
        ).assign_coords(
            {
                name: change(dataset.variables[name])
                for name in dataset.coords
                if name not in dataset.xindexes
            }
        )

    @property
    def on_device(self) -> bool:
        """Whether the data of all variables are device arrays."""
        variables = self._dataset.data_vars.values()
        return all(isinstance(variable.data, da.DeviceArray) for variable in variables)

    def get(self) -> Any:
        """Return the dataset with all values on the host."""
        return self._changed(_to_host)

    def to_device(self, device: Any = None) -> Any:
        """Return the dataset with all values but its indexes on a device.

        Parameters
        ----------
        device : str or Device, optional
            The default device if None.
        """
        return self._changed(_to_device(device))
