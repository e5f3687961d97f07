// CUDA C and HIP in C++ for OpenCL 2021. `opencl_text.py` changes the text of kernels where macros and functions cannot do
// it: shared arrays and the kernels themselves, which become functions that one kernel of OpenCL each calls.
//
// Pointers and references are to the generic address space, which an unqualified type means except in templates. A warp is
// a sub-group of 32 threads; these follow each other along x only, so blocks of more axes that use warps are launched as
// one axis (DA_FLAT_X, DA_FLAT_Y: their sizes). `long long` is `long` in the text, as OpenCL has no other.
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define DA_IN inline __attribute__((always_inline))

// ---- words of the language --------------------------------------------------------------------
#define __CUDACC__ 1
#define __CUDA_ARCH__ 900
#define __global__ DA_IN
#define __device__
#define __host__
#define __constant__
#define __managed__
#define __grid_constant__
#define __forceinline__ DA_IN
#define __noinline__ __attribute__((noinline))
#define __launch_bounds__(...)
#define __cluster_dims__(...)
#define __align__(n) __attribute__((aligned(n)))
#define __restrict __restrict__
typedef char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef uchar uint8_t;
typedef ushort uint16_t;
typedef uint uint32_t;
typedef ulong uint64_t;

#define DA_VECTORS(T, name, a1, a2, a4) \
    struct __attribute__((aligned(a1))) da_##name##1 { T x; }; \
    struct __attribute__((aligned(a2))) da_##name##2 { T x, y; }; \
    struct da_##name##3 { T x, y, z; }; \
    struct __attribute__((aligned(a4))) da_##name##4 { T x, y, z, w; }; \
    DA_IN da_##name##1 make_##name##1(T x) { return da_##name##1{x}; } \
    DA_IN da_##name##2 make_##name##2(T x, T y) { return da_##name##2{x, y}; } \
    DA_IN da_##name##3 make_##name##3(T x, T y, T z) { return da_##name##3{x, y, z}; } \
    DA_IN da_##name##4 make_##name##4(T x, T y, T z, T w) { return da_##name##4{x, y, z, w}; }
DA_VECTORS(char, char, 1, 2, 4) DA_VECTORS(uchar, uchar, 1, 2, 4)
DA_VECTORS(short, short, 2, 4, 8) DA_VECTORS(ushort, ushort, 2, 4, 8)
DA_VECTORS(int, int, 4, 8, 16) DA_VECTORS(uint, uint, 4, 8, 16)
DA_VECTORS(long, long, 8, 16, 16) DA_VECTORS(ulong, ulong, 8, 16, 16)
DA_VECTORS(float, float, 4, 8, 16) DA_VECTORS(double, double, 8, 16, 16)
struct dim3 {
    uint x, y, z;
    dim3(uint a = 1, uint b = 1, uint c = 1) : x(a), y(b), z(c) {}
    dim3(da_uint3 v) : x(v.x), y(v.y), z(v.z) {}
    operator da_uint3() const { return da_uint3{x, y, z}; }
};

// ---- indices ------------------------------------------------------------------------------------
// They are unsigned, as in CUDA. What lies side by side in memory is loaded at once if the compiler sees that it does. It
// does not where sums of unsigned numbers may wrap: limits tell it that they do not, and DA_HUGE is for launches beyond
// them. Nor does it where limits let it turn signed numbers into unsigned ones. Hence there are several words for an index,
// and `opencl_indices.py` takes the best one where it makes no other difference: DA_W_ (64 bits), DA_R_ (32 bits, no
// limits), DA_I_ (the same, signed).
#ifdef DA_HUGE
#define DA_LIMIT(r, limit)
#else
#define DA_LIMIT(r, limit) __builtin_assume(r < limit);
#endif
#define DA_PLACE(name, function, limit) \
    DA_IN ulong name(uint axis) { const ulong r = function(axis); DA_LIMIT(r, limit) return r; }
