// <cuda_fp16.h>: numbers of sixteen bits. They are stored so and computed in float, whose rounding to eleven bits is that of
// the exact result for + - * / and square roots. `host_bfloat.h` makes the same functions for the other sixteen bits.

DH_IN unsigned dh_word(float x) { unsigned r; memcpy(&r, &x, sizeof r); return r; }
DH_IN float dh_unword(unsigned x) { float r; memcpy(&r, &x, sizeof r); return r; }
// A number of fewer bits, with the last one set if it is not exact: rounded once more, it is as if rounded only once
DH_IN float dh_odd(double x) {
    const float f = (float)x;
    const double rest = x - (double)f;
    const unsigned u = dh_word(f);
    if (rest == 0 || rest != rest || (u & 1)) return f;
    return dh_unword((rest > 0) == (u >> 31 == 0) ? u + 1 : u - 1);
}
DH_IN float dh_fma(float x, float y, float z) {
    const double p = (double)x * y, s = p + z, back = s - p, rest = (p - (s - back)) + (z - back);
    if (rest == 0 || rest != rest) return dh_odd(s);
    const float f = dh_odd(s);  // what is cut off of s is beyond all bits that count, unless f holds s exactly
    const unsigned u = dh_word(f);
    return (double)f != s || (u & 1) ? f : dh_unword((rest > 0) == (u >> 31 == 0) ? u + 1 : u - 1);
}
DH_IN unsigned short dh_half_bits(float x) {
    const unsigned u = dh_word(x), sign = u >> 16 & 0x8000u, a = u & 0x7fffffffu;
    const unsigned normal = ((a + 0xfffu + (a >> 13 & 1u)) >> 13) - (112u << 10);
    const unsigned tiny = dh_word(dh_unword(a) + 0.5f) - 0x3f000000u;  // the last place of 0.5f is half's smallest number
    unsigned r = a < 0x38800000u ? tiny : normal;
    r = a >= 0x477ff000u ? 0x7c00u : r;
    return (unsigned short)(a > 0x7f800000u ? 0x7fffu : sign | r);
}
DH_IN float dh_half_float(unsigned short h) {
    const unsigned sign = (unsigned)(h & 0x8000u) << 16, a = (unsigned)(h & 0x7fffu) << 13;
    return dh_unword(sign | (a >= 0x0f800000u ? a | 0x7f800000u : dh_word(dh_unword(a) * 0x1p112f)));
}

// ---- a type of sixteen bits, and pairs of it -----------------------------------------------------------
#define DH_SIXTEEN(T, T2, bits, value) \
    struct T { \
        unsigned short dh_x; \
        T() = default; \
        DH_IN T dh_made(unsigned short b) { T r; r.dh_x = b; return r; } \
        T(float x) : dh_x(bits(x)) {} \
        T(double x) : dh_x(bits(dh_odd(x))) {} \
        T(int x) : T((double)x) {} T(unsigned x) : T((double)x) {} T(short x) : T((float)x) {} T(unsigned short x) : T((float)x) {} \
        T(long x) : T((double)x) {} T(unsigned long x) : T((double)x) {} \
        T(long long x) : T((double)x) {} T(unsigned long long x) : T((double)x) {} \
        operator float() const { return value(dh_x); } \
        T &operator+=(T y) { return *this = T((float)*this + (float)y); } \
        T &operator-=(T y) { return *this = T((float)*this - (float)y); } \
        T &operator*=(T y) { return *this = T((float)*this * (float)y); } \
        T &operator/=(T y) { return *this = T((float)*this / (float)y); } \
        T &operator++() { return *this += T(1.f); } \
        T &operator--() { return *this -= T(1.f); } \
        T operator++(int) { const T r = *this; *this += T(1.f); return r; } \
        T operator--(int) { const T r = *this; *this -= T(1.f); return r; } \
        T operator+() const { return *this; } \
        T operator-() const { return dh_made((unsigned short)(dh_x ^ 0x8000u)); } \
    }; \
    struct __attribute__((aligned(4))) T2 { \
        T x, y; \
        T2() = default; \
        T2(T a, T b) : x(a), y(b) {} \
        T2 operator-() const { return T2(-x, -y); } \
    }; \
    DH_IN T2 make_##T2(T a, T b) { return T2(a, b); }
