"""Texts that cannot be a function: CUDA C kernels around them, one element after the other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from devarray.snippets.signature import c_type
from devarray.snippets.text import code_of, outside, statement, words

__all__ = ["BLOCK", "Slot", "blocks_for", "kernel_text", "named_sizes", "opening"]

DType = np.dtype[Any]

BLOCK = 256  # threads of a block, unless the caller says otherwise
MOST_BLOCKS = 4096  # where threads go from element to element

_COMPLEX = """\
#ifndef SN_COMPLEX
#define SN_COMPLEX
#define SN_BOTH __host__ __device__
template <class R> struct sn_complex {
  R re, im;
  SN_BOTH sn_complex(R x = 0, R y = 0) : re(x), im(y) {}
  template <class S> SN_BOTH explicit sn_complex(sn_complex<S> z) : re((R)z.re), im((R)z.im) {}
  SN_BOTH R real() const { return re; }
  SN_BOTH R imag() const { return im; }
  SN_BOTH sn_complex operator-() const { return sn_complex(-re, -im); }
  SN_BOTH sn_complex& operator+=(sn_complex z) { re += z.re; im += z.im; return *this; }
  SN_BOTH sn_complex& operator-=(sn_complex z) { re -= z.re; im -= z.im; return *this; }
  SN_BOTH sn_complex& operator*=(sn_complex z) {
    return *this = sn_complex(re * z.re - im * z.im, re * z.im + im * z.re);
  }
  SN_BOTH sn_complex& operator/=(sn_complex z) {
    if ((z.re < 0 ? -z.re : z.re) >= (z.im < 0 ? -z.im : z.im)) {
      const R q = z.im / z.re, d = z.re + z.im * q;
      return *this = sn_complex((re + im * q) / d, (im - re * q) / d);
    }
    const R q = z.re / z.im, d = z.re * q + z.im;
    return *this = sn_complex((re * q + im) / d, (im * q - re) / d);
  }
  SN_BOTH friend sn_complex operator+(sn_complex x, sn_complex y) { return x += y; }
  SN_BOTH friend sn_complex operator-(sn_complex x, sn_complex y) { return x -= y; }
  SN_BOTH friend sn_complex operator*(sn_complex x, sn_complex y) { return x *= y; }
  SN_BOTH friend sn_complex operator/(sn_complex x, sn_complex y) { return x /= y; }
  SN_BOTH friend bool operator==(sn_complex x, sn_complex y) {
    return x.re == y.re && x.im == y.im;
  }
  SN_BOTH friend bool operator!=(sn_complex x, sn_complex y) { return !(x == y); }
  SN_BOTH friend R real(sn_complex x) { return x.re; }
  SN_BOTH friend R imag(sn_complex x) { return x.im; }
  SN_BOTH friend sn_complex conj(sn_complex x) { return sn_complex(x.re, -x.im); }
  SN_BOTH friend R norm(sn_complex x) { return x.re * x.re + x.im * x.im; }
  SN_BOTH friend R abs(sn_complex x) { return hypot(x.re, x.im); }
  SN_BOTH friend R arg(sn_complex x) { return atan2(x.im, x.re); }
  SN_BOTH friend sn_complex exp(sn_complex x) {
    const R e = exp(x.re);
    return sn_complex(e * cos(x.im), x.im == 0 ? x.im : e * sin(x.im));
  }
  SN_BOTH friend sn_complex log(sn_complex x) { return sn_complex(log(hypot(x.re, x.im)), arg(x)); }
  SN_BOTH friend sn_complex sin(sn_complex x) {
    return sn_complex(sin(x.re) * cosh(x.im), cos(x.re) * sinh(x.im));
  }
  SN_BOTH friend sn_complex cos(sn_complex x) {
    return sn_complex(cos(x.re) * cosh(x.im), -sin(x.re) * sinh(x.im));
  }
  SN_BOTH friend sn_complex sqrt(sn_complex x) {
    const R r = sqrt((hypot(x.re, x.im) + (x.re < 0 ? -x.re : x.re)) / 2);
    if (r == 0) return sn_complex(0, x.im);
    const R s = x.im / (2 * r);
    return x.re < 0 ? sn_complex(s < 0 ? -s : s, x.im < 0 ? -r : r) : sn_complex(r, s);
  }
  SN_BOTH friend sn_complex pow(sn_complex x, sn_complex y) {
    if (x == sn_complex()) return y == sn_complex() ? sn_complex(1) : sn_complex();
    return exp(y * log(x));
  }
};
#endif
"""
_COMPLEX_TYPE = re.compile(r"\b(?:\w+::)?complex\s*<\s*(float|double)\s*>")
_COMPLEX_HEADERS = re.compile(
    r"^[ \t]*#[ \t]*include[ \t]*[<\"](?:pycuda-complex\.hpp|cupy/complex\.cuh|thrust/complex\.h)"
    r"[>\"][^\n]*$",
    re.MULTILINE,
)


class Slot(NamedTuple):
    """A parameter of the CUDA C kernel.

    Attributes
    ----------
    name : str
    type : str
        As C calls it.
    pointer, constant : bool
    element : str
        "" for what the text sees as it is; "in" or "out" for an array of which it sees one element
        by this name; "inout" if that has a value before.
    """

    name: str
    type: str
    pointer: bool = True
    constant: bool = True
    element: str = ""

    def declared(self) -> str:
        """Return the parameter's declaration."""
        if not self.pointer:
            return f"{self.type} {self.name}"
        name = f"{self.name}_of_" if self.element else self.name
        return f"{'const ' if self.constant else ''}{self.type} *{name}"


