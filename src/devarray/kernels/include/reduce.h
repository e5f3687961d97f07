// What reductions share: fixed trees of additions, leaves with several running results, and the search for a winner.

// Where the pairwise tree splits n elements: multiples of eight, as NumPy's does (for complex numbers: of four).
#define DA_SPLIT(n) ((n) / 2 - (n) / 2 % 8)
#define DA_SPLIT_COMPLEX(n) (((n) - (n) % 8) / 2)

// The combination of n >= 1 elements, LANES at a time.
#define DA_LEAF(name, T, OP, LANES, BETTER) \
    FN T name(const T* b, i64 n) { \
        if (n < LANES) { \
            T s = b[0]; \
            for (i64 i = 1; i < n; ++i) s = OP(s, b[i]); \
            return s; \
        } \
        T r[LANES]; \
        i64 i = LANES; \
        for (int k = 0; k < LANES; ++k) r[k] = b[k]; \
        for (; i <= n - LANES; i += LANES) { \
            _Pragma("omp simd") for (int k = 0; k < LANES; ++k) r[k] = OP(r[k], b[i + k]); \
        } \
        for (int step = 1; step < LANES; step *= 2) \
            for (int k = 0; k < LANES; k += 2 * step) r[k] = OP(r[k], r[k + step]); \
        for (; i < n; ++i) r[0] = OP(r[0], b[i]); \
        return r[0]; \
    }

// The winner among n >= 1 elements, and where it first stands.
#define DA_ARG_LEAF(name, T, OP, LANES, BETTER) \
    DA_LEAF(name##_value, T, OP, LANES, BETTER) \
    FN T name(const T* b, i64 n, i64* at) { \
        const T best = name##_value(b, n); \
        i64 i = 0; \
        while (!(b[i] == best || b[i] != b[i])) ++i; \
        *at = i; \
        return b[i]; \
    }

// Whether x takes the place of y as the greatest or least: the first of equals wins, and NaN beats all.
#define DA_BETTER(T) \
    FN b8 da_above(T x, T y) { return x > y || (x != x && y == y); } \
    FN b8 da_below(T x, T y) { return x < y || (x != x && y == y); }
DA_BETTER(i32) DA_BETTER(u32) DA_BETTER(i64) DA_BETTER(u64) DA_BETTER(f32) DA_BETTER(f64)

FN f32 da_plus_zero(f32 x) { return 0.0f + x; }
FN f64 da_plus_zero(f64 x) { return 0.0 + x; }
#ifndef DA_NO_COMPLEX
FN c64 da_plus_zero(c64 x) { return da_c64(0.0f + x.re, 0.0f + x.im); }
FN c128 da_plus_zero(c128 x) { return da_c128(0.0 + x.re, 0.0 + x.im); }
#endif
