#!/usr/bin/env bash
# Event-Driven Ansible for real: ansible-rulebook, in an environment of its own, on a sandbox. It needs Java 17, which its rule engine runs in.
set -euo pipefail
cd "$(dirname "$0")/.."
home=${PEAR_CACHE:-$PWD/.cache}/ansible-rulebook
if ! command -v java >/dev/null 2>&1; then
  echo "eda: ansible-rulebook needs Java 17 or newer. As root, on Debian: apt-get install -y --no-install-recommends openjdk-17-jre-headless" >&2
  exit 1
fi
if [ ! -x "$home/bin/ansible-rulebook" ]; then
  echo "» making $home" >&2
  "${PYTHON:-python3}" -m venv "$home"
  "$home/bin/python" -m pip install --quiet 'ansible-rulebook>=1.3,<2' boto3
fi
export PEAR_RULEBOOK=$home
exec pytest -q -x --timeout 3600 tests/eda "$@"
