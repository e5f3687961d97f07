// The library behind `host_grid.h`: how blocks and their threads run on the host. It is compiled once for all kernels.

__thread dh_Worker *dh_here;
__thread uint3 threadIdx, blockIdx;
__thread dim3 blockDim, gridDim;

// ---- switching ----------------------------------------------------------------------------------
// Registers that a callee must keep go to the stack. All switches return to the same place, that in dh_next, so that `ret`
// is predicted well (and better than `jmp`, after which the predictions of the callers' `ret`s are off by one).
// The control words of the floating-point units are everybody's: kernels do not change them.
extern "C" __attribute__((visibility("hidden"))) void dh_switch(void **from, void *to);
#if defined(__x86_64__)
enum { DH_SAVED = 7 };
__asm__(
    ".pushsection .text\n.p2align 4\n.hidden dh_switch\n.globl dh_switch\n.type dh_switch, @function\n"
    "dh_switch:\n"
    "pushq %rbp\npushq %rbx\npushq %r12\npushq %r13\npushq %r14\npushq %r15\n"
    "movq %rsp, (%rdi)\nmovq %rsi, %rsp\n"
    "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\n"
    "ret\n"
    ".size dh_switch, .-dh_switch\n.popsection\n");
DH_IN void *dh_first_switch(char *top, void (*entry)()) {
    void **place = (void **)((uintptr_t)top & ~(uintptr_t)63) - 1;  // as behind a call
    place[-1] = (void *)entry;
    for (int k = 2; k <= DH_SAVED; ++k) place[-k] = 0;
    return place - DH_SAVED;
}
#elif defined(__aarch64__)
enum { DH_SAVED = 20 };
__asm__(
    ".pushsection .text\n.p2align 4\n.hidden dh_switch\n.globl dh_switch\n.type dh_switch, @function\n"
    "dh_switch:\n"
    "stp x19, x20, [sp, -160]!\nstp x21, x22, [sp, 16]\nstp x23, x24, [sp, 32]\nstp x25, x26, [sp, 48]\n"
    "stp x27, x28, [sp, 64]\nstp x29, x30, [sp, 80]\n"
    "stp d8, d9, [sp, 96]\nstp d10, d11, [sp, 112]\nstp d12, d13, [sp, 128]\nstp d14, d15, [sp, 144]\n"
    "mov x9, sp\nstr x9, [x0]\nmov sp, x1\n"
    "ldp x21, x22, [sp, 16]\nldp x23, x24, [sp, 32]\nldp x25, x26, [sp, 48]\n"
    "ldp x27, x28, [sp, 64]\nldp x29, x30, [sp, 80]\n"
    "ldp d8, d9, [sp, 96]\nldp d10, d11, [sp, 112]\nldp d12, d13, [sp, 128]\nldp d14, d15, [sp, 144]\n"
    "ldp x19, x20, [sp], 160\n"
    "br x30\n"
    ".size dh_switch, .-dh_switch\n.popsection\n");
DH_IN void *dh_first_switch(char *top, void (*entry)()) {
    void **place = (void **)((uintptr_t)top & ~(uintptr_t)63) - DH_SAVED;
    for (int k = 0; k < DH_SAVED; ++k) place[k] = 0;
    place[11] = (void *)entry;
    return place;
}
#else
#error "kernels of grids run on x86-64 and aarch64"
#endif

// Stacks lie a little more than a power of two apart, so that their tops fall into different sets of the cache.
DH_IN size_t dh_stride(const dh_Launch *launch) { return launch->stack + 320; }

// ---- failure --------------------------------------------------------------------------------------
// The first failure of a launch writes its message; every failure leaves the block for good.
void dh_fail(dh_Worker *w, int code, uint3 t, int line, const char *format, ...) {
    dh_Launch *const launch = w->launch;
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
    dh_switch(&nowhere, w->main);
    __builtin_unreachable();
}
#define DH_FAIL(w, code, line, ...) dh_fail(w, code, (w)->threads->fiber[(w)->current].thread, line, __VA_ARGS__)
// ---- fibers: who runs next ------------------------------------------------------------------------
static bool dh_release_partial(dh_Worker *w);
static void dh_release_warp(dh_Worker *w, unsigned warp);

