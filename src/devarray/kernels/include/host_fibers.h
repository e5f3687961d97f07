// The library behind `host_grid.h`: how blocks and their threads run on the host. It is compiled once for all kernels.

__thread da_Worker *da_here;
__thread uint3 threadIdx, blockIdx;
__thread dim3 blockDim, gridDim;

// ---- switching ----------------------------------------------------------------------------------
// Registers that a callee must keep go to the stack; `jmp` instead of `ret`, whose prediction would always be wrong.
// The control words of the floating-point units are everybody's: kernels do not change them.
extern "C" __attribute__((visibility("hidden"))) void da_switch(void **from, void *to);
#if defined(__x86_64__)
enum { DA_SAVED = 7 };
__asm__(
    ".pushsection .text\n.p2align 4\n.hidden da_switch\n.globl da_switch\n.type da_switch, @function\n"
    "da_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\n"
    "popq %rdx\njmpq *%rdx\n"
    ".size da_switch, .-da_switch\n.popsection\n");
DA_IN void *da_first_switch(char *top, void (*entry)()) {
    void **place = (void **)((uintptr_t)top & ~(uintptr_t)63) - 1;  // as behind a call
    place[-1] = (void *)entry;
    for (int k = 2; k <= DA_SAVED; ++k) place[-k] = 0;
    return place - DA_SAVED;
}
#elif defined(__aarch64__)
enum { DA_SAVED = 20 };
__asm__(
    ".pushsection .text\n.p2align 4\n.hidden da_switch\n.globl da_switch\n.type da_switch, @function\n"
    "da_switch:\n"
    "stp x19, x20, [sp, -160]!\nstp x21, x22, [sp, 16]\nstp x23, x24, [sp, 32]\nstp x25, x26, [sp, 48]\n"
    "stp x27, x28, [sp, 64]\nstp x29, x30, [sp, 80]\n"
    "stp d8, d9, [sp, 96]\nstp d10, d11, [sp, 112]\nstp d12, d13, [sp, 128]\nstp d14, d15, [sp, 144]\n"
    "mov x9, sp\nstr x9, [x0]\nmov sp, x1\n"
    "ldp x21, x22, [sp, 16]\nldp x23, x24, [sp, 32]\nldp x25, x26, [sp, 48]\n"
    "ldp x27, x28, [sp, 64]\nldp x29, x30, [sp, 80]\n"
    "ldp d8, d9, [sp, 96]\nldp d10, d11, [sp, 112]\nldp d12, d13, [sp, 128]\nldp d14, d15, [sp, 144]\n"
    "ldp x19, x20, [sp], 160\n"
    "br x30\n"
    ".size da_switch, .-da_switch\n.popsection\n");
DA_IN void *da_first_switch(char *top, void (*entry)()) {
    void **place = (void **)((uintptr_t)top & ~(uintptr_t)63) - DA_SAVED;
    for (int k = 0; k < DA_SAVED; ++k) place[k] = 0;
    place[11] = (void *)entry;
    return place;
}
#else
#error "kernels of grids run on x86-64 and aarch64"
#endif

// Stacks lie a little more than a power of two apart, so that their tops fall into different sets of the cache.
DA_IN size_t da_stride(const da_Launch *launch) { return launch->stack + 320; }

