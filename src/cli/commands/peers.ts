import { EventKind } from "../../gen/margay/v1/event_pb.ts";
import { type Peer, PeerSchema } from "../../gen/margay/v1/peer_pb.ts";
import { type PeerRow, peerColumns } from "../format/peer.ts";
import { jsonText } from "../json.ts";
import { type Listing, printListing } from "../listing.ts";
import { withDaemon } from "../session.ts";
import type { PeersArguments } from "./arguments.ts";

const listing: Listing<Peer, PeerRow> = {
  columns: peerColumns(() => Date.now()),
  rowsOf: (peer) => [{ peer }],
  key: "peers",
  json: (peer) => jsonText(PeerSchema, peer),
  empty: "There are no peers.",
  mustMatch: false,
  kind: EventKind.PEER,
  eventOf: (peer) => ({ change: { case: "peer", value: { peer, previousState: peer.state } } }),
  changedRows: ({ change }) => {
    if (change.case !== "peer" || change.value.peer === undefined) return [];
    return [{ peer: change.value.peer, removed: change.value.removed }];
  },
};

/** `margay peers` */
export function run(args: PeersArguments): Promise<number> {
  return withDaemon(args, (session) => {
    const { client, options } = session;
    async function* peers(): AsyncGenerator<Peer[]> {
      yield (await client.listPeers({}, options)).peers;
    }
    return printListing(listing, peers(), session, args);
  });
}
