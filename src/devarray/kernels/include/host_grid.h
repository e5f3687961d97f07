// What kernels in CUDA C and HIP see of the host, behind `host_functions.h`. `host_text.py` changes their text in three
// ways only: kernels get hidden parameters (DA_GRID), `extern __shared__` arrays become DA_DYNAMIC, and known headers are
// left out. Behind it comes the launcher of each kernel, an instance of da_Kernel below.
//
// `host_fibers.h`, a library of its own that is compiled once, hands out blocks to threads of the system ("workers"). A
// kernel that never waits runs the threads of its block in a loop (DA_LOOP). Others run them as fibers, each with a stack
// of its own, on the worker (DA_FIBERS): whoever waits switches to the next one that can go on. What can fail (assert)
// but never waits is a loop on one fiber (DA_GUARDED): failure leaves it by switching away.
//
// Indices are parameters of the kernel and reach the vectoriser as plain numbers. The functions that it calls see
// thread-local variables of the same names, which are kept up to date only if DA_INDICES says that somebody reads them.

// ---- a launch, a worker, a fiber ----------------------------------------------------------------
enum { DA_LOOP, DA_GUARDED, DA_FIBERS };
enum { DA_ASSERTED = 1, DA_DIVERGED, DA_TRAPPED, DA_NO_MEMORY, DA_OVERFLOW };
enum { DA_READY, DA_AT_BARRIER, DA_IN_WARP, DA_ENDED };
enum { DA_MOST = 1024 };  // threads of a block

struct da_Worker;
struct da_Launch {
    const char *kernel;
    dim3 grid, block;
    size_t dynamic_bytes;
    void **arguments;
    int mode;
    bool indices;     // whether functions read the thread-local indices
    bool ended_pass;  // whether threads that have ended do not count at barriers
    bool prints;
    size_t stack;  // bytes of a fiber
    void (*run)(da_Worker *);  // a thread of the block, or the whole block
    char *message;
    size_t message_bytes;
    int code;  // of the first failure
    long long ticket;  // the next block
};
struct da_Lane {  // what a thread brought to an operation of its warp, and what it got
    unsigned mask;  // 0: whoever comes
    int operation, line, source;
    unsigned long long value, result;
};
struct da_Fiber {
    void *stack_pointer;
    uint3 thread;
};
struct da_Threads {  // of a block that runs as fibers
    unsigned char state[DA_MOST];
    unsigned waiting[DA_MOST / 32], ended[DA_MOST / 32];  // a bit a lane, for each warp
    da_Fiber fiber[DA_MOST];
    da_Lane lane[DA_MOST];
};
struct da_Area {  // memory of a worker, kept for the next launch
    da_Area *next;
    size_t bytes;
};
struct da_Worker {
    da_Launch *launch;
    void *main;  // the stack pointer outside of fibers
    uint3 block;
    char *dynamic;  // shared memory
    unsigned fibers, current, alive;
    unsigned arrived, total, tally, outcome;  // at the block's barrier; threads and votes of the last one
    int line;
    da_Threads *threads;
    da_Area *area;
    char *stacks;
};

// What a kernel has as its first parameters, and what other functions see in their place
#define DA_GRID da_Worker *const da_here, const uint3 threadIdx, const uint3 blockIdx, const dim3 blockDim, const dim3 gridDim
#define DA_GRID_TYPES da_Worker *, uint3, uint3, dim3, dim3
extern __thread da_Worker *da_here;
extern __thread uint3 threadIdx, blockIdx;
extern __thread dim3 blockDim, gridDim;
static const int warpSize = 32;
#define DA_DYNAMIC(T, name, sizes) typedef T name##_da_element sizes; \
    name##_da_element *const name = (name##_da_element *)da_here->dynamic
