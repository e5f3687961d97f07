// What kernels in CUDA C and HIP see of the host, behind `host_functions.h`. `host_text.py` changes their text in three
// ways only: kernels get hidden parameters (DH_GRID), `extern __shared__` arrays become DH_DYNAMIC, and known headers are
// left out. Behind it comes the launcher of each kernel, an instance of dh_Kernel below.
//
// `host_fibers.h`, a library of its own that is compiled once, hands out blocks to threads of the system ("workers"). A
// kernel that never waits runs the threads of its block in a loop (DH_LOOP). Others run them as fibers, each with a stack
// of its own, on the worker (DH_FIBERS): whoever waits switches to the next one that can go on. What can fail (assert)
// but never waits is a loop on one fiber (DH_GUARDED): failure leaves it by switching away.
//
// Indices are parameters of the kernel and reach the vectoriser as plain numbers. The functions that it calls see
// thread-local variables of the same names, which are kept up to date only if DH_INDICES says that somebody reads them.

// ---- a launch, a worker, a fiber ----------------------------------------------------------------
enum { DH_LOOP, DH_GUARDED, DH_FIBERS };
enum { DH_ASSERTED = 1, DH_DIVERGED, DH_TRAPPED, DH_NO_MEMORY, DH_OVERFLOW };
enum { DH_READY, DH_AT_BARRIER, DH_IN_WARP, DH_ENDED };
enum { DH_MOST = 1024 };  // threads of a block
enum { DH_WHOLE_STACK = 1 << 24 };  // bytes of a fiber that runs a whole block

struct dh_Worker;
struct dh_Launch {
    const char *kernel;
    dim3 grid, block;
    size_t dynamic_bytes;
    void **arguments;
    int mode;
    bool indices;     // whether functions read the thread-local indices
    bool ended_pass;  // whether threads that have ended do not count at barriers
    bool prints;
    size_t stack;  // bytes of a fiber
    void (*run)(dh_Worker *);  // a thread of the block, or the whole block
    char *message;
    size_t message_bytes;
    int code;  // of the first failure
    long long ticket;  // the next block
};
struct dh_Lane {  // what a thread brought to an operation of its warp, and what it got
    unsigned mask;  // 0: whoever comes
    int operation, line, source;
    unsigned long long value, result;
};
struct dh_Fiber {
    void *stack_pointer;
    char *limit;  // below which the stack is nearly used up
    uint3 thread;
};
struct dh_Threads {  // of a block that runs as fibers
    unsigned char state[DH_MOST];
    unsigned waiting[DH_MOST / 32], ended[DH_MOST / 32];  // a bit a lane, for each warp
    dh_Fiber fiber[DH_MOST];
    dh_Lane lane[DH_MOST];
};
struct dh_Area {  // memory of a worker, kept for the next launch
    dh_Area *next;
    size_t bytes;
};
struct dh_Worker {
    dh_Launch *launch;
    void *main;  // the stack pointer outside of fibers
    uint3 block;
    char *dynamic;  // shared memory
    unsigned fibers, current, alive;
    unsigned arrived, total, tally, outcome;  // at the block's barrier; threads and votes of the last one
    int line;
    dh_Threads *threads;
    dh_Area *area;
    char *stacks;
};

// What a kernel has as its first parameters, and what other functions see in their place
#define DH_GRID dh_Worker *const dh_here, const uint3 threadIdx, const uint3 blockIdx, const dim3 blockDim, const dim3 gridDim
#define DH_GRID_TYPES dh_Worker *, uint3, uint3, dim3, dim3
extern __thread dh_Worker *dh_here;
extern __thread uint3 threadIdx, blockIdx;
extern __thread dim3 blockDim, gridDim;
static const int warpSize = 32;
#define DH_DYNAMIC(T, name, sizes) typedef T name##_dh_element sizes; \
    name##_dh_element *const name = (name##_dh_element *)dh_here->dynamic
