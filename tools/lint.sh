#!/usr/bin/env bash
# Every static check, all of them even when one fails; the exit status tells.
set -uo pipefail
cd "$(dirname "$0")/.."
# Ctrl-C ends all of it, not only the check that runs.
trap 'exit 130' INT TERM
failed=()
check() {
  local name=$1; shift
  printf '» %s\n' "$name"
  "$@" || failed+=("$name")
}
check "ruff format" ruff format --check --quiet .
check "ruff" ruff check --quiet .
check "mypy, the collection" python -m mypy plugins
check "mypy, the sandbox, the examples, the bench and the tools" python -m mypy sandbox examples/scoreboard/scoreboard examples/collector/standin bench tools tests/setup tests/verdicts
check "changelog fragments" antsibull-changelog lint
check "ansible-lint, production profile" ansible-lint --offline -q
check "zizmor" zizmor --offline --quiet .github examples/github-actions/*.yml
check "actionlint" tests/workflows/actionlint.sh
check "policies, decided by iam-simulate too" tests/verdicts/verdicts.sh
if [ ${#failed[@]} -gt 0 ]; then
  printf 'lint: failed: %s\n' "$(IFS=,; echo "${failed[*]}")" >&2
  exit 1
fi