#define HIP_DYNAMIC_SHARED(T, name) T *const name = (T *)da_here->dynamic;
template <class T> struct da_Dynamic {  // the same outside of functions
    DA_IN T *address() { return (T *)da_here->dynamic; }
    operator T *() const { return address(); }
    template <class U> explicit operator U *() const { return (U *)address(); }
};
#define DA_DYNAMIC_OUTSIDE(T, name, sizes) typedef T name##_da_element sizes; \
    static constexpr da_Dynamic<name##_da_element> name = {}
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
enum { DA_SYNC, DA_SHUFFLE, DA_BALLOT, DA_ALL, DA_ANY, DA_ACTIVE, DA_MATCH, DA_MATCH_ALL, DA_ADD, DA_MIN, DA_MAX, DA_UMIN, DA_UMAX,
       DA_AND, DA_OR, DA_XOR };
extern "C" {
int da_start(da_Launch *launch, int threads);
void da_barrier(da_Worker *w, int line);
unsigned long long da_warp(da_Worker *w, int line, unsigned mask, int operation, unsigned long long value, int source);
void da_fail(da_Worker *w, int code, uint3 thread, int line, const char *format, ...) __attribute__((noreturn, cold));
}
#ifdef NDEBUG
#define assert(e) ((void)0)
#else
#define assert(e) ((e) ? (void)0 : da_fail(da_here, DA_ASSERTED, threadIdx, __LINE__, "assertion failed: %s", #e))
#endif
#define __trap() da_fail(da_here, DA_TRAPPED, threadIdx, __LINE__, "trap")
#define __brkpt() ((void)0)

// ---- barriers of the block ------------------------------------------------------------------------
DA_IN da_Worker *da_voted(da_Worker *w, int line, bool vote) {
    w->tally += vote;
    da_barrier(w, line);
    return w;
}
#define __syncthreads() da_barrier(da_here, __LINE__)
#define __syncthreads_count(vote) ((int)da_voted(da_here, __LINE__, vote)->outcome)
#define __syncthreads_or(vote) ((int)(da_voted(da_here, __LINE__, vote)->outcome != 0))
#define __syncthreads_and(vote) da_all_voted(da_voted(da_here, __LINE__, vote))
#define __barrier_sync(id) __syncthreads()
DA_IN int da_all_voted(da_Worker *w) { return w->outcome == w->total; }