#define DH_SIXTEEN_SIGN(T, T2, sign) \
    DH_IN T operator sign(T a, T b) { return T((float)a sign (float)b); } \
    DH_IN T2 operator sign(T2 a, T2 b) { return T2(a.x sign b.x, a.y sign b.y); } \
    DH_IN T2 &operator sign##=(T2 &a, T2 b) { return a = a sign b; }
#define DH_SIXTEEN_TEST(T, T2, sign, name) \
    DH_IN bool operator sign(T a, T b) { return (float)a sign (float)b; } \
    DH_IN bool __h##name(T a, T b) { return (float)a sign (float)b; } \
    DH_IN T2 __h##name##2(T2 a, T2 b) { return T2(T((float)(a.x sign b.x)), T((float)(a.y sign b.y))); } \
    DH_IN bool __hb##name##2(T2 a, T2 b) { return a.x sign b.x && a.y sign b.y; }
#define DH_SIXTEEN_UNORDERED(T, T2, sign, name) \
    DH_IN bool __h##name##u(T a, T b) { return !((float)a sign (float)b); } \
    DH_IN T2 __h##name##u2(T2 a, T2 b) { return T2(T((float)__h##name##u(a.x, b.x)), T((float)__h##name##u(a.y, b.y))); } \
    DH_IN bool __hb##name##u2(T2 a, T2 b) { return __h##name##u(a.x, b.x) && __h##name##u(a.y, b.y); }
#define DH_SIXTEEN_TWO(T, T2, name, formula) \
    DH_IN T __h##name(T a, T b) { const float x = a, y = b; return formula; } \
    DH_IN T2 __h##name##2(T2 a, T2 b) { return T2(__h##name(a.x, b.x), __h##name(a.y, b.y)); }
#define DH_SIXTEEN_ONE(T, T2, name, pairs, formula) \
    DH_IN T name(T a) { const float x = a; return T(formula); } \
    DH_IN T2 pairs(T2 a) { return T2(name(a.x), name(a.y)); }
#define DH_SIXTEEN_INTEGER(T, short_name, C, name) \
    DH_IN C __##short_name##2##name##_rn(T a) { return (C)rint((float)a); } \
    DH_IN C __##short_name##2##name##_rz(T a) { return (C)(float)a; } \
    DH_IN C __##short_name##2##name##_rd(T a) { return (C)floor((float)a); } \
    DH_IN C __##short_name##2##name##_ru(T a) { return (C)ceil((float)a); } \
    DH_IN T __##name##2##short_name##_rn(C a) { return T((double)a); }
#define DH_CLIPPED(x) ((x) > 0 ? (x) < 1 ? (x) : 1.f : 0.f)
// The nearest number is that of the wanted direction, or a neighbour of it
#define DH_SIXTEEN_TOWARDS(T, name, beyond) \
    DH_IN T name(float x) { \
        const T r(x); \
        const float y = r; \
        if (!(beyond)) return r; \
        return T::dh_made((unsigned short)(y == 0 ? (x < 0 ? 0x8001u : 1u) : ((y > x) == (y > 0)) ? r.dh_x - 1u : r.dh_x + 1u)); \
    }
