#!/usr/bin/env bash
# Run the named verbs of the Makefile one after another, say how long each took, fail at the end if any failed.
# The names of the tests that failed come last, so that they are there where only the end of a log is kept.
set -uo pipefail
cd "$(dirname "$0")/.."
results=build/tests
rm -rf "$results" && mkdir -p "$results"
failed=()
rows=()
for verb in "$@"; do
  printf '\n═══ make %s\n' "$verb"
  started=$SECONDS
  if PYTEST_ADDOPTS="--junit-xml=$results/$verb.xml" make "$verb"; then result=ok; else result=FAILED; failed+=("$verb"); fi
  rows+=("$(printf '%-14s %-7s %4d s' "$verb" "$result" $((SECONDS - started)))")
done
printf '\n'
python3 tools/failed_tests.py "$results"
printf '%s\n' "${rows[@]}"
printf '%d passed, %d failed\n' $(($# - ${#failed[@]})) ${#failed[@]}
[ ${#failed[@]} -eq 0 ]
