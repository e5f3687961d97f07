// CUDA C and HIP in C++ for OpenCL 2021. `opencl_text.py` changes the text of kernels where macros and functions cannot do
// it: shared arrays and the kernels themselves, which become functions that one kernel of OpenCL each calls.
//
// Pointers and references are to the generic address space, which an unqualified type means except in templates. A warp is
// a sub-group of 32 threads; these follow each other along x only, so blocks of more axes that use warps are launched as
// one axis (DA_FLAT_X, DA_FLAT_Y: their sizes). `long long` is `long` in the text, as OpenCL has no other.
#pragma OPENCL EXTENSION cl_khr_fp16 : enable
#define DA_IN inline __attribute__((always_inline))
#define RAW_IN DA_IN

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
