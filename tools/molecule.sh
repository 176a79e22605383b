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
unset ANSIBLE_CONFIG
if [ $# -eq 0 ]; then
  molecule test --all --report
else
  for scenario in "$@"; do molecule test --scenario-name "$scenario"; done
fi
