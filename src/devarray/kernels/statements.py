"""The statements of a function in C++, as far as loops over threads need to know them.

Text is given with blanks for comments and strings (`host_text`), so that places are those of the
source. What is not understood raises `NotUnderstoodError`: whoever asked leaves the text as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = [
    "ASSIGNMENTS",
    "BUILTIN",
    "NAME",
    "PAIRS",
    "Declarator",
    "Edit",
    "NotUnderstoodError",
    "Statement",
    "Token",
    "UNCERTAIN",
    "assignment",
    "closing",
    "declarators",
    "edited",
    "listed",
    "parse_body",
    "separations",
    "shared_tokens",
    "split_tokens",
    "step_of",
    "tokens_of",
    "upper_limit",
]


class NotUnderstoodError(Exception):
    """The text has something that this reader does not know."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or sign, and where it stands."""

    text: str
    start: int
    end: int


_TOKEN = re.compile(
    r"[A-Za-z_]\w*|\.?\d(?:[eEpP][+-]|[\w.'])*|\"[^\"\n]*\"|'[^'\n]*'"
    r"|<<=|>>=|->\*|\.\.\.|::|->|\+\+|--|<<|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\S"
)
NAME = re.compile(r"[A-Za-z_]\w*")
PAIRS = {"(": ")", "[": "]", "{": "}"}
_NO_TYPES = frozenset((
    "return", "break", "continue", "goto", "if", "else", "for", "while", "do", "switch",
    "case", "default", "delete", "new", "throw", "sizeof", "operator", "asm", "try", "catch",
    "using", "typedef", "static_assert", "this",
))  # fmt: skip
_QUALIFIERS = frozenset((
    "const", "volatile", "register", "static", "constexpr", "typename", "struct", "class",
    "enum", "__restrict__", "__restrict", "__device__", "inline", "thread_local", "mutable",
))  # fmt: skip
BUILTIN = frozenset((
    "void", "bool", "char", "short", "int", "long", "float", "double", "signed", "unsigned",
    "auto", "size_t",
))  # fmt: skip
UNCERTAIN = frozenset(("?", "&&", "||"))  # what follows may not be evaluated
ASSIGNMENTS = frozenset(["=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="])


Edit = tuple[int, int, str]  # from, to, what comes instead


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return a text with its edits, none of which overlap."""
    parts: list[str] = []
    place = 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        parts += (text[place:start], new)
        place = end
    return "".join((*parts, text[place:]))


def tokens_of(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """Return the tokens between two places; ``>>`` is two signs, as of nested templates."""
    stop = len(text) if end is None else end
    found = _TOKEN.finditer(text, start, stop)
    return [Token(match.group(), match.start(), match.end()) for match in found]


@dataclass(slots=True)
class Statement:
    """A statement.

    Attributes
    ----------
    kind : str
        ``block``, ``if``, ``for``, ``while``, ``do``, ``switch``, ``return``, ``break``,
        ``continue``, ``empty``, ``declaration`` or ``expression``.
    tokens : list of Token
        All of it.
    head : list of Token
        What stands between the parentheses of ``if``, ``for``, ``while``, ``do`` and ``switch``.
    children : list of Statement
        The statements of a block; the bodies of the others (``if``: two, if there is an ``else``).
    """

    kind: str
    tokens: list[Token]
    head: list[Token] = field(default_factory=list)
    children: list[Statement] = field(default_factory=list)

    def walk(self) -> Iterator[Statement]:
        """Yield the statement and all inside it."""
        yield self
        for child in self.children:
            yield from child.walk()


def parse_body(tokens: list[Token]) -> list[Statement]:
    """Return the statements between a function's braces."""
    parser = _Parser(tokens)
    found = []
    while parser.place < len(tokens):
        found.append(parser.statement())
    return found


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.place = 0

    def _peek(self) -> str:
        if self.place >= len(self.tokens):
            raise NotUnderstoodError("the text ends inside a statement")
        return self.tokens[self.place].text

    def _take(self, text: str) -> None:
        if self._peek() != text:
            raise NotUnderstoodError(f"{text!r} expected, not {self._peek()!r}")
        self.place += 1

    def _group(self) -> list[Token]:
        """Take what stands between the parentheses that open here."""
        start = self.place + 1
        self.place = closing(self.tokens, self.place)
        return self.tokens[start : self.place - 1]

    def statement(self) -> Statement:
        start = self.place
        kind, head, children = self._read()
        return Statement(kind, self.tokens[start : self.place], head, children)

    def _read(self) -> tuple[str, list[Token], list[Statement]]:
        word = self._peek()
        if word == "{":
            self.place += 1
            children = []
            while self._peek() != "}":
                children.append(self.statement())
            self.place += 1
            return "block", [], children
        if word in ("if", "for", "while", "switch"):
            return self._controlled(word)
        if word == "do":
            self.place += 1
            body = self.statement()
            self._take("while")
            head = self._group()
            self._take(";")
            return "do", head, [body]
        if word == ";":
            self.place += 1
            return "empty", [], []
        if word in ("goto", "case", "default", "try", "asm", "__asm__", "else"):
            raise NotUnderstoodError(word)
        return self._simple(word), [], []

    def _controlled(self, word: str) -> tuple[str, list[Token], list[Statement]]:
        self.place += 1
        if word == "if" and self._peek() == "constexpr":
            self.place += 1
        if self._peek() != "(":
            raise NotUnderstoodError(word)
        head = self._group()
        if word == "switch":
            self._skip_statement()
            return word, head, []
        children = [self.statement()]
        at_end = self.place >= len(self.tokens)
        if word == "if" and not at_end and self._peek() == "else":
            self.place += 1
            children.append(self.statement())
        return word, head, children

    def _skip_statement(self) -> None:
        if self._peek() != "{":
            raise NotUnderstoodError("switch")
        self.place = closing(self.tokens, self.place)

    def _simple(self, word: str) -> str:
        start = self.place
        while self._peek() != ";":
            if self._peek() in PAIRS:
                self.place = closing(self.tokens, self.place)
            elif self._peek() in (")", "]", "}"):
                raise NotUnderstoodError(self._peek())
            elif self._peek() == ":" and self.place == start + 1:
                raise NotUnderstoodError("a label")
            else:
                self.place += 1
        self.place += 1
        if word in ("return", "break", "continue"):
            return word
        named = declarators(self.tokens[start : self.place - 1])
        return "declaration" if named is not None else "expression"


