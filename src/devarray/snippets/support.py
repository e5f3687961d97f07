"""The functions that texts may call where they become part of fused kernels.

They are CUDA's, by name; what they do is written in the functions that all dialects have
(``include/scalar.h`` and the preludes). A kernel gets those that it calls.
"""

from __future__ import annotations

__all__ = ["COMPLEX", "FUNCTIONS", "support"]

_WHOLE = ("i32", "u32", "i64", "u64")
_REAL = ("f32", "f64")
_RANK = (*_WHOLE, *_REAL)


def _unary(name: str, call: str) -> str:
    """Return the overloads of a function of one real argument; integers become f64."""
    lines = [f"FN {t} sn_{name}({t} x) {{ return {call}(x); }}" for t in _REAL]
    lines += [f"FN f64 sn_{name}({t} x) {{ return {call}((f64)x); }}" for t in _WHOLE]
    return "\n".join(lines)


def _single(name: str, call: str, count: int = 1) -> str:
    """Return a function of float alone, such as expf."""
    letters = "xyz"[:count]
    declared = ", ".join(f"f32 {x}" for x in letters)
    return f"FN f32 sn_{name}({declared}) {{ return {call}({', '.join(letters)}); }}"


def _binary(name: str, call: str) -> str:
    """Return the overloads of a function of two real arguments; f32 unless one is wider."""
    lines = []
    for a in _RANK:
        for b in _RANK:
            kind = "f32" if "f32" in (a, b) and "f64" not in (a, b) else "f64"
            lines.append(
                f"FN {kind} sn_{name}({a} x, {b} y) {{ return {call}(({kind})x, ({kind})y); }}"
            )
    return "\n".join(lines)


def _extreme(name: str, sign: str, real: str) -> str:
    """Return min or max of all pairs of types."""
    lines = []
    for a in _RANK:
        for b in _RANK:
            kind = max(a, b, key=_RANK.index)
            value = f"{real}(a, b)" if kind[0] == "f" else f"a {sign} b ? a : b"
            lines.append(
                f"FN {kind} sn_{name}({a} x, {b} y) "
                f"{{ const {kind} a = ({kind})x, b = ({kind})y; return {value}; }}"
            )
    return "\n".join(lines)


def _test(name: str, call: str, whole: str) -> str:
    lines = [f"FN bool sn_{name}({t} x) {{ return {call}(x); }}" for t in _REAL]
    lines += [f"FN bool sn_{name}({t} x) {{ return {whole}; }}" for t in _WHOLE]
    return "\n".join(lines)


def _library(name: str) -> str:
    """Return a function that the preludes leave out, by its name in each language."""
    return f"""\
#ifndef SN_OWN_{name}
#define SN_OWN_{name}
#if defined(__OPENCL_VERSION__)
FN f32 sn_own_{name}(f32 x) {{ return {name}(x); }}
FN f64 sn_own_{name}(f64 x) {{ return {name}(x); }}
#elif defined(DA_NAME_F32)
DA_DECLARE({name}, (f32), (f64))
FN f32 sn_own_{name}(f32 x) {{ return DA_NAME_F32({name})(x); }}
FN f64 sn_own_{name}(f64 x) {{ return DA_NAME_F64({name})(x); }}
#else
FN f32 sn_own_{name}(f32 x) {{ return __builtin_{name}f(x); }}
FN f64 sn_own_{name}(f64 x) {{ return __builtin_{name}(x); }}
#endif
#endif
"""


def _reals(name: str, f32: str, f64: str) -> str:
    """Return helpers of one argument, written out."""
    return (
        f"#ifndef SN_OWN_{name}\n#define SN_OWN_{name}\n"
        f"FN f32 sn_own_{name}(f32 x) {{ return {f32}; }}\n"
        f"FN f64 sn_own_{name}(f64 x) {{ return {f64}; }}\n#endif\n"
    )


