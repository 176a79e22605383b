#!/usr/bin/env bash
# Remove from this checkout what builds and tests made; with the word environments, the virtual environments too.
set -euo pipefail
cd "$(dirname "$0")/.."
folders=(build .cache .ansible .mypy_cache .pytest_cache .ruff_cache .hypothesis collections)
if [ "${1:-}" = environments ]; then folders+=(.venv .venv-*); fi
for folder in "${folders[@]}"; do
  if [ -e "$folder" ]; then printf 'removing %s (%s)\n' "$folder" "$(du -sh "$folder" | cut -f1)"; rm -rf "$folder"; fi
done
rm -f examples/nginx/rootfs.tar
find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
