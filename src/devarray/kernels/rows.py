"""The rows of the table: what each op is in C, how near to NumPy, and where tests draw arguments.

The functions named ``da_*`` stand in ``include/scalar.h`` and in the preludes. ``half=`` with the
same text as the row's says that the result of float16 operands is a float16 number already, so
that kernels need not round it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from devarray.kernels.ops import op

__all__ = ["astype", "clip", "floor_divide"]

UNIT = (-1.0, 1.0)
POSITIVE = (0.0, 1e4)
SMALL = (-20.0, 20.0)
WIDE = (-1e4, 1e4)


# the ufunc under np.clip has no public name
_core = getattr(np, "_core", None) or getattr(np, "core")  # noqa: B009
clip: Any = _core.umath.clip


def astype(x: np.ndarray[Any, Any], dtype: Any) -> np.ndarray[Any, Any]:
    """Return `x` cast to `dtype`, as `numpy.ndarray.astype` does: the reference of casts."""
    return x.astype(dtype)


def floor_divide(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return what the Array API standard wants of ``//``: ``floor(x / y)`` where one is infinite.

    NumPy's own, the ufunc, pairs with the remainder there: it gives NaN and -1.
    """
    whole: np.ndarray[Any, Any] = np.floor_divide(x, y)
    if whole.dtype.kind != "f":
        return whole
    infinite = np.isinf(x) | np.isinf(y)
    return np.where(infinite, np.floor(np.divide(x, y)), whole)


