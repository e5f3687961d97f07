// <curand_kernel.h> and <hiprand/hiprand_kernel.h>: generators that each thread has a state of, and their distributions.
// Philox 4x32-10: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011). MRG32k3a: L'Ecuyer, "Good
// parameters and implementations for combined multiple recursive random number generators" (1999). States have CUDA's sizes.

typedef unsigned long long dh_u64;
enum : unsigned { DH_NONE = 0xffffffffu };  // no normal number is kept: these bits are NaN's
template <class To, class From> DH_IN To dh_same(From x) { To r; static_assert(sizeof r == sizeof x, ""); memcpy(&r, &x, sizeof r); return r; }
DH_IN uint4 dh_philox(dh_u64 low, dh_u64 high, dh_u64 key) {
    unsigned a = (unsigned)low, b = (unsigned)(low >> 32), c = (unsigned)high, d = (unsigned)(high >> 32);
    unsigned k = (unsigned)key, m = (unsigned)(key >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < 10; ++round) {
        const dh_u64 p = (dh_u64)0xD2511F53u * a, q = (dh_u64)0xCD9E8D57u * c;
        a = (unsigned)(q >> 32) ^ b ^ k;
        b = (unsigned)q;
        c = (unsigned)(p >> 32) ^ d ^ m;
        d = (unsigned)p;
        k += 0x9E3779B9u;
        m += 0xBB67AE85u;
    }
    return uint4{a, b, c, d};
}

// ---- Philox: the counter is (block of four words, sequence), the key is the seed ------------------------
// dh_word tells which word of the block comes next, dh_y to dh_w are kept of a block that is begun.
struct __attribute__((aligned(16))) curandStatePhilox4_32_10 {
    dh_u64 dh_key, dh_low, dh_high;
    unsigned dh_word, dh_y, dh_z, dh_w, dh_float, dh_unused;
    dh_u64 dh_double;
};
typedef curandStatePhilox4_32_10 curandStatePhilox4_32_10_t;
static_assert(sizeof(curandStatePhilox4_32_10) == 64, "");
DH_IN void dh_store(curandStatePhilox4_32_10 *s, uint4 b) { s->dh_y = b.y; s->dh_z = b.z; s->dh_w = b.w; }
DH_IN void dh_next_block(curandStatePhilox4_32_10 *s) { s->dh_low += 1; s->dh_high += s->dh_low == 0; }
DH_IN unsigned curand(curandStatePhilox4_32_10 *s) {
    const unsigned k = s->dh_word;
    unsigned r = k == 1 ? s->dh_y : k == 2 ? s->dh_z : s->dh_w;
    if (k == 0) {
        const uint4 b = dh_philox(s->dh_low, s->dh_high, s->dh_key);
        dh_store(s, b);
        r = b.x;
    }
    s->dh_word = (k + 1) & 3;
    if (k == 3) dh_next_block(s);
    return r;
}
DH_IN uint4 curand4(curandStatePhilox4_32_10 *s) {
    const unsigned k = s->dh_word, y = s->dh_y, z = s->dh_z, w = s->dh_w;
    uint4 b;
    if (k == 0) {
        b = dh_philox(s->dh_low, s->dh_high, s->dh_key);
        dh_next_block(s);
        return b;
    }
    dh_next_block(s);
    b = dh_philox(s->dh_low, s->dh_high, s->dh_key);
    dh_store(s, b);
    return k == 1 ? uint4{y, z, w, b.x} : k == 2 ? uint4{z, w, b.x, b.y} : uint4{w, b.x, b.y, b.z};
}
DH_IN void dh_refill(curandStatePhilox4_32_10 *s) {
    if (s->dh_word) dh_store(s, dh_philox(s->dh_low, s->dh_high, s->dh_key));
}
DH_IN void skipahead(dh_u64 n, curandStatePhilox4_32_10 *s) {
    const unsigned word = s->dh_word + (unsigned)(n & 3);
    const dh_u64 blocks = (n >> 2) + (word >> 2);
    s->dh_word = word & 3;
    s->dh_low += blocks;
    s->dh_high += s->dh_low < blocks;
    dh_refill(s);
}
DH_IN void skipahead_sequence(dh_u64 n, curandStatePhilox4_32_10 *s) { s->dh_high += n; dh_refill(s); }
DH_IN void curand_init(dh_u64 seed, dh_u64 sequence, dh_u64 offset, curandStatePhilox4_32_10 *s) {
    *s = curandStatePhilox4_32_10{seed, 0, sequence, 0, 0, 0, 0, DH_NONE, 0, ~0ull};
    skipahead(offset, s);
}

