import { FORWARDING_KEYS } from "./forwarding.ts";
import { ACCEPT_THOUGH_FORWARDING } from "./ipv6-forwarding.ts";
import type { KernelPicture } from "./kernel-picture.ts";
import type { Sysctl } from "./sysctl.ts";
import { isUnmarked } from "./tunnel-remains.ts";

/**
 * What may be our doing and stays all the same, each with the reason: settings that others may rely on by now, and devices that
 * have a name of ours and no mark.
 */
export async function leftBehind(
  picture: Pick<KernelPicture, "links">,
  sysctl: Sysctl,
): Promise<string[]> {
  const left: string[] = [];
  const keep = async (key: string, isOurs: (value: string) => boolean): Promise<void> => {
    const value = await sysctl.read(key);
    if (value === undefined || !isOurs(value)) return;
    left.push(`${key.replaceAll("/", ".")}=${value}: others may rely on it`);
  };
  for (const key of Object.values(FORWARDING_KEYS)) await keep(key, (value) => value !== "0");
  for (const link of picture.links()) {
    const { name, alias } = link;
    await keep(`net/ipv6/conf/${name}/accept_ra`, (value) => value === ACCEPT_THOUGH_FORWARDING);
    if (!isUnmarked(link)) continue;
    const mark = alias === undefined ? "it has no alias" : `its alias is ${alias}`;
    left.push(`link ${name}: ${mark}, and so may not be ours`);
  }
  return left;
}
