#!/usr/bin/env bash
# The main job on this machine: sandbox up, base image, playbooks/deploy.yml; then the URL and how to look around.
set -euo pipefail
cd "$(dirname "$0")/.."
inventory=${1:-inventories/local}

say() { printf '\n» %s\n' "$*"; }

say "Starting the sandbox: an AWS on this machine that really runs containers and really carries traffic"
python -m sandbox up
eval "$(python -m sandbox env)"

if [ -z "${PEAR_BASE_IMAGE:-}" ]; then
  say "Base image from Debian packages (set PEAR_BASE_IMAGE to use another, such as a public slim Python)"
  export PEAR_BASE_IMAGE=localhost/pear/base:bookworm
  examples/base/build.sh "$PEAR_BASE_IMAGE"
fi

say "ansible-playbook playbooks/deploy.yml -i $inventory"
ansible-playbook playbooks/deploy.yml -i "$inventory"

python -m sandbox demo-hints
