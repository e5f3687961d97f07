// What CUDA C and HIP know without a header: words, vectors, atomics, mathematics, intrinsics. `host_text.py` leaves out
// the parts that a source does not need (they take time to compile), so their headings are its, too.

// ---- words of the language --------------------------------------------------------------------
#define __CUDACC__ 1
#define __CUDA_ARCH__ 900
#define __global__ inline __attribute__((always_inline))
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
#define DH_PUBLIC extern "C" __attribute__((visibility("default")))
#define DH_IN static inline __attribute__((always_inline))
#define DH_INT32 2147483647u
#define NULL __null

extern "C" {
void *malloc(__SIZE_TYPE__);
void free(void *);
int printf(const char *, ...);
int snprintf(char *, __SIZE_TYPE__, const char *, ...);
int vsnprintf(char *, __SIZE_TYPE__, const char *, __builtin_va_list);
int dh_flush(void *) __asm__("fflush");
void *memcpy(void *, const void *, __SIZE_TYPE__);
void *memset(void *, int, __SIZE_TYPE__);
}
#define DH_VECTORS(T, name, a1, a2, a4) \
    struct __attribute__((aligned(a1))) name##1 { T x; }; \
    struct __attribute__((aligned(a2))) name##2 { T x, y; }; \
    struct name##3 { T x, y, z; }; \
    struct __attribute__((aligned(a4))) name##4 { T x, y, z, w; }; \
    DH_IN name##1 make_##name##1(T x) { return name##1{x}; } \
    DH_IN name##2 make_##name##2(T x, T y) { return name##2{x, y}; } \
    DH_IN name##3 make_##name##3(T x, T y, T z) { return name##3{x, y, z}; } \
    DH_IN name##4 make_##name##4(T x, T y, T z, T w) { return name##4{x, y, z, w}; }
DH_VECTORS(unsigned, uint, 4, 8, 16)
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
typedef long clock_t;
typedef __PTRDIFF_TYPE__ ssize_t;

// ---- constants that kernels take from <float.h>, <limits.h>, <math.h> -----------------------------
#define FLT_MAX __FLT_MAX__
#define FLT_MIN __FLT_MIN__
#define FLT_EPSILON __FLT_EPSILON__
#define DBL_MAX __DBL_MAX__
#define DBL_MIN __DBL_MIN__
#define DBL_EPSILON __DBL_EPSILON__
#define FLT_DIG __FLT_DIG__
#define FLT_MANT_DIG __FLT_MANT_DIG__
#define FLT_MIN_EXP __FLT_MIN_EXP__
#define FLT_MAX_EXP __FLT_MAX_EXP__
#define DBL_DIG __DBL_DIG__
#define DBL_MANT_DIG __DBL_MANT_DIG__
#define DBL_MIN_EXP __DBL_MIN_EXP__
#define DBL_MAX_EXP __DBL_MAX_EXP__
#define FLT_RADIX __FLT_RADIX__
#define CHAR_BIT 8
#define SHRT_MAX __SHRT_MAX__
#define SCHAR_MAX __SCHAR_MAX__
#define SCHAR_MIN (-__SCHAR_MAX__ - 1)
#define UCHAR_MAX (2 * __SCHAR_MAX__ + 1)
#define CHAR_MAX ((char)-1 > 0 ? UCHAR_MAX : SCHAR_MAX)
#define CHAR_MIN ((char)-1 > 0 ? 0 : SCHAR_MIN)
#define SHRT_MIN (-__SHRT_MAX__ - 1)
#define USHRT_MAX (2 * __SHRT_MAX__ + 1)
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
#define M_2_SQRTPI 1.12837916709551257390
#define HUGE_VALF __builtin_huge_valf()
#define INTPTR_MAX __INTPTR_MAX__
#define UINTPTR_MAX __UINTPTR_MAX__
#define PTRDIFF_MAX __PTRDIFF_MAX__
#define SIZE_MAX __SIZE_MAX__
#define INT8_C(x) __INT8_C(x)
#define UINT8_C(x) __UINT8_C(x)
#define INT16_C(x) __INT16_C(x)
#define UINT16_C(x) __UINT16_C(x)
#define INT32_C(x) __INT32_C(x)
#define UINT32_C(x) __UINT32_C(x)
#define INT64_C(x) __INT64_C(x)
#define UINT64_C(x) __UINT64_C(x)