#define DH_SIXTEEN_FUNCTIONS(T, T2, short_name) \
    DH_SIXTEEN_SIGN(T, T2, +) DH_SIXTEEN_SIGN(T, T2, -) DH_SIXTEEN_SIGN(T, T2, *) DH_SIXTEEN_SIGN(T, T2, /) \
    DH_SIXTEEN_TEST(T, T2, ==, eq) DH_SIXTEEN_TEST(T, T2, <, lt) DH_SIXTEEN_TEST(T, T2, <=, le) \
    DH_SIXTEEN_TEST(T, T2, >, gt) DH_SIXTEEN_TEST(T, T2, >=, ge) \
    DH_IN bool operator!=(T a, T b) { return (float)a != (float)b; } \
    DH_IN bool __hne(T a, T b) { const float x = a, y = b; return x < y || x > y; } \
    DH_IN T2 __hne2(T2 a, T2 b) { return T2(T((float)__hne(a.x, b.x)), T((float)__hne(a.y, b.y))); } \
    DH_IN bool __hbne2(T2 a, T2 b) { return __hne(a.x, b.x) && __hne(a.y, b.y); } \
    DH_SIXTEEN_UNORDERED(T, T2, <, ge) DH_SIXTEEN_UNORDERED(T, T2, <=, gt) DH_SIXTEEN_UNORDERED(T, T2, >, le) \
    DH_SIXTEEN_UNORDERED(T, T2, >=, lt) \
    DH_IN bool __hequ(T a, T b) { return !__hne(a, b); } \
    DH_IN bool __hneu(T a, T b) { return (float)a != (float)b; } \
    DH_SIXTEEN_TWO(T, T2, add, T(x + y)) DH_SIXTEEN_TWO(T, T2, sub, T(x - y)) DH_SIXTEEN_TWO(T, T2, mul, T(x * y)) \
    DH_SIXTEEN_TWO(T, T2, add_rn, T(x + y)) DH_SIXTEEN_TWO(T, T2, sub_rn, T(x - y)) DH_SIXTEEN_TWO(T, T2, mul_rn, T(x * y)) \
    DH_IN T __hdiv(T a, T b) { return a / b; } \
    DH_IN T2 __h2div(T2 a, T2 b) { return a / b; } \
    DH_SIXTEEN_TWO(T, T2, max, x != x ? b : y != y ? a : x > y || (x == y && b.dh_x >> 15) ? a : b) \
    DH_SIXTEEN_TWO(T, T2, min, x != x ? b : y != y ? a : x < y || (x == y && a.dh_x >> 15) ? a : b) \
    DH_SIXTEEN_TWO(T, T2, add_sat, T(DH_CLIPPED(x + y))) DH_SIXTEEN_TWO(T, T2, sub_sat, T(DH_CLIPPED(x - y))) \
    DH_SIXTEEN_TWO(T, T2, mul_sat, T(DH_CLIPPED(x * y))) \
    DH_IN T __hfma(T a, T b, T c) { return T(dh_fma(a, b, c)); } \
    DH_IN T2 __hfma2(T2 a, T2 b, T2 c) { return T2(__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)); } \
    DH_IN T __hfma_sat(T a, T b, T c) { const float r = dh_fma(a, b, c); return T(DH_CLIPPED(r)); } \
    DH_IN T2 __hfma2_sat(T2 a, T2 b, T2 c) { return T2(__hfma_sat(a.x, b.x, c.x), __hfma_sat(a.y, b.y, c.y)); } \
    DH_IN T __hfma_relu(T a, T b, T c) { const float r = dh_fma(a, b, c); return T(r < 0 ? 0.f : r); } \
    DH_IN T2 __hfma2_relu(T2 a, T2 b, T2 c) { return T2(__hfma_relu(a.x, b.x, c.x), __hfma_relu(a.y, b.y, c.y)); } \
    DH_IN T __hneg(T a) { return -a; } DH_IN T2 __hneg2(T2 a) { return -a; } \
    DH_IN T __habs(T a) { return T::dh_made((unsigned short)(a.dh_x & 0x7fffu)); } \
    DH_IN T2 __habs2(T2 a) { return T2(__habs(a.x), __habs(a.y)); } \
    DH_IN bool __hisnan(T a) { return (float)a != (float)a; } \
    DH_IN T2 __hisnan2(T2 a) { return T2(T((float)__hisnan(a.x)), T((float)__hisnan(a.y))); } \
    DH_IN int __hisinf(T a) { return !__builtin_isinf((float)a) ? 0 : (float)a > 0 ? 1 : -1; } \
    DH_IN float abs(T a) { return __habs(a); } \
    DH_IN bool isnan(T a) { return isnan((float)a); } DH_IN bool isinf(T a) { return isinf((float)a); } \
    DH_IN bool isfinite(T a) { return isfinite((float)a); } DH_IN bool signbit(T a) { return a.dh_x >> 15; } \
    DH_SIXTEEN_ONE(T, T2, hsqrt, h2sqrt, sqrtf(x)) DH_SIXTEEN_ONE(T, T2, hrsqrt, h2rsqrt, 1.f / sqrtf(x)) \
    DH_SIXTEEN_ONE(T, T2, hrcp, h2rcp, 1.f / x) DH_SIXTEEN_ONE(T, T2, hexp, h2exp, expf(x)) \
    DH_SIXTEEN_ONE(T, T2, hexp2, h2exp2, exp2f(x)) DH_SIXTEEN_ONE(T, T2, hexp10, h2exp10, exp10f(x)) \
    DH_SIXTEEN_ONE(T, T2, hlog, h2log, logf(x)) DH_SIXTEEN_ONE(T, T2, hlog2, h2log2, log2f(x)) \
    DH_SIXTEEN_ONE(T, T2, hlog10, h2log10, log10f(x)) DH_SIXTEEN_ONE(T, T2, hsin, h2sin, sinf(x)) \
    DH_SIXTEEN_ONE(T, T2, hcos, h2cos, cosf(x)) DH_SIXTEEN_ONE(T, T2, htanh, h2tanh, tanhf(x)) \
    DH_SIXTEEN_ONE(T, T2, hceil, h2ceil, ceilf(x)) DH_SIXTEEN_ONE(T, T2, hfloor, h2floor, floorf(x)) \
    DH_SIXTEEN_ONE(T, T2, hrint, h2rint, rintf(x)) DH_SIXTEEN_ONE(T, T2, htrunc, h2trunc, truncf(x)) \
    DH_SIXTEEN_INTEGER(T, short_name, int, int) DH_SIXTEEN_INTEGER(T, short_name, unsigned, uint) \
    DH_SIXTEEN_INTEGER(T, short_name, short, short) DH_SIXTEEN_INTEGER(T, short_name, unsigned short, ushort) \
    DH_SIXTEEN_INTEGER(T, short_name, long long, ll) DH_SIXTEEN_INTEGER(T, short_name, unsigned long long, ull) \
    DH_IN T __float2##short_name(float x) { return T(x); } DH_IN T __double2##short_name(double x) { return T(x); } \
    DH_IN T __float2##short_name##_rn(float x) { return T(x); } \
    DH_SIXTEEN_TOWARDS(T, __float2##short_name##_rd, y > x) DH_SIXTEEN_TOWARDS(T, __float2##short_name##_ru, y < x) \
    DH_SIXTEEN_TOWARDS(T, __float2##short_name##_rz, x > 0 ? y > x : y < x) \
    DH_IN float __##short_name##2float(T x) { return x; } \
    DH_IN T2 __float2##short_name##2_rn(float x) { return T2(T(x), T(x)); } \
    DH_IN T2 __floats2##short_name##2_rn(float x, float y) { return T2(T(x), T(y)); } \
    DH_IN T2 __float22##short_name##2_rn(float2 v) { return T2(T(v.x), T(v.y)); } \
    DH_IN float2 __##short_name##22float2(T2 v) { return make_float2(v.x, v.y); } \
    DH_IN float __low2float(T2 v) { return v.x; } DH_IN float __high2float(T2 v) { return v.y; } \
    DH_IN T2 __lowhigh2highlow(T2 v) { return T2(v.y, v.x); } \
    DH_IN T2 __lows2##short_name##2(T2 a, T2 b) { return T2(a.x, b.x); } \
    DH_IN T2 __highs2##short_name##2(T2 a, T2 b) { return T2(a.y, b.y); } \
    DH_IN T2 __low2##short_name##2(T2 v) { return T2(v.x, v.x); } DH_IN T2 __high2##short_name##2(T2 v) { return T2(v.y, v.y); } \
    DH_IN T __low2##short_name(T2 v) { return v.x; } DH_IN T __high2##short_name(T2 v) { return v.y; } \
    DH_IN short __##short_name##_as_short(T x) { return (short)x.dh_x; } \
    DH_IN unsigned short __##short_name##_as_ushort(T x) { return x.dh_x; } \
    DH_IN T __short_as_##short_name(short x) { return T::dh_made((unsigned short)x); } \
    DH_IN T __ushort_as_##short_name(unsigned short x) { return T::dh_made(x); } \
    DH_IN T dh_add_atomically(T *p, T v) { \
        unsigned short now, *const q = &p->dh_x; \
        __atomic_load(q, &now, __ATOMIC_RELAXED); \
        while (!__atomic_compare_exchange_n(q, &now, (T::dh_made(now) + v).dh_x, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {} \
        return T::dh_made(now); \
    } \
    DH_IN T atomicAdd(T *p, T v) { return dh_add_atomically(p, v); } \
    DH_IN T2 atomicAdd(T2 *p, T2 v) { return T2(dh_add_atomically(&p->x, v.x), dh_add_atomically(&p->y, v.y)); }

DH_SIXTEEN(__half, __half2, dh_half_bits, dh_half_float)
DH_SIXTEEN_FUNCTIONS(__half, __half2, half)
typedef __half half;
typedef __half2 half2;
#define make_half2 make___half2
DH_IN half2 __half2half2(half a) { return half2(a, a); }
DH_IN half2 __halves2half2(half a, half b) { return half2(a, b); }
DH_KIND(__half, 'f')
