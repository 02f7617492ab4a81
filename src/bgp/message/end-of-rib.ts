import { attributeFlags, writeAttribute } from "../attribute/encode-attributes.ts";
import { mpUnreachNlri } from "../attribute/mp-unreach-nlri.ts";
import { ipv4Unicast } from "../family/index.ts";
import { MessageType } from "../iana.ts";
import { Writer } from "../../wire/writer.ts";
import { familyKey } from "./codec-context.ts";
import { beginMessage, finishMessage } from "./header.ts";
import type { UpdateView } from "./scan-update.ts";

/** Encodes the whole End-of-RIB of a family, RFC 4724 §2: an empty UPDATE for IPv4 unicast, an empty MP_UNREACH_NLRI for others. */
export function encodeEndOfRib(afi: number, safi: number): Uint8Array {
  const writer = new Writer(32);
  beginMessage(writer, MessageType.update);
  writer.uint16(0);
  writer.lengthUint16(() => {
    if (familyKey(afi, safi) === ipv4Unicast.key) return;
    const value = Uint8Array.of(afi >>> 8, afi, safi);
    writeAttribute(writer, attributeFlags(mpUnreachNlri), mpUnreachNlri.code, value);
  });
  return finishMessage(writer);
}

/** The `familyKey` whose End-of-RIB the scanned UPDATE is; `undefined` when it is none. */
export function endOfRibFamily(octets: Uint8Array, view: UpdateView): number | undefined {
  if (view.withdrawnStart !== view.withdrawnEnd || view.nlriStart !== view.nlriEnd) {
    return undefined;
  }
  if (view.attributesStart === view.attributesEnd) return ipv4Unicast.key;
  const isUnreachAlone =
    view.mpUnreachAttributeStart === view.attributesStart &&
    view.mpUnreachEnd === view.attributesEnd;
  const start = view.mpUnreachStart;
  if (!isUnreachAlone || view.mpUnreachEnd - start !== 3) return undefined;
  const afi = ((octets[start] as number) << 8) | (octets[start + 1] as number);
  return familyKey(afi, octets[start + 2] as number);
}
