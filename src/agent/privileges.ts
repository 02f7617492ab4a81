import { readFileSync } from "node:fs";

const netAdminBit = 12n;

/**
 * What a process lacks to write kernel routes, in one sentence; `undefined` when it has it.
 * @param besides what else to grant, for the sentence
 */
export function missingNetAdmin(program: string, besides: string): string | undefined {
  const status = readFileSync("/proc/self/status", "utf8");
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  if ((effective & (1n << netAdminBit)) !== 0n) return undefined;
  return (
    `${program} writes kernel routes and needs CAP_NET_ADMIN: run it as root, or grant the process ` +
    `CAP_NET_ADMIN${besides}`
  );
}
