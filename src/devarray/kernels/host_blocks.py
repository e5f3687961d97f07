"""Kernels with barriers as loops over the threads of a block.

A kernel's text is cut where all threads of a block wait for each other, and what lies between
becomes a loop over the threads, which compilers vectorise ("loop fission": Stratton, Stone and Hwu,
MCUDA, LCPC 2008). A variable that several of these regions use is kept for each thread, unless it
is the same for all threads, or can be computed anew. Loops over the grid (``for (i = ...; i < n; i
+= blockDim.x * gridDim.x)``) are turned inside out: the threads of a block take neighbouring
elements, one round after the other.

Whatever is not understood is left to the other ways of `host_grid`, which run any kernel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from .block_calls import with_calls
from .block_conditions import with_conditions
from .block_exchanges import BLOCK_STEPS, exchange_edits
from .block_reader import Node, Region, Stride, Surroundings
from .block_writer import Lanes
from .signatures import parse_parameters
from .statements import (
    NotUnderstoodError,
    Statement,
    Token,
    assignment,
    declarators,
    edited,
    shared_tokens,
    split_tokens,
)

__all__ = ["Surroundings", "block_text"]

_MOST = "DH_MOST"
# What comes next may be for nobody, and then must not be reached: it may divide by zero
_LEAVE = (
    "{ unsigned dh_n = blockDim.x * blockDim.y * blockDim.z, dh_left = 0; "
    "for (unsigned dh_t = 0; dh_t < dh_n; ++dh_t) dh_left += !dh_ended[dh_t]; "
    "if (!dh_left) return; }"
)


def block_text(head: str, listed: str, start: int, end: int, around: Surroundings) -> str | None:
    """Return the statements of a kernel for a whole block; None if it is better left as it is.

    Parameters
    ----------
    head : str
        What comes before the kernel's parameters.
    listed : str
        The parameters.
    start, end : int
        Where the text between the kernel's braces lies in the source.
    """
    parameters = [parameter.name for parameter in parse_parameters(listed)]

    def write(source: str, masked: str) -> str:
        source, masked = with_calls(source, masked, start, end, around.functions, listed)
        stop = end + len(source) - len(around.source)
        edits, exchanges = exchange_edits(masked, start, stop)
        source, masked = edited(source, edits), edited(masked, edits)
        stop = end + len(source) - len(around.source)
        told = replace(around, source=source, masked=masked)
        return _Writer(exchanges, head, parameters, start, stop, told).text()

    try:
        if re.search(r"\b(?:__)?(?:dh_(?!step_)|DH_)", around.masked[start:end]):
            raise NotUnderstoodError("names that are ours")
        return with_conditions(around.source, around.masked, start, end, write)
    except NotUnderstoodError:
        return None


class _Writer(Lanes):
    """The text for a block."""

    def __init__(self, exchanges: int, *rest: Any) -> None:
        super().__init__(*rest)
        self.exchanges = exchanges  # that take place at a time

    def text(self) -> str:
        """Return the statements of the block."""
        self.ends_early = self._ends_early()
        self.flags = 0
        self.guards: list[int] = []  # flags of those that are here, the last of them counts
        self.loops: list[int | None] = []  # where the flags of a loop begin, if threads part at it
        lines = ["DH_BLOCK_BEGIN"]
        if self.exchanges:
            lines.append(f"DH_EXCHANGES({self.exchanges})")
        if self.ends_early:
            lines.append(f"bool dh_ended[{_MOST}] = {{}};")
        for name in sorted(self.parameters & self.variables.keys()):
            if self.variables[name].kind == "lane":
                lines.append(self.keep(self.kept_type(self.variables[name]), name, ""))
                lines.append(f"DH_THREADS {{ DH_LANE {name}_dh[dh_t] = {name}; }}")
        lines += self._write(self.nodes)
        return "\n".join(lines)

    def _ends_early(self) -> bool:
        """Say whether a thread may end while others go on to another loop over the threads."""
        last = self.nodes[-1]
        for node in self.walk(self.nodes):
            if node.region is None:
                continue
            returned = False
            for statement in node.region.statements:
                if returned and self.is_once(statement):
                    return True
                returned = returned or self.returns(statement)
            if returned and node is not last:
                return True
        return False

    def _write(self, nodes: Sequence[Node]) -> Iterator[str]:
        """Yield the text of what the block does, in a scope of its own."""
        visible = self.visible
        yield from self._write_nodes(nodes)
        self.visible = visible

    def _write_nodes(self, nodes: Sequence[Node]) -> Iterator[str]:
        for node in nodes:
            statement, region = node.statement, node.region
            if node.stride is not None:
                yield from self._write_stride(node.stride)
            elif region is not None:
                yield from self._write_region(region)
            elif statement is None:
                continue
            elif node.kind == "barrier":
                yield from self._write_step(statement)
            elif node.kind == "jump":
                yield from self._write_jump(statement)
            elif node.kind == "declare":
                yield self.slice(statement.tokens)
            elif node.kind == "shared":
                yield self._shared(statement)
            elif node.kind == "block":
                yield from ("{", *self._write(node.children[0]), "}")
            else:
                yield from self._write_control(node, statement)

    def _write_step(self, statement: Statement) -> Iterator[str]:
        name = statement.tokens[0].text
        if name in BLOCK_STEPS and self.guards and not self.around.ended_pass:
            raise NotUnderstoodError("a barrier where threads may have parted")
        if name in BLOCK_STEPS and self.ends_early:
            line = self.around.source.count("\n", 0, statement.tokens[0].start) + 1
            yield f"if (dh_all_ended(dh_here, dh_ended, {line})) return;"
        if name[:5] == "__dh_":
            yield self.slice(statement.tokens)

    def _shared(self, statement: Statement) -> str:
        words = [token.text for token in statement.tokens]
        rest = shared_tokens(statement)
        if "=" in words:
            raise NotUnderstoodError("shared memory that has a value")
        if "extern" not in words:
            line = self.around.source.count("\n", 0, statement.tokens[0].start) + 1
            kept = " ".join(token.text for token in rest)
            return f'\n#line {line} "kernel"\nDH_SHARED {kept};\n'
        named = declarators(rest)
        if named is None or len(named) != 1:
            raise NotUnderstoodError("shared memory")
        (one,) = named
        lengths = [token.text for token in one.lengths]
        if lengths[:2] != ["[", "]"]:
            raise NotUnderstoodError("shared memory")
        volatile = "volatile " if "volatile" in one.qualifiers else ""
        kind = f"{volatile}{' '.join(one.type)}"
        return f"DH_DYNAMIC({kind}, {one.name}, {''.join(lengths[2:])});"

    def _write_region(self, region: Region) -> Iterator[str]:
        """Yield a loop over the threads; what the block does once comes between such loops."""
        part: list[Statement] = []
        for statement in region.statements:
            if self.is_once(statement):
                yield from self._write_loop(part)
                part = []
                yield self._once(statement)
            if statement.kind == "declaration" or not self.is_once(statement):
                part.append(statement)
        yield from self._write_loop(part)

    def _once(self, statement: Statement) -> str:
        """Return the text of what is done once for the block."""
        if statement.kind != "declaration":
            return self.slice(statement.tokens)
        named = declarators(statement.tokens[:-1]) or []
        common = [one for one in named if self.variables[one.name].kind == "uniform"]
        return "\n".join(self.declare(one) for one in common)

    def _write_loop(self, part: Sequence[Statement]) -> Iterator[str]:
        if not part:
            return
        texts: list[str] = []
        declared: list[Statement] = []
        here: set[str] = set()
        for statement in part:
            if statement.kind == "declaration":
                here.update(one.name for one in declarators(statement.tokens[:-1]) or ())
                yield from self.storage(statement, declared)
                texts.append(self.declared(statement))
                declared.append(statement)
            else:
                texts.append(self.slice(statement.tokens))
        tokens = [token for statement in part for token in statement.tokens]
        if not any(text.strip() for text in texts):
            return
        before, after = self.before(tokens, here), self.after(tokens, here)
        if self.guards or self.ends_early:  # who is not there tells 0
            yield from _cleared(part)
        returns = any(map(self.returns, part))
        yield from (*self._lanes(), *before)
        if returns:
            over = "dh_over = false;" if self.ends_early else ""
            if over:
                yield "bool dh_over = true;"
            yield from ("[&]() DH_INLINE {", *texts, *after, over, "}();")
            if over:
                yield "dh_ended[dh_t] = dh_over;"
        else:
            yield from (*texts, *after)
        yield "}"
        if returns and self.ends_early:
            yield _LEAVE

    # Loops and conditions around barriers

    def _write_control(self, node: Node, statement: Statement) -> Iterator[str]:
        if self.parts(node):
            visible = self.visible
            write = self._write_parted_if if node.kind == "if" else self._write_parted_loop
            yield from ("{", *write(node, statement), "}")
            self.visible = visible
            return
        if node.kind != "if":
            self.loops.append(None)
        bodies = [list(self._write(body)) for body in node.children]
        if node.kind != "if":
            self.loops.pop()
        condition = self.plain(statement.head)
        if node.kind == "do":
            yield from ("do {", *bodies[0], f"}} while ({condition});")
            return
        yield f"{node.kind} ({condition}) {{"
        yield from bodies[0]
        yield "}"
        if len(bodies) == 2:
            yield from ("else {", *bodies[1], "}")

    # Where threads part: a flag for each tells whether it goes on

    def _guard(self) -> int:
        self.flags += 1
        return self.flags

    def _threads(self) -> str:
        """Return the head of a loop over the threads, those that are here among them."""
        return f"DH_THREADS_ON({self.guards[-1]}) {{" if self.guards else "DH_THREADS {"

    def _lanes(self) -> Iterator[str]:
        """Yield the head of a loop over the threads that are here."""
        yield f"{self._threads()}\nDH_LANE"
        if self.ends_early:
            yield "if (dh_ended[dh_t]) continue;"
        if self.guards:
            yield f"if (!dh_on_{self.guards[-1]}[dh_t]) continue;"

    def _condition(self, head: Sequence[Token], then: str) -> Iterator[str]:
        """Yield what a thread does to know a condition, and what then."""
        if any(one.value is not None for one in declarators(list(head)) or ()):
            raise NotUnderstoodError("a condition that declares a variable")
        yield from self.before(head)
        yield f"const bool dh_c = ({self.slice(head)}) ? true : false;"
        yield from (*self.after(head), then, "}")

    def _write_parted_if(self, node: Node, statement: Statement) -> Iterator[str]:
        flags = [self._guard() for _ in node.children]
        yield from (f"DH_ON({flag})" for flag in flags)
        values = zip(flags, ("dh_c", "!dh_c"), strict=False)
        then = " ".join(f"dh_on_{flag}[dh_t] = {value};" for flag, value in values)
        yield from (*self._lanes(), *self._condition(statement.head, then))
        for flag, body in zip(flags, node.children, strict=True):
            self.guards.append(flag)
            yield f"DH_RANGE({flag}) if (dh_range_{flag}.end) {{"
            yield from (*self._write(body), "}")
            self.guards.pop()

    def _write_parted_loop(self, node: Node, statement: Statement) -> Iterator[str]:
        init: list[Token] = []
        step: list[Token] = []
        condition = statement.head
        if node.kind == "for":
            init, condition, step = split_tokens(statement.head, ";")
        if declarators(init):
            end = next(t for t in statement.tokens if t.start >= init[-1].end)
            yield from self._write_region(Region([Statement("declaration", [*init, end])]))
        else:
            yield from self._write_parts(init)
        flag, round_ = self._guard(), self._guard()
        yield f"DH_ON({flag})"
        yield from (*self._lanes(), f"dh_on_{flag}[dh_t] = true; }}", "for (;;) {")
        if node.kind != "do":
            yield from self._go_on(flag, condition)
        yield f"DH_RANGE({flag}) if (!dh_range_{flag}.end) break;"
        yield f"{{ DH_ON({round_}) __builtin_memcpy(dh_on_{round_}, dh_on_{flag}, dh_threads);"
        yield f"DH_RANGE({round_})"
        self.loops.append(len(self.guards))
        self.guards += (flag, round_)
        yield from (*self._write(node.children[0]), "}")
        self.guards.pop()
        self.loops.pop()
        yield from self._write_parts(step)
        self.guards.pop()
        if node.kind == "do":
            yield from self._go_on(flag, condition)
        yield "}"

    def _go_on(self, flag: int, condition: Sequence[Token]) -> Iterator[str]:
        """Yield what tells who does another round of a loop."""
        yield f"{self._threads()}\nDH_LANE if (!dh_on_{flag}[dh_t]) continue;"
        yield f"dh_on_{flag}[dh_t] = false;"
        if self.ends_early:
            yield "if (dh_ended[dh_t]) continue;"
        if condition:
            yield from self._condition(condition, f"dh_on_{flag}[dh_t] = dh_c;")
        else:
            yield f"dh_on_{flag}[dh_t] = true; }}"

    def _write_parts(self, tokens: list[Token]) -> Iterator[str]:
        """Yield what a loop does before it, or after a round: for the block or each thread."""
        for part in split_tokens(tokens, ",") if tokens else ():
            names = {token.text for token in part if token.start in assignment(part)}
            if any(n in self.variables and self.variables[n].kind == "uniform" for n in names):
                yield f"{self.plain(part)};"
            else:
                yield from (*self._lanes(), *self.before(part), f"{self.slice(part)};")
                yield from (*self.after(part), "}")

    def _write_jump(self, statement: Statement) -> Iterator[str]:
        first = self.loops[-1]
        if first is None:
            yield self.slice(statement.tokens)
            return
        left = self.guards[first if statement.kind == "break" else first + 1 :]
        yield from (*self._lanes(), *(f"dh_on_{flag}[dh_t] = false;" for flag in left), "}")

    # Loops over the grid

    def _is_regular(self, stride: Stride) -> bool:
        """Say whether a loop over the grid is the same for all threads, but for its start."""
        ends = (stride.limit, stride.step)
        if not all(self.is_pure(part) and not self.varies(part) for part in ends):
            return False
        if not self.is_pure(stride.first, self.variables):
            return False
        if self.ends_early and self.is_unsafe(stride.first):  # threads that have ended compute it
            return False
        inside = {token.start for token in stride.body}
        jumps = self.words(stride.body) & {"break", "return", "goto"}
        own = {token.text for token in stride.body} & {"break"}  # those of loops inside
        return not (inside & {*self.changed.get(stride.name, ())}) and not (jumps - own)

    def _write_stride(self, stride: Stride) -> Iterator[str]:
        if self.guards or not self._is_regular(stride):
            yield from self._write_loop(stride.region.statements)
            return
        kind, name = stride.type, stride.name
        limit, step = self.plain(stride.limit), self.plain(stride.step)
        first = self.plain(stride.first)
        start = self.before(stride.first)
        used = [token for token in stride.body if token.text != name]
        before, after = self.before(used), self.after(used)
        body = self.slice(stride.body)
        if stride.body[0].text != "{":
            body = f"{{{body}}}"
        skip = "if (dh_ended[dh_t]) continue;" if self.ends_early else ""
        yield f"DH_STRIDE_FIRST({kind})"
        yield from start
        yield f"DH_STRIDE_EVEN(({first}))"
        yield from start
        if not any(word.startswith("u") or word == "size_t" for word in kind.split()):
            # what is negative is not below an unsigned limit, though its neighbours may be
            yield f"dh_uneven |= dh_base < 0 && (decltype(({limit}) + dh_base))-1 > 0;"
        yield f"DH_STRIDE_ROUNDS({kind}, ({first}), ({limit}), ({step})) {skip}"
        yield from (*before, f"{{ {kind} {name} = dh_base + ({kind})dh_x; do", body, "while (0); }")
        yield from (*after, f"DH_STRIDE_REST({kind}, ({limit})) {skip}")
        yield from start
        yield f"const {kind} dh_own = "
        yield f"dh_even ? ({kind})(dh_base + ({kind})dh_x) : ({kind})({first});"
        yield from (line for line in before if line not in start)
        yield f"for ({kind} {name} = dh_own; {name} < {limit}; {name} += {step})"
        yield from (body, *after, "} } }")


def _cleared(part: Sequence[Statement]) -> Iterator[str]:
    """Yield what empties the places of the exchanges that begin in a loop."""
    for statement in part:
        for name, number in zip(statement.tokens, statement.tokens[2:], strict=False):
            if name.text == "__dh_tell":
                yield f"DH_CLEAR({number.text})"
