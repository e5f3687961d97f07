// How the host runs a kernel: `work(A, lo, hi)` does a range of items, and OpenMP hands out ranges of `grain` items.
// Ranges are handed out one by one (dynamic), so that a thread which the system has suspended holds nobody up.
#define KERNEL extern "C" __attribute__((visibility("default")))
// The parts of a kernel are not inlined into each other: it takes half the time to compile, and nothing to run
#define PART static __attribute__((noinline))
#define FOR_SIMD(i, lo, hi) _Pragma("omp simd") for (i64 i = (lo); i < (hi); ++i)
#define DA_GRAIN 256
#define DA_PARALLEL(work, A, threads, count, grain) { \
    const i64 T_ = (threads), N_ = (count), G_ = (grain); \
    if (T_ <= 1 || N_ <= G_) { work(A, 0, N_); } \
    else { \
        const i64 ranges = (N_ + G_ - 1) / G_; \
        _Pragma("omp parallel for num_threads(T_) schedule(dynamic, 1)") \
        for (i64 k = 0; k < ranges; ++k) work(A, k * G_, k * G_ + G_ < N_ ? k * G_ + G_ : N_); \
    } \
}
// A scalar argument stands in the same 8-byte slots as integers and addresses
#define DA_F64(A, k) da_float((u64)(A)[k])
