#!/usr/bin/env bash
# Makes a fresh machine ready: scripts/setup.sh [DEBIAN-PACKAGE …]
# npm packages (Node 24 among them) always; Debian packages only those named, and only if one is missing.
source "$(dirname "$0")/env.sh"

npm_packages() {
  command -v npm >/dev/null || die 'npm is not on PATH: install Node.js with npm first (any version that can run npm will do).'
  local installed=node_modules/.package-lock.json
  [[ -f $installed && ! package-lock.json -nt $installed ]] && return
  say 'installing npm packages (npm ci)'
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
  touch "$installed"
}

missing_debian_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || echo "$package"
  done
}

debian_packages() {
  (($#)) || return 0
  command -v dpkg-query >/dev/null || die "this is not a Debian system: install the equivalents of: $*"
  local missing
  mapfile -t missing < <(missing_debian_packages "$@")
  ((${#missing[@]})) || return 0
  ((EUID == 0)) || die "Debian packages are missing; run as root, or first: sudo apt-get install ${missing[*]}"
  say "installing Debian packages: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  local log
  log=$(mktemp)
  if ! { apt-get update -qq && apt-get -o DPkg::Lock::Timeout=300 install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    die "apt-get could not install: ${missing[*]} (its words are above)"
  fi
  rm -f "$log"
}

npm_packages
debian_packages "$@"
