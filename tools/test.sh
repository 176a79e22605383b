#!/usr/bin/env bash
# Run the named verbs of the Makefile one after another, say how long each took, fail at the end if any failed.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=()
rows=()
for verb in "$@"; do
  printf '\n═══ make %s\n' "$verb"
  started=$SECONDS
  if make "$verb"; then result=ok; else result=FAILED; failed+=("$verb"); fi
  rows+=("$(printf '%-14s %-7s %4d s' "$verb" "$result" $((SECONDS - started)))")
done
printf '\n'
printf '%s\n' "${rows[@]}"
printf '%d passed, %d failed\n' $(($# - ${#failed[@]})) ${#failed[@]}
[ ${#failed[@]} -eq 0 ]