DH_IN void dh_resume(dh_Worker *w, unsigned next) {
    const unsigned me = w->current;
    w->current = next;
    if (w->launch->indices) ::threadIdx = w->threads->fiber[next].thread;
    if (next != me) dh_switch(&w->threads->fiber[me].stack_pointer, w->threads->fiber[next].stack_pointer);
}
static __attribute__((noreturn, noinline, cold)) void dh_stuck(dh_Worker *w) {
    const dh_Threads *const s = w->threads;
    unsigned other = w->fibers, in_warp = 0;
    for (unsigned i = w->fibers; i-- > 0;)
        if (s->state[i] == DH_IN_WARP) { other = i; ++in_warp; }
    const unsigned ended = w->fibers - w->alive;
    if (other == w->fibers) other = 0;
    while (s->state[other] == DH_ENDED) ++other;
    w->current = other;
    if (in_warp)
        DH_FAIL(w, DH_DIVERGED, s->lane[other].line, "divergence: the operation of the warp waits for threads of its mask 0x%08x "
                "that do not come (of %u threads, %u wait in operations of warps, %u at the barrier in line %d, %u have ended)",
                s->lane[other].mask, w->fibers, in_warp, w->arrived, w->line, ended);
    DH_FAIL(w, DH_DIVERGED, w->line, "divergence: %u of %u threads wait at the barrier, %u have ended",
            w->arrived, w->fibers, ended);
}
// Go on with the next thread that can; return when it is the caller's turn again.
static __attribute__((noinline)) void dh_next(dh_Worker *w) {
    const unsigned me = w->current, n = w->fibers;
    const unsigned char *const state = w->threads->state;
    if (__builtin_expect((char *)__builtin_frame_address(0) < w->threads->fiber[me].limit, 0))
        DH_FAIL(w, DH_OVERFLOW, 0, "the stack of %zu bytes is too small", w->launch->stack);
    unsigned next = me + 1 == n ? 0 : me + 1;
    if (__builtin_expect(state[next] != DH_READY, 0)) {
        for (;;) {
            unsigned k = 0;
            while (k < n && state[next] != DH_READY) { ++k; next = next + 1 == n ? 0 : next + 1; }
            if (k < n) break;
            if (!dh_release_partial(w)) dh_stuck(w);
        }
    }
    dh_resume(w, next);
}

void dh_yield(dh_Worker *w) {
    if (w->fibers > 1) dh_next(w);
}

// ---- barriers of the block ------------------------------------------------------------------------
static void dh_open_barrier(dh_Worker *w) {
    unsigned char *const state = w->threads->state;
    if (w->alive == w->fibers) memset(state, DH_READY, w->fibers);
    else
        for (unsigned i = 0; i < w->fibers; ++i)
            if (state[i] == DH_AT_BARRIER) state[i] = DH_READY;
    w->total = w->alive;
    w->outcome = w->tally;
    w->tally = w->arrived = 0;
}
void dh_barrier(dh_Worker *w, int line) {
    if (w->arrived == 0) w->line = line;
    else if (__builtin_expect(w->line != line, 0))
        DH_FAIL(w, DH_DIVERGED, line, "divergence: %u threads wait at another barrier, in line %d", w->arrived, w->line);
    if (__builtin_expect(w->alive != w->fibers, 0) && !w->launch->ended_pass)
        DH_FAIL(w, DH_DIVERGED, line, "divergence: a barrier for %u threads, of which %u have ended", w->fibers, w->fibers - w->alive);
    if (++w->arrived == w->alive) return dh_open_barrier(w);
    w->threads->state[w->current] = DH_AT_BARRIER;
    dh_next(w);
}

