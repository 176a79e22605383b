# A program that lint takes from npm, at one version; sourced by the scripts that run it.

# fetch_by_npm PURPOSE NAME VERSION FILE PACKAGE…: into $home, unless FILE is there. PURPOSE is what cannot be done without node and npm.
fetch_by_npm() {
  local purpose=$1 name=$2 version=$3 file=$4
  shift 4
  home=${PEAR_CACHE:-$PWD/.cache}/$name-$version
  if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
    echo "$name: the $purpose, since node and npm are missing. As root, on Debian: apt-get install -y nodejs npm" >&2
    exit 1
  fi
  if [ ! -s "$home/node_modules/$file" ]; then
    echo "» fetching $name $version by npm" >&2
    npm install --silent --ignore-scripts --no-audit --no-fund --no-package-lock --prefix "$home" "$@"
  fi
}

# refuse_changed NAME VERSION: what was fetched does not have its checksum.
refuse_changed() {
  echo "$1: $home is not what version $2 was when it was chosen. Remove $home and try again." >&2
  exit 1
}
