// More of what CUDA C knows without a header, in parts as in `host_functions.h`: what few kernels use.

// ---- special functions ------------------------------------------------------------------------------
DH_IN double norm(int n, const double *x) {
    double most = 0, sum = 0;
    for (int k = 0; k < n; ++k) most = fmax(most, fabs(x[k]));
    if (most == 0 || !__builtin_isfinite(most)) return most;
    for (int k = 0; k < n; ++k) sum += x[k] / most * (x[k] / most);
    return most * sqrt(sum);
}
DH_IN double norm4d(double a, double b, double c, double d) { return hypot(hypot(a, b), hypot(c, d)); }
DH_IN double rnorm(int n, const double *x) { return 1 / norm(n, x); }
DH_IN double rnorm3d(double a, double b, double c) { return 1 / hypot(hypot(a, b), c); }
DH_IN double rnorm4d(double a, double b, double c, double d) { return 1 / norm4d(a, b, c, d); }
DH_IN float normf(int n, const float *x) {
    double sum = 0;
    for (int k = 0; k < n; ++k) sum += (double)x[k] * x[k];
    return (float)sqrt(sum);
}
DH_IN float norm4df(float a, float b, float c, float d) { return (float)norm4d(a, b, c, d); }
DH_IN float rnormf(int n, const float *x) { return 1 / normf(n, x); }
DH_IN float rnorm3df(float a, float b, float c) { return (float)rnorm3d(a, b, c); }
DH_IN float rnorm4df(float a, float b, float c, float d) { return (float)rnorm4d(a, b, c, d); }
#define DH_SPECIAL(name) \
    DH_IN float name##f(float x) { return (float)name((double)x); } \
    DH_IN float name(float x) { return name##f(x); }
DH_SPECIAL(erfinv) DH_SPECIAL(erfcinv) DH_SPECIAL(normcdfinv) DH_SPECIAL(erfcx) DH_SPECIAL(cyl_bessel_i0) DH_SPECIAL(cyl_bessel_i1)
DH_IN double nan(const char *) { return __builtin_nan(""); }
DH_IN float nanf(const char *) { return __builtin_nanf(""); }
DH_IN double scalbln(double x, long n) { return scalbn(x, n > 100000 ? 100000 : n < -100000 ? -100000 : (int)n); }
DH_IN float scalblnf(float x, long n) { return scalbnf(x, n > 100000 ? 100000 : n < -100000 ? -100000 : (int)n); }

// ---- directed rounding -----------------------------------------------------------------------------------
// The result rounded to nearest is right, or its neighbour is: what is missing, computed with more bits, tells which.
#if defined(__x86_64__)
typedef __float128 dh_wide;
#else
typedef long double dh_wide;
#endif
enum { DH_TO_ZERO, DH_DOWN, DH_UP };
DH_IN float dh_next_number(float x, float to) { return nextafterf(x, to); }
DH_IN double dh_next_number(double x, double to) { return nextafter(x, to); }
// `missing` has the sign of what r lacks; if r is infinite and should not be, there is no such thing
template <class T> DH_IN T dh_directed(T r, int missing, int way, bool finite) {
    const T end = (T)__builtin_inf();
    if (__builtin_isinf(r) && finite) missing = r > 0 ? -1 : 1;
    const bool down = missing < 0 && (way == DH_DOWN || (way == DH_TO_ZERO && r > 0));
    const bool up = missing > 0 && (way == DH_UP || (way == DH_TO_ZERO && r < 0));
    return down ? dh_next_number(r, -end) : up ? dh_next_number(r, end) : r;
}
template <class W> DH_IN int dh_sign(W x) { return (x > 0) - (x < 0); }
// The sign of x * y + z - r
template <class W> DH_IN int dh_missing(W x, W y, W z, W r) {
    const W p = x * y, s = p + z, back = s - p, rest = (p - (s - back)) + (z - back);
    return dh_sign((s - r) + rest);
}
#define DH_FINITE(x) __builtin_isfinite(x)
#define DH_DIRECTED_WAY(p, q, T, W, suffix, way) \
    DH_IN T __##p##add_##suffix(T x, T y) { const T r = x + y; \
        return dh_directed(r, dh_missing<W>(x, 1, y, r), way, DH_FINITE(x) && DH_FINITE(y)); } \
    DH_IN T __##p##sub_##suffix(T x, T y) { return __##p##add_##suffix(x, -y); } \
    DH_IN T __##p##mul_##suffix(T x, T y) { const T r = x * y; \
        return dh_directed(r, dh_missing<W>(x, y, 0, r), way, DH_FINITE(x) && DH_FINITE(y)); } \
    DH_IN T __##q##_##suffix(T x, T y, T z) { const T r = fma(x, y, z); \
        return dh_directed(r, dh_missing<W>(x, y, z, r), way, DH_FINITE(x) && DH_FINITE(y) && DH_FINITE(z)); } \
    DH_IN T __##p##div_##suffix(T x, T y) { const T r = x / y; \
        const int sign = dh_missing<W>(-(W)r, y, x, 0); \
        return dh_directed(r, y > 0 ? sign : -sign, way, DH_FINITE(x) && y != 0); } \
    DH_IN T __##p##rcp_##suffix(T x) { return __##p##div_##suffix(1, x); } \
    DH_IN T __##p##sqrt_##suffix(T x) { const T r = sqrt(x); return dh_directed(r, dh_missing<W>(-(W)r, r, x, 0), way, false); }
