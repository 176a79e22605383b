#!/usr/bin/env bash
# Set up this checkout: system packages (apt, as root), a virtual environment with requirements-dev.txt, and the link that
# makes the checkout a collection. Does nothing, quickly, when nothing is left to do, and starts again whatever was interrupted.
#   tools/setup.sh [sandbox] [lint] [browser]   sandbox: what containers need too; lint: what checks workflows; browser: what opens pages
# VENV names another folder than .venv, PYTHON another interpreter than python3.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/setup_packages.sh

venv=${VENV:-.venv}
python=${PYTHON:-python3}
venv_mib=1050
mark=.made-by-make-setup
# make and an activated environment put it first: an interpreter that is about to be removed makes no environment.
PATH=$(printf '%s' "$PATH" | tr ':' '\n' | grep -vxF "$PWD/$venv/bin" | paste -sd:)
engine=${PEAR_SANDBOX_ENGINE:-podman}
output=

say() { printf '» %s\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }
clean() { [ -z "$output" ] || rm -f "$output"; }
interrupted() {
  trap '' INT TERM
  printf '\nsetup: interrupted. The next run starts the unfinished step again.\n' >&2
  exit 130
}
trap clean EXIT
trap interrupted INT TERM

# Run a command whose output matters only when it fails; it is in the file $output then.
quietly() {
  [ -n "$output" ] || output=$(mktemp)
  "$@" >"$output" 2>&1
}

# Two set-ups of one checkout would remove each other's half-made environment.
one_at_a_time() {
  command -v flock >/dev/null 2>&1 ||
    die "flock is missing, which every Linux has (util-linux): set-up is for Linux. docs/own-repository.md installs Ansible and the collection without it."
  if [ -e .cache ]; then require_writable .cache .cache/setup.lock; else require_writable .; fi
  mkdir -p .cache
  exec 9>>.cache/setup.lock
  if ! flock --nonblock 9; then
    say "waiting for another make setup (pid $(cat .cache/setup.lock)) in this checkout"
    flock 9
  fi
  # Where the disk is full, the step that needs room says so.
  printf '%s\n' $$ > .cache/setup.lock 2>/dev/null || true
}

# require_writable PATH...: what is there may be written to. After sudo make demo it is root's.
require_writable() {
  local path owner
  for path in "$@"; do
    [ -e "$path" ] && [ ! -w "$path" ] || continue
    owner=$(stat -c %U "$path")
    path=$(realpath "$path")
    die "$(id -un) may not write to $path, which belongs to $owner. Run this as $owner, or: sudo chown -R $(id -un) $path"
  done
}

# Ansible starts the interpreter of .venv by its path, unquoted; PATH and mounts are lists with colons and commas.
require_plain_path() {
  case $PWD in *[[:space:]:,]*) die "the path of this checkout, $PWD, has a space, a colon or a comma, which Ansible and containers cannot work with. Move it." ;; esac
}

require_root_for_containers() {
  [ "$engine" = podman ] && [ "$(id -u)" != 0 ] || return 0
  die "the sandbox needs root: podman gives containers addresses of their own, and the load balancer ports 443 and 80, to root alone. Run it as root, for example: sudo make demo"
}

require_python() {
  command -v "$python" >/dev/null 2>&1 || return 0
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "Python 3.11 or newer is needed; $python is $("$python" --version). Name another one: make setup PYTHON=python3.12"
}

# The last words of a package tool: what it calls an error, or its last line.
last_words() { { grep -aE '^(E: |ERROR|error|Err:)' "$output" || cat "$output"; } | tail -n 1; }

install_packages() {
  local missing
  # A package that is unpacked and not configured is there by name, and does not work. dpkg says nothing where all is well.
  if [ -n "$(dpkg --audit 2>/dev/null)" ] && [ "$(id -u)" = 0 ]; then
    say "finishing an installation of packages that was interrupted"
    quietly env DEBIAN_FRONTEND=noninteractive dpkg --configure -a 9>&- ||
      die "dpkg --configure -a failed: $(last_words). Run it by hand, then this again."
  fi
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    die "these packages are missing: $missing. As root, on Debian 12 or newer: apt-get update && apt-get install -y --no-install-recommends $missing"
  fi
  export DEBIAN_FRONTEND=noninteractive
  quietly apt-get update -qq -o DPkg::Lock::Timeout=600 9>&- || die_of_apt "$missing"
  # Only now is it known which podman this system has, and which network programs belong to it.
  missing=$(missing_packages "$@")
  say "installing $missing"
  # shellcheck disable=SC2086 # a list of words
  quietly apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=600 $missing 9>&- || die_of_apt "$missing"
  # What make distclean says can be removed: packages that were there before are not among them.
  tr ' ' '\n' <<<"$missing" >> .cache/installed-packages
  case " $missing " in *" docker-registry "*) keep_registry_service_off ;; esac
  missing=$(missing_packages "$@")
  [ -z "$missing" ] || die "apt-get installed $missing, and what they bring is still not found. Is PATH right, and what of them was removed by hand?"
}