DA_PLACE(da_group, get_group_id, 1u << 21)
DA_PLACE(da_groups, get_num_groups, 1u << 21)
DA_PLACE(da_thread, get_local_id, 1025)
DA_PLACE(da_thread_tight, get_local_id, 1024)
DA_PLACE(da_size, get_local_size, 1025)
#ifdef DA_FLAT_X
#define DA_X(thread) (thread(0) % DA_FLAT_X)
#define DA_Y(thread) (thread(0) / DA_FLAT_X % DA_FLAT_Y)
#define DA_Z(thread) (thread(0) / (DA_FLAT_X * DA_FLAT_Y))
#define DA_SIZE_X(size) (DA_FLAT_X + 0ul)
#define DA_SIZE_Y(size) (DA_FLAT_Y + 0ul)
#define DA_SIZE_Z(size) (size(0) / (DA_FLAT_X * DA_FLAT_Y))
#else
#define DA_X(thread) thread(0)
#define DA_Y(thread) thread(1)
#define DA_Z(thread) thread(2)
#define DA_SIZE_X(size) size(0)
#define DA_SIZE_Y(size) size(1)
#define DA_SIZE_Z(size) size(2)
#endif
struct da_wide3 { ulong x, y, z; };
struct da_signed3 { int x, y, z; };
#define DA_WORD(T, N, a, b, c) (T{(N)(a), (N)(b), (N)(c)})
#define DA_THREAD(T, N, thread) DA_WORD(T, N, DA_X(thread), DA_Y(thread), DA_Z(thread))
#define DA_SIZE(T, N, size) DA_WORD(T, N, DA_SIZE_X(size), DA_SIZE_Y(size), DA_SIZE_Z(size))
#define DA_GROUP(T, N, group) DA_WORD(T, N, group(0), group(1), group(2))
#define threadIdx DA_THREAD(da_uint3, uint, da_thread)
#define blockIdx DA_GROUP(da_uint3, uint, da_group)
#define blockDim DA_SIZE(da_uint3, uint, da_size)
#define gridDim DA_GROUP(da_uint3, uint, da_groups)
#define DA_R_threadIdx DA_THREAD(da_uint3, uint, get_local_id)
#define DA_R_blockIdx DA_GROUP(da_uint3, uint, get_group_id)
#define DA_R_blockDim DA_SIZE(da_uint3, uint, get_local_size)
#define DA_R_gridDim DA_GROUP(da_uint3, uint, get_num_groups)
#ifdef DA_HUGE
#define DA_W_threadIdx threadIdx
#define DA_W_blockIdx blockIdx
#define DA_W_blockDim blockDim
#define DA_W_gridDim gridDim
#define DA_I_threadIdx threadIdx
#define DA_I_blockIdx blockIdx
#define DA_I_blockDim blockDim
#define DA_I_gridDim gridDim
#define DA_SIGNED
#else
#define DA_SIGNED (int)
#define DA_W_threadIdx DA_THREAD(da_wide3, ulong, da_thread_tight)
#define DA_W_blockIdx DA_GROUP(da_wide3, ulong, da_group)
#define DA_W_blockDim DA_SIZE(da_wide3, ulong, da_size)
#define DA_W_gridDim DA_GROUP(da_wide3, ulong, da_groups)
#define DA_I_threadIdx DA_THREAD(da_signed3, int, get_local_id)
#define DA_I_blockIdx DA_GROUP(da_signed3, int, get_group_id)
#define DA_I_blockDim DA_SIZE(da_signed3, int, get_local_size)
#define DA_I_gridDim DA_GROUP(da_signed3, int, get_num_groups)
#endif
#define hipThreadIdx_x threadIdx.x
#define hipThreadIdx_y threadIdx.y
#define hipThreadIdx_z threadIdx.z
#define hipBlockIdx_x blockIdx.x
#define hipBlockIdx_y blockIdx.y
#define hipBlockIdx_z blockIdx.z
#define hipBlockDim_x blockDim.x
#define hipBlockDim_y blockDim.y
#define hipBlockDim_z blockDim.z
#define hipGridDim_x gridDim.x
#define hipGridDim_y gridDim.y
#define hipGridDim_z gridDim.z
#define warpSize 32
#define HIP_DYNAMIC_SHARED(T, name) T *const name = (T *)da_here.dynamic;

// ---- barriers and votes of the block --------------------------------------------------------------
#define __syncthreads() barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)
#define __barrier_sync(id) __syncthreads()
DA_IN int da_count(bool vote) {
    __syncthreads();
    const int r = work_group_reduce_add((int)vote);
    __syncthreads();
    return r;
}
#define __syncthreads_count(vote) da_count(vote)
#define __syncthreads_or(vote) ((int)(da_count(vote) != 0))
#define __syncthreads_and(vote) ((int)(da_count(!(vote)) == 0))
#define __threadfence() \
    atomic_work_item_fence(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE, (memory_order)memory_order_seq_cst, (memory_scope)memory_scope_device)
#define __threadfence_block() __threadfence()
#define __threadfence_system() __threadfence()

