#!/usr/bin/env bash
# The main job on this machine: sandbox up, base image, playbooks/deploy.yml; then the URL and how to look around.
set -euo pipefail
cd "$(dirname "$0")/.."
inventory=${1:-inventories/local}

say() { printf '\n» %s\n' "$*"; }
interrupted() {
  printf '\ndemo: interrupted. make demo goes on from here; make sandbox-down removes what runs.\n' >&2
  exit 130
}
trap interrupted INT TERM

# Two demos at once would both provision the same environment.
exec 9>>.cache/demo.lock
if ! flock --nonblock 9; then
  say "waiting for another make demo (pid $(cat .cache/demo.lock)) in this checkout"
  flock 9
fi
# A full disk is the sandbox's to name.
printf '%s\n' $$ > .cache/demo.lock 2>/dev/null || true

say "Starting the sandbox: an AWS on this machine that really runs containers and really carries traffic"
python -m sandbox up
exports=$(python -m sandbox env)
eval "$exports"

# A shell that used a sandbox before names that one's base image, which went with it.
own=localhost/pear/base:bookworm
if [ "${PEAR_BASE_IMAGE:-$own}" = "$own" ]; then
  say "Base image from Debian packages (set PEAR_BASE_IMAGE to use another, such as a public slim Python)"
  examples/base/build.sh "$own"
  PEAR_BASE_IMAGE=$own
fi
# A shell that joins later builds on the same image.
exports=$(python -m sandbox env --set PEAR_BASE_IMAGE="$PEAR_BASE_IMAGE")
eval "$exports"

say "ansible-playbook playbooks/deploy.yml -i $inventory"
ansible-playbook playbooks/deploy.yml -i "$inventory"

python -m sandbox demo-hints
