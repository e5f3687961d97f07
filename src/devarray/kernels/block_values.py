"""What the values in a kernel depend on; see `host_blocks`."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

from .block_reader import PURE, Reader, is_unary, names_in
from .statements import ASSIGNMENTS, Token, tokens_of

__all__ = ["Values"]


class Values(Reader):
    """A kernel's structure, and what its values depend on."""

    def macro_tokens(self, name: str) -> list[Token]:
        """Return the tokens of a macro, with those of the macros that it is made of."""
        found: list[Token] = []
        names, seen = [name], {name}
        while names:
            tokens = tokens_of(self.around.macros[names.pop()])
            found += tokens
            new = {token.text for token in tokens if token.text in self.around.macros} - seen
            names += new
            seen |= new
        return found

    def words(self, tokens: Iterable[Token]) -> set[str]:
        """Return the words of a text, and of the macros in it."""
        found = {token.text for token in tokens}
        for name in found & self.around.macros.keys():
            found |= {token.text for token in self.macro_tokens(name)}
        return found

    def is_unsafe(self, tokens: Sequence[Token]) -> bool:
        """Say whether a value divides by what may be zero, or reads memory."""
        for k, token in enumerate(tokens):
            if token.text in ("/", "%", "/=", "%="):
                divisor = tokens[k + 1].text if k + 1 < len(tokens) else ""
                if not divisor[:1].isdigit() and divisor not in ("blockDim", "gridDim", "warpSize"):
                    return True
            macro = token.text in self.around.macros
            if macro and self.is_unsafe(self.macro_tokens(token.text)):
                return True
        return False

    def is_pure(
        self, tokens: Sequence[Token], also: Container[str] = (), memory: bool = False
    ) -> bool:
        """Say whether a value depends on nothing that changes.

        `also` are names that are known not to, such as a macro's parameters; `memory`: what may
        change there does not count.
        """
        for k, token in enumerate(tokens):
            text = token.text
            if text in ASSIGNMENTS or text in ("{", "++", "--", "::") or text[0] in "\"'":
                return False
            if text in ("[", "->") and not memory:
                return False
            if is_unary(tokens, k) and (text == "&" or (text == "*" and not memory)):
                return False
        for k, name in names_in(tokens):
            called = k + 1 < len(tokens) and tokens[k + 1].text == "("
            if called and name not in PURE and name not in self.around.macros:
                return False
            if name not in also and not self._is_known(name):
                return False
        return True

    def _is_known(self, name: str) -> bool:
        if name in self.constants:
            return True
        variable = self.variables.get(name)
        if variable is not None:
            return variable.kind in ("uniform", "again")
        body = self.around.macros.get(name)
        parameters = self.around.macro_parameters.get(name, ())
        return body is not None and self.is_pure(tokens_of(body), parameters)

    def varies(self, tokens: Sequence[Token]) -> bool:
        """Say whether a pure value may differ from thread to thread."""
        for _, name in names_in(tokens):
            variable = self.variables.get(name)
            if name == "threadIdx" or (variable is not None and variable.varies):
                return True
            body = self.around.macros.get(name)
            if variable is None and body is not None and self.varies(tokens_of(body)):
                return True
        return False
