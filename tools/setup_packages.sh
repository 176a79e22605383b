# Which Debian and Ubuntu packages are missing, by what is looked for in the file system; sourced by setup.sh.

# have PROGRAM: it is on PATH, or where only root's PATH would show it.
have() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

# podman's helpers lie apart from PATH, in a folder that differs between systems.
have_helper() {
  local folder
  for folder in /usr/lib/podman /usr/libexec/podman /usr/local/libexec/podman; do
    [ ! -x "$folder/$1" ] || return 0
  done
  return 1
}

# podman_version: "5.4" of the installed podman, else of the one that apt would install, else nothing. A shell that used a
# sandbox names its configuration to podman, which says nothing but that once the sandbox is removed.
podman_version() {
  local text
  if have podman; then text=$(unset CONTAINERS_CONF CONTAINERS_STORAGE_CONF CONTAINERS_REGISTRIES_CONF; podman --version); else text=$(apt-cache policy podman 2>/dev/null | grep Candidate: || true); fi
  grep -oE '[0-9]+\.[0-9]+' <<<"$text" | head -n 1 || true
}

# network_packages VERSION: what gives containers a bridge. Debian 12 has podman 4.3 with CNI plugins, Ubuntu 24.04 podman
# 4.9 with netavark over iptables, Debian 13 podman 5.4, whose netavark writes its rules by nft.
network_packages() {
  local major=${1%%.*} minor=${1#*.}
  if [ "$major" -lt 4 ] || { [ "$major" = 4 ] && [ "$minor" -lt 4 ]; }; then
    echo "cni iptables"
  elif [ "$major" = 4 ]; then
    echo "netavark aardvark-dns iptables"
  else
    echo "netavark aardvark-dns nftables iptables"
  fi
}

missing_network_packages() {
  local version
  version=$(podman_version)
  for name in $(network_packages "${version:-5.0}"); do
    case $name in
      cni) [ -x /usr/lib/cni/bridge ] || have_helper netavark || echo containernetworking-plugins ;;
      nftables) have nft || echo nftables ;;
      iptables) have iptables || echo iptables ;;
      *) have_helper "$name" || echo "$name" ;;
    esac
  done
}

# missing_packages [sandbox] [lint] [browser]: names on one line, nothing where all is there.
missing_packages() {
  {
    [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
    have git || echo git
    have "$python" || echo python3
    [ -x "$venv/bin/python" ] || "$python" -c 'import venv, ensurepip' 2>/dev/null || echo python3-venv
    for scope in "$@"; do "missing_for_$scope"; done
  } | tr '\n' ' ' | sed 's/ $//'
}

missing_for_sandbox() {
  have curl || echo curl
  have ip || echo iproute2
  have mmdebstrap || echo mmdebstrap
  # What signs Debian's packages: elsewhere than on Debian it is a package like any other.
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || echo debian-archive-keyring
  have docker-registry || echo docker-registry
  [ "$engine" = podman ] || return 0
  for program in podman runc buildah catatonit; do have "$program" || echo "$program"; done
  missing_network_packages
}

missing_for_lint() {
  have node || echo nodejs
  have npm || echo npm
}

missing_for_browser() {
  have chromium || echo chromium
  have chromedriver || echo chromium-driver
}
