// The dialect of OpenCL C: types, qualifiers, bit access, and real functions by the language's own names.
// Functions are overloaded by type, as in C++, which clang's OpenCL C has an attribute for.
#pragma OPENCL FP_CONTRACT OFF
#define FN static inline __attribute__((overloadable))
#define GLOBAL __global
#define SHARED __local
#define DA_POINTER(T, address) ((__global T*)(address))
#define KERNEL __kernel DA_TEAMS __attribute__((reqd_work_group_size(256, 1, 1))) void
#define BARRIER barrier(CLK_LOCAL_MEM_FENCE)
#define GLOBAL_BARRIER barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)
#define DA_THREAD ((i64)get_local_id(0))
#define DA_BLOCK ((i64)get_group_id(0))
#define DA_BLOCKS ((i64)get_num_groups(0))
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

// What the thread `step` further on in a team of 8 or 4 holds. Teams lie within a sub-group, which Intel's devices, GPUs
// and processors, have of 16; elsewhere values go through shared memory.
#ifdef cl_intel_subgroups
#define DA_SHUFFLES 1
#define DA_TEAMS __attribute__((intel_reqd_sub_group_size(16)))
#define DA_SHUFFLE_DOWN(T) \
    FN T da_shuffle_down(T x, i32 step, i32 width) { return intel_sub_group_shuffle_down(x, x, (u32)step); }
DA_SHUFFLE_DOWN(i32) DA_SHUFFLE_DOWN(u32) DA_SHUFFLE_DOWN(i64) DA_SHUFFLE_DOWN(u64) DA_SHUFFLE_DOWN(f32) DA_SHUFFLE_DOWN(f64)
FN c64 da_shuffle_down(c64 x, i32 step, i32 width) {
    return da_c64(da_shuffle_down(x.re, step, width), da_shuffle_down(x.im, step, width));
}
FN c128 da_shuffle_down(c128 x, i32 step, i32 width) {
    return da_c128(da_shuffle_down(x.re, step, width), da_shuffle_down(x.im, step, width));
}
#else
#define DA_SHUFFLES 0
#define DA_TEAMS
#endif
