#!/usr/bin/env bash
# The documentation site in build/site, without a warning: guides, pages of roles and playbooks, and the reference that antsibull-docs makes.
# Sphinx is in an environment of its own; antsibull-docs runs in .venv, beside the collections whose documentation ours extends.
set -euo pipefail
cd "$(dirname "$0")/.."
home=${PEAR_CACHE:-$PWD/.cache}/docs-site
if [ ! -x "$home/bin/sphinx-build" ] || ! "$home/bin/python" -c 'import myst_parser, sphinx_antsibull_ext, sphinx_ansible_theme, sphinxcontrib.mermaid' 2>/dev/null; then
  echo "» making $home" >&2
  "${PYTHON:-python3}" -m venv "$home"
  "$home/bin/python" -m pip install --quiet antsibull-docs 'sphinx>=8' myst-parser sphinx-ansible-theme sphinxcontrib-mermaid
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Of the artifact, as Galaxy shows it.
collections=$work/collections/ansible_collections
mkdir -p "$work/source" "$collections/pear/fargate" "$work/site/reference"
git ls-files -z | xargs -0 -I{} sh -c '[ ! -f "$1" ] || cp --parents "$1" "$2"' _ {} "$work/source"
ansible-galaxy collection build --output-path "$work" "$work/source" >/dev/null
tar -xzf "$work"/pear-fargate-*.tar.gz -C "$collections/pear/fargate"
# Beside it those that it needs, and no others: of a collection that is in two places antsibull-docs reads the last, which would be this checkout with its links,
# taken for redirects of modules; and of one below a git checkout it reads what git holds, which is nothing of .venv.
for needed in amazon/aws community/aws community/crypto; do
  mkdir -p "$collections/${needed%/*}"
  cp -r "${VENV:-.venv}/collections/ansible_collections/$needed" "$collections/$needed"
done
unset ANSIBLE_CONFIG
export ANSIBLE_COLLECTIONS_PATH=$work/collections ANSIBLE_COLLECTIONS_SCAN_SYS_PATH=false
# Sphinx reads the same pages as rstcheck would, and fails on a link that leads nowhere.
(cd "$collections/pear/fargate" && antsibull-docs lint-collection-docs --plugin-docs --skip-rstcheck .)
antsibull-docs collection --use-current --squash-hierarchy --fail-on-error --dest-dir "$work/site/reference" pear.fargate
rm -rf build/site
"$home/bin/python" tools/docs_site.py "$work/site"
echo "build/site/index.html"
