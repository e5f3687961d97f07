"""Kernels on the host with checks: bounds of arrays, races on shared memory, divergent barriers.

The compiler's instrumentation against races announces every access to memory. Who is called is in
``include/host_check_calls.h`` (a part of the kernel's library), what is then looked up in
``include/host_checks.h`` (a library that all kernels share). Here are the compiler's flags, the
arrays of a launch, and what makes lines and names of the places that a message has.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from .host_lines import Binary
from .signatures import Parameter
from .toolchain import Toolchain

__all__ = ["DECLARATIONS", "Array", "Checks", "check_flags", "mapped_memory"]

# name, address, bytes, dtype's name, whether it may be written: as `devarray.modules.Extent`
Array = tuple[str, int, int, str, bool]

_OURS = ("headers", "launchers")  # what `host_text` puts around the user's text


def check_flags(toolchain: Toolchain) -> tuple[str, ...]:
    """Return the flags with which kernels are compiled that are to be checked."""
    common = ("-O1", "-fwrapv", "-g1", "-gdwarf-4")
    if toolchain.name == "gcc":
        # The sanitizer's own library stays away where no standard library is linked
        link = () if "-nostdlib" in toolchain.flags else ("-nodefaultlibs", "-lc", "-lgcc")
        # What stores a function's result is not announced unless the function is inlined
        limits = (
            *("max-inline-insns-single", "max-inline-insns-auto", "inline-unit-growth"),
            *("large-function-insns", "large-function-growth", "early-inlining-insns"),
        )
        inline = ["-finline-functions", "-finline-small-functions"]
        inline += [word for name in limits for word in ("--param", f"{name}=100000")]
        return (*common, "-fsanitize=thread", "-fsanitize=bounds", "-Wno-tsan", *inline, *link)
    words = ("-fsanitize=thread", "-fsanitize=array-bounds", "-fsanitize-recover=array-bounds")
    options = ("-tsan-instrument-func-entry-exit=0", "-tsan-instrument-read-before-write=1")
    given = [part for word in words for part in ("-Xclang", word)]  # unknown to the linker's driver
    return (*common, *given, *(part for option in options for part in ("-mllvm", option)))


# for cffi
DECLARATIONS = """
typedef struct {
    const char *name, *type; size_t address, bytes; unsigned item; char writes;
} dh_Extent;
int dh_checks_begin(const dh_Extent *, int, int, const void *, const size_t *);
void dh_checks_end(void);
"""


def mapped_memory() -> Iterator[tuple[int, int, bool]]:
    """Yield address, bytes, and whether it may be written, of the memory that the process has."""
    begin = end = 0
    writes = False
    with open("/proc/self/maps", encoding="ascii", errors="replace") as file:
        for line in file:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) r([w-])", line)
            if found:
                low, high, write = int(found[1], 16), int(found[2], 16), found[3] == "w"
                if low == end and write == writes:
                    end = high
                    continue
                if end:
                    yield begin, end - begin, writes
                begin, end, writes = low, high, write
    yield begin, end - begin, writes


class Checks:
    """The checks of a kernel's library.

    Parameters
    ----------
    ffi : FFI
        What `library` was opened with.
    library : object
        The library behind all checks.
    address : int
        Any address of the kernel's library.
    code : bytes
        The file that it was loaded from.
    """

    def __init__(self, ffi: Any, library: Any, address: int, code: bytes) -> None:
        self._ffi = ffi
        self._library = library
        self._address = ffi.cast("void *", address)
        self._code = code

    @cached_property
    def _binary(self) -> Binary:
        return Binary(self._code)

    @cached_property
    def _guards(self) -> list[int]:
        """Place and bytes of each flag that says whether shared objects are made, then zeros."""
        told: list[int] = []
        if b"_ZGV" in self._code:
            for place, size, symbol in self._binary.thread_variables:
                told += [place, size] if symbol.startswith("_ZGV") else []
        return [*told, 0, 0]

    def begin(
        self,
        arrays: Sequence[Array],
        parameters: Sequence[Parameter],
        values: Sequence[bytes],
        memory: Sequence[Any],
    ) -> Any:
        """Tell the library of a launch that is about to begin on this thread.

        Parameters
        ----------
        arrays : sequence of Array
            Array arguments; other memory that may be used has no name.
        parameters, values : sequence
            What the kernel takes and gets.
        memory : sequence of cffi arrays
            From which the launcher reads the values.

        Returns
        -------
        object
            What must live until `end`.
        """
        ffi = self._ffi
        others = [(int(ffi.cast("uintptr_t", m)), ffi.sizeof(m), False) for m in memory]
        others += [(address, nbytes, True) for name, address, nbytes, _, _ in arrays if not name]
        arrays = [array for array in arrays if array[0]]
        pairs = zip(parameters, values, strict=True)
        addresses = [address for pair in pairs for address in _addresses(*pair)]
        told = [(address, address + nbytes) for _, address, nbytes, _, _ in arrays]
        unknown = [a for a in addresses if not any(low <= a <= high for low, high in told)]
        if unknown:
            mapped = list(mapped_memory())
            if any(0 <= a - low < size for a in unknown for low, size, _ in mapped):
                others += mapped
        extents = ffi.new("dh_Extent[]", len(arrays) + len(others) + 1)
        kept: list[Any] = [extents]
        for k, (name, address, nbytes, dtype, writes) in enumerate(arrays):
            label = name if name.startswith("argument ") else f"argument '{name}'"
            kept += [ffi.new("char[]", label.encode()), ffi.new("char[]", dtype.encode())]
            bits = re.search(r"\d+$", dtype)  # those of bool are left out
            item = max(int(bits[0]) // 8, 1) if bits else 1
            extents[k] = (kept[-2], kept[-1], address, nbytes, item, bytes([writes]))
        empty = ffi.new("char[]", b"")
        kept.append(empty)
        for k, (address, nbytes, writes) in enumerate(others, len(arrays)):
            extents[k] = (empty, empty, address, nbytes, 1, bytes([writes]))
        given, count = len(arrays) + len(memory), len(arrays) + len(others)
        kept.append(ffi.new("size_t[]", self._guards))
        if self._library.dh_checks_begin(extents, given, count, self._address, kept[-1]):
            raise MemoryError("no memory for the checks of a launch")
        return kept

    def end(self) -> None:
        """Tell the library that the launch has ended."""
        self._library.dh_checks_end()

    def explain(self, message: str) -> str:
        """Return a message with lines and names in place of what the library knows."""
        message = re.sub("\1([0-9a-f]+)\1", lambda found: self._line(int(found[1], 16)), message)
        return re.sub(
            "\2([0-9a-f]+),([0-9a-f]+)\2",
            lambda found: self._place(int(found[1], 16), int(found[2], 16)),
            message,
        )

    def _line(self, code: int) -> str:
        for file, line in self._binary.lines_before(code - 1):
            name = file.rpartition("/")[2]
            if line and name not in _OURS:
                return f"line {line}" if name == "kernel" else f"line {line} of {name}"
        return "an unknown line"

    def _place(self, offset: int, nbytes: int) -> str:
        for begin, size, symbol in self._binary.thread_variables:
            if begin <= offset < begin + size:
                inside, name = offset - begin, _plain(symbol)
                if size == nbytes:
                    return f"shared variable '{name}'"
                if inside % nbytes:
                    return f"byte {inside} of shared array '{name}'"
                index = inside // nbytes
                return f"index {index} of shared array '{name}' (elements of {nbytes} bytes)"
        return f"byte {offset} of the static shared memory"


def _addresses(parameter: Parameter, value: bytes) -> Iterator[int]:
    """Yield what may be addresses in the value of a parameter."""
    if parameter.kind == "p" or parameter.kind == "s":
        for place in range(0, len(value) - 7, 8):
            address = int.from_bytes(value[place : place + 8], sys.byteorder)
            if address:
                yield address


def _plain(symbol: str) -> str:
    """Return the name in the text of a variable with this symbol."""
    found = re.search(r"(?:E|_ZL?)(\d+)([A-Za-z_]\w*)(?:\.\w+)*$", symbol)
    return found[2][: int(found[1])] if found else symbol
