#!/usr/bin/env bash
# npm test: types, linter, format, dead code, then unit, vector, property and contract tests. About a minute, after what must be installed.
source "$(dirname "$0")/env.sh"
shopt -s globstar

bash scripts/setup.sh iproute2 util-linux
say 'types, linter, format, dead code'
npm run --silent check
say 'unit, vector, property and contract tests'
bash scripts/run-tests.sh test/{unit,vectors,property,contract}/**/*.test.ts
