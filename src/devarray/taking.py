"""Taking and putting elements by integer indices and masks."""

from __future__ import annotations

from devarray.chapters import library_functions

__all__ = []


library_functions(
    globals(),
    "compress copyto diag_indices diag_indices_from fill_diagonal ix_ mask_indices "
    "place put put_along_axis putmask ravel_multi_index take take_along_axis "
    "tril_indices tril_indices_from triu_indices triu_indices_from unravel_index",
)
