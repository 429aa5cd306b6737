# Sets up .venv in the checkout. Sourced by deploy/demo and tests/set-up.sh:
#
#     . deploy/bootstrap.sh && set_up deploy/requirements.txt
#
# Everything stays in the checkout (.venv and .cache) except apt packages. Where packages come from is the
# machine's own configuration of pip or uv. POSIX sh; the working directory is the top of the checkout.

export PIP_CACHE_DIR="$PWD/.cache/pip" PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
export UV_CACHE_DIR="$PWD/.cache/uv" UV_PYTHON_DOWNLOADS=never
# The caller may stand in another environment; this one is named explicitly.
unset VIRTUAL_ENV PYTHONHOME PYTHONPATH

set_up_log=.cache/set-up.log

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$@"
    exit 69
}

# Runs a command into the log with a sign of life; shows the end of the log if it fails.
quietly() {
    "$@" >>"$set_up_log" 2>&1 </dev/null &
    quietly_pid=$!
    # Ctrl-C ends the command too, not just the dots.
    trap 'kill "$quietly_pid" 2>/dev/null || :; exit 130' INT TERM
    while kill -0 "$quietly_pid" 2>/dev/null; do
        printf '.' >&2
        sleep 1
    done
    printf '\n' >&2
    trap - INT TERM
    wait "$quietly_pid"
}

is_root() { [ "$(id -u)" = 0 ]; }

# Installs Debian or Ubuntu packages where that is possible; false where it isn't.
apt_install() {
    is_root && command -v apt-get >/dev/null || return 1
    printf 'apt-get install %s ' "$*" >&2
    if [ -z "${apt_is_updated:-}" ]; then
        quietly env DEBIAN_FRONTEND=noninteractive apt-get update -q || say "apt-get update failed; trying without."
        apt_is_updated=yes
    fi
    quietly env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# Prints a Python that is new enough: $PYTHON, python3, or one with its version in its name.
find_python() {
    for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

no_python() {
    found=$(python3 -c 'import platform; print("Python", platform.python_version())' 2>/dev/null || echo "no python3")
    die "syncd needs Python 3.11 or newer; this machine has $found.
Install one (on Debian 12 or Ubuntu 24.04: sudo apt-get install python3 python3-venv), or name one:
    PYTHON=/path/to/python3.11 sh $0"
}

ensure_python() {
    python=$(find_python) && return 0
    for minor in 13 12 11; do
        if apt-cache show "python3.$minor-venv" >/dev/null 2>&1 && apt_install "python3.$minor" "python3.$minor-venv"; then
            python=$(find_python) && return 0
        fi
    done
    no_python
}

# Debian and Ubuntu ship Python without ensurepip; python3.N-venv has it.
ensure_venv_module() {
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 && return 0
    package=$("$python" -c 'import sys; print("python3.%d-venv" % sys.version_info[1])')
    apt_install "$package" && "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 && return 0
    die "$python cannot make virtual environments: its modules venv and ensurepip are missing.
Install them and start again:
    sudo apt-get install $package"
}

# uv reads no pip configuration, so it is told about a mirror that pip was told about.
tell_uv_the_index() {
    [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] || return 0
    index=${PIP_INDEX_URL:-$("$python" -m pip config get global.index-url 2>/dev/null || :)}
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
}

install_with_uv() {
    tell_uv_the_index
    rm -rf .venv
    printf 'Installing into .venv with uv ' >&2
    quietly uv_steps "$1"
}

uv_steps() {
    uv venv --python "$python" .venv || return 1
    for file in "$1" deploy/build.txt; do
        uv pip install --python .venv/bin/python --require-hashes -r "$file" || return 1
    done
    uv pip install --python .venv/bin/python --no-build-isolation --no-deps --editable .
}

install_with_pip() {
    ensure_venv_module
    printf 'Installing into .venv with pip (a minute or two) ' >&2
    quietly pip_steps "$1"
}

pip_steps() {
    "$python" -m venv --clear .venv || return 1
    for file in "$1" deploy/build.txt; do
        .venv/bin/python -m pip install --require-hashes -r "$file" || return 1
    done
    .venv/bin/python -m pip install --no-build-isolation --no-deps --editable .
}

# What .venv is made from; it is made again when any of it changes, a moved checkout included.
fingerprint() {
    # The settings of the tools, from the first rule on, make no difference to what is installed.
    { pwd; sed '/^# ---/,$d' pyproject.toml; cat deploy/build.txt "$1"; } | cksum
}

# True if .venv was made from these requirements; what the checks need includes what syncd runs on.
is_set_up() {
    [ -x .venv/bin/syncd ] && .venv/bin/python -c '' 2>/dev/null || return 1
    made_from=$(cat .venv/made-from 2>/dev/null || :)
    [ "$made_from" = "$(fingerprint "$1")" ] || [ "$made_from" = "$(fingerprint tests/requirements.txt)" ]
}

# Makes .venv hold what the given requirements file locks, and syncd itself.
set_up() {
    ! is_set_up "$1" || return 0
    mkdir -p .cache
    : >"$set_up_log"
    ensure_python
    say "Setting up (the first time, or after a change), with $("$python" --version)."
    if ! command -v uv >/dev/null 2>&1; then
        install_with_pip "$1" || installation_failed "$1"
    elif ! install_with_uv "$1"; then
        say "uv could not do it; trying pip."
        install_with_pip "$1" || installation_failed "$1"
    fi
    fingerprint "$1" >.venv/made-from
}

installation_failed() {
    tail -n 20 "$set_up_log" >&2
    die "The packages of $1 could not be installed; the reason is above, and all of it in $set_up_log.
They come from where pip is told to look (see: $python -m pip config list); check that, and the network."
}