// ---- operations of a warp -------------------------------------------------------------------------
#ifdef DA_WARPS
DA_IN uint da_active() { return sub_group_ballot(1).x; }
// What the lane `from` holds, within segments of `width` lanes; the own value where there is none
DA_IN int da_from(int kind, int by, int width) {
    const int lane = (int)get_sub_group_local_id(), begin = lane & ~(width - 1);
    const int from = kind == 0 ? begin | (by & (width - 1)) : kind == 1 ? lane - by : kind == 2 ? lane + by : lane ^ by;
    const bool inside = kind == 1 ? from >= begin : from < begin + width;
    return inside && from >= 0 && from < (int)get_sub_group_size() ? from : lane;
}
#define DA_SHUFFLE(T, C) DA_IN T da_shuffle(int kind, T x, int by, int width = 32) { return (T)sub_group_shuffle((C)x, (uint)da_from(kind, by, width)); }
DA_SHUFFLE(char, char) DA_SHUFFLE(uchar, uchar) DA_SHUFFLE(short, short) DA_SHUFFLE(ushort, ushort)
DA_SHUFFLE(int, int) DA_SHUFFLE(uint, uint) DA_SHUFFLE(long, long) DA_SHUFFLE(ulong, ulong)
DA_SHUFFLE(bool, int) DA_SHUFFLE(float, float) DA_SHUFFLE(double, double)
#ifdef cl_khr_fp16
DA_SHUFFLE(half, half)
#endif
#define __syncwarp(...) sub_group_barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)
#define __shfl_sync(mask, ...) da_shuffle(0, __VA_ARGS__)
#define __shfl_up_sync(mask, ...) da_shuffle(1, __VA_ARGS__)
#define __shfl_down_sync(mask, ...) da_shuffle(2, __VA_ARGS__)
#define __shfl_xor_sync(mask, ...) da_shuffle(3, __VA_ARGS__)
#define __shfl(...) da_shuffle(0, __VA_ARGS__)
#define __shfl_up(...) da_shuffle(1, __VA_ARGS__)
#define __shfl_down(...) da_shuffle(2, __VA_ARGS__)
#define __shfl_xor(...) da_shuffle(3, __VA_ARGS__)
DA_IN uint da_ballot(uint mask, bool x) { return sub_group_ballot(x).x & mask; }
#define __ballot_sync(mask, x) da_ballot(mask, x)
#define __any_sync(mask, x) ((int)(da_ballot(mask, x) != 0))
#define __all_sync(mask, x) ((int)(da_ballot(mask, !(x)) == 0))
#define __ballot(x) ((ulong)da_ballot(~0u, x))
#define __any(x) __any_sync(~0u, x)
#define __all(x) __all_sync(~0u, x)
#define __activemask() da_active()
template <class T> DA_IN uint da_match(uint mask, T x) {
    const uint lane = get_sub_group_local_id(), among = da_active() & mask;
    uint r = 0;
    for (uint k = 0; k < 32; ++k) {
        const T other = da_shuffle(0, x, (int)k);
        r |= (among >> k & 1) && (k == lane || other == x) ? 1u << k : 0u;
    }
    return r;
}
DA_IN uint da_match_all(uint found, uint mask, int *same) {
    const uint among = da_active() & mask;
    *same = da_ballot(mask, found != among) == 0;
    return *same ? among : 0;
}
#define __match_any_sync(mask, x) da_match(mask, x)
#define __match_all_sync(mask, x, same) da_match_all(da_match(mask, x), mask, same)
#define DA_REDUCE(name, T, formula) \
    DA_IN T name(uint mask, T x) { \
        const uint among = da_active() & mask; \
        T r = x; \
        bool some = false; \
        for (int k = 0; k < 32; ++k) { \
            const T y = da_shuffle(0, x, k); \
            if (among >> k & 1) { r = some ? (T)(formula) : y; some = true; } \
        } \
        return r; \
    }
#define DA_REDUCES(T) \
    DA_REDUCE(__reduce_add_sync, T, r + y) DA_REDUCE(__reduce_min_sync, T, y < r ? y : r) DA_REDUCE(__reduce_max_sync, T, y > r ? y : r) \
    DA_REDUCE(__reduce_and_sync, T, r & y) DA_REDUCE(__reduce_or_sync, T, r | y) DA_REDUCE(__reduce_xor_sync, T, r ^ y)
DA_REDUCES(int) DA_REDUCES(uint)
#endif

