import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";

/** The kernel's settings. Keys are paths under /proc/sys: `net/ipv4/ip_forward`. */
export interface Sysctl {
  /** The value without its newline; `undefined` when there is no such setting. */
  read(key: string): Promise<string | undefined>;
  /** Rejects with the system's error (EACCES, EROFS, ENOENT). */
  write(key: string, value: string): Promise<void>;
}

/** The settings of this process's network namespace. */
export const procSysctl: Sysctl = {
  /** At once: that takes microseconds, and by way of a thread a hundred times as long. */
  read(key: string): Promise<string | undefined> {
    return Promise.resolve(readNow(key));
  },
  async write(key: string, value: string): Promise<void> {
    await writeFile(`/proc/sys/${key}`, value);
  },
};

function readNow(key: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/${key}`, "utf8").trim();
  } catch {
    return undefined;
  }
}
