"""Raw kernels on the host: `kernels.host_grid` behind the protocol of `modules`."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from devarray.config import current
from devarray.device import Block
from devarray.errors import UnsupportedError
from devarray.kernels.host_grid import HostModule
from devarray.kernels.signatures import Parameter
from devarray.modules import Attributes, Extent, RawCall, RawCode, RawSource

__all__ = ["HostCode"]

# What compilers of GPU code are told, and means nothing here: alone, or with a value behind it
_FOR_GPUS = (
    "arch", "gpu-architecture", "gpu-code", "code", "generate-code", "gencode", "maxrregcount",
    "ptxas-options", "Xptxas", "lineinfo", "generate-line-info", "device-debug", "G", "rdc",
    "relocatable-device-code", "dlto", "default-device", "extra-device-vectorization", "fmad",
    "ftz", "prec-div", "prec-sqrt", "offload-arch", "restrict", "split-compile", "minimal",
    "use_fast_math", "extended-lambda", "expt-relaxed-constexpr", "dopt", "keep", "Xcompiler",
)  # fmt: skip
_WITH_VALUE = ("arch", "gpu-architecture", "code", "gencode", "maxrregcount", "Xptxas", "Xcompiler")
# As on GPUs, fast mathematics keeps what NaN and infinities mean
_FAST = ("-ffp-contract=fast", "-freciprocal-math", "-fno-trapping-math")

Put = Callable[[Sequence[Block], Sequence[Block], Callable[[], None]], None]


def _flags(options: Sequence[str]) -> Iterator[str]:
    """Yield what the host's compiler is told."""
    words = iter(options)
    for word in words:
        name = word.lstrip("-").partition("=")[0].partition(" ")[0]
        if name == "use_fast_math":
            yield from _FAST
        if name == "std" and re.search(r"=\D*(?:98|03|11|14)$", word):
            continue  # ours need C++17, which has all of theirs
        if word.startswith("-") and name in _FOR_GPUS:
            if name in _WITH_VALUE and "=" not in word and " " not in word:
                next(words, None)
            continue
        yield word.replace("--std=", "-std=", 1)


class HostCode(RawCode):
    """See `devarray.modules.RawCode`.

    Parameters
    ----------
    source : RawSource
    put : callable
        Does a piece of work, which reads and writes blocks, on the current stream.
    threads : callable
        Returns how many threads a launch may use.
    """

    def __init__(self, source: RawSource, put: Put, threads: Callable[[], int]) -> None:
        if source.code:
            raise UnsupportedError(
                "openmp cannot run binaries or PTX, which are for GPUs: give the kernel's text"
            )
        self._source = source
        self._put = put
        self._threads = threads
        self._modules: dict[tuple[bool, bool], HostModule] = {}
        self._first = self.module()

    def module(self) -> HostModule:
        """Return the module for the present settings."""
        fast, checks = current().fast_math, current().raw_checks
        found = self._modules.get((fast, checks))
        if found is None:
            text, names, options, _, _ = self._source
            flags = (*_flags(options), *(_FAST if fast else ()))
            # where nothing is checked, threads that have ended do not count, as on GPUs
            found = HostModule(text, names, flags, ended_pass=not checks, checks=checks)
            self._modules[fast, checks] = found
        return found

    def parameters(self, name: str) -> tuple[Parameter, ...]:
        """See `devarray.modules.RawCode`."""
        return self.module().parameters(name)

    def launch(self, name: str, call: RawCall) -> None:
        """See `devarray.modules.RawCode`."""
        if not call.shared_bytes and self._first.is_dynamic(name):
            raise ValueError(
                f"kernel {name} has an extern __shared__ array, and shared_mem is 0 bytes"
            )
        if current().raw_checks and any(p.target_kind in ("p", "?") for p in self.parameters(name)):
            call = call._replace(arrays=(*call.arrays, *_reachable()))
        work = partial(_run, self.module(), self._first, name, call, self._threads())
        self._put(call.reads, call.writes, work)

    def variable(self, name: str) -> tuple[int, int]:
        """See `devarray.modules.RawCode`."""
        return self._first.variable(name)  # other modules borrow its values for a launch

    def attributes(self, name: str) -> Attributes:
        """See `devarray.modules.RawCode`."""
        self.parameters(name)
        return Attributes(1024)

    def blocks_at_once(self, name: str, threads: int, shared_bytes: int) -> int:
        """Return 1: a thread of the processor works on one block after the other."""
        self.parameters(name)
        return 1


def _reachable() -> list[Extent]:
    """Return the memory of all arrays, which pointers in memory may lead to."""
    # not gc.get_objects(): it names tuples that this or another thread is still filling, and
    # CPython fails to resize a tuple that has another name
    kinds: list[type[Block]] = [Block]
    for kind in kinds:
        kinds += kind.__subclasses__()
    blocks = [found for found in gc.get_referrers(*kinds) if isinstance(found, Block)]
    return [
        Extent("", block.address, block.nbytes, "uint8", True)
        for block in blocks
        if block.nbytes and block.memory is not None and block.device.shares_host_memory
    ]


def _run(module: HostModule, first: HostModule, name: str, call: RawCall, threads: int) -> None:
    if module is not first:
        module.take_variables(first)
    try:
        module.run(
            name, call.grid, call.block, call.values, call.shared_bytes, threads, call.arrays
        )
    finally:
        if module is not first:
            first.take_variables(module)