_ABS = "\n".join(
    [f"FN {t} sn_abs({t} x) {{ return da_fabs(x); }}" for t in _REAL]
    + [
        f"FN {t} sn_abs({t} x) {{ return x < 0 ? ({t})(0 - (u{t[1:]})x) : x; }}"
        for t in ("i32", "i64")
    ]
    + [f"FN {t} sn_abs({t} x) {{ return x; }}" for t in ("u32", "u64")]
)

_PLAIN = (
    "exp2 expm1 log2 log10 log1p asin acos atan asinh acosh atanh cbrt floor ceil trunc rint fabs"
)
_WITH_COMPLEX = "exp log sin cos tan sinh cosh tanh sqrt"
_FAST = "exp log log2 log10 sin cos tan"  # __expf and its like
_LIBRARY = "erf erfc tgamma lgamma round"


def _table() -> dict[str, str]:
    table = {}
    for name in _PLAIN.split():
        table[name] = _unary(name, f"da_{name}")
        table[f"{name}f"] = _single(f"{name}f", f"da_{name}")
    for name in _WITH_COMPLEX.split():
        table[name] = _unary(name, f"da_{name}")
        table[f"{name}f"] = _single(f"{name}f", f"da_{name}")
    for name in _LIBRARY.split():
        own = _library(name)
        table[name] = own + _unary(name, f"sn_own_{name}")
        table[f"{name}f"] = f"{own}{_single(f'{name}f', f'sn_own_{name}')}"
    for name, f32, f64 in (
        ("rsqrt", "1 / da_sqrt(x)", "1 / da_sqrt(x)"),
        ("exp10", "da_pow(10.0f, x)", "da_pow(10.0, x)"),
    ):
        own = _reals(name, f32, f64)
        table[name] = own + _unary(name, f"sn_own_{name}")
        table[f"{name}f"] = own + _single(f"{name}f", f"sn_own_{name}")
    for name, call in (
        ("atan2", "da_atan2"),
        ("hypot", "da_hypot"),
        ("fmod", "da_fmod"),
        ("copysign", "da_copysign"),
        ("nextafter", "da_nextafter"),
        ("fmax", "da_fmax"),
        ("fmin", "da_fmin"),
    ):
        table[name] = _binary(name, call)
        table[f"{name}f"] = _single(f"{name}f", call, 2)
    table["pow"], table["powf"] = _binary("pow", "da_pow"), _single("powf", "da_pow", 2)
    table["max"] = _extreme("max", ">", "da_fmax")
    table["min"] = _extreme("min", "<", "da_fmin")
    table["abs"] = _ABS
    table["fma"] = "\n".join(
        f"FN {t} sn_fma({a} x, {a} y, {a} z) {{ return da_fma(({t})x, ({t})y, ({t})z); }}"
        for a, t in (("f32", "f32"), ("f64", "f64"), ("i32", "f64"), ("i64", "f64"))
    )
    table["fmaf"] = _single("fmaf", "da_fma", 3)
    for name, whole in (("isnan", "0"), ("isinf", "0"), ("isfinite", "1"), ("signbit", "x < 0")):
        table[name] = _test(name, f"da_{name}", whole)
    for name, call in (("real", ""), ("imag", "0 * "), ("norm", "x * ")):
        table[name] = _unary(name, call)
    table["conj"] = table["arg"] = ""
    for name in _FAST.split():
        table[f"__{name}f"] = _single(f"__{name}f", f"da_{name}")
    table["__powf"] = _single("__powf", "da_pow", 2)
    table["__fdividef"] = "FN f32 sn___fdividef(f32 x, f32 y) { return x / y; }"
    return table


