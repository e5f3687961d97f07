// What the compiler calls in checked kernels: its own instrumentation against races announces every access to memory
// that others can reach, and every index of a declared array. Here the calls become those of `host_checks.h`, a library
// without instrumentation. The text comes before `host_grid.h`, whose barriers are replaced by name.
#define dh_start dh_checked_start
#define dh_barrier dh_checked_barrier
#define dh_warp dh_checked_warp
#undef __noinline__
#define __noinline__  // of a result that is stored, gcc tells nothing but where the function is inlined
#define malloc dh_checked_malloc
#define free dh_checked_free
enum { DH_READ, DH_WRITE, DH_ATOMIC_READ, DH_ATOMIC_WRITE };
enum { DH_GET, DH_PUT, DH_EXCHANGE, DH_PLUS, DH_MINUS, DH_BITS_AND, DH_BITS_OR, DH_BITS_XOR, DH_BITS_NAND };
extern "C" {
void *dh_checked_malloc(size_t);
void dh_checked_free(void *);
void dh_checked_access(const volatile void *place, size_t bytes, int kind, void *code);
unsigned long long dh_checked_atomic(volatile void *place, int bytes, int operation, unsigned long long value, void *code);
unsigned long long dh_checked_swap(volatile void *place, int bytes, unsigned long long expected, unsigned long long value, void *code);
void *dh_checked_copy(void *to, const void *from, size_t bytes, void *code);
void *dh_checked_fill(void *to, int value, size_t bytes, void *code);
void dh_checked_index(const char *file, unsigned line, const char *array, long long index, void *code);
}
// Compilers differ in what they take the parameters for, and declare some of them visible: hence the names of our own
#define DH_CALL(result, name, ...) \
    extern "C" __attribute__((visibility("hidden"), used, noinline, no_sanitize("thread", "bounds"))) \
    result dh_on_##name(__VA_ARGS__) __asm__(#name); result dh_on_##name(__VA_ARGS__)
#define DH_CODE __builtin_return_address(0)

// ---- accesses -------------------------------------------------------------------------------------
#define DH_TELL(name, bytes, kind) DH_CALL(void, name, void *p) { dh_checked_access(p, bytes, kind, DH_CODE); }
#define DH_TELLS(read, write, bytes) DH_TELL(read##bytes, bytes, DH_READ) DH_TELL(write##bytes, bytes, DH_WRITE)
#define DH_TELLS_ALL(read, write) DH_TELLS(read, write, 2) DH_TELLS(read, write, 4) DH_TELLS(read, write, 8) DH_TELLS(read, write, 16)
DH_TELLS_ALL(__tsan_read, __tsan_write) DH_TELLS(__tsan_read, __tsan_write, 1)
DH_TELLS_ALL(__tsan_unaligned_read, __tsan_unaligned_write)
DH_CALL(void, __tsan_read_range, void *p, size_t bytes) { dh_checked_access(p, bytes, DH_READ, DH_CODE); }
DH_CALL(void, __tsan_write_range, void *p, size_t bytes) { dh_checked_access(p, bytes, DH_WRITE, DH_CODE); }
DH_CALL(void *, memcpy, void *to, const void *from, size_t bytes) { return dh_checked_copy(to, from, bytes, DH_CODE); }
DH_CALL(void *, memmove, void *to, const void *from, size_t bytes) { return dh_checked_copy(to, from, bytes, DH_CODE); }
DH_CALL(void *, memset, void *to, int value, size_t bytes) { return dh_checked_fill(to, value, bytes, DH_CODE); }
DH_CALL(void *, __tsan_memcpy, void *to, const void *from, size_t bytes) { return dh_checked_copy(to, from, bytes, DH_CODE); }
DH_CALL(void *, __tsan_memmove, void *to, const void *from, size_t bytes) { return dh_checked_copy(to, from, bytes, DH_CODE); }
DH_CALL(void *, __tsan_memset, void *to, int value, size_t bytes) { return dh_checked_fill(to, value, bytes, DH_CODE); }
DH_CALL(void, __tsan_init, void) {}
DH_CALL(void, __tsan_func_entry, void *) {}
DH_CALL(void, __tsan_func_exit, void) {}

// ---- atomics ----------------------------------------------------------------------------------------
#define DH_OPERATES(T, bits, name, operation) DH_CALL(T, __tsan_atomic##bits##_##name, volatile void *p, T x, int) { \
    return (T)dh_checked_atomic(p, bits / 8, operation, x, DH_CODE); }
#define DH_ATOMICS(T, bits) \
    DH_CALL(T, __tsan_atomic##bits##_load, const volatile void *p, int) { return (T)dh_checked_atomic((volatile void *)p, bits / 8, DH_GET, 0, DH_CODE); } \
    DH_CALL(void, __tsan_atomic##bits##_store, volatile void *p, T x, int) { dh_checked_atomic(p, bits / 8, DH_PUT, x, DH_CODE); } \
    DH_OPERATES(T, bits, exchange, DH_EXCHANGE) DH_OPERATES(T, bits, fetch_add, DH_PLUS) DH_OPERATES(T, bits, fetch_sub, DH_MINUS) \
    DH_OPERATES(T, bits, fetch_and, DH_BITS_AND) DH_OPERATES(T, bits, fetch_or, DH_BITS_OR) \
    DH_OPERATES(T, bits, fetch_xor, DH_BITS_XOR) DH_OPERATES(T, bits, fetch_nand, DH_BITS_NAND) \
    DH_CALL(T, __tsan_atomic##bits##_compare_exchange_val, volatile void *p, T expected, T x, int, int) { \
        return (T)dh_checked_swap(p, bits / 8, expected, x, DH_CODE); } \
    DH_CALL(bool, __tsan_atomic##bits##_compare_exchange_strong, volatile void *p, void *expected, T x, int, int) { \
        const T before = *(T *)expected, found = (T)dh_checked_swap(p, bits / 8, before, x, DH_CODE); \
        *(T *)expected = found; \
        return found == before; } \
    DH_CALL(bool, __tsan_atomic##bits##_compare_exchange_weak, volatile void *p, void *expected, T x, int, int) { \
        const T before = *(T *)expected, found = (T)dh_checked_swap(p, bits / 8, before, x, DH_CODE); \
        *(T *)expected = found; \
        return found == before; }
DH_ATOMICS(unsigned char, 8) DH_ATOMICS(unsigned short, 16) DH_ATOMICS(unsigned, 32) DH_ATOMICS(unsigned long, 64)
DH_CALL(void, __tsan_atomic_thread_fence, int) {}
DH_CALL(void, __tsan_atomic_signal_fence, int) {}

// ---- indices of declared arrays -----------------------------------------------------------------------
struct dh_TypeName { unsigned short kind, bits; char name[1]; };  // bits: their logarithm, and whether there is a sign
struct dh_Declared { const char *file; unsigned line, column; const dh_TypeName *array, *index; };
DH_IN void dh_tell_index(void *data, unsigned long index, void *code) {
    const dh_Declared *const told = (const dh_Declared *)data;
    const int unused = 64 - (1 << (told->index->bits >> 1)), shift = unused < 0 ? 0 : unused;
    const long long value = told->index->bits & 1 ? (long long)(index << shift) >> shift : (long long)index;
    dh_checked_index(told->file, told->line, told->array->name, value, code);
}
DH_CALL(void, __ubsan_handle_out_of_bounds, void *data, unsigned long index) { dh_tell_index(data, index, DH_CODE); }
DH_CALL(void, __ubsan_handle_out_of_bounds_abort, void *data, unsigned long index) { dh_tell_index(data, index, DH_CODE); }
