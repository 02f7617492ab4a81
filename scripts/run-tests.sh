#!/usr/bin/env bash
# scripts/run-tests.sh [node --test options …] FILE …: runs test files one way everywhere. A test that was skipped fails the run, unless
# its reason starts with "expected:" and so says that another run covers it.
source "$(dirname "$0")/env.sh"

report=$(mktemp)
trap 'rm -f "$report"' EXIT
code=0
node --test --test-reporter=spec --test-reporter-destination=stdout \
  --test-reporter=tap --test-reporter-destination="$report" "$@" </dev/null || code=$?
unexpected=$(grep -E '# SKIP' "$report" | grep -v '# SKIP expected:' || true)
if [[ -n $unexpected ]]; then
  say 'skipped, which nobody expected:'
  sed 's/^ *ok [0-9]* - /  /' <<<"$unexpected" >&2
  ((code)) || code=1
fi
exit "$code"
