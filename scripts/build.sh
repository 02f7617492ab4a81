#!/usr/bin/env bash
# Builds dist/ from src/, from nothing: what was deleted in src/ must not live on in the package.
set -euo pipefail
cd "$(dirname "$0")/.."
rm -rf dist
node_modules/.bin/tsc -p tsconfig.build.json
