#!/usr/bin/env bash
# Runs all checks of this repository, and first installs what is missing.
#
#   tests/all.sh            all steps
#   tests/all.sh STEP..     only these steps
#   tests/all.sh --bless    update the snapshot of the public API, tests/public_api.txt
#   tests/all.sh --help     show this help
#
# Steps, in the order of a full run:
#
#   fmt       the code is formatted with rustfmt
#   clippy    no warnings from Clippy in all targets with all features
#   doc       no warnings from rustdoc
#   test      unit, integration and documentation tests, all with overflow checks; unit tests, and those
#             that compute for long, optimised (unit tests without optimisation are in `msrv`)
#   msrv      all tests compile on the oldest supported compiler, and its loops give the same bits
#   no_std    builds for bare-metal targets, which have neither std nor an allocator
#   firmware  training on emulated cores is bit-identical to this machine; no panics are linked
#   bits      training on AArch64, RISC-V, i686 and WebAssembly is bit-identical to this machine, also
#             with all instructions that it has; i586, which rounds differently, does not compile
#   examples  tests of what the examples compute, print and plot; each runs and exits successfully, and
#             the files that it writes are complete
#   python    exchanges files with the Python library safetensors in both directions; exports models of
#             scikit-learn and TensorFlow Lite; trains alternately with PyTorch if it is installed or
#             with GRADLET_TORCH=1, otherwise with numpy
#   api       the public API matches tests/public_api.txt
#   features  no warnings and correct results, without features and with each alone; no warnings from
#             rustdoc without features; each also builds for bare metal
#   package   the package could be published, and contains the files that its documentation includes
#   fuzz      15 seconds of random safetensors files: accepted or refused as by the safetensors crate
#
# Only when named, as their programs take minutes to install:
#
#   deny      licences, known vulnerabilities and sources of all dependencies
#   semver    no breaking change since the last release without the version number saying so
#
# A failed step does not stop the others. A full run installs first, then runs two groups of steps in
# parallel. Needed on PATH: cargo, preferably from rustup.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

all_steps=(fmt clippy doc test msrv no_std firmware bits examples python api features package fuzz)
extra_steps=(deny semver)
# Those of a full run that go beside the others, as a build often keeps but one core busy.
lane=(bits firmware fuzz)
# TARGET=COMMAND that runs its programs.
bits_targets=(aarch64-unknown-none=qemu-aarch64 riscv64gc-unknown-none-elf=qemu-riscv64
    i686-unknown-linux-gnu=qemu-i386
    "wasm32-unknown-unknown=node run.mjs")
firmware_targets=(thumbv6m-none-eabi thumbv7m-none-eabi thumbv7em-none-eabihf thumbv8m.main-none-eabihf
    riscv32imac-unknown-none-elf avr-none)
bare_metal_targets=(thumbv6m-none-eabi thumbv7em-none-eabihf riscv32imac-unknown-none-elf)
# Tests that are optimised. The others take longer to optimise than to run as they are.
optimised="golden optimised quantiles"
# The tests of what each feature adds.
tests_of_features=("defmt=--test defmt" "embedded-io-v0.7=--test safetensors_out"
    "embedded-storage-async-v0.4=--test store" "nalgebra-v0.35=--test linear" "rand_core-v0.10=--test init"
    "stream=--test stream")
example_packages=(--package examples --package gesture --package shared --package worked_net)
snapshot=tests/public_api.txt
bless=

# Each run builds each thing once, so what the compiler would save for the next build is 10 GB of waste.
export CARGO_INCREMENTAL=0

scratch=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$scratch"' EXIT

# ---- steps: what each needs, and what it does --------------------------------------------------

needs_fmt() { component cargo-fmt rustfmt; }

step_fmt() {
    cargo fmt --all --check
}

needs_clippy() { component cargo-clippy clippy; }

step_clippy() {
    cargo clippy --locked --all-targets --all-features --workspace -- -D warnings
}

step_doc() {
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --all-features
}