# die_if_disk_is_full: where that is what a package tool said.
die_if_disk_is_full() {
  ! grep -qaE "No space left on device|don't have enough free space|os error 28" "$output" ||
    die "the disk is full: $(last_words). Make room, then run this again."
}

die_of_apt() {
  die_if_disk_is_full
  die "apt-get could not install $1: $(last_words). Is this machine online, and are its package sources right? By hand: apt-get update && apt-get install -y --no-install-recommends $1"
}

# Debian's package starts a registry of its own on port 5000 of all addresses, which the sandbox's would not get then.
keep_registry_service_off() {
  [ -d /run/systemd/system ] || return 0
  quietly systemctl disable --now docker-registry || say "the service docker-registry could not be stopped: $(last_words)"
}

# What a complete environment is: these requirements, this Python, at this path (it cannot be moved).
stamp_of() { printf '%s %s %s\n' "$(sha256sum < requirements-dev.txt | cut -d' ' -f1)" "$("$1" -c 'import sys; print(sys.version.split()[0])' 2>/dev/null)" "$PWD/$venv"; }

complete() {
  [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.complete" 2>/dev/null)" = "$(stamp_of "$venv/bin/python")" ] || return 1
  # A Python that was asked for by name is the one that is wanted.
  [ -z "${PYTHON:-}" ] || [ "$(stamp_of "$python")" = "$(stamp_of "$venv/bin/python")" ]
}

# VENV may name a folder that somebody else made: it is removed only where this script made it.
require_own_environment() {
  case $venv in .venv|.venv-*) return 0 ;; esac
  [ ! -e "$venv" ] || [ -e "$venv/$mark" ] || [ -e "$venv/.complete" ] || [ -z "$(ls -A "$venv")" ] ||
    die "VENV is $venv, which exists and was not made by make setup: it would be removed. Name a folder that does not exist."
}

make_environment() {
  local free
  require_own_environment
  require_writable "$(dirname "$venv")" "$venv"
  say "making $venv: Ansible, boto3, moto and the tools that check this repository (half a minute)"
  # What has no stamp is not repaired but made anew; the stamp goes first and comes last.
  rm -f "$venv/.complete"
  rm -rf "$venv"
  free=$(df --output=avail --block-size=1M . | tail -n 1 | tr -d ' ')
  [ "$free" -ge "$venv_mib" ] || die "the disk of $PWD is too full: $venv takes $venv_mib MiB, $free MiB are free."
  mkdir -p "$venv"
  : > "$venv/$mark"
  quietly "$python" -m venv "$venv" || die "$python -m venv failed: $(last_words)"
  quietly "$venv/bin/python" -m pip install --quiet --disable-pip-version-check uv || die_of_pip
  quietly "$venv/bin/uv" pip install --quiet --python "$venv/bin/python" -r requirements-dev.txt || die_of_pip
  link_collection
  stamp_of "$venv/bin/python" > "$venv/.complete"
}

die_of_pip() {
  die_if_disk_is_full
  die "the Python packages of requirements-dev.txt could not be installed: $(last_words). Is this machine online, and does its PyPI answer?"
}

# A link in site-packages resolves pear.fargate.* from any directory, without Galaxy and without a stale copy. The second
# link has the same name for each version of Python: ansible.cfg puts it before what Galaxy installed for this user.
link_collection() {
  local site
  site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  mkdir -p "$site/ansible_collections/pear" "$venv/collections"
  ln -sfn "$PWD" "$site/ansible_collections/pear/fargate"
  ln -sfn "$site/ansible_collections" "$venv/collections/ansible_collections"
}

case " $* " in *" sandbox "*) require_root_for_containers ;; esac
require_plain_path
require_python
one_at_a_time
install_packages "$@"
require_python
complete || make_environment
