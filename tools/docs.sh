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
mkdir -p "$work/source" "$work/collections/ansible_collections/pear/fargate" "$work/site/reference"
git ls-files -z | xargs -0 -I{} sh -c '[ ! -f "$1" ] || cp --parents "$1" "$2"' _ {} "$work/source"
ansible-galaxy collection build --output-path "$work" "$work/source" >/dev/null
tar -xzf "$work"/pear-fargate-*.tar.gz -C "$work/collections/ansible_collections/pear/fargate"
unset ANSIBLE_CONFIG
export ANSIBLE_COLLECTIONS_PATH=$work/collections
# Markup, schemas and links are checked by what follows: antsibull-docs fails on an error, Sphinx on a link that leads nowhere.
(cd "$work/collections/ansible_collections/pear/fargate" && antsibull-docs lint-collection-docs .)
antsibull-docs collection --use-current --squash-hierarchy --fail-on-error --dest-dir "$work/site/reference" pear.fargate
rm -rf build/site
"$home/bin/python" tools/docs_site.py "$work/site"
echo "build/site/index.html"
