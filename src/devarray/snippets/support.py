"""The functions that texts may call where they become part of fused kernels.

They are CUDA's, by name; what they do is written in the functions that all dialects have
(``include/scalar.h`` and the preludes), in ``include/snippets.h``. A kernel gets those that it
calls.
"""

from __future__ import annotations

import re

from devarray.kernels.preludes import prelude

__all__ = ["CONSTANTS", "FUNCTIONS", "OWN_COMPLEX", "support"]

_WITH_COMPLEX = "exp log sin cos tan sinh cosh tanh sqrt"
_UNARY = (
    "exp2 expm1 log2 log10 log1p asin acos atan asinh acosh atanh cbrt floor ceil trunc rint fabs "
    + _WITH_COMPLEX
)
_BINARY = "atan2 hypot fmod copysign nextafter fmax fmin pow"
_FAST = "exp log log2 log10 sin cos tan"  # __expf and its like
_LIBRARY = "erf erfc tgamma lgamma round"
_OWN = {name: f"SN_LIBRARY({name})" for name in _LIBRARY.split()} | {
    "rsqrt": "SN_REAL(rsqrt, 1 / da_sqrt(x), 1 / da_sqrt(x))",
    "exp10": "SN_REAL(exp10, da_pow(10.0f, x), da_pow(10.0, x))",
}
_MACROS = prelude(("snippets.h",))
CONSTANTS = frozenset(re.findall(r"#define sn_(\w+) ", _MACROS))


def _table() -> dict[str, str]:
    """Return what defines each function."""
    table = {
        "max": "SN_EXTREME(max, >)",
        "min": "SN_EXTREME(min, <)",
        "abs": "SN_ABSOLUTE()",
        "fma": "SN_MULTIPLY_ADD(f32, f32) SN_MULTIPLY_ADD(f64, f64) "
        "SN_MULTIPLY_ADD(i32, f64) SN_MULTIPLY_ADD(i64, f64)",
        "fmaf": "SN_FLOAT3(fmaf, da_fma)",
        "isnan": "SN_TEST(isnan, 0)",
        "isinf": "SN_TEST(isinf, 0)",
        "isfinite": "SN_TEST(isfinite, 1)",
        "signbit": "SN_TEST(signbit, x < 0)",
        "real": "SN_UNARY(real, )",
        "imag": "SN_UNARY(imag, 0 * )",
        "norm": "SN_UNARY(norm, x * )",
        "conj": "",
        "arg": "",
        "__powf": "SN_FLOAT2(__powf, da_pow)",
        "__fdividef": "FN f32 sn___fdividef(f32 x, f32 y) { return x / y; }",
    }
    for name in (*_UNARY.split(), *_OWN):
        call = f"sn_own_{name}" if name in _OWN else f"da_{name}"
        table[name] = f"SN_UNARY({name}, {call})"
        table[f"{name}f"] = f"SN_FLOAT1({name}f, {call})"
    for name in _BINARY.split():
        table[name] = f"SN_BINARY({name}, da_{name})"
        table[f"{name}f"] = f"SN_FLOAT2({name}f, da_{name})"
    return table | {f"__{name}f": f"SN_FLOAT1(__{name}f, da_{name})" for name in _FAST.split()}


FUNCTIONS = _table()
_COMPLEX = {name: f"SN_COMPLEX_UNARY({name})" for name in _WITH_COMPLEX.split()}
_COMPLEX |= {name: f"SN_COMPLEX_TEST({name})" for name in ("isnan", "isinf", "isfinite")}
_COMPLEX["pow"] = " ".join(
    f"SN_COMPLEX_POW({r}, {other})" for r in ("f32", "f64") for other in (f"sn_complex<{r}>", r)
)
# complex numbers of kernels in CUDA C
OWN_COMPLEX = "#define SN_OWN\n" + prelude(("snippet_complex.h",))


def support(names: list[str], has_complex: bool, text: str) -> str:
    """Return what a text needs: the functions with these names, each defined once in a kernel."""
    parts = [_MACROS] if names or "SN_INSIDE" in text else []
    if has_complex:
        parts.append(prelude(("snippet_complex.h",)))
    for name in names:
        own = name.removesuffix("f") if name.removesuffix("f") in _OWN else name
        parts.append(_guarded(f"SN_OWN_{own}", _OWN.get(own, "")))
        parts.append(_guarded(f"SN_HAS_{name}", FUNCTIONS.get(name, "")))
        if has_complex:
            parts.append(_guarded(f"SN_HAS_COMPLEX_{name}", _COMPLEX.get(name, "")))
    return "".join(parts)


def _guarded(guard: str, text: str) -> str:
    return f"#ifndef {guard}\n#define {guard}\n{text}\n#endif\n" if text else ""
