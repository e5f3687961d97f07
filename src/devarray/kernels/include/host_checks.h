// The library behind checked kernels: bounds of arrays, races on shared memory, barriers. One thread of the system runs
// all blocks, one after the other, and threads of a block switch at barriers only: nothing here needs a lock, and what
// is reported is the same each time. A failure leaves the block before the access, as an assertion does.
//
// Code addresses and places in static shared memory reach the message as \1...\1 and \2...\2; `host_checks.py` makes
// lines and names of them.

enum { DH_READ, DH_WRITE, DH_ATOMIC_READ, DH_ATOMIC_WRITE };
enum { DH_GET, DH_PUT, DH_EXCHANGE, DH_PLUS, DH_MINUS, DH_BITS_AND, DH_BITS_OR, DH_BITS_XOR, DH_BITS_NAND };
enum { DH_OUTSIDE = 101, DH_RACE, DH_UNSET };

struct dh_Extent {  // memory that the launch may use
    const char *name, *type;  // as for messages; no name: memory that is no array
    uintptr_t address;
    size_t bytes;
    unsigned item;  // bytes of an element
    char writes;    // whether it may be written
};
struct dh_Access {
    unsigned epoch;  // barriers of the block before it, counted on over all blocks
    unsigned clock;  // operations of the warp that its thread had done
    unsigned long long time;  // counts accesses to shared memory
    unsigned code;   // within the module
    unsigned short thread;
    bool atomic;
};
struct dh_Cell { dh_Access written, read, other; };  // `other`: a reader that is not the last one, of another warp if any was
struct dh_Shared {
    uintptr_t address;
    size_t bytes;
    dh_Cell *cells;  // one for each 1 << shift bytes
};
struct dh_Made { dh_Made *next, *before; size_t bytes, unused; };  // in front of what malloc gives
struct dh_Pending {  // a second write: harmless if it writes what is there already
    size_t bytes;
    unsigned thread, code;
    dh_Access other;
    const dh_Shared *shared;
    char *place;
    char old[32];
};
struct dh_Joined { unsigned number, clocks[32]; };  // what all lanes of a warp know after this operation of all of them
struct dh_Checks {
    const dh_Extent *extents, *last, *mapped;
    const size_t *guards;  // place and bytes of the compiler's own flags in static shared memory, then a 0
    int given, count;  // arguments, and all the memory of the process behind them if need be
    dh_Worker *worker;
    void (*run)(dh_Worker *);
    uintptr_t base;  // of the module
    uintptr_t frames;  // where worker and launch lie
    size_t frames_bytes;
    struct { uintptr_t begin, end; bool writes; } segments[8];
    unsigned segment_count;
    dh_Shared shared[2];  // static and dynamic
    unsigned shift, begin, top;  // `begin`: the block's first epoch
    unsigned long long time, atomic_time[DH_MOST];
    dh_Made *made;
    dh_Pending pending;
    unsigned epoch[DH_MOST], clock[DH_MOST], code[DH_MOST];
    unsigned whole[DH_MOST];  // operations of the whole warp
    dh_Joined joined[DH_MOST / 32][2];
    unsigned known[DH_MOST][32], told[DH_MOST][32];  // clocks of the own warp; as brought to an operation of the warp
};
static __thread dh_Checks *dh_checks;
extern "C" {
void *calloc(size_t, size_t);
void *memmove(void *, const void *, size_t);
int memcmp(const void *, const void *, size_t);
void *__tls_get_addr(size_t *);
}