// ---- vectors ------------------------------------------------------------------------------------------
DH_VECTORS(signed char, char, 1, 2, 4) DH_VECTORS(unsigned char, uchar, 1, 2, 4)
DH_VECTORS(short, short, 2, 4, 8) DH_VECTORS(unsigned short, ushort, 2, 4, 8)
DH_VECTORS(int, int, 4, 8, 16) 
DH_VECTORS(long, long, sizeof(long), 2 * sizeof(long), 16)
DH_VECTORS(unsigned long, ulong, sizeof(long), 2 * sizeof(long), 16)
DH_VECTORS(long long, longlong, 8, 16, 16) DH_VECTORS(unsigned long long, ulonglong, 8, 16, 16)
DH_VECTORS(float, float, 4, 8, 16) DH_VECTORS(double, double, 8, 16, 16)

// ---- mathematics ------------------------------------------------------------------------------------
// double f(double) and float ff(float) are libm's, and gcc takes them from libmvec where a loop is vectorised. Added
// are float f(float), and double f(integer).
#ifdef DA_MVEC
#define DH_SIMD __attribute__((simd("notinbranch"), const, nothrow))
#else
#define DH_SIMD __attribute__((const, nothrow))
#endif
#define DH_PURE __attribute__((const, nothrow))
template <class T> struct dh_Whole {};
#define DH_WHOLE(T) template <> struct dh_Whole<T> { typedef double type; };
DH_WHOLE(bool) DH_WHOLE(char) DH_WHOLE(signed char) DH_WHOLE(unsigned char) DH_WHOLE(short) DH_WHOLE(unsigned short)
DH_WHOLE(int) DH_WHOLE(unsigned) DH_WHOLE(long) DH_WHOLE(unsigned long) DH_WHOLE(long long) DH_WHOLE(unsigned long long)
template <class T> struct dh_Real : dh_Whole<T> {};
template <> struct dh_Real<float> { typedef float type; };
template <> struct dh_Real<double> { typedef double type; };
// What two numbers have in common, one of which is no float: double
template <class...> struct dh_Void { typedef void type; };
template <class A, class B, class = void> struct dh_Common {};  // others have functions of these names of their own
template <class A, class B> struct dh_Common<A, B, typename dh_Void<typename dh_Real<A>::type, typename dh_Real<B>::type>::type> {
    typedef double type;
};
#define DH_UNARY(name, kind) \
    extern "C" double name(double) kind; extern "C" float name##f(float) kind; \
    DH_IN float name(float x) { return name##f(x); } \
    template <class T> DH_IN typename dh_Whole<T>::type name(T x) { return name((double)x); }
#define DH_BINARY(name, kind) \
    extern "C" double name(double, double) kind; extern "C" float name##f(float, float) kind; \
    DH_IN float name(float x, float y) { return name##f(x, y); } \
    template <class A, class B> DH_IN typename dh_Common<A, B>::type name(A x, B y) { return name((double)x, (double)y); }
DH_UNARY(exp, DH_SIMD) DH_UNARY(exp2, DH_SIMD) DH_UNARY(exp10, DH_SIMD) DH_UNARY(expm1, DH_SIMD) DH_UNARY(log, DH_SIMD)
DH_UNARY(log2, DH_SIMD) DH_UNARY(log10, DH_SIMD) DH_UNARY(log1p, DH_SIMD) DH_UNARY(sin, DH_SIMD) DH_UNARY(cos, DH_SIMD)
DH_UNARY(tan, DH_SIMD) DH_UNARY(asin, DH_SIMD) DH_UNARY(acos, DH_SIMD) DH_UNARY(atan, DH_SIMD) DH_UNARY(sinh, DH_SIMD)
DH_UNARY(cosh, DH_SIMD) DH_UNARY(tanh, DH_SIMD) DH_UNARY(asinh, DH_SIMD) DH_UNARY(acosh, DH_SIMD) DH_UNARY(atanh, DH_SIMD)
DH_UNARY(cbrt, DH_SIMD) DH_UNARY(erf, DH_SIMD) DH_UNARY(erfc, DH_SIMD)
DH_UNARY(sqrt, DH_PURE) DH_UNARY(fabs, DH_PURE) DH_UNARY(floor, DH_PURE) DH_UNARY(ceil, DH_PURE) DH_UNARY(trunc, DH_PURE)
DH_UNARY(rint, DH_PURE) DH_UNARY(nearbyint, DH_PURE) DH_UNARY(round, DH_PURE) DH_UNARY(logb, DH_PURE)
DH_UNARY(tgamma, DH_PURE) DH_UNARY(lgamma, ) DH_UNARY(j0, DH_PURE) DH_UNARY(j1, DH_PURE) DH_UNARY(y0, DH_PURE) DH_UNARY(y1, DH_PURE)
DH_BINARY(pow, DH_SIMD) DH_BINARY(atan2, DH_SIMD) DH_BINARY(hypot, DH_SIMD) DH_BINARY(fmod, DH_PURE) DH_BINARY(remainder, DH_PURE)
DH_BINARY(copysign, DH_PURE) DH_BINARY(fdim, DH_PURE) DH_BINARY(fmax, DH_PURE) DH_BINARY(fmin, DH_PURE) DH_BINARY(nextafter, DH_PURE)
DH_IN float pow(float x, int n) { return powf(x, (float)n); }
extern "C" {
double fma(double, double, double) DH_PURE; float fmaf(float, float, float) DH_PURE;
double ldexp(double, int) DH_PURE; float ldexpf(float, int) DH_PURE; double scalbn(double, int) DH_PURE; float scalbnf(float, int) DH_PURE;
double frexp(double, int *); float frexpf(float, int *); double modf(double, double *); float modff(float, float *);
double remquo(double, double, int *); float remquof(float, float, int *);
int ilogb(double) DH_PURE; int ilogbf(float) DH_PURE; double jn(int, double) DH_PURE; float jnf(int, float) DH_PURE;
double yn(int, double) DH_PURE; float ynf(int, float) DH_PURE;
long lrint(double) DH_PURE; long lrintf(float) DH_PURE; long lround(double) DH_PURE; long lroundf(float) DH_PURE;
long long llrint(double) DH_PURE; long long llrintf(float) DH_PURE; long long llround(double) DH_PURE; long long llroundf(float) DH_PURE;
int abs(int) DH_PURE; long labs(long) DH_PURE; long long llabs(long long) DH_PURE;
}
DH_IN float fma(float x, float y, float z) { return fmaf(x, y, z); }
DH_IN float ldexp(float x, int n) { return ldexpf(x, n); }
DH_IN float scalbn(float x, int n) { return scalbnf(x, n); }
DH_IN float frexp(float x, int *n) { return frexpf(x, n); }
DH_IN float modf(float x, float *whole) { return modff(x, whole); }
DH_IN float remquo(float x, float y, int *n) { return remquof(x, y, n); }
DH_IN int ilogb(float x) { return ilogbf(x); }
DH_IN long lrint(float x) { return lrintf(x); }
DH_IN long lround(float x) { return lroundf(x); }
DH_IN long long llrint(float x) { return llrintf(x); }
DH_IN long long llround(float x) { return llroundf(x); }
// Templates, beside which the C++ library's own can stand
template <class T> struct dh_Absolute {};
#define DH_ABSOLUTE(T, f) template <> struct dh_Absolute<T> { typedef T type; DH_IN T of(T x) { return f(x); } };
DH_ABSOLUTE(long, labs) DH_ABSOLUTE(long long, llabs) DH_ABSOLUTE(float, fabsf) DH_ABSOLUTE(double, fabs)
template <class T> DH_IN typename dh_Absolute<T>::type abs(T x) { return dh_Absolute<T>::of(x); }
#define DH_OWN(f, T, s, one, pi) \
    DH_IN T rsqrt##s(T x) { return one / sqrt(x); } \
    DH_IN T rcbrt##s(T x) { return one / cbrt(x); } \
    DH_IN T sinpi##s(T x) { x -= 2 * rint(x / 2); T y = rint(2 * x), z = sin(pi * (x - y / 2)), c = cos(pi * (x - y / 2)); int k = (int)y & 3; \
        return x == 0 ? x : k == 0 ? z : k == 1 ? c : k == 2 ? -z : -c; } \
    DH_IN T cospi##s(T x) { return sinpi##s(x - 2 * rint(x / 2) + one / 2); } \
    DH_IN T normcdf##s(T x) { return one / 2 * erfc(x * (T)-M_SQRT1_2); } \
    DH_IN T norm3d##s(T x, T y, T z) { return hypot(hypot(x, y), z); } \
    DH_IN T rhypot##s(T x, T y) { return one / hypot(x, y); } \
    DH_IN void sincos##s(T x, T *a, T *b) { *a = sin(x); *b = cos(x); } \
    DH_IN void sincospi##s(T x, T *a, T *b) { *a = sinpi##s(x); *b = cospi##s(x); }
DH_OWN(f, float, f, 1.f, 3.14159265358979323846f) DH_OWN(f, double, , 1., M_PI)
DH_IN float rsqrt(float x) { return rsqrtf(x); }
#define DH_TEST(f) \
    DH_IN bool f(float x) { return __builtin_##f(x); } \
    DH_IN bool f(double x) { return __builtin_##f(x); } \
    template <class T> DH_IN bool f(T x) { return __builtin_##f((typename dh_Whole<T>::type)x); }
DH_TEST(isnan) DH_TEST(isinf) DH_TEST(isfinite) DH_TEST(signbit)

#define DH_EXTREMES(A, B, R) \
    DH_IN R min(A x, B y) { return (R)x < (R)y ? (R)x : (R)y; } \
    DH_IN R max(A x, B y) { return (R)x > (R)y ? (R)x : (R)y; }
#define DH_WHOLE_EXTREMES(T) \
    DH_EXTREMES(T, T, T) DH_EXTREMES(unsigned T, unsigned T, unsigned T) DH_EXTREMES(T, unsigned T, unsigned T) DH_EXTREMES(unsigned T, T, unsigned T)
DH_WHOLE_EXTREMES(int) DH_WHOLE_EXTREMES(long) DH_WHOLE_EXTREMES(long long)
DH_IN float min(float x, float y) { return fminf(x, y); }
DH_IN float max(float x, float y) { return fmaxf(x, y); }
#define DH_REAL_EXTREMES(A, B) \
    DH_IN double min(A x, B y) { return fmin((double)x, (double)y); } \
    DH_IN double max(A x, B y) { return fmax((double)x, (double)y); }
DH_REAL_EXTREMES(double, double) DH_REAL_EXTREMES(float, double) DH_REAL_EXTREMES(double, float)
#define umin min
#define umax max

// ---- atomics ------------------------------------------------------------------------------------------
// A loop around compare-and-swap does what the processor has no instruction for. Bits are compared, not values.
template <int N> struct dh_Bits {};
template <> struct dh_Bits<2> { typedef unsigned short type; };
template <> struct dh_Bits<4> { typedef unsigned type; };
template <> struct dh_Bits<8> { typedef unsigned long long type; };
template <class T> DH_IN T dh_swap_if(T *p, T expected, T desired) {
    typename dh_Bits<sizeof(T)>::type e, d;
    memcpy(&e, &expected, sizeof e);
    memcpy(&d, &desired, sizeof d);
    __atomic_compare_exchange_n((decltype(e) *)p, &e, d, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    memcpy(&expected, &e, sizeof e);
    return expected;
}
template <class T> DH_IN bool dh_same_bits(T a, T b) { return __builtin_memcmp(&a, &b, sizeof a) == 0; }
#define DH_UPDATE(T, p, formula) { \
    T old; \
    __atomic_load(p, &old, __ATOMIC_RELAXED); \
    for (;;) { const T now = dh_swap_if(p, old, (T)(formula)); if (dh_same_bits(now, old)) return old; old = now; } }
#define DH_ATOMIC2(f, T, body) \
    DH_IN T f(T *p, T v) body DH_IN T f##_block(T *p, T v) body DH_IN T f##_system(T *p, T v) body \
    DH_IN T f(volatile T *q, T v) { return f((T *)q, v); }
#define DH_FETCH(f) { return __atomic_fetch_##f(p, v, __ATOMIC_ACQ_REL); }
#define DH_ATOMIC_WHOLE(T) \
    DH_ATOMIC2(atomicAdd, T, DH_FETCH(add)) DH_ATOMIC2(atomicSub, T, DH_FETCH(sub)) \
    DH_ATOMIC2(atomicExch, T, { return __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL); }) \
    DH_ATOMIC2(atomicAnd, T, DH_FETCH(and)) DH_ATOMIC2(atomicOr, T, DH_FETCH(or)) DH_ATOMIC2(atomicXor, T, DH_FETCH(xor)) \
    DH_ATOMIC2(atomicMin, T, DH_UPDATE(T, p, v < old ? v : old)) \
    DH_ATOMIC2(atomicMax, T, DH_UPDATE(T, p, v > old ? v : old)) DH_ATOMIC_CAS(T)
#define DH_ATOMIC_CAS(T) \
    DH_IN T atomicCAS(T *p, T c, T v) { return dh_swap_if(p, c, v); } \
    DH_IN T atomicCAS_block(T *p, T c, T v) { return dh_swap_if(p, c, v); } \
    DH_IN T atomicCAS_system(T *p, T c, T v) { return dh_swap_if(p, c, v); } \
    DH_IN T atomicCAS(volatile T *p, T c, T v) { return dh_swap_if((T *)p, c, v); }
DH_ATOMIC_WHOLE(int) DH_ATOMIC_WHOLE(unsigned) DH_ATOMIC_WHOLE(unsigned long long) DH_ATOMIC_CAS(unsigned short)
DH_ATOMIC2(atomicMin, long long, DH_UPDATE(long long, p, v < old ? v : old))
DH_ATOMIC2(atomicMax, long long, DH_UPDATE(long long, p, v > old ? v : old))
DH_ATOMIC2(atomicAdd, float, DH_UPDATE(float, p, old + v)) DH_ATOMIC2(atomicAdd, double, DH_UPDATE(double, p, old + v))
DH_ATOMIC2(atomicExch, float, DH_UPDATE(float, p, v))
// CUDA has no others, so that kernels may have functions of these names of their own: those come before templates.
template <class T> struct dh_Wide {};
template <> struct dh_Wide<long> { typedef long type; };
template <> struct dh_Wide<unsigned long> { typedef unsigned long type; };
template <> struct dh_Wide<long long> { typedef long long type; };
template <class T> struct dh_Float {};
template <> struct dh_Float<float> { typedef float type; };
template <> struct dh_Float<double> { typedef double type; };
#define DH_ATOMIC_MORE(f, kind, body) \
    template <class T> DH_IN typename kind<T>::type f(T *p, typename kind<T>::type v) body \
    template <class T> DH_IN typename kind<T>::type f##_block(T *p, typename kind<T>::type v) body \
    template <class T> DH_IN typename kind<T>::type f##_system(T *p, typename kind<T>::type v) body \
    template <class T> DH_IN typename kind<T>::type f(volatile T *q, typename kind<T>::type v) { return f((T *)q, v); }
DH_ATOMIC_MORE(atomicAdd, dh_Wide, DH_FETCH(add)) DH_ATOMIC_MORE(atomicSub, dh_Wide, DH_FETCH(sub))
DH_ATOMIC_MORE(atomicAnd, dh_Wide, DH_FETCH(and)) DH_ATOMIC_MORE(atomicOr, dh_Wide, DH_FETCH(or))
DH_ATOMIC_MORE(atomicXor, dh_Wide, DH_FETCH(xor))
DH_ATOMIC_MORE(atomicExch, dh_Wide, { return __atomic_exchange_n(p, v, __ATOMIC_ACQ_REL); })
DH_ATOMIC_MORE(atomicMin, dh_Wide, DH_UPDATE(T, p, v < old ? v : old)) DH_ATOMIC_MORE(atomicMax, dh_Wide, DH_UPDATE(T, p, v > old ? v : old))
DH_ATOMIC_MORE(atomicSub, dh_Float, DH_UPDATE(T, p, old - v)) DH_ATOMIC_MORE(atomicExch, dh_Float, DH_UPDATE(T, p, v))
DH_ATOMIC_MORE(atomicMin, dh_Float, DH_UPDATE(T, p, v < old ? v : old)) DH_ATOMIC_MORE(atomicMax, dh_Float, DH_UPDATE(T, p, v > old ? v : old))
#define DH_ATOMIC_CAS_MORE(f) \
    template <class T> DH_IN typename dh_Wide<T>::type f(T *p, typename dh_Wide<T>::type c, typename dh_Wide<T>::type v) { return dh_swap_if(p, c, v); }
DH_ATOMIC_CAS_MORE(atomicCAS) DH_ATOMIC_CAS_MORE(atomicCAS_block) DH_ATOMIC_CAS_MORE(atomicCAS_system)
template <class T> DH_IN typename dh_Wide<T>::type atomicCAS(volatile T *p, typename dh_Wide<T>::type c, typename dh_Wide<T>::type v) {
    return dh_swap_if((T *)p, c, v);
}
DH_ATOMIC2(atomicInc, unsigned, DH_UPDATE(unsigned, p, old >= v ? 0 : old + 1))
DH_ATOMIC2(atomicDec, unsigned, DH_UPDATE(unsigned, p, old == 0 || old > v ? v : old - 1))
#define __threadfence() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define __threadfence_block() __threadfence()
#define __threadfence_system() __threadfence()

// ---- intrinsics -----------------------------------------------------------------------------------------
template <class To, class From> DH_IN To dh_reread(From x) {
    static_assert(sizeof(To) == sizeof(From), "");
    To r;
    memcpy(&r, &x, sizeof r);
    return r;
}
#define DH_SAME(own, T, f) DH_IN T own(T x) { return f; }
#define DH_SAME2(own, T, f) DH_IN T own(T x, T y) { return f; }
DH_SAME(__expf, float, expf(x)) DH_SAME(__exp10f, float, exp10f(x)) DH_SAME(__logf, float, logf(x)) DH_SAME(__log2f, float, log2f(x))
DH_SAME(__log10f, float, log10f(x)) DH_SAME(__sinf, float, sinf(x)) DH_SAME(__cosf, float, cosf(x)) DH_SAME(__tanf, float, tanf(x)) DH_SAME(__tanhf, float, tanhf(x))
DH_SAME2(__powf, float, powf(x, y)) DH_SAME2(__fdividef, float, x / y) DH_SAME2(fdividef, float, x / y)
DH_SAME(__saturatef, float, x > 0 ? x < 1 ? x : 1 : 0) DH_SAME(saturate, float, __saturatef(x))
#define __sincosf sincosf
#define DH_ROUNDED(p, q, T) \
    DH_SAME2(__##p##add_rn, T, x + y) DH_SAME2(__##p##sub_rn, T, x - y) DH_SAME2(__##p##mul_rn, T, x * y) \
    DH_SAME2(__##p##div_rn, T, x / y) DH_SAME(__##p##rcp_rn, T, 1 / x) DH_SAME(__##p##sqrt_rn, T, sqrt(x)) \
    DH_IN T __##q##_rn(T x, T y, T z) { return fma(x, y, z); }
DH_ROUNDED(f, fmaf, float) DH_ROUNDED(d, fma, double)
DH_SAME(__frsqrt_rn, float, (float)(1 / sqrt((double)x)))
// What does not fit becomes the nearest that does, and NaN becomes 0
template <class To, class From> DH_IN To dh_whole(From x) {
    const To high = (To)-1 > (To)0 ? (To)-1 : (To)(((To)1 << (sizeof(To) * 8 - 2)) - 1 + ((To)1 << (sizeof(To) * 8 - 2)));
    const To low = (To)-1 > (To)0 ? (To)0 : (To)(-high - 1);
    return x != x ? (To)0 : x >= (From)high ? high : x <= (From)low ? low : (To)x;
}
#define DH_CONVERT(f, From, To) \
    DH_IN To f##_rn(From x) { return dh_whole<To>(rint(x)); } DH_IN To f##_rz(From x) { return dh_whole<To>(x); } \
    DH_IN To f##_rd(From x) { return dh_whole<To>(floor(x)); } DH_IN To f##_ru(From x) { return dh_whole<To>(ceil(x)); }
DH_CONVERT(__float2int, float, int) DH_CONVERT(__float2uint, float, unsigned) DH_CONVERT(__float2ll, float, long long)
DH_CONVERT(__float2ull, float, unsigned long long) DH_CONVERT(__double2int, double, int) DH_CONVERT(__double2uint, double, unsigned)
DH_CONVERT(__double2ll, double, long long) DH_CONVERT(__double2ull, double, unsigned long long)
#define DH_TO(f, From, To) DH_IN To f(From x) { return (To)x; }
DH_TO(__int2float_rn, int, float) DH_TO(__uint2float_rn, unsigned, float) DH_TO(__ll2float_rn, long long, float)
DH_TO(__ull2float_rn, unsigned long long, float) DH_TO(__double2float_rn, double, float) DH_TO(__int2double_rn, int, double)
DH_TO(__uint2double_rn, unsigned, double) DH_TO(__ll2double_rn, long long, double) DH_TO(__ull2double_rn, unsigned long long, double)
DH_IN int __float_as_int(float x) { return dh_reread<int>(x); }
DH_IN unsigned __float_as_uint(float x) { return dh_reread<unsigned>(x); }
DH_IN float __int_as_float(int x) { return dh_reread<float>(x); }
DH_IN float __uint_as_float(unsigned x) { return dh_reread<float>(x); }
DH_IN long long __double_as_longlong(double x) { return dh_reread<long long>(x); }
DH_IN double __longlong_as_double(long long x) { return dh_reread<double>(x); }
DH_IN int __double2hiint(double x) { return (int)(dh_reread<long long>(x) >> 32); }
DH_IN int __double2loint(double x) { return (int)dh_reread<long long>(x); }
DH_IN double __hiloint2double(int high, int low) { return dh_reread<double>((unsigned long long)(unsigned)high << 32 | (unsigned)low); }

DH_IN int __popc(unsigned x) { return __builtin_popcount(x); }
DH_IN int __popcll(unsigned long long x) { return __builtin_popcountll(x); }
DH_IN int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
DH_IN int __clzll(long long x) { return x ? __builtin_clzll((unsigned long long)x) : 64; }
DH_IN int __ffs(int x) { return __builtin_ffs(x); }
DH_IN int __ffsll(long long x) { return __builtin_ffsll(x); }
DH_IN unsigned __brev(unsigned x) {
    x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
    x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
    return __builtin_bswap32(x);
}
DH_IN unsigned long long __brevll(unsigned long long x) {
    return (unsigned long long)__brev((unsigned)x) << 32 | __brev((unsigned)(x >> 32));
}
DH_IN int __mul24(int x, int y) { return (x << 8 >> 8) * (y << 8 >> 8); }
DH_IN unsigned __umul24(unsigned x, unsigned y) { return (x & 0xffffffu) * (y & 0xffffffu); }
DH_IN int __mulhi(int x, int y) { return (int)((long long)x * y >> 32); }
DH_IN unsigned __umulhi(unsigned x, unsigned y) { return (unsigned)((unsigned long long)x * y >> 32); }
DH_IN long long __mul64hi(long long x, long long y) { return (long long)((__int128)x * y >> 64); }
DH_IN unsigned long long __umul64hi(unsigned long long x, unsigned long long y) { return (unsigned long long)((unsigned __int128)x * y >> 64); }
DH_IN unsigned __sad(int x, int y, unsigned z) { return z + (x > y ? (unsigned)x - (unsigned)y : (unsigned)y - (unsigned)x); }
DH_IN unsigned __usad(unsigned x, unsigned y, unsigned z) { return z + (x > y ? x - y : y - x); }
DH_IN int __hadd(int x, int y) { return (int)(((long long)x + y) >> 1); }
DH_IN int __rhadd(int x, int y) { return (int)(((long long)x + y + 1) >> 1); }
DH_IN unsigned __uhadd(unsigned x, unsigned y) { return (unsigned)(((unsigned long long)x + y) >> 1); }
DH_IN unsigned __urhadd(unsigned x, unsigned y) { return (unsigned)(((unsigned long long)x + y + 1) >> 1); }
DH_IN unsigned __funnelshift_l(unsigned low, unsigned high, unsigned n) {
    return (unsigned)(((unsigned long long)high << 32 | low) << (n & 31) >> 32);
}
DH_IN unsigned __funnelshift_r(unsigned low, unsigned high, unsigned n) {
    return (unsigned)(((unsigned long long)high << 32 | low) >> (n & 31));
}
DH_IN unsigned __funnelshift_lc(unsigned low, unsigned high, unsigned n) { return n >= 32 ? low : __funnelshift_l(low, high, n); }
DH_IN unsigned __funnelshift_rc(unsigned low, unsigned high, unsigned n) { return n >= 32 ? high : __funnelshift_r(low, high, n); }
DH_IN unsigned __byte_perm(unsigned x, unsigned y, unsigned s) {
    const unsigned long long both = (unsigned long long)y << 32 | x;
    unsigned r = 0;
    for (int k = 0; k < 4; ++k) {
        const unsigned which = s >> 4 * k, byte = (unsigned)(both >> 8 * (which & 7)) & 255;
        r |= (which & 8 ? (byte & 128 ? 255u : 0u) : byte) << 8 * k;
    }
    return r;
}
#define DH_LOAD(f) template <class T> DH_IN T f(const T *p) { return *p; }
DH_LOAD(__ldg) DH_LOAD(__ldca) DH_LOAD(__ldcg) DH_LOAD(__ldcs) DH_LOAD(__ldlu) DH_LOAD(__ldcv)
#define DH_STORE(f) template <class T> DH_IN void f(T *p, T x) { *p = x; }
DH_STORE(__stwb) DH_STORE(__stcg) DH_STORE(__stcs) DH_STORE(__stwt)
DH_IN long long clock64() {
#if defined(__x86_64__)
    return (long long)__builtin_ia32_rdtsc();
#else
    long long r;
    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(r));
    return r;
#endif
}
DH_IN long clock() { return (long)clock64(); }
DH_IN long long __clock64() { return clock64(); }
DH_IN long long wall_clock64() { return clock64(); }
extern "C" int dh_clock(int, long *) __asm__("clock_gettime");
DH_IN unsigned long long dh_globaltimer() {  // nanoseconds
    long t[2] = {};
    dh_clock(0, t);
    return (unsigned long long)t[0] * 1000000000ull + (unsigned long long)t[1];
}
#define __builtin_assume(x) ((x) ? (void)0 : __builtin_unreachable())
#define __prof_trigger(n) ((void)0)