#define DH_DIRECTED(p, q, T, W) \
    DH_DIRECTED_WAY(p, q, T, W, rz, DH_TO_ZERO) DH_DIRECTED_WAY(p, q, T, W, rd, DH_DOWN) DH_DIRECTED_WAY(p, q, T, W, ru, DH_UP)
DH_DIRECTED(f, fmaf, float, double) DH_DIRECTED(d, fma, double, dh_wide)
#define DH_TO_DIRECTED(f, From, To) \
    DH_IN To f##_rz(From x) { const To r = (To)x; return dh_directed(r, dh_sign((dh_wide)x - (dh_wide)r), DH_TO_ZERO, true); } \
    DH_IN To f##_rd(From x) { const To r = (To)x; return dh_directed(r, dh_sign((dh_wide)x - (dh_wide)r), DH_DOWN, true); } \
    DH_IN To f##_ru(From x) { const To r = (To)x; return dh_directed(r, dh_sign((dh_wide)x - (dh_wide)r), DH_UP, true); }
DH_TO_DIRECTED(__int2float, int, float) DH_TO_DIRECTED(__uint2float, unsigned, float) DH_TO_DIRECTED(__ll2float, long long, float)
DH_TO_DIRECTED(__ull2float, unsigned long long, float) DH_TO_DIRECTED(__ll2double, long long, double)
DH_TO_DIRECTED(__ull2double, unsigned long long, double)
#define DH_DOUBLE_TO_FLOAT(suffix, way) \
    DH_IN float __double2float_##suffix(double x) { const float r = (float)x; return dh_directed(r, dh_sign(x - (double)r), way, DH_FINITE(x)); }
DH_DOUBLE_TO_FLOAT(rz, DH_TO_ZERO) DH_DOUBLE_TO_FLOAT(rd, DH_DOWN) DH_DOUBLE_TO_FLOAT(ru, DH_UP)

// ---- packed integers ---------------------------------------------------------------------------------------
// Four bytes or two halves of a word, each for itself
#define DH_PACKED(name, S, x_formula) \
    DH_IN unsigned __v##name##4(unsigned a, unsigned b) { return dh_packed<4, S>(a, b, [](int x, int y, int low, int high) { (void)low; (void)high; (void)y; return x_formula; }); } \
    DH_IN unsigned __v##name##2(unsigned a, unsigned b) { return dh_packed<2, S>(a, b, [](int x, int y, int low, int high) { (void)low; (void)high; (void)y; return x_formula; }); }