#define HIP_DYNAMIC_SHARED(T, name) T *const name = (T *)dh_here->dynamic;
template <class T> struct dh_Dynamic {  // the same outside of functions
    DH_IN T *address() { return (T *)dh_here->dynamic; }
    operator T *() const { return address(); }
    template <class U> explicit operator U *() const { return (U *)address(); }
};
#define DH_DYNAMIC_OUTSIDE(T, name, sizes) typedef T name##_dh_element sizes; \
    static constexpr dh_Dynamic<name##_dh_element> name = {}
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

// ---- what the library does ------------------------------------------------------------------------
enum { DH_SYNC, DH_SHUFFLE, DH_BALLOT, DH_ALL, DH_ANY, DH_ACTIVE, DH_MATCH, DH_MATCH_ALL, DH_ADD, DH_MIN, DH_MAX, DH_UMIN, DH_UMAX,
       DH_AND, DH_OR, DH_XOR };
extern "C" {
int dh_start(dh_Launch *launch, int threads);
void dh_barrier(dh_Worker *w, int line);
void dh_yield(dh_Worker *w);
unsigned long long dh_warp(dh_Worker *w, int line, unsigned mask, int operation, unsigned long long value, int source);
void dh_fail(dh_Worker *w, int code, uint3 thread, int line, const char *format, ...) __attribute__((noreturn, cold));
}
#ifdef NDEBUG
#define assert(e) ((void)0)
#else
#define assert(e) ((e) ? (void)0 : dh_fail(dh_here, DH_ASSERTED, threadIdx, __LINE__, "assertion failed: %s", #e))
#endif
#define __trap() dh_fail(dh_here, DH_TRAPPED, threadIdx, __LINE__, "trap")
#define __brkpt() ((void)0)
#define __nanosleep(ns) ((void)(ns), dh_yield(dh_here))  // who waits for another thread of the block in a loop lets it run
#define __lane_id() ((threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z)) % 32)

// ---- barriers of the block ------------------------------------------------------------------------
DH_IN dh_Worker *dh_voted(dh_Worker *w, int line, bool vote) {
    w->tally += vote;
    dh_barrier(w, line);
    return w;
}
#define __syncthreads() dh_barrier(dh_here, __LINE__)
#define __syncthreads_count(vote) ((int)dh_voted(dh_here, __LINE__, vote)->outcome)
#define __syncthreads_or(vote) ((int)(dh_voted(dh_here, __LINE__, vote)->outcome != 0))
#define __syncthreads_and(vote) dh_all_voted(dh_voted(dh_here, __LINE__, vote))
#define __barrier_sync(id) __syncthreads()
DH_IN int dh_all_voted(dh_Worker *w) { return w->outcome == w->total; }

