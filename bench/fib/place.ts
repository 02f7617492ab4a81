import { execFileSync } from "node:child_process";

/** Where routes are written: a namespace with two wires, one of which has a subnet. */
export interface Place {
  readonly namespace: string;
  readonly count: number;
  /** A directory for files. */
  readonly scratch: string;
  /** `v0`, with 10.9.0.1/24. */
  readonly device: string;
  readonly ifindex: number;
  /** `w0`, without an address. */
  readonly otherDevice: string;
  readonly otherIfindex: number;
}

export const GATEWAY_A = "10.9.0.2";
export const GATEWAY_B = "10.9.0.3";

/** Prefix `index` of a run. */
export function prefixText(index: number): string {
  return `${20 + (index >>> 16)}.${(index >>> 8) & 255}.${index & 255}.0/24`;
}

/** Runs `body` in a fresh namespace, and removes it. */
export async function inPlace<T>(
  count: number,
  scratch: string,
  body: (place: Place) => Promise<T>,
): Promise<T> {
  const namespace = `mgf-bench-${process.pid}`;
  const ip = (words: string): string => execFileSync("ip", words.split(" "), { encoding: "utf8" });
  ip(`netns add ${namespace}`);
  try {
    const inside = (words: string): string => ip(`-n ${namespace} ${words}`);
    inside("link set lo up");
    inside("link add v0 type veth peer name v1");
    inside("link add w0 type veth peer name w1");
    inside("addr add 10.9.0.1/24 dev v0");
    for (const device of ["v0", "v1", "w0", "w1"]) inside(`link set ${device} up`);
    const indexOf = (device: string): number => {
      const [link] = JSON.parse(inside(`-j link show ${device}`)) as { ifindex: number }[];
      return link?.ifindex ?? 0;
    };
    return await body({
      ...{ namespace, count, scratch },
      ...{ device: "v0", ifindex: indexOf("v0"), otherDevice: "w0", otherIfindex: indexOf("w0") },
    });
  } finally {
    ip(`netns del ${namespace}`);
  }
}
