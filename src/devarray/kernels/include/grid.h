// What the kernels of a grid share, whatever the device: how elements are handed out to threads, and how the threads
// of a team exchange values. A block has DA_THREADS threads; see emit_grid.py.
#define DA_THREADS 256
#define DA_LEVELS 24  // a team joins at most 1 << DA_LEVELS leaves itself
// These loops run once, mostly: there is nothing to unroll, and it would take half of the compiler's time.
#define GRID_FOR(i, n) \
    _Pragma("unroll 1") for (i64 i = DA_BLOCK * DA_THREADS + DA_THREAD; i < (n); i += DA_BLOCKS * DA_THREADS)
#define FOR_BLOCKS(block, n) _Pragma("unroll 1") for (i64 block = DA_BLOCK; block < (n); block += DA_BLOCKS)
// Before a loop that adds up. Intel's compiler for the processor (2026.2) makes eight running sums of one where a group of
// work-items is not full, which changes the order of additions.
#ifdef __OPENCL_C_VERSION__
#define DA_IN_ORDER _Pragma("clang loop vectorize(disable)")
#else
#define DA_IN_ORDER
#endif

// other = what the thread `distance` further on in the team of `width` threads holds; every thread of the block takes part
#if DA_SHUFFLES
#define DA_LANES(T)
#define DA_EXCHANGE(other, mine, distance, width) other = shuffle(mine, distance, width);
#else
#define DA_LANES(T) SHARED T lanes[DA_THREADS];
#define DA_EXCHANGE(other, mine, distance, width) \
    BARRIER; \
    lanes[DA_THREAD] = mine; \
    BARRIER; \
    other = lanes[(DA_THREAD + distance) % DA_THREADS];
#endif

// A scalar argument stands in the same 8-byte slots as integers and addresses
#define DA_F64(A, k) da_float((u64)(A)[k])
