"""What tests of raw kernels on device sycl share."""

import devarray as da


def module(source, **options):
    """Return a function that makes the module once, at its first use in a test."""
    made = []

    def get():
        if not made:
            made.append(da.RawModule(source, **options))
        return made[0]

    return get


def put(x):
    return da.to_gpu(x, "sycl")


def zeros(shape, dtype):
    return da.zeros(shape, dtype, device="sycl")


def run(get, name, grid, block, *args, shared_mem=0):
    """Launch a kernel on device sycl."""
    stream = da.get_device("sycl").default_stream
    get().get_function(name)(grid, block, args, shared_mem=shared_mem, stream=stream)