#define DH_PACKED_ONE(name, S, x_formula) \
    DH_PACKED(dh_##name, S, x_formula) \
    DH_IN unsigned __v##name##4(unsigned a) { return __vdh_##name##4(a, 0); } DH_IN unsigned __v##name##2(unsigned a) { return __vdh_##name##2(a, 0); }
#define DH_PACKED_SUM(name, S) \
    DH_IN unsigned __vsad##name##4(unsigned a, unsigned b) { unsigned r = 0, d = __vabsdiff##name##4(a, b); for (int k = 0; k < 4; ++k) r += d >> 8 * k & 255; return r; } \
    DH_IN unsigned __vsad##name##2(unsigned a, unsigned b) { const unsigned d = __vabsdiff##name##2(a, b); return (d & 65535) + (d >> 16); }
#define DH_PACKED_TEST(name, S, sign) DH_PACKED(cmp##name, S, x sign y ? -1 : 0) DH_PACKED(set##name, S, x sign y)
template <int N, bool S, class F> DH_IN unsigned dh_packed(unsigned a, unsigned b, F f) {
    const int bits = 32 / N, high = S ? (1 << (bits - 1)) - 1 : (1 << bits) - 1, low = S ? -high - 1 : 0;
    unsigned r = 0;
    for (int k = 0; k < 32; k += bits) {
        const unsigned mask = (1u << bits) - 1, x = a >> k & mask, y = b >> k & mask;
        r |= ((unsigned)f(S && (int)x > high ? (int)x - (1 << bits) : (int)x, S && (int)y > high ? (int)y - (1 << bits) : (int)y, low, high) & mask) << k;
    }
    return r;
}
#define DH_CLIP(e) ((e) < low ? low : (e) > high ? high : (e))
DH_PACKED(add, false, x + y) DH_PACKED(sub, false, x - y) DH_PACKED(addss, true, DH_CLIP(x + y)) DH_PACKED(addus, false, DH_CLIP(x + y))
DH_PACKED(subss, true, DH_CLIP(x - y)) DH_PACKED(subus, false, DH_CLIP(x - y)) DH_PACKED(avgs, true, (x + y + (x + y >= 0)) >> 1)
DH_PACKED(avgu, false, (x + y + 1) >> 1) DH_PACKED(haddu, false, (x + y) >> 1) DH_PACKED(absdiffs, true, x > y ? x - y : y - x)
DH_PACKED(absdiffu, false, x > y ? x - y : y - x) DH_PACKED(maxs, true, x > y ? x : y) DH_PACKED(maxu, false, x > y ? x : y)
DH_PACKED(mins, true, x < y ? x : y) DH_PACKED(minu, false, x < y ? x : y) DH_PACKED_TEST(eq, false, ==) DH_PACKED_TEST(ne, false, !=)
DH_PACKED_TEST(gts, true, >) DH_PACKED_TEST(gtu, false, >) DH_PACKED_TEST(ges, true, >=) DH_PACKED_TEST(geu, false, >=)
DH_PACKED_TEST(lts, true, <) DH_PACKED_TEST(ltu, false, <) DH_PACKED_TEST(les, true, <=) DH_PACKED_TEST(leu, false, <=)
DH_PACKED_ONE(neg, true, -x) DH_PACKED_ONE(negss, true, DH_CLIP(-x)) DH_PACKED_ONE(abs, true, x < 0 ? -x : x)
DH_PACKED_ONE(absss, true, DH_CLIP(x < 0 ? -x : x))
DH_PACKED_SUM(s, true) DH_PACKED_SUM(u, false)
DH_IN int __dp4a(int a, int b, int c) {
    for (int k = 0; k < 32; k += 8) c += (signed char)(a >> k) * (signed char)(b >> k);
    return c;
}
DH_IN unsigned __dp4a(unsigned a, unsigned b, unsigned c) {
    for (int k = 0; k < 32; k += 8) c += (a >> k & 255) * (b >> k & 255);
    return c;
}
#define DH_DOT2(name, at) \
    DH_IN int name(int a, int b, int c) { return c + (short)a * (signed char)(b >> at) + (short)(a >> 16) * (signed char)(b >> (at + 8)); } \
    DH_IN unsigned name(unsigned a, unsigned b, unsigned c) { return c + (a & 65535) * (b >> at & 255) + (a >> 16) * (b >> (at + 8) & 255); }
DH_DOT2(__dp2a_lo, 0) DH_DOT2(__dp2a_hi, 16)