// ---- the module -----------------------------------------------------------------------------------
struct dh_Header { unsigned type, flags; size_t offset, address, physical, file_bytes, bytes, alignment; };
struct dh_Loaded {
    uintptr_t base;
    const char *name;
    const dh_Header *headers;
    unsigned short count;
    unsigned long long adds, subs;
    size_t tls_module;
    void *tls;
};
extern "C" int dl_iterate_phdr(int (*)(dh_Loaded *, size_t, void *), void *);
static int dh_look(dh_Loaded *loaded, size_t, void *data) {
    dh_Checks *const c = (dh_Checks *)data;
    bool here = false;
    for (unsigned k = 0; k < loaded->count; ++k) {
        const dh_Header h = loaded->headers[k];
        here = here || (h.type == 1 && c->base - (loaded->base + h.address) < h.bytes);
    }
    if (!here) return 0;
    c->base = loaded->base;
    for (unsigned k = 0; k < loaded->count; ++k) {
        const dh_Header h = loaded->headers[k];
        const uintptr_t begin = loaded->base + h.address;
        if (h.type == 1 && c->segment_count < 8) c->segments[c->segment_count++] = {begin, begin + h.bytes, (h.flags & 2) != 0};
        if (h.type == 7) {
            size_t index[2] = {loaded->tls_module, 0};
            c->shared[0].address = (uintptr_t)__tls_get_addr(index);
            c->shared[0].bytes = h.bytes;
        }
    }
    return 1;
}

// ---- messages -------------------------------------------------------------------------------------
#define DH_LINE "\1%x\1"
#define DH_THREAD "(%u, %u, %u)"
#define DH_XYZ(t) (t).x, (t).y, (t).z
static uint3 dh_thread(const dh_Checks *c, unsigned k) { return c->worker->threads->fiber[k].thread; }
static __attribute__((noreturn, noinline, cold, format(printf, 5, 6))) void dh_tell(
    dh_Checks *c, int code, unsigned thread, const char *line, const char *format, ...) {
    dh_Worker *const w = c->worker;
    dh_Launch *const launch = w->launch;
    const uint3 t = dh_thread(c, thread);
    const size_t size = launch->message_bytes;
    c->pending.bytes = 0;
    if (launch->code == 0) {
        launch->code = code;
        const int length = snprintf(launch->message, size, "kernel %s, block " DH_THREAD ", thread " DH_THREAD ", %s: ", launch->kernel,
                                    DH_XYZ(w->block), DH_XYZ(t), line);
        if (length >= 0 && (size_t)length < size) {
            __builtin_va_list rest;
            __builtin_va_start(rest, format);
            vsnprintf(launch->message + length, size - (size_t)length, format, rest);
            __builtin_va_end(rest);
        }
    }
    dh_fail(w, code, t, 0, "");
}
struct dh_Text { char text[160]; };
static dh_Text dh_line(unsigned code) {
    dh_Text r;
    if (code) snprintf(r.text, sizeof r.text, DH_LINE, code);
    else snprintf(r.text, sizeof r.text, "no access to memory");
    return r;
}
static const char *dh_verb(int kind) {
    return kind == DH_READ ? "read" : kind == DH_WRITE ? "write" : kind == DH_ATOMIC_READ ? "atomic read" : "atomic write";
}
static dh_Text dh_where(const dh_Checks *c, const dh_Shared *s, uintptr_t place, size_t bytes) {
    dh_Text r;
    const size_t offset = place - s->address;
    if (s == c->shared) snprintf(r.text, sizeof r.text, "\2%zx,%zx\2", offset, bytes);
    else if (offset % bytes) snprintf(r.text, sizeof r.text, "byte %zu of the dynamic shared memory", offset);
    else snprintf(r.text, sizeof r.text, "index %zu of the dynamic shared memory (elements of %zu bytes)", offset / bytes, bytes);
    return r;
}

