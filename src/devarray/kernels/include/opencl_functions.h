// Mathematics and intrinsics of CUDA C in C++ for OpenCL 2021, behind `opencl_grid.h`; then words that OpenCL keeps for itself.

// ---- constants --------------------------------------------------------------------------------------
#define LLONG_MAX LONG_MAX
#define LLONG_MIN LONG_MIN
#define ULLONG_MAX ULONG_MAX
#define CUDART_INF_F INFINITY
#define CUDART_INF ((double)INFINITY)
#define CUDART_NAN_F NAN
#define CUDART_NAN ((double)NAN)
#define INTPTR_MAX LONG_MAX
#define UINTPTR_MAX ULONG_MAX
#define PTRDIFF_MAX LONG_MAX
#define SIZE_MAX ULONG_MAX
#define INT8_C(x) x
#define UINT8_C(x) x
#define INT16_C(x) x
#define UINT16_C(x) x
#define INT32_C(x) x
#define UINT32_C(x) x##u
#define INT64_C(x) x##l
#define UINT64_C(x) x##ul

// ---- mathematics --------------------------------------------------------------------------------------
// OpenCL has them for float, double and half under one name. Added are the names with f, and integers, which become double.
template <class T> struct da_Whole {};
#define DA_WHOLE(T) template <> struct da_Whole<T> { typedef double type; };
DA_WHOLE(bool) DA_WHOLE(char) DA_WHOLE(uchar) DA_WHOLE(short) DA_WHOLE(ushort) DA_WHOLE(int) DA_WHOLE(uint)
DA_WHOLE(long) DA_WHOLE(ulong)
template <class T> struct da_Real : da_Whole<T> {};
template <> struct da_Real<float> { typedef float type; };
template <> struct da_Real<double> { typedef double type; };
template <class...> struct da_Void { typedef void type; };
template <class A, class B, class = void> struct da_Common {};  // others have functions of these names of their own
template <class A, class B> struct da_Common<A, B, typename da_Void<typename da_Real<A>::type, typename da_Real<B>::type>::type> {
    typedef double type;
};
#define DA_UNARY(name) \
    DA_IN float name##f(float x) { return name(x); } \
    template <class T> DA_IN typename da_Whole<T>::type name(T x) { return name((double)x); }
#define DA_BINARY(name) \
    DA_IN float name##f(float x, float y) { return name(x, y); } \
    template <class A, class B> DA_IN typename da_Common<A, B>::type name(A x, B y) { return name((double)x, (double)y); }
DA_IN float nearbyint(float x) { return rint(x); }
DA_IN double nearbyint(double x) { return rint(x); }
DA_IN float normcdf(float x) { return 0.5f * erfc(x * -M_SQRT1_2_F); }
DA_IN double normcdf(double x) { return 0.5 * erfc(x * -M_SQRT1_2); }
DA_IN float rcbrt(float x) { return 1 / cbrt(x); }
DA_IN double rcbrt(double x) { return 1 / cbrt(x); }
#define DA_SPECIAL(name) DA_IN float name(float x) { return (float)name((double)x); } DA_UNARY(name)
DA_SPECIAL(erfinv) DA_SPECIAL(erfcinv) DA_SPECIAL(normcdfinv) DA_SPECIAL(erfcx) DA_SPECIAL(cyl_bessel_i0) DA_SPECIAL(cyl_bessel_i1)
DA_UNARY(exp) DA_UNARY(exp2) DA_UNARY(exp10) DA_UNARY(expm1) DA_UNARY(log) DA_UNARY(log2) DA_UNARY(log10) DA_UNARY(log1p)
DA_UNARY(sin) DA_UNARY(cos) DA_UNARY(tan) DA_UNARY(asin) DA_UNARY(acos) DA_UNARY(atan) DA_UNARY(sinh) DA_UNARY(cosh) DA_UNARY(tanh)
DA_UNARY(asinh) DA_UNARY(acosh) DA_UNARY(atanh) DA_UNARY(cbrt) DA_UNARY(erf) DA_UNARY(erfc) DA_UNARY(sqrt) DA_UNARY(rsqrt) DA_UNARY(fabs)
DA_UNARY(floor) DA_UNARY(ceil) DA_UNARY(trunc) DA_UNARY(rint) DA_UNARY(round) DA_UNARY(logb) DA_UNARY(tgamma) DA_UNARY(lgamma)
DA_UNARY(sinpi) DA_UNARY(cospi) DA_UNARY(nearbyint) DA_UNARY(normcdf) DA_UNARY(rcbrt)
DA_BINARY(atan2) DA_BINARY(hypot) DA_BINARY(fmod) DA_BINARY(remainder) DA_BINARY(copysign) DA_BINARY(fdim)
DA_BINARY(fmax) DA_BINARY(fmin) DA_BINARY(nextafter)
// Not under OpenCL's own names: Intel's compiler takes functions of such names for its own, whatever their parameters
DA_IN float powf(float x, float y) { return pow(x, y); }
DA_IN float da_pow(float x, float y) { return pow(x, y); }
DA_IN float da_pow(float x, int y) { return pow(x, (float)y); }
DA_IN double da_pow(double x, double y) { return pow(x, y); }
template <class A, class B> DA_IN typename da_Common<A, B>::type da_pow(A x, B y) { return pow((double)x, (double)y); }
#define pow da_pow
DA_IN void da_sincos(float x, float *a, float *b) { *a = sin(x); *b = cos(x); }
DA_IN void da_sincos(double x, double *a, double *b) { *a = sin(x); *b = cos(x); }
#define sincos da_sincos
#define sincosf da_sincos
#define DA_OWN(T, s) \
    DA_IN void sincospi##s(T x, T *a, T *b) { *a = sinpi(x); *b = cospi(x); } \
    DA_IN T norm3d##s(T x, T y, T z) { return hypot(hypot(x, y), z); } \
    DA_IN T rhypot##s(T x, T y) { return 1 / hypot(x, y); }
