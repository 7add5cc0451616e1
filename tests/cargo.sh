#!/usr/bin/env bash
# Runs cargo with a toolchain that the plain `cargo` on PATH may not have:
#
#   tests/cargo.sh msrv COMMAND [ARG..]      the oldest supported compiler (`rust-version`)
#   tests/cargo.sh TARGET COMMAND [ARG..]    a bare-metal target, such as thumbv6m-none-eabi
#   tests/cargo.sh avr-none COMMAND [ARG..]  AVR, whose `core` every toolchain builds from its source
#
# COMMAND runs in the current folder, so other packages can use this script too; TARGET becomes
# `--target TARGET`. What is missing is fetched, from the first of these that has it:
#
#   1. the toolchain in use, and those that rustup has already;
#   2. `rustup toolchain install` or `rustup target add`;
#   3. Debian's packages, which are unpacked into a cache folder and not installed, so that they do
#      not meet a compiler that is. They have no bare-metal `core`: it is built from their source
#      (`-Zbuild-std`), and programs are linked with lld.
#
# GRADLET_FORCE_DISTRO=1 goes straight to 3. Exit status 77: nowhere to be had; else cargo's own.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/gradlet
unavailable=77

say() { echo "tests/cargo.sh: $*" >&2; }

# What the toolchain of the current folder and rustup can give; never when the distribution is forced.
use_rustup() { [[ -z ${GRADLET_FORCE_DISTRO:-} ]]; }

# A download that gets no answer shall not hold up a whole run.
within_5_minutes() {
    if command -v timeout >/dev/null; then timeout 300 "$@"; else "$@"; fi
}

rust_version() { sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' "$root/Cargo.toml"; }

# ---- Debian's packages -------------------------------------------------------------------------

as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        say "sudo is needed for: $*"
        sudo "$@"
    else
        return 1
    fi
}

# Versions of package $1 that apt offers, newest first.
offered() { apt-cache madison "$1" | awk '{ print $3 }'; }

# Whether compiler version $2 will do: for `exactly` 1.85 any 1.85.x, for `newest` all from 1.85 up.
fits() {
    local wanted
    wanted=$(rust_version)
    case $1 in
    exactly) [[ $2 == "$wanted" || $2 == "$wanted".* ]] ;;
    newest) [[ $(printf '%s\n' "$wanted" "$2" | sort -V | sed 1q) == "$wanted" ]] ;;
    esac
}

# Prints a line "PACKAGE=VERSION.." of compiler, cargo, library and source that belong together.
# Debian's stable releases carry newer compilers as rustc-web than as rustc.
choose_packages() {
    local family names version name
    for family in "rustc-web cargo-web libstd-rust-web-dev rust-web-src" \
        "rustc cargo libstd-rust-dev rust-src"; do
        read -ra names <<<"$family"
        for version in $(offered "${names[0]}"); do
            fits "$1" "${version%%[+~-]*}" || continue
            for name in "${names[@]}"; do
                offered "$name" | grep -xF -- "$version" >/dev/null || continue 2
            done
            echo "${names[@]/%/=$version}"
            return
        done
    done
    return 1
}

