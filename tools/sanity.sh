#!/usr/bin/env bash
# ansible-test sanity over what git holds, in a copy at the path that ansible-test wants. Arguments go to ansible-test.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${PEAR_CACHE:-$PWD/.cache}/sanity
rm -rf "$cache/tree"
collection=$cache/tree/ansible_collections/pear/fargate
mkdir -p "$collection" "$cache/home/.ansible/test/cache"
# Module options and documentation fragments come from amazon.aws, which lies beside ours as it does where ours is installed.
amazon=$(.venv/bin/python -c 'import ansible_collections.amazon as m; print(list(m.__path__)[0])')
ln -s "$amazon" "$cache/tree/ansible_collections/amazon"
git ls-files -z | xargs -0 -I{} sh -c '[ ! -f "$1" ] || cp --parents "$1" "$2"' _ {} "$collection"

# ansible-test bootstraps pip by a script it downloads from its own site; ensurepip does the same where only PyPI is reached.
requirements=$(.venv/bin/python -c 'import ansible_test._internal as m; print(m.__path__[0])')/python_requirements.py
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
bin=$PWD/.venv/bin
cd "$collection"
python=$("$bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
HOME=$cache/home PATH="$bin:$PATH" ANSIBLE_TEST_CONTENT_ROOT=$collection \
  "$bin/ansible-test" sanity --venv --python "$python" --color no "$@"
