// What the dialects of CUDA and HIP share, behind prelude_cuda.h or prelude_hip.h: types, bit access, real functions,
// and values of other threads.
#define GLOBAL
#define GLOBAL_BARRIER BARRIER
#define DA_SHUFFLES 1
#define DA_PACKS 1
#define DA_PACK(name, T, count) typedef struct __attribute__((aligned(sizeof(T) * count))) { T e[count]; } name

typedef unsigned char b8;  // 0 or 1
typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long i64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;
typedef float f32;
typedef double f64;
typedef unsigned short f16;  // sixteen bits of storage
typedef struct { f32 re, im; } c64;
typedef struct { f64 re, im; } c128;

FN u32 da_bits(f32 x) { return DA_BITS_F32(x); }
FN u64 da_bits(f64 x) { return DA_BITS_F64(x); }
FN f32 da_float(u32 x) { return DA_FLOAT_F32(x); }
FN f64 da_float(u64 x) { return DA_FLOAT_F64(x); }
FN c64 da_c64(f32 re, f32 im) { c64 r; r.re = re; r.im = im; return r; }
FN c128 da_c128(f64 re, f64 im) { c128 r; r.re = re; r.im = im; return r; }

#define DA_INF da_float((u64)0x7ff0000000000000u)
#define DA_NAN da_float((u64)0x7ff8000000000000u)

#define DA_UNARY(name) \
    DA_DECLARE(name, (f32), (f64)) \
    FN f32 da_##name(f32 x) { return DA_NAME_F32(name)(x); } \
    FN f64 da_##name(f64 x) { return DA_NAME_F64(name)(x); }
#define DA_BINARY(own, name) \
    DA_DECLARE(name, (f32, f32), (f64, f64)) \
    FN f32 da_##own(f32 x, f32 y) { return DA_NAME_F32(name)(x, y); } \
    FN f64 da_##own(f64 x, f64 y) { return DA_NAME_F64(name)(x, y); }
DA_UNARY(fabs) DA_UNARY(sqrt) DA_UNARY(floor) DA_UNARY(ceil) DA_UNARY(trunc) DA_UNARY(rint)
DA_UNARY(exp) DA_UNARY(exp2) DA_UNARY(expm1) DA_UNARY(log) DA_UNARY(log2) DA_UNARY(log10) DA_UNARY(log1p)
DA_UNARY(sin) DA_UNARY(cos) DA_UNARY(tan) DA_UNARY(asin) DA_UNARY(acos) DA_UNARY(atan)
DA_UNARY(sinh) DA_UNARY(cosh) DA_UNARY(tanh) DA_UNARY(asinh) DA_UNARY(acosh) DA_UNARY(atanh) DA_UNARY(cbrt)
DA_BINARY(copysign, copysign) DA_BINARY(pow, pow) DA_BINARY(atan2, atan2) DA_BINARY(hypot, hypot)
DA_BINARY(scalar_fmod, fmod) DA_BINARY(scalar_hypot, hypot)

// x * y + z, rounded once
#define DA_FUSED 1
DA_DECLARE(fma, (f32, f32, f32), (f64, f64, f64))
FN f32 da_fma(f32 x, f32 y, f32 z) { return DA_NAME_F32(fma)(x, y, z); }
FN f64 da_fma(f64 x, f64 y, f64 z) { return DA_NAME_F64(fma)(x, y, z); }

// What another thread of a team holds: the one `step` further on (beyond the team's end: one's own), or the one whose
// number in the team differs in the bits of `step`. All threads of the warp take part. Types of 8 and 16 bits are promoted.
#define DA_SHUFFLE(name, WORD) \
    FN u32 name(u32 x, i32 step, i32 width) { return WORD(x, step, width); } \
    FN i32 name(i32 x, i32 step, i32 width) { return (i32)name((u32)x, step, width); } \
    FN u64 name(u64 x, i32 step, i32 width) { \
        const u64 high = name((u32)(x >> 32), step, width), low = name((u32)x, step, width); \
        return high << 32 | low; \
    } \
    FN i64 name(i64 x, i32 step, i32 width) { return (i64)name((u64)x, step, width); } \
    FN f32 name(f32 x, i32 step, i32 width) { return da_float(name(da_bits(x), step, width)); } \
    FN f64 name(f64 x, i32 step, i32 width) { return da_float(name(da_bits(x), step, width)); } \
    FN c64 name(c64 x, i32 step, i32 width) { return da_c64(name(x.re, step, width), name(x.im, step, width)); } \
    FN c128 name(c128 x, i32 step, i32 width) { return da_c128(name(x.re, step, width), name(x.im, step, width)); }
DA_SHUFFLE(da_shuffle_down, DA_WORD_DOWN)
DA_SHUFFLE(da_shuffle_xor, DA_WORD_XOR)
