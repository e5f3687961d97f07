// Scalar functions with NumPy's results: what the texts in rows.py call. Valid in every dialect, given its prelude.
// i8, i16, u8 and u16 are promoted to i32 on the way in and wrapped when the result is assigned, which is why
// integer functions exist for four types only. float16 values are f32 here, and always representable in 16 bits.
// A kernel that has no complex numbers defines DA_NO_COMPLEX, one without integer operations DA_NO_INTEGER,
// one without random numbers DA_NO_RANDOM: parsing
// what they leave out would take a quarter of the time that g++ needs for a small kernel.

// ---- float16 ----------------------------------------------------------------------------------------------
FN f32 da_round16(f32 x) {
    const u32 bits = da_bits(x), sign = bits & 0x80000000u, a = bits ^ sign;
    const u32 normal = (a + 0xfffu + ((a >> 13) & 1u)) & ~0x1fffu;
    const u32 tiny = da_bits((da_float(a) + 0.5f) - 0.5f);  // the last place of 0.5f is float16's smallest number
    u32 r = a < 0x38800000u ? tiny : normal;
    r = a >= 0x477ff000u ? 0x7f800000u : r;
    r = a > 0x7f800000u ? a : r;
    return da_float(sign | r);
}
FN f32 da_round16(f64 x) {
    const u64 bits = da_bits(x), sign = bits & 0x8000000000000000u, a = bits ^ sign;
    const u64 normal = (a + 0x1ffffffffffu + ((a >> 42) & 1u)) & ~(u64)0x3ffffffffffu;
    const u64 tiny = da_bits((da_float(a) + 0x1p28) - 0x1p28);
    u64 r = a < 0x3f10000000000000u ? tiny : normal;
    r = a >= 0x40effe0000000000u ? 0x7ff0000000000000u : r;
    r = a > 0x7ff0000000000000u ? a : r;
    return (f32)da_float(sign | r);
}
FN f32 da_load16(f16 h) {
    const u32 sign = (u32)(h & 0x8000u) << 16, a = (u32)(h & 0x7fffu) << 13;
    const u32 r = a >= 0x0f800000u ? (a | 0x7f800000u) : da_bits(da_float(a) * 0x1p112f);
    return da_float(sign | r);
}
FN f16 da_store16(f32 x) {
    const u32 bits = da_bits(x), sign = (bits >> 16) & 0x8000u, a = bits & 0x7fffffffu;
    const u32 tiny = da_bits(da_float(a) + 0.5f) - 0x3f000000u;
    u32 r = a < 0x38800000u ? tiny : (a - 0x38000000u) >> 13;
    r = a >= 0x7f800000u ? 0x7c00u : r;
    r = a > 0x7f800000u ? 0x7e00u : r;
    return (f16)(sign | r);
}

// ---- casts ------------------------------------------------------------------------------------------------
// What is out of range becomes what x86's conversions to 32 and 64 bits and a truncation make of it, as in NumPy;
// C leaves it undefined, and AVX-512's unsigned conversions give something else.
#define DA_WHOLE(F) \
    FN i32 da_whole32(F x) { return x >= (F)-0x1p31 && x < (F)0x1p31 ? (i32)x : (i32)0x80000000u; } \
    FN i64 da_whole64(F x) { return x >= (F)-0x1p63 && x < (F)0x1p63 ? (i64)x : (i64)0x8000000000000000u; } \
    FN u64 da_natural64(F x) { \
        const b8 high = x >= (F)0x1p63; \
        return (u64)da_whole64(high ? x - (F)0x1p63 : x) ^ ((u64)high << 63); \
    } \
    FN F da_part(F x) { return x; } \
    FN F da_imag_part(F x) { (void)x; return 0; } \
    FN b8 da_nonzero(F x) { return x != 0; }
#define DA_WHOLE_ALREADY(T) \
    FN T da_whole32(T x) { return x; } \
    FN T da_whole64(T x) { return x; } \
    FN T da_natural64(T x) { return x; } \
    FN T da_part(T x) { return x; } \
    FN T da_imag_part(T x) { (void)x; return 0; } \
    FN b8 da_nonzero(T x) { return x != 0; } \
    FN f32 da_round16(T x) { return da_round16((f32)x); }
