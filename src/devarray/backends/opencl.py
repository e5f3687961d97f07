"""What OpenCL's compiler says of a text: dpctl builds programs, but keeps the log to itself."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

import cffi  # type: ignore[import-untyped,unused-ignore]

__all__ = ["build_log"]

_DECLARATIONS = """
typedef struct _platform *platform;
typedef struct _device *device;
typedef struct _context *context;
typedef struct _program *program;
int clGetPlatformIDs(unsigned count, platform *platforms, unsigned *found);
int clGetDeviceIDs(platform, unsigned long kind, unsigned count, device *devices, unsigned *found);
int clGetDeviceInfo(device, unsigned what, size_t size, void *value, size_t *needed);
context clCreateContext(void *, unsigned count, device *, void *, void *, int *error);
program clCreateProgramWithSource(context, unsigned, const char **, size_t *, int *error);
int clBuildProgram(program, unsigned count, device *, const char *options, void *, void *);
int clGetProgramBuildInfo(program, device, unsigned what, size_t, void *value, size_t *needed);
int clReleaseProgram(program);
int clReleaseContext(context);
"""
_ALL_KINDS, _NAME, _LOG = 0xFFFFFFFF, 0x102B, 0x1183


@cache
def _library() -> tuple[Any, Any] | None:
    ffi = cffi.FFI()
    ffi.cdef(_DECLARATIONS)
    for name in (str(Path(sys.prefix, "lib", "libOpenCL.so.1")), "libOpenCL.so.1"):
        try:
            return ffi, ffi.dlopen(name)
        except OSError:
            continue
    return None


def _text_of(ffi: Any, get: Any) -> str:
    """Return the text that a function of OpenCL's gives in two calls: for its size, and itself."""
    size = ffi.new("size_t *")
    if get(0, ffi.NULL, size):
        return ""
    value = ffi.new("char[]", size[0] + 1)
    get(size[0], value, ffi.NULL)
    return ffi.string(value).decode(errors="replace")  # type: ignore[no-any-return]


def _device(ffi: Any, lib: Any, name: str) -> Any:
    """Return the device of that name, or None."""
    platforms, devices = ffi.new("platform[]", 16), ffi.new("device[]", 32)
    found, count = ffi.new("unsigned *"), ffi.new("unsigned *")
    if lib.clGetPlatformIDs(16, platforms, found):
        return None
    for platform in platforms[0 : found[0]]:
        if lib.clGetDeviceIDs(platform, _ALL_KINDS, 32, devices, count):
            continue
        for device in devices[0 : count[0]]:
            own = _text_of(ffi, lambda *rest, d=device: lib.clGetDeviceInfo(d, _NAME, *rest))
            if own.strip() == name.strip():
                return device
    return None


def build_log(text: str, options: str, device_name: str) -> str:
    """Return what the compiler prints for a text, or "" where there is no OpenCL library to ask.

    Parameters
    ----------
    text : str
        OpenCL C.
    options : str
        Of the compiler.
    device_name : str
        What OpenCL calls the device.
    """
    loaded = _library()
    if loaded is None:
        return ""
    ffi, lib = loaded
    device = _device(ffi, lib, device_name)
    if device is None:
        return ""
    devices, error = ffi.new("device[]", [device]), ffi.new("int *")
    context = lib.clCreateContext(ffi.NULL, 1, devices, ffi.NULL, ffi.NULL, error)
    if error[0]:
        return ""
    source = ffi.new("char[]", text.encode())
    texts = ffi.new("const char *[]", [source])
    program = lib.clCreateProgramWithSource(context, 1, texts, ffi.NULL, error)
    try:
        if error[0]:
            return ""
        lib.clBuildProgram(program, 1, devices, options.encode(), ffi.NULL, ffi.NULL)
        log = _text_of(ffi, lambda *rest: lib.clGetProgramBuildInfo(program, device, _LOG, *rest))
        lib.clReleaseProgram(program)
        return log
    finally:
        lib.clReleaseContext(context)