// ---- operations of a warp -------------------------------------------------------------------------
// The last lane to come does the operation for all of them. A mask of 0 stands for the functions without one: they are
// for the lanes that run together, which are all of the warp, or, once nobody in the block can go on, those that came.
DH_IN bool dh_together(const dh_Lane *a, const dh_Lane *b) {
    return a->mask == b->mask && a->operation == b->operation && (a->mask || a->line == b->line);
}
static unsigned long long dh_reduced(const dh_Lane *lane, unsigned group, int operation) {
    unsigned total = 0;
    bool first = true;
    for (unsigned rest = group; rest; rest &= rest - 1) {
        const unsigned x = (unsigned)lane[__builtin_ctz(rest)].value;
        const bool less = operation <= DH_MAX ? (int)x < (int)total : x < total;
        if (first) total = x;
        else if (operation == DH_ADD) total += x;
        else if (operation == DH_MIN || operation == DH_UMIN) total = less ? x : total;
        else if (operation == DH_MAX || operation == DH_UMAX) total = less ? total : x;
        else total = operation == DH_AND ? total & x : operation == DH_OR ? total | x : total ^ x;
        first = false;
    }
    return total;
}
// A lane that exists but does not take part gives zero to those that read from it. CUDA leaves that open; sums that go on over
// all lanes of a warp, of which only the first ones are there, are then right.
static void dh_operate(dh_Lane *lane, unsigned group, unsigned exist, int operation) {
    unsigned ballot = 0;
    for (unsigned rest = group; rest; rest &= rest - 1) ballot |= (unsigned)(lane[__builtin_ctz(rest)].value != 0) << __builtin_ctz(rest);
    const unsigned long long same = operation == DH_BALLOT ? ballot : operation == DH_ALL ? ballot == group
        : operation == DH_ANY ? ballot != 0 : operation >= DH_ADD ? dh_reduced(lane, group, operation) : group;
    for (unsigned rest = group; rest; rest &= rest - 1) {
        dh_Lane *const l = lane + __builtin_ctz(rest);
        l->result = same;
        if (operation == DH_SHUFFLE)
            l->result = group >> l->source & 1 ? lane[l->source].value : exist >> l->source & 1 ? 0 : l->value;
        else if (operation >= DH_MATCH && operation <= DH_MATCH_ALL) {
            l->result = 0;
            for (unsigned k = group; k; k &= k - 1)
                if (lane[__builtin_ctz(k)].value == l->value) l->result |= 1u << __builtin_ctz(k);
            if (operation == DH_MATCH_ALL && l->result != group) l->result = 0;
        }
    }
}
static void dh_open_warp(dh_Worker *w, unsigned warp, unsigned group, int operation) {
    const unsigned exist = w->fibers - 32 * warp >= 32 ? ~0u : (1u << (w->fibers - 32 * warp)) - 1;
    dh_operate(w->threads->lane + 32 * warp, group, exist, operation);
    w->threads->waiting[warp] &= ~group;
    for (unsigned rest = group; rest; rest &= rest - 1) w->threads->state[32 * warp + __builtin_ctz(rest)] = DH_READY;
}
// If all lanes that `mine` waits for are there, let them go.
static bool dh_try_warp(dh_Worker *w, unsigned warp, unsigned mine) {
    dh_Threads *const s = w->threads;
    const dh_Lane *const lane = s->lane + 32 * warp, *const l = lane + mine;
    const unsigned exist = w->fibers - 32 * warp >= 32 ? ~0u : (1u << (w->fibers - 32 * warp)) - 1;
    const unsigned group = (l->mask ? l->mask : ~0u) & exist & ~s->ended[warp];
    if ((s->waiting[warp] & group) != group) return false;
    for (unsigned rest = group; rest; rest &= rest - 1)
        if (!dh_together(lane + __builtin_ctz(rest), l)) return false;
    dh_open_warp(w, warp, group, l->operation);
    return true;
}
static void dh_release_warp(dh_Worker *w, unsigned warp) {  // after a thread has ended
    for (unsigned k = 0; k < 32; ++k)
        if (w->threads->waiting[warp] >> k & 1) dh_try_warp(w, warp, k);
}
static bool dh_release_partial(dh_Worker *w) {  // lanes without a mask, as nobody else will come
    dh_Threads *const s = w->threads;
    bool any = false;
    for (unsigned warp = 0; 32 * warp < w->fibers; ++warp) {
        const dh_Lane *const lane = s->lane + 32 * warp, *first = 0;
        unsigned group = 0;
        for (unsigned rest = s->waiting[warp]; rest; rest &= rest - 1) {
            const dh_Lane *const l = lane + __builtin_ctz(rest);
            if (!first && l->mask == 0) first = l;
            if (first && dh_together(first, l)) group |= 1u << __builtin_ctz(rest);
        }
        if (group) { dh_open_warp(w, warp, group, first->operation); any = true; }
    }
    return any;
}
unsigned long long dh_warp(dh_Worker *w, int line, unsigned mask, int operation, unsigned long long value, int source) {
    const unsigned me = w->current, warp = me / 32, bit = me % 32;
    dh_Threads *const s = w->threads;
    if (mask && !(mask >> bit & 1)) DH_FAIL(w, DH_DIVERGED, line, "the mask 0x%08x lacks the calling lane %u", mask, bit);
    s->lane[me] = dh_Lane{mask, operation, line, source, value, 0};
    s->waiting[warp] |= 1u << bit;
    s->state[me] = DH_IN_WARP;
    if (!dh_try_warp(w, warp, bit)) dh_next(w);
    return s->lane[me].result;
}

