#!/usr/bin/env bash
# Molecule on sandboxes of its own: the scenarios that are named, with all that they print; or all of them, two at a time,
# with what the failed ones printed.
set -euo pipefail
cd "$(dirname "$0")/.."
# Molecule writes a configuration of its own; a copy of the collection that Galaxy installed must not be found first.
unset ANSIBLE_CONFIG
export ANSIBLE_COLLECTIONS_PATH=$PWD/${VENV:-.venv}/collections:~/.ansible/collections:/usr/share/ansible/collections

# on_a_sandbox COMMAND...: run it with the environment of a sandbox that is removed at the end.
on_a_sandbox() (
  PEAR_SANDBOX_HOME=$(mktemp -d)/home
  export PEAR_SANDBOX_HOME
  trap 'python -m sandbox down >/dev/null; rmdir "$(dirname "$PEAR_SANDBOX_HOME")"' EXIT
  python -m sandbox up >/dev/null || exit 1
  eval "$(python -m sandbox env)"
  examples/nginx/build.sh || exit 1
  "$@"
)

named() {
  local scenario
  for scenario in "$@"; do molecule test --scenario-name "$scenario" || return 1; done
}

quietly() {
  local scenario started log failed=0
  log=$(mktemp)
  for scenario in "$@"; do
    started=$SECONDS
    if molecule test --scenario-name "$scenario" >"$log" 2>&1; then
      printf 'molecule: %-14s ok     %4d s\n' "$scenario" $((SECONDS - started))
    else
      cat "$log"
      printf 'molecule: %-14s FAILED %4d s\n' "$scenario" $((SECONDS - started))
      failed=1
    fi
  done
  rm "$log"
  return $failed
}

if [ $# -gt 0 ]; then
  on_a_sandbox named "$@"
else
  scenarios=()
  for file in extensions/molecule/*/converge.yml; do scenarios+=("$(basename "$(dirname "$file")")"); done
  # What `make test` takes: a role that makes things, and one that releases.
  if [ "${PEAR_TESTS:-}" = first ]; then scenarios=(network service); fi
  half=$(((${#scenarios[@]} + 1) / 2))
  on_a_sandbox quietly "${scenarios[@]:0:half}" &
  first=$!
  failed=0
  on_a_sandbox quietly "${scenarios[@]:half}" || failed=1
  wait "$first" || failed=1
  exit $failed
fi
