"""Cooperative groups in the text of kernels for the host: what waits, and barriers of the block.

``block.sync()`` and ``sync(block)`` are ``__syncthreads()``, which kernels with loops over their
threads have, too (`host_blocks`); what else groups do, only fibers can (``include/host_groups.h``).
"""

from __future__ import annotations

import re

from .source_text import masked_text, without_comments

__all__ = ["GROUP_INDICES", "GROUP_WAITS", "with_barriers", "without_groups"]

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
