#!/usr/bin/env bash
# What a release is held to beside `make test`: the importer of Galaxy takes the artifact without an error or a warning.
# It is in an environment of its own: it asks for other versions of what checks this repository. ansible-lint is `make lint`'s.
set -euo pipefail
cd "$(dirname "$0")/.."
home=${PEAR_CACHE:-$PWD/.cache}/galaxy-importer
if [ ! -x "$home/bin/python" ] || ! "$home/bin/python" -c 'import galaxy_importer' 2>/dev/null; then
  echo "» making $home" >&2
  "${PYTHON:-python3}" -m venv "$home"
  # It reads the documentation, and so needs the collections whose fragments ours extends: the package ansible has them.
  grep "^ansible==" requirements-dev.txt > "$home/requirements.txt"
  "$home/bin/python" -m pip install --quiet galaxy-importer --requirement "$home/requirements.txt"
fi
rm -f build/pear-fargate-*.tar.gz
make artifact
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf '[galaxy-importer]\nRUN_ANSIBLE_TEST = False\nRUN_ANSIBLE_LINT = False\nCHECK_REQUIRED_TAGS = True\nCHECK_CHANGELOG = True\nCHECK_RUNTIME_YAML = True\n' > "$work/importer.cfg"
artifact=$(ls build/pear-fargate-*.tar.gz)
(cd "$work" && GALAXY_IMPORTER_CONFIG="$work/importer.cfg" PATH="$home/bin:$PATH" "$home/bin/python" -m galaxy_importer.main "$OLDPWD/$artifact") 2>&1 | tee "$work/log"
if grep -E '^(ERROR|WARNING|CRITICAL)' "$work/log"; then
  echo "release-check: the importer of Galaxy has findings" >&2
  exit 1
fi
grep -q 'Importer processing completed successfully' "$work/log"