// ---- running blocks -------------------------------------------------------------------------------
static void dh_ended(dh_Worker *w) {
    dh_Threads *const s = w->threads;
    const unsigned me = w->current, warp = me / 32;
    s->state[me] = DH_ENDED;
    s->ended[warp] |= 1u << me % 32;
    void *nowhere;
    if (--w->alive == 0) dh_switch(&nowhere, w->main);
    if (w->arrived) {
        if (!w->launch->ended_pass)
            DH_FAIL(w, DH_DIVERGED, w->line, "divergence: this thread has ended, and %u of %u wait at the barrier", w->arrived, w->fibers);
        if (w->arrived == w->alive) dh_open_barrier(w);
    }
    if (s->waiting[warp]) dh_release_warp(w, warp);
    dh_next(w);
    __builtin_unreachable();
}
static void dh_entry() {
    dh_Worker *const w = ::dh_here;
    w->launch->run(w);
    dh_ended(w);
}
static void dh_run_fibers(dh_Worker *w) {
    dh_Threads *const s = w->threads;
    const unsigned n = w->fibers;
    memset(s->state, DH_READY, n);
    memset(s->waiting, 0, sizeof s->waiting);
    memset(s->ended, 0, sizeof s->ended);
    for (unsigned i = 0; i < n; ++i) s->fiber[i].stack_pointer = dh_first_switch(w->stacks + (i + 1) * dh_stride(w->launch), dh_entry);
    w->alive = n;
    w->arrived = w->tally = w->current = 0;
    if (w->launch->indices) ::threadIdx = s->fiber[0].thread;
    dh_switch(&w->main, s->fiber[0].stack_pointer);
}

