"""What a device may lack, where PyCUDA's front end is tested on it."""

import functools

import pytest

import devarray as da

GAPS = (  # what a device may say that it lacks
    "no arrays over memory at an address",
    "no raw kernels",
    "complex numbers in expressions need",
)


def where_supported(function):
    """Skip a test where the device says that it lacks what the test needs."""

    @functools.wraps(function)
    def test(*args, **options):
        try:
            function(*args, **options)
        except (da.UnsupportedError, da.CompileError) as error:
            for gap in GAPS:
                if gap in str(error):
                    pytest.skip(f"the device has {gap}" if gap[:2] == "no" else gap)
            raise

    return test