def expm1(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return ``exp(x) - 1`` with the special cases of the Array API standard (and C) for complex x.

    Real arguments have real results, and infinite ones no needless NaN, as NumPy's have.
    """
    result: np.ndarray[Any, Any] = np.asarray(np.expm1(x))
    if result.dtype.kind == "c":
        part = result.real.dtype
        real, odd = x.imag == 0, ~np.isfinite(x.imag)
        result.real = np.where(real, np.expm1(x.real) + part.type(0), result.real)  # no -0
        result.imag = np.where(real, x.imag, result.imag)
        result = np.where(odd & (x.real == -np.inf), result.dtype.type(-1), result)
        result.real = np.where(odd & (x.real == np.inf), part.type(np.inf), result.real)
    return result


def _saturate(one: Any, zero: Any, along: Any, across: Any) -> None:
    """Set the parts of tanh where its argument is infinite `along` an axis: 1 and 0, signed."""
    endless = np.isinf(along)
    np.copyto(one, np.copysign(1, along), where=endless)
    np.copyto(zero, np.copysign(0, across), where=endless)


def tanh(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the hyperbolic tangent; that of infinite complex x is 1 or -1, and a signed zero."""
    result: np.ndarray[Any, Any] = np.asarray(np.tanh(x))
    if result.dtype.kind == "c":
        _saturate(result.real, result.imag, x.real, x.imag)
    return result


def tan(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the tangent, as ``-1j * tanh(1j * x)`` where x is complex."""
    result: np.ndarray[Any, Any] = np.asarray(np.tan(x))
    if result.dtype.kind == "c":
        _saturate(result.imag, result.real, x.imag, x.real)
    return result


def sign(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return ``x / abs(x)``; NaN where a part of a complex x is NaN, infinite or not."""
    result: np.ndarray[Any, Any] = np.asarray(np.sign(x))
    if result.dtype.kind == "c":
        result = np.where(np.isnan(x), result.dtype.type(complex(np.nan, np.nan)), result)
    return result


# ---- arithmetic
# (integers wrap around, which C leaves undefined for signed ones: hence the functions)
op(np.add, "{0} + {1}", ints="da_add({0}, {1})", bools="{0} | {1}", cplx="da_cadd({0}, {1})",
   reduce="sum", exact=True)  # fmt: skip
op(np.subtract, "{0} - {1}", ints="da_subtract({0}, {1})", cplx="da_csubtract({0}, {1})",
   exact=True)  # fmt: skip
op(np.multiply, "{0} * {1}", ints="da_multiply({0}, {1})", bools="{0} & {1}",
   cplx="da_cmultiply({0}, {1})", reduce="prod", exact=True)  # fmt: skip
op(np.divide, "{0} / {1}", cplx="da_cdivide({0}, {1})", exact=True)
op(np.floor_divide, "da_floor_divide({0}, {1})", exact=True)
op(floor_divide, "da_floor_quotient({0}, {1})", ints="da_floor_divide({0}, {1})",
   like=np.floor_divide, exact=True)  # fmt: skip
op(np.remainder, "da_remainder({0}, {1})", exact=True)
op(np.divmod, ("da_floor_divide({0}, {1})", "da_remainder({0}, {1})"), exact=True)
op(np.fmod, "da_fmod({0}, {1})", half="da_fmod({0}, {1})", exact=True)
op(np.negative, "-{0}", ints="da_negative({0})", half="-{0}", cplx="da_cnegative({0})",
   exact=True)  # fmt: skip
op(np.positive, "{0}", half="{0}", exact=True)
op(np.absolute, "da_fabs({0})", ints="da_absolute({0})", bools="{0}", half="da_fabs({0})",
   cplx="da_cabsolute({0})", exact=True, loose="c")  # fmt: skip
op(np.fabs, "da_fabs({0})", half="da_fabs({0})", exact=True)
op(
    np.sign,
    "da_sign({0})",
    ints="({0} > 0) - ({0} < 0)",
    half="da_sign({0})",
    cplx="da_csign({0})",
    exact=True,
    answer=sign,
)
op(np.reciprocal, "1 / {0}", ints="da_reciprocal({0})", cplx="da_creciprocal({0})", exact=True)
op(np.square, "{0} * {0}", ints="da_multiply({0}, {0})", cplx="da_csquare({0})", exact=True)
op(np.sqrt, "da_sqrt({0})", cplx="da_csqrt({0})", exact=True, domain=POSITIVE)
op(
    np.power,
    "da_pow({0}, {1})",
    ints="da_power({0}, {1})",
    cplx="da_cpower({0}, {1})",
    domain=(0.0, 30.0),
)
op(np.float_power, "da_pow({0}, {1})", cplx="da_cpower({0}, {1})", domain=(0.0, 30.0))
op(np.conjugate, "{0}", half="{0}", cplx="da_cconjugate({0})", exact=True)
op(np.gcd, "da_gcd({0}, {1})", exact=True)
op(np.lcm, "da_lcm({0}, {1})", exact=True)

# ---- rounding and the parts of numbers
op(np.floor, "da_floor({0})", ints="{0}", half="da_floor({0})", exact=True)
op(np.ceil, "da_ceil({0})", ints="{0}", half="da_ceil({0})", exact=True)
op(np.trunc, "da_trunc({0})", ints="{0}", half="da_trunc({0})", exact=True)
op(np.rint, "da_rint({0})", half="da_rint({0})", cplx="da_crint({0})", exact=True)
op(np.copysign, "da_copysign({0}, {1})", half="da_copysign({0}, {1})", exact=True)
op(np.nextafter, "da_nextafter({0}, {1})", half="da_nextafter16({0}, {1})", exact=True)
op(np.spacing, "da_spacing({0})", half="da_spacing16({0})", exact=True)
op(np.heaviside, "da_heaviside({0}, {1})", half="da_heaviside({0}, {1})", exact=True)
op(np.ldexp, "da_ldexp({0}, {1})", exact=True)
_FREXP = ("da_frexp_mantissa({0})", "da_frexp_exponent({0})")
op(np.frexp, _FREXP, half=_FREXP, exact=True)
_MODF = ("da_modf_fraction({0})", "da_trunc({0})")
op(np.modf, _MODF, half=_MODF, exact=True)

# ---- comparison and choice
op(np.equal, "{0} == {1}", cplx="da_cequal({0}, {1})", mixed="da_equal({0}, {1})", exact=True)
op(np.not_equal, "{0} != {1}", cplx="!da_cequal({0}, {1})", mixed="!da_equal({0}, {1})", exact=True)
op(np.less, "{0} < {1}", cplx="da_cless({0}, {1})", mixed="da_less({0}, {1})", exact=True)
op(
    np.less_equal,
    "{0} <= {1}",
    cplx="da_cless_equal({0}, {1})",
    mixed="da_less_equal({0}, {1})",
    exact=True,
)
op(np.greater, "{0} > {1}", cplx="da_cless({1}, {0})", mixed="da_less({1}, {0})", exact=True)
op(
    np.greater_equal,
    "{0} >= {1}",
    cplx="da_cless_equal({1}, {0})",
    mixed="da_less_equal({1}, {0})",
    exact=True,
)
_MAX, _MIN = "{0} > {1} ? {0} : {1}", "{0} < {1} ? {0} : {1}"
op(np.maximum, "da_maximum({0}, {1})", ints=_MAX, bools="{0} | {1}", half="da_maximum({0}, {1})",
   cplx="da_cmaximum({0}, {1})", reduce="max", exact=True)  # fmt: skip
op(np.minimum, "da_minimum({0}, {1})", ints=_MIN, bools="{0} & {1}", half="da_minimum({0}, {1})",
   cplx="da_cminimum({0}, {1})", reduce="min", exact=True)  # fmt: skip
op(np.fmax, "da_fmax({0}, {1})", ints=_MAX, bools="{0} | {1}", half="da_fmax({0}, {1})",
   cplx="da_cfmax({0}, {1})", reduce="fmax", exact=True)  # fmt: skip
op(np.fmin, "da_fmin({0}, {1})", ints=_MIN, bools="{0} & {1}", half="da_fmin({0}, {1})",
   cplx="da_cfmin({0}, {1})", reduce="fmin", exact=True)  # fmt: skip
op(clip, "da_clip({0}, {1}, {2})", ints="da_clip({0}, {1}, {2})", bools="({0} | {1}) & {2}",
   half="da_clip({0}, {1}, {2})", cplx="da_cclip({0}, {1}, {2})", exact=True)  # fmt: skip
op(np.where, "{0} ? {1} : {2}", half="{0} ? {1} : {2}", cplx="da_cwhere({0}, {1}, {2})", nin=3,
   exact=True)  # fmt: skip

# ---- bits
op(np.bitwise_and, "{0} & {1}", reduce="and", exact=True)
op(np.bitwise_or, "{0} | {1}", reduce="or", exact=True)
op(np.bitwise_xor, "{0} ^ {1}", reduce="xor", exact=True)
op(np.invert, "~{0}", bools="!{0}", exact=True)
op(np.left_shift, "da_left_shift({0}, {1})", exact=True)
op(np.right_shift, "da_right_shift({0}, {1})", exact=True)
op(np.bitwise_count, "da_bitwise_count({0})", exact=True)

# ---- logic
_AND, _OR, _XOR = "({0} != 0) & ({1} != 0)", "({0} != 0) | ({1} != 0)", "({0} != 0) ^ ({1} != 0)"
op(np.logical_and, _AND, cplx="da_nonzero({0}) & da_nonzero({1})", reduce="all", exact=True)
op(np.logical_or, _OR, cplx="da_nonzero({0}) | da_nonzero({1})", reduce="any", exact=True)
op(np.logical_xor, _XOR, cplx="da_nonzero({0}) ^ da_nonzero({1})", reduce="lxor", exact=True)
op(np.logical_not, "{0} == 0", cplx="!da_nonzero({0})", exact=True)
op(np.isnan, "da_isnan({0})", ints="0", exact=True)
op(np.isinf, "da_isinf({0})", ints="0", exact=True)
op(np.isfinite, "da_isfinite({0})", ints="1", exact=True)
op(np.signbit, "da_signbit({0})", exact=True)

# ---- exponentials and logarithms
op(np.exp, "da_exp({0})", cplx="da_cexp({0})", domain=SMALL)
op(np.exp2, "da_exp2({0})", cplx="da_cexp2({0})", domain=SMALL)
op(np.expm1, "da_expm1({0})", cplx="da_cexpm1({0})", domain=SMALL, answer=expm1)
op(np.log, "da_log({0})", cplx="da_clog({0})", domain=POSITIVE)
op(np.log2, "da_log2({0})", cplx="da_clog2({0})", domain=POSITIVE)
op(np.log10, "da_log10({0})", cplx="da_clog10({0})", domain=POSITIVE)
op(np.log1p, "da_log1p({0})", cplx="da_clog1p({0})", domain=POSITIVE)
op(np.logaddexp, "da_logaddexp({0}, {1})", domain=(0.0, 50.0), ulp=8)
op(np.logaddexp2, "da_logaddexp2({0}, {1})", domain=(0.0, 50.0), ulp=8)
op(np.cbrt, "da_cbrt({0})", domain=WIDE)

# ---- circular and hyperbolic functions
op(np.sin, "da_sin({0})", cplx="da_csin({0})", domain=SMALL)
op(np.cos, "da_cos({0})", cplx="da_ccos({0})", domain=SMALL)
op(np.tan, "da_tan({0})", cplx="da_ctan({0})", domain=SMALL, answer=tan)
op(np.arcsin, "da_asin({0})", cplx="da_casin({0})", domain=UNIT)
op(np.arccos, "da_acos({0})", cplx="da_cacos({0})", domain=UNIT)
op(np.arctan, "da_atan({0})", cplx="da_catan({0})", domain=WIDE)
op(np.arctan2, "da_atan2({0}, {1})", domain=WIDE)
op(np.sinh, "da_sinh({0})", cplx="da_csinh({0})", domain=SMALL)
op(np.cosh, "da_cosh({0})", cplx="da_ccosh({0})", domain=SMALL)
op(np.tanh, "da_tanh({0})", cplx="da_ctanh({0})", domain=SMALL, answer=tanh)
op(np.arcsinh, "da_asinh({0})", cplx="da_casinh({0})", domain=WIDE)
op(np.arccosh, "da_acosh({0})", cplx="da_cacosh({0})", domain=(1.0, 1e4))
op(np.arctanh, "da_atanh({0})", cplx="da_catanh({0})", domain=UNIT)
op(np.hypot, "da_hypot({0}, {1})", domain=WIDE)
op(np.degrees, "da_degrees({0})", exact=True)
op(np.rad2deg, "da_degrees({0})", exact=True)
op(np.radians, "da_radians({0})", exact=True)
op(np.deg2rad, "da_radians({0})", exact=True)

# ---- casts and the parts of complex numbers; astype's operand is cast on its way in, like any
op(astype, "{0}", half="{0}", nin=1, exact=True)
op(np.real, "{0}", half="{0}", cplx="{0}.re", nin=1, exact=True)
op(np.imag, "0", half="0", cplx="{0}.im", nin=1, exact=True)
