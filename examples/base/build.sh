#!/usr/bin/env bash
# A base image with Python, from Debian packages alone: for machines where no container registry answers.
#   examples/base/build.sh [IMAGE]        default: localhost/pear/base:bookworm
# Does nothing where the engine has the image. The root file system is kept in $PEAR_CACHE (default .cache/), so that the
# next sandbox has its base image within two seconds.
set -euo pipefail
cd "$(dirname "$0")/../.."

image=${1:-localhost/pear/base:bookworm}
suite=bookworm
packages=python3-minimal,python3,libc-bin,busybox-static,ca-certificates
cache=${PEAR_CACHE:-$PWD/.cache}
rootfs=$cache/base-$suite.tar
engine=${PEAR_SANDBOX_ENGINE:-$(command -v podman >/dev/null 2>&1 && echo podman || echo docker)}

say() { printf '» %s\n' "$*" >&2; }

if "$engine" image inspect "$image" >/dev/null 2>&1; then
  say "base image $image is there already"
  exit 0
fi
if [ ! -s "$rootfs" ]; then
  command -v mmdebstrap >/dev/null 2>&1 || {
    echo "base: mmdebstrap is missing. As root, on Debian: apt-get install -y mmdebstrap" >&2
    exit 1
  }
  mkdir -p "$cache"
  # Made beside, under a name of its own: neither an interruption nor a second run leaves half a file under the name that counts.
  part=$rootfs.part.$$
  trap 'rm -f "$part" "$part.log"' EXIT
  trap 'exit 130' INT TERM
  say "fetching Debian packages for the base image (some ten seconds)"
  mmdebstrap --quiet --format=tar --variant=extract --include="$packages" \
    --setup-hook='mkdir -p "$1/etc" "$1/tmp" "$1/root" "$1/bin"' \
    --extract-hook='chroot "$1" /bin/busybox --install -s /bin' \
    --extract-hook='ln -sf python3.11 "$1/usr/bin/python3"' \
    --extract-hook='printf "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n" > "$1/etc/passwd"' \
    --extract-hook='printf "root:x:0:\nnogroup:x:65534:\n" > "$1/etc/group"' \
    --extract-hook='cat "$1"/usr/share/ca-certificates/mozilla/*.crt > "$1/etc/ssl/certs/ca-certificates.crt"' \
    --extract-hook='rm -rf "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale "$1"/var/lib/apt "$1"/var/cache/apt' \
    "$suite" "$part" 2>"$part.log" || {
    echo "base: the packages of Debian $suite could not be fetched: $(grep -m 1 '^[EW]:' "$part.log"). Is this machine online? PEAR_BASE_IMAGE names another base image." >&2
    exit 1
  }
  mv "$part" "$rootfs"
fi
say "importing $image"
"$engine" import --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' --change 'ENV LANG=C.UTF-8' "$rootfs" "$image" >/dev/null
"$engine" run --rm --network none "$image" python3 -c 'import sqlite3, ssl, http.server, json' ||
  { echo "base: the image was built but its Python does not work" >&2; exit 1; }
say "base image $image is ready"
