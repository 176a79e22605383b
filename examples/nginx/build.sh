#!/usr/bin/env bash
# The root file system of a stock nginx, from Debian's package: examples/nginx/rootfs.tar, which the Containerfile adds.
set -euo pipefail
cd "$(dirname "$0")"
cache=${PEAR_CACHE:-$PWD/../../.cache}
kept=$cache/nginx-bookworm.tar
part=
copy=
trap 'rm -f ${part:+"$part"} ${copy:+"$copy"}' EXIT
trap 'exit 130' INT TERM
mkdir -p "$cache"
# One at a time: a second one would put other bytes into a build context that the first one's build is reading.
exec 9>"$cache/nginx-bookworm.lock"
flock 9
if [ ! -s "$kept" ]; then
  part=$kept.part.$$
  printf '» fetching Debian packages for nginx (some ten seconds)\n' >&2
  mmdebstrap --quiet --format=tar --variant=extract --include=nginx-light,libc-bin,busybox-static \
    --setup-hook='mkdir -p "$1/etc" "$1/tmp" "$1/bin" "$1/srv"' \
    --extract-hook='chroot "$1" /bin/busybox --install -s /bin' \
    --extract-hook='printf "root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33:www-data:/srv:/bin/false\n" > "$1/etc/passwd"' \
    --extract-hook='printf "root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n" > "$1/etc/group"' \
    --extract-hook='rm -rf "$1"/usr/share/doc "$1"/usr/share/man "$1"/usr/share/locale "$1"/var/lib/apt "$1"/var/cache/apt' \
    bookworm "$part"
  mv "$part" "$kept"
fi
if ! cmp -s "$kept" rootfs.tar 2>/dev/null; then
  copy=rootfs.tar.part.$$
  cp "$kept" "$copy"
  mv "$copy" rootfs.tar
fi
