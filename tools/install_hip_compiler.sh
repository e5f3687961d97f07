#!/usr/bin/env bash
# Installs what compiles HIP kernels on a machine without an AMD GPU: clang, its linker, and ROCm's device library, of
# which Debian and Ubuntu have packages. Without apt-get or root it says what is missing, and fails. See
# src/devarray/kernels/hip_offline.py, which finds them.
set -euo pipefail

versions="19 20 21 22 18 17" # of clang, the best first; 16 knows no gfx942

installed() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || return 1
    done
}

available() {
    local package
    for package in "$@"; do
        [ -n "$(apt-cache --quiet=0 show --no-all-versions "$package" 2>/dev/null)" ] || return 1
    done
}

# Prints the packages of the newest clang of which $1 (installed, available) is true, and of a library for it: one that
# is no newer, for older compilers do not read it.
packages() {
    local version older
    for version in $versions; do
        "$1" "clang-$version" "lld-$version" || continue
        if "$1" rocm-device-libs; then
            echo "clang-$version lld-$version rocm-device-libs"
            return
        fi
        for older in $versions; do
            if [ "$older" -le "$version" ] && "$1" "rocm-device-libs-$older"; then
                echo "clang-$version lld-$version rocm-device-libs-$older"
                return
            fi
        done
    done
    return 1
}

if [ -e /opt/rocm/amdgcn/bitcode/ocml.bc ]; then
    exit 0 # ROCm has all of it
fi
if ! command -v apt-get >/dev/null; then
    echo "HIP kernels cannot be compiled: install clang (17 or newer), lld and ROCm's device library (no apt-get here)" >&2
    exit 1
fi
if packages installed >/dev/null; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "HIP kernels cannot be compiled: as root, run apt-get install clang-19 lld-19 rocm-device-libs" >&2
    exit 1
fi
apt-get update -qq
if ! wanted="$(packages available)"; then
    echo "HIP kernels cannot be compiled: this distribution lacks clang (17 or newer), lld or rocm-device-libs" >&2
    exit 1
fi
echo "installing $wanted"
# shellcheck disable=SC2086 # a list of names
DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends $wanted >/dev/null
