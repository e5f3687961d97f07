// The host's dialect: types, the function qualifier, bit access, and real and complex functions of libm.
// No other header is included: parsing the C library's would take longer than compiling a kernel.
#define FN static inline

typedef unsigned char b8;  // 0 or 1
typedef signed char i8;
typedef short i16;
typedef int i32;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
#ifdef __LP64__
typedef long i64;
typedef unsigned long u64;
#else
typedef long long i64;
typedef unsigned long long u64;
#endif
typedef float f32;
typedef double f64;
// Sixteen bits of storage. _Float16 is not used: without F16C its conversions are calls into libgcc, and gcc
// does them one by one, where the integer arithmetic of da_load16 and da_store16 is vectorised everywhere.
typedef unsigned short f16;
typedef struct { f32 re, im; } c64;
typedef struct { f64 re, im; } c128;

#define DA_INF __builtin_inf()
#define DA_NAN __builtin_nan("")

FN u32 da_bits(f32 x) { u32 r; __builtin_memcpy(&r, &x, sizeof r); return r; }
FN u64 da_bits(f64 x) { u64 r; __builtin_memcpy(&r, &x, sizeof r); return r; }
FN f32 da_float(u32 x) { f32 r; __builtin_memcpy(&r, &x, sizeof r); return r; }
FN f64 da_float(u64 x) { f64 r; __builtin_memcpy(&r, &x, sizeof r); return r; }
FN c64 da_c64(f32 re, f32 im) { c64 r; r.re = re; r.im = im; return r; }
FN c128 da_c128(f64 re, f64 im) { c128 r; r.re = re; r.im = im; return r; }

// Functions that are instructions
#define DA_BUILTIN(name) \
    FN f32 da_##name(f32 x) { return __builtin_##name##f(x); } \
    FN f64 da_##name(f64 x) { return __builtin_##name(x); }
DA_BUILTIN(fabs) DA_BUILTIN(sqrt) DA_BUILTIN(floor) DA_BUILTIN(ceil) DA_BUILTIN(trunc) DA_BUILTIN(rint)
FN f32 da_copysign(f32 x, f32 y) { return __builtin_copysignf(x, y); }
FN f64 da_copysign(f64 x, f64 y) { return __builtin_copysign(x, y); }

// x * y + z as in NumPy's products of complex numbers: rounded once where the processor can, and else twice
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define DA_FUSED 1
FN f32 da_fma(f32 x, f32 y, f32 z) { return __builtin_fmaf(x, y, z); }
FN f64 da_fma(f64 x, f64 y, f64 z) { return __builtin_fma(x, y, z); }
#else
#define DA_FUSED 0
FN f32 da_fma(f32 x, f32 y, f32 z) { return x * y + z; }
FN f64 da_fma(f64 x, f64 y, f64 z) { return x * y + z; }
#endif

// Functions of libm, which gcc takes from libmvec where a loop is vectorised. They must be called unconditionally
// ("notinbranch"): select their arguments or their results, and do not put them into an arm of ?:.
#ifdef DA_MVEC
#define DA_SIMD __attribute__((simd("notinbranch"), const, nothrow))
#else
#define DA_SIMD __attribute__((const, nothrow))
#endif
#define DA_UNARY(name) \
    extern "C" f32 name##f(f32) DA_SIMD; extern "C" f64 name(f64) DA_SIMD; \
    FN f32 da_##name(f32 x) { return name##f(x); } \
    FN f64 da_##name(f64 x) { return name(x); }
#define DA_BINARY(name, attributes) \
    extern "C" f32 name##f(f32, f32) attributes; extern "C" f64 name(f64, f64) attributes; \
    FN f32 da_##name(f32 x, f32 y) { return name##f(x, y); } \
    FN f64 da_##name(f64 x, f64 y) { return name(x, y); }
// A second name for a function of libm, which stays scalar and so has NumPy's last bit
#define DA_TEXT(x) #x
#define DA_PREFIX(x) DA_TEXT(x)
#define DA_SYMBOL(text) __asm__(DA_PREFIX(__USER_LABEL_PREFIX__) text) __attribute__((const, nothrow))
#define DA_SCALAR(name, symbol) \
    extern "C" f32 name##f(f32, f32) DA_SYMBOL(#symbol "f"); extern "C" f64 name(f64, f64) DA_SYMBOL(#symbol); \
    FN f32 da_##name(f32 x, f32 y) { return name##f(x, y); } \
    FN f64 da_##name(f64 x, f64 y) { return name(x, y); }

DA_UNARY(exp) DA_UNARY(exp2) DA_UNARY(expm1) DA_UNARY(log) DA_UNARY(log2) DA_UNARY(log10) DA_UNARY(log1p)
DA_UNARY(sin) DA_UNARY(cos) DA_UNARY(tan) DA_UNARY(asin) DA_UNARY(acos) DA_UNARY(atan)
DA_UNARY(sinh) DA_UNARY(cosh) DA_UNARY(tanh) DA_UNARY(asinh) DA_UNARY(acosh) DA_UNARY(atanh) DA_UNARY(cbrt)
DA_BINARY(pow, DA_SIMD) DA_BINARY(atan2, DA_SIMD) DA_BINARY(hypot, DA_SIMD)
DA_SCALAR(scalar_fmod, fmod) DA_SCALAR(scalar_hypot, hypot)

#if !defined(DA_NO_COMPLEX) && !defined(DA_OWN_COMPLEX)  // complex.h has its own
#define DA_COMPLEX(name) DA_COMPLEX_AS(name, name)
#define DA_COMPLEX_AS(own, name) \
    extern "C" _Complex float name##f(_Complex float); \
    extern "C" _Complex double name(_Complex double); \
    FN c64 da_##own(c64 x) { \
        _Complex float z; __real__ z = x.re; __imag__ z = x.im; z = name##f(z); return da_c64(__real__ z, __imag__ z); } \
    FN c128 da_##own(c128 x) { \
        _Complex double z; __real__ z = x.re; __imag__ z = x.im; z = name(z); return da_c128(__real__ z, __imag__ z); }
DA_COMPLEX(csqrt) DA_COMPLEX(cexp) DA_COMPLEX(clog) DA_COMPLEX(csin) DA_COMPLEX(ccos)
DA_COMPLEX(csinh) DA_COMPLEX(ccosh) DA_COMPLEX_AS(libm_ctanh, ctanh) DA_COMPLEX(casin) DA_COMPLEX(cacos) DA_COMPLEX(catan)
DA_COMPLEX(casinh) DA_COMPLEX(cacosh) DA_COMPLEX(catanh)

extern "C" _Complex float cpowf(_Complex float, _Complex float);
extern "C" _Complex double cpow(_Complex double, _Complex double);
FN c64 da_libm_cpow(c64 x, c64 y) {
    _Complex float z, w;
    __real__ z = x.re; __imag__ z = x.im; __real__ w = y.re; __imag__ w = y.im;
    z = cpowf(z, w);
    return da_c64(__real__ z, __imag__ z);
}
FN c128 da_libm_cpow(c128 x, c128 y) {
    _Complex double z, w;
    __real__ z = x.re; __imag__ z = x.im; __real__ w = y.re; __imag__ w = y.im;
    z = cpow(z, w);
    return da_c128(__real__ z, __imag__ z);
}
#endif
