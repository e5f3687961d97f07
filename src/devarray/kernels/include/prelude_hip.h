// The dialect of HIP, as clang and hiprtc compile it, without any header: qualifiers, indices, exchange within a
// wavefront, and the functions of the device library (OCML). gpu.h follows. Attributes are spelled out, because hiprtc
// defines __device__ and its like and clang without headers does not.
#define FN static inline __attribute__((device, always_inline))
#define KERNEL extern "C" __attribute__((global, amdgpu_flat_work_group_size(256, 256))) void
#define SHARED __attribute__((shared))
// into the device's memory: without the detour elements are loaded by "flat" instructions, which decide where at run time
#define DA_POINTER(T, address) ((T*)(__attribute__((address_space(1))) T*)(address))
#define BARRIER ( \
    __builtin_amdgcn_fence(__ATOMIC_RELEASE, "workgroup"), \
    __builtin_amdgcn_s_barrier(), \
    __builtin_amdgcn_fence(__ATOMIC_ACQUIRE, "workgroup"))
#define DA_THREAD ((i64)__builtin_amdgcn_workitem_id_x())
#define DA_BLOCK ((i64)__builtin_amdgcn_workgroup_id_x())
#define DA_BLOCKS ((i64)(__builtin_amdgcn_grid_size_x() / 256))  // its unit is threads

// 32 bits of another thread of a team of `width` threads, a power of two and 32 at most: the instruction addresses lanes
// by bytes, and on some processors reaches those of the same half of a wavefront of 64 only
#define DA_LANE ((i32)__builtin_amdgcn_mbcnt_hi(~0u, __builtin_amdgcn_mbcnt_lo(~0u, 0u)))
#define DA_WORD_OF(x, lane) ((u32)__builtin_amdgcn_ds_bpermute((lane) << 2, (i32)(x)))
#define DA_WORD_XOR(x, mask, width) DA_WORD_OF(x, DA_LANE ^ (mask))
#define DA_WORD_DOWN(x, distance, width) \
    DA_WORD_OF(x, DA_LANE + ((DA_LANE & ((width) - 1)) + (distance) < (width) ? (distance) : 0))

#define DA_BITS_F32(x) __builtin_bit_cast(u32, x)
#define DA_BITS_F64(x) __builtin_bit_cast(u64, x)
#define DA_FLOAT_F32(x) __builtin_bit_cast(f32, x)
#define DA_FLOAT_F64(x) __builtin_bit_cast(f64, x)

#define DA_NAME_F32(name) __ocml_##name##_f32
#define DA_NAME_F64(name) __ocml_##name##_f64
#define DA_DECLARE(name, parameters_f32, parameters_f64) \
    extern "C" __attribute__((device, const)) f32 DA_NAME_F32(name) parameters_f32; \
    extern "C" __attribute__((device, const)) f64 DA_NAME_F64(name) parameters_f64;