step_test() {
    groups_are_whole
    # Features add, so what tests test without them is part of what they test with them. Unit tests without
    # optimisation are in the step `msrv`.
    checked 0 --doc --all-features
    local path name plain=() fast=()
    for path in tests/*.rs tests/*/main.rs; do
        name=${path#tests/}
        name=${name%/main.rs}
        name=${name%.rs}
        if [[ " $optimised " == *" $name "* ]]; then
            fast+=(--test "$name")
        elif [[ $name != compile_fail ]]; then
            plain+=(--test "$name")
        fi
    done
    checked 0 "${plain[@]}" --all-features
    checked 3 "${fast[@]}" --all-features
    # It compiles all dependencies, so with no more features than it tests.
    checked 0 --test compile_fail --no-default-features --features microfft-v0.6,rand_core-v0.10
    # Optimised for size, the library has other loops than in the first line.
    checked '"s"' --lib --all-features
}

# Whether each file of a group of tests is named in its main.rs: cargo would not miss it.
groups_are_whole() {
    local path name status=0
    for path in tests/*/main.rs; do
        for name in $(cd "$(dirname "$path")" && ls ./*.rs); do
            name=$(basename "$name" .rs)
            [[ $name == main ]] || grep -x "mod $name;" "$path" >/dev/null || {
                echo "$path has no \`mod $name;\`" >&2
                status=1
            }
        done
    done
    return $status
}

# Tests at optimisation level $1. Dependencies are always optimised, so that they are compiled once.
checked() {
    local level=$1
    shift
    cargo test --locked --no-fail-fast --profile checked \
        --config "profile.checked.package.gradlet.opt-level=$level" "$@"
}

needs_msrv() {
    # No harm: fetching is all that this is for, and the step says what is wrong.
    tests/cargo.sh msrv fetch --locked || true
}

step_msrv() {
    local status=0
    oldest check --tests || status=$?
    [[ $status != 77 ]] || skip "no compiler of the oldest supported version to be had, see above"
    [[ $status == 0 ]] || return $status
    # All that differs is the compiler. What it could get wrong is the order of sums, which these compare
    # with the contract.
    oldest test --lib
}

# Cargo of the oldest supported version.
oldest() {
    tests/cargo.sh msrv "$1" --locked --config profile.dev.debug=0 \
        --features defmt,embedded-io-v0.7,microfft-v0.6,rand_core-v0.10 "${@:2}"
}

needs_no_std() { fetch_targets "${bare_metal_targets[@]}"; }

step_no_std() {
    local target status=0
    for target in "${bare_metal_targets[@]}"; do
        # What it depends on is only there to be compiled against.
        tests/cargo.sh "$target" rustc --locked --lib --release --all-features \
            --config 'profile.release.package."*".opt-level=0' -- -D warnings \
            || status=$?
        [[ $status != 77 ]] || echo "no way to build for $target here, see above" >&2
        [[ $status == 0 ]] || return $status
    done
}

needs_firmware() {
    system_program qemu-system-arm "it plays the Arm cores" qemu-system-arm
    system_program qemu-system-riscv32 "it plays the RISC-V core" qemu-system-misc
    system_program simavr "it plays the AVR core" simavr
    system_program avr-gcc "programs for AVR are linked with it" gcc-avr avr-libc
    cargo_program qemu-run 0.3.1
    cargo_program defmt-print 1.2.0
    component cargo-fmt rustfmt
    component cargo-clippy clippy
    fetch_targets "${firmware_targets[@]}"
}

step_firmware() {
    (cd examples/firmware && cargo fmt --check --package gradlet-firmware --package gradlet-avr)
    firmware_clippy thumbv7em-none-eabihf --features large,measure
    firmware_clippy thumbv7em-none-eabihf --features panic-never,panic-on-purpose
    firmware_clippy thumbv7em-none-eabihf --features microbit-v2,fixed
    firmware_clippy avr-none --package gradlet-avr
    # `--ignored` are those that need what this step has seen to. With four at a time, two build, each in
    # a folder of its own, while others run what they built.
    checked 0 --all-features --test firmware -- --include-ignored --test-threads=4
}

# tests/cargo.sh in the package of the firmware.
in_firmware() { (cd examples/firmware && ../../tests/cargo.sh "$@"); }

firmware_clippy() {
    local target=$1 library
    shift
    library=$(rustc --print sysroot)/lib/rustlib/$target/lib
    [[ $target != avr-none ]] || library=$(rustc --print sysroot)/lib/rustlib/src/rust/library/core
    if [[ -n ${GRADLET_FORCE_DISTRO:-} || ! -d $library ]]; then
        echo "   no clippy for $target: the distribution's compiler, which built it, has none"
        return 0
    fi
    # With the procedural macros that the tests build.
    in_firmware "$target" clippy --quiet --locked --release "$@" -- -D warnings
}

needs_bits() {
    [[ $(uname -s) == Linux ]] || skip "QEMU runs programs of Linux only under Linux"
    system_program qemu-aarch64 "it runs programs of other processors" qemu-user
    system_program node "it runs WebAssembly" nodejs
    component cargo-fmt rustfmt
    component cargo-clippy clippy
    fetch_targets "${bits_targets[@]%%=*}" i586-unknown-linux-gnu
}

step_bits() {
    local pair target program level status=0
    cd tests/bits
    cargo fmt --check
    cargo clippy --quiet --locked --release -- -D warnings
    cargo run --quiet --locked --release >"$scratch/bits"
    echo "   this machine, with all instructions that it has"
    RUSTFLAGS="-C target-cpu=native" cargo run --quiet --locked --release --target-dir target/native \
        | diff "$scratch/bits" -
    for pair in "${bits_targets[@]}"; do
        target=${pair%%=*}
        echo "   $target"
        # Loops become others with SIMD instructions only, and at level 1 they take less time to compile.
        level=1
        [[ $target != aarch64* ]] || level=3
        ../cargo.sh "$target" build --quiet --locked --release \
            --config "profile.release.opt-level=$level" || status=$?
        [[ $status != 77 ]] || echo "no way to build for $target here, see above" >&2
        [[ $status == 0 ]] || return $status
        program=target/$target/release/gradlet-bits
        [[ ! -e $program.wasm ]] || program+=.wasm
        # shellcheck disable=SC2086 # a command and its arguments
        ${pair#*=} "$program" | diff "$scratch/bits" -
    done
    cd ../..
    echo "   i586-unknown-linux-gnu is refused"
    tests/cargo.sh i586-unknown-linux-gnu check --quiet --locked --lib \
        >"$scratch/log" 2>&1 || status=$?
    if [[ $status == 0 ]] || ! grep -F gradlet_other_bits "$scratch/log" >/dev/null; then
        cat "$scratch/log" >&2
        return 1
    fi
}

step_examples() {
    local program name out options help
    cargo test --locked --no-fail-fast --profile checked "${example_packages[@]}" --all-features \
        --test examples --test model --test shared --test worked_net
    cargo test --locked --profile checked --package shared --doc
    mkdir "$scratch/files"
    for program in examples/host/src/bin/*.rs examples/worked_net; do
        name=$(basename "$program" .rs)
        out=$scratch/files/$name
        mkdir "$out"
        options=()
        help=$(run_example "$name" --help)
        [[ $help != *--output* ]] || options+=(--output "$out")
        [[ $help != *--quick* ]] || options+=(--quick)
        echo "   $name ${options[*]:-}"
        run_example "$name" ${options[@]+"${options[@]}"} | tee "$scratch/said"
        [[ $help != *--output* ]] || names_its_files "$name" "$out"
    done
    GRADLET_EXAMPLE_FILES=$scratch/files cargo test --locked --quiet --profile checked \
        "${example_packages[@]}" --all-features --test examples -- --ignored files_of_examples
}

# Whether example $1 wrote into the folder $2 just the files whose paths it printed.
names_its_files() {
    local name=$1 out=$2 path status=0
    [[ -n $(ls -A "$out") ]] || {
        echo "$name wrote nothing to its --output" >&2
        return 1
    }
    for path in $(grep -oE '[^[:space:]]*/[^[:space:]]*\.(svg|csv)\b' "$scratch/said"); do
        [[ -s $path ]] || {
            echo "$name printed the path of a file that is not there: $path" >&2
            status=1
        }
    done
    for path in "$out"/*; do
        grep -qF "$path" "$scratch/said" || {
            echo "$name wrote a file without printing its path: $path" >&2
            status=1
        }
    done
    return $status
}

run_example() { target/checked/"$1" "${@:2}" </dev/null; }

needs_python() {
    local python=target/python/bin/python
    command -v python3 >/dev/null || skip "no python3"
    # For torch, if it is installed, this sees the packages of the system.
    [[ -x $python ]] || python3 -m venv --system-site-packages target/python \
        || skip "python3 cannot make an environment (in Debian: python3-venv)"
    python_packages safetensors==0.8.0 numpy scikit-learn
    # Several gigabytes.
    [[ -z ${GRADLET_TORCH:-} ]] || python_packages torch keras
}

step_python() {
    local python=target/python/bin/python folder=$scratch/python name turn
    mkdir "$folder"

    echo "   the same bytes"
    "$python" tests/python/files.py "$folder"
    for name in int8 names order plain sequence sequence_cases; do
        cmp "tests/weights/$name.safetensors" "$folder/$name.safetensors"
    done

    echo "   int8 layers of LiteRT"
    if "$python" -m pip --quiet --disable-pip-version-check install ai-edge-litert flatbuffers; then
        "$python" tests/python/int8.py 2>"$folder/int8.log" | cmp - tests/golden/int8/layers.json
        "$python" tests/python/tflite.py "$folder" 2>"$folder/tflite.log" || { cat "$folder/tflite.log"; false; }
        for name in tests/golden/int8/tflite_*; do
            cmp "$name" "$folder/${name##*/}"
        done
    else
        echo "   not compared: pip cannot install them here"
    fi

    echo "   exports"
    "$python" tests/python/exports.py "$folder"
    GRADLET_EXPORTS=$folder checked 0 --quiet --all-features --test library -- --ignored exports::

    echo "   training in turns"
    "$python" tests/python/round_trip.py begin "$folder"
    for turn in "first second" second; do
        GRADLET_ROUND_TRIP=$folder GRADLET_ROUND_TRIP_NAME=${turn% *} \
            checked 0 --quiet --all-features --test library -- --ignored round_trip::
        # shellcheck disable=SC2086 # one or two names
        "$python" tests/python/round_trip.py go_on "$folder" $turn
    done
    "$python" tests/python/round_trip.py load "$folder"
}

