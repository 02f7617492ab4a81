import { readFileSync } from "node:fs";

const netAdminBit = 12n;

/** What a node lacks to do its work, in one sentence; `undefined` when it has it. */
export function missingPrivilege(): string | undefined {
  const status = readFileSync("/proc/self/status", "utf8");
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  if ((effective & (1n << netAdminBit)) !== 0n) return undefined;
  return (
    "margay node writes kernel routes and needs CAP_NET_ADMIN: run it as root, or grant the process " +
    "CAP_NET_ADMIN (and CAP_NET_BIND_SERVICE for port 179)"
  );
}
