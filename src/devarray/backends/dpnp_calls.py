"""Calls of dpnp's functions with NumPy's arguments, in order with what else is in a queue.

What is said here of dpnp was seen with dpnp 0.20.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import dpctl
import dpctl.utils
import dpnp
import numpy as np

from devarray.errors import UnsupportedError

__all__ = ["Call"]

# Parameters that are arrays, by NumPy's names; `choices` and the like are lists of arrays.
_ARRAYS = frozenset(
    (
        *("a", "ar", "ar1", "ar2", "arr", "A", "b", "bins", "condition", "element", "filt", "fp"),
        *("indices", "mask", "sorter", "test_elements", "v", "val", "vals", "values", "weights"),
        *("x", "x1", "x2", "xp", "y"),
    )
)
_LISTS = frozenset({"arrays", "choices", "multi_index"})
_MORE_ARRAYS = {np.put: {"ind"}, np.polyval: {"p"}, np.ix_: {"args"}, np.einsum: {"operands"}}
_NO_ARRAYS = frozenset({np.histogram_bin_edges, np.histogram, np.histogramdd, np.histogram2d})


def _holds_arrays(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_arrays, value))
    return isinstance(value, dpnp.ndarray)


def _signature(function: Any) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except ValueError:  # a few functions that are written in C have none
        return None


def _queue_of(value: Any) -> Any:
    """Return the queue of the first array in a nest of lists, or None."""
    if isinstance(value, dpnp.ndarray):
        return value.sycl_queue
    if isinstance(value, (list, tuple)):
        return next((queue for item in value if (queue := _queue_of(item)) is not None), None)
    return None


class Call:
    """A function of NumPy's, called with dpnp's arrays: it binds NumPy's parameters to dpnp's."""

    def __init__(
        self,
        function: Callable[..., Any],
        found: Callable[..., Any],
        device: str,
        queue: Callable[[], Any],
    ) -> None:
        self._name = f"numpy.{function.__name__}"
        self._found = found
        self._device = device
        self._queue = queue
        self._theirs = _signature(function)
        mine = _signature(found)
        self._accepted = mine.parameters if mine else {}
        self._wants_queue = "sycl_queue" in self._accepted
        names = list(self._theirs.parameters) if self._theirs else []
        names += [""] * len(self._accepted)
        # dpnp gives some parameters names of its own, at the same place
        self._renamed = {
            theirs: own
            for own, theirs in zip(self._accepted, names, strict=False)
            if theirs not in self._accepted and own not in names
        }
        known = _ARRAYS - {"bins", "weights"} if function in _NO_ARRAYS else _ARRAYS
        self._arrays = (known | _MORE_ARRAYS.get(function, set())) & set(names)
        self._lists = _LISTS & set(names)

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call dpnp's function; arguments are those of NumPy's."""
        queue = _queue_of([*args, *options.values()])
        chosen = self._queue() if queue is None else queue
        if self._theirs is None:
            return _in_order(chosen, self._found, args, options)
        bound = self._theirs.bind(*args, **options)
        positional, named = [], {}
        for name, value in bound.arguments.items():
            parameter = self._theirs.parameters[name]
            if parameter.kind is parameter.VAR_POSITIONAL:
                positional += [self._converted(name, item, chosen) for item in value]
            elif parameter.kind is parameter.VAR_KEYWORD:
                named.update(value)
            elif not self._is_default(value, parameter.default):
                self._pass(parameter, self._converted(name, value, chosen), positional, named)
        if queue is None and self._wants_queue:
            named["sycl_queue"] = chosen
        return _in_order(chosen, self._found, positional, named)

    def _is_default(self, value: Any, default: Any) -> bool:
        return value is default or value is np._NoValue or (
            isinstance(value, (str, int)) and type(value) is type(default) and value == default
        )  # fmt: skip

    def _pass(
        self, parameter: Any, value: Any, positional: list[Any], named: dict[str, Any]
    ) -> None:
        name = self._renamed.get(parameter.name, parameter.name)
        accepted = self._accepted.get(name)
        if accepted is None:
            raise UnsupportedError(
                f"dpnp, the library of device {self._device}, has no {self._name} with "
                f"{parameter.name}: use .get() and NumPy's, or other functions"
            )
        if accepted.kind is accepted.POSITIONAL_ONLY:
            positional.append(value)
        else:
            named[name] = value

    def _converted(self, name: str, value: Any, queue: Any) -> Any:
        if name in self._arrays:
            return as_array(value, queue)
        if name in self._lists and isinstance(value, (list, tuple)):
            return [as_array(item, queue) for item in value]
        return value


def _in_order(queue: Any, function: Callable[..., Any], args: Any, options: Any) -> Any:
    """Call a function of dpnp's after all that is in a queue, and before all that comes.

    oneMKL's products start when the events are done that dpnp names to it, whatever else is in the
    queue before them, queues in order included (seen with oneMKL 2026.2 on the processor). So dpnp
    is told of a barrier as if it were a launch of its own.
    """
    events = dpctl.utils.SequentialOrderManager[queue]
    before = queue.submit_barrier()
    events.add_event_pair(before, before)
    result = function(*args, **options)
    queue.submit_barrier(events.submitted_events)
    return result


def as_array(value: Any, queue: Any) -> Any:
    """Return what NumPy makes of a list or a number, as an array of dpnp's."""
    if value is None or isinstance(value, (dpnp.ndarray, str)):
        return value
    if not _holds_arrays(value):
        value = np.asarray(value)
    return dpnp.asarray(value, sycl_queue=queue)