# Sees to Python packages in target/python.
python_packages() {
    local pip=(target/python/bin/python -m pip --quiet --disable-pip-version-check)
    echo "   pip install $*"
    "${pip[@]}" install "$@" || skip "pip cannot install $* here, see above"
}

needs_api() {
    nightly
    cargo_program cargo-public-api 0.52.0 || skip "no cargo-public-api to be had, see above"
}

step_api() {
    [[ -n $bless || -e $snapshot ]] || skip "no $snapshot yet (\`tests/all.sh --bless\`)"
    # Both change often and only fit each other at times; that says nothing about this crate.
    cargo +nightly public-api -sss --all-features >"$scratch/public_api.txt" \
        || skip "cargo-public-api and this nightly do not go together, see above"
    if [[ -n $bless ]]; then
        cp "$scratch/public_api.txt" "$snapshot"
        echo "   wrote $snapshot"
    elif ! diff -u "$snapshot" "$scratch/public_api.txt"; then
        echo "The public API changed. If it should, run tests/all.sh --bless and commit the file." >&2
        return 1
    fi
}

needs_features() {
    component cargo-clippy clippy
    fetch_targets thumbv6m-none-eabi
}

step_features() {
    local feature target=thumbv6m-none-eabi pair status=0
    # With all, they are the step `doc`.
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps --no-default-features
    for pair in "${tests_of_features[@]}"; do
        feature=${pair%=*}
        echo "   tests of $feature"
        # shellcheck disable=SC2086 # one option for each word
        checked 0 ${pair#*=} --no-default-features --features "$feature"
    done
    # The Cortex-M0 has neither std nor atomics; the step `no_std` has all features together, on others too.
    for feature in "" default $(features); do
        echo "   $target ${feature:-none}"
        tests/cargo.sh "$target" clippy --locked --lib --no-default-features --features "$feature" --quiet -- \
            -D warnings || status=$?
        [[ $status != 77 ]] || echo "no way to build for $target here, see above" >&2
        [[ $status == 0 ]] || return $status
    done
}

step_package() {
    local folder path file status=0
    # Of a checkout that has changes too.
    cargo package --locked --allow-dirty
    folder=$(echo target/package/gradlet-*/)
    # What the documentation reads is there, so that its tests run in the package.
    for path in $(cd "$folder" && grep -rl --include=*.rs --include=*.md 'include[a-z_]*!("' .); do
        for file in $(grep -o 'include[a-z_]*!("[^"]*")' "$folder/$path" | cut -d '"' -f 2); do
            [[ $file == .. || -e $(dirname "$folder/$path")/$file ]] || {
                echo "the package lacks $file, which $path reads" >&2
                status=1
            }
        done
    done
    return $status
}

needs_fuzz() {
    nightly
    system_program c++ "the fuzzer is built with it" g++
    cargo_program cargo-fuzz 0.13.2 || skip "no cargo-fuzz to be had, see above"
    component cargo-fmt rustfmt
}

step_fuzz() {
    local target
    (cd tests/fuzz && cargo fmt --check)
    cargo +nightly fuzz build --fuzz-dir tests/fuzz
    local runs=() status=0 run
    for target in file header tensors; do
        fuzz "$target" >"$scratch/fuzz-$target" 2>&1 &
        runs+=("$target=$!")
    done
    for run in "${runs[@]}"; do
        echo "   ${run%=*}"
        if wait "${run#*=}"; then
            grep DONE "$scratch/fuzz-${run%=*}"
        else
            tail -n 60 "$scratch/fuzz-${run%=*}" >&2
            status=1
        fi
    done
    return $status
}

# Runs target $1 for a quarter of a minute.
fuzz() {
    local corpus=$scratch/corpus/$1
    mkdir -p "$corpus"
    # What is new goes to the first folder.
    cargo +nightly fuzz run --fuzz-dir tests/fuzz "$1" "$corpus" "tests/fuzz/corpus/$1" -- \
        -dict=tests/fuzz/json.dict -max_total_time=15 -timeout=10
}

needs_deny() { cargo_program cargo-deny 0.20.2 || skip "no cargo-deny to be had, see above"; }

step_deny() {
    local deny=(cargo deny --workspace --config tests/deny.toml)
    "${deny[@]}" check bans licenses sources
    "${deny[@]}" fetch db || skip "the database of vulnerabilities cannot be had; all else is well"
    "${deny[@]}" check advisories
}

needs_semver() {
    cargo_program cargo-semver-checks 0.45.0 || skip "no cargo-semver-checks to be had, see above"
}

step_semver() {
    local release
    release=$(git tag --list 'v*' --sort -v:refname | sed 1q)
    [[ -n $release ]] || skip "no release yet"
    cargo semver-checks --baseline-rev "$release" --all-features
}

# ---- helpers -----------------------------------------------------------------------------------

# Ends the step: it could not be done, and why.
skip() {
    echo "$*" >"$scratch/reason-$step"
    exit 77
}

# The features of this package but `default`, one a line.
features() {
    local line
    # In the metadata of each package, `manifest_path` follows `features`.
    line=$(cargo metadata --locked --no-deps --format-version 1 \
        | grep -oE '"features":\{[^}]*\},"manifest_path":"[^"]*"' \
        | grep -F "\"$PWD/Cargo.toml\"") || return 1
    { grep -oE '"[^"]+":\[' <<<"$line" || true; } | tr -d '":[' | sed '/^default$/d'
}

# Sees to the targets $1.., if rustup has them; the steps say of each that is not to be had.
fetch_targets() {
    local target
    for target; do
        tests/cargo.sh "$target" fetch --quiet --locked || true
    done
}

# Sees to rustup's component $2, which has the program $1.
component() {
    ! cargo "${1#cargo-}" --version >/dev/null 2>&1 || return 0
    echo "   rustup component add $2"
    rustup component add "$2"
}

# Sees to a program of the system, which is needed because $2, by installing Debian's packages $3..
system_program() {
    local program=$1 reason=$2 root=()
    shift 2
    ! command -v "$program" >/dev/null || return 0
    [[ $(id -u) == 0 ]] || root=(sudo)
    if ! command -v apt-get >/dev/null || ! command -v "${root[0]:-true}" >/dev/null; then
        echo "$program is missing: please install it, $reason (in Debian: $*)" >&2
        return 1
    fi
    echo "== installing $*: $reason"
    ${root[@]+"${root[@]}"} apt-get -qq update
    ${root[@]+"${root[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq -o Dpkg::Use-Pty=0 install --no-install-recommends "$@"
}

# Sees to a nightly compiler.
nightly() {
    { rustup toolchain list 2>/dev/null || true; } | grep '^nightly' >/dev/null \
        || rustup toolchain install nightly --profile minimal --no-self-update \
        || skip "no nightly compiler to be had, see above"
}

# Sees to program $1 by building version $2 of the package of that name.
cargo_program() {
    PATH=$PATH:${CARGO_HOME:-$HOME/.cargo}/bin
    ! command -v "$1" >/dev/null || return 0
    echo "   cargo install --locked $1"
    cargo install --quiet --locked "$1@$2"
}

# ---- the run -----------------------------------------------------------------------------------

usage() { sed -n '2,/^set/ { /^#/ s/^# \{0,1\}//p }' "${BASH_SOURCE[0]}"; }

steps=()
for argument; do
    case $argument in
    --help | -h) usage && exit ;;
    --bless) bless=yes ;;
    *)
        if [[ " ${all_steps[*]} ${extra_steps[*]} " != *" $argument "* ]]; then
            echo "tests/all.sh: no step $argument; the steps are ${all_steps[*]} ${extra_steps[*]}" >&2
            exit 2
        fi
        steps+=("$argument")
        ;;
    esac
