// Elementary functions of complex numbers, for dialects whose libraries have none. Valid in every dialect; needs of
// the prelude the types and makers, da_fma, da_copysign, da_fabs, da_sqrt, da_hypot, da_atan2, da_sin, da_cos, da_exp,
// da_expm1, da_log, da_log1p and da_asinh. Special values are Annex G's of C99, and glibc's where it leaves a choice.
//
// There are no branches: all values are computed and then selected, so that the threads of a group stay together and
// gcc vectorises the loop. Where a selection between results would make gcc move a call into one of two branches,
// arguments are selected. Neither a contraction of a * b + c nor its absence does harm.
//
// The arc functions and atanh are after W. Kahan, "Branch cuts for complex elementary functions, or Much ado about
// nothing's sign bit" (1987): products of two square roots, in which nothing cancels.
#ifndef DA_NO_COMPLEX
#define DA_COMPLEX_TESTS(C, F) \
    FN b8 da_c_wild(F x) { return x - x != 0; }  /* infinite or NaN */ \
    FN b8 da_c_infinite(F x) { return (x - x != 0) & (x == x); } \
    /* -i f(iz), from f at iz; f(iz) itself is asked for at da_c_turn(z) */ \
    FN C da_c_turn(C z) { return da_##C(-z.im, z.re); } \
    FN C da_c_turn_back(C z) { return da_##C(z.im, -z.re); }

// Square root: scaled, so that neither the absolute value overflows nor a subnormal number loses digits.
// large, small: beyond them 1/16 and grow scale the argument, and 4 and shrink the result
#define DA_COMPLEX_ROOT(C, F, large, small, grow, shrink) \
    FN C da_csqrt(C z) { \
        const F a = da_fabs(z.re), b = da_fabs(z.im), m = a > b ? a : b; \
        const F scale = m > (F)large ? (F)0.0625 : m < (F)small ? (F)grow : (F)1; \
        const F back = m > (F)large ? (F)4 : m < (F)small ? (F)shrink : (F)1; \
        const F p = a * scale, q = b * scale, t = da_sqrt((F)0.5 * (p + da_hypot(p, q))); \
        const F u = t == 0 ? t : q / (t + t), x = (z.re >= 0 ? t : u) * back, y = (z.re >= 0 ? u : t) * back; \
        const b8 infinite = da_c_infinite(z.im); \
        return da_##C(infinite ? b : x, da_copysign(infinite ? b : y, z.im)); \
    }

// Logarithm: log(a) + log1p((b / a)^2) / 2, where the absolute value is a at least, and log1p(a^2 + b^2 - 1) / 2 where
// those two would cancel, with squares and sums of twice the digits.
#define DA_COMPLEX_LOG(C, F) \
    FN C da_clog(C z) { \
        const F x = da_fabs(z.re), y = da_fabs(z.im), a = x > y ? x : y, b = x > y ? y : x; \
        const F p = da_fma(a, a, (F)0), p_rest = da_fma(a, a, -p), q = da_fma(b, b, (F)0), q_rest = da_fma(b, b, -q); \
        const F s = p - 1, s_rest = p - (s + 1), t = s + q, v = t - s, t_rest = (s - (t - v)) + (q - v); \
        const b8 near = (a < 1) & (p + q > (F)0.5); \
        const F r = b == 0 ? b : b / a, d = t + (t_rest + (s_rest + (p_rest + q_rest))); \
        const F size = da_log(near ? (F)1 : a) + (F)0.5 * da_log1p(near ? d : r * r); \
        return da_##C(da_c_infinite(z.re) ? x : da_c_infinite(z.im) ? y : size, da_atan2(z.im, z.re)); \
    }

// Exponential and hyperbolic functions: exp(x) = exp(da_c_lowered(x)) da_c_part(x)^2, of which the middle factor is to
// be multiplied between the other two, and where x > limit lets nothing overflow but the product. part = exp(step)
// Special values come from selected arguments. A NaN + 0i has the exponent 0 and the angle NaN in the part that is NaN.
// gcc would make one call of sin(y) and cos(y), which no loop can be vectorised with: their arguments differ.
#define DA_COMPLEX_EXP(C, F, limit, step, part) \
    FN F da_c_lowered(F x) { \
        const F y = x - 2 * (F)step, z = y > (F)limit ? (F)limit : y; \
        return x > (F)limit ? z : x; \
    } \
    FN F da_c_part(F x) { return x > (F)limit ? (F)part : (F)1; } \
    FN C da_cexp(C z) { \
        const F x = z.re, y = z.im, f = da_c_part(x); \
        const b8 lone = (x != x) & (y == 0), both = da_c_wild(y) & da_c_infinite(x); \
        const F e = da_exp(da_c_lowered(lone ? (F)0 : x)), c = da_cos(lone ? x : both ? (F)0 : y); \
        const F s = da_sin((both & (x < 0)) ? da_copysign((F)0, y) : y); \
        return da_##C(f * c * e * f, f * s * e * f); \
    } \
    FN C da_c_hyperbolic(F x) {  /* |sinh x| and cosh x, or what da_c_part(|x|)^2 makes them */ \
        const F a = da_fabs(x), e = da_exp(da_c_lowered(a)), m = -da_expm1(-a); \
        const b8 large = a > (F)limit / 2;  /* another test than a > limit, which gcc would make branches of */ \
        const F s = large ? e : m + m * e, c = large ? e : e + 1 / e; \
        return da_##C((F)0.5 * s, (F)0.5 * c); \
    } \
    FN C da_csinh(C z) { \
        const F x = z.re, y = z.im, f = da_c_part(da_fabs(x)); \
        const b8 lone = (x != x) & (y == 0), both = da_c_wild(y) & da_c_infinite(x), zero = da_c_wild(y) & (x == 0); \
        const C h = da_c_hyperbolic(lone ? (F)0 : x); \
        const F s = da_sin(y), c = da_cos(lone ? x : (both | zero) ? (F)0 : y); \
        return da_##C(f * c * da_copysign(h.re, both ? (F)1 : x) * f, f * s * h.im * f); \
    } \
    FN C da_ccosh(C z) { \
        const F x = z.re, y = z.im, f = da_c_part(da_fabs(x)); \
        const b8 lone = (x != x) & (y == 0), both = da_c_wild(y) & da_c_infinite(x), zero = da_c_wild(y) & (x == 0); \
        const C h = da_c_hyperbolic(lone ? (F)0 : x); \
        const F s = da_sin(zero ? (F)0 : y), c = da_cos(lone ? x : both ? (F)0 : y); \
        return da_##C(f * c * h.im * f, f * s * da_copysign(h.re, (lone | zero) ? (F)1 : x) * f); \
    } \
    FN C da_csin(C z) { return da_c_turn(da_csinh(da_c_turn_back(z))); } \
    FN C da_ccos(C z) { return da_ccosh(da_c_turn(z)); } \
    /* numerator and denominator of sinh z / cosh z times 4 exp(-2|x|) conj(cosh z), with m = 1 - exp(-2|x|) */ \
    FN C da_libm_ctanh(C z) { \
        const F x = z.re, y = z.im, a = -2 * da_fabs(x), e = 4 * da_exp(a), m = -da_expm1(a); \
        const F s = da_sin(y), c = da_cos(y + 0); \
        const F d = m * m + e * c * c, re = m * (2 - m) / d, im = e * s * c / d; \
        const b8 wild = da_c_wild(y), both = wild & da_c_infinite(x); \
        return da_##C(both ? da_copysign((F)1, x) : (wild & (x == 0)) ? x : da_copysign(re, x), \
                      ((y == 0) | both) ? da_copysign((F)0, y) : im); \
    }

// Arc functions. far: 1 + z is z from there on; touch: y^2 would be subnormal before
#define DA_COMPLEX_ARC(C, F, far, touch) \
    FN b8 da_c_far(C z) { return (da_fabs(z.re) > (F)far) | (da_fabs(z.im) > (F)far); } \
    FN F da_c_arc(C z, C low, C high) {  /* the imaginary part of arcsin z, from the roots of 1 - z and 1 + z */ \
        const b8 is_far = da_c_far(z); \
        const F h = da_hypot((F)0.25 * z.re, (F)0.25 * z.im), v = da_fabs(low.re * high.im - low.im * high.re); \
        const F size = da_asinh(is_far ? h : v) + (is_far ? (F)1.386294361119890618834464242916353136 : (F)0); \
        return da_copysign(size, z.im); \
    } \
    FN C da_casin(C z) { \
        const C low = da_csqrt(da_##C(1 - z.re, -z.im)), high = da_csqrt(da_##C(1 + z.re, z.im)); \
        const F re = da_atan2(z.re, da_c_far(z) ? da_fabs(z.im) : low.re * high.re - low.im * high.im); \
        return da_##C(z.re == 0 ? z.re : re, da_c_arc(z, low, high)); \
    } \
    FN C da_cacos(C z) { \
        const C low = da_csqrt(da_##C(1 - z.re, -z.im)), high = da_csqrt(da_##C(1 + z.re, z.im)); \
        const b8 is_far = da_c_far(z); \
        const F re = (is_far ? (F)1 : (F)2) * da_atan2(is_far ? da_fabs(z.im) : low.re, is_far ? z.re : high.re); \
        return da_##C(z.re == 0 ? (F)1.570796326794896619231321691639751442 : re, -da_c_arc(z, low, high)); \
    } \
    FN C da_casinh(C z) { return da_c_turn(da_casin(da_c_turn_back(z))); } \
    FN C da_cacosh(C z) { const C w = da_cacos(z); return da_##C(da_fabs(w.im), da_copysign(w.re, z.im)); } \
    FN C da_catanh(C z) { \
        const F x = da_fabs(z.re), y = da_fabs(z.im), m = x > y ? x : y; \
        const b8 is_far = da_c_far(z), pole = (x == 1) & (y < (F)touch); \
        const F p = is_far ? x / m : x, q = is_far ? y / m : y, u = is_far ? p : 1 - x; \
        const F near_pole = (F)1.414213562373095048801688724209698079 / da_sqrt(y); \
        const F ratio = 4 * p / (u * u + q * q) / (is_far ? m : (F)1); \
        const F size = (pole ? (F)1 : (F)0.25) * da_log1p(pole ? near_pole : ratio); \
        const F angle = (F)0.5 * da_atan2(is_far ? (F)0 : y + y, is_far ? (F)-1 : (1 - x) * (1 + x) - y * y); \
        const b8 infinite = da_c_infinite(x) | da_c_infinite(y); \
        const F re = (infinite | (x == 0)) ? (F)0 : size, im = ((y != y) | ((x != x) & !infinite)) ? x + y : angle; \
        return da_##C(da_copysign(re, z.re), da_copysign(im, z.im)); \
    } \
    FN C da_catan(C z) { return da_c_turn_back(da_catanh(da_c_turn(z))); }

DA_COMPLEX_TESTS(c64, f32)
DA_COMPLEX_TESTS(c128, f64)
DA_COMPLEX_ROOT(c64, f32, 0x1p124, 0x1p-80, 0x1p72, 0x1p-36)
DA_COMPLEX_ROOT(c128, f64, 0x1p1020, 0x1p-960, 0x1p112, 0x1p-56)
DA_COMPLEX_LOG(c64, f32)
DA_COMPLEX_LOG(c128, f64)
DA_COMPLEX_EXP(c64, f32, 88, 54, 2.83075330327469390044206354801407e23)
DA_COMPLEX_EXP(c128, f64, 709, 400, 5.22146968976414395058876300664965e173)
DA_COMPLEX_ARC(c64, f32, 0x1p30, 0x1p-50)
DA_COMPLEX_ARC(c128, f64, 0x1p60, 0x1p-400)

// Power. The error of log(z) grows with the exponent, by up to 88 times in f32, which therefore computes in f64.
// Where both parts of w log(z) are NaN though a factor is infinite, the product is infinite, as Annex G has it.
FN f64 da_c_boxed(f64 x, b8 infinite) {  // a part of a number that is infinite, or is not
    return da_copysign(infinite ? (da_c_infinite(x) ? 1.0 : 0.0) : (x != x ? 0.0 : da_fabs(x)), x);
}
FN c128 da_libm_cpow(c128 z, c128 w) {
    const c128 v = da_clog(z);
    const f64 re = w.re * v.re - w.im * v.im, im = w.re * v.im + w.im * v.re;
    const b8 large = da_c_infinite(v.re) | da_c_infinite(v.im), larger = da_c_infinite(w.re) | da_c_infinite(w.im);
    const b8 lost = (re != re) & (im != im) & (large | larger);
    const f64 a = da_c_boxed(v.re, large), b = da_c_boxed(v.im, large), inf = da_float((u64)0x7ff0000000000000u);
    const f64 c = da_c_boxed(w.re, larger), d = da_c_boxed(w.im, larger);
    return da_cexp(da_c128(lost ? inf * (a * c - b * d) : re, lost ? inf * (a * d + b * c) : im));
}
FN c64 da_libm_cpow(c64 z, c64 w) {
    const c128 r = da_libm_cpow(da_c128(z.re, z.im), da_c128(w.re, w.im));
    return da_c64((f32)r.re, (f32)r.im);
}
#endif