// ---- outside of all arrays ------------------------------------------------------------------------
static bool dh_inside(uintptr_t place, size_t bytes, uintptr_t begin, size_t size) {
    return place - begin < size && bytes <= size - (place - begin);
}
static bool dh_is(const dh_Extent *e, uintptr_t place, size_t bytes, bool writes) {
    return dh_inside(place, bytes, e->address, e->bytes) && (e->writes || !writes);
}
// What is no array: variables of the module and of the thread, what the launcher made, what malloc gave
static bool dh_own(const dh_Checks *c, uintptr_t place, size_t bytes, bool writes) {
    const dh_Worker *const w = c->worker;
    const uintptr_t bottom = (uintptr_t)w->threads->fiber[w->current].limit - 4096;  // of the stack
    if (dh_inside(place, bytes, bottom, w->launch->stack + 512)) return true;
    for (unsigned k = 0; k < c->segment_count; ++k)
        if (dh_inside(place, bytes, c->segments[k].begin, c->segments[k].end - c->segments[k].begin)) return !writes || c->segments[k].writes;
    for (const dh_Made *m = c->made; m; m = m->next)
        if (dh_inside(place, bytes, (uintptr_t)(m + 1), m->bytes)) return true;
    if (writes) return dh_inside(place, bytes, (uintptr_t)w, sizeof *w);
    const struct { const void *begin; size_t size; } seen[] = {
        {w->threads->fiber + w->current, sizeof(dh_Fiber)}, {&::dh_here, sizeof ::dh_here},
        {&::threadIdx, sizeof ::threadIdx}, {&::blockIdx, sizeof ::blockIdx}, {&::blockDim, sizeof ::blockDim},
        {&::gridDim, sizeof ::gridDim}};
    for (const auto &part : seen)
        if (dh_inside(place, bytes, (uintptr_t)part.begin, part.size)) return true;
    return false;
}
static size_t dh_distance(uintptr_t place, uintptr_t begin, size_t size) {
    return place < begin ? begin - place : place - begin < size ? 0 : place - begin - size + 1;
}
static __attribute__((noinline, cold)) void dh_outside(dh_Checks *c, uintptr_t place, size_t bytes, int kind, unsigned code) {
    const unsigned me = c->worker->current;
    const dh_Text line = dh_line(code);
    const char *const verb = dh_verb(kind);
    const dh_Extent *nearest = 0;
    size_t least = (size_t)1 << 30;
    for (const dh_Extent *e = c->extents; e < c->extents + c->count; ++e) {
        if (!*e->name) continue;
        if (dh_inside(place, bytes, e->address, e->bytes))
            dh_tell(c, DH_OUTSIDE, me, line.text, "%s of %zu bytes at index %zu of %s, which is read-only (the array, or the pointer to "
                    "const)", verb, bytes, (place - e->address) / e->item, e->name);
        const size_t distance = dh_distance(place, e->address, e->bytes);
        if (distance < least) { nearest = e; least = distance; }
    }
    if (place < 4096) dh_tell(c, DH_OUTSIDE, me, line.text, "%s of %zu bytes at address 0x%zx: a null pointer", verb, bytes, place);
    for (unsigned k = 0; k < 2; ++k) {
        const dh_Shared *const s = c->shared + k;
        const size_t distance = dh_distance(place, s->address, s->bytes);
        if (s->address && distance < 4096 && distance < least)
            dh_tell(c, DH_OUTSIDE, me, line.text, "%s of %zu bytes at byte %lld of the %s shared memory, which has %zu bytes", verb, bytes,
                    (long long)(place - s->address), k ? "dynamic" : "static", s->bytes);
    }
    if (!nearest)
        dh_tell(c, DH_OUTSIDE, me, line.text, "%s of %zu bytes at address 0x%zx, which is in no array of the launch", verb, bytes, place);
    const long long offset = (long long)(place - nearest->address), item = nearest->item;
    const long long index = offset >= 0 ? offset / item : -((-offset + item - 1) / item);
    dh_tell(c, DH_OUTSIDE, me, line.text, "%s of %zu bytes at index %lld of %s (%zu %s elements)", verb, bytes, index,
            nearest->name, nearest->bytes / nearest->item, nearest->type);
}