def closing(tokens: list[Token], place: int) -> int:
    """Return the place behind the bracket that closes the one here."""
    wanted = []
    while place < len(tokens):
        text = tokens[place].text
        place += 1
        if text in PAIRS:
            wanted.append(PAIRS[text])
        elif text in (")", "]", "}"):
            if wanted.pop() != text:
                raise NotUnderstoodError("brackets")
            if not wanted:
                return place
    raise NotUnderstoodError("brackets")


def split_tokens(tokens: list[Token], sign: str) -> list[list[Token]]:
    """Return what `sign` separates, outside of brackets."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in PAIRS) - (token.text in (")", "]", "}"))
        if token.text == sign and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def listed(tokens: Sequence[Token]) -> list[list[Token]]:
    """Return what commas separate outside of brackets, those of templates among them."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token.text in "([{<") - (token.text in ")]}>")
        if token.text == "," and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts if parts != [[]] else []


@dataclass(frozen=True, slots=True)
class Declarator:
    """A variable of a declaration.

    Attributes
    ----------
    name : str
    type : tuple of str
        The words of its type, without ``const`` and other qualifiers, with its stars.
    qualifiers : frozenset of str
    lengths : list of Token
        ``[...]`` behind the name.
    value : list of Token or None
        What it is initialised with by ``=``, ``(...)`` or ``{...}``.
    plain : bool
        It is initialised by ``=``, or not at all.
    """

    name: str
    type: tuple[str, ...]
    qualifiers: frozenset[str]
    lengths: list[Token]
    value: list[Token] | None
    plain: bool


def declarators(tokens: list[Token]) -> list[Declarator] | None:
    """Return the variables of a declaration, or None if the tokens are no declaration."""
    words = [token.text for token in tokens]
    place, type_, qualifiers = _type(words)
    if not type_:
        return None
    found = []
    for part in split_tokens(tokens[place:], ","):
        k = 0
        stars = []
        while k < len(part) and (part[k].text in ("*", "&", "&&") or part[k].text in _QUALIFIERS):
            if part[k].text in "*&&":
                stars.append(part[k].text)
            k += 1
        if k >= len(part) or not re.fullmatch(r"[A-Za-z_]\w*", part[k].text):
            return None
        name = part[k].text
        k += 1
        start = k
        while k < len(part) and part[k].text == "[":
            k = closing(part, k)
        lengths = part[start:k]
        value: list[Token] | None = None
        plain = True
        if k < len(part):
            if part[k].text == "=":
                value = part[k + 1 :]
            elif part[k].text in "({" and closing(part, k) == len(part):
                value, plain = part[k + 1 : -1], False
            else:
                return None
        found.append(
            Declarator(name, (*type_, *stars), frozenset(qualifiers), lengths, value, plain)
        )
    return found