// ---- curandState: Philox as well, with another key. What XORWOW's sequences are on GPUs is not published. --------
struct curandStateXORWOW {
    dh_u64 dh_key, dh_place, dh_sequence, dh_double;
    unsigned dh_y, dh_z, dh_w, dh_float;
};
typedef curandStateXORWOW curandStateXORWOW_t;
typedef curandStateXORWOW curandState;
typedef curandStateXORWOW curandState_t;
static_assert(sizeof(curandState) == 48, "");
DH_IN void dh_refill(curandStateXORWOW *s) {
    if (s->dh_place & 3) {
        const uint4 b = dh_philox(s->dh_place >> 2, s->dh_sequence, s->dh_key);
        s->dh_y = b.y; s->dh_z = b.z; s->dh_w = b.w;
    }
}
DH_IN unsigned curand(curandStateXORWOW *s) {
    const unsigned k = (unsigned)s->dh_place & 3;
    unsigned r = k == 1 ? s->dh_y : k == 2 ? s->dh_z : s->dh_w;
    if (k == 0) {
        const uint4 b = dh_philox(s->dh_place >> 2, s->dh_sequence, s->dh_key);
        s->dh_y = b.y; s->dh_z = b.z; s->dh_w = b.w;
        r = b.x;
    }
    s->dh_place += 1;
    return r;
}
DH_IN void skipahead(dh_u64 n, curandStateXORWOW *s) { s->dh_place += n; dh_refill(s); }
DH_IN void skipahead_sequence(dh_u64 n, curandStateXORWOW *s) { s->dh_sequence += n; dh_refill(s); }
DH_IN void curand_init(dh_u64 seed, dh_u64 sequence, dh_u64 offset, curandStateXORWOW *s) {
    *s = curandStateXORWOW{seed ^ 0x584f52574f57ull, offset, sequence, ~0ull, 0, 0, 0, DH_NONE};
    dh_refill(s);
}