DA_WHOLE(f32) DA_WHOLE(f64)
DA_WHOLE_ALREADY(i32) DA_WHOLE_ALREADY(u32) DA_WHOLE_ALREADY(i64) DA_WHOLE_ALREADY(u64)
#ifndef DA_NO_COMPLEX
#define DA_PARTS(C, F) \
    FN F da_part(C x) { return x.re; } \
    FN F da_imag_part(C x) { return x.im; } \
    FN b8 da_nonzero(C x) { return (x.re != 0) | (x.im != 0); }
DA_PARTS(c64, f32) DA_PARTS(c128, f64)
#endif

#define da_to_b8(x) da_nonzero(x)
#define da_to_i8(x) ((i8)da_whole32(da_part(x)))
#define da_to_i16(x) ((i16)da_whole32(da_part(x)))
#define da_to_i32(x) ((i32)da_whole32(da_part(x)))
#define da_to_i64(x) ((i64)da_whole64(da_part(x)))
#define da_to_u8(x) ((u8)da_whole32(da_part(x)))
#define da_to_u16(x) ((u16)da_whole32(da_part(x)))
#define da_to_u32(x) ((u32)da_whole64(da_part(x)))
#define da_to_u64(x) ((u64)da_natural64(da_part(x)))
#define da_to_f16(x) da_round16(da_part(x))
#define da_to_f32(x) ((f32)da_part(x))
#define da_to_f64(x) ((f64)da_part(x))
#define da_to_c64(x) da_c64((f32)da_part(x), (f32)da_imag_part(x))
#define da_to_c128(x) da_c128((f64)da_part(x), (f64)da_imag_part(x))

// ---- integers ---------------------------------------------------------------------------------------------
#ifndef DA_NO_RANDOM
// Philox4x32-10, each word in the lower half of an u64 so that the products vectorise; see random_rows.py.
typedef struct { u64 low, high; } DaRandom;
FN DaRandom da_random(u64 index, u64 key, u64 call) {
    u64 a = (u32)index, b = index >> 32, c = (u32)call, d = call >> 32, k = (u32)key, m = key >> 32;
    for (int round = 0; round < 10; ++round) {
        const u64 p = (u64)0xD2511F53u * (u32)a, q = (u64)0xCD9E8D57u * (u32)c;
        a = (q >> 32) ^ b ^ k; b = (u32)q;
        c = (p >> 32) ^ d ^ m; d = (u32)p;
        k = (u32)(k + 0x9E3779B9u); m = (u32)(m + 0xBB67AE85u);
    }
    DaRandom r;
    r.low = a | b << 32; r.high = c | d << 32;
    return r;
}
FN u64 da_random_low(u64 index, u64 key, u64 call) { return da_random(index, key, call).low; }
FN u64 da_random_high(u64 index, u64 key, u64 call) { return da_random(index, key, call).high; }
FN f64 da_random_unit64(u64 bits) {
    return ((f64)(i32)((u32)bits >> 5) * 67108864.0 + (f64)(i32)(bits >> 38)) * 0x1p-53;
}
FN f32 da_random_unit32(u64 bits) { return (f32)(i32)((u32)bits >> 8) * 0x1p-24f; }
FN u64 da_random_times(u64 x, u64 y) {  // the upper half of the product
    const u64 a = x >> 32, b = (u32)x, c = y >> 32, d = (u32)y, middle = a * d + (b * d >> 32);
    return a * c + (middle >> 32) + ((b * c + (u32)middle) >> 32);
}
FN u64 da_random_scaled(u64 low, u64 high, u64 count) {
    const u64 lower = high * count, carried = lower + da_random_times(low, count);
    return da_random_times(high, count) + (carried < lower);
}
#endif
#ifndef DA_NO_INTEGER
FN u32 da_magnitude(i32 x) { return x < 0 ? (u32)0 - (u32)x : (u32)x; }
FN u64 da_magnitude(i64 x) { return x < 0 ? (u64)0 - (u64)x : (u64)x; }
FN u32 da_magnitude(u32 x) { return x; }
FN u64 da_magnitude(u64 x) { return x; }

