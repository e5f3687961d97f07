// <cuComplex.h> and <hip/hip_complex.h>: complex numbers as vectors of two.

typedef float2 cuFloatComplex;
typedef double2 cuDoubleComplex;
typedef cuFloatComplex cuComplex;
typedef float2 hipFloatComplex;
typedef double2 hipDoubleComplex;
typedef hipFloatComplex hipComplex;
#define DH_COMPLEX(p, C, T, R, f) \
    DH_IN R p##Creal##f(C z) { return z.x; } DH_IN R p##Cimag##f(C z) { return z.y; } \
    DH_IN C make_##p##T##Complex(R x, R y) { return C{x, y}; } \
    DH_IN C p##Conj##f(C z) { return C{z.x, -z.y}; } \
    DH_IN C p##Cadd##f(C a, C b) { return C{a.x + b.x, a.y + b.y}; } \
    DH_IN C p##Csub##f(C a, C b) { return C{a.x - b.x, a.y - b.y}; } \
    DH_IN C p##Cmul##f(C a, C b) { return C{a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x}; } \
    DH_IN C p##Cdiv##f(C a, C b) { /* scaled, so that squares do not overflow */ \
        const R s = 1 / (fabs(b.x) + fabs(b.y)), ax = a.x * s, ay = a.y * s, bx = b.x * s, by = b.y * s, d = 1 / (bx * bx + by * by); \
        return C{(ax * bx + ay * by) * d, (ay * bx - ax * by) * d}; } \
    DH_IN R p##Cabs##f(C z) { return hypot(z.x, z.y); } \
    DH_IN C p##Cfma##f(C a, C b, C c) { return C{a.x * b.x - a.y * b.y + c.x, a.x * b.y + a.y * b.x + c.y}; }
DH_COMPLEX(cu, cuFloatComplex, Float, float, f) DH_COMPLEX(cu, cuDoubleComplex, Double, double, )
DH_COMPLEX(hip, hipFloatComplex, Float, float, f) DH_COMPLEX(hip, hipDoubleComplex, Double, double, )
DH_IN float hipCsqabsf(hipFloatComplex z) { return z.x * z.x + z.y * z.y; }
DH_IN double hipCsqabs(hipDoubleComplex z) { return z.x * z.x + z.y * z.y; }
DH_IN cuComplex make_cuComplex(float x, float y) { return cuComplex{x, y}; }
DH_IN hipComplex make_hipComplex(float x, float y) { return hipComplex{x, y}; }
DH_IN cuDoubleComplex cuComplexFloatToDouble(cuFloatComplex z) { return cuDoubleComplex{z.x, z.y}; }
DH_IN cuFloatComplex cuComplexDoubleToFloat(cuDoubleComplex z) { return cuFloatComplex{(float)z.x, (float)z.y}; }