// Areas wait here for the next launch. They are taken all at once, so that the list needs no lock.
static dh_Area *dh_kept;
static void dh_keep(dh_Area *list) {
    dh_Area *last = list;
    if (!list) return;
    while (last->next) last = last->next;
    last->next = __atomic_load_n(&dh_kept, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&dh_kept, &last->next, list, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {}
}
DH_PUBLIC void dh_release() {
    for (dh_Area *list = __atomic_exchange_n(&dh_kept, (dh_Area *)0, __ATOMIC_ACQ_REL); list;) {
        dh_Area *const next = list->next;
        free(list);
        list = next;
    }
}
static dh_Area *dh_take(size_t bytes) {
    dh_Area *list = __atomic_exchange_n(&dh_kept, (dh_Area *)0, __ATOMIC_ACQ_REL), **link = &list;
    while (*link && (*link)->bytes < bytes) link = &(*link)->next;
    dh_Area *found = *link;
    if (found) *link = found->next;
    else if (list) {  // one that is too small makes room
        dh_Area *const small = list;
        list = list->next;
        free(small);
    }
    dh_keep(list);
    if (!found && (found = (dh_Area *)malloc(bytes))) found->bytes = bytes;
    if (found) found->next = 0;
    return found;
}
DH_IN char *dh_aligned(void *place) { return (char *)(((uintptr_t)place + 127) & ~(uintptr_t)127); }

static bool dh_open(dh_Worker *w, dh_Launch *launch) {
    const dim3 d = launch->block;
    const size_t stride = dh_stride(launch);
    w->launch = launch;
    w->area = 0;
    w->dynamic = 0;
    w->fibers = launch->mode == DH_LOOP ? 0 : launch->mode == DH_GUARDED ? 1 : d.x * d.y * d.z;
    const size_t bytes = w->fibers ? sizeof(dh_Threads) + (w->fibers + 1) * stride : 0;
    ::dh_here = w;
    if (bytes == 0 && launch->dynamic_bytes == 0) return true;
    w->area = dh_take(bytes + launch->dynamic_bytes + sizeof(dh_Area) + 512);
    if (!w->area) {
        int none = 0;
        if (__atomic_compare_exchange_n(&launch->code, &none, DH_NO_MEMORY, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
            snprintf(launch->message, launch->message_bytes, "kernel %s: no memory for the %zu bytes of a worker", launch->kernel,
                     bytes + launch->dynamic_bytes);
        return false;
    }
    w->dynamic = dh_aligned(w->area + 1);
    w->threads = (dh_Threads *)dh_aligned(w->dynamic + launch->dynamic_bytes);
    w->stacks = dh_aligned(w->threads + 1) + stride;  // what lies below takes the overflow of the first
    for (unsigned i = 0; i < w->fibers; ++i)
        w->threads->fiber[i] = dh_Fiber{0, w->stacks + i * stride + 4096, uint3{i % d.x, i / d.x % d.y, i / d.x / d.y}};
    return true;
}
static void dh_work(dh_Launch *launch, long long blocks, long long grain) {
    dh_Worker worker, *const w = &worker;
    const dim3 g = launch->grid;
    if (!dh_open(w, launch)) return;
    ::blockDim = launch->block;
    ::gridDim = g;
    for (;;) {
        long long k = __atomic_fetch_add(&launch->ticket, grain, __ATOMIC_RELAXED);
        if (k >= blocks) break;
        for (const long long end = k + grain < blocks ? k + grain : blocks; k < end; ++k) {
            if (__atomic_load_n(&launch->code, __ATOMIC_RELAXED)) break;
            w->block = uint3{(unsigned)(k % g.x), (unsigned)(k / g.x % g.y), (unsigned)(k / g.x / g.y)};
            if (launch->indices) ::blockIdx = w->block;
            if (launch->mode == DH_LOOP) launch->run(w);
            else dh_run_fibers(w);
        }
    }
    dh_keep(w->area);
}
int dh_start(dh_Launch *launch, int threads) {
    const dim3 g = launch->grid;
    const long long blocks = (long long)g.x * g.y * g.z;
    if (threads > blocks) threads = (int)blocks;
    long long grain = blocks / (16ll * threads);
    grain = grain < 1 ? 1 : grain > 64 ? 64 : grain;
    if (threads <= 1) dh_work(launch, blocks, grain);
    else {
#pragma omp parallel num_threads(threads)
        dh_work(launch, blocks, grain);
    }
    if (launch->prints) dh_flush(0);
    return launch->code;
}

