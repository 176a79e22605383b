#!/usr/bin/env bash
# Set up this checkout: system packages (apt, as root), .venv with requirements-dev.txt, the link that makes it a collection.
# Does nothing, quickly, when nothing is left to do.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '» %s\n' "$*" >&2; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# What is missing of the programs that the sandbox, the image build and the tests call.
missing=()
want() { command -v "$1" >/dev/null 2>&1 || PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
want curl curl
want git git
want ip iproute2
want mmdebstrap mmdebstrap
want docker-registry docker-registry
if [ "${PEAR_SANDBOX_ENGINE:-podman}" = podman ]; then
  want podman podman
  want runc runc
  want buildah buildah
  want iptables iptables
  want catatonit catatonit
  [ -x /usr/lib/cni/bridge ] || missing+=(containernetworking-plugins)
fi
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
python=${PYTHON:-python3}
command -v "$python" >/dev/null 2>&1 || missing+=(python3)
[ -x .venv/bin/python ] || "$python" -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)

if [ ${#missing[@]} -gt 0 ]; then
  install="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    die "these packages are missing: ${missing[*]}. As root, on Debian 12 or newer: $install"
  fi
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/tmp/pear-setup-apt.$$ 2>&1 \
    || { tail -n 20 /tmp/pear-setup-apt.$$ >&2; rm -f /tmp/pear-setup-apt.$$; die "apt-get failed; run it by hand: $install"; }
  rm -f /tmp/pear-setup-apt.$$
fi

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "Python 3.11 or newer is needed; $python is $("$python" --version)."

wanted=$(sha256sum requirements-dev.txt | cut -d' ' -f1)
if [ "$(cat .venv/.requirements 2>/dev/null)" != "$wanted" ]; then
  say "making .venv: Ansible, boto3, moto and the tools that check this repository (half a minute)"
  [ -x .venv/bin/python ] || "$python" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
  .venv/bin/uv pip install --quiet --python .venv/bin/python -r requirements-dev.txt
  printf '%s\n' "$wanted" > .venv/.requirements
fi

# A link in site-packages resolves pear.fargate.* from any directory, without Galaxy and without a stale copy.
site=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$site/ansible_collections/pear"
ln -sfn "$PWD" "$site/ansible_collections/pear/fargate"
