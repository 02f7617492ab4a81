#!/usr/bin/env bash
# npm run test:record [-- FILE …]: runs interop tests and makes what happened to margay's daemons in them the fixtures of
# test/vectors/recordings.test.ts: after a change that is meant to have the speaker do something else, or with new tests.
source "$(dirname "$0")/env.sh"

recordings=$(mktemp -d)
trap 'rm -rf "$recordings"' EXIT
MARGAY_INTEROP_RECORD=$recordings bash scripts/test-interop.sh "$@"
node test/vectors/recordings/collect.ts "$recordings"