// ---- operations of a warp -------------------------------------------------------------------------
// The lane to read from, within segments of `width` lanes; the own lane where there is none
DH_IN int dh_from(dh_Worker *w, int kind, int by, int width) {
    const int lane = (int)(w->current % 32), begin = lane & ~(width - 1);
    const int from = kind == 0 ? begin | (by & (width - 1)) : kind == 1 ? lane - by : kind == 2 ? lane + by : lane ^ by;
    const bool inside = kind == 1 ? from >= begin : from < begin + width;
    return inside && from >= 0 && from < 32 ? from : lane;
}
template <class T> DH_IN T dh_shuffle(dh_Worker *w, int line, unsigned mask, int kind, T x, int by, int width = 32) {
    static_assert(sizeof(T) <= 8, "shuffles take values of up to 8 bytes");
    unsigned long long bits = 0;
    memcpy(&bits, &x, sizeof x);
    bits = dh_warp(w, line, mask, DH_SHUFFLE, bits, dh_from(w, kind, by, width));
    memcpy(&x, &bits, sizeof x);
    return x;
}
template <class T> DH_IN unsigned long long dh_bits(T x) {
    unsigned long long bits = 0;
    memcpy(&bits, &x, sizeof x);
    return bits;
}
DH_IN unsigned dh_mask(unsigned mask = ~0u) { return mask; }
template <class T> DH_IN unsigned dh_match_all(dh_Worker *w, int line, unsigned mask, T x, int *same) {
    const unsigned found = (unsigned)dh_warp(w, line, mask, DH_MATCH_ALL, dh_bits(x), 0);
    *same = found != 0;
    return found;
}
#define __syncwarp(...) ((void)dh_warp(dh_here, __LINE__, dh_mask(__VA_ARGS__), DH_SYNC, 0, 0))
#define __shfl_sync(mask, ...) dh_shuffle(dh_here, __LINE__, mask, 0, __VA_ARGS__)
#define __shfl_up_sync(mask, ...) dh_shuffle(dh_here, __LINE__, mask, 1, __VA_ARGS__)
#define __shfl_down_sync(mask, ...) dh_shuffle(dh_here, __LINE__, mask, 2, __VA_ARGS__)
#define __shfl_xor_sync(mask, ...) dh_shuffle(dh_here, __LINE__, mask, 3, __VA_ARGS__)
#define __shfl(...) dh_shuffle(dh_here, __LINE__, 0, 0, __VA_ARGS__)
#define __shfl_up(...) dh_shuffle(dh_here, __LINE__, 0, 1, __VA_ARGS__)
#define __shfl_down(...) dh_shuffle(dh_here, __LINE__, 0, 2, __VA_ARGS__)
#define __shfl_xor(...) dh_shuffle(dh_here, __LINE__, 0, 3, __VA_ARGS__)
#define DH_VOTE(mask, operation, x) dh_warp(dh_here, __LINE__, mask, operation, !!(x), 0)
#define __all_sync(mask, x) ((int)DH_VOTE(mask, DH_ALL, x))
#define __any_sync(mask, x) ((int)DH_VOTE(mask, DH_ANY, x))
#define __ballot_sync(mask, x) ((unsigned)DH_VOTE(mask, DH_BALLOT, x))
#define __all(x) __all_sync(0, x)
#define __any(x) __any_sync(0, x)
#define __ballot(x) DH_VOTE(0, DH_BALLOT, x)
#define __activemask() ((unsigned)DH_VOTE(0, DH_ACTIVE, 1))
#define __match_any_sync(mask, x) ((unsigned)dh_warp(dh_here, __LINE__, mask, DH_MATCH, dh_bits(x), 0))
#define __match_all_sync(mask, x, same) dh_match_all(dh_here, __LINE__, mask, x, same)
#define DH_REDUCE(mask, signed_, unsigned_, x) dh_reduce(dh_here, __LINE__, mask, signed_, unsigned_, x)
DH_IN int dh_reduce(dh_Worker *w, int line, unsigned m, int o, int, int x) { return (int)dh_warp(w, line, m, o, (unsigned)x, 0); }
DH_IN unsigned dh_reduce(dh_Worker *w, int line, unsigned m, int, int o, unsigned x) { return (unsigned)dh_warp(w, line, m, o, x, 0); }
#define __reduce_add_sync(mask, x) DH_REDUCE(mask, DH_ADD, DH_ADD, x)
#define __reduce_min_sync(mask, x) DH_REDUCE(mask, DH_MIN, DH_UMIN, x)
#define __reduce_max_sync(mask, x) DH_REDUCE(mask, DH_MAX, DH_UMAX, x)
#define __reduce_and_sync(mask, x) DH_REDUCE(mask, DH_AND, DH_AND, x)
#define __reduce_or_sync(mask, x) DH_REDUCE(mask, DH_OR, DH_OR, x)
#define __reduce_xor_sync(mask, x) DH_REDUCE(mask, DH_XOR, DH_XOR, x)

// ---- a kernel that runs a whole block --------------------------------------------------------------
// `host_blocks.py` writes these: loops over the threads between barriers, variables that are kept for each thread, and
// loops over the grid, whose rounds the threads of a row take together where they begin at neighbouring elements.
#define DH_BLOCK_GRID dh_Worker *const dh_here, const uint3 blockIdx, const dim3 blockDim, const dim3 gridDim
#define DH_BLOCK_BEGIN const unsigned dh_threads = blockDim.x * blockDim.y * blockDim.z; (void)dh_here; (void)dh_threads; \
    if (blockDim.x > 1024 || blockDim.y > 1024 || blockDim.z > 64 || blockIdx.y > 65534 || blockIdx.z > 65534) __builtin_unreachable();
