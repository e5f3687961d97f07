"""Running a compiler: in time, in a folder and a session of its own, with its output."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..errors import CompileError

__all__ = ["problem_of_run", "run_compiler"]

_LOG_LIMIT = 1 << 16
# Variables that make gcc write files of its own accord.
_HARMFUL = ("DEPENDENCIES_OUTPUT", "SUNPRO_DEPENDENCIES", "GCC_COMPARE_DEBUG")


def problem_of_run(code: int | None, output: Path, timeout: float) -> str:
    """Return in words what went wrong, or an empty string."""
    if code is None:
        return f"the compiler did not finish within {timeout:.0f} s and was stopped"
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"the compiler was killed by {name}"
    if code:
        return f"the kernel did not compile (exit status {code})"
    try:
        with open(output, "rb") as file:
            magic = file.read(4)
    except FileNotFoundError:
        return "the compiler reported success but made no library"
    if magic not in (b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe"):  # Linux, macOS (2)
        return "the compiler reported success but what it made is no library"
    return ""


def run_compiler(
    command: Sequence[str], text: str, folder: Path, timeout: float
) -> tuple[int | None, str]:
    """Run a compiler with `text` on its standard input; return its exit status and what it printed.

    The status is None if it ran out of time. It runs in a folder of its own, which is also its
    TMPDIR, and in a session of its own, so that nothing of it survives an interruption.
    """
    work = tempfile.mkdtemp(prefix="work-", dir=folder)
    try:
        environment = {k: v for k, v in os.environ.items() if k not in _HARMFUL}
        environment.update(TMPDIR=work, LC_ALL="C", ZIG_LOCAL_CACHE_DIR=work)
        if "-lm" not in command:  # else zig keeps there the C library that it took a minute to make
            environment.setdefault("ZIG_GLOBAL_CACHE_DIR", work)
        with _hold_interruptions() as let_them_come:
            with tempfile.TemporaryFile(dir=work) as stdin:
                stdin.write(text.encode())
                stdin.seek(0)
                try:
                    process = subprocess.Popen(
                        command,
                        stdin=stdin,
                        stdout=subprocess.PIPE,
                        stderr=subprocess.STDOUT,
                        cwd=work,
                        env=environment,
                        start_new_session=True,
                    )
                except OSError as error:  # not executable, wrong format, no more processes
                    problem = f"cannot start the compiler: {error}"
                    raise CompileError(problem, shlex.join(command)) from error
            with process:
                try:
                    let_them_come()
                    finished, log = _listen(process, time.monotonic() + timeout)
                finally:
                    if process.returncode != 0:  # late, interrupted, or crashed with children alive
                        with contextlib.suppress(ProcessLookupError, PermissionError):
                            os.killpg(process.pid, signal.SIGKILL)
        return (process.returncode if finished else None), log
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextlib.contextmanager
def _hold_interruptions() -> Iterator[Callable[[], None]]:
    """Hold Ctrl-C back until the function that this gives is called, or to the end.

    An interruption within `subprocess.Popen` would leave a process that nobody knows of.
    """
    handler = signal.getsignal(signal.SIGINT)
    if handler is None or threading.current_thread() is not threading.main_thread():
        yield lambda: None  # only the main thread is interrupted
        return
    came: list[int] = []

    def let_them_come() -> None:
        signal.signal(signal.SIGINT, handler)
        if came:
            signal.raise_signal(came.pop())

    signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        yield let_them_come
    finally:
        let_them_come()


def _listen(process: subprocess.Popen[bytes], deadline: float) -> tuple[bool, str]:
    """Return whether the process ended in time, and the beginning of what it printed.

    The end of its output tells of its end without the sleeps of ``Popen.wait(timeout)``.
    """
    assert process.stdout is not None
    poll = select.poll()
    poll.register(process.stdout, select.POLLIN)
    log = b""
    finished = False
    while (left := deadline - time.monotonic()) > 0:
        if poll.poll(min(left, 0.2) * 1000):
            chunk = os.read(process.stdout.fileno(), _LOG_LIMIT)
            log += chunk[: _LOG_LIMIT - len(log)]
            if chunk:
                continue
            with contextlib.suppress(subprocess.TimeoutExpired):  # it closed its output and goes on
                process.wait(max(0.0, deadline - time.monotonic()))
                finished = True
            break
        if process.poll() is not None:  # a child that it left behind holds the pipe open
            finished = True
            break
    return finished, log.decode(errors="replace")