// ---- MRG32k3a: two recurrences modulo numbers below 2^32, in doubles, where all products are exact ---------------
struct curandStateMRG32k3a {
    double dh_s1[3], dh_s2[3];
    unsigned dh_float, dh_unused[3];
    dh_u64 dh_double;
};
typedef curandStateMRG32k3a curandStateMRG32k3a_t;
static_assert(sizeof(curandStateMRG32k3a) == 72, "");
#define DH_M1 4294967087.
#define DH_M2 4294944443.
DH_IN double dh_modulo(double x, double m) {
    x -= __builtin_floor(x / m) * m;
    x = x < 0 ? x + m : x;
    return x >= m ? x - m : x;
}
DH_IN double dh_mrg(curandStateMRG32k3a *s) {  // 1 to DH_M1
    const double p = dh_modulo(1403580. * s->dh_s1[1] - 810728. * s->dh_s1[0], DH_M1);
    const double q = dh_modulo(527612. * s->dh_s2[2] - 1370589. * s->dh_s2[0], DH_M2);
    s->dh_s1[0] = s->dh_s1[1]; s->dh_s1[1] = s->dh_s1[2]; s->dh_s1[2] = p;
    s->dh_s2[0] = s->dh_s2[1]; s->dh_s2[1] = s->dh_s2[2]; s->dh_s2[2] = q;
    return p <= q ? p - q + DH_M1 : p - q;
}
#define DH_UNIT_MRG 2.328306549295727688e-10  // 1 / (DH_M1 + 1)
DH_IN unsigned curand(curandStateMRG32k3a *s) { return (unsigned)(dh_u64)(dh_mrg(s) * (4294967296. * DH_UNIT_MRG)); }
struct dh_Matrix { dh_u64 m[3][3]; };
DH_IN dh_Matrix dh_product(const dh_Matrix &a, const dh_Matrix &b, dh_u64 m) {
    dh_Matrix r;
    for (int i = 0; i < 3; ++i)
        for (int j = 0; j < 3; ++j) {
            dh_u64 sum = 0;
            for (int k = 0; k < 3; ++k) sum = (sum + a.m[i][k] * b.m[k][j] % m) % m;
            r.m[i][j] = sum;
        }
    return r;
}
// A state moved by n times the step of a matrix
static __attribute__((noinline, unused)) void dh_moved(double *s, dh_Matrix a, dh_u64 n, dh_u64 m) {
    for (; n; n >>= 1) {
        if (n & 1) {
            const dh_u64 x[3] = {(dh_u64)s[0], (dh_u64)s[1], (dh_u64)s[2]};
            for (int i = 0; i < 3; ++i) s[i] = (double)((a.m[i][0] * x[0] % m + a.m[i][1] * x[1] % m + a.m[i][2] * x[2] % m) % m);
        }
        if (n > 1) a = dh_product(a, a, m);
    }
}
DH_IN void skipahead(dh_u64 n, curandStateMRG32k3a *s) {
    if (n == 0) return;
    dh_moved(s->dh_s1, dh_Matrix{{{0, 1, 0}, {0, 0, 1}, {4294156359u, 1403580, 0}}}, n, 4294967087u);
    dh_moved(s->dh_s2, dh_Matrix{{{0, 1, 0}, {0, 0, 1}, {4293573854u, 0, 527612}}}, n, 4294944443u);
}
// Sequences are 2^127 numbers apart, and parts of them 2^76
DH_IN void skipahead_sequence(dh_u64 n, curandStateMRG32k3a *s) {
    if (n == 0) return;
    dh_moved(s->dh_s1, dh_Matrix{{{2427906178u, 3580155704u, 949770784u}, {226153695u, 1230515664u, 3580155704u}, {1988835001u, 986791581u, 1230515664u}}}, n, 4294967087u);
    dh_moved(s->dh_s2, dh_Matrix{{{1464411153u, 277697599u, 1610723613u}, {32183930u, 1464411153u, 1022607788u}, {2824425944u, 32183930u, 2093834863u}}}, n, 4294944443u);
}
DH_IN void skipahead_subsequence(dh_u64 n, curandStateMRG32k3a *s) {
    if (n == 0) return;
    dh_moved(s->dh_s1, dh_Matrix{{{82758667u, 1871391091u, 4127413238u}, {3672831523u, 69195019u, 1871391091u}, {3672091415u, 3528743235u, 69195019u}}}, n, 4294967087u);
    dh_moved(s->dh_s2, dh_Matrix{{{1511326704u, 3759209742u, 1610795712u}, {4292754251u, 1511326704u, 3889917532u}, {3859662829u, 4292754251u, 3708466080u}}}, n, 4294944443u);
}
DH_IN double dh_first(unsigned x, double m) { return 1 + dh_modulo((double)x, m - 1); }
DH_IN void curand_init(dh_u64 seed, dh_u64 sequence, dh_u64 offset, curandStateMRG32k3a *s) {
    *s = curandStateMRG32k3a{{12345, 12345, 12345}, {12345, 12345, 12345}, DH_NONE, {}, ~0ull};  // L'Ecuyer's, for seed 0
    if (seed) {
        const uint4 a = dh_philox(0, 0, seed), b = dh_philox(1, 0, seed);
        s->dh_s1[0] = dh_first(a.x, DH_M1); s->dh_s1[1] = dh_first(a.y, DH_M1); s->dh_s1[2] = dh_first(a.z, DH_M1);
        s->dh_s2[0] = dh_first(b.x, DH_M2); s->dh_s2[1] = dh_first(b.y, DH_M2); s->dh_s2[2] = dh_first(b.z, DH_M2);
    }
    skipahead_sequence(sequence, s);
    skipahead(offset, s);
}

