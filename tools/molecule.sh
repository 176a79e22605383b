#!/usr/bin/env bash
# Molecule on a sandbox of its own: all scenarios, or the ones named.
set -euo pipefail
cd "$(dirname "$0")/.."
home=$(mktemp -d)/home
export PEAR_SANDBOX_HOME=$home
trap 'python -m sandbox down >/dev/null; rmdir "$(dirname "$home")"' EXIT
python -m sandbox up
eval "$(python -m sandbox env)"
examples/nginx/build.sh
# Molecule writes a configuration of its own; a copy of the collection that Galaxy installed must not be found first.
unset ANSIBLE_CONFIG
export ANSIBLE_COLLECTIONS_PATH=$PWD/.venv/collections:~/.ansible/collections:/usr/share/ansible/collections
if [ $# -eq 0 ]; then
  molecule test --all --report
else
  for scenario in "$@"; do molecule test --scenario-name "$scenario"; done
fi