def blocks_for(count: int, block: int, once: bool) -> int:
    """Return how many blocks a launch over `count` elements has.

    With `once`, each thread has one of them.
    """
    blocks = max(1, -(-count // block))
    return blocks if once else min(blocks, MOST_BLOCKS)


def named_sizes(text: str, names: Sequence[str]) -> tuple[str, dict[str, tuple[str, int | None]]]:
    """Return a text in which ``x.size()`` and ``x.shape()[k]`` are parameters, and which.

    The result maps the parameter to the array and the axis (None: its size). ``_ind.size()`` is the
    parameter ``n``.
    """
    found: dict[str, tuple[str, int | None]] = {}

    def change(part: str) -> str:
        part = re.sub(r"\b_ind\s*\.\s*size\s*\(\s*\)", "n", part)
        for name in names:
            size, shape = f"{name}_size_", f"{name}_shape_"
            part, count = re.subn(rf"\b{name}\s*\.\s*size\s*\(\s*\)", size, part)
            if count:
                found[size] = (name, None)
            pattern = rf"\b{name}\s*\.\s*shape\s*\(\s*\)\s*\[\s*(\d+)\s*\]"
            for axis in re.findall(pattern, part):
                found[f"{shape}{axis}"] = (name, int(axis))
            part = re.sub(pattern, rf"{shape}\1", part)
        return part

    return outside(change, text), found


def _complex_words(text: str) -> str:
    return outside(lambda part: _COMPLEX_TYPE.sub(r"sn_complex<\1>", part), text)


def opening(
    title: str,
    slots: Sequence[Slot],
    types: Mapping[str, DType],
    preamble: str,
    texts: Sequence[str],
) -> list[str]:
    """Return what stands before a kernel: complex numbers, the types, the preamble."""
    preamble = _complex_words(_COMPLEX_HEADERS.sub("", preamble))
    named = "\n".join((preamble, *texts, *(slot.type for slot in slots)))
    lines = []
    if re.search(r"\bhalf\b", named) or any(dtype.char == "e" for dtype in types.values()):
        lines += ["#ifdef __CUDACC_RTC__", "#include <cuda_fp16.h>", "#endif"]
    if "sn_complex" in named or any(dtype.kind == "c" for dtype in types.values()):
        lines.append(_COMPLEX)
    lines += [f"typedef {c_type(dtype)} {kind};" for kind, dtype in types.items()]
    if preamble.strip():
        lines += [f'#line 1 "preamble of {title}"', preamble, '#line 1 "generated"']
    return lines


def _element(title: str, slots: Sequence[Slot], operation: str, var: str) -> list[str]:
    """Return what happens to one element."""
    lines = []
    for slot in slots:
        if slot.element == "in":
            lines.append(f"const {slot.type} {slot.name} = {slot.name}_of_[{var}];")
        elif slot.element:
            value = f"{slot.name}_of_[{var}]" if slot.element == "inout" else f"({slot.type})0"
            lines.append(f"{slot.type} {slot.name} = {value};")
    # `continue` ends the element: what was given to its results is kept
    leaves = re.search(r"\b(continue|break)\b", code_of(operation)) is not None
    body = [f'#line 1 "{title}"', operation, '#line 1 "generated"']
    lines += ["do {", *body, "} while (0);"] if leaves else ["{", *body, "}"]
    results = [slot for slot in slots if slot.element in ("out", "inout")]
    return lines + [f"{slot.name}_of_[{var}] = {slot.name};" for slot in results]


def kernel_text(
    name: str,
    title: str,
    slots: Sequence[Slot],
    types: Mapping[str, DType],
    operation: str,
    preamble: str = "",
    loop_prep: str = "",
    after_loop: str = "",
    ranged: bool = False,
) -> str:
    """Return CUDA C that runs a text for each index ``i`` below ``n``.

    With `ranged`, the index is ``start_ + k * step_`` for each k below ``count_``, which are
    parameters before the others, and ``n`` is left to the caller.
    """
    operation, loop_prep, after_loop = map(_complex_words, (operation, loop_prep, after_loop))
    around = words(loop_prep) | words(after_loop)
    lines = opening(title, slots, types, preamble, (operation, loop_prep, after_loop))
    sizes = ["long long n"]
    if ranged:
        sizes += ["long long start_", "long long step_", "long long count_"]
    declared = ", ".join([*sizes, *(slot.declared() for slot in slots)])
    lines.append(f'extern "C" __global__ void {name}({declared}) {{')
    used = around | words(operation)
    for word, value in (
        ("tid", "threadIdx.x"),
        ("total_threads", "gridDim.x * blockDim.x"),
        ("cta_start", "blockDim.x * blockIdx.x"),
    ):
        if word in used:
            lines.append(f"const unsigned {word} = {value};")
    once = not loop_prep.strip() and not after_loop.strip()
    outer = "i" in around
    if outer:
        lines.append("long long i = 0;")
    if loop_prep.strip():
        lines += [f'#line 1 "loop_prep of {title}"', statement(loop_prep), '#line 1 "generated"']
    var, count = ("k_", "count_") if ranged else ("i", "n")
    first = f"{var} = (long long)blockIdx.x * blockDim.x + threadIdx.x"
    if once:
        lines += [f"const long long {first};", f"if ({var} < {count}) {{"]
    else:
        kind = "" if outer and not ranged else "long long "
        step = f"{var} += (long long)blockDim.x * gridDim.x"
        lines.append(f"for ({kind}{first}; {var} < {count}; {step}) {{")
    if ranged:
        lines.append(f"{'' if outer else 'const long long '}i = start_ + k_ * step_;")
    lines += _element(title, slots, statement(operation), var)
    lines.append("}")
    if after_loop.strip():
        lines += [f'#line 1 "after_loop of {title}"', statement(after_loop)]
    lines.append("}")
    return "\n".join(lines) + "\n"
