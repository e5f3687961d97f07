// Numbers of sixteen bits, complex numbers, intrinsic and special functions. See test_cuda_language.py
#include <cuda_fp16.h>
#include <cuda_bf16.h>
#include <cuComplex.h>
#include <cmath>
__global__ void convert(const float *x, const double *d, __half *h, half *hd, float *back, __half *down, __half *up, __half *zero, __nv_bfloat16 *b, float *bback, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    h[i] = __float2half(x[i]); hd[i] = __double2half(d[i]); back[i] = __half2float(h[i]);
    down[i] = __float2half_rd(x[i]); up[i] = __float2half_ru(x[i]); zero[i] = __float2half_rz(x[i]);
    b[i] = __float2bfloat16(x[i]); bback[i] = __bfloat162float(b[i]);
}
__global__ void arithmetic(const half *a, const half *b, half *out, int *tests, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i >= n) return;
    half x = a[i], y = b[i];
    out[i] = __hadd(x, y); out[n + i] = x - y; out[2 * n + i] = __hmul(x, y); out[3 * n + i] = __hdiv(x, y); out[4 * n + i] = hsqrt(__habs(x));
    half z = x; z += y; z *= __float2half(2.0f); out[5 * n + i] = z; out[6 * n + i] = __hfma(x, y, x); out[7 * n + i] = -x; out[8 * n + i] = __hmax(x, y); out[9 * n + i] = hfloor(x);
    tests[i] = (x < y) + 2 * __heq(x, x) + 4 * (x >= y) + 8 * __hgt(x, y) + 16 * __hisnan(x) + 32 * __hltu(x, y) + 64 * (x != y);
}
__global__ void pairs(const half2 *a, const half2 *b, half2 *c, float2 *f, half *low, unsigned *word, int n) {
    int i = threadIdx.x;
    if (i < n) {
        c[i] = __hfma2(a[i], b[i], __half2half2(__float2half(1.0f)));
        half2 s = __hadd2(a[i], b[i]) * __floats2half2_rn(2.0f, 0.5f);
        f[i] = __half22float2(s);
        low[i] = __low2half(__lowhigh2highlow(a[i]));
        word[i] = *reinterpret_cast<const unsigned *>(&a[i]);
    }
}
__global__ void half_sum(const half *x, half *total, float *exact, int n) {
    __shared__ half s[64];
    int t = threadIdx.x;
    s[t] = t < n ? x[t] : __float2half(0.f);
    __syncthreads();
    for (int k = 32; k > 0; k >>= 1) { if (t < k) s[t] = __hadd(s[t], s[t + k]); __syncthreads(); }
    half v = x[t % 32]; for (int k = 16; k; k >>= 1) v += __shfl_xor_sync(~0u, v, k);
    if (t == 0) { *total = s[0]; *exact = __half2float(v); }
    atomicAdd(total + 1, __float2half(1.0f));
}
__global__ void complexes(const cuFloatComplex *a, const cuDoubleComplex *b, cuFloatComplex *ra, cuDoubleComplex *rb, float *m) {
    int i = threadIdx.x;
    ra[i] = cuCaddf(cuCmulf(a[i], a[i]), make_cuFloatComplex(1.f, -2.f));
    rb[i] = cuCdiv(cuCsub(b[i], make_cuDoubleComplex(0.5, 0)), cuConj(b[i]));
    m[i] = cuCabsf(a[i]) + cuCrealf(a[i]);
}
__global__ void special(const double *x, const double *p, double *out, int n) {
    int i = threadIdx.x;
    if (i < n) { out[i] = erf(erfinv(x[i])); out[n + i] = erfc(erfcinv(2 * p[i])); out[2 * n + i] = normcdf(normcdfinv(p[i])); out[3 * n + i] = erfcx(x[i] * 5); out[4 * n + i] = cyl_bessel_i0(x[i] * 20); out[5 * n + i] = cyl_bessel_i1(x[i] * 20);
        out[6 * n + i] = norm(3, x) + rnorm3d(x[i], 1, 2) + norm4d(x[i], 1, 2, 3); out[7 * n + i] = erfinvf((float)x[i]); }
}
__global__ void directed(const float *x, const float *y, const double *d, float *f, double *g, int n) {
    int i = threadIdx.x;
    if (i >= n) return;
    float a = x[i], b = y[i]; double c = d[i], e = y[i] * 1.1;
    f[i] = __fadd_rd(a, b); f[n + i] = __fadd_ru(a, b); f[2 * n + i] = __fadd_rz(a, b); f[3 * n + i] = __fmul_rd(a, b); f[4 * n + i] = __fmul_ru(a, b);
    f[5 * n + i] = __fdiv_rd(a, b); f[6 * n + i] = __fdiv_ru(a, b); f[7 * n + i] = __fsqrt_rd(fabsf(a)); f[8 * n + i] = __fmaf_ru(a, b, 0.1f); f[9 * n + i] = __double2float_rd(c); f[10 * n + i] = __int2float_ru((int)(a * 1e6f)); 
    g[i] = __dadd_rd(c, e); g[n + i] = __dadd_ru(c, e); g[2 * n + i] = __dmul_rz(c, e); g[3 * n + i] = __ddiv_ru(c, e); g[4 * n + i] = __fma_rd(c, e, 0.1); g[5 * n + i] = e;
}
__global__ void packed(const unsigned *a, const unsigned *b, unsigned *out, int n) {
    int i = threadIdx.x;
    if (i >= n) return;
    out[i] = __vadd4(a[i], b[i]); out[n + i] = __vabsdiffu4(a[i], b[i]); out[2 * n + i] = __vaddss2(a[i], b[i]); out[3 * n + i] = __vmaxs4(a[i], b[i]); out[4 * n + i] = __vcmpgtu4(a[i], b[i]);
    out[5 * n + i] = __vavgs4(a[i], b[i]); out[6 * n + i] = __vsadu4(a[i], b[i]); out[7 * n + i] = __vabsss4(a[i]); out[8 * n + i] = (unsigned)__dp4a((int)a[i], (int)b[i], 7); out[9 * n + i] = __vsubus2(a[i], b[i]); out[10 * n + i] = __dp2a_hi(a[i], b[i], 1u);
}
__global__ void saturating(const float *x, int *i, unsigned *u, long long *l, int n) {
    int k = threadIdx.x;
    if (k < n) { i[k] = __float2int_rn(x[k]); u[k] = __float2uint_rz(x[k]); l[k] = __float2ll_rd(x[k]); }
}
__global__ void registers(unsigned *lane, unsigned *below) {
    unsigned a, b;
    asm volatile("mov.u32 %0, %%laneid;" : "=r"(a));
    asm("mov.u32 %0, %lanemask_lt;" : "=r"(b));
    const int t = threadIdx.x + blockDim.x * threadIdx.y;
    lane[t] = a; below[t] = b;
}
__global__ void standard(float *x) {
    x[0] = std::sqrt(2.0f) + std::max(1.f, x[0]) + std::abs(-1.5f) + std::numeric_limits<float>::epsilon();
    std::size_t n = 3; x[1] = n + std::min<int>(2, 3);
}
