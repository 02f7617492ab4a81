# Sourced by every other script: strict mode, the project as working directory, and the Node that npm brought along first on PATH.
set -euo pipefail
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$ROOT"
export PATH="$ROOT/node_modules/.bin:$PATH"

say() { printf '\033[2m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'margay: %s\n' "$*" >&2; exit "${STATUS:-1}"; }

# Can this kernel make an IPIP tunnel? Tried in a throw-away namespace, so that nothing of the host changes.
kernel_has_ipip() {
  modprobe ipip 2>/dev/null || true
  unshare --net ip link add margay-probe type ipip local 127.0.0.1 2>/dev/null
}
