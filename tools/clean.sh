#!/usr/bin/env bash
# Remove from this checkout what builds and tests made; with the word environments, the virtual environments too, and say how
# the packages are removed that set-up installed.
set -euo pipefail
cd "$(dirname "$0")/.."
packages=.cache/installed-packages
environments=
folders=(build .cache .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis collections)
if [ "${1:-}" = environments ]; then
  environments=1
  folders+=(.venv .venv-*)
fi

if [ -n "$environments" ] && [ -s "$packages" ]; then
  printf 'The packages that make setup installed stay. To remove them, as root: apt-get autoremove --purge %s\n' \
    "$(sort -u "$packages" | paste -sd ' ')"
fi
kept=
if [ -z "$environments" ] && [ -s "$packages" ]; then kept=$(cat "$packages"); fi
for folder in "${folders[@]}"; do
  if [ -e "$folder" ]; then printf 'removing %s (%s)\n' "$folder" "$(du -sh "$folder" | cut -f1)"; rm -rf "$folder"; fi
done
if [ -n "$kept" ]; then
  mkdir .cache
  printf '%s\n' "$kept" > "$packages"
fi
rm -f examples/nginx/rootfs.tar
find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