def _complex_table() -> dict[str, str]:
    """Return the overloads for complex numbers."""
    texts = {name: ("{0}", f"da_c{name}(x.base())") for name in _WITH_COMPLEX.split()}
    texts |= {name: ("bool", f"da_{name}(x.base())") for name in ("isnan", "isinf", "isfinite")}
    texts["abs"] = ("{1}", "da_cabsolute(x.base())")
    texts["real"], texts["imag"] = ("{1}", "x.re"), ("{1}", "x.im")
    texts["conj"] = ("{0}", "{0}(x.re, -x.im)")
    texts["norm"] = ("{1}", "x.re * x.re + x.im * x.im")
    texts["arg"] = ("{1}", "da_atan2(x.im, x.re)")
    table = {
        name: "\n".join(
            f"FN {kind} sn_{name}({{0}} x) {{{{ return {value}; }}}}".format(f"sn_complex<{r}>", r)
            for r in _REAL
        )
        for name, (kind, value) in texts.items()
    }
    table["pow"] = "\n".join(
        f"FN {z} sn_pow({z} x, {other} y) {{ return da_cpower(x.base(), {z}(y).base()); }}"
        for r in _REAL
        for z in (f"sn_complex<{r}>",)
        for other in (z, r)
    )
    return table


FUNCTIONS = _table()
_COMPLEX_FUNCTIONS = _complex_table()

# Complex numbers with operators, for the dialects that are C++.
COMPLEX = """\
#ifndef SN_COMPLEX
#define SN_COMPLEX
#ifdef __OPENCL_VERSION__
#error complex numbers in expressions need operators of C++, and this device compiles OpenCL C: \
write the kernel with device arrays
#endif
#if defined(__CUDACC__) || defined(__HIP__)
#define SN_MEMBER __attribute__((device, always_inline))
#else
#define SN_MEMBER inline
#endif
template <class R> struct sn_base;
template <> struct sn_base<f32> { typedef c64 type; };
template <> struct sn_base<f64> { typedef c128 type; };
template <class R> struct sn_complex {
  typedef typename sn_base<R>::type Base;
  R re, im;
  SN_MEMBER sn_complex(R x = 0, R y = 0) : re(x), im(y) {}
  SN_MEMBER sn_complex(Base z) : re(z.re), im(z.im) {}
  template <class S> SN_MEMBER explicit sn_complex(sn_complex<S> z) : re((R)z.re), im((R)z.im) {}
  SN_MEMBER Base base() const { Base z; z.re = re; z.im = im; return z; }
  SN_MEMBER R real() const { return re; }
  SN_MEMBER R imag() const { return im; }
  SN_MEMBER sn_complex& operator+=(sn_complex z) { re += z.re; im += z.im; return *this; }
  SN_MEMBER sn_complex& operator-=(sn_complex z) { re -= z.re; im -= z.im; return *this; }
  SN_MEMBER sn_complex& operator*=(sn_complex z) {
    return *this = sn_complex(da_cmultiply(base(), z.base()));
  }
  SN_MEMBER sn_complex& operator/=(sn_complex z) {
    return *this = sn_complex(da_cdivide(base(), z.base()));
  }
  SN_MEMBER friend sn_complex operator+(sn_complex x, sn_complex y) { return x += y; }
  SN_MEMBER friend sn_complex operator-(sn_complex x, sn_complex y) { return x -= y; }
  SN_MEMBER friend sn_complex operator*(sn_complex x, sn_complex y) { return x *= y; }
  SN_MEMBER friend sn_complex operator/(sn_complex x, sn_complex y) { return x /= y; }
  SN_MEMBER friend sn_complex operator-(sn_complex x) { return sn_complex(-x.re, -x.im); }
  SN_MEMBER friend sn_complex operator+(sn_complex x) { return x; }
  SN_MEMBER friend bool operator==(sn_complex x, sn_complex y) {
    return x.re == y.re && x.im == y.im;
  }
  SN_MEMBER friend bool operator!=(sn_complex x, sn_complex y) { return !(x == y); }
};
#endif
"""


def support(names: list[str], has_complex: bool) -> str:
    """Return the text of functions by name, each defined once in a kernel."""
    parts = [COMPLEX] if has_complex else []
    for name in names:
        parts.append(_guarded(f"SN_HAS_{name}", FUNCTIONS[name]))
        if has_complex:
            parts.append(_guarded(f"SN_HAS_COMPLEX_{name}", _COMPLEX_FUNCTIONS.get(name, "")))
    return "".join(parts)


def _guarded(guard: str, text: str) -> str:
    return f"#ifndef {guard}\n#define {guard}\n{text}\n#endif\n" if text else ""