// ---- operations of a warp -------------------------------------------------------------------------
// The lane to read from, within segments of `width` lanes; the own lane where there is none
DA_IN int da_from(da_Worker *w, int kind, int by, int width) {
    const int lane = (int)(w->current % 32), begin = lane & ~(width - 1);
    const int from = kind == 0 ? begin | (by & (width - 1)) : kind == 1 ? lane - by : kind == 2 ? lane + by : lane ^ by;
    const bool inside = kind == 1 ? from >= begin : from < begin + width;
    return inside && from >= 0 && from < 32 ? from : lane;
}
template <class T> DA_IN T da_shuffle(da_Worker *w, int line, unsigned mask, int kind, T x, int by, int width = 32) {
    static_assert(sizeof(T) <= 8, "shuffles take values of up to 8 bytes");
    unsigned long long bits = 0;
    memcpy(&bits, &x, sizeof x);
    bits = da_warp(w, line, mask, DA_SHUFFLE, bits, da_from(w, kind, by, width));
    memcpy(&x, &bits, sizeof x);
    return x;
}
template <class T> DA_IN unsigned long long da_bits(T x) {
    unsigned long long bits = 0;
    memcpy(&bits, &x, sizeof x);
    return bits;
}
DA_IN unsigned da_mask(unsigned mask = ~0u) { return mask; }
template <class T> DA_IN unsigned da_match_all(da_Worker *w, int line, unsigned mask, T x, int *same) {
    const unsigned found = (unsigned)da_warp(w, line, mask, DA_MATCH_ALL, da_bits(x), 0);
    *same = found != 0;
    return found;
}
#define __syncwarp(...) ((void)da_warp(da_here, __LINE__, da_mask(__VA_ARGS__), DA_SYNC, 0, 0))
#define __shfl_sync(mask, ...) da_shuffle(da_here, __LINE__, mask, 0, __VA_ARGS__)
#define __shfl_up_sync(mask, ...) da_shuffle(da_here, __LINE__, mask, 1, __VA_ARGS__)
#define __shfl_down_sync(mask, ...) da_shuffle(da_here, __LINE__, mask, 2, __VA_ARGS__)
#define __shfl_xor_sync(mask, ...) da_shuffle(da_here, __LINE__, mask, 3, __VA_ARGS__)
#define __shfl(...) da_shuffle(da_here, __LINE__, 0, 0, __VA_ARGS__)
#define __shfl_up(...) da_shuffle(da_here, __LINE__, 0, 1, __VA_ARGS__)
#define __shfl_down(...) da_shuffle(da_here, __LINE__, 0, 2, __VA_ARGS__)
#define __shfl_xor(...) da_shuffle(da_here, __LINE__, 0, 3, __VA_ARGS__)
#define DA_VOTE(mask, operation, x) da_warp(da_here, __LINE__, mask, operation, !!(x), 0)
#define __all_sync(mask, x) ((int)DA_VOTE(mask, DA_ALL, x))
#define __any_sync(mask, x) ((int)DA_VOTE(mask, DA_ANY, x))
#define __ballot_sync(mask, x) ((unsigned)DA_VOTE(mask, DA_BALLOT, x))
#define __all(x) __all_sync(0, x)
#define __any(x) __any_sync(0, x)
#define __ballot(x) DA_VOTE(0, DA_BALLOT, x)
#define __activemask() ((unsigned)DA_VOTE(0, DA_ACTIVE, 1))
#define __match_any_sync(mask, x) ((unsigned)da_warp(da_here, __LINE__, mask, DA_MATCH, da_bits(x), 0))
#define __match_all_sync(mask, x, same) da_match_all(da_here, __LINE__, mask, x, same)
#define DA_REDUCE(mask, signed_, unsigned_, x) da_reduce(da_here, __LINE__, mask, signed_, unsigned_, x)
DA_IN int da_reduce(da_Worker *w, int line, unsigned m, int o, int, int x) { return (int)da_warp(w, line, m, o, (unsigned)x, 0); }
DA_IN unsigned da_reduce(da_Worker *w, int line, unsigned m, int, int o, unsigned x) { return (unsigned)da_warp(w, line, m, o, x, 0); }
#define __reduce_add_sync(mask, x) DA_REDUCE(mask, DA_ADD, DA_ADD, x)
#define __reduce_min_sync(mask, x) DA_REDUCE(mask, DA_MIN, DA_UMIN, x)
#define __reduce_max_sync(mask, x) DA_REDUCE(mask, DA_MAX, DA_UMAX, x)
#define __reduce_and_sync(mask, x) DA_REDUCE(mask, DA_AND, DA_AND, x)
#define __reduce_or_sync(mask, x) DA_REDUCE(mask, DA_OR, DA_OR, x)
#define __reduce_xor_sync(mask, x) DA_REDUCE(mask, DA_XOR, DA_XOR, x)

// ---- a kernel and its launcher ----------------------------------------------------------------------
template <class T, T... I> struct da_List {};
#if defined(__clang__)
template <int N> using da_Count = __make_integer_seq<da_List, int, N>;
#else
template <int N> using da_Count = da_List<int, __integer_pack(N)...>;
#endif
struct da_Parameter {
    char kind;  // i, u, f (numbers), p (pointer), s (everything else)
    char target_kind;
    char target_constant;
    unsigned size, target_size;
};
template <class T> struct da_Kind { static constexpr char value = __is_enum(T) ? 'i' : 's'; };
template <class T> struct da_Kind<const T> : da_Kind<T> {};
template <class T> struct da_Kind<volatile T> : da_Kind<T> {};
#define DA_KIND(T, k) template <> struct da_Kind<T> { static constexpr char value = k; };
#define DA_KINDS(T) DA_KIND(signed T, 'i') DA_KIND(unsigned T, 'u')
DA_KINDS(char) DA_KINDS(short) DA_KINDS(int) DA_KINDS(long) DA_KINDS(long long)
DA_KIND(char, 'i') DA_KIND(bool, 'b') DA_KIND(float, 'f') DA_KIND(double, 'f')
template <class T> struct da_Size { static constexpr unsigned value = sizeof(T); };
template <> struct da_Size<void> { static constexpr unsigned value = 0; };
template <> struct da_Size<const void> { static constexpr unsigned value = 0; };
template <class T> struct da_Constant { static constexpr char value = 0; };
template <class T> struct da_Constant<const T> { static constexpr char value = 1; };
template <class T> struct da_Describe { static constexpr da_Parameter value = {da_Kind<T>::value, 0, 0, sizeof(T), 0}; };
template <class T> struct da_Describe<T *> {
    static constexpr da_Parameter value = {'p', da_Kind<T>::value, da_Constant<T>::value, sizeof(T *), da_Size<T>::value};
};

