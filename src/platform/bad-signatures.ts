import { readFileSync } from "node:fs";

/** Counters of /proc/net/netstat: a signature that was wrong, missing, or from somebody without a key. */
const signatureCounters = ["TCPMD5Failure", "TCPMD5NotFound", "TCPMD5Unexpected"];

/** Segments that the kernel has dropped for their TCP-MD5 signature, in this network namespace; 0 where it does not say. */
export function badSignatures(): number {
  let text: string;
  try {
    text = readFileSync("/proc/net/netstat", "latin1");
  } catch {
    return 0;
  }
  const [names, values] = text.split("\n").filter((line) => line.startsWith("TcpExt:"));
  const counts = values?.split(" ") ?? [];
  return (names?.split(" ") ?? []).reduce(
    (sum, name, index) => sum + (signatureCounters.includes(name) ? Number(counts[index]) : 0),
    0,
  );
}
