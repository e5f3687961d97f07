"""Functions in which threads wait, put in place of their calls; see `host_blocks`.

``sum = block_sum(sum);`` becomes the statements of ``block_sum`` with variables of their own, so
that the kernel can be cut where they wait. A line keeps its number: what is put in stands in the
line of the call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .block_exchanges import is_exchange
from .source_text import Piece, Reading
from .statements import (
    NAME,
    UNCERTAIN,
    Declarator,
    Edit,
    NotUnderstoodError,
    Statement,
    Token,
    closing,
    declarators,
    edited,
    listed,
    parse_body,
    separations,
    shared_tokens,
    split_tokens,
    tokens_of,
)

__all__ = ["Callable", "callables", "with_calls"]

_MOST_CALLS = 64
_MARKS = frozenset((
    "__device__", "__host__", "__forceinline__", "__inline__", "__inline", "__noinline__",
    "inline", "static", "constexpr", "extern",
))  # fmt: skip


@dataclass(frozen=True)
class Callable:
    """A function whose statements can stand in place of a call.

    Attributes
    ----------
    template : list of (str, list of Token)
        Its template parameters and what they are by default.
    result : list of Token
        The type that it returns; nothing for void.
    parameters : list of list of Token
    body : list of Statement
        Without the last one, if that is ``return``.
    value : list of Token
        What is returned.
    text : str
        The source without comments, strings and directives.
    """

    template: list[tuple[str, list[Token]]]
    result: list[Token]
    parameters: list[list[Token]]
    body: list[Statement]
    value: list[Token]
    text: str


def callables(source: str, reading: Reading, pieces: Iterable[Piece]) -> dict[str, Callable]:
    """Return the functions among the pieces of a source that can stand in place of calls."""
    found: dict[str, Callable | None] = {}
    for piece in pieces:
        try:
            one = _callable(source, reading.masked, piece)
            _refuse_macros(one, reading.macros)
        except NotUnderstoodError:
            one = None
        found[piece.name] = None if piece.name in found else one  # two of a name: which one?
    return {name: one for name, one in found.items() if one is not None}


def _callable(source: str, masked: str, piece: Piece) -> Callable:
    start = piece.start + len(piece.head) + 1
    stop = piece.start + len(piece.text) - 1
    if not piece.text.endswith("}") or re.search(r"[\"']", masked[start:stop]):
        raise NotUnderstoodError("no body, or strings")
    if re.search(r"^[ \t]*#(?!\s*pragma\s+unroll)", source[start:stop], re.MULTILINE):
        raise NotUnderstoodError("a directive")
    head = tokens_of(masked, piece.start, start - 1)
    template: list[tuple[str, list[Token]]] = []
    if head and head[0].text == "template":
        end = _closing_angle(head, 1)
        template = [_template_parameter(part) for part in listed(head[2 : end - 1])]
        head = head[end:]
    place = next((k for k, token in enumerate(head) if token.text == piece.name), -1)
    if place < 0 or [token.text for token in head[place + 1 : place + 2]] != ["("]:
        raise NotUnderstoodError("a head")
    if closing(head, place + 1) != len(head):
        raise NotUnderstoodError("what stands behind the parameters")
    result = [token for token in head[:place] if token.text not in _MARKS]
    if any(token.text in ("auto", "&", "operator", "::", "(") for token in result):
        raise NotUnderstoodError("a type")
    told = head[place + 2 : -1]
    if [token.text for token in told] == ["void"]:
        told = []
    body = parse_body(tokens_of(masked, start, stop))
    value: list[Token] = []
    if body and body[-1].kind == "return":
        value = body.pop().tokens[1:-1]
    if any(inner.kind == "return" for one in body for inner in one.walk()):
        raise NotUnderstoodError("a return in the middle")
    if any(token.text in ("return", "goto") for one in body for token in one.tokens):
        raise NotUnderstoodError("a return inside of switch, or of a function")
    void = [token.text for token in result] == ["void"]
    if bool(value) == void:
        raise NotUnderstoodError("a value, and none is told")
    return Callable(template, [] if void else result, listed(told), body, value, masked)


def _refuse_macros(one: Callable, macros: Mapping[str, str]) -> None:
    """Raise for macros that name what the function declares, as it gets other names."""
    own = _locals(one.body)
    own |= {d.name for part in one.parameters for d in declarators(part) or ()}
    own |= {name for name, _ in one.template}
    words = {token.text for statement in one.body for token in statement.tokens}
    seen: set[str] = set()
    while new := (words & macros.keys()) - seen:
        seen |= new
        words = {token.text for name in new for token in tokens_of(macros[name])}
        if words & own:
            raise NotUnderstoodError("a macro that names variables")


def _template_parameter(tokens: list[Token]) -> tuple[str, list[Token]]:
    told, *default = split_tokens(tokens, "=")
    if len(told) < 2 or told[0].text == "template" or told[-2].text == "...":
        raise NotUnderstoodError("a template")
    return told[-1].text, default[0] if default else []


def _closing_angle(tokens: Sequence[Token], place: int) -> int:
    """Return the place behind the ``>`` for the ``<`` here."""
    depth = 0
    for k in range(place, len(tokens)):
        depth += (tokens[k].text == "<") - (tokens[k].text == ">")
        if tokens[k].text in (";", "{", "&&", "||"):
            break
        if depth == 0:
            return k + 1
    raise NotUnderstoodError("a template")


def with_calls(
    source: str, masked: str, start: int, end: int, known: Mapping[str, Callable], head: str
) -> tuple[str, str]:
    """Return a source and its masked text with functions in place of the calls in a kernel.

    Parameters
    ----------
    source, masked : str
        The whole text; the same without comments, strings and directives.
    start, end : int
        Where the text between the kernel's braces lies.
    known : mapping of str to Callable
        The functions that may stand in place of calls.
    head : str
        The parameters of the kernel.
    """
    for serial in range(_MOST_CALLS):
        statements = parse_body(tokens_of(masked, start, end))
        edits: list[Edit] = list(_separate(masked, statements, known))
        if not edits:
            call = next(_calls(statements, True, known), None)
            if call is None:
                return source, masked
            edits = _Inliner(masked, statements, known, head, f"dh_{serial}_").edits(call)
        longer = edited(masked, edits)
        end += len(longer) - len(masked)
        source, masked = edited(source, edits), longer
    raise NotUnderstoodError("too many calls")


def _separate(
    masked: str, statements: Sequence[Statement], known: Mapping[str, Callable]
) -> Iterator[Edit]:
    """Yield what separates declarations, where one may need another that stands before it."""
    for outer in statements:
        for statement in outer.walk():
            wanted = any(is_exchange(token) or token.text in known for token in statement.tokens)
            if wanted and statement.kind == "declaration":
                for start, end, text in separations(statement):
                    yield start, end, text + "\n" * masked.count("\n", start, end)


@dataclass
class _Call:
    statement: Statement
    in_block: bool
    tokens: list[Token]  # name, template arguments, (arguments)
    angle: int  # how many of them are the template arguments with their brackets


def _calls(
    statements: Sequence[Statement], in_block: bool, known: Mapping[str, Callable]
) -> Iterator[_Call]:
    """Yield the calls of known functions that have no other one in their arguments."""
    for statement in statements:
        simple = statement.kind in ("declaration", "expression")
        tokens = statement.tokens if simple else statement.head
        if statement.kind == "return" or not (simple or statement.kind == "if"):
            tokens = []
        for k, token in enumerate(tokens):
            before = tokens[k - 1].text if k else ""
            if token.text not in known or before in (".", "->", "::"):
                continue
            place = k + 1
            if place < len(tokens) and tokens[place].text == "<":
                place = _closing_angle(tokens, place)
            if place >= len(tokens) or tokens[place].text != "(":
                raise NotUnderstoodError("a function that is not called")
            end = closing(list(tokens), place)
            if any(inner.text in known for inner in tokens[place:end]):
                continue
            if any(inner.text in UNCERTAIN for inner in tokens[:k]):
                raise NotUnderstoodError("a call that not all threads may reach")
            yield _Call(statement, in_block, tokens[k:end], place - k - 1)
        if statement.kind == "block":
            yield from _calls(statement.children, True, known)
        else:
            for child in statement.children:
                yield from _calls([child], False, known)


class _Inliner:
    """What comes in place of one call."""

    def __init__(
        self,
        masked: str,
        statements: list[Statement],
        known: Mapping[str, Callable],
        head: str,
        prefix: str,
    ) -> None:
        self.masked = masked
        self.statements = statements
        self.known = known
        self.prefix = prefix
        self.kernel = [declarators(part) for part in listed(tokens_of(head))]

    def edits(self, call: _Call) -> list[Edit]:
        function = self.known[call.tokens[0].text]
        given = call.tokens[1 : 1 + call.angle]
        told = call.tokens[call.angle + 2 : -1]  # where < is no bracket
        arguments = split_tokens(told, ",") if told else []
        self.types = self._template(function, listed(given[1:-1]), arguments)
        self.names: dict[str, str] = {}
        text = " ".join(self._lines(function, arguments))
        name = f"{self.prefix}result"
        if function.value:
            kind, value = (
                self._text(function, function.result),
                self._text(function, function.value),
            )
            text += f" {kind} {name} = {value};"
        statement = call.statement
        begin, stop = statement.tokens[0].start, statement.tokens[-1].end
        first, last = call.tokens[0].start, call.tokens[-1].end
        kept = "\n" * self.masked.count("\n", first, last)
        edits = [
            (begin, begin, f"{text} " if call.in_block else f"{{ {text} "),
            (first, last, (name if function.value else "") + kept),
        ]
        return edits if call.in_block else [*edits, (stop, stop, " }")]

    def _lines(self, function: Callable, arguments: list[list[Token]]) -> Iterator[str]:
        """Yield declarations of the parameters, and the statements of the function."""
        parameters = function.parameters
        if len(arguments) > len(parameters):
            raise NotUnderstoodError("the number of arguments")
        for k, tokens in enumerate(parameters):
            named = declarators(tokens)
            if not named or len(named) != 1:
                raise NotUnderstoodError("a parameter")
            (one,) = named
            own = k < len(arguments)
            value = arguments[k] if own else one.value
            if not value:
                raise NotUnderstoodError("an argument that is not told")
            text = self._plain(value) if own else self._text(function, value)
            if "&" in one.type and "const" not in one.qualifiers:
                if len(value) != 1 or not NAME.fullmatch(value[0].text):
                    raise NotUnderstoodError("a reference to what is no variable")
                self.names[one.name] = value[0].text
                continue
            self.names[one.name] = self.prefix + one.name
            yield f"{self._declared(function, one)} = {text};"
        for name in _locals(function.body):
            self.names[name] = self.prefix + name
        for statement in function.body:
            yield self._text(function, statement.tokens)

    def _declared(self, function: Callable, one: Declarator) -> str:
        """Return a parameter's declaration, without its value."""
        kind = " ".join(self.types.get(word, word) for word in one.type if word not in ("&", "&&"))
        name = self.names[one.name]
        pointer = "*" in kind or bool(one.lengths)
        # of what it points to; a copy may change
        told = [word for word in ("const", "volatile") if word in one.qualifiers and pointer]
        kind = " ".join([*told, kind])
        rest = one.lengths[closing(one.lengths, 0) :] if one.lengths else []
        if rest:
            return f"typedef {kind} {name}_row{self._text(function, rest)}; {name}_row *{name}"
        return f"{kind} *{name}" if one.lengths else f"{kind} {name}"

    def _plain(self, tokens: Sequence[Token]) -> str:
        return f"({self.masked[tokens[0].start : tokens[-1].end]})".replace("\n", " ")

    def _text(self, function: Callable, tokens: Sequence[Token]) -> str:
        """Return a part of the function with the kernel's names."""
        if not tokens:
            return ""
        start = tokens[0].start
        edits = []
        for k, token in enumerate(tokens):
            before = tokens[k - 1].text if k else ""
            after = tokens[k + 1].text if k + 1 < len(tokens) else ""
            if before in (".", "->", "::") or not NAME.fullmatch(token.text):
                continue
            new = self.types.get(token.text)
            if new is None and after != "::":
                new = self.names.get(token.text)
            if new is not None:
                edits.append((token.start - start, token.end - start, new))
        return edited(function.text[start : tokens[-1].end], edits).replace("\n", " ")

    # Templates

    def _template(
        self, function: Callable, given: list[list[Token]], arguments: list[list[Token]]
    ) -> dict[str, str]:
        """Return what the template's parameters are."""
        found: dict[str, str] = {}
        for k, (name, default) in enumerate(function.template):
            if k < len(given):
                text = self.masked[given[k][0].start : given[k][-1].end]
                found[name] = " ".join(text.split())
                continue
            deduced = self._deduced(name, function, arguments)
            if not deduced:
                if not default:
                    raise NotUnderstoodError("a template's argument that is not told")
                deduced = " ".join(token.text for token in default)
            found[name] = deduced
        return found

    def _deduced(self, name: str, function: Callable, arguments: list[list[Token]]) -> str:
        """Return the type that a template's parameter is, by variables that are arguments."""
        for tokens, argument in zip(function.parameters, arguments, strict=False):
            named = declarators(tokens)
            if not named or name not in named[0].type or len(argument) != 1:
                continue
            one = named[0]
            told = self._variable(argument[0].text)
            if told is None:
                continue
            stars = sum(word == "*" for word in one.type) + bool(one.lengths)
            words = [word for word in told.type if word not in ("*", "&", "&&")]
            own = sum(word == "*" for word in told.type) + bool(told.lengths)
            plain = [word for word in one.type if word not in ("*", "&", "&&")] == [name]
            if plain and own == stars and "auto" not in words:
                return " ".join(words)
        return ""

    def _variable(self, name: str) -> Declarator | None:
        """Return the declaration of a variable or parameter of the kernel, if there is one."""
        found = [one for part in self.kernel for one in part or () if one.name == name]
        found += [one for one in _declared_in(self.statements) if one.name == name]
        kinds = {one.type for one in found}
        return found[0] if len(kinds) == 1 else None


def _declared_in(statements: Sequence[Statement]) -> Iterator[Declarator]:
    """Yield the variables that statements declare, those of inner ones among them."""
    for outer in statements:
        for statement in outer.walk():
            if statement.kind == "for":
                yield from declarators(split_tokens(statement.head, ";")[0]) or ()
            elif statement.kind in ("declaration", "expression"):
                words = [token.text for token in statement.tokens]
                if "__shared__" in words:
                    yield from declarators(shared_tokens(statement)) or ()
                elif statement.kind == "declaration":
                    yield from declarators(statement.tokens[:-1]) or ()


def _locals(statements: Sequence[Statement]) -> set[str]:
    return {one.name for one in _declared_in(statements)}
