"""What every kind of draw needs of a generator: the state, the device, the next call's bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from devarray.device import Device
from devarray.layout import Shape
from devarray.library import adopt
from devarray.operands import import_array
from devarray.random.bits import Draw, Philox4x32
from devarray.random.parameters import as_size, broadcast, store, with_numpys_errors
from devarray.record import as_result
from devarray.registry import get_device

__all__ = ["Source"]


class Source:
    """A bit generator, and the device that draws with it."""

    def __init__(self, bit_generator: Any = None, device: Any = None) -> None:
        if not isinstance(bit_generator, Philox4x32):
            bit_generator = Philox4x32(bit_generator)
        self._bit_generator: Philox4x32 = bit_generator
        self._device = None if device is None else get_device(device)

    @property
    def bit_generator(self) -> Philox4x32:
        """Seed, key and counter; what is drawn elsewhere with it counts here too."""
        return self._bit_generator

    @property
    def device(self) -> Device:
        """Where numbers are drawn."""
        device: Device = self._device or get_device()
        return device

    @with_numpys_errors
    def spawn(self, n_children: int) -> list[Any]:
        """Return generators with seeds of their own; see `numpy.random.Generator.spawn`.

        Parameters
        ----------
        n_children : int

        Examples
        --------
        >>> import devarray as da
        >>> a, b = da.random.default_rng(1).spawn(2)
        >>> bool((a.random(5) == b.random(5)).any())
        False
        """
        return [type(self)(child, self._device) for child in self._bit_generator.spawn(n_children)]

    def _take(self, shape: Shape) -> Draw:
        """Return the bits of the next call."""
        bits = self._bit_generator
        return Draw(bits.key, bits.take(), shape, self.device)

    def _draw(self, size: Any, formula: Callable[..., Any], *parameters: Any) -> Any:
        """Return what `formula` makes of the next call's bits and of parameters."""
        result = formula(self._take(broadcast(size, parameters)), *parameters)
        return as_result(result) if size is None else result

    def _draw_into(
        self, size: Any, out: Any, formula: Callable[..., Any], dtype: np.dtype[Any]
    ) -> Any:
        """Return what `formula` makes of the next call's bits, in `out` if that is given."""
        result = formula(self._take(as_size(size) or ()), dtype)
        if out is None:
            return as_result(result) if size is None else result
        return store(out, result)

    def _host_source(self) -> np.random.Generator:
        """Return NumPy's own generator over the next call's stream."""
        bits = self._bit_generator
        return np.random.Generator(np.random.Philox(counter=bits.take() << 128, key=bits.key))

    def _to_device(self, value: Any) -> Any:
        """Return what NumPy has drawn, on the device."""
        if not isinstance(value, np.ndarray):
            return as_result(import_array(np.asarray(value), self.device))
        device = self.device
        return adopt(value, device) if device.shares_host_memory else import_array(value, device)

    def __getstate__(self) -> tuple[Any, ...]:
        return self._bit_generator, None if self._device is None else self._device.name

    def __setstate__(self, saved: tuple[Any, ...]) -> None:
        self._bit_generator, name = saved
        self._device = None if name is None else get_device(name)

    def __copy__(self) -> Any:
        """Return a generator that goes on with the same numbers, by itself."""
        twin = type(self).__new__(type(self))
        state = Philox4x32.__new__(Philox4x32)
        state.__setstate__(self._bit_generator.__getstate__())
        twin._bit_generator, twin._device = state, self._device
        return twin

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self.__copy__()

    def __repr__(self) -> str:
        kind, bits = type(self).__name__, type(self._bit_generator).__name__
        return f"{kind}({bits}) at 0x{id(self):X}"
