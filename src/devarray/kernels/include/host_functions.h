// What CUDA C and HIP know without a header: words, vectors, atomics, mathematics, intrinsics. `host_text.py` leaves out
// the parts that a source does not need (they take time to compile), so their headings are its, too.

// ---- words of the language --------------------------------------------------------------------
#define __CUDACC__ 1
#define __CUDA_ARCH__ 900
#define __global__ __attribute__((always_inline))
#define __device__
#define __host__
#define __constant__
#define __managed__
#define __grid_constant__
#define __forceinline__ __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __cluster_dims__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __shared__ static thread_local
#define DA_PUBLIC extern "C" __attribute__((visibility("default")))
#define DA_IN static inline __attribute__((always_inline))
#define DA_INT32 2147483647u

extern "C" {
void *malloc(__SIZE_TYPE__);
void free(void *);
int printf(const char *, ...);
int snprintf(char *, __SIZE_TYPE__, const char *, ...);
int vsnprintf(char *, __SIZE_TYPE__, const char *, __builtin_va_list);
int fflush(void *);
void *memcpy(void *, const void *, __SIZE_TYPE__);
void *memset(void *, int, __SIZE_TYPE__);
}
#define DA_VECTORS(T, name, a1, a2, a4) \
    struct __attribute__((aligned(a1))) name##1 { T x; }; \
    struct __attribute__((aligned(a2))) name##2 { T x, y; }; \
    struct name##3 { T x, y, z; }; \
    struct __attribute__((aligned(a4))) name##4 { T x, y, z, w; }; \
    DA_IN name##1 make_##name##1(T x) { return name##1{x}; } \
    DA_IN name##2 make_##name##2(T x, T y) { return name##2{x, y}; } \
    DA_IN name##3 make_##name##3(T x, T y, T z) { return name##3{x, y, z}; } \
    DA_IN name##4 make_##name##4(T x, T y, T z, T w) { return name##4{x, y, z, w}; }
DA_VECTORS(unsigned, uint, 4, 8, 16)
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
    constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
    constexpr operator uint3() const { return uint3{x, y, z}; }
};
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;
typedef __INTPTR_TYPE__ intptr_t;
typedef __UINTPTR_TYPE__ uintptr_t;
typedef __SIZE_TYPE__ size_t;
typedef __PTRDIFF_TYPE__ ptrdiff_t;

// ---- constants that kernels take from <float.h>, <limits.h>, <math.h> -----------------------------
#define FLT_MAX __FLT_MAX__
#define FLT_MIN __FLT_MIN__
#define FLT_EPSILON __FLT_EPSILON__
#define DBL_MAX __DBL_MAX__
#define DBL_MIN __DBL_MIN__
#define DBL_EPSILON __DBL_EPSILON__
#define CHAR_BIT 8
#define SHRT_MAX __SHRT_MAX__
#define INT_MAX __INT_MAX__
#define INT_MIN (-__INT_MAX__ - 1)
#define UINT_MAX (2u * __INT_MAX__ + 1)
#define LONG_MAX __LONG_MAX__
#define LONG_MIN (-__LONG_MAX__ - 1)
#define ULONG_MAX (2ul * __LONG_MAX__ + 1)
#define LLONG_MAX __LONG_LONG_MAX__
#define LLONG_MIN (-__LONG_LONG_MAX__ - 1)
#define ULLONG_MAX (2ull * __LONG_LONG_MAX__ + 1)
#define M_PI 3.14159265358979323846
#define M_PI_2 1.57079632679489661923
#define M_PI_4 0.78539816339744830962
#define M_1_PI 0.31830988618379067154
#define M_2_PI 0.63661977236758134308
#define M_E 2.7182818284590452354
#define M_LN2 0.69314718055994530942
#define M_LN10 2.30258509299404568402
#define M_LOG2E 1.4426950408889634074
#define M_LOG10E 0.43429448190325182765
#define M_SQRT2 1.41421356237309504880
#define M_SQRT1_2 0.70710678118654752440
#define INFINITY __builtin_inff()
#define NAN __builtin_nanf("")
#define HUGE_VAL __builtin_huge_val()
#define CUDART_INF_F __builtin_inff()
#define CUDART_INF __builtin_inf()
#define CUDART_NAN_F __builtin_nanf("")
#define CUDART_NAN __builtin_nan("")
#define CUDART_PI_F 3.141592654f
#define CUDART_PI 3.1415926535897931