// ---- distributions ---------------------------------------------------------------------------------------
DH_IN float dh_unit(unsigned x) { return (float)x * 0x1p-32f + 0x1p-33f; }  // in (0, 1]
DH_IN double dh_unit_double(unsigned x, unsigned y) { return (double)(long long)(x ^ (dh_u64)y << 21) * 0x1p-53 + 0x1p-54; }
// Box and Muller's
DH_IN float2 dh_normals(float u, float v) {
    const float r = sqrtf(-2.f * logf(u)), angle = 6.2831853f * v;
    return float2{r * sinf(angle), r * cosf(angle)};
}
DH_IN double2 dh_normals_double(double u, double v) {
    const double r = sqrt(-2. * log(u)), angle = 6.28318530717958647693 * v;
    return double2{r * sin(angle), r * cos(angle)};
}
#define DH_UNIFORM(S) \
    DH_IN float curand_uniform(S *s) { return dh_unit(curand(s)); } \
    DH_IN double curand_uniform_double(S *s) { const unsigned x = curand(s), y = curand(s); return dh_unit_double(x, y); }
DH_UNIFORM(curandStateXORWOW) DH_UNIFORM(curandStatePhilox4_32_10)
DH_IN double curand_uniform_double(curandStateMRG32k3a *s) { return dh_mrg(s) * DH_UNIT_MRG; }
DH_IN float curand_uniform(curandStateMRG32k3a *s) { return (float)curand_uniform_double(s); }
// Numbers of Poisson's distribution: few factors, or the rejection of Hoermann (PTRS, 1993)
template <class S> static unsigned dh_poisson(S *s, double mean) {
    if (!(mean > 0)) return 0;
    if (mean < 10) {
        const double least = exp(-mean);
        unsigned k = 0;
        for (double product = curand_uniform_double(s); product > least; product *= curand_uniform_double(s)) ++k;
        return k;
    }
    const double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b, inverse = 1.1239 + 1.1328 / (b - 3.4);
    const double sure = 0.9277 - 3.6224 / (b - 2), logarithm = log(mean);
    for (;;) {
        const double u = curand_uniform_double(s) - 0.5, v = curand_uniform_double(s), rest = 0.5 - fabs(u);
        const double k = floor((2 * a / rest + b) * u + mean + 0.43);
        if (rest >= 0.07 && v <= sure) return (unsigned)k;
        if (k < 0 || k > 4294967295. || rest <= 0 || (rest < 0.013 && v > rest)) continue;
        if (log(v * inverse / (a / (rest * rest) + b)) <= k * logarithm - mean - lgamma(k + 1)) return (unsigned)k;
    }
}
#define DH_NORMAL(S) \
    DH_IN float2 curand_normal2(S *s) { const float u = curand_uniform(s), v = curand_uniform(s); return dh_normals(u, v); } \
    DH_IN double2 curand_normal2_double(S *s) { \
        const double u = curand_uniform_double(s), v = curand_uniform_double(s); \
        return dh_normals_double(u, v); } \
    DH_IN float curand_normal(S *s) { \
        const unsigned kept = s->dh_float; \
        if (kept != DH_NONE) { s->dh_float = DH_NONE; return dh_same<float>(kept); } \
        const float2 both = curand_normal2(s); \
        s->dh_float = dh_same<unsigned>(both.y); \
        return both.x; } \
    DH_IN double curand_normal_double(S *s) { \
        const dh_u64 kept = s->dh_double; \
        if (kept != ~0ull) { s->dh_double = ~0ull; return dh_same<double>(kept); } \
        const double2 both = curand_normal2_double(s); \
        s->dh_double = dh_same<dh_u64>(both.y); \
        return both.x; } \
    DH_IN float curand_log_normal(S *s, float mean, float deviation) { return expf(mean + deviation * curand_normal(s)); } \
    DH_IN float2 curand_log_normal2(S *s, float mean, float deviation) { \
        const float2 r = curand_normal2(s); \
        return float2{expf(mean + deviation * r.x), expf(mean + deviation * r.y)}; } \
    DH_IN double curand_log_normal_double(S *s, double mean, double deviation) { return exp(mean + deviation * curand_normal_double(s)); } \
    DH_IN double2 curand_log_normal2_double(S *s, double mean, double deviation) { \
        const double2 r = curand_normal2_double(s); \
        return double2{exp(mean + deviation * r.x), exp(mean + deviation * r.y)}; } \
    DH_IN unsigned curand_poisson(S *s, double mean) { return dh_poisson(s, mean); }