FN u8 da_popcount(u64 x) {
    x -= (x >> 1) & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (u8)((x * 0x0101010101010101u) >> 56);
}
FN u8 da_popcount(u32 x) {
    x -= (x >> 1) & 0x55555555u;
    x = (x & 0x33333333u) + ((x >> 2) & 0x33333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0fu;
    return (u8)((x * 0x01010101u) >> 24);
}

// 32 bits are divided in f64, which is exact and has vector instructions.
FN i32 da_quotient(i32 x, i32 y) { return (i32)((f64)x / (f64)y); }
FN u32 da_quotient(u32 x, u32 y) { return (u32)((f64)x / (f64)y); }
FN i64 da_quotient(i64 x, i64 y) { return x / y; }
FN u64 da_quotient(u64 x, u64 y) { return x / y; }

// Division by zero is 0. Divisors that would trap are replaced, so that the division itself is unconditional.
#define DA_SIGNED(I, U) \
    FN I da_floor_divide(I x, I y) { \
        const I d = ((y == 0) | (y == -1)) ? 1 : y, q = da_quotient(x, d), r = x - q * d; \
        const I floored = q - (I)((r != 0) & ((r < 0) != (d < 0))), whole = y == 0 ? 0 : floored; \
        return y == -1 ? (I)-(U)x : whole; \
    } \
    FN I da_fmod(I x, I y) { const I d = ((y == 0) | (y == -1)) ? 1 : y; return x - da_quotient(x, d) * d; } \
    FN I da_remainder(I x, I y) { \
        const I d = ((y == 0) | (y == -1)) ? 1 : y, r = x - da_quotient(x, d) * d; \
        return ((r != 0) & ((r < 0) != (d < 0))) ? r + d : r; \
    } \
    FN I da_right_shift(I x, I y) { return x >> ((U)y < 8 * sizeof(I) ? y : (I)(8 * sizeof(I) - 1)); }
#define DA_UNSIGNED(U) \
    FN U da_floor_divide(U x, U y) { const U q = da_quotient(x, y == 0 ? 1 : y); return y == 0 ? 0 : q; } \
    FN U da_fmod(U x, U y) { const U d = y == 0 ? 1 : y; return x - da_quotient(x, d) * d; } \
    FN U da_remainder(U x, U y) { return da_fmod(x, y); } \
    FN U da_right_shift(U x, U y) { const U r = x >> (y & (8 * sizeof(U) - 1)); return y < 8 * sizeof(U) ? r : 0; }
#define DA_INTEGER(I, U) \
    FN I da_add(I x, I y) { return (I)((U)x + (U)y); } \
    FN I da_subtract(I x, I y) { return (I)((U)x - (U)y); } \
    FN I da_multiply(I x, I y) { return (I)((U)x * (U)y); } \
    FN I da_negative(I x) { return (I)((U)0 - (U)x); } \
    FN I da_absolute(I x) { return (I)da_magnitude(x); } \
    FN I da_left_shift(I x, I y) { const I r = (I)((U)x << (y & (8 * sizeof(I) - 1))); return (U)y < 8 * sizeof(I) ? r : 0; } \
    FN I da_gcd(I x, I y) { \
        U a = da_magnitude(x), b = da_magnitude(y); \
        while (b != 0) { const U r = a % b; a = b; b = r; } \
        return (I)a; \
    } \
    FN I da_lcm(I x, I y) { \
        const U a = da_magnitude(x), b = da_magnitude(y), g = (U)da_gcd(a, b); \
        return (I)(g == 0 ? 0 : a / g * b); \
    } \
    FN I da_power(I x, I y) { \
        U r = 1, b = (U)x, n = (U)y; \
        for (; n != 0; n >>= 1) { r *= n & 1 ? b : (U)1; b *= b; } \
        return (I)r; \
    } \
    FN u8 da_bitwise_count(I x) { return da_popcount(da_magnitude(x)); }
DA_SIGNED(i32, u32) DA_SIGNED(i64, u64) DA_UNSIGNED(u32) DA_UNSIGNED(u64)
DA_INTEGER(u32, u32) DA_INTEGER(u64, u64) DA_INTEGER(i32, u32) DA_INTEGER(i64, u64)

#define DA_CHOICE(T) \
    FN T da_clip(T x, T low, T high) { const T y = x > low ? x : low; return y < high ? y : high; } \
    FN T da_reciprocal(T x) { return da_to_##T((f64)1 / (f64)x); }
DA_CHOICE(i32)
DA_CHOICE(u32)
DA_CHOICE(i64)
DA_CHOICE(u64)

#define DA_MIXED(S, U) \
    FN b8 da_equal(S x, U y) { return (x >= 0) & ((u64)x == (u64)y); } \
    FN b8 da_less(S x, U y) { return (x < 0) | ((u64)x < (u64)y); } \
    FN b8 da_less_equal(S x, U y) { return (x < 0) | ((u64)x <= (u64)y); } \
    FN b8 da_equal(U x, S y) { return da_equal(y, x); } \
    FN b8 da_less(U x, S y) { return !da_less_equal(y, x); } \
    FN b8 da_less_equal(U x, S y) { return !da_less(y, x); }
DA_MIXED(i64, u64)
#endif

// ---- real numbers -----------------------------------------------------------------------------------------
#define DA_REAL(F, U, I, digits, bias) \
    FN b8 da_isnan(F x) { return x != x; } \
    FN b8 da_isinf(F x) { return da_fabs(x) == (F)DA_INF; } \
    FN b8 da_isfinite(F x) { return da_fabs(x) < (F)DA_INF; } \
    FN F da_flip(F x) { return da_float(da_bits(x) ^ ((U)1 << (8 * sizeof(U) - 1))); } \
    FN b8 da_signbit(F x) { return (b8)(da_bits(x) >> (8 * sizeof(F) - 1)); } \
    FN F da_maximum(F x, F y) { const F m = x > y ? x : y; return x != x ? x : m; } \
    FN F da_minimum(F x, F y) { const F m = x < y ? x : y; return x != x ? x : m; } \
    FN F da_fmax(F x, F y) { const F m = x > y ? x : y; return y != y ? x : m; } \
    FN F da_fmin(F x, F y) { const F m = x < y ? x : y; return y != y ? x : m; } \
    FN F da_clip(F x, F low, F high) { \
        const F y = ((x < low) | (low != low)) ? low : x; \
        return ((y > high) | (high != high)) ? high : y; \
    } \
    FN F da_sign(F x) { const F s = (F)((x > 0) - (x < 0)); return x == x ? s : x; } \
    FN F da_heaviside(F x, F h) { const F s = (F)(x > 0), y = x == 0 ? h : s; return x == x ? y : x; } \
    FN F da_fmod(F x, F y) { \
        const F a = da_fabs(x), b = da_fabs(y), q = da_trunc(a / b); \
        if (!DA_FUSED || !((q < (F)((U)2 << digits)) & (b < (F)DA_INF))) return da_scalar_fmod(x, y); \
        const F r = da_fma(-q, b, a);  /* exact; the quotient may have been rounded up to the next integer */ \
        return da_copysign(r < 0 ? r + b : r, x); \
    } \
    FN F da_remainder(F x, F y) { \
        const F m = da_fmod(x, y), r = ((m != 0) & ((y < 0) != (m < 0))) ? m + y : m, zero = da_copysign((F)0, y); \
        return ((r == 0) & (y != 0)) ? zero : r; \
    } \
    FN F da_floor_divide(F x, F y) { \
        const F m = da_fmod(x, y), q = x / y; \
        const F d = (x - m) / y - (F)((m != 0) & ((y < 0) != (m < 0))), f = da_floor(d); \
        const U sign = da_bits(q) & ((U)(d == 0) << (8 * sizeof(U) - 1));  /* of a zero that is exact */ \
        const F whole = da_float(da_bits(f + (F)(d - f > (F)0.5)) | sign); \
        return y == 0 ? q : whole; \
    } \
    FN F da_floor_quotient(F x, F y) { \
        const F inf = (F)DA_INF; \
        return ((da_fabs(x) == inf) | (da_fabs(y) == inf)) ? da_floor(x / y) : da_floor_divide(x, y); \
    } \
    FN F da_nextafter(F x, F y) { \
        const U bits = da_bits(x), sign = (U)1 << (8 * sizeof(U) - 1); \
        const U step = (x < y) == (x > 0) ? bits + 1 : bits - 1; \
        const F r = da_float(x == 0 ? (da_bits(y) & sign) | 1 : step); \
        return x != x || y != y ? x + y : x == y ? y : r; \
    } \
    FN F da_spacing(F x) { return da_fabs(x) < (F)DA_INF ? da_float(da_bits(x == 0 ? (F)0 : x) + 1) - x : (F)DA_NAN; } \
    FN i32 da_frexp_exponent(F x) { \
        const F a = da_fabs(x); \
        const b8 tiny = a < da_float((U)1 << digits); \
        const i32 e = (i32)(da_bits(tiny ? a * (F)((U)1 << digits) : a) >> digits); \
        return ((a == 0) | !(a < (F)DA_INF)) ? 0 : e - bias - (tiny ? digits : 0); \
    } \
    FN F da_frexp_mantissa(F x) { \
        const F a = da_fabs(x); \
        const F y = a < da_float((U)1 << digits) ? x * (F)((U)1 << digits) : x; \
        const U keep = ((U)1 << (8 * sizeof(U) - 1)) | (((U)1 << digits) - 1); \
        const F m = da_float((da_bits(y) & keep) | ((U)bias << digits)); \
        return ((a == 0) | !(a < (F)DA_INF)) ? x : m; \
    } \
    FN F da_modf_fraction(F x) { return da_copysign(da_isinf(x) ? (F)0 : x - da_trunc(x), x); } \
    FN F da_logaddexp(F x, F y) { \
        const F d = x == y ? (F)0 : -da_fabs(x - y); \
        return (x > y ? x : y) + da_log1p(da_exp(d)); \
    } \
    FN F da_logaddexp2(F x, F y) { \
        const F d = x == y ? (F)0 : -da_fabs(x - y); \
        return (x > y ? x : y) + (F)1.442695040888963407359924681001892137 * da_log1p(da_exp2(d)); \
    } \
    FN F da_degrees(F x) { return x * ((F)180 / (F)3.141592653589793238462643383279502884); } \
    FN F da_radians(F x) { return x * ((F)3.141592653589793238462643383279502884 / (F)180); }
DA_REAL(f32, u32, i32, 23, 126)
DA_REAL(f64, u64, i64, 52, 1022)

FN f64 da_power_of_two(i32 e) { return da_float((u64)(i64)(e + 1023) << 52); }
FN f32 da_ldexp(f32 x, i64 e) {
    const i32 n = e < -400 ? -400 : e > 400 ? 400 : (i32)e;
    return (f32)((f64)x * da_power_of_two(n));  // the product is exact, so that there is one rounding
}
FN f64 da_ldexp(f64 x, i64 e) {
    const i32 n = e < -2200 ? -2200 : e > 2200 ? 2200 : (i32)e;
    const i32 m = n + da_frexp_exponent(x);
    const i32 first = m < -1000 ? -1000 : m > 1000 ? 1000 : m;
    const i32 rest = m - first < -1000 ? -1000 : m - first > 1000 ? 1000 : m - first;
    return da_frexp_mantissa(x) * da_power_of_two(first) * da_power_of_two(rest);
}

FN f32 da_nextafter16(f32 x, f32 y) {
    const u32 bits = da_store16(x);
    const u32 step = (x < y) == (x > 0) ? bits + 1 : bits - 1;
    const f32 r = da_load16((f16)(x == 0 ? (da_store16(y) & 0x8000u) | 1u : step));
    return x != x || y != y ? x + y : x == y ? x : r;
}
FN f32 da_spacing16(f32 x) { return da_isfinite(x) ? da_nextafter16(x, (f32)DA_INF) - x : (f32)DA_NAN; }

// ---- complex numbers --------------------------------------------------------------------------------------
// Where a processor has fused multiply-add, NumPy's loops for complex products use it, and so does da_fma.
// gcc 12 turns a * b + c in one part and a * b - c in the other into a fused multiply-add even where it is told not to
// (-ffp-contract=off). That is why da_cdivide selects its operands, and why da_cconjugate flips a bit: other text is
// not NumPy's to the bit once it is vectorised.
#ifndef DA_NO_COMPLEX
#define DA_COMPLEX_FUNCTIONS(C, F) \
    FN C da_cadd(C x, C y) { return da_##C(x.re + y.re, x.im + y.im); } \
    FN C da_csubtract(C x, C y) { return da_##C(x.re - y.re, x.im - y.im); } \
    FN C da_cwhere(b8 c, C x, C y) { return da_##C(c ? x.re : y.re, c ? x.im : y.im); } \
    FN C da_cproduct(C x, C y) { return da_##C(x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re); } \
    FN C da_cmultiply(C x, C y) { \
        return da_##C(da_fma(x.re, y.re, -(x.im * y.im)), da_fma(x.re, y.im, x.im * y.re)); \
    } \
    FN C da_cdivide(C x, C y) { \
        const b8 swap = !(da_fabs(y.re) >= da_fabs(y.im)), zero = (y.re == 0) & (y.im == 0); \
        const F p = zero ? (F)0 : swap ? y.im : y.re, q = swap ? y.re : y.im; \
        const F u = swap ? x.im : x.re, v = swap ? x.re : x.im, t = q / p; \
        const F qt = zero ? (F)0 : q * t, ut = zero ? (F)0 : u * t, vt = zero ? (F)0 : v * t; \
        const F s = (F)1 / (p + qt); \
        return da_##C((u + vt) * s, ((swap ? ut : v) - (swap ? v : ut)) * s); \
    } \
    FN C da_creciprocal(C x) { \
        const b8 swap = !(da_fabs(x.im) <= da_fabs(x.re)); \
        const F p = swap ? x.im : x.re, q = swap ? x.re : x.im, t = q / p, d = p + q * t; \
        return da_##C((swap ? t : (F)1) / d, (swap ? (F)-1 : -t) / d); \
    } \
    FN C da_cscale(C x, F s) { return da_##C(x.re * s, x.im * s); } \
    FN C da_cnegative(C x) { return da_##C(-x.re, -x.im); } \
    FN C da_cconjugate(C x) { return da_##C(x.re, da_flip(x.im)); } \
    FN C da_csquare(C x) { return da_cmultiply(x, x); } \
    FN C da_crint(C x) { return da_##C(da_rint(x.re), da_rint(x.im)); } \
    FN F da_cabsolute(C x) { return da_hypot(x.re, x.im); } \
    FN C da_csign(C x) { \
        const F a = x.re != x.re || x.im != x.im ? x.re + x.im : da_scalar_hypot(x.re, x.im); \
        if (a != a) return da_##C(a, a); \
        if (!(a < (F)DA_INF)) { \
            if (da_isinf(x.re) && da_isinf(x.im)) return da_##C((F)DA_NAN, (F)DA_NAN); \
            return da_isinf(x.re) ? da_##C(x.re > 0 ? 1 : -1, 0) : da_##C(0, x.im > 0 ? 1 : -1); \
        } \
        return a == 0 ? da_##C(0, 0) : da_##C(x.re / a, x.im / a); \
    } \
    FN b8 da_isnan(C x) { return (x.re != x.re) | (x.im != x.im); } \
    FN b8 da_isinf(C x) { return da_isinf(x.re) | da_isinf(x.im); } \
    FN b8 da_isfinite(C x) { return da_isfinite(x.re) & da_isfinite(x.im); } \
    FN b8 da_cordered(C x, C y) { return (x.im == x.im) & (y.im == y.im); } \
    FN b8 da_cequal(C x, C y) { return (x.re == y.re) & (x.im == y.im); } \
    FN b8 da_cless(C x, C y) { return ((x.re < y.re) & da_cordered(x, y)) | ((x.re == y.re) & (x.im < y.im)); } \
    FN b8 da_cless_equal(C x, C y) { return ((x.re < y.re) & da_cordered(x, y)) | ((x.re == y.re) & (x.im <= y.im)); } \
    FN C da_cmaximum(C x, C y) { return da_cwhere(da_isnan(x) | da_cless_equal(y, x), x, y); } \
    FN C da_cminimum(C x, C y) { return da_cwhere(da_isnan(x) | da_cless_equal(x, y), x, y); } \
    FN C da_cfmax(C x, C y) { return da_cwhere(da_isnan(y) | da_cless_equal(y, x), x, y); } \
    FN C da_cfmin(C x, C y) { return da_cwhere(da_isnan(y) | da_cless_equal(x, y), x, y); } \
    FN b8 da_cprecedes(C x, C y) { return x.re == y.re ? x.im < y.im : x.re < y.re; } \
    FN C da_cclip(C x, C low, C high) { \
        const C y = da_cwhere(da_isnan(x) | da_cprecedes(low, x), x, low); \
        return da_cwhere(da_isnan(y) | da_cprecedes(y, high), y, high); \
    } \
    FN C da_cexp2(C x) { return da_cexp(da_cscale(x, (F)0.693147180559945309417232121458176568)); } \
    FN C da_clog2(C x) { return da_cscale(da_clog(x), (F)1.442695040888963407359924681001892137); } \
    FN C da_clog10(C x) { return da_cscale(da_clog(x), (F)0.434294481903251827651128918916605082); } \
    FN C da_clog1p(C x) { return da_##C(da_log(da_hypot(x.re + 1, x.im)), da_atan2(x.im, x.re + 1)); } \
    FN C da_cexpm1(C x) { \
        const F inf = (F)DA_INF; \
        if (x.im == 0) return da_##C(da_expm1(x.re) + (F)0, x.im); \
        if (x.re == -inf) return x.im - x.im == 0 ? da_##C(-1, 0 * da_sin(x.im)) : da_##C(-1, 0); \
        if (x.re == inf && x.im - x.im != 0) return da_##C(inf, x.im - x.im); \
        const F s = da_sin(x.im / 2); \
        return da_##C(da_expm1(x.re) * da_cos(x.im) - 2 * s * s, da_exp(x.re) * da_sin(x.im)); \
    } \
    FN C da_ctanh(C x) { \
        const F inf = (F)DA_INF; \
        if (da_fabs(x.re) == inf) return da_##C(da_copysign((F)1, x.re), da_copysign((F)0, x.im)); \
        return da_libm_ctanh(x); \
    } \
    FN C da_ctan(C x) { \
        const C t = da_ctanh(da_##C(-x.im, x.re)); \
        return da_##C(t.im, -t.re); \
    } \
    FN C da_cpower(C x, C y) { \
        if (y.re == 0 && y.im == 0) return da_##C(1, 0); \
        if (x.re == 0 && x.im == 0) { \
            if (y.re > 0) return da_##C(0, 0); \
            return da_##C((F)DA_NAN, (F)DA_NAN); \
        } \
        const i32 whole = da_whole32(y.re); \
        if (y.im != 0 || (F)whole != y.re || whole <= -100 || whole >= 100) return da_libm_cpow(x, y); \
        if (whole == 1) return x; \
        if (whole == 2) return da_cproduct(x, x); \
        if (whole == 3) return da_cproduct(x, da_cproduct(x, x)); \
        C r = da_##C(1, 0); \
        for (i32 n = whole < 0 ? -whole : whole; ; x = da_cproduct(x, x)) { \
            if (n & 1) r = da_cproduct(r, x); \
            n >>= 1; \
            if (n == 0) break; \
        } \
        return whole < 0 ? da_cdivide(da_##C(1, 0), r) : r; \
    }
DA_COMPLEX_FUNCTIONS(c64, f32)
DA_COMPLEX_FUNCTIONS(c128, f64)
#endif