def separations(statement: Statement) -> list[tuple[int, int, str]]:
    """Return what makes a declaration of its own of each variable: from, to, what comes instead."""
    tokens = statement.tokens[:-1]
    place, _, _ = _type([token.text for token in tokens])
    type_ = " ".join(token.text for token in tokens[:place])
    parts = split_tokens(tokens[place:], ",")
    return [(a[-1].end, b[0].start, f"; {type_} ") for a, b in pairwise(parts)]


def _type(words: list[str]) -> tuple[int, list[str], list[str]]:
    """Return the place behind a type, its words, and its qualifiers; no words if it is none."""
    place = 0
    type_: list[str] = []
    qualifiers: list[str] = []
    while place < len(words):
        word = words[place]
        if word in _QUALIFIERS:
            qualifiers.append(word)
            place += 1
        elif word in BUILTIN and (not type_ or type_[-1] in BUILTIN):
            type_.append(word)
            place += 1
        elif not type_ and re.fullmatch(r"[A-Za-z_]\w*", word) and word not in _NO_TYPES:
            type_, place = _named_type(words, place)
        else:
            break
    if place >= len(words) or not (
        re.fullmatch(r"[A-Za-z_]\w*", words[place]) or words[place] in ("*", "&", "&&")
    ):
        return 0, [], []
    if words[place] in ("*", "&", "&&") and type_ and type_[0] not in BUILTIN:
        # T * x = ..., T *x; but no product of two variables
        k = place
        while k < len(words) and (words[k] in ("*", "&", "&&") or words[k] in _QUALIFIERS):
            k += 1
        named = k < len(words) and re.fullmatch(r"[A-Za-z_]\w*", words[k])
        if not named or (k + 1 < len(words) and words[k + 1] not in ("=", ",", "[", "(", "{")):
            return 0, [], []
    return place, type_, qualifiers


def _named_type(words: list[str], place: int) -> tuple[list[str], int]:
    """Return the words of ``a::b<c>`` and the place behind it."""
    start = place
    place += 1
    while place < len(words):
        if words[place] == "::" and place + 1 < len(words):
            place += 2
        elif words[place] == "<":
            depth = 0
            k = place
            while k < len(words):
                depth += (words[k] == "<") - (words[k] == ">") - 2 * (words[k] == ">>")
                k += 1
                if depth <= 0:
                    break
                if words[k - 1] in (";", "&&", "||", "="):
                    return [], place
            place = k
        else:
            break
    return words[start:place], place


def upper_limit(name: str, tokens: Sequence[Token]) -> list[Token] | None:
    """Return what ``name < ...`` compares with."""
    if len(tokens) < 3 or tokens[0].text != name or tokens[1].text != "<":
        return None
    rest = list(tokens[2:])
    if any(token.text in ("&&", "||", "?", ",", "<", ">", "==", name) for token in rest):
        return None
    return rest


def step_of(name: str, tokens: Sequence[Token]) -> list[Token] | None:
    """Return what ``name += ...`` or ``name = name + ...`` adds."""
    words = [token.text for token in tokens]
    rest: list[Token] = []
    if words[:2] == [name, "+="]:
        rest = list(tokens[2:])
    elif words[:4] == [name, "=", name, "+"]:
        rest = list(tokens[4:])
    if not rest or any(token.text in (",", name, "?") for token in rest):
        return None
    if len(rest) == 1 and rest[0].text[0].isdigit():  # neighbours are those of one thread
        return None
    return rest


def assignment(tokens: Sequence[Token]) -> dict[int, list[Token]]:
    """Return the place of the variable that is all that an expression changes, and its operands."""
    words = [token.text for token in tokens]
    if (len(words) == 2 and "++" in words) or (len(words) == 2 and "--" in words):
        return {token.start: [] for token in tokens if NAME.fullmatch(token.text)}
    if len(words) > 2 and words[1] in ASSIGNMENTS and NAME.fullmatch(words[0]):
        return {tokens[0].start: list(tokens[2:])}
    return {}


_NO_DECLARATION = frozenset(("__shared__", "static", "extern"))


def shared_tokens(statement: Statement) -> list[Token]:
    """Return the declaration of shared memory without its qualifiers and its alignment."""
    found: list[Token] = []
    place = 0
    tokens = statement.tokens[:-1]
    while place < len(tokens):
        if tokens[place].text in ("__align__", "alignas") and tokens[place + 1].text == "(":
            place = closing(tokens, place + 1)
            continue
        if tokens[place].text not in _NO_DECLARATION:
            found.append(tokens[place])
        place += 1
    return found
