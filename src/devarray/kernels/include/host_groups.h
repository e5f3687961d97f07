// <cooperative_groups.h>: the block, tiles of a warp, the threads that run together, the grid. What waits gives the line of
// the call, which is a default argument here; all kernels that see this header run as fibers.
// A tile is known by the lanes it has: `mask`. Lanes of `coalesced_threads` are numbered within the mask.

namespace cooperative_groups {
DH_IN unsigned dh_rank() { return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z); }
DH_IN unsigned dh_threads() { return blockDim.x * blockDim.y * blockDim.z; }
DH_IN unsigned dh_lanes(unsigned first, unsigned count) { return (count >= 32 ? ~0u : (1u << count) - 1) << first; }

class thread_group {  // a block (mask 0), or lanes of a warp
protected:
    unsigned mask_;
    unsigned below() const { return mask_ & ((1u << (dh_rank() % 32)) - 1); }

public:
    explicit thread_group(unsigned mask = 0) : mask_(mask) {}
    unsigned dh_mask() const { return mask_; }
    unsigned size() const { return mask_ ? (unsigned)__builtin_popcount(mask_) : dh_threads(); }
    unsigned num_threads() const { return size(); }
    unsigned thread_rank() const { return mask_ ? (unsigned)__builtin_popcount(below()) : dh_rank(); }
    bool is_valid() const { return true; }
    void sync(int line = __builtin_LINE()) const {
        if (mask_) dh_warp(dh_here, line, mask_, DH_SYNC, 0, 0);
        else dh_barrier(dh_here, line);
    }
};

class thread_block : public thread_group {
public:
    thread_block() : thread_group(0) {}
    dim3 group_index() const { return blockIdx; }
    dim3 thread_index() const { return threadIdx; }
    dim3 group_dim() const { return blockDim; }
    dim3 dim_threads() const { return blockDim; }
    static void sync(int line = __builtin_LINE()) { dh_barrier(dh_here, line); }
    static unsigned thread_rank() { return dh_rank(); }
    static unsigned size() { return dh_threads(); }
    static unsigned num_threads() { return dh_threads(); }
};

