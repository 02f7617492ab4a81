import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** Numbers of capabilities(7), of those that some daemon may need. */
const numbers = { DAC_READ_SEARCH: 2, NET_BIND_SERVICE: 10, NET_ADMIN: 12 } as const;

export type Capability = keyof typeof numbers;

const SETPCAP = 8;
const PR_CAPBSET_DROP = 24;
/** `_LINUX_CAPABILITY_VERSION_3`: two words of 32 bits for each set. */
const VERSION = 0x2008_0522;

/** The sets of capabilities of this thread, as /proc shows them. */
interface Sets {
  readonly inheritable: bigint;
  readonly permitted: bigint;
  readonly effective: bigint;
  readonly bounding: bigint;
  readonly ambient: bigint;
}

interface Libc {
  prctl(option: number, ...values: readonly number[]): number;
  capset(header: Uint8Array, data: Uint8Array): number;
}

/**
 * Leaves this thread, and the program that it becomes by execve(2), no capability but these. Other threads keep theirs, so
 * that execve is to follow. Returns whether there were any to give up: of those of a user that is not root there are mostly
 * none, and without koffi none can be.
 * @param isEnough asked when the thread acts with these alone, and before the others are gone for good: `false` keeps
 * DAC_READ_SEARCH, too, the right to read files of others
 */
export function keepCapabilities(kept: readonly Capability[], isEnough: () => boolean): boolean {
  const sets = readSets();
  if (((sets.inheritable | sets.permitted | sets.ambient) & ~maskOf(kept)) === 0n) return false;
  const libc = loadLibc();
  if (libc === undefined) return false;
  const mayRead = sets.permitted & maskOf(["DAC_READ_SEARCH"]);
  const wanted = maskOf(kept);
  if (!capset(libc, { ...sets, effective: sets.effective & wanted })) return false;
  const mask = isEnough() ? wanted : wanted | mayRead;
  if (!capset(libc, sets)) return false;
  if (has(sets.effective, SETPCAP)) {
    for (let bit = 0; bit < 64; bit++) {
      const isOther = has(sets.bounding, bit) && !has(mask, bit);
      if (isOther && libc.prctl(PR_CAPBSET_DROP, bit, 0, 0, 0) !== 0) return false;
    }
  }
  // What is not permitted or not inheritable any more is not ambient either.
  return capset(libc, {
    inheritable: sets.inheritable & mask,
    permitted: sets.permitted & mask,
    effective: sets.effective & mask,
  });
}

function readSets(): Sets {
  const status = readFileSync("/proc/thread-self/status", "utf8");
  const set = (name: string): bigint => {
    const [, digits = "0"] = new RegExp(`^Cap${name}:\\s*([0-9a-f]+)`, "m").exec(status) ?? [];
    return BigInt(`0x${digits}`);
  };
  return {
    inheritable: set("Inh"),
    permitted: set("Prm"),
    effective: set("Eff"),
    bounding: set("Bnd"),
    ambient: set("Amb"),
  };
}

function maskOf(capabilities: readonly Capability[]): bigint {
  return capabilities.reduce((mask, name) => mask | (1n << BigInt(numbers[name])), 0n);
}

function has(set: bigint, bit: number): boolean {
  return ((set >> BigInt(bit)) & 1n) === 1n;
}

function capset(
  libc: Libc,
  { effective, permitted, inheritable }: Omit<Sets, "bounding" | "ambient">,
): boolean {
  const header = new Uint8Array(8);
  new DataView(header.buffer).setUint32(0, VERSION, true);
  const data = new Uint8Array(24);
  const view = new DataView(data.buffer);
  for (const [index, set] of [effective, permitted, inheritable].entries()) {
    view.setUint32(4 * index, Number(set & 0xffff_ffffn), true);
    view.setUint32(12 + 4 * index, Number(set >> 32n), true);
  }
  return libc.capset(header, data) === 0;
}

function loadLibc(): Libc | undefined {
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    const library = koffi.load(null);
    return {
      prctl: library.func(
        "int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)",
      ),
      capset: library.func("int capset(void *, const void *)"),
    };
  } catch {
    return undefined;
  }
}
