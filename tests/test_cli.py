"""The command line, in processes of its own."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import sys
import numpy as np
from numpy import linspace
from numpy.random import default_rng
import beside
x = linspace(0, 1, 1001)
y = np.sin(x) + default_rng(0).random(1001)
y[1:-1] = 0.5 * (y[:-2] + y[2:])
print(type(y).__name__, beside.kind(), np.__name__, sys.argv[1:])
assert isinstance(y, np.ndarray)
assert type(np.sqrt(2.0)) is np.float64
print(f"{y.mean():.12f}", float(np.linalg.norm(y)) > 0, np.array(["a", "b"]).tolist())
import json, statistics
assert "devarray" not in json.__name__
"""
BESIDE = """
import numpy
def kind():
    return type(numpy.zeros(3)).__name__
"""
HOST = {"DEVARRAY_DEVICE": "openmp"}  # for what is said of the host's compiler and its kernels


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "devarray", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DEVARRAY_HOST_ACCESS": "read", **environment},
    )


@pytest.fixture
def script(tmp_path):
    (tmp_path / "beside.py").write_text(BESIDE)
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def test_run_means_devarray_in_the_script_and_beside_it(script):
    ours = run("run", str(script), "one", "--two")
    assert ours.returncode == 0, ours.stderr
    first, second = ours.stdout.splitlines()
    assert first == "DeviceArray DeviceArray numpy ['one', '--two']"
    plain = subprocess.run(
        [sys.executable, str(script), "one", "--two"], capture_output=True, text=True, check=True
    )
    assert plain.stdout.splitlines()[0].startswith("ndarray ndarray numpy")
    assert second == plain.stdout.splitlines()[1]
    summary = ours.stderr.splitlines()[-1]
    assert summary.startswith("devarray: kernels=")
    assert "launches=" in summary and "kernel_time=" in summary and "cached=" in summary


def test_run_reports_the_scripts_own_errors(tmp_path):
    path = tmp_path / "fails.py"
    path.write_text("import numpy as np\nx = np.ones(3)\nx + np.ones(4)\n")
    ours = run("run", str(path))
    assert ours.returncode == 1
    assert "line 3" in ours.stderr
    assert "operands could not be broadcast together with shapes (3,) (4,)" in ours.stderr


def test_run_of_a_file_that_is_not_there():
    ours = run("run", "not-there.py")
    assert ours.returncode == 2 and "no file 'not-there.py'" in ours.stderr


def test_run_on_a_device_that_is_not_there(script):
    ours = run("run", "--device", "abacus", str(script))
    assert ours.returncode == 2 and "no device named 'abacus'" in ours.stderr


def test_info_shows_devices_compiler_threads_and_cache():
    ours = run("info", DEVARRAY_THREADS="1", **HOST)
    assert ours.returncode == 0, ours.stderr
    for word in ("device openmp (default): usable", "compiler:", "threads: 1", "kernel cache:"):
        assert word in ours.stdout


def test_info_without_a_compiler_says_what_to_install(tmp_path):
    folders = {"PATH": str(tmp_path), "DEVARRAY_CACHE_DIR": str(tmp_path / "c")}
    ours = run("info", CC="", CXX="", **folders, **HOST)
    if "usable\n  compiler" in ours.stdout:
        pytest.skip("a compiler comes with a wheel here")
    assert "device openmp (default): not usable" in ours.stdout


def test_cache_lists_and_clears(tmp_path, script):
    folder = {"DEVARRAY_CACHE_DIR": str(tmp_path / "kernels"), **HOST}
    assert run("run", str(script), **folder).returncode == 0
    listed = run("cache", **folder)
    assert listed.returncode == 0 and "last used" in listed.stdout
    assert "removed" in run("cache", "clear", **folder).stdout
    assert "0 kernels" in run("cache", **folder).stdout


def test_a_setting_that_is_wrong_is_an_error_that_names_it():
    ours = run("info", DEVARRAY_THREADS="many")
    assert ours.returncode != 0
    assert "DEVARRAY_THREADS must be an integer, got 'many'" in ours.stderr


def test_whatever_makes_arrays_makes_them_on_the_device(tmp_path):
    script = tmp_path / "makers.py"
    script.write_text(
        "import numpy as np\n"
        "y, x = np.ogrid[-1:1:4j, -2:1:5j]\n"
        "made = [y, x + 1j * y, np.mgrid[0:2], np.r_[1:3, x[0]], np.c_[1:3], np.hanning(4),\n"
        "        np.tri(3), np.identity(2), np.ndarray((2, 2)), np.linspace(0, 1, 4)]\n"
        "print({type(z).__name__ for z in made}, np.add(1, 2), type(np.sum([1, 2])).__name__)\n"
    )
    done = run("run", str(script))
    assert done.stdout == "{'DeviceArray'} 3 int64\n", done.stderr