// ---- failure --------------------------------------------------------------------------------------
// The first failure of a launch writes its message; every failure leaves the block for good.
void da_fail(da_Worker *w, int code, uint3 t, int line, const char *format, ...) {
    da_Launch *const launch = w->launch;
    int none = 0;
    if (__atomic_compare_exchange_n(&launch->code, &none, code, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        const size_t size = launch->message_bytes;
        const int length = snprintf(launch->message, size, "kernel %s, block (%u, %u, %u), thread (%u, %u, %u), line %d: ",
                                    launch->kernel, w->block.x, w->block.y, w->block.z, t.x, t.y, t.z, line);
        if (length >= 0 && (size_t)length < size) {
            __builtin_va_list rest;
            __builtin_va_start(rest, format);
            vsnprintf(launch->message + length, size - (size_t)length, format, rest);
            __builtin_va_end(rest);
        }
    }
    void *nowhere;
    da_switch(&nowhere, w->main);
    __builtin_unreachable();
}
#define DA_FAIL(w, code, line, ...) da_fail(w, code, (w)->threads->fiber[(w)->current].thread, line, __VA_ARGS__)
// ---- fibers: who runs next ------------------------------------------------------------------------
static bool da_release_partial(da_Worker *w);
static void da_release_warp(da_Worker *w, unsigned warp);

DA_IN void da_resume(da_Worker *w, unsigned next) {
    const unsigned me = w->current;
    w->current = next;
    if (w->launch->indices) ::threadIdx = w->threads->fiber[next].thread;
    if (next != me) da_switch(&w->threads->fiber[me].stack_pointer, w->threads->fiber[next].stack_pointer);
}
static __attribute__((noreturn, noinline, cold)) void da_stuck(da_Worker *w) {
    const da_Threads *const s = w->threads;
    unsigned other = w->fibers, in_warp = 0;
    for (unsigned i = w->fibers; i-- > 0;)
        if (s->state[i] == DA_IN_WARP) { other = i; ++in_warp; }
    const unsigned ended = w->fibers - w->alive;
    if (other == w->fibers) other = 0;
    while (s->state[other] == DA_ENDED) ++other;
    w->current = other;
    if (in_warp)
        DA_FAIL(w, DA_DIVERGED, s->lane[other].line, "divergence: the operation of the warp waits for threads of its mask 0x%08x "
                "that do not come (of %u threads, %u wait in operations of warps, %u at the barrier in line %d, %u have ended)",
                s->lane[other].mask, w->fibers, in_warp, w->arrived, w->line, ended);
    DA_FAIL(w, DA_DIVERGED, w->line, "divergence: %u of %u threads wait at the barrier, %u have ended",
            w->arrived, w->fibers, ended);
}
// Go on with the next thread that can; return when it is the caller's turn again.
static __attribute__((noinline)) void da_next(da_Worker *w) {
    const unsigned me = w->current, n = w->fibers;
    const unsigned char *const state = w->threads->state;
    if ((char *)__builtin_frame_address(0) < w->stacks + me * da_stride(w->launch) + 4096)
        DA_FAIL(w, DA_OVERFLOW, 0, "the stack of %zu bytes is too small", w->launch->stack);
    unsigned next = me + 1 == n ? 0 : me + 1;
    if (__builtin_expect(state[next] != DA_READY, 0)) {
        for (;;) {
            unsigned k = 0;
            while (k < n && state[next] != DA_READY) { ++k; next = next + 1 == n ? 0 : next + 1; }
            if (k < n) break;
            if (!da_release_partial(w)) da_stuck(w);
        }
    }
    da_resume(w, next);
}

// ---- barriers of the block ------------------------------------------------------------------------
static void da_open_barrier(da_Worker *w) {
    unsigned char *const state = w->threads->state;
    if (w->alive == w->fibers) memset(state, DA_READY, w->fibers);
    else
        for (unsigned i = 0; i < w->fibers; ++i)
            if (state[i] == DA_AT_BARRIER) state[i] = DA_READY;
    w->total = w->alive;
    w->outcome = w->tally;
    w->tally = w->arrived = 0;
}
void da_barrier(da_Worker *w, int line) {
    if (w->arrived == 0) w->line = line;
    else if (__builtin_expect(w->line != line, 0))
        DA_FAIL(w, DA_DIVERGED, line, "divergence: %u threads wait at another barrier, in line %d", w->arrived, w->line);
    if (__builtin_expect(w->alive != w->fibers, 0) && !w->launch->ended_pass)
        DA_FAIL(w, DA_DIVERGED, line, "divergence: a barrier for %u threads, of which %u have ended", w->fibers, w->fibers - w->alive);
    if (++w->arrived == w->alive) return da_open_barrier(w);
    w->threads->state[w->current] = DA_AT_BARRIER;
    da_next(w);
}

// ---- operations of a warp -------------------------------------------------------------------------
// The last lane to come does the operation for all of them. A mask of 0 stands for the functions without one: they are
// for the lanes that run together, which are all of the warp, or, once nobody in the block can go on, those that came.
DA_IN bool da_together(const da_Lane *a, const da_Lane *b) {
    return a->mask == b->mask && a->operation == b->operation && (a->mask || a->line == b->line);
}
static unsigned long long da_reduced(const da_Lane *lane, unsigned group, int operation) {
    unsigned total = 0;
    bool first = true;
    for (unsigned rest = group; rest; rest &= rest - 1) {
        const unsigned x = (unsigned)lane[__builtin_ctz(rest)].value;
        const bool less = operation <= DA_MAX ? (int)x < (int)total : x < total;
        if (first) total = x;
        else if (operation == DA_ADD) total += x;
        else if (operation == DA_MIN || operation == DA_UMIN) total = less ? x : total;
        else if (operation == DA_MAX || operation == DA_UMAX) total = less ? total : x;
        else total = operation == DA_AND ? total & x : operation == DA_OR ? total | x : total ^ x;
        first = false;
    }
    return total;
}
static void da_operate(da_Lane *lane, unsigned group, int operation) {
    unsigned ballot = 0;
    for (unsigned rest = group; rest; rest &= rest - 1) ballot |= (unsigned)(lane[__builtin_ctz(rest)].value != 0) << __builtin_ctz(rest);
    const unsigned long long same = operation == DA_BALLOT ? ballot : operation == DA_ALL ? ballot == group
        : operation == DA_ANY ? ballot != 0 : operation >= DA_ADD ? da_reduced(lane, group, operation) : group;
    for (unsigned rest = group; rest; rest &= rest - 1) {
        da_Lane *const l = lane + __builtin_ctz(rest);
        l->result = same;
        if (operation == DA_SHUFFLE) l->result = lane[group >> l->source & 1 ? l->source : __builtin_ctz(rest)].value;
        else if (operation >= DA_MATCH && operation <= DA_MATCH_ALL) {
            l->result = 0;
            for (unsigned k = group; k; k &= k - 1)
                if (lane[__builtin_ctz(k)].value == l->value) l->result |= 1u << __builtin_ctz(k);
            if (operation == DA_MATCH_ALL && l->result != group) l->result = 0;
        }
    }
}
static void da_open_warp(da_Worker *w, unsigned warp, unsigned group, int operation) {
    da_operate(w->threads->lane + 32 * warp, group, operation);
    w->threads->waiting[warp] &= ~group;
    for (unsigned rest = group; rest; rest &= rest - 1) w->threads->state[32 * warp + __builtin_ctz(rest)] = DA_READY;
}
// If all lanes that `mine` waits for are there, let them go.
static bool da_try_warp(da_Worker *w, unsigned warp, unsigned mine) {
    da_Threads *const s = w->threads;
    const da_Lane *const lane = s->lane + 32 * warp, *const l = lane + mine;
    const unsigned exist = w->fibers - 32 * warp >= 32 ? ~0u : (1u << (w->fibers - 32 * warp)) - 1;
    const unsigned group = (l->mask ? l->mask : ~0u) & exist & ~s->ended[warp];
    if ((s->waiting[warp] & group) != group) return false;
    for (unsigned rest = group; rest; rest &= rest - 1)
        if (!da_together(lane + __builtin_ctz(rest), l)) return false;
    da_open_warp(w, warp, group, l->operation);
    return true;
}
static void da_release_warp(da_Worker *w, unsigned warp) {  // after a thread has ended
    for (unsigned k = 0; k < 32; ++k)
        if (w->threads->waiting[warp] >> k & 1) da_try_warp(w, warp, k);
}
static bool da_release_partial(da_Worker *w) {  // lanes without a mask, as nobody else will come
    da_Threads *const s = w->threads;
    bool any = false;
    for (unsigned warp = 0; 32 * warp < w->fibers; ++warp) {
        const da_Lane *const lane = s->lane + 32 * warp, *first = 0;
        unsigned group = 0;
        for (unsigned rest = s->waiting[warp]; rest; rest &= rest - 1) {
            const da_Lane *const l = lane + __builtin_ctz(rest);
            if (!first && l->mask == 0) first = l;
            if (first && da_together(first, l)) group |= 1u << __builtin_ctz(rest);
        }
        if (group) { da_open_warp(w, warp, group, first->operation); any = true; }
    }
    return any;
}
unsigned long long da_warp(da_Worker *w, int line, unsigned mask, int operation, unsigned long long value, int source) {
    const unsigned me = w->current, warp = me / 32, bit = me % 32;
    da_Threads *const s = w->threads;
    if (mask && !(mask >> bit & 1)) DA_FAIL(w, DA_DIVERGED, line, "the mask 0x%08x lacks the calling lane %u", mask, bit);
    s->lane[me] = da_Lane{mask, operation, line, source, value, 0};
    s->waiting[warp] |= 1u << bit;
    s->state[me] = DA_IN_WARP;
    if (!da_try_warp(w, warp, bit)) da_next(w);
    return s->lane[me].result;
}

// ---- running blocks -------------------------------------------------------------------------------
static void da_ended(da_Worker *w) {
    da_Threads *const s = w->threads;
    const unsigned me = w->current, warp = me / 32;
    s->state[me] = DA_ENDED;
    s->ended[warp] |= 1u << me % 32;
    void *nowhere;
    if (--w->alive == 0) da_switch(&nowhere, w->main);
    if (w->arrived) {
        if (!w->launch->ended_pass)
            DA_FAIL(w, DA_DIVERGED, w->line, "divergence: this thread has ended, and %u of %u wait at the barrier", w->arrived, w->fibers);
        if (w->arrived == w->alive) da_open_barrier(w);
    }
    if (s->waiting[warp]) da_release_warp(w, warp);
    da_next(w);
    __builtin_unreachable();
}
static void da_entry() {
    da_Worker *const w = ::da_here;
    w->launch->run(w);
    da_ended(w);
}
static void da_run_fibers(da_Worker *w) {
    da_Threads *const s = w->threads;
    const unsigned n = w->fibers;
    memset(s->state, DA_READY, n);
    memset(s->waiting, 0, sizeof s->waiting);
    memset(s->ended, 0, sizeof s->ended);
    for (unsigned i = 0; i < n; ++i) s->fiber[i].stack_pointer = da_first_switch(w->stacks + (i + 1) * da_stride(w->launch), da_entry);
    w->alive = n;
    w->arrived = w->tally = w->current = 0;
    if (w->launch->indices) ::threadIdx = s->fiber[0].thread;
    da_switch(&w->main, s->fiber[0].stack_pointer);
}

// Areas wait here for the next launch. They are taken all at once, so that the list needs no lock.
static da_Area *da_kept;
static void da_keep(da_Area *list) {
    da_Area *last = list;
    if (!list) return;
    while (last->next) last = last->next;
    last->next = __atomic_load_n(&da_kept, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&da_kept, &last->next, list, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {}
}
DA_PUBLIC void da_release() {
    for (da_Area *list = __atomic_exchange_n(&da_kept, (da_Area *)0, __ATOMIC_ACQ_REL); list;) {
        da_Area *const next = list->next;
        free(list);
        list = next;
    }
}
static da_Area *da_take(size_t bytes) {
    da_Area *list = __atomic_exchange_n(&da_kept, (da_Area *)0, __ATOMIC_ACQ_REL), **link = &list;
    while (*link && (*link)->bytes < bytes) link = &(*link)->next;
    da_Area *found = *link;
    if (found) *link = found->next;
    else if (list) {  // one that is too small makes room
        da_Area *const small = list;
        list = list->next;
        free(small);
    }
    da_keep(list);
    if (!found && (found = (da_Area *)malloc(bytes))) found->bytes = bytes;
    if (found) found->next = 0;
    return found;
}
DA_IN char *da_aligned(void *place) { return (char *)(((uintptr_t)place + 127) & ~(uintptr_t)127); }

static bool da_open(da_Worker *w, da_Launch *launch) {
    const dim3 d = launch->block;
    w->launch = launch;
    w->area = 0;
    w->dynamic = 0;
    w->fibers = launch->mode == DA_LOOP ? 0 : launch->mode == DA_GUARDED ? 1 : d.x * d.y * d.z;
    const size_t bytes = w->fibers ? sizeof(da_Threads) + (w->fibers + 1) * da_stride(w->launch) : 0;
    ::da_here = w;
    if (bytes == 0 && launch->dynamic_bytes == 0) return true;
    w->area = da_take(bytes + launch->dynamic_bytes + sizeof(da_Area) + 512);
    if (!w->area) {
        int none = 0;
        if (__atomic_compare_exchange_n(&launch->code, &none, DA_NO_MEMORY, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            snprintf(launch->message, launch->message_bytes, "kernel %s: no memory for the %zu bytes of a worker", launch->kernel,
                     bytes + launch->dynamic_bytes);
        return false;
    }
    w->dynamic = da_aligned(w->area + 1);
    w->threads = (da_Threads *)da_aligned(w->dynamic + launch->dynamic_bytes);
    w->stacks = da_aligned(w->threads + 1) + da_stride(w->launch);  // what lies below takes the overflow of the first
    for (unsigned i = 0; i < w->fibers; ++i) w->threads->fiber[i].thread = uint3{i % d.x, i / d.x % d.y, i / d.x / d.y};
    return true;
}
static void da_work(da_Launch *launch, long long blocks, long long grain) {
    da_Worker worker, *const w = &worker;
    const dim3 g = launch->grid;
    if (!da_open(w, launch)) return;
    ::blockDim = launch->block;
    ::gridDim = g;
    for (;;) {
        long long k = __atomic_fetch_add(&launch->ticket, grain, __ATOMIC_RELAXED);
        if (k >= blocks) break;
        for (const long long end = k + grain < blocks ? k + grain : blocks; k < end; ++k) {
            if (__atomic_load_n(&launch->code, __ATOMIC_RELAXED)) break;
            w->block = uint3{(unsigned)(k % g.x), (unsigned)(k / g.x % g.y), (unsigned)(k / g.x / g.y)};
            if (launch->indices) ::blockIdx = w->block;
            if (launch->mode == DA_LOOP) launch->run(w);
            else da_run_fibers(w);
        }
    }
    da_keep(w->area);
}
int da_start(da_Launch *launch, int threads) {
    const dim3 g = launch->grid;
    const long long blocks = (long long)g.x * g.y * g.z;
    if (threads > blocks) threads = (int)blocks;
    long long grain = blocks / (16ll * threads);
    grain = grain < 1 ? 1 : grain > 64 ? 64 : grain;
    if (threads <= 1) da_work(launch, blocks, grain);
    else {
#pragma omp parallel num_threads(threads)
        da_work(launch, blocks, grain);
    }
    if (launch->prints) fflush(0);
    return launch->code;
}