done
if [[ ${#steps[@]} == 0 ]]; then
    if [[ -n $bless ]]; then steps=(api); else steps=("${all_steps[@]}"); fi
fi

if ! command -v cargo >/dev/null; then
    echo "tests/all.sh: cargo is missing: please install Rust with rustup" >&2
    exit 1
fi
# rustc calls the C compiler to link whatever runs on this machine: tests and build scripts.
system_program cc "rustc links programs with it" gcc libc6-dev

# Runs the steps $1.. one after the other.
run() {
    local step
    for step; do
        echo "== $step"
        SECONDS=0
        # Not as a condition: bash would then go on after a command that fails inside the step.
        set +e
        (
            set -e
            needs "$step"
            "step_$step"
        )
        echo $? $SECONDS >"$scratch/ended-$step"
        set -e
    done
}

# Sees to what a step needs.
needs() { ! declare -F "needs_$1" >/dev/null || "needs_$1"; }

if [[ ${#steps[@]} == "${#all_steps[@]}" ]]; then
    echo "== what is missing"
    for step in "${steps[@]}"; do
        # The step says what is wrong.
        (needs "$step") || true
    done
    echo "== ${lane[*]}: beside the others, and told of at the end"
    run "${lane[@]}" >"$scratch/lane" 2>&1 &
    others=()
    for step in "${steps[@]}"; do
        [[ " ${lane[*]} " == *" $step "* ]] || others+=("$step")
    done
    run "${others[@]}"
    wait
    cat "$scratch/lane"
else
    run "${steps[@]}"
fi

passed=0 failed=0 skipped=0
echo "== summary"
for step in "${steps[@]}"; do
    read -r status seconds <"$scratch/ended-$step"
    if [[ $status == 0 ]]; then
        passed=$((passed + 1)) outcome=passed
    elif [[ $status == 77 && -e $scratch/reason-$step ]]; then
        skipped=$((skipped + 1)) outcome="skipped: $(cat "$scratch/reason-$step")"
    else
        failed=$((failed + 1)) outcome=FAILED
    fi
    printf '   %-9s %4d s  %s\n' "$step" "$seconds" "$outcome"
done
if [[ $skipped == 0 ]]; then
    echo "$passed passed, $failed failed"
else
    echo "$passed passed, $failed failed, $skipped skipped"
fi
[[ $failed == 0 ]]
