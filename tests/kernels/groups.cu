// Cooperative groups. See test_cuda_language.py
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
namespace cg = cooperative_groups;
__device__ int reduce_sum(cg::thread_group g, int *temp, int val) {
    int lane = g.thread_rank();
    for (int i = g.size() / 2; i > 0; i /= 2) { temp[lane] = val; g.sync(); if (lane < i) val += temp[lane + i]; g.sync(); }
    return val;
}
template <int N> __device__ int tile_sum(cg::thread_block_tile<N> g, int val) {
    for (int i = g.size() / 2; i > 0; i /= 2) val += g.shfl_down(val, i);
    return val;
}
__global__ void sums(int *sum, const int *input, int n) {
    cg::thread_block block = cg::this_thread_block();
    extern __shared__ int temp[];
    int my = input[block.group_index().x * block.size() + block.thread_rank()];
    int s = reduce_sum(block, temp, my);
    auto tile = cg::tiled_partition<32>(block);
    int t = tile_sum<32>(tile, my);
    auto four = cg::tiled_partition<4>(block);
    int u = cg::reduce(four, my, cg::plus<int>());
    if (block.thread_rank() == 0) atomicAdd(sum, s);
    if (tile.thread_rank() == 0) atomicAdd(sum + 1, t);
    if (four.thread_rank() == 3) atomicAdd(sum + 2, u);
    cg::thread_group eight = cg::tiled_partition(block, 8);
    int v = reduce_sum(eight, temp + block.thread_rank() / 8 * 8, my);
    if (eight.thread_rank() == 0) atomicAdd(sum + 3, v);
}
__device__ int aggregated(int *counter) {
    cg::coalesced_group active = cg::coalesced_threads();
    int first;
    if (active.thread_rank() == 0) first = atomicAdd(counter, active.size());
    return active.shfl(first, 0) + active.thread_rank();
}
__global__ void filter(int *out, int *count, const int *in, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n && in[i] > 0) out[aggregated(count)] = in[i];
}
__global__ void tiles(int *out) {
    auto b = cg::this_thread_block();
    auto t = cg::tiled_partition<8>(b);
    int r = t.thread_rank();
    int *o = out + 8 * b.thread_rank();
    o[0] = t.shfl(r, 5); o[1] = t.shfl_up(r, 2); o[2] = t.shfl_xor(r, 3); o[3] = t.ballot(r & 1); o[4] = t.any(r == 3) + 2 * t.all(r >= 0); o[5] = t.meta_group_rank() * 100 + t.meta_group_size();
    o[6] = cg::inclusive_scan(t, r); o[7] = t.match_any(r / 4);
    b.sync();
}
__global__ void whole(int *out) { cg::grid_group g = cg::this_grid(); out[g.thread_rank()] = g.size(); g.sync(); if (g.thread_rank() == 0) out[0] = out[1] + 1; }
