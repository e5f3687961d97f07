"""Finding the host compiler, running it, and living with it when it misbehaves."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cffi
import pytest

from devarray.errors import CompileError
from devarray.kernels import toolchain as module
from devarray.kernels.toolchain import Toolchain, compile_source, find_toolchain, load_runtime

SRC = os.pathsep.join([str(Path(__file__).parents[1] / "src"), os.environ.get("PYTHONPATH", "")])
GXX = shutil.which("g++")
needs_gxx = pytest.mark.skipif(GXX is None, reason="no g++")
# how long a compiler that hangs is waited for: longer if a busy machine had not begun to run it
PATIENCE = (0.5, 5, 50)

KERNEL = """\
extern "C" double erf(double);
extern "C" void kernel(long n, double *x) {
#pragma omp parallel for simd schedule(static)
    for (long i = 0; i < n; i++) x[i] = 2 * erf(x[i]);
}
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch, tmp_path, quiet):
    """No compiler is named or known, and what is found out is kept in the test's own folder."""
    for name in ("CC", "CXX", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(module, "_found", None)


def script(path, body):
    """Write a shell script that passes for gcc when asked for its version."""
    path.write_text(
        '#!/bin/sh\ncase "$*" in *--version*) echo "fake 1 Free Software Foundation"; exit 0;; '
        f'esac\nfor word; do output="$word"; done\n{body}\n'
    )
    path.chmod(0o755)
    return path


def fake(tmp_path, body):
    """Return a toolchain whose compiler is a shell script; $output is where the library goes."""
    command = (str(script(tmp_path / "compiler", body)),)
    return Toolchain("gcc", command, "fake 1", (), False, False, "fake")


def wrapper(tmp_path, refused="", log="/dev/null"):
    """Return a g++ that refuses one flag, and notes each run."""
    test = f'case " $* " in *" {refused} "*) echo "no {refused}" >&2; exit 1;; esac\n'
    path = tmp_path / "wrapper"
    path.write_text(f'#!/bin/sh\necho run >> {log}\n{test if refused else ""}exec {GXX} "$@"\n')
    path.chmod(0o755)
    return str(path)


def run_kernel(toolchain, folder):
    """Compile a kernel, and check that it gives the right numbers."""
    output = folder / "kernel.so"
    compile_source(toolchain, KERNEL, output)
    ffi = cffi.FFI()
    ffi.cdef("void kernel(long, double *);")
    values = ffi.new("double[1000]", [0.5] * 1000)
    ffi.dlopen(str(output), ffi.RTLD_NOW).kernel(1000, values)
    assert list(values) == pytest.approx([1.0409997558] * 1000)


def python(code, **environment):
    """Run Python text in a process of its own; return what it printed."""
    known = {k: v for k, v in os.environ.items() if k not in environment}
    known.update(PYTHONPATH=SRC, **{k: v for k, v in environment.items() if v is not None})
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=known, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def dies(pid):
    """Say whether a process that was killed is gone before long: somebody else has to reap it."""
    deadline = time.monotonic() + 60
    while is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not is_alive(pid)


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# ---- finding ---------------------------------------------------------------------------------


def found_or_skip():
    try:
        return find_toolchain()
    except CompileError as error:
        pytest.skip(str(error).splitlines()[0])


def test_a_compiler_is_found_and_its_kernels_work(tmp_path):
    toolchain = found_or_skip()
    assert toolchain.name in ("gcc", "clang", "zig")
    assert os.path.isabs(toolchain.command[0])
    assert {"-O3", "-ffp-contract=off", "-fno-math-errno", "-fwrapv"} <= set(toolchain.flags)
    assert "-ffast-math" not in toolchain.flags
    assert toolchain.openmp == ("-fopenmp" in toolchain.flags)
    assert toolchain.simd_math == ("-DDA_MVEC" in toolchain.flags)
    assert toolchain.version in toolchain.identity
    assert find_toolchain() is toolchain
    load_runtime()
    run_kernel(toolchain, tmp_path)


@needs_gxx
def test_gcc_on_linux_gets_the_fast_link_threads_and_vector_functions():
    toolchain = find_toolchain()
    runtime = load_runtime()
    if toolchain.name != "gcc" or "libmvec.so.1" not in runtime or "libgomp.so.1" not in runtime:
        pytest.skip("not a usual Linux")
    assert "-nostdlib" in toolchain.flags
    assert toolchain.openmp
    assert toolchain.simd_math


@pytest.mark.parametrize("variable", ["CC", "CXX"])
@pytest.mark.parametrize("program", ["gcc", "g++", "clang", "clang++", "cc"])
def test_named_compilers_of_both_languages(variable, program, monkeypatch, tmp_path):
    if shutil.which(program) is None:
        pytest.skip(f"no {program}")
    monkeypatch.setenv(variable, f"{program} -DNAME='a b'")
    toolchain = find_toolchain()
    assert os.path.basename(toolchain.command[0]) == program
    assert toolchain.command[1:] == ("-DNAME=a b",)
    if program.startswith("clang"):
        assert toolchain.name == "clang"
        assert not toolchain.simd_math
    load_runtime()
    run_kernel(toolchain, tmp_path)


@needs_gxx
def test_cxx_is_preferred_to_cc_and_empty_ones_do_not_count(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", wrapper(tmp_path))
    monkeypatch.setenv("CC", "/nonesuch")
    assert find_toolchain().command == (str(tmp_path / "wrapper"),)
    monkeypatch.setattr(module, "_found", None)
    monkeypatch.setenv("CXX", "")
    monkeypatch.setenv("CC", " ")
    assert os.path.basename(find_toolchain().command[0]) == "g++"


@pytest.mark.parametrize("variable", ["CC", "CXX"])
@pytest.mark.parametrize("text", ["/nonesuch/g++", "false", "g++ 'unbalanced", "/etc/passwd"])
def test_a_named_compiler_that_does_not_work_is_an_error(variable, text, monkeypatch):
    monkeypatch.setenv(variable, text)
    with pytest.raises(CompileError) as caught:
        find_toolchain()
    assert f"the compiler that {variable} names does not work" in str(caught.value)
    assert text.split()[0] in str(caught.value)


def test_no_compiler_at_all(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(module, "_zig", lambda: "")
    with pytest.raises(CompileError) as caught:
        find_toolchain()
    text = str(caught.value)
    assert "\n" not in text
    for word in ("g++: not found", "clang", "apt install g++", "pip install devarray[compiler]"):
        assert word in text


@needs_gxx
def test_a_compiler_that_does_not_work_is_passed_over(monkeypatch, tmp_path):
    script(tmp_path / "g++", "echo broken; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert os.path.basename(find_toolchain().command[0]) == "gcc"


def test_a_compiler_that_hangs_is_tried_once(monkeypatch, tmp_path):
    runs = tmp_path / "runs"
    monkeypatch.setenv("CXX", str(script(tmp_path / "compiler", f"echo run >> {runs}; sleep 600")))
    for patience in PATIENCE:
        monkeypatch.setattr(module, "_PROBE_TIMEOUT", patience)
        with pytest.raises(CompileError) as caught:
            find_toolchain()
        if runs.exists():
            break
    assert "did not finish within" in str(caught.value)
    assert runs.read_text().count("run") == 1


@needs_gxx
@pytest.mark.parametrize("refused", ["-march=native", "-fopenmp", "-nostdlib"])
def test_flags_that_a_compiler_does_not_take(refused, monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", wrapper(tmp_path, refused))
    toolchain = find_toolchain()
    assert refused not in toolchain.flags
    if refused == "-fopenmp":
        assert not toolchain.openmp
        assert "-fopenmp-simd" in toolchain.flags
    if refused == "-nostdlib":
        assert "-lm" in toolchain.flags
    load_runtime()
    run_kernel(toolchain, tmp_path)


def test_zig_from_its_wheel(monkeypatch, tmp_path):
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("no ziglang")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", "/nonexistent")
    toolchain = find_toolchain()
    assert toolchain.name == "zig"
    load_runtime()
    run_kernel(toolchain, tmp_path)


@needs_gxx
def test_what_trials_showed_is_remembered_until_the_compiler_changes(monkeypatch, tmp_path):
    log = tmp_path / "log"
    monkeypatch.setenv("CXX", wrapper(tmp_path, log=log))

    def runs():
        log.write_text("")
        monkeypatch.setattr(module, "_found", None)
        seen.append(find_toolchain())
        return len(log.read_text().split())

    seen = []
    assert runs() > 0
    assert runs() == 0
    assert seen[0] == seen[1]
    (record,) = (tmp_path / "xdg" / "devarray").glob("compiler-*")
    assert record.stat().st_mode & 0o777 == 0o600
    record.chmod(0o622)  # somebody else may have written this
    assert runs() > 0
    assert runs() == 0
    record.write_bytes(record.read_bytes()[:-1])
    assert runs() > 0
    os.utime(tmp_path / "wrapper", (1, 1))  # another compiler in the same place
    assert runs() > 0
    monkeypatch.setenv("LIBRARY_PATH", "/tmp")
    assert runs() > 0
    (tmp_path / "xdg" / "devarray").chmod(0o755)  # a folder that is not private
    assert runs() > 0
    assert runs() > 0


# ---- running ---------------------------------------------------------------------------------


def failure(toolchain, folder, source="source text"):
    """Compile, which must fail and leave nothing; return the error and the seconds it took."""
    work = folder / "work"
    work.mkdir(exist_ok=True)
    start = time.perf_counter()
    with pytest.raises(CompileError) as caught:
        compile_source(toolchain, source, work / "kernel.so")
    assert list(work.iterdir()) == []
    assert caught.value.source == source
    assert "compiler" in caught.value.command or "g++" in caught.value.command
    return caught.value, time.perf_counter() - start


@needs_gxx
def test_an_error_in_the_text(tmp_path):
    error, _ = failure(found_or_skip(), tmp_path, "int a;\nint b = oops;\n")
    assert "<stdin>:2:9: error" in error.log
    assert "oops" in error.log
    assert "   2 | int b = oops;" in str(error)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("kill -SEGV $$", "killed by SIGSEGV"),
        ("echo garbage; head -c 100000 /dev/urandom; exit 3", "exit status 3"),
        ("exit 0", "made no library"),
        (': > "$output"', "is no library"),
        ('echo rubbish > "$output"', "is no library"),
        ('echo half > "$output"; exit 1', "exit status 1"),
    ],
)
def test_compilers_that_misbehave(body, text, tmp_path):
    error, _ = failure(fake(tmp_path, body), tmp_path, "x" * 300_000)
    assert text in str(error)
    assert len(error.log) <= 1 << 16


@pytest.mark.parametrize(
    "body",
    [
        "sleep 600 & echo $! > {pid}; wait",  # hangs in a child
        "exec >&- 2>&-; echo $$ > {pid}; sleep 600",  # hangs with its output closed
        "trap '' TERM INT; echo $$ > {pid}; while :; do echo garbage; done",  # never stops talking
    ],
)
def test_compilers_that_hang(body, tmp_path, monkeypatch):
    pid = tmp_path / "pid"
    for patience in PATIENCE:
        monkeypatch.setattr(module, "_TIMEOUT", patience)
        error, seconds = failure(fake(tmp_path, body.format(pid=pid)), tmp_path)
        if pid.exists() and pid.read_text().strip():
            break
    assert "did not finish within" in str(error)
    assert seconds < patience + 60
    assert len(error.log) <= 1 << 16
    assert dies(int(pid.read_text()))


def test_a_child_that_outlives_the_compiler_is_not_waited_for(tmp_path):
    body = f"sleep 600 & echo $! > {tmp_path}/pid; exit 1"
    error, seconds = failure(fake(tmp_path, body), tmp_path)
    assert "exit status 1" in str(error)
    assert seconds < 60
    assert dies(int((tmp_path / "pid").read_text()))


def test_a_compiler_that_cannot_be_started(tmp_path):
    (tmp_path / "compiler").write_bytes(b"\0\1\2")
    (tmp_path / "compiler").chmod(0o755)
    toolchain = Toolchain("gcc", (str(tmp_path / "compiler"),), "", (), False, False, "")
    with pytest.raises(CompileError, match="cannot start the compiler"):
        compile_source(toolchain, "", tmp_path / "kernel.so")
    assert [path.name for path in tmp_path.iterdir()] == ["compiler"]


@needs_gxx
def test_extra_flags_and_odd_places(tmp_path, monkeypatch):
    toolchain = found_or_skip()
    folder = tmp_path / "a b'c"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DEPENDENCIES_OUTPUT", str(tmp_path / "unwanted"))
    source = 'extern "C" int answer() { return ANSWER; }\n'
    compile_source(toolchain, source, Path("kernel.so"), ["-DANSWER=42"])
    ffi = cffi.FFI()
    ffi.cdef("int answer(void);")
    assert ffi.dlopen(str(folder / "kernel.so")).answer() == 42
    assert [path.name for path in folder.iterdir()] == ["kernel.so"]
    assert not (tmp_path / "unwanted").exists()


INTERRUPTED_AT_ITS_START = """
import os, signal, subprocess, time
start = subprocess.Popen.__init__
def and_be_interrupted(*args, **options):
    start(*args, **options)
    while not (pid.exists() and pid.read_text().strip()):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.01)
subprocess.Popen.__init__ = and_be_interrupted
"""


@pytest.mark.parametrize("moment", ["while it is started", "while it runs"])
def test_an_interruption_ends_the_compiler_and_leaves_nothing(moment, tmp_path):
    toolchain = fake(tmp_path, f"echo $$ > {tmp_path}/pid; echo half > $output; sleep 600")
    work = tmp_path / "work"
    work.mkdir()
    pid = tmp_path / "pid"
    code = (
        "from pathlib import Path\n"
        "from devarray.kernels.toolchain import Toolchain, compile_source\n"
        f"pid = Path({str(pid)!r})\n"
        f"{INTERRUPTED_AT_ITS_START if moment == 'while it is started' else ''}"
        f"compile_source({toolchain!r}, '', Path({str(work / 'kernel.so')!r}))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": SRC},
        stderr=subprocess.PIPE,
        text=True,
    )
    if moment == "while it runs":
        deadline = time.monotonic() + 120
        while not (pid.exists() and pid.read_text().strip()) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=120)
    assert "KeyboardInterrupt" in text
    assert dies(int(pid.read_text()))
    assert list(work.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        compile_source(fake(tmp_path, "exit 0"), "", tmp_path / "none" / "kernel.so")


# ---- the runtime libraries -------------------------------------------------------------------

USE = f"""
import ctypes, os, signal, sys, tempfile
from pathlib import Path
from devarray.kernels.toolchain import compile_source, find_toolchain, load_runtime
load_runtime()
folder = tempfile.TemporaryDirectory()
compile_source(find_toolchain(), {KERNEL!r}, Path(folder.name, "k.so"))
kernel = ctypes.CDLL(os.path.join(folder.name, "k.so")).kernel
def use():
    x = (ctypes.c_double * 100000)(*[0.5] * 100000)
    kernel(ctypes.c_long(100000), x)
    assert abs(sum(x) / 100000 - 1.0409997558) < 1e-9
use()
"""


@pytest.mark.parametrize("program", ["g++", "clang++"])
def test_kernels_run_in_a_forked_child(program):
    if shutil.which(program) is None:
        pytest.skip(f"no {program}")
    code = """
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        signal.alarm(100)  # libgomp would wait for ever
        use()
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    use()
import multiprocessing, threading
def job(_):
    signal.alarm(100)
    use()
    return os.getpid()
def pools():
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert os.getpid() not in pool.map(job, range(4))
thread = threading.Thread(target=lambda: (use(), pools()))
thread.start()
thread.join()
pools()
use()
print("done", len(os.listdir("/proc/self/task")))
"""
    text = python(USE + code, CXX=program, OMP_NUM_THREADS="3", PYTHONWARNINGS="ignore")
    threads = re.search(r"done (\d+)", text)
    assert threads, text
    if program == "g++" and "libgomp.so.1" in load_runtime():
        assert int(threads[1]) >= 3  # the kernel did run on several threads, or this proves nothing


@needs_gxx
@pytest.mark.parametrize("given", [None, "active"])
def test_idle_threads_sleep_unless_the_user_says_otherwise(given):
    if "libgomp.so.1" not in load_runtime():
        pytest.skip("no libgomp")
    code = USE + "print(os.environ.get('OMP_WAIT_POLICY'))"
    text = python(code, OMP_WAIT_POLICY=given, OMP_DISPLAY_ENV="true", CXX="g++")
    assert f"OMP_WAIT_POLICY = '{(given or 'passive').upper()}'" in text
    assert text.splitlines()[0] == str(given)


@needs_gxx
def test_the_users_spin_count_is_respected():
    if "libgomp.so.1" not in load_runtime():
        pytest.skip("no libgomp")
    code = USE + "print(os.environ.get('OMP_WAIT_POLICY'))"
    text = python(code, GOMP_SPINCOUNT="77", OMP_DISPLAY_ENV="verbose", CXX="g++")
    assert "GOMP_SPINCOUNT = '77'" in text
    assert text.splitlines()[0] == "None"


def test_the_identity_tells_compilers_flags_and_machines_apart(monkeypatch, tmp_path):
    first = found_or_skip()
    monkeypatch.setattr(module, "_found", None)
    monkeypatch.setattr(module, "_machine", lambda: "another machine")
    assert find_toolchain().identity != first.identity
    monkeypatch.undo()
    monkeypatch.setenv("CXX", f"{first.command[0]} {' '.join(first.command[1:])} -DX")
    monkeypatch.setattr(module, "_found", None)
    assert find_toolchain().identity != first.identity
    assert replace(first, identity="x") != first
