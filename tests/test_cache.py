"""The disk cache of kernels: what is found, what is refused, and what is survived."""

import os
import shutil
import signal
import stat
import statistics
import subprocess
import sys
import textwrap
import threading
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import cffi
import pytest

from devarray.config import config
from devarray.errors import CompileError
from devarray.kernels import cache as module
from devarray.kernels import sealed
from devarray.kernels.cache import KernelCache, kernel_key
from devarray.kernels.sealed import default_directory
from devarray.kernels.toolchain import find_toolchain, load_runtime

SRC = str(Path(__file__).parents[1] / "src")
ROOT = os.geteuid() == 0
SOURCE = 'extern "C" int answer() { return 42; }\n'


@dataclass
class Quick:
    """A toolchain that takes no time: it writes what it is told to."""

    identity: str = "quick"
    code: bytes = b"\x7fELF" + bytes(6000)
    runs: list = field(default_factory=list)

    def compile(self, source, output, extra_flags=()):
        self.runs.append(source)
        if source == "wrong":
            raise CompileError("wrong", source=source)
        output.write_bytes(self.code)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "cache"


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory, quiet_for_the_file):
    """What is remembered of compilers is not kept in the user's own folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("xdg")))
        yield


@pytest.fixture(scope="module")
def real(home):
    try:
        load_runtime()
        return find_toolchain()
    except CompileError as error:
        pytest.skip(str(error).splitlines()[0])


def answer(path):
    ffi = cffi.FFI()
    ffi.cdef("int answer(void);")
    return ffi.dlopen(str(path), ffi.RTLD_NOW).answer()


def names(folder):
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def start(code, command=()):
    """Start a process that runs Python text with a few names at hand."""
    head = f"""
        import os, signal, sys, time, warnings
        sys.path.insert(0, {SRC!r})
        from pathlib import Path
        from devarray.errors import CompileError
        from devarray.kernels import cache as module, sealed
        from devarray.kernels.cache import KernelCache
        from devarray.kernels.toolchain import Toolchain, find_toolchain
        SOURCE = {SOURCE!r}
    """
    text = textwrap.dedent(head) + textwrap.dedent(code)
    return subprocess.Popen(
        [*command, sys.executable, "-c", text],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def output(process):
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0, text
    return text


# ---- building and finding --------------------------------------------------------------------


def test_a_kernel_is_built_once_and_then_found(folder, real):
    cache = KernelCache(folder)
    assert cache.find(SOURCE, real) is None
    path = cache.build(SOURCE, real)
    assert answer(path) == 42
    assert path.with_suffix(".cpp").read_text() == SOURCE
    assert cache.find(SOURCE, real) == path
    assert KernelCache(folder).find(SOURCE, real) == path
    stats = cache.stats()
    assert (stats.entries, stats.hits, stats.misses, stats.builds) == (1, 1, 1, 1)
    assert 0 < stats.compile_seconds < 60
    assert 0 < stats.bytes < 1 << 20


def test_all_is_private_and_nothing_else_is_left(folder):
    before = os.umask(0)
    try:
        path = KernelCache(folder / "deeper").build(SOURCE, Quick())
    finally:
        os.umask(before)
    for place in (folder, folder / "deeper", folder / "deeper" / "tmp"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
    for name in (path, path.with_suffix(".cpp")):
        assert stat.S_IMODE(name.stat().st_mode) == 0o600
    assert names(folder / "deeper") == sorted([path.name, path.stem + ".cpp", "usage"])
    assert list((folder / "deeper" / "tmp").iterdir()) == []


def test_the_key_is_made_of_all_that_matters():
    keys = [
        kernel_key(SOURCE, Quick()),
        kernel_key(SOURCE + " ", Quick()),
        kernel_key(SOURCE, Quick("other")),
        kernel_key(SOURCE, Quick(), ["-DA"]),
        kernel_key(SOURCE, Quick(), ["-DA", "-DB"]),
        kernel_key(SOURCE, Quick(), ["-DA-DB"]),
        kernel_key("b", Quick("a")),
        kernel_key("", Quick("ab")),
    ]
    assert len(set(keys)) == len(keys)
    assert keys[0] == kernel_key(SOURCE, Quick())


def test_a_new_format_finds_nothing_old(folder, monkeypatch):
    cache = KernelCache(folder)
    cache.build(SOURCE, Quick())
    monkeypatch.setattr(module, "FORMAT", b"another")
    assert cache.find(SOURCE, Quick()) is None


def test_finding_is_fast(folder):
    cache = KernelCache(folder)
    source, toolchain = SOURCE * 200, Quick(code=b"\x7fELF" + bytes(16000))
    cache.build(source, toolchain)
    times = []
    for _ in range(200):
        begin = time.perf_counter()
        cache.find(source, toolchain)
        times.append(time.perf_counter() - begin)
    # The budget is 0.3 ms for a usual case; the lower quartile tells it on a busy machine, too.
    assert statistics.quantiles(times)[0] < 0.3e-3


def test_a_wrong_text_is_not_blamed_on_the_folder(folder):
    cache = KernelCache(folder)
    with pytest.raises(CompileError, match="wrong"):
        cache.build("wrong", Quick())
    assert cache.build(SOURCE, Quick()).parent == folder
    assert list((folder / "tmp").iterdir()) == []
    assert cache.stats().builds == 1


def test_statistics_entries_and_clear(folder):
    cache = KernelCache(folder)
    paths = [cache.build(f"{i}", Quick()) for i in range(3)]
    for seconds, path in zip((30, 10, 20), paths, strict=True):
        os.utime(path, (1e9 + seconds, 1e9 + seconds))
    assert [entry.path for entry in cache.entries()] == [paths[0], paths[2], paths[1]]
    assert cache.entries()[0].key == paths[0].stem
    assert cache.entries()[0].used == 1e9 + 30
    assert cache.stats().bytes == 3 * (2 + 1) * 4096
    cache.find("1", Quick())
    assert cache.entries()[0].path == paths[1]  # the most recently used
    (folder / "mine.txt").write_text("not the cache's")
    sealed.write_sealed(str(folder), "compiler-x", b"")
    cache.clear()
    assert cache.entries() == []
    assert names(folder) == ["mine.txt"]
    assert cache.find("1", Quick()) is None
    cache.build("1", Quick())
    assert cache.stats().entries == 1


# ---- files that are not to be trusted --------------------------------------------------------


def cut(path):
    path.write_bytes(path.read_bytes()[:-1])


def flip(path):
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)


def foreign(path):
    other = KernelCache(path.parent).build("another kernel", Quick())
    shutil.copyfile(other, path)


def link(path):
    real = path.with_name("elsewhere")
    path.rename(real)
    path.symlink_to(real)


def pipe(path):
    path.unlink()
    os.mkfifo(path)


DAMAGE = {
    "truncated": cut,
    "truncated to less than a seal": lambda path: path.write_bytes(path.read_bytes()[:20]),
    "empty": lambda path: path.write_bytes(b""),
    "without a seal": lambda path: path.write_bytes(Quick().code),
    "a bit flipped": flip,
    "another kernel's": foreign,
    "something appended": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "a symbolic link": link,
    "a named pipe": pipe,
    "writable for the group": lambda path: path.chmod(0o620),
    "writable for all": lambda path: path.chmod(0o602),
    "not ours": lambda path: os.chown(path, 65534, 65534),
    "gone": Path.unlink,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_binary_that_is_damaged_or_foreign_is_built_anew(damage, folder):
    if damage == "not ours" and not ROOT:
        pytest.skip("only root can give files away")
    cache = KernelCache(folder)
    path = cache.build(SOURCE, Quick())
    DAMAGE[damage](path)
    assert cache.find(SOURCE, Quick()) is None
    assert cache.build(SOURCE, Quick()) == path
    assert stat.S_ISREG(path.lstat().st_mode)
    assert cache.find(SOURCE, Quick()) == path


def test_a_kernel_of_a_mapped_file_stays_valid(folder, real):
    cache = KernelCache(folder)
    ffi = cffi.FFI()
    ffi.cdef("int answer(void);")
    library = ffi.dlopen(str(cache.build(SOURCE, real)))
    cache.build(SOURCE, real)  # puts another file in its place
    cache.clear()
    assert library.answer() == 42


# ---- folders that are not to be used ---------------------------------------------------------


def falls_back(cache, why):
    """Build in a cache whose folder is unusable; return where the kernel went instead."""
    with pytest.warns(RuntimeWarning, match=why) as caught:
        path = cache.build(SOURCE, Quick())
    assert caught[0].filename == __file__
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert cache.find(SOURCE, Quick()) == path
    cache.build("more", Quick())  # one warning is enough: a second one would be an error here
    assert cache.stats().entries >= 2
    return path


def test_a_folder_that_others_can_look_into(folder):
    folder.mkdir()
    folder.chmod(0o755)
    cache = KernelCache(folder)
    assert cache.find(SOURCE, Quick()) is None  # which is no reason to warn yet
    assert falls_back(cache, "open to others.*0755").parent != folder
    assert names(folder) == []


@pytest.mark.parametrize("mode", [0o777, 0o720, 0o702])
def test_a_parent_that_others_can_write(mode, tmp_path):
    parent = tmp_path / "parent"
    parent.mkdir()
    parent.chmod(mode)
    falls_back(KernelCache(parent / "a" / "b"), "parent can be written by others")


def test_a_parent_with_the_sticky_bit_is_fine(tmp_path):
    parent = tmp_path / "parent"
    parent.mkdir()
    parent.chmod(0o1777)
    assert KernelCache(parent / "cache").build(SOURCE, Quick()).parent == parent / "cache"


@pytest.mark.skipif(not ROOT, reason="only root can give folders away")
@pytest.mark.parametrize("level", ["cache", "parent"])
def test_a_folder_or_parent_of_somebody_else(level, tmp_path):
    cache = tmp_path / "parent" / "cache"
    cache.mkdir(parents=True, mode=0o700)
    os.chown(cache if level == "cache" else cache.parent, 65534, 65534)
    falls_back(KernelCache(cache), f"{level} belongs to user 65534")


def test_a_file_in_the_place_of_the_folder(folder):
    folder.write_text("")
    falls_back(KernelCache(folder), "is not a folder")
    falls_back(KernelCache(folder / "below"), "Not a directory|is not a folder")


def test_links_are_resolved_and_what_they_lead_to_is_judged(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.mkdir(mode=0o700)
    bad.mkdir()
    bad.chmod(0o777)
    (tmp_path / "link").symlink_to(good)
    assert KernelCache(tmp_path / "link").build(SOURCE, Quick()).parent == good
    (bad / "link").symlink_to(good)  # others could let this one point elsewhere, later
    assert KernelCache(bad / "link").build(SOURCE, Quick()).parent == good
    (tmp_path / "link2").symlink_to(bad)
    falls_back(KernelCache(tmp_path / "link2"), "open to others")


def test_the_default_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    with config(cache_dir=""):
        assert default_directory() == tmp_path / ".cache" / "devarray"
        monkeypatch.setenv("XDG_CACHE_HOME", "relative")
        assert default_directory() == tmp_path / ".cache" / "devarray"
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
        assert KernelCache().build(SOURCE, Quick()).parent == tmp_path / "xdg" / "devarray"
    with config(cache_dir=str(tmp_path / "set")):
        assert KernelCache().build(SOURCE, Quick()).parent == tmp_path / "set"


def test_no_home(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "")
    with config(cache_dir=""):
        falls_back(KernelCache(), "no home folder")
    monkeypatch.setenv("HOME", "/proc/nonexistent")
    with config(cache_dir=""):
        falls_back(KernelCache(), "/proc/nonexistent")


@pytest.mark.skipif(ROOT, reason="root can write everywhere")
def test_a_folder_that_cannot_be_written_is_still_read(folder):
    kept = KernelCache(folder).build("kept", Quick())
    folder.chmod(0o500)
    (folder / "tmp").chmod(0o500)
    try:
        cache = KernelCache(folder)
        falls_back(cache, "Permission denied")
        assert cache.find("kept", Quick()) == kept
    finally:
        folder.chmod(0o700)
        (folder / "tmp").chmod(0o700)


def test_the_temporary_folder_goes_with_the_process_that_made_it(tmp_path):
    code = f"""
        warnings.simplefilter("ignore")
        class Quick:
            identity = "quick"
            def compile(self, source, output, extra_flags=()):
                output.write_bytes(bytes(100))
        Path({str(tmp_path / "file")!r}).write_text("")
        cache = KernelCache(Path({str(tmp_path / "file")!r}))
        path = cache.build(SOURCE, Quick())
        if os.fork() == 0:
            sys.exit()  # not os._exit: what is registered for the end of the process does run
        os.wait()
        assert path.exists()
        again = KernelCache(Path({str(tmp_path / "file")!r})).build(SOURCE, Quick())
        assert not again.exists()  # its cache is gone already
        print(path)
    """
    path = Path(output(start(code)).strip())
    assert path.suffix == ".so"
    assert not path.parent.exists()


def test_no_folder_at_all(folder, monkeypatch, tmp_path):
    folder.write_text("")
    monkeypatch.setattr(sealed.tempfile, "gettempdir", lambda: str(tmp_path / "none"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    real = sealed.tempfile.mkdtemp

    def mkdtemp(prefix, dir):
        return real(prefix=prefix, dir=tmp_path / "none")

    monkeypatch.setattr(sealed.tempfile, "mkdtemp", mkdtemp)
    with pytest.raises(CompileError, match=r"no folder for kernels.*is not a folder.*none"):
        KernelCache(folder).build(SOURCE, Quick())


# ---- disks that are full, read-only, or forbid to run what they hold -------------------------


def mounted(options, folder, code):
    """Run Python text where a small file system is mounted on `folder`, for it alone to see."""
    if not ROOT or subprocess.call(["unshare", "-m", "true"], stderr=subprocess.DEVNULL):
        pytest.skip("not allowed to mount")
    folder.mkdir(mode=0o700)
    mount = f'mount -t tmpfs -o mode=0700,{options} tmpfs {folder} && exec "$@"'
    head = f"""
        from devarray.kernels.toolchain import compile_source
        folder = Path({str(folder)!r})
        warnings.simplefilter("always")
    """
    text = textwrap.dedent(head) + textwrap.dedent(code)
    command = ("unshare", "-m", "sh", "-c", mount, "sh")
    return output(start(text, command))


def test_a_full_disk(tmp_path, real):
    code = """
        cache = KernelCache(folder)
        path = cache.build(SOURCE, find_toolchain())
        assert path.parent != folder and cache.find(SOURCE, find_toolchain()) == path
        assert os.listdir(folder / "tmp") == []
        cache.build(SOURCE + " ", find_toolchain())
    """
    text = mounted("size=12k", tmp_path / "small", code)
    assert text.count("RuntimeWarning") == 1
    assert "full or cannot be written" in text or "No space left" in text


def test_a_disk_that_fills_up_in_the_last_step(tmp_path, real):
    code = """
        class Quick:
            identity = "quick"
            def compile(self, source, output, extra_flags=()):
                output.write_bytes(bytes(40000))
        cache = KernelCache(folder)
        path = cache.build(SOURCE, Quick())
        assert path.parent != folder and cache.find(SOURCE, Quick()) == path
        assert os.listdir(folder / "tmp") == []
    """
    text = mounted("size=40k", tmp_path / "small", code)
    assert "No space left on device" in text


def test_a_read_only_disk(tmp_path, real):
    code = """
        toolchain = find_toolchain()
        kept = KernelCache(folder).build("", toolchain)
        assert os.system(f"mount -o remount,ro {folder}") == 0
        cache = KernelCache(folder)
        assert cache.find("", toolchain) == kept
        assert cache.build(SOURCE, toolchain).parent != folder
    """
    text = mounted("size=1m", tmp_path / "small", code)
    assert text.count("RuntimeWarning") == 1
    assert "Read-only file system" in text


def test_a_disk_mounted_noexec(tmp_path, real):
    code = """
        import cffi
        toolchain = find_toolchain()
        cache = KernelCache(folder)
        assert cache.build(SOURCE, toolchain).parent != folder
        assert "noexec" in cache._reason
        sealed.os.ST_NOEXEC = 0  # now as if the system did not tell
        cache = KernelCache(folder)
        path = cache.build(SOURCE, toolchain)
        assert path.parent == folder
        try:
            cffi.FFI().dlopen(str(path))
        except OSError as error:
            assert cache.load_failed(path, error)
        assert cache.find(SOURCE, toolchain) is None
        path = cache.build(SOURCE, toolchain)
        assert path.parent != folder
        cffi.FFI().dlopen(str(path))
    """
    text = mounted("size=4m,noexec", tmp_path / "small", code)
    assert text.count("RuntimeWarning") == 2
    assert "cannot be loaded from it" in text


def test_a_limit_on_the_size_of_files(folder, real):
    """As on a full disk, the linker and we cannot write; here the temporary folder is no better."""
    code = f"""
        import resource
        toolchain = find_toolchain()
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        warnings.simplefilter("ignore")
        try:
            KernelCache(Path({str(folder)!r})).build(SOURCE, toolchain)
        except (CompileError, OSError) as error:
            print("refused")
        assert os.listdir({str(folder / "tmp")!r}) == []
    """
    assert "refused" in output(start(code))


def test_a_full_disk_is_noticed_by_trying(folder, monkeypatch):
    """The same as with a small disk, for those who may not mount one."""
    cache = KernelCache(folder)
    cache.build("before", Quick())

    def compile(self, source, output, extra_flags=()):
        if output.is_relative_to(folder):
            raise CompileError("the kernel did not compile", log="as: no room")
        output.write_bytes(self.code)

    monkeypatch.setattr(Quick, "compile", compile)
    monkeypatch.setattr(module, "can_write", lambda place: not place.startswith(str(folder)))
    falls_back(cache, "full or cannot be written")
    assert cache.find("before", Quick()) is not None


# ---- between finding and loading -------------------------------------------------------------


def test_a_vanished_file_is_built_again(folder, real):
    cache = KernelCache(folder)
    path = cache.build(SOURCE, real)
    path.unlink()
    ffi = cffi.FFI()
    with pytest.raises(OSError, match=r"\.so") as caught:
        ffi.dlopen(str(path))
    assert cache.load_failed(path, caught.value)
    assert answer(cache.build(SOURCE, real)) == 42


def test_a_binary_with_undefined_symbols_is_at_fault_itself(folder, real):
    cache = KernelCache(folder)
    source = 'extern "C" int nowhere(); extern "C" int answer() { return nowhere(); }\n'
    path = cache.build(source, real, ["-Wl,-z,undefs"])
    with pytest.raises(OSError, match="undefined symbol") as caught:
        answer(path)
    assert not cache.load_failed(path, caught.value)
    assert cache.build(SOURCE, real).parent == folder


def test_a_loader_that_refuses_twice_is_not_asked_again(folder):
    cache = KernelCache(folder)
    refusal = OSError("failed to map segment from shared object")
    assert cache.load_failed(cache.build(SOURCE, Quick()), refusal)
    path = falls_back(cache, "failed to map segment")
    assert path.parent != folder
    assert not cache.load_failed(path, refusal)


def test_folders_that_are_removed_in_between_are_made_anew(folder):
    cache = KernelCache(folder)
    cache.build(SOURCE, Quick())
    shutil.rmtree(folder)
    assert cache.find(SOURCE, Quick()) is None
    assert cache.build(SOURCE, Quick()).parent == folder
    folder.chmod(0o755)
    unusable = KernelCache(folder)
    path = falls_back(unusable, "open to others")
    shutil.rmtree(path.parent)
    assert unusable.build(SOURCE, Quick()).parent != path.parent


# ---- eviction --------------------------------------------------------------------------------


def age(folder, seconds):
    for path in folder.glob("*.so"):
        used = path.stat().st_mtime - seconds
        os.utime(path, (used, used))


def test_the_least_recently_used_go_first(folder):
    cache = KernelCache(folder, limit=10 * 3 * 4096)
    for i in range(10):
        cache.build(f"{i}", Quick())
        age(folder, 100)
    assert cache.stats().entries == 10
    cache.find("0", Quick())
    cache.build("new", Quick())
    left = {entry.path.with_suffix(".cpp").read_text() for entry in cache.entries()}
    assert left == {"0", "5", "6", "7", "8", "9", "new"}  # three quarters of the limit
    assert len(list(folder.glob("*.cpp"))) == 7


def test_the_folder_is_not_scanned_at_each_build(folder, monkeypatch):
    scans = []
    scan = module._scan
    monkeypatch.setattr(module, "_scan", lambda place: scans.append(1) or scan(place))
    cache = KernelCache(folder, limit=100 * 3 * 4096)
    for i in range(300):
        KernelCache(folder, limit=100 * 3 * 4096).build(f"{i}", Quick())
        age(folder, 100) if i % 10 == 0 else None
    assert len(scans) <= 1 + 300 // 20
    assert cache.stats().entries <= 115


def test_what_is_about_to_be_loaded_is_not_evicted(folder, monkeypatch):
    scans = []
    scan = module._scan
    monkeypatch.setattr(module, "_scan", lambda place: scans.append(1) or scan(place))
    cache = KernelCache(folder, limit=0)
    paths = [cache.build(f"{i}", Quick()) for i in range(20)]
    assert all(path.exists() for path in paths)
    assert len(scans) <= 2  # nor does it look again and again
    age(folder, 100)
    KernelCache(folder, limit=0).build("last", Quick())
    assert not any(path.exists() for path in paths)


def test_the_limit_is_the_settings(folder):
    with config(cache_limit=5 * 3 * 4096):
        cache = KernelCache(folder)
        for i in range(12):
            cache.build(f"{i}", Quick())
            age(folder, 100)
        assert cache.stats().entries <= 5


def test_a_lost_ledger_is_made_anew(folder):
    cache = KernelCache(folder, limit=10 * 3 * 4096)
    for i in range(10):
        cache.build(f"{i}", Quick())
        age(folder, 100)
    (folder / "usage").unlink()
    cache.build("new", Quick())
    assert cache.stats().entries == 8 - 1
    assert (folder / "usage").stat().st_size == 7 * 3


def test_leftovers_go_by_age(folder):
    KernelCache(folder).build(SOURCE, Quick())
    tmp = folder / "tmp"
    for name in ("1-old", "2-young"):
        (tmp / name).write_text("half a library")
        (tmp / f"{name}-work").mkdir()
        (tmp / f"{name}-work" / "cc.s").write_text("")
    old = time.time() - 3600
    os.utime(tmp / "1-old", (old, old))
    os.utime(tmp / "1-old-work", (old, old))
    KernelCache(folder).build("next", Quick())
    assert sorted(path.name for path in tmp.iterdir()) == ["2-young", "2-young-work"]


# ---- several at once, and sudden ends --------------------------------------------------------


def test_processes_that_build_the_same_kernel(folder, real):
    code = f"""
        toolchain = find_toolchain()
        cache = KernelCache(Path({str(folder)!r}))
        while time.time() < {time.time() + 1.0}:
            pass
        for i in range(5):
            path = cache.build(SOURCE + "//" * i, toolchain)
            assert cache.find(SOURCE + "//" * i, toolchain) == path
        print("fine")
    """
    processes = [start(code) for _ in range(3)]
    for process in processes:
        assert output(process) == "fine\n"
    cache = KernelCache(folder)
    assert cache.stats().entries == 5
    assert list((folder / "tmp").iterdir()) == []
    for entry in cache.entries():
        assert answer(entry.path) == 42


def test_threads_that_build_the_same_kernel(folder, real):
    cache = KernelCache(folder)
    paths = []

    def job():
        for i in range(3):
            paths.append(cache.find(f"{SOURCE}//{i}", real) or cache.build(f"{SOURCE}//{i}", real))

    threads = [threading.Thread(target=job) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 12
    assert len(set(paths)) == 3
    assert {answer(path) for path in paths} == {42}


def test_builders_evictors_and_finders_do_not_disturb_each_other(folder, monkeypatch):
    monkeypatch.setattr(module, "_GRACE", -1.0)  # evict what is in use, too: the worst case
    failures = []

    def job(number):
        cache = KernelCache(folder, limit=20 * 3 * 4096)
        for i in range(60):
            source = f"{(i * 7 + number) % 30}"
            try:
                path = cache.find(source, Quick()) or cache.build(source, Quick())
                assert path.name == kernel_key(source, Quick()) + ".so"
            except (OSError, CompileError, AssertionError) as error:
                failures.append(error)

    threads = [threading.Thread(target=job, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list((folder / "tmp").iterdir()) == []


def test_a_process_killed_while_it_compiles(folder, tmp_path, real):
    compiler = tmp_path / "slow"
    compiler.write_text(
        f"#!/bin/sh\necho $$ > {tmp_path}/pid\n"
        'for word; do output="$word"; done\necho half > "$output"\nsleep 600\n'
    )
    compiler.chmod(0o755)
    code = f"""
        from dataclasses import replace
        toolchain = replace(find_toolchain(), command=({str(compiler)!r},))
        KernelCache(Path({str(folder)!r})).build(SOURCE, toolchain)
    """
    process = start(code)
    pid = tmp_path / "pid"
    deadline = time.monotonic() + 120
    while not any(path.is_file() for path in folder.glob("tmp/*")):  # half a library, after `pid`
        assert time.monotonic() < deadline, process.poll()
        time.sleep(0.01)
    process.kill()
    process.communicate()
    os.killpg(int(pid.read_text()), signal.SIGKILL)
    assert len(list(folder.glob("tmp/*"))) == 2  # half a library, and the compiler's own folder
    cache = KernelCache(folder)
    assert cache.find(SOURCE, real) is None
    assert answer(cache.build(SOURCE, real)) == 42
    assert len(list(folder.glob("tmp/*"))) == 2
    old = time.time() - 3600
    for path in folder.glob("tmp/*"):
        os.utime(path, (old, old))
    KernelCache(folder).build("", real)
    assert list(folder.glob("tmp/*")) == []


def test_processes_killed_at_any_moment_leave_a_working_cache(folder):
    code = f"""
        class Quick:
            identity = "quick"
            def compile(self, source, output, extra_flags=()):
                output.write_bytes(b"ELF" * 3000)
        cache = KernelCache(Path({str(folder)!r}), limit=200000)
        print("ready", flush=True)
        i = 0
        while True:
            i += 1
            cache.build(f"{{i % 50}}", Quick())
    """
    for i in range(4):
        process = start(code)
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.02 + 0.013 * i)
        process.kill()
        process.communicate()
    toolchain = Quick(code=b"ELF" * 3000)
    cache = KernelCache(folder)
    found = sum(cache.find(f"{i}", toolchain) is not None for i in range(50))
    assert found == cache.stats().entries  # whatever has its final name is whole
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cache.build(SOURCE, toolchain).parent == folder


def test_an_interrupted_build_leaves_nothing(folder, monkeypatch):
    def compile(self, source, output, extra_flags=()):
        output.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(Quick, "compile", compile)
    with pytest.raises(KeyboardInterrupt):
        KernelCache(folder).build(SOURCE, Quick())
    assert list((folder / "tmp").iterdir()) == []
    assert names(folder) == []


def test_a_forked_child_goes_on_with_the_cache(folder):
    cache = KernelCache(folder)
    cache.build(SOURCE, Quick())
    pid = os.fork()
    if pid == 0:
        ok = cache.find(SOURCE, Quick()) and cache.build("child", Quick())
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert cache.find("child", Quick()) is not None
