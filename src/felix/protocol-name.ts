import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where iproute2 looks for names of route protocols, one `number name` per line in files `*.conf`. */
export const RT_PROTOS_DIRECTORY = "/etc/iproute2/rt_protos.d";

/**
 * Tells iproute2 our protocol's name, so that `ip route` says `proto margay`. Only where the directory is there and
 * may be written, and no other file names the number. Never rejects; resolves to whether the name stands.
 */
export async function nameProtocol(protocol: number, directory: string): Promise<boolean> {
  const file = join(directory, "margay.conf");
  const line = `${protocol} margay\n`;
  try {
    for (const name of await readdir(directory)) {
      if (!name.endsWith(".conf")) continue;
      const text = await readFile(join(directory, name), "utf8");
      if (name === "margay.conf" && text === line) return true;
      if (name !== "margay.conf" && namesNumber(text, protocol)) return false;
    }
    await writeFile(file, line);
    return true;
  } catch {
    return false;
  }
}

function namesNumber(text: string, protocol: number): boolean {
  return text
    .split("\n")
    .some((line) => Number(line.trim().split(/\s+/)[0] ?? "") === protocol && line.trim() !== "");
}
