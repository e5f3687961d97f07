"""What is known of a kernel that is to be written for a whole block; see `host_blocks`.

Its statements become nodes: regions that threads run on their own, barriers, loops around them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from .block_calls import Callable
from .block_exchanges import STEPS
from .statements import (
    ASSIGNMENTS,
    NAME,
    Declarator,
    NotUnderstoodError,
    Statement,
    Token,
    declarators,
    parse_body,
    shared_tokens,
    split_tokens,
    step_of,
    tokens_of,
    upper_limit,
)

__all__ = [
    "CONTROL",
    "INDICES",
    "PURE",
    "Node",
    "Reader",
    "Region",
    "Stride",
    "Surroundings",
    "Variable",
    "changes",
    "is_unary",
    "names_in",
]

CONTROL = frozenset(("if", "for", "while", "do"))  # nodes that have others inside
INDICES = frozenset(["threadIdx", "blockIdx", "blockDim", "gridDim", "warpSize"])
PURE = frozenset((
    "min", "max", "abs", "int", "unsigned", "float", "double", "size_t", "long", "short",
    "char", "bool", "sizeof", "static_cast", "uint32_t", "int32_t", "uint64_t", "int64_t",
    "const", "signed", "true", "false", "ceil", "ceilf", "floor", "floorf", "sqrt", "sqrtf",
    "log2", "log2f", "pow", "powf", "exp2f", "fabs", "fabsf", "fmin", "fmax", "fminf", "fmaxf",
    "round", "roundf", "rint", "rintf", "__ffs", "__clz", "__popc",
))  # fmt: skip
_INTEGERS = re.compile(r"(?:(?:un)?signed|int|long|size_t|u?int(?:32|64)_t|ptrdiff_t|uint)")


@dataclass(frozen=True)
class Surroundings:
    """What must be known of the rest of a source.

    Attributes
    ----------
    source : str
        All of it.
    masked : str
        The same without comments, strings and directives.
    macros, macro_parameters : dict
        The text of each macro, and the names of its parameters.
    waits : re.Pattern
        Whatever makes threads wait for each other.
    by_reference : frozenset of str
        Functions that take references.
    functions : mapping of str to Callable
        Those in which threads wait, and that can stand in place of their calls.
    constants : frozenset of str
        Numbers outside of functions that do not change.
    ended_pass : bool
        Whether barriers are for those threads only that come to them.
    """

    source: str
    masked: str
    macros: dict[str, str]
    macro_parameters: dict[str, set[str]]
    waits: re.Pattern[str]
    by_reference: frozenset[str]
    functions: Mapping[str, Callable] = field(default_factory=dict)
    constants: frozenset[str] = frozenset()
    ended_pass: bool = False


@dataclass
class Variable:
    """A variable that is declared where the block's statements stand.

    Attributes
    ----------
    declared : list of Declarator
        Its declarations: loops may use one name again.
    kind : {"uniform", "again", "lane"}
        One for the block, computed anew where it is needed, or one for each thread.
    varies : bool
        Whether it may differ from thread to thread.
    loops : set of int
        The loops over the threads that mention it; -1 stands for the head of a loop or condition.
    pinned : bool
        Whether pointers may point to it from one loop to the next.
    """

    declared: list[Declarator]
    kind: str = "lane"
    varies: bool = True
    loops: set[int] = field(default_factory=set)
    pinned: bool = False

    @property
    def first(self) -> Declarator:
        """The first declaration."""
        return self.declared[0]


@dataclass
class Region:
    """Statements that the threads run one after the other."""

    statements: list[Statement] = field(default_factory=list)


@dataclass
class Node:
    """Something that the block does: a region, a barrier, a loop around such."""

    kind: str  # region, barrier, uniform, declare, shared, jump, block, if, for, while, do, stride
    statement: Statement | None = None
    region: Region | None = None
    children: list[list[Node]] = field(default_factory=list)
    stride: Stride | None = None


@dataclass
class Stride:
    """``for (type name = first; name < limit; name += step) body``."""

    type: str
    name: str
    first: list[Token]
    limit: list[Token]
    step: list[Token]
    body: list[Token]
    region: Region


def names_in(tokens: Sequence[Token]) -> Iterator[tuple[int, str]]:
    """Yield place and text of names that are no members."""
    for k, token in enumerate(tokens):
        before = tokens[k - 1].text if k else ""
        if before not in (".", "->", "::") and NAME.fullmatch(token.text):
            yield k, token.text


def _jumps(statement: Statement) -> bool:
    """Say whether a condition jumps out of the loop that it stands in, or to its next round."""
    if statement.kind in ("break", "continue"):
        return True
    return statement.kind in ("if", "block") and any(map(_jumps, statement.children))


def is_unary(tokens: Sequence[Token], k: int) -> bool:
    """Say whether the sign at a place has nothing on its left."""
    if k == 0:
        return True
    before = tokens[k - 1].text
    return not (before in (")", "]") or re.match(r"[\w.]", before)) or before == "return"


def changes(tokens: Sequence[Token], k: int) -> bool:
    """Say whether the variable named at a place may be changed there."""
    after = tokens[k + 1].text if k + 1 < len(tokens) else ""
    before = tokens[k - 1].text if k else ""
    if after in ASSIGNMENTS or after in ("++", "--") or before in ("++", "--"):
        return True
    return before == "&" and is_unary(tokens, k - 1)


class Reader:
    """The structure of a kernel: what its threads do on their own, and where they wait."""

    def __init__(
        self, head: str, parameters: Iterable[str], start: int, end: int, around: Surroundings
    ) -> None:
        self.around = around
        self.tokens = tokens_of(around.masked, start, end)
        if re.search(r"\(\s*\*\s*\w+\s*\)\s*\(", around.masked[start:end]):
            raise NotUnderstoodError("a pointer to a function")
        text = around.masked[start:end]
        others = around.waits.sub(lambda f: "" if f.group() in STEPS else f.group(), text)
        if around.waits.search(others) or "[&]" in text or "[=]" in text:
            raise NotUnderstoodError("threads wait in other ways")
        self.parameters = set(parameters)
        self.constants = {*NAME.findall(head.rpartition(">")[0]), *PURE, *INDICES}
        self.statements = parse_body(self.tokens)
        self.variables: dict[str, Variable] = {}
        self.declared_at: set[int] = set()  # places of names in declarations of the block
        self.strides: set[int] = set()  # places of names that only a loop over the grid changes
        self.nodes = self._spine(self.statements)
        self.constants |= around.constants - self.parameters - self.variables.keys()
        if not any(node.kind in ("barrier", "stride") for node in self.walk(self.nodes)):
            raise NotUnderstoodError("there is nothing to gain")

    def walk(self, nodes: Iterable[Node]) -> Iterator[Node]:
        """Yield nodes and all inside them."""
        for node in nodes:
            yield node
            for part in node.children:
                yield from self.walk(part)

    # The structure

    def _spine(self, statements: Sequence[Statement]) -> list[Node]:
        nodes: list[Node] = []
        for k, statement in enumerate(statements):
            node = self._node(statement, statements[k + 1 :])
            if node is not None:
                nodes.append(node)
                continue
            if not nodes or nodes[-1].kind != "region":
                nodes.append(Node("region", region=Region()))
            region = nodes[-1].region
            assert region is not None
            region.statements.append(statement)
        return nodes

    def _node(self, statement: Statement, later: Sequence[Statement]) -> Node | None:
        """Return what a statement is for the block; None: something that each thread does."""
        words = [token.text for token in statement.tokens]
        if words[0] in STEPS and words[1] == "(":
            return Node("barrier", statement)
        if statement.kind == "empty":
            return None
        if "__shared__" in words and not statement.children:
            self.constants.update(d.name for d in declarators(shared_tokens(statement)) or ())
            return Node("shared", statement)
        if "constexpr" in words and not statement.children:
            self.constants.update(d.name for d in declarators(statement.tokens[:-1]) or ())
            return Node("declare", statement)
        if statement.kind == "declaration":
            return self._declaration(statement, words)
        if words[0] in ("typedef", "using", "static_assert"):
            return Node("declare", statement)
        if statement.kind in ("break", "continue"):
            return Node("jump", statement)
        if not STEPS & set(words) and not _jumps(statement):
            return self._stride(statement, later)
        if statement.kind == "block":
            return Node("block", statement, children=[self._spine(statement.children)])
        if statement.kind not in CONTROL:
            raise NotUnderstoodError("a barrier inside " + statement.kind)
        if statement.kind == "for":
            parts = split_tokens(statement.head, ";")
            if len(parts) != 3:
                raise NotUnderstoodError("a loop over a range")
            self._note(declarators(parts[0]) or [], parts[0])
        bodies = [
            self._spine(body.children if body.kind == "block" else [body])
            for body in statement.children
        ]
        self._refuse_jumps(statement)
        return Node(statement.kind, statement, children=bodies)

    def _refuse_jumps(self, statement: Statement) -> None:
        """Raise for jumps to the end or the next round of a loop that has a barrier."""
        inner = [statement.children]
        while inner:
            for child in inner.pop():
                if child.kind == "switch":
                    raise NotUnderstoodError("a jump around a barrier")
                if child.kind in ("block", "if"):
                    inner.append(child.children)

    def _declaration(self, statement: Statement, words: list[str]) -> Node | None:
        if "static" in words:
            raise NotUnderstoodError("a static variable")
        self._note(declarators(statement.tokens[:-1]) or [], statement.tokens)
        return None

    def _note(self, found: Sequence[Declarator], tokens: Sequence[Token]) -> None:
        for declarator in found:
            known = self.variables.setdefault(declarator.name, Variable([]))
            known.declared.append(declarator)
            if known.first.type != declarator.type or declarator.name in self.parameters:
                raise NotUnderstoodError(f"several variables {declarator.name}")
        names = {declarator.name for declarator in found}
        seen: set[str] = set()
        for k, name in names_in(tokens):
            if name in names and name not in seen:
                seen.add(name)
                self.declared_at.add(tokens[k].start)

    def _stride(self, statement: Statement, later: Sequence[Statement]) -> Node | None:
        """Return a loop over the grid, if the statement is one."""
        found = None
        if statement.kind == "for":
            found = self._stride_for(statement)
        elif statement.kind == "while":
            found = self._stride_while(statement, later)
        if found is None:
            return None
        inner = [child for child in statement.walk() if child.kind in ("return", "break", "switch")]
        if inner or any(token.text == "goto" for token in statement.tokens):
            return None
        for k, name in names_in(found.body):
            if name == found.name and changes(found.body, k):
                return None
        return Node("stride", statement, region=found.region, stride=found)

    def _stride_for(self, statement: Statement) -> Stride | None:
        parts = split_tokens(statement.head, ";")
        named = declarators(parts[0]) if len(parts) == 3 else None
        if not named or len(named) != 1 or named[0].value is None or not named[0].plain:
            return None
        (variable,) = named
        if not all(_INTEGERS.fullmatch(word) for word in variable.type):
            return None
        ends = upper_limit(variable.name, parts[1]), step_of(variable.name, parts[2])
        if not ends[0] or not ends[1]:
            return None
        (body,) = statement.children
        region = Region([statement])
        first = variable.value or []
        return Stride(
            " ".join(variable.type), variable.name, first, ends[0], ends[1], body.tokens, region
        )

    def _stride_while(self, statement: Statement, later: Sequence[Statement]) -> Stride | None:
        name = statement.head[0].text if statement.head else ""
        variable = self.variables.get(name)
        (body,) = statement.children
        if variable is None or body.kind != "block" or not body.children:
            return None
        last = body.children[-1]
        limit, step = upper_limit(name, statement.head), step_of(name, last.tokens[:-1])
        used = any(token.text == name for other in later for token in other.tokens)
        if not limit or not step or used or statement not in self.statements:
            return None
        if not all(_INTEGERS.fullmatch(word) for word in variable.first.type):
            return None
        self.strides.add(last.tokens[0].start)
        tokens = [*body.tokens[: -len(last.tokens) - 1], body.tokens[-1]]
        region = Region([statement])
        return Stride(
            " ".join(variable.first.type), name, [statement.head[0]], limit, step, tokens, region
        )