// ---- atomics ----------------------------------------------------------------------------------------
// A loop around compare-and-swap does what there is no instruction for. Bits are compared, not values. They are functions
// of OpenCL: what clang's __atomic functions become, Intel's compiler does once for threads that it runs as one vector.
#define DA_ORDER ((memory_order)memory_order_acq_rel)
#define DA_SCOPE ((memory_scope)memory_scope_device)
#define DA_SWAP(B, p, expected, desired) \
    atomic_compare_exchange_strong_explicit((volatile atomic_##B *)(p), expected, desired, DA_ORDER, (memory_order)memory_order_acquire, DA_SCOPE)
#define DA_UPDATE(T, B, p, formula) { \
    union { T value; B bits; } old, now; \
    old.bits = *(volatile B *)p; \
    do now.value = (T)(formula); \
    while (!DA_SWAP(B, p, &old.bits, now.bits)); \
    return old.value; }
#define DA_ATOMIC2(f, T, body) \
    DA_IN T f(volatile T *p, T v) body DA_IN T f##_block(volatile T *p, T v) { return f(p, v); } \
    DA_IN T f##_system(volatile T *p, T v) { return f(p, v); }
#define DA_FETCH(f, T, name) DA_ATOMIC2(f, T, { return atomic_##name##_explicit((volatile atomic_##T *)p, v, DA_ORDER, DA_SCOPE); })
#define DA_ATOMIC_CAS(T) \
    DA_IN T atomicCAS(volatile T *p, T c, T v) { DA_SWAP(T, p, &c, v); return c; } \
    DA_IN T atomicCAS_block(volatile T *p, T c, T v) { return atomicCAS(p, c, v); } \
    DA_IN T atomicCAS_system(volatile T *p, T c, T v) { return atomicCAS(p, c, v); }
#define DA_ATOMIC_WHOLE(T) \
    DA_FETCH(atomicAdd, T, fetch_add) DA_FETCH(atomicSub, T, fetch_sub) DA_FETCH(atomicAnd, T, fetch_and) DA_FETCH(atomicOr, T, fetch_or) \
    DA_FETCH(atomicXor, T, fetch_xor) DA_FETCH(atomicMin, T, fetch_min) DA_FETCH(atomicMax, T, fetch_max) DA_FETCH(atomicExch, T, exchange) \
    DA_ATOMIC_CAS(T)
#define DA_ATOMIC_REAL(T, B) \
    DA_ATOMIC2(atomicAdd, T, DA_UPDATE(T, B, p, old.value + v)) DA_ATOMIC2(atomicSub, T, DA_UPDATE(T, B, p, old.value - v)) \
    DA_ATOMIC2(atomicMin, T, DA_UPDATE(T, B, p, v < old.value ? v : old.value)) \
    DA_ATOMIC2(atomicMax, T, DA_UPDATE(T, B, p, v > old.value ? v : old.value)) DA_ATOMIC2(atomicExch, T, DA_UPDATE(T, B, p, v))
DA_ATOMIC_WHOLE(int) DA_ATOMIC_WHOLE(uint) DA_ATOMIC_WHOLE(long) DA_ATOMIC_WHOLE(ulong)
DA_ATOMIC_REAL(float, uint) DA_ATOMIC_REAL(double, ulong)
DA_ATOMIC2(atomicInc, uint, DA_UPDATE(uint, uint, p, old.value >= v ? 0 : old.value + 1))
DA_ATOMIC2(atomicDec, uint, DA_UPDATE(uint, uint, p, old.value == 0 || old.value > v ? v : old.value - 1))

// ---- what goes wrong, and messages ------------------------------------------------------------------
// The first failure: what happened, the line, the block and the thread
__global uint da_failure[8];
DA_IN void da_fail(uint what, uint line) {
    if (atomicCAS(&da_failure[0], 0, what) == 0) {
        const da_uint3 t = threadIdx, b = blockIdx;
        da_failure[1] = line;
        da_failure[2] = b.x; da_failure[3] = b.y; da_failure[4] = b.z;
        da_failure[5] = t.x; da_failure[6] = t.y; da_failure[7] = t.z;
    }
}
#ifdef NDEBUG
#define assert(e) ((void)0)
#else
#define assert(e) ((e) ? (void)0 : da_fail(1, __LINE__))
#endif
#define __trap() da_fail(2, __LINE__)
#define __brkpt() ((void)0)
namespace da_c { extern "C" int printf(__constant const char *, ...); }
#define printf da_c::printf
#define memcpy __builtin_memcpy
#define memset __builtin_memset

// ---- constants --------------------------------------------------------------------------------------
#define LLONG_MAX LONG_MAX
#define LLONG_MIN LONG_MIN
#define ULLONG_MAX ULONG_MAX
#define CUDART_INF_F INFINITY
#define CUDART_INF ((double)INFINITY)
#define CUDART_NAN_F NAN
#define CUDART_NAN ((double)NAN)
#define CUDART_PI_F 3.141592654f
#define CUDART_PI 3.1415926535897931

// ---- mathematics --------------------------------------------------------------------------------------
// OpenCL has them for float, double and half under one name. Added are the names with f, and integers, which become double.
template <class T> struct da_Whole {};
#define DA_WHOLE(T) template <> struct da_Whole<T> { typedef double type; };
DA_WHOLE(bool) DA_WHOLE(char) DA_WHOLE(uchar) DA_WHOLE(short) DA_WHOLE(ushort) DA_WHOLE(int) DA_WHOLE(uint)
DA_WHOLE(long) DA_WHOLE(ulong)
template <class T> struct da_Real : da_Whole<T> {};
template <> struct da_Real<float> { typedef float type; };
template <> struct da_Real<double> { typedef double type; };
template <class A, class B> struct da_Common { typedef typename da_Real<A>::type a; typedef typename da_Real<B>::type b; typedef double type; };
#define DA_UNARY(name) \
    DA_IN float name##f(float x) { return name(x); } \
    template <class T> DA_IN typename da_Whole<T>::type name(T x) { return name((double)x); }
#define DA_BINARY(name) \
    DA_IN float name##f(float x, float y) { return name(x, y); } \
    template <class A, class B> DA_IN typename da_Common<A, B>::type name(A x, B y) { return name((double)x, (double)y); }
DA_IN float nearbyint(float x) { return rint(x); }
DA_IN double nearbyint(double x) { return rint(x); }
DA_IN float normcdf(float x) { return 0.5f * erfc(x * -M_SQRT1_2_F); }
DA_IN double normcdf(double x) { return 0.5 * erfc(x * -M_SQRT1_2); }
DA_IN float rcbrt(float x) { return 1 / cbrt(x); }
DA_IN double rcbrt(double x) { return 1 / cbrt(x); }
DA_UNARY(exp) DA_UNARY(exp2) DA_UNARY(exp10) DA_UNARY(expm1) DA_UNARY(log) DA_UNARY(log2) DA_UNARY(log10) DA_UNARY(log1p)
DA_UNARY(sin) DA_UNARY(cos) DA_UNARY(tan) DA_UNARY(asin) DA_UNARY(acos) DA_UNARY(atan) DA_UNARY(sinh) DA_UNARY(cosh) DA_UNARY(tanh)
DA_UNARY(asinh) DA_UNARY(acosh) DA_UNARY(atanh) DA_UNARY(cbrt) DA_UNARY(erf) DA_UNARY(erfc) DA_UNARY(sqrt) DA_UNARY(rsqrt) DA_UNARY(fabs)
DA_UNARY(floor) DA_UNARY(ceil) DA_UNARY(trunc) DA_UNARY(rint) DA_UNARY(round) DA_UNARY(logb) DA_UNARY(tgamma) DA_UNARY(lgamma)
DA_UNARY(sinpi) DA_UNARY(cospi) DA_UNARY(nearbyint) DA_UNARY(normcdf) DA_UNARY(rcbrt)
DA_BINARY(pow) DA_BINARY(atan2) DA_BINARY(hypot) DA_BINARY(fmod) DA_BINARY(remainder) DA_BINARY(copysign) DA_BINARY(fdim)
DA_BINARY(fmax) DA_BINARY(fmin) DA_BINARY(nextafter)
DA_IN float pow(float x, int n) { return pow(x, (float)n); }
#define DA_OWN(T, s) \
    DA_IN void sincos##s(T x, T *a, T *b) { *a = sin(x); *b = cos(x); } \
    DA_IN void sincospi##s(T x, T *a, T *b) { *a = sinpi(x); *b = cospi(x); } \
    DA_IN T norm3d##s(T x, T y, T z) { return hypot(hypot(x, y), z); } \
    DA_IN T rhypot##s(T x, T y) { return 1 / hypot(x, y); }
DA_OWN(float, f) DA_OWN(double, )
DA_IN float fmaf(float x, float y, float z) { return fma(x, y, z); }
DA_IN float ldexpf(float x, int n) { return ldexp(x, n); }
DA_IN float scalbn(float x, int n) { return ldexp(x, n); }
DA_IN float scalbnf(float x, int n) { return ldexp(x, n); }
DA_IN double scalbn(double x, int n) { return ldexp(x, n); }
DA_IN float frexpf(float x, int *n) { return frexp(x, n); }
DA_IN float modff(float x, float *whole) { return modf(x, whole); }
DA_IN int ilogbf(float x) { return ilogb(x); }
#define DA_TO_WHOLE(f, T) \
    DA_IN T l##f(float x) { return (T)f(x); } DA_IN T l##f(double x) { return (T)f(x); } DA_IN T l##f##f(float x) { return (T)f(x); } \
    DA_IN long ll##f(float x) { return (long)f(x); } DA_IN long ll##f(double x) { return (long)f(x); } \
    DA_IN long ll##f##f(float x) { return (long)f(x); }
DA_TO_WHOLE(rint, long) DA_TO_WHOLE(round, long)
template <class T> DA_IN typename da_Whole<T>::type isnan(T) { return 0; }
template <class T> DA_IN typename da_Whole<T>::type isinf(T) { return 0; }
template <class T> DA_IN typename da_Whole<T>::type isfinite(T) { return 1; }
DA_IN int da_abs(int x) { return x < 0 ? -x : x; }
DA_IN long da_abs(long x) { return x < 0 ? -x : x; }
DA_IN float da_abs(float x) { return fabs(x); }
DA_IN double da_abs(double x) { return fabs(x); }
#define DA_EXTREMES(A, B, R) \
    DA_IN R da_min(A x, B y) { return (R)x < (R)y ? (R)x : (R)y; } \
    DA_IN R da_max(A x, B y) { return (R)x > (R)y ? (R)x : (R)y; }
#define DA_WHOLE_EXTREMES(T) \
    DA_EXTREMES(T, T, T) DA_EXTREMES(unsigned T, unsigned T, unsigned T) DA_EXTREMES(T, unsigned T, unsigned T) DA_EXTREMES(unsigned T, T, unsigned T)
DA_WHOLE_EXTREMES(int) DA_WHOLE_EXTREMES(long)
#define DA_REAL_EXTREMES(A, B, R) \
    DA_IN R da_min(A x, B y) { return fmin((R)x, (R)y); } DA_IN R da_max(A x, B y) { return fmax((R)x, (R)y); }
DA_REAL_EXTREMES(float, float, float) DA_REAL_EXTREMES(double, double, double) DA_REAL_EXTREMES(float, double, double) DA_REAL_EXTREMES(double, float, double)
#define abs da_abs
#define labs da_abs
#define llabs da_abs
#define min da_min
#define max da_max
#define umin da_min
#define umax da_max

// ---- intrinsics -----------------------------------------------------------------------------------------
#define DA_SAME(own, T, f) DA_IN T own(T x) { return f; }
#define DA_SAME2(own, T, f) DA_IN T own(T x, T y) { return f; }
DA_SAME(__expf, float, exp(x)) DA_SAME(__exp10f, float, exp10(x)) DA_SAME(__logf, float, log(x)) DA_SAME(__log2f, float, log2(x))
DA_SAME(__log10f, float, log10(x)) DA_SAME(__sinf, float, sin(x)) DA_SAME(__cosf, float, cos(x)) DA_SAME(__tanf, float, tan(x))
DA_SAME2(__powf, float, pow(x, y)) DA_SAME2(__fdividef, float, x / y) DA_SAME2(fdividef, float, x / y)
DA_SAME(__saturatef, float, x > 0 ? x < 1 ? x : 1 : 0) DA_SAME(saturate, float, __saturatef(x))
#define __sincosf sincosf
#define DA_ROUNDED(p, q, T) \
    DA_SAME2(__##p##add_rn, T, ({ _Pragma("clang fp contract(off)") x + y; })) DA_SAME2(__##p##sub_rn, T, ({ _Pragma("clang fp contract(off)") x - y; })) \
    DA_SAME2(__##p##mul_rn, T, ({ _Pragma("clang fp contract(off)") x * y; })) \
    DA_SAME2(__##p##div_rn, T, x / y) DA_SAME(__##p##rcp_rn, T, 1 / x) DA_SAME(__##p##sqrt_rn, T, sqrt(x)) \
    DA_IN T __##q##_rn(T x, T y, T z) { return fma(x, y, z); }
DA_ROUNDED(f, fmaf, float) DA_ROUNDED(d, fma, double)
DA_SAME(__frsqrt_rn, float, (float)(1 / sqrt((double)x)))
#define DA_CONVERT(f, From, To, C) \
    DA_IN To f##_rn(From x) { return (To)convert_##C##_sat_rte(x); } DA_IN To f##_rz(From x) { return (To)convert_##C##_sat_rtz(x); } \
    DA_IN To f##_rd(From x) { return (To)convert_##C##_sat_rtn(x); } DA_IN To f##_ru(From x) { return (To)convert_##C##_sat_rtp(x); }
DA_CONVERT(__float2int, float, int, int) DA_CONVERT(__float2uint, float, uint, uint) DA_CONVERT(__float2ll, float, long, long)
DA_CONVERT(__float2ull, float, ulong, ulong) DA_CONVERT(__double2int, double, int, int) DA_CONVERT(__double2uint, double, uint, uint)
DA_CONVERT(__double2ll, double, long, long) DA_CONVERT(__double2ull, double, ulong, ulong)
#define DA_TO(f, From, To) DA_IN To f(From x) { return (To)x; }
DA_TO(__int2float_rn, int, float) DA_TO(__uint2float_rn, uint, float) DA_TO(__ll2float_rn, long, float)
DA_TO(__ull2float_rn, ulong, float) DA_TO(__double2float_rn, double, float) DA_TO(__int2double_rn, int, double)
DA_TO(__uint2double_rn, uint, double) DA_TO(__ll2double_rn, long, double) DA_TO(__ull2double_rn, ulong, double)
DA_IN int __float_as_int(float x) { return as_int(x); }
DA_IN uint __float_as_uint(float x) { return as_uint(x); }
DA_IN float __int_as_float(int x) { return as_float(x); }
DA_IN float __uint_as_float(uint x) { return as_float(x); }
DA_IN long __double_as_longlong(double x) { return as_long(x); }
DA_IN double __longlong_as_double(long x) { return as_double((long)x); }
DA_IN int __double2hiint(double x) { return (int)(as_long(x) >> 32); }
DA_IN int __double2loint(double x) { return (int)as_long(x); }
DA_IN double __hiloint2double(int high, int low) { return as_double((ulong)(uint)high << 32 | (uint)low); }
DA_IN int __popc(uint x) { return (int)popcount(x); }
DA_IN int __popcll(ulong x) { return (int)popcount((ulong)x); }
DA_IN int __clz(int x) { return clz(x); }
DA_IN int __clzll(long x) { return (int)clz((long)x); }
DA_IN int __ffs(int x) { return x ? (int)ctz((uint)x) + 1 : 0; }
DA_IN int __ffsll(long x) { return x ? (int)ctz((ulong)x) + 1 : 0; }
DA_IN uint __brev(uint x) {
    x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
    x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
    x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
    return as_uint(as_uchar4(x).wzyx);
}
DA_IN ulong __brevll(ulong x) { return (ulong)__brev((uint)x) << 32 | __brev((uint)(x >> 32)); }
DA_IN int __mul24(int x, int y) { return (x << 8 >> 8) * (y << 8 >> 8); }
DA_IN uint __umul24(uint x, uint y) { return (x & 0xffffffu) * (y & 0xffffffu); }
DA_IN int __mulhi(int x, int y) { return mul_hi(x, y); }
DA_IN uint __umulhi(uint x, uint y) { return mul_hi(x, y); }
DA_IN long __mul64hi(long x, long y) { return mul_hi((long)x, (long)y); }
DA_IN ulong __umul64hi(ulong x, ulong y) { return mul_hi((ulong)x, (ulong)y); }
DA_IN uint __sad(int x, int y, uint z) { return z + abs_diff(x, y); }
DA_IN uint __usad(uint x, uint y, uint z) { return z + abs_diff(x, y); }
DA_IN int __hadd(int x, int y) { return hadd(x, y); }
DA_IN int __rhadd(int x, int y) { return rhadd(x, y); }
DA_IN uint __uhadd(uint x, uint y) { return hadd(x, y); }
DA_IN uint __urhadd(uint x, uint y) { return rhadd(x, y); }
DA_IN uint __funnelshift_l(uint low, uint high, uint n) { return (uint)(((ulong)high << 32 | low) << (n & 31) >> 32); }
DA_IN uint __funnelshift_r(uint low, uint high, uint n) { return (uint)(((ulong)high << 32 | low) >> (n & 31)); }
DA_IN uint __byte_perm(uint x, uint y, uint s) {
    const ulong both = (ulong)y << 32 | x;
    uint r = 0;
    for (int k = 0; k < 4; ++k) {
        const uint which = s >> 4 * k, byte = (uint)(both >> 8 * (which & 7)) & 255;
        r |= (which & 8 ? (byte & 128 ? 255u : 0u) : byte) << 8 * k;
    }
    return r;
}
#define DA_LOAD(f) template <class T> DA_IN T f(const __generic T *p) { return *p; }
DA_LOAD(__ldg) DA_LOAD(__ldca) DA_LOAD(__ldcg) DA_LOAD(__ldcs) DA_LOAD(__ldlu) DA_LOAD(__ldcv)
#define DA_STORE(f) template <class T> DA_IN void f(__generic T *p, T x) { *p = x; }
DA_STORE(__stwb) DA_STORE(__stcg) DA_STORE(__stcs) DA_STORE(__stwt)
DA_IN long clock64() { return (long)__builtin_readcyclecounter(); }
DA_IN long clock() { return (long)clock64(); }
DA_IN void __nanosleep(uint) {}

// ---- numbers of 16 bits ---------------------------------------------------------------------------------
#ifdef cl_khr_fp16
#define __half half
DA_IN half __float2half(float x) { return convert_half_rte(x); }
DA_IN half __float2half_rn(float x) { return convert_half_rte(x); }
DA_IN half __double2half(double x) { return convert_half_rte(x); }
DA_IN float __half2float(half x) { return x; }
DA_IN half __int2half_rn(int x) { return convert_half_rte(x); }
DA_IN int __half2int_rz(half x) { return (int)x; }
DA_IN half __ushort_as_half(ushort x) { return as_half(x); }
DA_IN ushort __half_as_ushort(half x) { return as_ushort(x); }
DA_IN half __hadd(half x, half y) { return x + y; }
DA_IN half __hsub(half x, half y) { return x - y; }
DA_IN half __hmul(half x, half y) { return x * y; }
DA_IN half __hdiv(half x, half y) { return x / y; }
DA_IN half __hneg(half x) { return -x; }
DA_IN half __hfma(half x, half y, half z) { return fma(x, y, z); }
DA_IN bool __heq(half x, half y) { return x == y; }
DA_IN bool __hne(half x, half y) { return x != y; }
DA_IN bool __hlt(half x, half y) { return x < y; }
DA_IN bool __hle(half x, half y) { return x <= y; }
DA_IN bool __hgt(half x, half y) { return x > y; }
DA_IN bool __hge(half x, half y) { return x >= y; }
DA_IN bool __hisnan(half x) { return x != x; }
DA_IN half hsqrt(half x) { return sqrt(x); }
DA_IN half hexp(half x) { return exp(x); }
DA_IN half hlog(half x) { return log(x); }
#endif

// ---- kernels and their arguments ------------------------------------------------------------------------
// A kernel of OpenCL gets the arguments as bytes, and reads them as the members of a structure (pointers that are members
// would not be allowed there). `da_Describe` tells how `_opencl_raw.py` fills it.
struct da_Bytes0 { ulong words[8]; };
struct da_Bytes1 { ulong words[32]; };
struct da_Bytes2 { ulong words[512]; };
template <int k> struct da_Bucket {};
template <> struct da_Bucket<0> { typedef da_Bytes0 type; };
template <> struct da_Bucket<1> { typedef da_Bytes1 type; };
template <> struct da_Bucket<2> { typedef da_Bytes2 type; };
template <class A> struct da_Holder {
    enum { bucket = sizeof(A) <= sizeof(da_Bytes0) ? 0 : sizeof(A) <= sizeof(da_Bytes1) ? 1 : 2 };
    static_assert(sizeof(A) <= sizeof(da_Bytes2), "a kernel's parameters have more than 4096 bytes");
    typedef typename da_Bucket<bucket>::type type;
};
template <class T> DA_IN T da_pass(T x) { return x; }
template <class T> DA_IN __generic T *da_pass(__generic T *x) { return (__generic T *)(__global char *)x; }
template <class T> struct da_Kind { enum { value = __is_enum(T) ? 'i' : 's' }; };
template <class T> struct da_Kind<const T> : da_Kind<T> {};
template <class T> struct da_Kind<volatile T> : da_Kind<T> {};
template <class T> struct da_Kind<const volatile T> : da_Kind<T> {};
template <class T> struct da_Kind<__generic T *> { enum { value = 'p' }; };
#define DA_KIND(T, k) template <> struct da_Kind<T> { enum { value = k }; };
DA_KIND(char, 'i') DA_KIND(short, 'i') DA_KIND(int, 'i') DA_KIND(long, 'i') DA_KIND(signed char, 'i')
DA_KIND(uchar, 'u') DA_KIND(ushort, 'u') DA_KIND(uint, 'u') DA_KIND(ulong, 'u')
DA_KIND(bool, 'b') DA_KIND(float, 'f') DA_KIND(double, 'f')
#ifdef cl_khr_fp16
DA_KIND(half, 'f')
#endif
template <class T> struct da_Size { enum { value = sizeof(T) }; };
template <> struct da_Size<void> { enum { value = 0 }; };
template <> struct da_Size<const void> { enum { value = 0 }; };
template <class T> struct da_Constant { enum { value = 0 }; };
template <class T> struct da_Constant<const T> { enum { value = 1 }; };
template <class T> struct da_Describe { enum { kind = da_Kind<T>::value, size = sizeof(T), target = 0, target_size = 0, fixed = 0 }; };
template <class T> struct da_Describe<const T> : da_Describe<T> {};
template <class T> struct da_Describe<__generic T *> {
    enum { kind = 'p', size = sizeof(ulong), target = da_Kind<T>::value, target_size = da_Size<T>::value, fixed = da_Constant<T>::value };
};
template <class T> struct da_Describe<__generic T *__restrict__> : da_Describe<__generic T *> {};
#define DA_NOTE(A, member) { \
    typedef da_Describe<decltype(A::member)> da_d; \
    da_to[0] = da_d::kind; da_to[1] = da_d::size; da_to[2] = __builtin_offsetof(A, member); \
    da_to[3] = da_d::target; da_to[4] = da_d::target_size; da_to[5] = da_d::fixed; \
    da_to += 6; }
__kernel void da_copy(ulong to, ulong from, ulong count) {
    for (ulong k = 0; k < count; ++k) ((__global char *)to)[k] = ((__global const char *)from)[k];
}

// ---- words that OpenCL keeps for itself, and CUDA does not; this comes last ------------------------------
#define local da_name_local
#define global da_name_global
#define constant da_name_constant
#define kernel da_name_kernel
#define generic da_name_generic
#define pipe da_name_pipe
#define read_only da_name_read_only
#define write_only da_name_write_only
#define read_write da_name_read_write
// The vectors of CUDA are structures: three floats have 12 bytes
#define char1 da_char1
#define char2 da_char2
#define char3 da_char3
#define char4 da_char4
#define uchar1 da_uchar1
#define uchar2 da_uchar2
#define uchar3 da_uchar3
#define uchar4 da_uchar4
#define short1 da_short1
#define short2 da_short2
#define short3 da_short3
#define short4 da_short4
#define ushort1 da_ushort1
#define ushort2 da_ushort2
#define ushort3 da_ushort3
#define ushort4 da_ushort4
#define int1 da_int1
#define int2 da_int2
#define int3 da_int3
#define int4 da_int4
#define uint1 da_uint1
#define uint2 da_uint2
#define uint3 da_uint3
#define uint4 da_uint4
#define long1 da_long1
#define long2 da_long2
#define long3 da_long3
#define long4 da_long4
#define ulong1 da_ulong1
#define ulong2 da_ulong2
#define ulong3 da_ulong3
#define ulong4 da_ulong4
#define longlong1 da_long1
#define longlong2 da_long2
#define longlong3 da_long3
#define longlong4 da_long4
#define ulonglong1 da_ulong1
#define ulonglong2 da_ulong2
#define ulonglong3 da_ulong3
#define ulonglong4 da_ulong4
#define float1 da_float1
#define float2 da_float2
#define float3 da_float3
#define float4 da_float4
#define double1 da_double1
#define double2 da_double2
#define double3 da_double3
#define double4 da_double4
#define make_longlong1 make_long1
#define make_longlong2 make_long2
#define make_longlong3 make_long3
#define make_longlong4 make_long4
#define make_ulonglong1 make_ulong1
#define make_ulonglong2 make_ulong2
#define make_ulonglong3 make_ulong3
#define make_ulonglong4 make_ulong4
