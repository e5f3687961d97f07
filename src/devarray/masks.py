"""`x[mask]` that is not compacted until somebody asks for its shape.

``y[m] = f(y[m], z[m])``, ``y[m] *= 2`` and ``x[m].sum()`` need no compaction: they are one kernel
over the full shape. So a boolean index gives a `Selection`, which remembers the full array and the
mask (both as they are now), and becomes an ordinary array when anything else is done with it.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from devarray.array import DeviceArray
from devarray.graph import LOAD, Node
from devarray.kernels.ops import Op
from devarray.library import call_library
from devarray.operands import call, is_host_scalar
from devarray.record import Recorded, set_selection_class

__all__ = ["Selection"]


class Selection(DeviceArray):
    """The elements of an array where a mask is true; see the module.

    Attributes
    ----------
    _full, _mask : DeviceArray or None
        Of the full shape; None once the elements are in memory of their own.
    _source : Node or None
        The node of the mask when the selection was made: selections by one mask go together.
    """

    __slots__ = ("_full", "_mask", "_source")

    _full: Any
    _mask: Any
    _source: Node | None

    @classmethod
    def of(cls, full: Any, mask: Any, source: Node) -> Selection:
        """Return the selection of `full`, whose content must not change any more, by `mask`."""
        selection = cls.__new__(cls)
        selection._full = full
        selection._mask = mask
        selection._source = source
        selection._load = None
        return selection

    @property
    def _lazy(self) -> bool:
        return self._full is not None

    def __getattr__(self, name: str) -> Any:
        if name not in ("_buffer", "_view"):
            raise AttributeError(f"'DeviceArray' object has no attribute {name!r}")
        self._compact()
        return getattr(self, name)

    def _compact(self) -> None:
        """Become an ordinary array."""
        if self._lazy:
            full, mask = self._full, self._mask
            compact = call_library(operator.getitem, (full, mask), {}, reads_only=True)
            self._buffer, self._view = compact._buffer, compact._view
            self._full = self._mask = self._source = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """Data type of the elements."""
        full: Any = self._full
        return super().dtype if full is None else full.dtype

    @dtype.setter
    def dtype(self, dtype: Any) -> None:
        self._compact()
        DeviceArray.dtype.fset(self, dtype)  # type: ignore[attr-defined]

    def _goes_with(self, mask: Recorded) -> bool:
        """Say whether `mask` still is the mask of this selection."""
        # the copy of the mask is pending: nothing was written to the mask since
        unchanged = self._mask._buffer.node.op is not LOAD or self._source is None
        return self._lazy and unchanged and mask._node() is self._source

    def _together(self, other: Any) -> bool:
        return (
            isinstance(other, Selection)
            and other._lazy
            and other._source is self._source
            and self._mask._buffer.node.op is not LOAD
            and other._mask._buffer.node.op is not LOAD
        )

    def _combine(self, op: Op, inputs: tuple[Any, ...]) -> Any:
        """Return the selection of an op's result, or None if the operands do not go together."""
        if op.ufunc is np.power and self.dtype.kind in "bui":
            return None  # its check for negative exponents must not see what the mask leaves out
        full = []
        for x in inputs:
            if x is self or self._together(x):
                full.append(x._full)
            elif is_host_scalar(x) or (isinstance(x, Recorded) and not x._lazy and not x._shape()):
                full.append(x)
            else:
                return None
        results = call(op, *full)
        if isinstance(results, tuple):
            return tuple([Selection.of(r, self._mask, self._source) for r in results])  # type: ignore[arg-type]
        return Selection.of(results, self._mask, self._source)  # type: ignore[arg-type]

    def _update(self, op: Op, other: Any) -> bool:
        """Apply an in-place operator without compaction, if that can be."""
        if not self._lazy:
            return False
        result = self._combine(op, (self, other))
        if result is None or not np.can_cast(result.dtype, self.dtype, "same_kind"):
            return False  # the ordinary way does it, or raises NumPy's error
        self._full = result._full.astype(self.dtype, copy=False)
        return True


def select(array: Recorded, mask: Recorded) -> Selection:
    """Return ``array[mask]`` for a mask of the array's shape."""
    assert isinstance(array, DeviceArray) and isinstance(mask, DeviceArray)
    return Selection.of(array.copy(), mask.copy(), mask._node())


set_selection_class(select)