DA_OWN(float, f) DA_OWN(double, )
DA_IN float fmaf(float x, float y, float z) { return fma(x, y, z); }
DA_IN float ldexpf(float x, int n) { return ldexp(x, n); }
DA_IN float scalbn(float x, int n) { return ldexp(x, n); }
DA_IN float scalbnf(float x, int n) { return ldexp(x, n); }
DA_IN double scalbn(double x, int n) { return ldexp(x, n); }
DA_IN float frexpf(float x, int *n) { return frexp(x, n); }
DA_IN float modff(float x, float *whole) { return modf(x, whole); }
DA_IN int ilogbf(float x) { return ilogb(x); }
#define DA_TO_WHOLE(f, T) \
    DA_IN T l##f(float x) { return (T)f(x); } DA_IN T l##f(double x) { return (T)f(x); } DA_IN T l##f##f(float x) { return (T)f(x); } \
    DA_IN long ll##f(float x) { return (long)f(x); } DA_IN long ll##f(double x) { return (long)f(x); } \
    DA_IN long ll##f##f(float x) { return (long)f(x); }
DA_TO_WHOLE(rint, long) DA_TO_WHOLE(round, long)
template <class T> DA_IN typename da_Whole<T>::type isnan(T) { return 0; }
template <class T> DA_IN typename da_Whole<T>::type isinf(T) { return 0; }
template <class T> DA_IN typename da_Whole<T>::type isfinite(T) { return 1; }
DA_IN int da_abs(int x) { return x < 0 ? -x : x; }
DA_IN long da_abs(long x) { return x < 0 ? -x : x; }
DA_IN float da_abs(float x) { return fabs(x); }
DA_IN double da_abs(double x) { return fabs(x); }
#define DA_EXTREMES(A, B, R) \
    DA_IN R da_min(A x, B y) { return (R)x < (R)y ? (R)x : (R)y; } \
    DA_IN R da_max(A x, B y) { return (R)x > (R)y ? (R)x : (R)y; }
#define DA_WHOLE_EXTREMES(T) \
    DA_EXTREMES(T, T, T) DA_EXTREMES(unsigned T, unsigned T, unsigned T) DA_EXTREMES(T, unsigned T, unsigned T) DA_EXTREMES(unsigned T, T, unsigned T)
DA_WHOLE_EXTREMES(int) DA_WHOLE_EXTREMES(long)
#define DA_REAL_EXTREMES(A, B, R) \
    DA_IN R da_min(A x, B y) { return fmin((R)x, (R)y); } DA_IN R da_max(A x, B y) { return fmax((R)x, (R)y); }
