import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where iproute2 looks for names of route protocols, one `number name` per line in files `*.conf`. */
export const RT_PROTOS_DIRECTORY = "/etc/iproute2/rt_protos.d";
const FILE = "margay.conf";

/**
 * Tells iproute2 our protocol's name, so that `ip route` says `proto margay`. Only where the directory is there and
 * may be written, and no other file names the number. Never rejects; resolves to whether the name stands.
 */
export async function nameProtocol(protocol: number, directory: string): Promise<boolean> {
  const file = fileIn(directory);
  const line = lineOf(protocol);
  try {
    for (const name of await readdir(directory)) {
      if (!name.endsWith(".conf")) continue;
      const text = await readFile(join(directory, name), "utf8");
      if (name === FILE && text === line) return true;
      if (name !== FILE && namesNumber(text, protocol)) return false;
    }
    await writeFile(file, line);
    return true;
  } catch {
    return false;
  }
}

/** The file that `nameProtocol` wrote, as it wrote it; `undefined` where there is no such. Never rejects. */
export async function protocolNameFile(
  protocol: number,
  directory: string,
): Promise<string | undefined> {
  const file = fileIn(directory);
  try {
    return (await readFile(file, "utf8")) === lineOf(protocol) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** Resolves to why it cannot be removed, if it cannot. */
export async function removeProtocolName(file: string): Promise<string | undefined> {
  try {
    await rm(file, { force: true });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function fileIn(directory: string): string {
  return join(directory, FILE);
}

function lineOf(protocol: number): string {
  return `${protocol} margay\n`;
}

function namesNumber(text: string, protocol: number): boolean {
  return text
    .split("\n")
    .some((line) => Number(line.trim().split(/\s+/)[0] ?? "") === protocol && line.trim() !== "");
}
