#!/usr/bin/env bash
# ansible-test sanity over what the artifact holds, at the path that ansible-test wants. Arguments go to ansible-test.
#   tools/sanity.sh [--quick] [ARGUMENT…]      --quick: the tests that take seconds, and import, which `make test` leaves out; they fetch their packages once
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${PEAR_CACHE:-$PWD/.cache}/sanity
bin=$PWD/${VENV:-.venv}/bin
quick=(action-plugin-docs changelog compile empty-init ignores line-endings no-assert no-get-exception
  no-illegal-filenames no-smart-quotes replace-urlopen runtime-metadata shebang symlinks use-argspec-type-path use-compat-six
  validate-modules yamllint)
# A new environment and each file in a process of its own: a minute or two.
if [ "${PEAR_TESTS:-}" != first ]; then quick+=(import); fi
options=()
if [ "${1:-}" = --quick ]; then
  shift
  for name in "${quick[@]}"; do options+=(--test "$name"); done
fi

mkdir -p "$cache/home/.ansible/test/cache"
# A run of its own folder, so that a second run does not take the tree away from under the first.
run=$(mktemp -d "$cache/run.XXXXXX")
trap 'rm -rf "$run"' EXIT
trap 'exit 130' INT TERM
collection=$run/ansible_collections/pear/fargate
mkdir -p "$run/source" "$collection"
git ls-files -z | xargs -0 -I{} sh -c '[ ! -f "$1" ] || cp --parents "$1" "$2"' _ {} "$run/source"
"$bin/ansible-galaxy" collection build --output-path "$run" "$run/source" >/dev/null
tar -xzf "$run"/pear-fargate-*.tar.gz -C "$collection"
# Module options and documentation fragments come from amazon.aws, which lies beside ours as it does where ours is installed.
amazon=$("$bin/python" -c 'import ansible_collections.amazon as m; print(list(m.__path__)[0])')
ln -s "$amazon" "$run/ansible_collections/amazon"

# ansible-test bootstraps pip by a script it downloads from its own site; ensurepip does the same where only PyPI is reached.
requirements=$("$bin/python" -c 'import ansible_test._internal as m; print(m.__path__[0])')/python_requirements.py
version=$(grep -oE "pip='[0-9.]+'" "$requirements" | head -n 1 | grep -oE '[0-9.]+' || true)
for name in "${version:-}" 25.3.0 25.2.0 25.1.1 25.0.1 24.2.0; do
  [ -n "$name" ] || continue
  cat > "$cache/home/.ansible/test/cache/get_pip_${name//./_}.py" <<'PY'
"""Stand-in for get-pip.py: ensurepip, then the wanted packages by pip."""
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--upgrade"])
options = [option for option in sys.argv[1:] if option not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "pip", "install", *options])
PY
done
python=$("$bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
cd "$collection"
HOME=$cache/home PATH="$bin:$PATH" ANSIBLE_TEST_CONTENT_ROOT=$collection \
  "$bin/ansible-test" sanity --python "$python" --color no "${options[@]}" "$@"