class dh_Lanes : public thread_group {  // what lanes of a warp do together
    int lane(unsigned rank) const {  // of the warp, where a rank of the group lies; the own one if there is none
        unsigned rest = mask_;
        if (rank >= size()) return (int)(dh_rank() % 32);
        for (unsigned k = 0; k < rank; ++k) rest &= rest - 1;
        return __builtin_ctz(rest);
    }
    unsigned packed(unsigned lanes) const {  // a bit for each rank
        unsigned found = 0, k = 0;
        for (unsigned rest = mask_; rest; rest &= rest - 1, ++k) found |= (lanes >> __builtin_ctz(rest) & 1) << k;
        return found;
    }
    unsigned long long vote(int line, int operation, unsigned long long x) const {
        return dh_warp(dh_here, line, mask_, operation, x, 0);
    }
    template <class T> T from(int line, T x, unsigned rank) const {
        static_assert(sizeof(T) <= 32, "shuffles of a group take values of up to 32 bytes");
        unsigned long long bits[(sizeof(T) + 7) / 8] = {};
        memcpy(bits, &x, sizeof x);
        const int where = lane(rank);
        for (unsigned long long &part : bits) part = dh_warp(dh_here, line, mask_, DH_SHUFFLE, part, where);
        memcpy(&x, bits, sizeof x);
        return x;
    }

public:
    using thread_group::thread_group;
    template <class T> T shfl(T x, int rank, int line = __builtin_LINE()) const { return from(line, x, (unsigned)rank % size()); }
    template <class T> T shfl_down(T x, unsigned by, int line = __builtin_LINE()) const { return from(line, x, thread_rank() + by); }
    template <class T> T shfl_up(T x, unsigned by, int line = __builtin_LINE()) const { return from(line, x, thread_rank() - by); }
    template <class T> T shfl_xor(T x, unsigned by, int line = __builtin_LINE()) const { return from(line, x, thread_rank() ^ by); }
    int any(int x, int line = __builtin_LINE()) const { return (int)vote(line, DH_ANY, x != 0); }
    int all(int x, int line = __builtin_LINE()) const { return (int)vote(line, DH_ALL, x != 0); }
    unsigned ballot(int x, int line = __builtin_LINE()) const { return packed((unsigned)vote(line, DH_BALLOT, x != 0)); }
    template <class T> unsigned match_any(T x, int line = __builtin_LINE()) const {
        return packed((unsigned)vote(line, DH_MATCH, dh_bits(x)));
    }
    template <class T> unsigned match_all(T x, int &same, int line = __builtin_LINE()) const {
        const unsigned found = (unsigned)vote(line, DH_MATCH_ALL, dh_bits(x));
        same = found != 0;
        return packed(found);
    }
    unsigned meta_group_rank() const { return dh_rank() / size(); }
    unsigned meta_group_size() const { return (dh_threads() + size() - 1) / size(); }
};
template <unsigned N, class Parent = void> class thread_block_tile;
template <unsigned N> class thread_block_tile<N, void> : public dh_Lanes {
    static_assert(N && N <= 32 && (N & (N - 1)) == 0, "a tile has 1, 2, 4, 8, 16 or 32 threads");

public:
    thread_block_tile() : dh_Lanes(0) {}  // a place for each thread, in loops
    explicit thread_block_tile(unsigned mask) : dh_Lanes(mask) {}
    static constexpr unsigned size() { return N; }
    static constexpr unsigned num_threads() { return N; }
    static unsigned thread_rank() { return dh_rank() % N; }
    static unsigned meta_group_rank() { return dh_rank() / N; }
    static unsigned meta_group_size() { return (dh_threads() + N - 1) / N; }
};
template <unsigned N, class Parent> class thread_block_tile : public thread_block_tile<N, void> {
public:
    using thread_block_tile<N, void>::thread_block_tile;
};
class coalesced_group : public dh_Lanes {
public:
    explicit coalesced_group(unsigned mask) : dh_Lanes(mask) {}
};
class grid_group {
    static unsigned block() { return blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z); }

public:
    static unsigned long long num_blocks() { return (unsigned long long)gridDim.x * gridDim.y * gridDim.z; }
    static unsigned long long block_rank() { return block(); }
    static dim3 dim_blocks() { return gridDim; }
    static dim3 group_dim() { return gridDim; }
    static dim3 block_index() { return blockIdx; }
    static unsigned long long num_threads() { return num_blocks() * dh_threads(); }
    static unsigned long long size() { return num_threads(); }
    static unsigned long long thread_rank() { return (unsigned long long)block() * dh_threads() + dh_rank(); }
    static bool is_valid() { return num_blocks() == 1; }
    static void sync(int line = __builtin_LINE()) {
        if (num_blocks() == 1) return dh_barrier(dh_here, line);
        dh_fail(dh_here, DH_TRAPPED, threadIdx, line, "grid.sync() waits for all blocks, which here run one after the other: "
                "launch one block, or one kernel for each part");
    }
};

