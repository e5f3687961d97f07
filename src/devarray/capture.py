"""Captured evaluations: the launches of a piece of a program, to be repeated without the program.

Recording, fusing and looking up costs the processor some microseconds an operation. A loop that
does the same to the same arrays again and again can pay that once.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from devarray import engine, launches
from devarray.errors import DevarrayError, UnsupportedError
from devarray.graph import live_pending

__all__ = ["Capture", "capture"]


class Capture:
    """What `capture` gives.

    Attributes
    ----------
    launches : int
        How many kernels were captured.
    """

    def __init__(self) -> None:
        self._launches: list[launches.Recorded] = []
        self._run: Callable[[], None] | None = None
        self._state = "new"

    @property
    def launches(self) -> int:
        """How many kernels were captured."""
        return len(self._launches)

    def __repr__(self) -> str:
        return f"<capture of {self.launches} launches>"

    def __enter__(self) -> Capture:
        if self._state != "new":
            raise DevarrayError("a capture can be entered once: make another one")
        with engine.lock:
            evaluate_all()
            launches.record_launches(self._launches)
        self._state = "open"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with engine.lock:
            if kind is None:
                evaluate_all()
            obstacle = launches.stop_recording()
        self._state = "failed" if kind is not None or obstacle else "ready"
        if obstacle and kind is None:
            raise UnsupportedError(
                f"{obstacle} ran in the device's library, and only kernels can be captured: do it "
                "before or after the capture"
            )

    def replay(self) -> None:
        """Launch the captured kernels again, in their order, on the current streams.

        They read and write the memory that they read and wrote before: arrays that were written
        since give new results, which stand in the arrays that the captured code made.

        Raises
        ------
        DevarrayError
            If nothing was captured: the block was not left, or failed.
        """
        if self._state != "ready":
            raise DevarrayError(f"there is nothing to replay: the capture is {self._state}")
        with engine.lock:
            for one in self._launches:
                # who has recorded reads of what is written wants the values of now
                for block in one.writes:
                    engine.evaluate_readers(block)
            if self._run is None:
                self._run = self._compiled()
            self._run()

    def _compiled(self) -> Callable[[], None]:
        """Return what launches all: the device's own graph of launches where it has such."""
        mine = self._launches

        def run() -> None:
            for one in mine:
                one.launch()

        found = {one.device for one in mine}
        if len(found) != 1:
            return run
        blocks = [block for one in mine for block in (*one.reads, *one.writes)]
        graph: Callable[[], None] = found.pop().make_graph(run, blocks)
        return graph


def evaluate_all() -> None:
    """Compute everything that is pending on devices that can be used."""
    for buffer in live_pending():
        if not buffer.device.unusable:
            engine.evaluate((buffer,))


def capture() -> Capture:
    """Return a context whose evaluations can be repeated by ``replay()``.

    What is pending before is evaluated when the context is entered, and what was recorded in it
    when it is left. Only kernels are captured: a function of the device's library in the context
    raises when it is left; transfers and Python's own control flow happen once.

    Returns
    -------
    Capture

    Examples
    --------
    >>> import devarray as da
    >>> x = da.arange(4.0)
    >>> with da.capture() as step:
    ...     x[...] = x * 2 + 1
    >>> step.replay()
    >>> x.get()
    array([ 3.,  7., 11., 15.])
    """
    return Capture()
