"""The command line: ``devarray info``, ``devarray cache``, ``devarray run script.py``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence

import numpy as np

import devarray
from devarray.config import config, current
from devarray.errors import CompileError, DeviceError
from devarray.kernels.cache import KernelCache
from devarray.registry import get_device, survey
from devarray.run import run_script

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="devarray", description="NumPy-style arrays on devices, as fused native kernels."
    )
    parser.add_argument("--version", action="version", version=f"devarray {devarray.__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser(
        "info", help="show devices, compiler, threads, settings and the kernel cache"
    )
    cache = commands.add_parser("cache", help="show or clear the kernels on disk")
    cache.add_argument("action", nargs="?", choices=("list", "clear"), default="list")
    run = commands.add_parser("run", help="run a NumPy script with devarray in place of NumPy")
    run.add_argument("--device", default="", help="the device to run on")
    run.add_argument("script", help="the Python file")
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script is given")
    return parser


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB"


def _info() -> int:
    print(
        f"devarray {devarray.__version__}, NumPy {np.__version__}, Python {sys.version.split()[0]}"
    )
    try:
        default = get_device().name
    except DeviceError as error:
        default = current().device
        print(f"the default device, DEVARRAY_DEVICE={default!r}, is not usable: {error}")
    for name, problem in survey():
        mark = " (default)" if name == default else ""
        try:
            if problem:
                raise DeviceError(problem)
            facts = get_device(name).info()
            print(f"device {name}{mark}: usable")
            for key, value in facts.items():
                print(f"  {key}: {value}")
        except (DeviceError, CompileError) as error:
            print(f"device {name}{mark}: not usable: {str(error).splitlines()[0]}")
    cache = KernelCache()
    stats = cache.stats()
    print(
        f"kernel cache: {', '.join(cache.folders) or 'no folder yet'}: "
        f"{stats.entries} kernels, {_size(stats.bytes)}"
    )
    settings = current()
    print(
        "settings: "
        + ", ".join(f"{name}={getattr(settings, name)!r}" for name in settings.__slots__)
    )
    return 0


MOST_LISTED = 50


def _cache(action: str) -> int:
    cache = KernelCache()
    if action == "clear":
        before = cache.stats()
        cache.clear()
        print(f"removed {before.entries} kernels, {_size(before.bytes)}")
        return 0
    for entry in cache.entries()[:MOST_LISTED]:
        used = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.used))
        print(f"{entry.key[:16]}  {entry.bytes:>8} B  last used {used}")
    stats = cache.stats()
    limit = current().cache_limit
    print(
        f"{stats.entries} kernels, {_size(stats.bytes)} of at most {_size(limit)}, "
        f"in {', '.join(cache.folders)}"
    )
    return 0


def _run(script: str, arguments: list[str], device: str) -> int:
    if not os.path.isfile(script):
        print(f"devarray: no file {script!r}", file=sys.stderr)
        return 2
    changes = {"host_access": "always"}
    if device:
        changes["device"] = device
    config(**changes)
    get_device()
    start = time.perf_counter()
    try:
        run_script(script, arguments)
    finally:
        done = devarray.statistics()
        print(
            f"devarray: kernels={done.kernels} launches={done.launches} compiled={done.compiled} "
            f"cached={done.cached} numpy_answers={done.oracle} kernel_time={done.kernel_time:.3f}s "
            f"compile_time={done.compile_time:.3f}s traffic={done.nbytes / 1e9:.2f}GB "
            f"total={time.perf_counter() - start:.3f}s device={get_device().name}",
            file=sys.stderr,
        )
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        return _command(options)
    except BrokenPipeError:  # the reader of our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _command(options: argparse.Namespace) -> int:
    if options.command == "info":
        return _info()
    if options.command == "cache":
        return _cache(options.action)
    try:
        return _run(options.script, options.arguments, options.device)
    except DeviceError as error:
        print(f"devarray: {error}", file=sys.stderr)
        return 2
