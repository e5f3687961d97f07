// The dialect of OpenCL C: types, qualifiers, bit access, and real functions by the language's own names.
// Functions are overloaded by type, as in C++, which clang's OpenCL C has an attribute for.
#pragma OPENCL FP_CONTRACT OFF
#define FN static inline __attribute__((overloadable))
#define GLOBAL __global
#define SHARED __local
#define DA_POINTER(T, address) ((__global T*)(address))
#define KERNEL __kernel __attribute__((reqd_work_group_size(256, 1, 1))) void
#define BARRIER barrier(CLK_LOCAL_MEM_FENCE)
#define GLOBAL_BARRIER barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)
#define DA_THREAD ((i64)get_local_id(0))
#define DA_BLOCK ((i64)get_group_id(0))
#define DA_BLOCKS ((i64)get_num_groups(0))
#define DA_SHUFFLES 0
#define DA_PACKS 0

typedef uchar b8;  // 0 or 1
typedef char i8;
typedef short i16;
typedef int i32;
typedef long i64;
typedef uchar u8;
typedef ushort u16;
typedef uint u32;
typedef ulong u64;
typedef float f32;
typedef double f64;
typedef ushort f16;  // sixteen bits of storage
typedef struct { f32 re, im; } c64;
typedef struct { f64 re, im; } c128;

#define DA_INF ((f64)INFINITY)
#define DA_NAN ((f64)NAN)

FN u32 da_bits(f32 x) { return as_uint(x); }
FN u64 da_bits(f64 x) { return as_ulong(x); }
FN f32 da_float(u32 x) { return as_float(x); }
FN f64 da_float(u64 x) { return as_double(x); }
FN c64 da_c64(f32 re, f32 im) { c64 r; r.re = re; r.im = im; return r; }
FN c128 da_c128(f64 re, f64 im) { c128 r; r.re = re; r.im = im; return r; }

#define DA_FUSED 1
FN f32 da_fma(f32 x, f32 y, f32 z) { return fma(x, y, z); }
FN f64 da_fma(f64 x, f64 y, f64 z) { return fma(x, y, z); }

#define DA_UNARY(name) \
    FN f32 da_##name(f32 x) { return name(x); } \
    FN f64 da_##name(f64 x) { return name(x); }
#define DA_BINARY(own, name) \
    FN f32 da_##own(f32 x, f32 y) { return name(x, y); } \
    FN f64 da_##own(f64 x, f64 y) { return name(x, y); }
DA_UNARY(fabs) DA_UNARY(sqrt) DA_UNARY(floor) DA_UNARY(ceil) DA_UNARY(trunc) DA_UNARY(rint)
DA_UNARY(exp) DA_UNARY(exp2) DA_UNARY(expm1) DA_UNARY(log) DA_UNARY(log2) DA_UNARY(log10) DA_UNARY(log1p)
DA_UNARY(sin) DA_UNARY(cos) DA_UNARY(tan) DA_UNARY(asin) DA_UNARY(acos) DA_UNARY(atan)
DA_UNARY(sinh) DA_UNARY(cosh) DA_UNARY(tanh) DA_UNARY(asinh) DA_UNARY(acosh) DA_UNARY(atanh) DA_UNARY(cbrt)
DA_BINARY(copysign, copysign) DA_BINARY(pow, pow) DA_BINARY(atan2, atan2) DA_BINARY(hypot, hypot)
DA_BINARY(scalar_fmod, fmod) DA_BINARY(scalar_hypot, hypot)
