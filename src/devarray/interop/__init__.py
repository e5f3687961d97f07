"""Other libraries' own registries, filled for device arrays: import the module of the library.

Most libraries need nothing: they find the Array API namespace or NumPy's protocols on the array.
``import devarray.interop.dask``, ``devarray.interop.einops`` and ``devarray.interop.xarray`` are
for those that look types up in tables of their own.
"""

__all__: list[str] = []
