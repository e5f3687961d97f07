"""What tests of CUDA C on the host share."""

from devarray.kernels.host_grid import HostModule


def at(array):
    """Return the address of an array's first element."""
    return array.ctypes.data


def module(source, **options):
    """Return a function that makes the module once, at its first use in a test."""
    made = []

    def get():
        if not made:
            made.append(HostModule(source, **options))
        return made[0]

    return get