// ---- vectors ------------------------------------------------------------------------------------------
DA_VECTORS(signed char, char, 1, 2, 4) DA_VECTORS(unsigned char, uchar, 1, 2, 4)
DA_VECTORS(short, short, 2, 4, 8) DA_VECTORS(unsigned short, ushort, 2, 4, 8)
DA_VECTORS(int, int, 4, 8, 16) 
DA_VECTORS(long, long, sizeof(long), 2 * sizeof(long), 16)
DA_VECTORS(unsigned long, ulong, sizeof(long), 2 * sizeof(long), 16)
DA_VECTORS(long long, longlong, 8, 16, 16) DA_VECTORS(unsigned long long, ulonglong, 8, 16, 16)
DA_VECTORS(float, float, 4, 8, 16) DA_VECTORS(double, double, 8, 16, 16)

// ---- mathematics ------------------------------------------------------------------------------------
// double f(double) and float ff(float) are libm's, and gcc takes them from libmvec where a loop is vectorised. Added
// are float f(float), and double f(integer).
#ifdef DA_MVEC
#define DA_SIMD __attribute__((simd("notinbranch"), const, nothrow))
#else
#define DA_SIMD __attribute__((const, nothrow))
#endif
#define DA_PURE __attribute__((const, nothrow))
template <class T> struct da_Whole {};
#define DA_WHOLE(T) template <> struct da_Whole<T> { typedef double type; };
DA_WHOLE(bool) DA_WHOLE(char) DA_WHOLE(signed char) DA_WHOLE(unsigned char) DA_WHOLE(short) DA_WHOLE(unsigned short)
DA_WHOLE(int) DA_WHOLE(unsigned) DA_WHOLE(long) DA_WHOLE(unsigned long) DA_WHOLE(long long) DA_WHOLE(unsigned long long)
template <class T> struct da_Real : da_Whole<T> {};
template <> struct da_Real<float> { typedef float type; };
template <> struct da_Real<double> { typedef double type; };
// What two numbers have in common, one of which is no float: double
template <class A, class B> struct da_Common { typedef typename da_Real<A>::type a; typedef typename da_Real<B>::type b; typedef double type; };
#define DA_UNARY(name, kind) \
    extern "C" double name(double) kind; extern "C" float name##f(float) kind; \
    DA_IN float name(float x) { return name##f(x); } \
    template <class T> DA_IN typename da_Whole<T>::type name(T x) { return name((double)x); }
#define DA_BINARY(name, kind) \
    extern "C" double name(double, double) kind; extern "C" float name##f(float, float) kind; \
    DA_IN float name(float x, float y) { return name##f(x, y); } \
    template <class A, class B> DA_IN typename da_Common<A, B>::type name(A x, B y) { return name((double)x, (double)y); }
DA_UNARY(exp, DA_SIMD) DA_UNARY(exp2, DA_SIMD) DA_UNARY(exp10, DA_SIMD) DA_UNARY(expm1, DA_SIMD) DA_UNARY(log, DA_SIMD)
DA_UNARY(log2, DA_SIMD) DA_UNARY(log10, DA_SIMD) DA_UNARY(log1p, DA_SIMD) DA_UNARY(sin, DA_SIMD) DA_UNARY(cos, DA_SIMD)
DA_UNARY(tan, DA_SIMD) DA_UNARY(asin, DA_SIMD) DA_UNARY(acos, DA_SIMD) DA_UNARY(atan, DA_SIMD) DA_UNARY(sinh, DA_SIMD)
DA_UNARY(cosh, DA_SIMD) DA_UNARY(tanh, DA_SIMD) DA_UNARY(asinh, DA_SIMD) DA_UNARY(acosh, DA_SIMD) DA_UNARY(atanh, DA_SIMD)
DA_UNARY(cbrt, DA_SIMD) DA_UNARY(erf, DA_SIMD) DA_UNARY(erfc, DA_SIMD)
DA_UNARY(sqrt, DA_PURE) DA_UNARY(fabs, DA_PURE) DA_UNARY(floor, DA_PURE) DA_UNARY(ceil, DA_PURE) DA_UNARY(trunc, DA_PURE)
DA_UNARY(rint, DA_PURE) DA_UNARY(nearbyint, DA_PURE) DA_UNARY(round, DA_PURE) DA_UNARY(logb, DA_PURE)
DA_UNARY(tgamma, DA_PURE) DA_UNARY(lgamma, ) DA_UNARY(j0, DA_PURE) DA_UNARY(j1, DA_PURE) DA_UNARY(y0, DA_PURE) DA_UNARY(y1, DA_PURE)
DA_BINARY(pow, DA_SIMD) DA_BINARY(atan2, DA_SIMD) DA_BINARY(hypot, DA_SIMD) DA_BINARY(fmod, DA_PURE) DA_BINARY(remainder, DA_PURE)
DA_BINARY(copysign, DA_PURE) DA_BINARY(fdim, DA_PURE) DA_BINARY(fmax, DA_PURE) DA_BINARY(fmin, DA_PURE) DA_BINARY(nextafter, DA_PURE)
DA_IN float pow(float x, int n) { return powf(x, (float)n); }
extern "C" {
double fma(double, double, double) DA_PURE; float fmaf(float, float, float) DA_PURE;
double ldexp(double, int) DA_PURE; float ldexpf(float, int) DA_PURE; double scalbn(double, int) DA_PURE; float scalbnf(float, int) DA_PURE;
double frexp(double, int *); float frexpf(float, int *); double modf(double, double *); float modff(float, float *);
double remquo(double, double, int *); float remquof(float, float, int *);
int ilogb(double) DA_PURE; int ilogbf(float) DA_PURE; double jn(int, double) DA_PURE; float jnf(int, float) DA_PURE;
double yn(int, double) DA_PURE; float ynf(int, float) DA_PURE;
long lrint(double) DA_PURE; long lrintf(float) DA_PURE; long lround(double) DA_PURE; long lroundf(float) DA_PURE;
long long llrint(double) DA_PURE; long long llrintf(float) DA_PURE; long long llround(double) DA_PURE; long long llroundf(float) DA_PURE;
int abs(int) DA_PURE; long labs(long) DA_PURE; long long llabs(long long) DA_PURE;
}
DA_IN float fma(float x, float y, float z) { return fmaf(x, y, z); }
DA_IN float ldexp(float x, int n) { return ldexpf(x, n); }
DA_IN float scalbn(float x, int n) { return scalbnf(x, n); }
DA_IN float frexp(float x, int *n) { return frexpf(x, n); }
DA_IN float modf(float x, float *whole) { return modff(x, whole); }
DA_IN float remquo(float x, float y, int *n) { return remquof(x, y, n); }
DA_IN int ilogb(float x) { return ilogbf(x); }
DA_IN long lrint(float x) { return lrintf(x); }
DA_IN long lround(float x) { return lroundf(x); }
DA_IN long long llrint(float x) { return llrintf(x); }
DA_IN long long llround(float x) { return llroundf(x); }
DA_IN long abs(long x) { return labs(x); }
DA_IN long long abs(long long x) { return llabs(x); }
DA_IN float abs(float x) { return fabsf(x); }
DA_IN double abs(double x) { return fabs(x); }
#define DA_OWN(f, T, s, one, pi) \
    DA_IN T rsqrt##s(T x) { return one / sqrt(x); } \
    DA_IN T rcbrt##s(T x) { return one / cbrt(x); } \
    DA_IN T sinpi##s(T x) { x -= 2 * rint(x / 2); T y = rint(2 * x), z = sin(pi * (x - y / 2)), c = cos(pi * (x - y / 2)); int k = (int)y & 3; \
        return x == 0 ? x : k == 0 ? z : k == 1 ? c : k == 2 ? -z : -c; } \
    DA_IN T cospi##s(T x) { return sinpi##s(x - 2 * rint(x / 2) + one / 2); } \
    DA_IN T normcdf##s(T x) { return one / 2 * erfc(x * (T)-M_SQRT1_2); } \
    DA_IN T norm3d##s(T x, T y, T z) { return hypot(hypot(x, y), z); } \
    DA_IN T rhypot##s(T x, T y) { return one / hypot(x, y); } \
    DA_IN void sincos##s(T x, T *a, T *b) { *a = sin(x); *b = cos(x); } \
    DA_IN void sincospi##s(T x, T *a, T *b) { *a = sinpi##s(x); *b = cospi##s(x); }
DA_OWN(f, float, f, 1.f, 3.14159265358979323846f) DA_OWN(f, double, , 1., M_PI)
DA_IN float rsqrt(float x) { return rsqrtf(x); }
#define DA_TEST(f) \
    DA_IN bool f(float x) { return __builtin_##f(x); } \
    DA_IN bool f(double x) { return __builtin_##f(x); } \
    template <class T> DA_IN bool f(T x) { return __builtin_##f((typename da_Whole<T>::type)x); }
DA_TEST(isnan) DA_TEST(isinf) DA_TEST(isfinite) DA_TEST(signbit)

#define DA_EXTREMES(A, B, R) \
    DA_IN R min(A x, B y) { return (R)x < (R)y ? (R)x : (R)y; } \
    DA_IN R max(A x, B y) { return (R)x > (R)y ? (R)x : (R)y; }
#define DA_WHOLE_EXTREMES(T) \
    DA_EXTREMES(T, T, T) DA_EXTREMES(unsigned T, unsigned T, unsigned T) DA_EXTREMES(T, unsigned T, unsigned T) DA_EXTREMES(unsigned T, T, unsigned T)
DA_WHOLE_EXTREMES(int) DA_WHOLE_EXTREMES(long) DA_WHOLE_EXTREMES(long long)
DA_IN float min(float x, float y) { return fminf(x, y); }
DA_IN float max(float x, float y) { return fmaxf(x, y); }
#define DA_REAL_EXTREMES(A, B) \
    DA_IN double min(A x, B y) { return fmin((double)x, (double)y); } \
    DA_IN double max(A x, B y) { return fmax((double)x, (double)y); }
DA_REAL_EXTREMES(double, double) DA_REAL_EXTREMES(float, double) DA_REAL_EXTREMES(double, float)
#define umin min
#define umax max

// ---- atomics ------------------------------------------------------------------------------------------
// A loop around compare-and-swap does what the processor has no instruction for. Bits are compared, not values.
template <int N> struct da_Bits {};
template <> struct da_Bits<2> { typedef unsigned short type; };
template <> struct da_Bits<4> { typedef unsigned type; };
template <> struct da_Bits<8> { typedef unsigned long long type; };
template <class T> DA_IN T da_swap_if(T *p, T expected, T desired) {
    typename da_Bits<sizeof(T)>::type e, d;
    memcpy(&e, &expected, sizeof e);
    memcpy(&d, &desired, sizeof d);
    __atomic_compare_exchange_n((decltype(e) *)p, &e, d, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    memcpy(&expected, &e, sizeof e);
    return expected;
}
template <class T> DA_IN bool da_same_bits(T a, T b) { return __builtin_memcmp(&a, &b, sizeof a) == 0; }
#define DA_UPDATE(T, p, formula) { \
    T old = *(volatile T *)p; \
    for (;;) { const T now = da_swap_if(p, old, (T)(formula)); if (da_same_bits(now, old)) return old; old = now; } }
#define DA_ATOMIC2(f, T, body) \
    DA_IN T f(T *p, T v) body DA_IN T f##_block(T *p, T v) body DA_IN T f##_system(T *p, T v) body \
    DA_IN T f(volatile T *q, T v) { return f((T *)q, v); }
#define DA_ATOMIC_WHOLE(T) \
    DA_ATOMIC2(atomicAdd, T, { return __atomic_fetch_add(p, v, __ATOMIC_ACQ_REL); }) \
    DA_ATOMIC2(atomicSub, T, { return __atomic_fetch_sub(p, v, __ATOMIC_ACQ_REL); }) \
    DA_ATOMIC2(atomicExch, T, { return __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL); }) \
    DA_ATOMIC2(atomicAnd, T, { return __atomic_fetch_and(p, v, __ATOMIC_ACQ_REL); }) \
    DA_ATOMIC2(atomicOr, T, { return __atomic_fetch_or(p, v, __ATOMIC_ACQ_REL); }) \
    DA_ATOMIC2(atomicXor, T, { return __atomic_fetch_xor(p, v, __ATOMIC_ACQ_REL); }) \
    DA_ATOMIC2(atomicMin, T, DA_UPDATE(T, p, v < old ? v : old)) \
    DA_ATOMIC2(atomicMax, T, DA_UPDATE(T, p, v > old ? v : old)) DA_ATOMIC_CAS(T)
#define DA_ATOMIC_CAS(T) \
    DA_IN T atomicCAS(T *p, T c, T v) { return da_swap_if(p, c, v); } \
    DA_IN T atomicCAS_block(T *p, T c, T v) { return da_swap_if(p, c, v); } \
    DA_IN T atomicCAS_system(T *p, T c, T v) { return da_swap_if(p, c, v); } \
    DA_IN T atomicCAS(volatile T *p, T c, T v) { return da_swap_if((T *)p, c, v); }
#define DA_ATOMIC_REAL(T) \
    DA_ATOMIC2(atomicAdd, T, DA_UPDATE(T, p, old + v)) DA_ATOMIC2(atomicSub, T, DA_UPDATE(T, p, old - v)) \
    DA_ATOMIC2(atomicMin, T, DA_UPDATE(T, p, v < old ? v : old)) DA_ATOMIC2(atomicMax, T, DA_UPDATE(T, p, v > old ? v : old)) \
    DA_ATOMIC2(atomicExch, T, DA_UPDATE(T, p, v))
DA_ATOMIC_WHOLE(int) DA_ATOMIC_WHOLE(unsigned) DA_ATOMIC_WHOLE(long) DA_ATOMIC_WHOLE(unsigned long)
DA_ATOMIC_WHOLE(long long) DA_ATOMIC_WHOLE(unsigned long long) DA_ATOMIC_CAS(unsigned short)
DA_ATOMIC_REAL(float) DA_ATOMIC_REAL(double)
DA_ATOMIC2(atomicInc, unsigned, DA_UPDATE(unsigned, p, old >= v ? 0 : old + 1))
DA_ATOMIC2(atomicDec, unsigned, DA_UPDATE(unsigned, p, old == 0 || old > v ? v : old - 1))
#define __threadfence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define __threadfence_block() __threadfence()
#define __threadfence_system() __threadfence()

// ---- intrinsics -----------------------------------------------------------------------------------------
template <class To, class From> DA_IN To da_reread(From x) {
    static_assert(sizeof(To) == sizeof(From), "");
    To r;
    memcpy(&r, &x, sizeof r);
    return r;
}
#define DA_SAME(own, T, f) DA_IN T own(T x) { return f; }
#define DA_SAME2(own, T, f) DA_IN T own(T x, T y) { return f; }
DA_SAME(__expf, float, expf(x)) DA_SAME(__exp10f, float, exp10f(x)) DA_SAME(__logf, float, logf(x)) DA_SAME(__log2f, float, log2f(x))
DA_SAME(__log10f, float, log10f(x)) DA_SAME(__sinf, float, sinf(x)) DA_SAME(__cosf, float, cosf(x)) DA_SAME(__tanf, float, tanf(x))
DA_SAME2(__powf, float, powf(x, y)) DA_SAME2(__fdividef, float, x / y) DA_SAME2(fdividef, float, x / y)
DA_SAME(__saturatef, float, x > 0 ? x < 1 ? x : 1 : 0) DA_SAME(saturate, float, __saturatef(x))
#define __sincosf sincosf
#define DA_ROUNDED(p, q, T) \
    DA_SAME2(__##p##add_rn, T, x + y) DA_SAME2(__##p##sub_rn, T, x - y) DA_SAME2(__##p##mul_rn, T, x * y) \
    DA_SAME2(__##p##div_rn, T, x / y) DA_SAME(__##p##rcp_rn, T, 1 / x) DA_SAME(__##p##sqrt_rn, T, sqrt(x)) \
    DA_IN T __##q##_rn(T x, T y, T z) { return fma(x, y, z); }
DA_ROUNDED(f, fmaf, float) DA_ROUNDED(d, fma, double)
DA_SAME(__frsqrt_rn, float, (float)(1 / sqrt((double)x)))
#define DA_CONVERT(f, From, To) \
    DA_IN To f##_rn(From x) { return (To)rint(x); } DA_IN To f##_rz(From x) { return (To)x; } \
    DA_IN To f##_rd(From x) { return (To)floor(x); } DA_IN To f##_ru(From x) { return (To)ceil(x); }
DA_CONVERT(__float2int, float, int) DA_CONVERT(__float2uint, float, unsigned) DA_CONVERT(__float2ll, float, long long)
DA_CONVERT(__float2ull, float, unsigned long long) DA_CONVERT(__double2int, double, int) DA_CONVERT(__double2uint, double, unsigned)
DA_CONVERT(__double2ll, double, long long) DA_CONVERT(__double2ull, double, unsigned long long)
#define DA_TO(f, From, To) DA_IN To f(From x) { return (To)x; }
DA_TO(__int2float_rn, int, float) DA_TO(__uint2float_rn, unsigned, float) DA_TO(__ll2float_rn, long long, float)
DA_TO(__ull2float_rn, unsigned long long, float) DA_TO(__double2float_rn, double, float) DA_TO(__int2double_rn, int, double)
DA_TO(__uint2double_rn, unsigned, double) DA_TO(__ll2double_rn, long long, double) DA_TO(__ull2double_rn, unsigned long long, double)
DA_IN int __float_as_int(float x) { return da_reread<int>(x); }
DA_IN unsigned __float_as_uint(float x) { return da_reread<unsigned>(x); }
DA_IN float __int_as_float(int x) { return da_reread<float>(x); }
DA_IN float __uint_as_float(unsigned x) { return da_reread<float>(x); }
DA_IN long long __double_as_longlong(double x) { return da_reread<long long>(x); }
DA_IN double __longlong_as_double(long long x) { return da_reread<double>(x); }
DA_IN int __double2hiint(double x) { return (int)(da_reread<long long>(x) >> 32); }
DA_IN int __double2loint(double x) { return (int)da_reread<long long>(x); }
DA_IN double __hiloint2double(int high, int low) { return da_reread<double>((unsigned long long)(unsigned)high << 32 | (unsigned)low); }

DA_IN int __popc(unsigned x) { return __builtin_popcount(x); }
DA_IN int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
DA_IN int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
DA_IN int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
DA_IN int __ffs(int x) { return __builtin_ffs(x); }
DA_IN int __ffsll(long long x) { return __builtin_ffsll(x); }
DA_IN unsigned __brev(unsigned x) {
    x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
    x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
    return __builtin_bswap32(x);
}
DA_IN unsigned long long __brevll(unsigned long long x) {
    return (unsigned long long)__brev((unsigned)x) << 32 | __brev((unsigned)(x >> 32));
}
DA_IN int __mul24(int x, int y) { return (x << 8 >> 8) * (y << 8 >> 8); }
DA_IN unsigned __umul24(unsigned x, unsigned y) { return (x & 0xffffffu) * (y & 0xffffffu); }
DA_IN int __mulhi(int x, int y) { return (int)((long long)x * y >> 32); }
DA_IN unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)((unsigned long long)x * y >> 32); }
DA_IN long long __mul64hi(long long x, long long y) { return (long long)((__int128)x * y >> 64); }
DA_IN unsigned long long __umul64hi(unsigned long long x, unsigned long long y) { return (unsigned long long)((unsigned __int128)x * y >> 64); }
DA_IN unsigned __sad(int x, int y, unsigned z) { return z + (x > y ? (unsigned)x - (unsigned)y : (unsigned)y - (unsigned)x); }
DA_IN unsigned __usad(unsigned x, unsigned y, unsigned z) { return z + (x > y ? x - y : y - x); }
DA_IN int __hadd(int x, int y) { return (int)(((long long)x + y) >> 1); }
DA_IN int __rhadd(int x, int y) { return (int)(((long long)x + y + 1) >> 1); }
DA_IN unsigned __uhadd(unsigned x, unsigned y) { return (unsigned)(((unsigned long long)x + y) >> 1); }
DA_IN unsigned __urhadd(unsigned x, unsigned y) { return (unsigned)(((unsigned long long)x + y + 1) >> 1); }
DA_IN unsigned __funnelshift_l(unsigned low, unsigned high, unsigned n) {
    return (unsigned)(((unsigned long long)high << 32 | low) << (n & 31) >> 32);
}
DA_IN unsigned __funnelshift_r(unsigned low, unsigned high, unsigned n) {
    return (unsigned)(((unsigned long long)high << 32 | low) >> (n & 31));
}
DA_IN unsigned __byte_perm(unsigned x, unsigned y, unsigned s) {
    const unsigned long long both = (unsigned long long)y << 32 | x;
    unsigned r = 0;
    for (int k = 0; k < 4; ++k) {
        const unsigned which = s >> 4 * k, byte = (unsigned)(both >> 8 * (which & 7)) & 255;
        r |= (which & 8 ? (byte & 128 ? 255u : 0u) : byte) << 8 * k;
    }
    return r;
}
#define DA_LOAD(f) template <class T> DA_IN T f(const T *p) { return *p; }
DA_LOAD(__ldg) DA_LOAD(__ldca) DA_LOAD(__ldcg) DA_LOAD(__ldcs) DA_LOAD(__ldlu) DA_LOAD(__ldcv)
#define DA_STORE(f) template <class T> DA_IN void f(T *p, T x) { *p = x; }
DA_STORE(__stwb) DA_STORE(__stcg) DA_STORE(__stcs) DA_STORE(__stwt)
DA_IN long long clock64() {
#if defined(__x86_64__)
    return (long long)__builtin_ia32_rdtsc();
#else
    long long r;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(r));
    return r;
#endif
}
DA_IN long clock() { return (long)clock64(); }
DA_IN void __nanosleep(unsigned) {}
