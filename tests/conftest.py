"""Settings for the whole run of the tests."""

import os

# Before devarray is imported, for it reads the environment then. Our tests run as on a device with
# memory of its own: whatever reaches the host does so by name. (`make test` sets it too.)
os.environ.setdefault("DEVARRAY_HOST_ACCESS", "never")


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="write the kernel texts in tests/golden anew"
    )