#define DH_INLINE __attribute__((always_inline))
#define DH_SHARED alignas(64)
// A variable kept for each thread; what is too large for a stack is left to fibers
#define DH_KEPT(T, name, lengths) static_assert(sizeof(T lengths) <= 512, "too large to be kept for each thread"); \
    alignas(64) T name##_dh[DH_MOST] lengths;
#ifdef DH_INDICES
#define DH_TOGETHER
#define DH_TOGETHER_OR(x)
#define DH_LANE const uint3 threadIdx = {dh_x, dh_y, dh_z}; ::threadIdx = threadIdx; \
    const unsigned dh_t = dh_x + blockDim.x * (dh_y + blockDim.y * dh_z); (void)dh_t;
#else
#define DH_TOGETHER _Pragma("omp simd")
#define DH_TOGETHER_OR(x) _Pragma("omp simd reduction(|: dh_uneven)")
#define DH_LANE const uint3 threadIdx = {dh_x, dh_y, dh_z}; (void)threadIdx; \
    const unsigned dh_t = dh_x + blockDim.x * (dh_y + blockDim.y * dh_z); (void)dh_t;
#endif
#define DH_ROWS for (unsigned dh_z = 0; dh_z < blockDim.z; ++dh_z) for (unsigned dh_y = 0; dh_y < blockDim.y; ++dh_y)
#define DH_THREADS DH_ROWS DH_TOGETHER for (unsigned dh_x = 0; dh_x < blockDim.x; ++dh_x)
// The type of a value, which its copies may change
template <class T> struct dh_Plain { typedef T type; };
template <class T> struct dh_Plain<T &> : dh_Plain<T> {};
template <class T> struct dh_Plain<T &&> : dh_Plain<T> {};
template <class T> struct dh_Plain<const T> : dh_Plain<T> {};
template <class T> struct dh_Plain<volatile T> : dh_Plain<T> {};
template <class T> struct dh_Plain<const volatile T> : dh_Plain<T> {};
#define DH_TYPE(e) typename dh_Plain<decltype(e)>::type
// What text that is never run, and has a type, sees of a thread
#define DH_NOWHERE const unsigned dh_x = 0, dh_y = 0, dh_z = 0; DH_LANE
// Where threads have parted: those that go on, and where the first and the last of them stand
struct dh_Range { unsigned first, end; };
DH_IN dh_Range dh_range(const bool *on, dim3 d) {
    unsigned first = 0, end = d.x * d.y * d.z;
    while (first < end && !on[first]) ++first;
    while (first < end && !on[end - 1]) --end;
    if (first == end) return {0, 0};
    return d.y * d.z == 1 ? dh_Range{first, end} : dh_Range{0, d.x};
}
#define DH_ON(k) bool dh_on_##k[DH_MOST]; __builtin_memset(dh_on_##k, 0, dh_threads);
#define DH_RANGE(k) const dh_Range dh_range_##k = dh_range(dh_on_##k, blockDim);
#define DH_THREADS_ON(k) DH_ROWS DH_TOGETHER for (unsigned dh_x = dh_range_##k.first; dh_x < dh_range_##k.end; ++dh_x)
#define DH_STRIDE_FIRST(T) DH_ROWS { T dh_base; int dh_uneven = 0; { const unsigned dh_x = 0; DH_LANE
#define DH_STRIDE_EVEN(first) dh_base = first; } DH_TOGETHER_OR(dh_uneven) for (unsigned dh_x = 0; dh_x < blockDim.x; ++dh_x) { DH_LANE
#define DH_STRIDE_ROUNDS(T, first, limit, step) dh_uneven |= (T)first != (T)(dh_base + (T)dh_x); } const bool dh_even = !dh_uneven; \
    if (dh_even) for (; dh_base < limit && dh_base <= dh_safe<T>(); dh_base += step) { \
        const unsigned long long dh_left = (unsigned long long)limit - (unsigned long long)dh_base; \
        const unsigned dh_m = dh_left < blockDim.x ? (unsigned)dh_left : blockDim.x; \
        DH_TOGETHER for (unsigned dh_x = 0; dh_x < dh_m; ++dh_x) { DH_LANE
#define DH_STRIDE_REST(T, limit) } } if (!dh_even || dh_base < limit) for (unsigned dh_x = 0; dh_x < blockDim.x; ++dh_x) { { DH_LANE
// Up to this number, adding the index of a thread cannot wrap.
template <class T> constexpr T dh_safe() { return sizeof(T) >= 8 ? (T)1 << (sizeof(T) * 8 - 2) : (T)0x7fff0000; }
// At a barrier: whether all threads have ended. That only some have is an error, unless those do not count.
template <class Ended> DH_IN bool dh_all_ended(dh_Worker *w, const Ended &ended, int line) {
    const dim3 d = w->launch->block;
    const unsigned n = d.x * d.y * d.z;
    unsigned count = 0;
    for (unsigned t = 0; t < n; ++t) count += ended[t];
    if (!DH_ENDED_PASS && count && count < n)
        dh_fail(w, DH_DIVERGED, uint3{0, 0, 0}, line, "divergence: a barrier for %u threads, of which %u have ended", n, count);
    return count == n;
}

// ---- a kernel and its launcher ----------------------------------------------------------------------
template <class T, T... I> struct dh_List {};
#if defined(__clang__)
template <int N> using dh_Count = __make_integer_seq<dh_List, int, N>;
#else
template <int N> using dh_Count = dh_List<int, __integer_pack(N)...>;
#endif
struct dh_Parameter {
    char kind;  // i, u, f (numbers), p (pointer), s (everything else)
    char target_kind;
    char target_constant;
    unsigned size, target_size;
};
template <class T> struct dh_Kind { static constexpr char value = __is_enum(T) ? 'i' : 's'; };
template <class T> struct dh_Kind<const T> : dh_Kind<T> {};
template <class T> struct dh_Kind<volatile T> : dh_Kind<T> {};
#define DH_KIND(T, k) template <> struct dh_Kind<T> { static constexpr char value = k; };
#define DH_KINDS(T) DH_KIND(signed T, 'i') DH_KIND(unsigned T, 'u')
DH_KINDS(char) DH_KINDS(short) DH_KINDS(int) DH_KINDS(long) DH_KINDS(long long)
DH_KIND(char, 'i') DH_KIND(bool, 'b') DH_KIND(float, 'f') DH_KIND(double, 'f')
template <class T> struct dh_Size { static constexpr unsigned value = sizeof(T); };
template <> struct dh_Size<void> { static constexpr unsigned value = 0; };
template <> struct dh_Size<const void> { static constexpr unsigned value = 0; };
template <class T> struct dh_Constant { static constexpr char value = 0; };
template <class T> struct dh_Constant<const T> { static constexpr char value = 1; };
template <class T> struct dh_Describe { static constexpr dh_Parameter value = {dh_Kind<T>::value, 0, 0, sizeof(T), 0}; };
template <class T> struct dh_Describe<T *> {
    static constexpr dh_Parameter value = {'p', dh_Kind<T>::value, dh_Constant<T>::value, sizeof(T *), dh_Size<T>::value};
};

template <class... A> struct dh_Described {
    static constexpr int count = sizeof...(A);
    static constexpr dh_Parameter parameters[count + 1] = {dh_Describe<A>::value..., dh_Parameter{}};
};
template <auto K> struct dh_Kernel;
template <class... A, void (*K)(dh_Worker *, uint3, dim3, dim3, A...)> struct dh_Kernel<K> : dh_Described<A...> {
    static constexpr bool whole = true;  // runs a whole block
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wframe-larger-than="
    // With a limit for the compiler to know, sums and products of indices cannot wrap
    template <bool usual, int... I> static void run(dh_Worker *w, dh_List<int, I...>) {
        const uint3 b = w->block;
        if (usual && b.x > 2097150) __builtin_unreachable();
        K(w, b, w->launch->block, w->launch->grid, *(A *)w->launch->arguments[I]...);
    }
    static void usual_block(dh_Worker *w) { run<true>(w, dh_Count<sizeof...(A)>()); }
    static __attribute__((cold)) void huge_block(dh_Worker *w) { run<false>(w, dh_Count<sizeof...(A)>()); }
#pragma GCC diagnostic pop
};
template <class... A, void (*K)(DH_GRID_TYPES, A...)> struct dh_Kernel<K> : dh_Described<A...> {
    static constexpr bool whole = false;
    static constexpr int count = sizeof...(A);

    template <int... I> static void thread(dh_Worker *w, dh_List<int, I...>) {
        void **const a = w->launch->arguments;
        (void)a;
        K(w, w->threads->fiber[w->current].thread, w->block, w->launch->block, w->launch->grid, *(A *)a[I]...);
    }
    static void thread(dh_Worker *w) { thread(w, dh_Count<count>()); }

    // With limits for the compiler to know, sums and products of indices cannot wrap, and become the loop's own.
    template <bool usual> DH_IN void loop(dh_Worker *w, A... a) {
        const uint3 b = w->block;
        const dim3 d = w->launch->block, g = w->launch->grid;
        if (d.x > 1024 || d.y > 1024 || d.z > 64 || b.y > 65534 || b.z > 65534) __builtin_unreachable();
        if (usual && b.x > 2097150) __builtin_unreachable();
        for (unsigned z = 0; z < d.z; ++z)
            for (unsigned y = 0; y < d.y; ++y) {
#ifdef DH_INDICES
                for (unsigned x = 0; x < d.x; ++x) {
                    ::threadIdx = uint3{x, y, z};
                    K(w, uint3{x, y, z}, b, d, g, a...);
                }
#else
#pragma omp simd
                for (unsigned x = 0; x < d.x; ++x) K(w, uint3{x, y, z}, b, d, g, a...);
#endif
            }
    }
    template <int... I> static void usual(dh_Worker *w, dh_List<int, I...>) { loop<true>(w, *(A *)w->launch->arguments[I]...); }
    template <int... I> static __attribute__((cold)) void huge(dh_Worker *w, dh_List<int, I...>) {
        loop<false>(w, *(A *)w->launch->arguments[I]...);
    }
    static void usual_block(dh_Worker *w) { usual(w, dh_Count<count>()); }
    static void huge_block(dh_Worker *w) { huge(w, dh_Count<count>()); }
};
#ifdef DH_INDICES
enum { DH_READS_INDICES = true };
#else
enum { DH_READS_INDICES = false };
#endif
template <class Kernel, int mode> static int dh_launch(const char *name, dim3 grid, dim3 block, size_t dynamic_bytes, void **arguments,
                                                      int threads, char *message, size_t message_bytes) {
    dh_Launch launch = {};
    launch.kernel = name;
    launch.grid = grid;
    launch.block = block;
    launch.dynamic_bytes = dynamic_bytes;
    launch.arguments = arguments;
    launch.message = message;
    launch.message_bytes = message_bytes;
    launch.mode = mode;
    launch.indices = DH_READS_INDICES;
    launch.ended_pass = DH_ENDED_PASS;
    launch.prints = DH_PRINTS;
    launch.stack = Kernel::whole && mode == DH_GUARDED && DH_STACK < DH_WHOLE_STACK ? DH_WHOLE_STACK : DH_STACK;
    if constexpr (mode == DH_FIBERS) launch.run = Kernel::thread;
    else launch.run = grid.x <= 2097151 ? Kernel::usual_block : Kernel::huge_block;
    return dh_start(&launch, threads);
}
// This comes behind the user's text, where any other name may be a macro.
#define DH_LAUNCHER(symbol, name, mode, ...) \
    DH_PUBLIC int symbol(unsigned dh_gx, unsigned dh_gy, unsigned dh_gz, unsigned dh_bx, unsigned dh_by, unsigned dh_bz, \
                         size_t dh_bytes, void **dh_arguments, int dh_threads, char *dh_message, size_t dh_message_bytes) { \
        return dh_launch<dh_Kernel<__VA_ARGS__>, mode>(name, dim3(dh_gx, dh_gy, dh_gz), dim3(dh_bx, dh_by, dh_bz), dh_bytes, \
                                                       dh_arguments, dh_threads, dh_message, dh_message_bytes); \
    }
struct dh_Entry {  // what `host_grid.py` reads of a library
    const char *name;
    void *address;
    size_t bytes;  // of a variable
    int count;     // of parameters; -1 for a variable
    const dh_Parameter *parameters;
};
