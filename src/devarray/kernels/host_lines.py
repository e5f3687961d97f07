"""Lines and variables of a compiled kernel, from its debugging information (ELF, DWARF 2 to 4)."""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

__all__ = ["Binary"]

_THREAD_LOCAL = 6
_SECTION = struct.Struct("=IIQQQQIIQQ")
_SYMBOL = struct.Struct("=IBBHQQ")


class _Reader:
    """Numbers and strings, one after the other."""

    def __init__(self, data: bytes, place: int = 0) -> None:
        self.data = data
        self.place = place

    def number(self, size: int, signed: bool = False) -> int:
        """Return a number of so many bytes."""
        self.place += size
        part = self.data[self.place - size : self.place]
        return int.from_bytes(part, "little", signed=signed)

    def variable(self, signed: bool = False) -> int:
        """Return a number of seven bits a byte."""
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value - (1 << shift) if signed and byte & 64 else value

    def text(self) -> str:
        """Return a string that ends at a zero."""
        end = self.data.index(b"\0", self.place)
        begin, self.place = self.place, end + 1
        return self.data[begin:end].decode(errors="replace")


class Binary:
    """A shared library's own account of its code.

    Parameters
    ----------
    code : bytes
        The file.
    """

    def __init__(self, code: bytes) -> None:
        self._code = code
        self._sections: dict[str, bytes] = {}
        if code[:6] != b"\x7fELF\x02\x01":  # 64 bits, little end first
            return
        (start,) = struct.unpack_from("=Q", code, 40)
        size, count, names = struct.unpack_from("=HHH", code, 58)
        headers = [_SECTION.unpack_from(code, start + k * size) for k in range(count)]
        words = code[headers[names][4] :]
        for header in headers:
            name = _Reader(words, header[0]).text()
            compressed = header[2] & 0x800
            if header[1] != 8 and not compressed:  # 8: nothing in the file
                self._sections[name] = code[header[4] : header[4] + header[5]]

    @cached_property
    def thread_variables(self) -> list[tuple[int, int, str]]:
        """Place, bytes and symbol of each thread-local variable."""
        words = self._sections.get(".strtab", b"")
        table = self._sections.get(".symtab", b"")
        found = []
        for name, info, _, section, value, size in _SYMBOL.iter_unpack(table):
            if info & 15 == _THREAD_LOCAL and section:
                found.append((value, size, _Reader(words, name).text()))
        return sorted(found)

    def lines_before(self, address: int) -> Iterator[tuple[str, int]]:
        """Yield file and line of the code at an address, then of the code before it."""
        rows = self._rows
        for k in range(bisect_right(rows, address, key=lambda row: row[0]) - 1, -1, -1):
            _, file, line = rows[k]
            if not file:
                return
            yield file, line

    @cached_property
    def _rows(self) -> list[tuple[int, str, int]]:
        """Address, file and line where either changes; no file behind the end of a piece."""
        data = self._sections.get(".debug_line", b"")
        place = 0
        pieces: list[list[tuple[int, str, int]]] = []
        while place < len(data):
            reader = _Reader(data, place)
            place += reader.number(4) + 4
            version = reader.number(2)
            if 2 <= version <= 4:
                pieces += _run(reader, version, place)
        pieces.sort(key=lambda piece: piece[0][0])
        return [row for piece in pieces for row in piece]


def _files(reader: _Reader) -> list[str]:
    while reader.text():  # folders
        pass
    files = [""]
    while name := reader.text():
        files.append(name)
        for _ in range(3):
            reader.variable()
    return files


def _run(reader: _Reader, version: int, end: int) -> list[list[tuple[int, str, int]]]:
    """Run a line program; return its pieces of code that follow each other."""
    program = reader.number(4) + reader.place
    unit = reader.number(1)
    reader.number(2 if version >= 4 else 1)
    base = reader.number(1, signed=True)
    span = reader.number(1)
    first = reader.number(1)
    operands = [reader.number(1) for _ in range(first - 1)]
    files = _files(reader)
    reader.place = program
    pieces: list[list[tuple[int, str, int]]] = []
    rows: list[tuple[int, str, int]] = []
    address, file, line = 0, 1, 1
    while reader.place < end:
        code = reader.number(1)
        if code >= first:
            address += (code - first) // span * unit
            line += base + (code - first) % span
            rows.append((address, files[file], line))
        elif code == 0:
            size = reader.variable()
            following = reader.place + size
            word = reader.number(1)
            if word == 1:  # the end of a piece
                rows.append((address, "", 0))
                pieces.append(rows)
                rows, address, file, line = [], 0, 1, 1
            elif word == 2:
                address = reader.number(size - 1)
            elif word == 3:
                files.append(reader.text())
            reader.place = following
        elif code == 1:
            rows.append((address, files[file], line))
        elif code == 2:
            address += reader.variable() * unit
        elif code == 3:
            line += reader.variable(signed=True)
        elif code == 4:
            file = reader.variable()
        elif code == 8:
            address += (255 - first) // span * unit
        elif code == 9:
            address += reader.number(2)
        else:
            for _ in range(operands[code - 1]):
                reader.variable()
    return pieces
