import { attributeText, walkAttributes } from "./attribute.ts";
import type { NetlinkMessage } from "./message.ts";

/** A table of nftables: `inet margay`, `ip filter`. */
export type NftablesTable = `${string} ${string}`;

/** Somebody changed tables, all of it at once. */
export interface NftablesChange {
  readonly tables: ReadonlySet<NftablesTable>;
  /** The port of the socket that asked for it, mostly the process's id. */
  readonly portId: number;
  /** `nft`, `iptables-nft`: as the kernel names the process; empty before Linux 4.14. */
  readonly processName: string;
}

/** NFNL_SUBSYS_NFTABLES, the upper octet of nlmsg_type. */
const SUBSYSTEM = 10;
/** NFT_MSG_NEWGEN: the end of what one transaction changed. */
const NEW_GENERATION = 15;
/** `struct nfgenmsg`: family u8, version u8, res_id u16. */
const HEADER_OCTETS = 4;
/** The first attribute of everything that is in a table (NFTA_TABLE_NAME, NFTA_CHAIN_TABLE, …). */
const TABLE_NAME = 1;
const PROCESS_NAME = 3;
/** NFPROTO_ numbers as nft(8) calls them. */
const families: Readonly<Record<number, string>> = {
  1: "inet",
  2: "ip",
  3: "arp",
  5: "netdev",
  7: "bridge",
  10: "ip6",
};

/** Puts the messages of nftables' group together to whole changes: each ends with a message of its own. */
export class NftablesChanges {
  #tables = new Set<NftablesTable>();

  /** Takes the next message; returns the change that it ends, if any. */
  take({ type, payload, portId }: NetlinkMessage): NftablesChange | undefined {
    if (type >>> 8 !== SUBSYSTEM || payload.length < HEADER_OCTETS) return undefined;
    const attributes = payload.subarray(HEADER_OCTETS);
    if ((type & 255) !== NEW_GENERATION) {
      const name = textOf(attributes, TABLE_NAME);
      this.#tables.add(`${families[payload[0] as number] ?? String(payload[0])} ${name}`);
      return undefined;
    }
    const tables = this.#tables;
    this.#tables = new Set();
    return { tables, portId, processName: textOf(attributes, PROCESS_NAME) };
  }
}

function textOf(attributes: Uint8Array, wanted: number): string {
  let text = "";
  walkAttributes(attributes, (type, value) => {
    if (type === wanted) text = attributeText(value);
  });
  return text;
}
