"""PyCUDA's exceptions: each is devarray's exception for the same mistake as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devarray import errors

__all__ = [
    "CompileError",
    "Error",
    "InvalidValueError",
    "LaunchError",
    "LogicError",
    "MemoryError",
    "RuntimeError",
    "UnsupportedError",
    "translated",
]


class Error(errors.DevarrayError):
    """Base class of PyCUDA's exceptions."""


class MemoryError(Error, errors.DeviceMemoryError):
    """The device has too little memory."""


class LogicError(Error):
    """The program asked for something that makes no sense."""


class LaunchError(Error, errors.DeviceError):
    """A kernel failed while it ran."""


class RuntimeError(Error, errors.DeviceError):
    """The device or its runtime failed."""


class InvalidValueError(LogicError, ValueError):
    """A value that cannot be: a size, an address, a name."""


class UnsupportedError(LogicError, errors.UnsupportedError):
    """What PyCUDA can do and devarray, or this device, cannot."""


class CompileError(Error, errors.CompileError):
    """A kernel did not compile.

    Parameters
    ----------
    msg : str
        What happened.
    command_line : sequence of str
        The compiler's command.
    stdout, stderr : str, optional
        What the compiler printed; line numbers are those of the program's text.

    Attributes
    ----------
    msg, command_line, stdout, stderr
        As given.
    command, log, source
        The same as devarray names them; see `devarray.CompileError`.
    """

    def __init__(
        self,
        msg: str,
        command_line: Sequence[str] = (),
        stdout: str | None = None,
        stderr: str | None = None,
    ) -> None:
        self.msg = msg
        self.command_line = list(command_line)
        self.stdout = stdout
        self.stderr = stderr
        super().__init__(msg, " ".join(command_line), stderr or "")

    def __str__(self) -> str:
        parts = [self.msg]
        if self.command_line:
            parts.append(f"[command: {' '.join(self.command_line)}]")
        parts += [
            f"[{name}:\n{text.rstrip()}]"
            for name, text in (("stdout", self.stdout), ("stderr", self.stderr))
            if text
        ]
        return "\n".join(parts)


@contextmanager
def translated() -> Iterator[None]:
    """Let errors of devarray that happen inside be raised as PyCUDA's."""
    try:
        yield
    except Error:
        raise
    except errors.CompileError as error:
        message = str(error).split("\n", 1)[0]
        found = CompileError(message, error.command.split(), None, error.log)
        found.source = error.source
        raise found from error
    except errors.DeviceMemoryError as error:
        raise MemoryError(str(error)) from error
    except errors.UnsupportedError as error:
        raise UnsupportedError(str(error)) from error
    except errors.DeviceError as error:
        raise LaunchError(str(error)) from error
