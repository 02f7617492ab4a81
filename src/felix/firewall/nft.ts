import { execFile } from "node:child_process";
import { childrenCpuMs } from "../../platform/children-cpu.ts";
import type { Problem } from "../problem.ts";

/** nftables, by whatever hand. */
export interface Nft {
  /** Does all of a script of nft(8) at once, or nothing. Rejects with `NftError`. */
  apply(script: string): Promise<void>;
  /** What `nft` says, called with these words. Rejects with `NftError`; of what is not there with `isAbsent`. */
  list(...words: readonly string[]): Promise<string>;
  /** Did one of our own changes come from the socket with this port? */
  owns(portId: number): boolean;
  /** CPU time that all of it has taken so far, from an arbitrary origin. */
  readonly cpuMs: number;
}

/** nft(8) could not do what it was told. */
export class NftError extends Error implements Problem {
  override readonly name = "NftError";
  readonly errno = undefined;
  readonly remedy: string | undefined;
  /** What was asked for is not there. */
  readonly isAbsent: boolean;
  /** The kernel has no nftables. */
  readonly isUnsupported: boolean;

  constructor(
    text: string,
    remedy: string | undefined,
    { isAbsent = false, isUnsupported = false } = {},
  ) {
    super(text);
    this.remedy = remedy;
    this.isAbsent = isAbsent;
    this.isUnsupported = isUnsupported;
  }

  get text(): string {
    return this.message;
  }
}

const TIMEOUT_MS = 10_000;
const OUTPUT_OCTETS = 64 * 1024 * 1024;
/** Of so many of the last changes it is known that they are our own. */
const REMEMBERED = 32;

/** By the program nft(8), a process for each call. */
export function nftProgram(program = "nft"): Nft {
  const own: number[] = [];
  const call = (words: readonly string[], input: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { timeout: TIMEOUT_MS, maxBuffer: OUTPUT_OCTETS };
      const child = execFile(program, words, options, (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(nftError(error, stderr));
      });
      // nft's first socket has the process's id for a port.
      if (child.pid !== undefined) own.push(child.pid);
      if (own.length > REMEMBERED) own.shift();
      // Of a program that is not there, or ended early, the callback tells.
      child.stdin?.on("error", () => {});
      child.stdin?.end(input);
    });
  return {
    apply: async (script) => void (await call(["-f", "-"], script)),
    list: (...words) => call(words, ""),
    owns: (portId) => own.includes(portId),
    // Other programs are run now and then (modprobe), but hardly while a look is under way.
    get cpuMs() {
      return childrenCpuMs();
    },
  };
}

function nftError(error: Error & { code?: unknown; killed?: boolean }, stderr: string): NftError {
  if (error.code === "ENOENT") {
    return new NftError("nft(8) is not installed", "apt-get install nftables");
  }
  if (error.killed === true) return new NftError("nft(8) did not end in time", undefined);
  const said = wordsOf(stderr) || error.message;
  if (/not permitted/i.test(said)) {
    const remedy = "run margay as root or with CAP_NET_ADMIN";
    return new NftError(`nft(8) may not change the firewall: ${said}`, remedy);
  }
  if (/not supported|Protocol/i.test(said)) {
    const remedy = "modprobe nf_tables, or a kernel with CONFIG_NF_TABLES";
    return new NftError(`the kernel has no nftables: ${said}`, remedy, { isUnsupported: true });
  }
  const isAbsent = /No such file or directory/.test(said);
  return new NftError(`nft(8) failed: ${said}`, undefined, { isAbsent });
}

/** What went wrong, without the script that it quotes. */
function wordsOf(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line !== "" && !line.startsWith("# Warning"));
  return lines.find((line) => /error/i.test(line))?.trim() ?? lines[0]?.trim() ?? "";
}
