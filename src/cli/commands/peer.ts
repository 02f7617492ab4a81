import { ApiError } from "../../api/api-error.ts";
import { StatusCode } from "../../gen/margay/v1/frame_pb.ts";
import { PeerSchema } from "../../gen/margay/v1/peer_pb.ts";
import { ExitCode } from "../exit-code.ts";
import { paintFor } from "../format/paint.ts";
import { formatPeer } from "../format/peer.ts";
import { jsonText } from "../json.ts";
import { writeOut } from "../output.ts";
import { withDaemon } from "../session.ts";
import type { AddressArguments } from "./arguments.ts";

/** `margay peer ADDRESS` */
export function run(args: AddressArguments): Promise<number> {
  return withDaemon(args, async ({ client, options }) => {
    const { peer } = await client.getPeer({ address: args.address }, options);
    if (peer === undefined) throw new ApiError(StatusCode.INTERNAL, "the daemon sent no peer");
    const text =
      args.output === "json"
        ? `${jsonText(PeerSchema, peer, 2)}\n`
        : formatPeer(peer, Date.now(), paintFor(process.stdout));
    await writeOut(text);
    return ExitCode.ok;
  });
}
