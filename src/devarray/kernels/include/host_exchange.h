// Shuffles and votes of kernels that run a whole block: the functions that `block_exchanges.py` writes. Loops over the
// threads tell values and votes, others take them; what lies between is done once for the block (swap, tally, count).
struct dh_Exchange {
    alignas(64) char value[8 * (DH_MOST + 64)];  // there is something on both sides
    alignas(64) unsigned char vote[DH_MOST];  // 0: not there, 1: no, 2: yes
    unsigned active[DH_MOST / 32], yes[DH_MOST / 32];  // a bit a lane, for each warp
    unsigned counted, voters;
};
// As many as take part in a statement and the next one
#define DH_EXCHANGES(count) enum { dh_places = count }; dh_Exchange dh_exchange[dh_places]; \
    for (dh_Exchange &dh_one : dh_exchange) __builtin_memset(dh_one.vote, 0, dh_threads);
#define DH_CLEAR(k) __builtin_memset(DH_PLACE(k).value, 0, 8 * (dh_threads + 64));
#define DH_PLACE(k) dh_exchange[(k) % dh_places]

template <class T> struct dh_Values {
    static_assert(sizeof(T) <= 8, "shuffles take values of up to 8 bytes");
    typedef T __attribute__((may_alias)) type;
};
template <class T> DH_IN void dh_tell(dh_Exchange &x, unsigned t, T value) {
    ((typename dh_Values<T>::type *)x.value)[t + 32] = value;
}
template <class T> DH_IN T dh_told(const dh_Exchange &x, unsigned t) {
    return ((const typename dh_Values<T>::type *)x.value)[t + 32];
}
// The lane to read from, within segments of `width` lanes; the own lane where there is none, and 0 from lanes that are not
// there, as for fibers. What is `by` lanes up or down is read whether it counts or not, so that neighbours read neighbours.
template <class T> DH_IN T dh_taken(const dh_Exchange &x, unsigned t, unsigned n, int kind, int by, int width = 32) {
    const int lane = (int)(t % 32), begin = lane & ~(width - 1);
    if (kind == 1 || kind == 2) {
        const int from = kind == 1 ? lane - by : lane + by, step = kind == 1 ? -(by & 31) : by & 31;
        const bool inside = by >= 0 && (kind == 1 ? from >= begin : from < begin + width);
        const T own = dh_told<T>(x, t), other = dh_told<T>(x, t + (unsigned)step);
        return !inside ? own : t + (unsigned)step < n ? other : T();
    }
    const int from = kind == 0 ? begin | (by & (width - 1)) : lane ^ by;
    const unsigned at = t - (unsigned)lane + (unsigned)from;
    if (from < 0 || from >= begin + width) return dh_told<T>(x, t);
    return at < n ? dh_told<T>(x, at) : T();
}
DH_IN void dh_tally(dh_Exchange &x, unsigned n) {
    x.counted = x.voters = 0;
    for (unsigned w = 0; 32 * w < n; ++w) {
        unsigned active = 0, yes = 0;
        for (unsigned k = 0; k < 32 && 32 * w + k < n; ++k) {
            const unsigned vote = x.vote[32 * w + k];
            active |= (unsigned)(vote != 0) << k;
            yes |= (unsigned)(vote == 2) << k;
        }
        x.active[w] = active;
        x.yes[w] = yes;
        x.counted += (unsigned)__builtin_popcount(yes);
        x.voters += (unsigned)__builtin_popcount(active);
    }
    __builtin_memset(x.vote, 0, n);
}
// A mask of 0 stands for whoever is there
DH_IN unsigned dh_there(const dh_Exchange &x, unsigned t, unsigned mask) { return x.active[t / 32] & (mask ? mask : ~0u); }
template <class T> DH_IN unsigned dh_matched(const dh_Exchange &x, unsigned t, unsigned mask) {
    const unsigned there = dh_there(x, t, mask);
    const T own = dh_told<T>(x, t);
    unsigned found = 0;
    for (unsigned k = 0; k < 32; ++k)
        if (there >> k & 1) {
            const T other = dh_told<T>(x, t / 32 * 32 + k);
            found |= (unsigned)!__builtin_memcmp(&own, &other, sizeof own) << k;
        }
    return found;
}
template <class T, class F> DH_IN T dh_reduced(const dh_Exchange &x, unsigned t, unsigned mask, F combine) {
    const unsigned there = dh_there(x, t, mask);
    T found = dh_told<T>(x, t);
    bool first = true;
    for (unsigned k = 0; k < 32; ++k)
        if (there >> k & 1) {
            const T other = dh_told<T>(x, t / 32 * 32 + k);
            found = first ? other : combine(found, other);
            first = false;
        }
    return found;
}
#define DH_REDUCTION(name, expression) template <class T> DH_IN T dh_reduced_##name(const dh_Exchange &x, unsigned t, unsigned mask) { \
        return dh_reduced<T>(x, t, mask, [](T a, T b) { return (T)(expression); }); }
DH_REDUCTION(add, (unsigned)a + (unsigned)b)
DH_REDUCTION(min, a < b ? a : b)
DH_REDUCTION(max, a > b ? a : b)
DH_REDUCTION(and, a & b)
DH_REDUCTION(or, a | b)
DH_REDUCTION(xor, a ^ b)

#define __dh_tell(k, e) dh_tell(DH_PLACE(k), dh_t, e)
#define __dh_vote(k, e) (DH_PLACE(k).vote[dh_t] = (unsigned char)(1 + !!(e)))
#define __dh_swap(k) ((void)0)
#define __dh_tally(k) dh_tally(DH_PLACE(k), dh_threads)
#define __dh_count(k) dh_tally(DH_PLACE(k), dh_threads)
#define __dh_taken(k, kind, e, ...) dh_taken<DH_TYPE(e)>(DH_PLACE(k), dh_t, dh_threads, kind, __VA_ARGS__)
#define __dh_active(k) (DH_PLACE(k).active[dh_t / 32])
#define __dh_ballot(k, mask) (dh_there(DH_PLACE(k), dh_t, mask) & DH_PLACE(k).yes[dh_t / 32])
#define __dh_any(k, mask) ((int)(__dh_ballot(k, mask) != 0))
#define __dh_all(k, mask) ((int)(__dh_ballot(k, mask) == dh_there(DH_PLACE(k), dh_t, mask)))
#define __dh_counted_count(k) ((int)DH_PLACE(k).counted)
#define __dh_counted_or(k) ((int)(DH_PLACE(k).counted != 0))
#define __dh_counted_and(k) ((int)(DH_PLACE(k).counted == DH_PLACE(k).voters))
#define __dh_matched(k, e, mask) dh_matched<DH_TYPE(e)>(DH_PLACE(k), dh_t, mask)
#define __dh_reduced_add(k, e, mask) dh_reduced_add<DH_TYPE(e)>(DH_PLACE(k), dh_t, mask)
#define __dh_reduced_min(k, e, mask) dh_reduced_min<DH_TYPE(e)>(DH_PLACE(k), dh_t, mask)
#define __dh_reduced_max(k, e, mask) dh_reduced_max<DH_TYPE(e)>(DH_PLACE(k), dh_t, mask)
#define __dh_reduced_and(k, e, mask) dh_reduced_and<DH_TYPE(e)>(DH_PLACE(k), dh_t, mask)
#define __dh_reduced_or(k, e, mask) dh_reduced_or<DH_TYPE(e)>(DH_PLACE(k), dh_t, mask)
#define __dh_reduced_xor(k, e, mask) dh_reduced_xor<DH_TYPE(e)>(DH_PLACE(k), dh_t, mask)
