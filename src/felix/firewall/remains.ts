import { forwardRemains, tableName } from "./forward.ts";
import { type Nft, NftError } from "./nft.ts";
import { readOthers } from "./others.ts";
import { replaceScript, TABLE } from "./table.ts";

/** Something of ours in the firewall. */
export interface FirewallRemains {
  /** `table inet margay`, `2 rules in ip filter DOCKER-USER`. */
  readonly line: string;
  /** Script of nft(8) that takes it away. */
  readonly removal: string;
}

/** What there is of ours. Without nft(8), or nftables in the kernel, that is nothing. */
export async function firewallRemains(nft: Nft): Promise<FirewallRemains[]> {
  return [...(await ifAny(() => ownTable(nft))), ...(await ifAny(() => rulesElsewhere(nft)))];
}

async function ownTable(nft: Nft): Promise<FirewallRemains[]> {
  await nft.list("-t", "list", "table", ...TABLE.split(" "));
  return [{ line: `table ${TABLE}`, removal: replaceScript(undefined) }];
}

async function rulesElsewhere(nft: Nft): Promise<FirewallRemains[]> {
  const { forward } = await readOthers(nft, []);
  return forward.flatMap((table) =>
    forwardRemains(table).map(({ chain, count, removal }) => ({
      line: `${count} rules in ${tableName(table)} ${chain}`,
      removal,
    })),
  );
}

async function ifAny(find: () => Promise<FirewallRemains[]>): Promise<FirewallRemains[]> {
  try {
    return await find();
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