DA_REAL_EXTREMES(float, float, float) DA_REAL_EXTREMES(double, double, double) DA_REAL_EXTREMES(float, double, double) DA_REAL_EXTREMES(double, float, double)
#define abs da_abs
#define labs da_abs
#define llabs da_abs
#define min da_min
#define max da_max
#define umin da_min
#define umax da_max

// ---- intrinsics -----------------------------------------------------------------------------------------
#define DA_SAME(own, T, f) DA_IN T own(T x) { return f; }
#define DA_SAME2(own, T, f) DA_IN T own(T x, T y) { return f; }
DA_SAME(__expf, float, exp(x)) DA_SAME(__exp10f, float, exp10(x)) DA_SAME(__logf, float, log(x)) DA_SAME(__log2f, float, log2(x))
DA_SAME(__log10f, float, log10(x)) DA_SAME(__sinf, float, sin(x)) DA_SAME(__cosf, float, cos(x)) DA_SAME(__tanf, float, tan(x))
DA_SAME2(__powf, float, powf(x, y)) DA_SAME2(__fdividef, float, x / y) DA_SAME2(fdividef, float, x / y)
DA_SAME(__saturatef, float, x > 0 ? x < 1 ? x : 1 : 0) DA_SAME(saturate, float, __saturatef(x))
#define __sincosf sincosf
#define DA_ROUNDED(p, q, T) \
    DA_SAME2(__##p##add_rn, T, ({ _Pragma("clang fp contract(off)") x + y; })) DA_SAME2(__##p##sub_rn, T, ({ _Pragma("clang fp contract(off)") x - y; })) \
    DA_SAME2(__##p##mul_rn, T, ({ _Pragma("clang fp contract(off)") x * y; })) \
    DA_SAME2(__##p##div_rn, T, x / y) DA_SAME(__##p##rcp_rn, T, 1 / x) DA_SAME(__##p##sqrt_rn, T, sqrt(x)) \
    DA_IN T __##q##_rn(T x, T y, T z) { return fma(x, y, z); }
DA_ROUNDED(f, fmaf, float) DA_ROUNDED(d, fma, double)
DA_SAME(__frsqrt_rn, float, (float)(1 / sqrt((double)x)))
#define DA_CONVERT(f, From, To, C) \
    DA_IN To f##_rn(From x) { return (To)convert_##C##_sat_rte(x); } DA_IN To f##_rz(From x) { return (To)convert_##C##_sat_rtz(x); } \
    DA_IN To f##_rd(From x) { return (To)convert_##C##_sat_rtn(x); } DA_IN To f##_ru(From x) { return (To)convert_##C##_sat_rtp(x); }
DA_CONVERT(__float2int, float, int, int) DA_CONVERT(__float2uint, float, uint, uint) DA_CONVERT(__float2ll, float, long, long)
DA_CONVERT(__float2ull, float, ulong, ulong) DA_CONVERT(__double2int, double, int, int) DA_CONVERT(__double2uint, double, uint, uint)
DA_CONVERT(__double2ll, double, long, long) DA_CONVERT(__double2ull, double, ulong, ulong)
#define DA_TO(f, From, To) DA_IN To f(From x) { return (To)x; }
DA_TO(__int2float_rn, int, float) DA_TO(__uint2float_rn, uint, float) DA_TO(__ll2float_rn, long, float)
DA_TO(__ull2float_rn, ulong, float) DA_TO(__double2float_rn, double, float) DA_TO(__int2double_rn, int, double)
DA_TO(__uint2double_rn, uint, double) DA_TO(__ll2double_rn, long, double) DA_TO(__ull2double_rn, ulong, double)
DA_IN int __float_as_int(float x) { return as_int(x); }
DA_IN uint __float_as_uint(float x) { return as_uint(x); }
DA_IN float __int_as_float(int x) { return as_float(x); }
DA_IN float __uint_as_float(uint x) { return as_float(x); }
DA_IN long __double_as_longlong(double x) { return as_long(x); }
DA_IN double __longlong_as_double(long x) { return as_double((long)x); }
DA_IN int __double2hiint(double x) { return (int)(as_long(x) >> 32); }
DA_IN int __double2loint(double x) { return (int)as_long(x); }
DA_IN double __hiloint2double(int high, int low) { return as_double((ulong)(uint)high << 32 | (uint)low); }
DA_IN int __popc(uint x) { return (int)popcount(x); }
DA_IN int __popcll(ulong x) { return (int)popcount((ulong)x); }
DA_IN int __clz(int x) { return clz(x); }
DA_IN int __clzll(long x) { return (int)clz((long)x); }
DA_IN int __ffs(int x) { return x ? (int)ctz((uint)x) + 1 : 0; }
DA_IN int __ffsll(long x) { return x ? (int)ctz((ulong)x) + 1 : 0; }
DA_IN uint __brev(uint x) {
    x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
    x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
    return as_uint(as_uchar4(x).wzyx);
}
DA_IN ulong __brevll(ulong x) { return (ulong)__brev((uint)x) << 32 | __brev((uint)(x >> 32)); }
DA_IN int __mul24(int x, int y) { return (x << 8 >> 8) * (y << 8 >> 8); }
DA_IN uint __umul24(uint x, uint y) { return (x & 0xffffffu) * (y & 0xffffffu); }
DA_IN int __mulhi(int x, int y) { return mul_hi(x, y); }
DA_IN uint __umulhi(uint x, uint y) { return mul_hi(x, y); }
DA_IN long __mul64hi(long x, long y) { return mul_hi((long)x, (long)y); }
DA_IN ulong __umul64hi(ulong x, ulong y) { return mul_hi((ulong)x, (ulong)y); }
DA_IN uint __sad(int x, int y, uint z) { return z + abs_diff(x, y); }
DA_IN uint __usad(uint x, uint y, uint z) { return z + abs_diff(x, y); }
DA_IN int __hadd(int x, int y) { return hadd(x, y); }
DA_IN int __rhadd(int x, int y) { return rhadd(x, y); }
DA_IN uint __uhadd(uint x, uint y) { return hadd(x, y); }
DA_IN uint __urhadd(uint x, uint y) { return rhadd(x, y); }
DA_IN uint __funnelshift_l(uint low, uint high, uint n) { return (uint)(((ulong)high << 32 | low) << (n & 31) >> 32); }
DA_IN uint __funnelshift_r(uint low, uint high, uint n) { return (uint)(((ulong)high << 32 | low) >> (n & 31)); }
DA_IN uint __byte_perm(uint x, uint y, uint s) {
    const ulong both = (ulong)y << 32 | x;
    uint r = 0;
    for (int k = 0; k < 4; ++k) {
        const uint which = s >> 4 * k, byte = (uint)(both >> 8 * (which & 7)) & 255;
        r |= (which & 8 ? (byte & 128 ? 255u : 0u) : byte) << 8 * k;
    }
    return r;
}
#define DA_LOAD(f) template <class T> DA_IN T f(const __generic T *p) { return *p; }
DA_LOAD(__ldg) DA_LOAD(__ldca) DA_LOAD(__ldcg) DA_LOAD(__ldcs) DA_LOAD(__ldlu) DA_LOAD(__ldcv)
#define DA_STORE(f) template <class T> DA_IN void f(__generic T *p, T x) { *p = x; }
DA_STORE(__stwb) DA_STORE(__stcg) DA_STORE(__stcs) DA_STORE(__stwt)
DA_IN long clock64() { return (long)__builtin_readcyclecounter(); }
typedef long clock_t;
DA_IN long clock() { return (long)clock64(); }
DA_IN void __nanosleep(uint) {}

// ---- numbers of 16 bits ---------------------------------------------------------------------------------
#ifdef cl_khr_fp16
#define __half half
DA_IN half __float2half(float x) { return convert_half_rte(x); }
DA_IN half __float2half_rn(float x) { return convert_half_rte(x); }
DA_IN half __double2half(double x) { return convert_half_rte(x); }
DA_IN float __half2float(half x) { return x; }
DA_IN half __int2half_rn(int x) { return convert_half_rte(x); }
DA_IN int __half2int_rz(half x) { return (int)x; }
DA_IN half __ushort_as_half(ushort x) { return as_half(x); }
DA_IN ushort __half_as_ushort(half x) { return as_ushort(x); }
DA_IN half __hadd(half x, half y) { return x + y; }
DA_IN half __hsub(half x, half y) { return x - y; }
DA_IN half __hmul(half x, half y) { return x * y; }
DA_IN half __hdiv(half x, half y) { return x / y; }
DA_IN half __hneg(half x) { return -x; }
DA_IN half __hfma(half x, half y, half z) { return fma(x, y, z); }
DA_IN bool __heq(half x, half y) { return x == y; }
DA_IN bool __hne(half x, half y) { return x != y; }
DA_IN bool __hlt(half x, half y) { return x < y; }
DA_IN bool __hle(half x, half y) { return x <= y; }
DA_IN bool __hgt(half x, half y) { return x > y; }
DA_IN bool __hge(half x, half y) { return x >= y; }
DA_IN bool __hisnan(half x) { return x != x; }
DA_IN half hsqrt(half x) { return sqrt(x); }
DA_IN half hexp(half x) { return exp(x); }
DA_IN half hlog(half x) { return log(x); }
// OpenCL has its own functions for them; ours have them as floats
#define DA_OF_HALF(name, T) DA_IN T name(half x) { return name((float)x); }
DA_OF_HALF(normcdf, float) DA_OF_HALF(rcbrt, float) DA_OF_HALF(nearbyint, float) DA_OF_HALF(da_abs, float)
DA_OF_HALF(erfinv, float) DA_OF_HALF(erfcinv, float) DA_OF_HALF(normcdfinv, float) DA_OF_HALF(erfcx, float)
DA_OF_HALF(cyl_bessel_i0, float) DA_OF_HALF(cyl_bessel_i1, float)
DA_OF_HALF(lrint, long) DA_OF_HALF(lround, long) DA_OF_HALF(llrint, long) DA_OF_HALF(llround, long)
#define DA_OF_HALVES(name) \
    DA_IN float name(half x, half y) { return name((float)x, (float)y); } \
    DA_IN float name(half x, float y) { return name((float)x, y); } DA_IN float name(float x, half y) { return name(x, (float)y); }
DA_OF_HALVES(da_pow) DA_OF_HALVES(da_min) DA_OF_HALVES(da_max)
#endif

// ---- words that OpenCL keeps for itself, and CUDA does not ------------------------------
#define local da_name_local
#define global da_name_global
#define constant da_name_constant
#define kernel da_name_kernel
#define generic da_name_generic
#define pipe da_name_pipe
#define read_only da_name_read_only
#define write_only da_name_write_only
#define read_write da_name_read_write
// The vectors of CUDA are structures: three floats have 12 bytes
#define char1 da_char1
#define char2 da_char2
#define char3 da_char3
#define char4 da_char4
#define uchar1 da_uchar1
#define uchar2 da_uchar2
#define uchar3 da_uchar3
#define uchar4 da_uchar4
#define short1 da_short1
#define short2 da_short2
#define short3 da_short3
#define short4 da_short4
#define ushort1 da_ushort1
#define ushort2 da_ushort2
#define ushort3 da_ushort3
#define ushort4 da_ushort4
#define int1 da_int1
#define int2 da_int2
#define int3 da_int3
#define int4 da_int4
#define uint1 da_uint1
#define uint2 da_uint2
#define uint3 da_uint3
#define uint4 da_uint4
#define long1 da_long1
#define long2 da_long2
#define long3 da_long3
#define long4 da_long4
#define ulong1 da_ulong1
#define ulong2 da_ulong2
#define ulong3 da_ulong3
#define ulong4 da_ulong4
#define longlong1 da_long1
#define longlong2 da_long2
#define longlong3 da_long3
#define longlong4 da_long4
#define ulonglong1 da_ulong1
#define ulonglong2 da_ulong2
#define ulonglong3 da_ulong3
#define ulonglong4 da_ulong4
#define float1 da_float1
#define float2 da_float2
#define float3 da_float3
#define float4 da_float4
#define double1 da_double1
#define double2 da_double2
#define double3 da_double3
#define double4 da_double4
#define make_longlong1 make_long1
#define make_longlong2 make_long2
#define make_longlong3 make_long3
#define make_longlong4 make_long4
#define make_ulonglong1 make_ulong1
#define make_ulonglong2 make_ulong2
#define make_ulonglong3 make_ulong3
#define make_ulonglong4 make_ulong4