DH_NORMAL(curandStateXORWOW) DH_NORMAL(curandStatePhilox4_32_10) DH_NORMAL(curandStateMRG32k3a)
// Four words of Philox at once
DH_IN float4 curand_uniform4(curandStatePhilox4_32_10 *s) {
    const uint4 x = curand4(s);
    return float4{dh_unit(x.x), dh_unit(x.y), dh_unit(x.z), dh_unit(x.w)};
}
DH_IN double2 curand_uniform2_double(curandStatePhilox4_32_10 *s) {
    const uint4 x = curand4(s);
    return double2{dh_unit_double(x.x, x.y), dh_unit_double(x.z, x.w)};
}
DH_IN float4 curand_normal4(curandStatePhilox4_32_10 *s) {
    const float4 u = curand_uniform4(s);
    const float2 a = dh_normals(u.x, u.y), b = dh_normals(u.z, u.w);
    return float4{a.x, a.y, b.x, b.y};
}
DH_IN float4 curand_log_normal4(curandStatePhilox4_32_10 *s, float mean, float deviation) {
    const float4 r = curand_normal4(s);
    return float4{expf(mean + deviation * r.x), expf(mean + deviation * r.y), expf(mean + deviation * r.z), expf(mean + deviation * r.w)};
}
DH_IN uint4 curand_poisson4(curandStatePhilox4_32_10 *s, double mean) {
    const unsigned x = dh_poisson(s, mean), y = dh_poisson(s, mean), z = dh_poisson(s, mean), w = dh_poisson(s, mean);
    return uint4{x, y, z, w};
}

// ---- HIP's names -------------------------------------------------------------------------------------------
#define hiprandState curandState
#define hiprandState_t curandState
#define hiprandStateXORWOW curandStateXORWOW
#define hiprandStateXORWOW_t curandStateXORWOW
#define hiprandStatePhilox4_32_10 curandStatePhilox4_32_10
#define hiprandStatePhilox4_32_10_t curandStatePhilox4_32_10
#define hiprandStateMRG32k3a curandStateMRG32k3a
#define hiprandStateMRG32k3a_t curandStateMRG32k3a
#define hiprand curand
#define hiprand4 curand4
#define hiprand_init curand_init
#define hiprand_uniform curand_uniform
#define hiprand_uniform4 curand_uniform4
#define hiprand_uniform_double curand_uniform_double
#define hiprand_uniform2_double curand_uniform2_double
#define hiprand_normal curand_normal
#define hiprand_normal2 curand_normal2
#define hiprand_normal4 curand_normal4
#define hiprand_normal_double curand_normal_double
#define hiprand_normal2_double curand_normal2_double
#define hiprand_log_normal curand_log_normal
#define hiprand_log_normal2 curand_log_normal2
#define hiprand_log_normal4 curand_log_normal4
#define hiprand_log_normal_double curand_log_normal_double
#define hiprand_log_normal2_double curand_log_normal2_double
#define hiprand_poisson curand_poisson
#define hiprand_poisson4 curand_poisson4
