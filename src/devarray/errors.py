"""The exceptions of devarray.

Where NumPy raises for the same mistake, devarray raises NumPy's own class in NumPy's words; the
classes below are for what NumPy has no word for: devices, compilers, and the border between host
and device.
"""

from __future__ import annotations

__all__ = [
    "CompileError",
    "DevarrayError",
    "DeviceError",
    "DeviceMemoryError",
    "HostMixError",
    "UnsupportedError",
]


_MOST_LINES = (
    400  # of a kernel's source in a message; its end is the kernel, the prelude comes before
)


class DevarrayError(Exception):
    """Base class of everything that devarray raises on its own account."""


class UnsupportedError(DevarrayError, TypeError):
    """The device, or devarray as a whole, cannot do what was asked; the message says where."""


class HostMixError(DevarrayError, TypeError):
    """A host array met a device array, or a device array was read as one, without being asked."""


class DeviceError(DevarrayError, RuntimeError):
    """A device or its runtime failed, or is not there."""


class DeviceMemoryError(DevarrayError, MemoryError):
    """A device could not provide the memory that was asked for; the message has the numbers."""


class CompileError(DevarrayError, RuntimeError):
    """A kernel did not compile, or there is no compiler.

    Attributes
    ----------
    command : str
        The compiler's command line, or an empty string if none was run.
    log : str
        What the compiler printed.
    source : str
        The text that was compiled.
    """

    def __init__(self, message: str, command: str = "", log: str = "", source: str = "") -> None:
        self.command = command
        self.log = log
        self.source = source
        parts = [message]
        if command:
            parts.append(f"command: {command}")
        if log:
            parts.append(f"compiler output:\n{log.rstrip()}")
        if source:
            lines = source.splitlines()
            numbered = [
                f"{i:4d} | {line}"
                for i, line in enumerate(lines[-_MOST_LINES:], 1 + max(0, len(lines) - _MOST_LINES))
            ]
            parts.append("source:\n" + "\n".join(numbered))
        super().__init__("\n".join(parts))