// ---- races on shared memory -----------------------------------------------------------------------
// Whether an earlier access comes before what `me` does now: the same thread, a barrier between, an operation of the warp
// that both took part in (or others after each other), or an atomic of the one and then one of the other, as with a lock.
static bool dh_ordered(const dh_Checks *c, const dh_Access *a, unsigned me) {
    if (a->thread == me || a->epoch != c->epoch[me]) return true;
    if (a->thread / 32 == me / 32 && a->clock < c->known[me][a->thread % 32]) return true;
    return c->atomic_time[a->thread] > a->time && c->atomic_time[me] > a->time;
}
static __attribute__((noreturn, noinline, cold)) void dh_race(
    dh_Checks *c, const dh_Shared *s, uintptr_t place, size_t bytes, int kind, unsigned code, unsigned me, const dh_Access *a, int other) {
    const dh_Text line = dh_line(code), where = dh_where(c, s, place, bytes), there = dh_line(a->code);
    dh_tell(c, DH_RACE, me, line.text, "race on %s: this %s and the %s by thread " DH_THREAD " in %s have no barrier between them",
            where.text, dh_verb(kind), dh_verb(a->atomic ? other + DH_ATOMIC_READ : other), DH_XYZ(dh_thread(c, a->thread)), there.text);
}
static void dh_settle(dh_Checks *c) {
    const dh_Pending p = c->pending;
    c->pending.bytes = 0;
    if (p.bytes == 0 || memcmp(p.place, p.old, p.bytes < sizeof p.old ? p.bytes : sizeof p.old) == 0) return;
    dh_race(c, p.shared, (uintptr_t)p.place, p.bytes, DH_WRITE, p.code, p.thread, &p.other, DH_WRITE);
}
static bool dh_shadow(dh_Checks *c, unsigned shift) {  // cells for each 1 << shift bytes
    for (dh_Shared &s : c->shared) {
        const size_t count = (s.bytes >> shift) + 1;
        if (s.bytes == 0) continue;
        dh_Cell *const cells = (dh_Cell *)calloc(count, sizeof(dh_Cell));
        if (!cells) return false;
        if (s.cells)
            for (size_t k = 0; k < count; ++k) cells[k] = s.cells[k >> (c->shift - shift)];
        free(s.cells);
        s.cells = cells;
    }
    c->shift = shift;
    return true;
}
static void dh_note_reader(dh_Cell *cell, const dh_Access &now) {
    if (cell->read.thread != now.thread || cell->read.epoch != now.epoch) {
        const bool stale = cell->other.epoch != now.epoch, near = cell->other.thread / 32 == now.thread / 32;
        if (cell->read.epoch == now.epoch && (cell->read.thread / 32 != now.thread / 32 || stale || near)) cell->other = cell->read;
    }
    cell->read = now;
}
static void dh_use(dh_Checks *c, dh_Shared *s, uintptr_t place, size_t bytes, int kind, unsigned code) {
    const unsigned me = c->worker->current;
    const size_t offset = place - s->address;
    if (c->shift && ((offset | bytes) & 3) && !dh_shadow(c, 0))
        dh_tell(c, DH_NO_MEMORY, me, dh_line(code).text, "no memory for the checks of shared memory");
    const bool writes = kind & 1, atomic = kind >= DH_ATOMIC_READ;
    const dh_Access now = {c->epoch[me], c->clock[me], ++c->time, code, (unsigned short)me, atomic};
    bool set = writes && !atomic;
    for (size_t k = offset >> c->shift; k <= (offset + bytes - 1) >> c->shift; ++k) {
        dh_Cell *const cell = s->cells + k;
        const dh_Access *const w = &cell->written;
        set = set || w->epoch >= c->begin;
        if (w->epoch == now.epoch && !(atomic && w->atomic) && !dh_ordered(c, w, me)) {
            if (kind != DH_WRITE) dh_race(c, s, place, bytes, kind, code, me, w, DH_WRITE);
            c->pending = dh_Pending{bytes, me, code, *w, s, (char *)place, {}};
            memcpy(c->pending.old, (void *)place, bytes < sizeof c->pending.old ? bytes : sizeof c->pending.old);
        }
        if (writes) {
            const dh_Access *const readers[] = {&cell->read, &cell->other};
            for (const dh_Access *r : readers)
                if (r->epoch == now.epoch && !(atomic && r->atomic) && !dh_ordered(c, r, me)) dh_race(c, s, place, bytes, kind, code, me, r, DH_READ);
        } else dh_note_reader(cell, now);
    }
    if (!set)
        dh_tell(c, DH_UNSET, me, dh_line(code).text, "%s of %s, which no thread of the block has written yet", dh_verb(kind), dh_where(c, s, place, bytes).text);
    if (writes)
        for (size_t k = offset >> c->shift; k <= (offset + bytes - 1) >> c->shift; ++k) s->cells[k].written = now;
}