DH_IN thread_block this_thread_block() { return thread_block(); }
DH_IN grid_group this_grid() { return grid_group(); }
DH_IN coalesced_group coalesced_threads(int line = __builtin_LINE()) {
    const unsigned found = (unsigned)dh_warp(dh_here, line, 0, DH_ACTIVE, 1, 0);
    return coalesced_group(found);
}
template <unsigned N, class Group> DH_IN thread_block_tile<N, Group> tiled_partition(const Group &) {
    const unsigned rank = dh_rank(), first = rank / N * N, rest = dh_threads() - first;
    return thread_block_tile<N, Group>(dh_lanes(first % 32, rest < N ? rest : N));
}
DH_IN thread_group tiled_partition(const thread_group &parent, unsigned n) {
    const unsigned rank = parent.thread_rank(), first = rank / n * n, rest = parent.size() - first, count = rest < n ? rest : n;
    if (!parent.dh_mask()) return thread_group(dh_lanes(first % 32, count));
    unsigned mask = 0, k = 0;
    for (unsigned lanes = parent.dh_mask(); lanes; lanes &= lanes - 1, ++k)
        if (k >= first && k < first + count) mask |= lanes & -lanes;
    return thread_group(mask);
}
template <class Group, class T> DH_IN coalesced_group labeled_partition(const Group &group, T label, int line = __builtin_LINE()) {
    return coalesced_group((unsigned)dh_warp(dh_here, line, group.dh_mask(), DH_MATCH, dh_bits(label), 0));
}
template <class Group> DH_IN coalesced_group binary_partition(const Group &group, bool label, int line = __builtin_LINE()) {
    return labeled_partition(group, (int)label, line);
}
template <class Group> DH_IN void sync(const Group &group, int line = __builtin_LINE()) { group.sync(line); }
template <class T> struct plus { T operator()(T a, T b) const { return a + b; } };
template <class T> struct less { T operator()(T a, T b) const { return b < a ? b : a; } };
template <class T> struct greater { T operator()(T a, T b) const { return a < b ? b : a; } };
template <class T> struct bit_and { T operator()(T a, T b) const { return a & b; } };
template <class T> struct bit_or { T operator()(T a, T b) const { return a | b; } };
template <class T> struct bit_xor { T operator()(T a, T b) const { return a ^ b; } };
// <cooperative_groups/reduce.h> and scan.h, for lanes of a warp
template <class Group, class T, class F> DH_IN T reduce(const Group &group, T x, F f, int line = __builtin_LINE()) {
    T total = group.shfl(x, 0, line);
    for (unsigned k = 1; k < group.size(); ++k) total = f(total, group.shfl(x, (int)k, line));
    return total;
}
template <unsigned N, class P, class T, class F>
DH_IN T reduce(const thread_block_tile<N, P> &tile, T x, F f, int line = __builtin_LINE()) {  // as `with_tiles` writes it
    for (unsigned by = N / 2; by > 0; by /= 2) x = f(x, tile.shfl_xor(x, by, line));
    return x;
}
template <class Group, class T, class F> DH_IN T inclusive_scan(const Group &group, T x, F f, int line = __builtin_LINE()) {
    T total = group.shfl(x, 0, line);
    for (unsigned k = 1; k < group.size(); ++k) {
        const T next = group.shfl(x, (int)k, line);
        if (k <= group.thread_rank()) total = f(total, next);
    }
    return total;
}
template <class Group, class T> DH_IN T inclusive_scan(const Group &g, T x, int line = __builtin_LINE()) {
    return inclusive_scan(g, x, plus<T>(), line);
}
template <class Group, class T> DH_IN T exclusive_scan(const Group &g, T x, int line = __builtin_LINE()) {
    return inclusive_scan(g, x, plus<T>(), line) - x;
}
// <cooperative_groups/memcpy_async.h>: copies that have ended when the call returns
template <class Group, class T> DH_IN void memcpy_async(const Group &group, T *to, size_t places, const T *from, size_t count) {
    const size_t n = places < count ? places : count;
    for (size_t k = group.thread_rank(); k < n; k += group.size()) to[k] = from[k];
}
template <class Group, class T> DH_IN void memcpy_async(const Group &group, T *to, const T *from, size_t bytes) {
    memcpy_async(group, to, bytes / sizeof(T), from, bytes / sizeof(T));
}
template <class Group> DH_IN void memcpy_async(const Group &group, void *to, const void *from, size_t bytes) {
    memcpy_async(group, (char *)to, bytes, (const char *)from, bytes);
}
template <class Group> DH_IN void wait(const Group &group, int line = __builtin_LINE()) { group.sync(line); }
template <unsigned N, class Group> DH_IN void wait_prior(const Group &group, int line = __builtin_LINE()) { group.sync(line); }
}  // namespace cooperative_groups