template <auto K> struct da_Kernel;
template <class... A, void (*K)(DA_GRID_TYPES, A...)> struct da_Kernel<K> {
    static constexpr int count = sizeof...(A);
    static constexpr da_Parameter parameters[count + 1] = {da_Describe<A>::value..., da_Parameter{}};

    template <int... I> static void thread(da_Worker *w, da_List<int, I...>) {
        void **const a = w->launch->arguments;
        (void)a;
        K(w, w->threads->fiber[w->current].thread, w->block, w->launch->block, w->launch->grid, *(A *)a[I]...);
    }
    static void thread(da_Worker *w) { thread(w, da_Count<count>()); }

    // With limits for the compiler to know, sums and products of indices cannot wrap, and become the loop's own.
    template <bool usual> DA_IN void loop(da_Worker *w, A... a) {
        const uint3 b = w->block;
        const dim3 d = w->launch->block, g = w->launch->grid;
        if (d.x > 1024 || d.y > 1024 || d.z > 64 || b.y > 65534 || b.z > 65534) __builtin_unreachable();
        if (usual && b.x > 2097150) __builtin_unreachable();
        for (unsigned z = 0; z < d.z; ++z)
            for (unsigned y = 0; y < d.y; ++y) {
#ifdef DA_INDICES
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
    template <int... I> static void usual(da_Worker *w, da_List<int, I...>) { loop<true>(w, *(A *)w->launch->arguments[I]...); }
    template <int... I> static __attribute__((cold)) void huge(da_Worker *w, da_List<int, I...>) {
        loop<false>(w, *(A *)w->launch->arguments[I]...);
    }
    static void usual_block(da_Worker *w) { usual(w, da_Count<count>()); }
    static void huge_block(da_Worker *w) { huge(w, da_Count<count>()); }
};
#ifdef DA_INDICES
enum { DA_READS_INDICES = true };
#else
enum { DA_READS_INDICES = false };
#endif
template <class Kernel, int mode> static int da_launch(da_Launch *launch, int threads) {
    launch->mode = mode;
    launch->indices = DA_READS_INDICES;
    launch->ended_pass = DA_ENDED_PASS;
    launch->prints = DA_PRINTS;
    launch->stack = DA_STACK;
    if constexpr (mode == DA_FIBERS) launch->run = Kernel::thread;
    else launch->run = launch->grid.x <= 2097151 ? Kernel::usual_block : Kernel::huge_block;
    return da_start(launch, threads);
}
#define DA_LAUNCHER(symbol, name, mode, ...) \
    DA_PUBLIC int symbol(unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, size_t dynamic_bytes, \
                         void **arguments, int threads, char *message, size_t message_bytes) { \
        da_Launch launch = {}; \
        launch.kernel = name; \
        launch.grid = dim3(gx, gy, gz); \
        launch.block = dim3(bx, by, bz); \
        launch.dynamic_bytes = dynamic_bytes; \
        launch.arguments = arguments; \
        launch.message = message; \
        launch.message_bytes = message_bytes; \
        return da_launch<da_Kernel<__VA_ARGS__>, mode>(&launch, threads); \
    }
struct da_Entry {  // what `host_grid.py` reads of a library
    const char *name;
    void *address;
    size_t bytes;  // of a variable
    int count;     // of parameters; -1 for a variable
    const da_Parameter *parameters;
};
