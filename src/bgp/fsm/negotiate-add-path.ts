import type { OpenMessage } from "../message/message.ts";
import { type CodecContext, familyKey } from "../message/codec-context.ts";

interface Family {
  readonly afi: number;
  readonly safi: number;
}

/**
 * In which families and directions two OPENs put ADD-PATH in force (RFC 7911 §4): where one end offered to send and the
 * other to receive.
 * @param families those of the session
 */
export function negotiateAddPath(
  localOpen: OpenMessage,
  peerOpen: OpenMessage,
  families: readonly Family[],
): Pick<CodecContext, "addPathReceive" | "addPathSend"> {
  const keys = families.map(({ afi, safi }) => familyKey(afi, safi));
  const ours = offers(localOpen);
  const theirs = offers(peerOpen);
  return {
    addPathReceive: new Set(keys.filter((key) => ours.get(key)?.receive && theirs.get(key)?.send)),
    addPathSend: new Set(keys.filter((key) => ours.get(key)?.send && theirs.get(key)?.receive)),
  };
}

/** What an OPEN offers, by `familyKey`; of several offers of a family the first. */
function offers({
  capabilities,
}: OpenMessage): ReadonlyMap<number, { readonly receive: boolean; readonly send: boolean }> {
  const all = capabilities.flatMap((capability) =>
    capability.name === "addPath" ? capability.families : [],
  );
  return new Map(
    all
      .toReversed()
      .map(({ afi, safi, receive, send }) => [familyKey(afi, safi), { receive, send }]),
  );
}