// ---- what checked kernels call ----------------------------------------------------------------------
extern "C" {
void dh_checked_access(const volatile void *p, size_t bytes, int kind, void *code_address) {
    dh_Checks *const c = dh_checks;
    const uintptr_t place = (uintptr_t)p;
    if (!c || !c->worker || bytes == 0) return;
    const unsigned code = (unsigned)((uintptr_t)code_address - c->base), me = c->worker->current;
    if (c->pending.bytes) dh_settle(c);
    const bool writes = kind & 1;
    for (dh_Shared &s : c->shared)
        if (dh_inside(place, bytes, s.address, s.bytes)) {
            c->code[me] = code;
            for (const size_t *g = c->guards; g[1] && &s == c->shared; g += 2)
                if (dh_inside(place, bytes, s.address + g[0], g[1])) return;
            return dh_use(c, &s, place, bytes, kind, code);
        }
    if (!writes && dh_inside(place, bytes, c->frames, c->frames_bytes)) return;
    if (dh_is(c->last, place, bytes, writes)) {
        if (*c->last->name) c->code[me] = code;
        return;
    }
    for (const dh_Extent *e = c->extents; e < c->extents + c->given; ++e)
        if (dh_is(e, place, bytes, writes)) {
            c->last = e;
            if (*e->name) c->code[me] = code;
            return;
        }
    if (dh_own(c, place, bytes, writes)) return;
    c->code[me] = code;
    if (dh_is(c->mapped, place, bytes, writes)) return;
    for (const dh_Extent *e = c->extents + c->given; e < c->extents + c->count; ++e)
        if (dh_is(e, place, bytes, writes)) {
            c->mapped = e;
            return;
        }
    dh_outside(c, place, bytes, kind, code);
}
#define DH_SIZES(T1, T2, T4, T8) switch (bytes) { \
    case 1: DH_DO(T1); case 2: DH_DO(T2); case 4: DH_DO(T4); default: DH_DO(T8); }
#define DH_ALL_SIZES DH_SIZES(unsigned char, unsigned short, unsigned, unsigned long long)
unsigned long long dh_checked_atomic(volatile void *p, int bytes, int operation, unsigned long long x, void *code) {
    dh_checked_access(p, (size_t)bytes, operation == DH_GET ? DH_ATOMIC_READ : DH_ATOMIC_WRITE, code);
    if (dh_checks && dh_checks->worker) dh_checks->atomic_time[dh_checks->worker->current] = ++dh_checks->time;
#define DH_DO(T) switch (operation) { \
    case DH_GET: return __atomic_load_n((T *)p, __ATOMIC_SEQ_CST); \
    case DH_PUT: __atomic_store_n((T *)p, (T)x, __ATOMIC_SEQ_CST); return 0; \
    case DH_EXCHANGE: return __atomic_exchange_n((T *)p, (T)x, __ATOMIC_SEQ_CST); \
    case DH_PLUS: return __atomic_fetch_add((T *)p, (T)x, __ATOMIC_SEQ_CST); \
    case DH_MINUS: return __atomic_fetch_sub((T *)p, (T)x, __ATOMIC_SEQ_CST); \
    case DH_BITS_AND: return __atomic_fetch_and((T *)p, (T)x, __ATOMIC_SEQ_CST); \
    case DH_BITS_OR: return __atomic_fetch_or((T *)p, (T)x, __ATOMIC_SEQ_CST); \
    case DH_BITS_XOR: return __atomic_fetch_xor((T *)p, (T)x, __ATOMIC_SEQ_CST); \
    default: return __atomic_fetch_nand((T *)p, (T)x, __ATOMIC_SEQ_CST); }
    DH_ALL_SIZES
