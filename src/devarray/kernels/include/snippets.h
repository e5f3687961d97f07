// Functions of CUDA, by name, and its constants, for the texts of fused kernels (snippets/support.py): macros that
// define one function each, as sn_ and its name, for all types of its arguments.
#ifndef SN_UNARY
#if defined(__CUDACC__) || defined(__HIP__)
#define SN_INSIDE __attribute__((device))
#else
#define SN_INSIDE
#endif

// functions of float alone, such as expf
#define SN_FLOAT1(name, call) FN f32 sn_##name(f32 x) { return call(x); }
#define SN_FLOAT2(name, call) FN f32 sn_##name(f32 x, f32 y) { return call(x, y); }
#define SN_FLOAT3(name, call) FN f32 sn_##name(f32 x, f32 y, f32 z) { return call(x, y, z); }

// of one real number: integers become f64
#define SN_CONVERTED(name, call, T) FN f64 sn_##name(T x) { return call((f64)x); }
#define SN_UNARY(name, call) \
    FN f32 sn_##name(f32 x) { return call(x); } \
    FN f64 sn_##name(f64 x) { return call(x); } \
    SN_CONVERTED(name, call, i32) SN_CONVERTED(name, call, u32) \
    SN_CONVERTED(name, call, i64) SN_CONVERTED(name, call, u64)

// tests of one real number, with their value for integers
#define SN_ANSWER(name, T, value) FN bool sn_##name(T x) { return value; }
#define SN_TEST(name, whole) \
    SN_ANSWER(name, f32, da_##name(x)) SN_ANSWER(name, f64, da_##name(x)) \
    SN_ANSWER(name, i32, whole) SN_ANSWER(name, u32, whole) SN_ANSWER(name, i64, whole) SN_ANSWER(name, u64, whole)

// of two real numbers, a row of types of y for each of x
#define SN_PAIR(name, call, R, A, B) FN R sn_##name(A x, B y) { return call((R)x, (R)y); }
#define SN_ROW(name, call, A, R1, R2, R3, R4, R5, R6) \
    SN_PAIR(name, call, R1, A, i32) SN_PAIR(name, call, R2, A, u32) SN_PAIR(name, call, R3, A, i64) \
    SN_PAIR(name, call, R4, A, u64) SN_PAIR(name, call, R5, A, f32) SN_PAIR(name, call, R6, A, f64)
// f32 unless one is wider
#define SN_BINARY(name, call) \
    SN_ROW(name, call, i32, f64, f64, f64, f64, f32, f64) \
    SN_ROW(name, call, u32, f64, f64, f64, f64, f32, f64) \
    SN_ROW(name, call, i64, f64, f64, f64, f64, f32, f64) \
    SN_ROW(name, call, u64, f64, f64, f64, f64, f32, f64) \
    SN_ROW(name, call, f32, f32, f32, f32, f32, f32, f64) \
    SN_ROW(name, call, f64, f64, f64, f64, f64, f64, f64)
// max, min: the wider type
#define SN_CHOICE(name, T, sign) FN T sn_##name##_of(T x, T y) { return x sign y ? x : y; }
#define SN_EXTREME(name, sign) \
    SN_CHOICE(name, i32, sign) SN_CHOICE(name, u32, sign) SN_CHOICE(name, i64, sign) SN_CHOICE(name, u64, sign) \
    FN f32 sn_##name##_of(f32 x, f32 y) { return da_f##name(x, y); } \
    FN f64 sn_##name##_of(f64 x, f64 y) { return da_f##name(x, y); } \
    SN_ROW(name, sn_##name##_of, i32, i32, u32, i64, u64, f32, f64) \
    SN_ROW(name, sn_##name##_of, u32, u32, u32, i64, u64, f32, f64) \
    SN_ROW(name, sn_##name##_of, i64, i64, i64, i64, u64, f32, f64) \
    SN_ROW(name, sn_##name##_of, u64, u64, u64, u64, u64, f32, f64) \
    SN_ROW(name, sn_##name##_of, f32, f32, f32, f32, f32, f32, f64) \
    SN_ROW(name, sn_##name##_of, f64, f64, f64, f64, f64, f64, f64)

#define SN_ABS(T, U) FN T sn_abs(T x) { return x < 0 ? (T)(0 - (U)x) : x; }
#define SN_ABSOLUTE() \
    FN f32 sn_abs(f32 x) { return da_fabs(x); } \
    FN f64 sn_abs(f64 x) { return da_fabs(x); } \
    SN_ABS(i32, u32) SN_ABS(i64, u64) FN u32 sn_abs(u32 x) { return x; } FN u64 sn_abs(u64 x) { return x; }
#define SN_MULTIPLY_ADD(T, R) FN R sn_fma(T x, T y, T z) { return da_fma((R)x, (R)y, (R)z); }

// what the preludes leave out
#define SN_REAL(name, f32_value, f64_value) \
    FN f32 sn_own_##name(f32 x) { return f32_value; } \
    FN f64 sn_own_##name(f64 x) { return f64_value; }
#if defined(__OPENCL_VERSION__)
#define SN_LIBRARY(name) SN_REAL(name, name(x), name(x))
#elif defined(DA_NAME_F32)
#define SN_LIBRARY(name) DA_DECLARE(name, (f32), (f64)) SN_REAL(name, DA_NAME_F32(name)(x), DA_NAME_F64(name)(x))
#else
#define SN_LIBRARY(name) SN_REAL(name, __builtin_##name##f(x), __builtin_##name(x))
#endif

// constants
#define sn_INFINITY ((f32)DA_INF)
#define sn_NAN ((f32)DA_NAN)
#define sn_M_PI 3.14159265358979323846
#define sn_M_E 2.71828182845904523536
#define sn_M_SQRT2 1.41421356237309504880
#define sn_CUDART_INF DA_INF
#define sn_CUDART_INF_F ((f32)DA_INF)
#define sn_CUDART_NAN DA_NAN
#define sn_CUDART_NAN_F ((f32)DA_NAN)
#define sn_FLT_MAX 3.402823466e+38f
#define sn_FLT_MIN 1.175494351e-38f
#define sn_FLT_EPSILON 1.192092896e-07f
#define sn_DBL_MAX 1.7976931348623157e+308
#define sn_DBL_MIN 2.2250738585072014e-308
#define sn_DBL_EPSILON 2.2204460492503131e-16
#define sn_INT_MAX 2147483647
#define sn_INT_MIN (-2147483647 - 1)
#endif
