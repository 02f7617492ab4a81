#!/usr/bin/env bash
# npm run test:interop [-- [--test-…=… of node] FILE …]: margay, as built, against real BIRD, FRR, GoBGP, OpenBGPD and ExaBGP in network namespaces, and its
# messages read by tshark. Prints a matrix, feature × daemon; a run of everything writes it to docs/INTEROP.md, too.
source "$(dirname "$0")/env.sh"
((EUID == 0)) || die 'the interop tests make network namespaces: run them as root'

bash scripts/setup.sh bird2 frr gobgpd openbgpd exabgp tshark iproute2 nftables iputils-ping procps
npm run --silent build
export MARGAY_PROGRAM=dist
[[ -z ${MARGAY_INTEROP_RECORD:-} ]] || { MARGAY_INTEROP_RECORD=$(realpath -m "$MARGAY_INTEROP_RECORD"); mkdir -p "$MARGAY_INTEROP_RECORD"; export MARGAY_INTEROP_RECORD; }
MARGAY_INTEROP_CELLS=$(mktemp)
export MARGAY_INTEROP_CELLS
trap 'rm -f "$MARGAY_INTEROP_CELLS"' EXIT
page=
options=()
while [[ ${1:-} == --* ]]; do options+=("$1"); shift; done
(($#)) || { ((${#options[@]})) || page=docs/INTEROP.md; set -- test/interop/*.test.ts; }
# Most wait for much of the time: three at once keep two processors busy. These measure, and want the machine for themselves.
together=()
alone=()
for file in "$@"; do
  case ${file##*/} in
    benchmark.test.ts | capacity.test.ts | session-control.test.ts | slow-client.test.ts) alone+=("$file") ;;
    *) together+=("$file") ;;
  esac
done
say 'interop tests against BIRD, FRR, GoBGP, OpenBGPD, ExaBGP and tshark'
code=0
((${#together[@]} == 0)) || bash scripts/run-tests.sh "${options[@]}" --test-concurrency=3 "${together[@]}" || code=$?
((${#alone[@]} == 0)) || bash scripts/run-tests.sh "${options[@]}" --test-concurrency=1 "${alone[@]}" || code=$?
node test/interop/support/write-matrix.ts "$MARGAY_INTEROP_CELLS" ${page:+"$page"} || code=$?
exit "$code"
