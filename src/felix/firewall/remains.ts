import { type Nft, NftError } from "./nft.ts";
import { replaceScript, TABLE } from "./table.ts";

/** Something of ours in the firewall. */
export interface FirewallRemains {
  /** `table inet margay`. */
  readonly line: string;
  /** Script of nft(8) that takes it away. */
  readonly removal: string;
}

/** What there is of ours. Without nft(8), or nftables in the kernel, that is nothing. */
export async function firewallRemains(nft: Nft): Promise<FirewallRemains[]> {
  try {
    await nft.list("-t", "list", "table", ...TABLE.split(" "));
    return [{ line: `table ${TABLE}`, removal: replaceScript(undefined) }];
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    return [];
  }
}

/** Takes it away; resolves to what could not be, and why. */
export async function removeFirewall(
  nft: Nft,
  remains: readonly FirewallRemains[],
): Promise<string[]> {
  const failures: string[] = [];
  for (const { line, removal } of remains) {
    try {
      await nft.apply(removal);
    } catch (error) {
      if (!(error instanceof NftError)) throw error;
      failures.push(`${line}: ${error.text}`);
    }
  }
  return failures;
}