#undef DH_DO
}
unsigned long long dh_checked_swap(volatile void *p, int bytes, unsigned long long expected, unsigned long long x, void *code) {
    dh_checked_access(p, (size_t)bytes, DH_ATOMIC_WRITE, code);
    if (dh_checks && dh_checks->worker) dh_checks->atomic_time[dh_checks->worker->current] = ++dh_checks->time;
#define DH_DO(T) { T e = (T)expected; __atomic_compare_exchange_n((T *)p, &e, (T)x, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); return e; }
    DH_ALL_SIZES
#undef DH_DO
}
void *dh_checked_copy(void *to, const void *from, size_t bytes, void *code) {
    dh_checked_access(from, bytes, DH_READ, code);
    dh_checked_access(to, bytes, DH_WRITE, code);
    return memmove(to, from, bytes);
}
void *dh_checked_fill(void *to, int value, size_t bytes, void *code) {
    dh_checked_access(to, bytes, DH_WRITE, code);
    return memset(to, value, bytes);
}
void dh_checked_index(const char *file, unsigned line, const char *array, long long index, void *code) {
    dh_Checks *const c = dh_checks;
    if (!c || !c->worker) return;
    dh_Text text = dh_line((unsigned)((uintptr_t)code - c->base));
    if (file && memcmp(file, "kernel", 7) == 0) snprintf(text.text, sizeof text.text, "line %u", line);
    dh_tell(c, DH_OUTSIDE, c->worker->current, text.text, "index %lld of an array %s", index, array);
}
void *dh_checked_malloc(size_t bytes) {
    dh_Made *const m = (dh_Made *)malloc(sizeof(dh_Made) + bytes);
    if (!m || !dh_checks) return m ? m + 1 : 0;
    *m = dh_Made{dh_checks->made, 0, bytes, 0};
    if (m->next) m->next->before = m;
    return (dh_checks->made = m) + 1;
}
void dh_checked_free(void *p) {
    dh_Made *const m = (dh_Made *)p - 1;
    if (!p) return;
    if (m->before) m->before->next = m->next;
    else if (dh_checks) dh_checks->made = m->next;
    if (m->next) m->next->before = m->before;
    free(m);
}
void dh_checked_barrier(dh_Worker *w, int line) {
    dh_Checks *const c = dh_checks;
    const unsigned me = w->current;
    if (c->pending.bytes) dh_settle(c);
    if (w->alive != w->fibers && !w->launch->ended_pass) {
        unsigned ended = 0;
        char here[32];
        while (w->threads->state[ended] != DH_ENDED) ++ended;
        snprintf(here, sizeof here, "line %d", line);
        dh_tell(c, DH_DIVERGED, me, here, "divergence: a barrier for %u threads, of which %u have ended; the last access of thread "
                DH_THREAD " was in %s", w->fibers, w->fibers - w->alive, DH_XYZ(dh_thread(c, ended)), dh_line(c->code[ended]).text);
    }
    dh_barrier(w, line);
    if (++c->epoch[me] > c->top) c->top = c->epoch[me];
}
static void dh_learn(const dh_Checks *c, unsigned me, unsigned group, unsigned *clocks) {
    for (; group; group &= group - 1) {
        const unsigned *const others = c->told[(me & ~31u) + (unsigned)__builtin_ctz(group)];
        for (unsigned k = 0; k < 32; ++k)
            if (others[k] > clocks[k]) clocks[k] = others[k];
    }
}
unsigned long long dh_checked_warp(dh_Worker *w, int line, unsigned mask, int operation, unsigned long long value, int source) {
    dh_Checks *const c = dh_checks;
    const unsigned me = w->current, first = me & ~31u;
    if (c->pending.bytes) dh_settle(c);
    if (operation == DH_ACTIVE) return dh_warp(w, line, mask, operation, value, source);
    memcpy(c->told[me], c->known[me], sizeof c->told[me]);
    c->told[me][me % 32] = ++c->clock[me];
    const unsigned long long result = dh_warp(w, line, mask, operation, value, source);
    const unsigned exist = w->fibers - first >= 32 ? ~0u : (1u << (w->fibers - first)) - 1, group = (mask ? mask : ~0u) & exist;
    if (group != exist || mask == 0) {
        dh_learn(c, me, group, c->known[me]);
        return result;
    }
    // What the whole warp learns is found once, by the first lane to go on. None is ahead by more than one operation.
    const unsigned number = ++c->whole[me];
    dh_Joined *const all = &c->joined[me / 32][number % 2];
    if (all->number != number) {
        memset(all->clocks, 0, sizeof all->clocks);
        dh_learn(c, me, group, all->clocks);
        all->number = number;
    }
    for (unsigned k = 0; k < 32; ++k)
        if (all->clocks[k] > c->known[me][k]) c->known[me][k] = all->clocks[k];
    return result;
}
static void dh_checked_run(dh_Worker *w) {
    dh_Checks *const c = dh_checks;
    const unsigned me = w->current;
    if (me == 0) {  // the block's first thread
        const uintptr_t here = (uintptr_t)w, there = (uintptr_t)w->launch;
        c->worker = w;
        c->frames = here < there ? here : there;
        c->frames_bytes = here < there ? there - here + sizeof *w->launch : here - there + sizeof *w;
        c->begin = ++c->top;
        memset(c->code, 0, sizeof c->code);
        memset(c->whole, 0, sizeof c->whole);
        memset(c->joined, 0, sizeof c->joined);
        c->shared[1].address = (uintptr_t)w->dynamic;
    }
    c->epoch[me] = c->begin;
    c->run(w);
    if (c->pending.bytes) dh_settle(c);
    if (w->arrived && w->alive > 1 && !w->launch->ended_pass) {
        dh_Text line = dh_line(c->code[me]);
        if (!c->code[me]) snprintf(line.text, sizeof line.text, "line %d", w->line);
        dh_tell(c, DH_DIVERGED, me, line.text, "divergence: this thread has ended%s, and %u of %u wait at the barrier in line %d",
                c->code[me] ? " after that access to memory" : "", w->arrived, w->fibers, w->line);
    }
}
int dh_checked_start(dh_Launch *launch, int) {
    dh_Checks *const c = dh_checks;
    c->shared[1].bytes = launch->dynamic_bytes;
    if (!dh_shadow(c, 2)) {
        snprintf(launch->message, launch->message_bytes, "kernel %s: no memory for the checks of shared memory", launch->kernel);
        return DH_NO_MEMORY;
    }
    c->run = launch->run;
    launch->run = dh_checked_run;
    const int code = dh_start(launch, 1);
    c->worker = 0;
    return code;
}
// Before and behind a launch, on the thread that launches. `module`: any address of the kernel's library.
DH_PUBLIC int dh_checks_begin(const dh_Extent *extents, int given, int count, const void *module, const size_t *guards) {
    static const dh_Extent none = {"", "", 0, 0, 1, 0};
    dh_Checks *const c = (dh_Checks *)calloc(1, sizeof(dh_Checks));
    if (!c) return DH_NO_MEMORY;
    c->extents = extents;
    c->guards = guards;
    c->count = count;
    c->given = given;
    c->last = c->mapped = &none;
    c->base = (uintptr_t)module;
    c->top = 1;
    c->shift = 2;
    dl_iterate_phdr(dh_look, c);
    dh_checks = c;
    return 0;
}
DH_PUBLIC void dh_checks_end() {
    dh_Checks *const c = dh_checks;
    for (dh_Made *m = c->made; m;) {
        dh_Made *const next = m->next;
        free(m);
        m = next;
    }
    for (dh_Shared &s : c->shared) free(s.cells);
    free(c);
    dh_checks = 0;
}
}
