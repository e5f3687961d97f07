"""Cooperative groups in the text of kernels for the host: what waits, and barriers of the block.

``block.sync()`` and ``sync(block)`` are ``__syncthreads()``, which kernels with loops over their
threads have, too (`host_blocks`). Loops are made of a text in which tiles of warps are shuffles and
votes; fibers run the groups as they are (``include/host_groups.h``), and what else groups do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from .source_text import Reading, closing, masked_text, read, without_comments

__all__ = [
    "GROUP_INDICES",
    "GROUP_WAITS",
    "blocks_with_tiles",
    "with_barriers",
    "with_tiles",
    "without_groups",
]

Edits = list[tuple[int, int, str]]  # from, to, what comes instead

# What may wait in a source with cooperative groups, and what reads the indices of a thread
GROUP_WAITS = (
    r"sync|shfl\w*|any|all|ballot|match_any|match_all|reduce|inclusive_scan|exclusive_scan"
    r"|coalesced_threads|labeled_partition|binary_partition|wait|wait_prior|barrier_\w+"
)
GROUP_INDICES = r"this_thread_block|coalesced_threads|this_grid"

_SPACE = r"(?:(?:\w+\s*::\s*)+)"
_BLOCK = rf"{_SPACE}?this_thread_block\s*\(\s*\)"
_ENDS = rf"\s*{_BLOCK}\s*;"
_DECLARED = re.compile(
    rf"\b{_SPACE}?thread_block\b\s*(?:const\b\s*)?&?\s*(\w+)\s*(?:[,)]|={_ENDS})"
    rf"|\b(?:const\s+)?auto\s+(?:const\s+)?(\w+)\s*={_ENDS}"
)


def with_barriers(source: str) -> str:
    """Return a source with ``__syncthreads()`` where a whole block waits by its group.

    Lines stay where they are. A variable that only waits is not declared any more.
    """
    masked = masked_text(source)
    if not re.search(r"\bcooperative_groups\b", masked):
        return source
    declared = {found[1] or found[2] for found in _DECLARED.finditer(masked)}
    blocks = [name for name in declared if _is_block(name, masked)]
    either = "|".join([_BLOCK, *(rf"\b{name}\b" for name in blocks)])
    waits = rf"(?<![.\w>:]){_SPACE}?sync\s*\(\s*(?:{either})\s*\)"
    waits += rf"|(?<![.\w])(?:{either})\s*\.\s*sync\s*\(\s*\)"
    source, masked = _replaced(source, masked, waits, "__syncthreads()")
    for name in blocks:
        told = rf"\b(?:const\s+)?(?:{_SPACE}?thread_block|auto)\s+(?:const\s+)?{name}\s*={_ENDS}"
        if len(re.findall(rf"\b{name}\b", masked)) == len(re.findall(told, masked)):
            source, masked = _replaced(source, masked, told, ";")
    return source


_ALIAS = re.compile(r"\bnamespace\s+(\w+)\s*=\s*cooperative_groups\s*;")
_MENTIONS = re.compile(
    rf"^[ \t]*#[ \t]*include[ \t]*[<\"]cooperative_groups[\w./]*[>\"]|{_ALIAS.pattern}"
    r"|\busing\s+namespace\s+cooperative_groups\s*;",
    re.MULTILINE,
)


def without_groups(source: str) -> str:
    """Return a source that only waited by groups of whole blocks without any; others stay."""
    code = without_comments(with_barriers(source))
    names = "|".join(["cooperative_groups", *_ALIAS.findall(code)])
    rest = _MENTIONS.sub("", code)
    if code == without_comments(source) or re.search(rf"\b(?:{names}|thread_block)\b", rest):
        return source
    return _MENTIONS.sub(lambda found: "\n" * found[0].count("\n"), code)


def _is_block(name: str, masked: str) -> bool:
    """Say whether all that has this name is a whole block."""
    for found in re.finditer(rf"\b{name}\b(?=\s*[,)=;(])", masked):
        start = found.start()
        before = " ".join(masked[max(start - 200, 0) : start].split())
        told = re.search(r"([\w:]+(?: ?<[^;{}()]*>)?)(?: ?\bconst)? ?[&*]*$", before)
        if told is None or told[1] in ("return", "else", "case", "in"):
            continue
        is_auto = told[1] == "auto" and re.compile(rf"\s*={_ENDS}").match(masked, found.end())
        if told[1].rpartition("::")[2] != "thread_block" and not is_auto:
            return False
    return True


def _replaced(source: str, masked: str, pattern: str, text: str) -> tuple[str, str]:
    for found in reversed(list(re.finditer(pattern, masked))):
        new = text + "\n" * found[0].count("\n")
        source = source[: found.start()] + new + source[found.end() :]
        masked = masked[: found.start()] + new + masked[found.end() :]
    return source, masked


# ---- tiles of a warp, for kernels that are loops ------------------------------------------------

_RANK = "(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z))"
_THREADS = "(blockDim.x * blockDim.y * blockDim.z)"
_OF_BLOCK = {
    "thread_rank": _RANK,
    "size": _THREADS,
    "num_threads": _THREADS,
    "group_index": "blockIdx",
    "thread_index": "threadIdx",
    "group_dim": "blockDim",
    "dim_threads": "blockDim",
    "sync": "__syncthreads()",
}
_OF_TILE = {
    "size": "SIZE",
    "num_threads": "SIZE",
    "thread_rank": f"({_RANK} % SIZE)",
    "meta_group_rank": f"({_RANK} / SIZE)",
    "meta_group_size": f"(({_THREADS} + SIZE - 1) / SIZE)",
    "sync": "__syncwarp(MASK)",
}
_EXCHANGES = {  # with the number of arguments
    "shfl": (2, "__shfl_sync(MASK, ARGUMENTS, WIDTH)"),
    "shfl_up": (2, "__shfl_up_sync(MASK, ARGUMENTS, WIDTH)"),
    "shfl_down": (2, "__shfl_down_sync(MASK, ARGUMENTS, WIDTH)"),
    "shfl_xor": (2, "__shfl_xor_sync(MASK, ARGUMENTS, WIDTH)"),
    "any": (1, "__any_sync(MASK, ARGUMENTS)"),
    "all": (1, "__all_sync(MASK, ARGUMENTS)"),
    "ballot": (1, "(__ballot_sync(MASK, ARGUMENTS) >> FIRST)"),
    "match_any": (1, "(__match_any_sync(MASK, ARGUMENTS) >> FIRST)"),
}
_REDUCTIONS = {
    "plus": "total + other",
    "less": "other < total ? other : total",
    "greater": "total < other ? other : total",
    "bit_and": "total & other",
    "bit_or": "total | other",
    "bit_xor": "total ^ other",
}
# As `reduce` in include/host_groups.h
_REDUCTION = """
template <class T> __device__ T da_tile_NAME(const unsigned mask, const int width, const T x) {
    T total = x;
    for (int by = width / 2; by > 0; by /= 2) {
        const T other = __shfl_xor_sync(mask, total, by, width);
        total = VALUE;
    }
    return total;
}
"""


@dataclass(frozen=True)
class _Group:
    """A block, or a tile of a warp: the threads that it has."""

    size: str = ""  # of a tile

    def text(self, template: str) -> str:
        """Return what stands in a text for this group."""
        if not self.size:
            return template
        number = self.size.isdigit()
        # ... whose type tells of sizes that tiles do not have
        size = f"cooperative_groups::thread_block_tile<{self.size}>::size()"
        size, width = (f"{self.size}u", self.size) if number else (size, size)
        first = "0" if self.size == "32" else f"({_RANK} % 32 / {size} * {size})"
        mask = "0xffffffff" if self.size == "32" else f"(~0u >> (32 - {size}) << {first})"
        words = {"SIZE": size, "WIDTH": width, "FIRST": first, "MASK": mask}
        return re.sub("|".join(words), lambda found: words[found[0]], template)


def with_tiles(source: str) -> str:
    """Return a source in which tiles of warps, and blocks, have the words of CUDA without groups.

    ``tile.shfl_down(v, 4)`` becomes ``__shfl_down_sync(mask, v, 4, 32)``, and so on, where the
    text tells which threads a group has. All else stays as it is, and so do the lines. What a
    reduction needs is added at the end.
    """
    masked = masked_text(source)
    if not re.search(r"\bcooperative_groups\b", masked):
        return source
    reading = read(source)
    if not reading.whole:
        return source
    spaces = _spaces(masked)
    own = {piece.name for piece in reading.pieces if piece.name}
    needed: set[str] = set()
    for piece in reversed(reading.pieces):
        if not (piece.name and piece.text.endswith("}")) or "operator" in piece.name:
            continue
        start, end = piece.start, piece.start + len(piece.text)
        part = _Part(source[start:end], masked[start:end], len(piece.head), spaces, own)
        source = source[:start] + part.rewritten() + source[end:]
        needed |= part.needed
    for name in sorted(needed):
        value = _REDUCTIONS.get(name) or f"{name.removeprefix('by_')}(total, other)"
        text = _REDUCTION.replace("NAME", name).replace("VALUE", value)
        source += " ".join(text.split()) + "\n"
    return source


def _spaces(masked: str) -> str:
    """Return a pattern for what may stand before the names of cooperative groups."""
    names = "|".join(["cooperative_groups", *_ALIAS.findall(masked)])
    using = re.search(r"\busing\s+namespace\s+cooperative_groups\s*;", masked)
    return rf"(?<![\w.>:])(?:::\s*)?(?:(?:{names})\s*::\s*){'?' if using else ''}"


class _Part:
    """A function, with the words for its groups."""

    def __init__(self, source: str, masked: str, head: int, spaces: str, own: set[str]) -> None:
        self.source = source
        self.masked = masked
        self.head = head
        self.spaces = spaces
        self.own = own  # names of the source's own functions
        self.needed: set[str] = set()
        self.declarations: list[str] = []  # as patterns

    def rewritten(self) -> str:
        """Return the text with what is known in place of groups."""
        groups = self._groups()
        if not groups:
            return self.source
        for name, group in groups.items():
            self._replace(name, group)
        for name in reversed(groups):  # the last ones may be of those before
            told = [found for found in self._told() if found["name"] == name]
            mentions = re.findall(rf"(?<![.\w])\b{name}\b", self.masked)
            for found in reversed(told) if len(mentions) == len(told) else ():
                self._put(found.start(), found.end(), ";")
        return self.source

    def _told(self) -> list[re.Match[str]]:
        """Return where variables are declared that are groups."""
        found = [one for told in self.declarations for one in re.finditer(told, self.masked)]
        return sorted(found, key=lambda one: one.start())

    def _groups(self) -> dict[str, _Group]:
        """Return the groups that are declared here by their names."""
        found: list[tuple[str, _Group]] = []
        block = rf"{self.spaces}this_thread_block\s*\(\s*\)"
        tile = rf"{self.spaces}thread_block_tile\s*<\s*(?P<told>\w+)\s*(?:,[^<>;]*)?>"
        parameter = rf"(?:{self.spaces}thread_block\b|{tile})\s*(?:const\b\s*)?&?\s*(\w+)\s*[,)]"
        for one in re.finditer(parameter, self.masked[: self.head]):
            found.append((one[2], _Group(one["told"] or "")))
        kind = r"(?<![\w.])(?:const\s+)?(?:{}|\bauto\b)\s*(?:const\b)?\s*&?\s*(?P<name>\w+)\s*="
        self.declarations = [rf"{kind.format(self.spaces + 'thread_block')}\s*{block}\s*;"]
        found += [(one["name"], _Group()) for one in self._told()]
        self.declarations.append("")
        tiles: list[tuple[str, _Group]] = []
        for _ in range(2):  # tiles of the block, and of those
            parents = "|".join([block, *(rf"\b{name}\b" for name in self._known(found + tiles))])
            made = rf"tiled_partition\s*<\s*(?P<size>\w+)\s*>\s*\(\s*(?:{parents})\s*\)"
            self.declarations[-1] = rf"{kind.format(tile)}\s*{self.spaces}{made}\s*;"
            tiles = [
                (one["name"], _Group(one["size"]))
                for one in re.finditer(self.declarations[-1], self.masked)
                if one["told"] in (None, one["size"])
            ]
        return self._known(found + tiles)

    def _known(self, found: list[tuple[str, _Group]]) -> dict[str, _Group]:
        """Return the groups whose names nothing else has."""
        return {
            name: one
            for name, one in dict(found).items()
            if not one.size.isdigit() or one.size in _SIZES
            if self._declared(name) == sum(other == (name, one) for other in found)
        }

    def _declared(self, name: str) -> int:
        """Return how often something with this name is declared here."""
        declared = 0
        for one in re.finditer(rf"\b{name}\b(?=\s*[=;,)({{[:])", self.masked):
            before = re.search(r"(\w*)([>&*]?)\s*$", self.masked[: one.start()])
            told = before is not None and before[1] not in ("return", "else", "case")
            declared += told and before is not None and bool(before[1] or before[2])
        return declared

    # What is done with a group

    def _replace(self, name: str, group: _Group) -> None:
        """Put words for what is done with a group, from right to left."""
        uses = rf"(?<![.\w>])\b{name}\s*\.\s*(?P<does>\w+)\s*\("
        uses += rf"|{self.spaces}(?P<of>sync|reduce)\s*\(\s*{name}\s*(?=[,)])"
        for found in reversed(list(re.finditer(uses, self.masked))):
            if found["of"] in self.own and "::" not in found[0]:
                continue
            end = closing(self.masked, found.end())
            inside = self.masked[found.end() : end - 1]
            if re.search(r"[\"'#]", inside):
                continue
            if found["of"] == "reduce":
                text = self._reduction(group, inside)
            elif found["of"]:
                text = self._does("sync", group, "" if not inside.strip(" \n") else None)
            else:
                text = self._does(found["does"], group, inside)
            if text is not None:
                self._put(found.start(), end, text)

    def _does(self, does: str, group: _Group, inside: str | None) -> str | None:
        """Return what stands for a member function of a group; None if it is not known."""
        if inside is None:
            return None
        plain = (_OF_TILE if group.size else _OF_BLOCK).get(does)
        if plain is not None:
            return None if inside.strip() else group.text(plain)
        count, text = _EXCHANGES.get(does, (0, "")) if group.size else (0, "")
        if not count or len(_split(inside)) != count:
            return None
        return group.text(text).replace("ARGUMENTS", inside)

    def _reduction(self, group: _Group, inside: str) -> str | None:
        """Return the call of a function for ``reduce(tile, x, plus<T>())``."""
        parts = _split(inside.lstrip(" \n,"))
        if len(parts) != 2 or not group.size:
            return None
        value, operation = (part.strip() for part in parts)
        named = re.fullmatch(r"(\w+)(\s*\[[^;]*\])?", value)
        told = r"\s*[*&]*\s*(?:const\s+|__restrict__\s+)*" + (named[1] if named else "(?!)")
        plain = rf"{self.spaces}(\w+)\s*<\s*([\w ]+?)\s*>\s*(?:\(\s*\)|\{{\s*\}})"
        found = re.fullmatch(plain, operation)
        if found is not None and found[1] in _REDUCTIONS:
            kinds, name = [found[2]], found[1]
            if not re.search(rf"\b{found[2]}\b{told}\b", self.masked):
                return None  # a value of another type, maybe
        elif operation in self.own and not self._declared(operation):
            kinds, name = re.findall(rf"\b([A-Za-z_]\w*){told}\s*[=;,)[]", self.masked), ""
            kinds = [kind for kind in kinds if kind not in ("return", "else", "case", "auto")]
            name = f"by_{operation}"
        else:
            return None
        if len(set(kinds)) != 1:
            return None
        self.needed.add(name)
        return group.text(f"da_tile_{name}<{kinds[0]}>(MASK, WIDTH, {value})")

    def _put(self, start: int, end: int, text: str) -> None:
        lines = self.masked.count("\n", start, end) - text.count("\n")
        text += "\n" * lines
        self.source = self.source[:start] + text + self.source[end:]
        self.masked = self.masked[:start] + masked_text(text) + self.masked[end:]


_SIZES = frozenset(("1", "2", "4", "8", "16", "32"))


def _split(text: str) -> list[str]:
    """Return what commas outside of brackets separate."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return parts if parts != [""] else []


def blocks_with_tiles(
    source: str, reading: Reading, blocks: Callable[[str, Reading], dict[str, Edits]]
) -> dict[str, Edits]:
    """Return what is changed in kernels, found in the text with words for its groups.

    Parameters
    ----------
    source, reading
        The text as it is.
    blocks : callable
        Gives what is changed in each kernel of a text: its head, then what its braces hold.
    """
    tiled = with_tiles(source)
    if tiled == source:
        return blocks(source, reading)
    own = read(tiled)
    pairs = list(zip(own.pieces, reading.pieces, strict=False))
    found: dict[str, Edits] = {}
    for name, edits in blocks(tiled, own).items():
        found[name] = []
        for start, end, text in edits:
            new, old = next(
                pair for pair in pairs if 0 <= start - pair[0].start < len(pair[0].text)
            )
            start, end = start - new.start, end - new.start
            if start > len(new.head):  # between the braces
                start, end = len(old.head) + 1, len(old.text) - 1
            found[name].append((old.start + start, old.start + end, text))
    return found