# Makes the folder $1 with the files of packages $2.. and of those they need that are not installed.
unpack_packages() {
    local into=$1 found package
    shift
    rm -rf "$into.part"
    mkdir -p "$into.part/debs"
    # What apt would install, as "Inst NAME [OLD] (VERSION ...".
    found=$(LC_ALL=C apt-get -s -y --no-install-recommends --reinstall --allow-downgrades \
        install "$@" | sed -nE 's/^Inst ([^ ]+) (\[[^]]*\] )?\(([^ ]+) .*/\1=\3/p')
    [[ -n $found ]] || return 1
    # shellcheck disable=SC2086 # one word for each package
    (cd "$into.part/debs" && apt-get -qq -o APT::Sandbox::User=root download $found >&2) || return 1
    for package in "$into.part/debs"/*.deb; do
        dpkg -x "$package" "$into.part" || return 1
    done
    rm -rf "$into.part/debs"
    mv "$into.part" "$into"
}

# Sets `distro` to the folder with Debian's compiler; $1 is `exactly` or `newest`.
fetch_distro() {
    local chosen packages version kind=
    if ! command -v apt-get >/dev/null; then
        say "without apt, please install it with rustup: \`rustup toolchain install $(rust_version)\`" \
            "or \`rustup target add TARGET\`"
        exit $unavailable
    fi
    if [[ -z $(offered rustc) ]]; then
        say "apt-get update, as apt has no package lists yet"
        as_root apt-get -qq update >&2 || say "apt-get update did not work"
    fi
    if ! chosen=$(choose_packages "$1"); then
        say "apt offers no compiler $(rust_version)$([[ $1 == exactly ]] || echo ' or newer')"
        exit $unavailable
    fi
    read -ra packages <<<"$chosen"
    if [[ $1 == newest ]]; then
        packages+=(lld)
        kind=-bare-metal
    else
        unset 'packages[3]' # the source
    fi
    version=${packages[0]#*=}
    distro=$cache/rust-${version%%[+~-]*}$kind
    if [[ ! -d $distro ]]; then
        say "unpacking ${packages[*]} into $distro"
        if ! unpack_packages "$distro" "${packages[@]}"; then
            say "the packages could not be had"
            exit $unavailable
        fi
    fi
    say "cargo and rustc ${version} of $distro"
}

# Runs Debian's cargo from the folder `distro`, by full path: rustup's may come first on PATH.
distro_cargo() {
    unset RUSTUP_TOOLCHAIN
    RUSTC=$distro/usr/bin/rustc RUSTDOC=$distro/usr/bin/rustdoc distro_program cargo "$@"
}

# Runs program $1 from the folder `distro`, with the libraries there.
distro_program() {
    local libraries
    libraries=$(printf '%s:' "$distro"/lib/*-linux-* "$distro"/usr/lib/*-linux-*)
    LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:-} "$distro/usr/bin/$1" "${@:2}"
}

# ---- the two choices ---------------------------------------------------------------------------

msrv_cargo() {
    local version toolchain=
    version=$(rust_version)
    # Apart from the builds of other compilers, which it would otherwise take turns with.
    export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/msrv
    if use_rustup && fits exactly "$(rustc --version | awk '{ print $2 }')"; then
        exec cargo "$@"
    fi
    if use_rustup && command -v rustup >/dev/null; then
        find_toolchain() {
            rustup toolchain list | grep -oE "^${version//./\\.}(\.[0-9]+)?-[^ ]+" | sed 1q
        }
        if ! toolchain=$(find_toolchain); then
            say "rustup toolchain install $version, the oldest supported compiler"
            within_5_minutes rustup toolchain install --profile minimal --no-self-update \
                "$version" >&2 || say "rustup cannot install it"
            toolchain=$(find_toolchain) || toolchain=
        fi
        if [[ -n $toolchain ]]; then
            say "cargo and rustc of rustup's $toolchain"
            exec rustup run "$toolchain" cargo "$@"
        fi
    fi
    fetch_distro exactly
    distro_cargo "$@"
}

bare_metal_cargo() {
    local target=$1 command=$2 sysroot host linker
    shift 2
    sysroot=$(rustc --print sysroot)
    if use_rustup; then
        if [[ ! -d $sysroot/lib/rustlib/$target/lib ]] && command -v rustup >/dev/null; then
            say "rustup target add $target"
            within_5_minutes rustup target add "$target" >&2 || say "rustup cannot add it"
        fi
        if [[ -d $sysroot/lib/rustlib/$target/lib ]]; then
            exec cargo "$command" --target "$target" "$@"
        fi
    fi
    fetch_distro newest
    # The rust-lld that comes with rustup is as new as its compiler; Debian's lld can be far older.
    host=$(rustc -vV | sed -n 's/^host: //p')
    linker=$sysroot/lib/rustlib/$host/bin/rust-lld
    [[ -x $linker ]] || linker=$distro/usr/bin/ld.lld
    # RUSTFLAGS would replace the flags of a .cargo/config.toml, and a target with a dot in its name
    # has no variable.
    RUSTC_BOOTSTRAP=1 distro_cargo "$command" --config "target.$target.linker='$linker'" \
        -Zbuild-std=core --target "$target" "$@"
}

# Sets `library` to the source of the toolchain in use, or a copy of it: with rustup's component `rust-src` in
# its place, the compiler would show lines of `core` in its errors, with which tests compare.
find_library() {
    local place
    place=$(rustc --print sysroot)/lib/rustlib/src/rust/library
    library=$cache/library-$(rustc --version --verbose | sed -n 's/^commit-hash: //p')
    if [[ -d $place ]]; then
        library=$place
    elif [[ ! -d $library ]]; then
        command -v rustup >/dev/null || return 1
        say "rustup component add rust-src, to be copied to $library"
        within_5_minutes rustup component add rust-src >&2 || return 1
        rm -rf "$library.part"
        mkdir -p "$cache"
        cp -r "$place" "$library.part"
        mv "$library.part" "$library"
        rustup component remove rust-src >&2
    fi
}

# With the source that rustup has, or that among Debian's packages.
avr_cargo() {
    local command=$1 build_std=(-Zbuild-std=core --target avr-none) library
    shift
    if use_rustup && rustc --print target-list | grep -x avr-none >/dev/null && find_library; then
        # The name says what cargo has it for; it is the only way to name another place.
        export __CARGO_TESTS_ONLY_SRC_ROOT=$library
        RUSTC_BOOTSTRAP=1 exec cargo "$command" "${build_std[@]}" "$@"
    fi
    fetch_distro newest
    if ! distro_program rustc --print target-list | grep -x avr-none >/dev/null; then
        say "that compiler is too old for avr-none: please run \`rustup component add rust-src\`"
        exit $unavailable
    fi
    RUSTC_BOOTSTRAP=1 distro_cargo "$command" "${build_std[@]}" "$@"
}

if [[ $# -lt 2 || $1 == -* ]]; then
    sed -n '2,/^set/ { /^#/ s/^# \{0,1\}//p }' "$0"
    exit 2
fi
case $1 in
msrv) shift && msrv_cargo "$@" ;;
avr-none) shift && avr_cargo "$@" ;;
*) bare_metal_cargo "$@" ;;
esac
