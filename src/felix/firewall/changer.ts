import { processName } from "../culprit.ts";
import type { NftablesChange } from "../../netlink/nftables-event.ts";

/** `nft, port ID 4711`: who changed tables, in words. */
export function changerText({ processName: name, portId }: NftablesChange): string {
  const who = name === "" ? processName(portId) : name;
  return [...(who === undefined ? [] : [who]), `port ID ${portId}`].join(", ");
}
