#!/usr/bin/env bash
# Builds dist/ from src/, from nothing: what was deleted in src/ must not live on in the package. Where that comes to what is there, it
# is left alone, for somebody may be running it.
set -euo pipefail
cd "$(dirname "$0")/.."
built=dist.$$
trap 'rm -rf "$built"' EXIT
node_modules/.bin/tsc -p tsconfig.build.json --outDir "$built"
if ! diff -rq dist "$built" >/dev/null 2>&1; then
  rm -rf dist
  mv "$built" dist
fi
