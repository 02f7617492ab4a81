import { ApiError } from "../../api/api-error.ts";
import { StatusCode } from "../../gen/margay/v1/frame_pb.ts";
import { PeerAction } from "../../gen/margay/v1/management_pb.ts";
import { type Peer, PeerSchema } from "../../gen/margay/v1/peer_pb.ts";
import { ExitCode } from "../exit-code.ts";
import { paintFor } from "../format/paint.ts";
import { formatPeer, namedAddress } from "../format/peer.ts";
import { jsonText } from "../json.ts";
import { note, writeOut } from "../output.ts";
import { type Session, withDaemon } from "../session.ts";
import type { PeerArguments } from "./arguments.ts";

/** What each action of the command line is to the API, and what it has done. */
const actions = {
  disable: { action: PeerAction.DISABLE, done: "is disabled" },
  enable: { action: PeerAction.ENABLE, done: "is enabled" },
  reset: { action: PeerAction.RESET, done: "is being reset" },
  "soft-in": { action: PeerAction.SOFT_IN, done: "has its routes judged again" },
  "soft-out": { action: PeerAction.SOFT_OUT, done: "is being sent its routes again" },
} as const;

/** `margay peer ADDRESS [ACTION]` */
export function run(args: PeerArguments): Promise<number> {
  return withDaemon(args, async (session) => {
    const { peer, undone = "" } = await askFor(session, args);
    if (peer === undefined) throw new ApiError(StatusCode.INTERNAL, "the daemon sent no peer");
    if (undone !== "") note(`margay: ${namedAddress(peer.address, peer.name)}: ${undone}`);
    if (args.output === "json") await writeOut(`${jsonText(PeerSchema, peer, 2)}\n`);
    else if (undone === "") await writeOut(text(peer, args));
    return ExitCode.ok;
  });
}

async function askFor(
  { client, options }: Session,
  args: PeerArguments,
): Promise<{ readonly peer?: Peer | undefined; readonly undone?: string }> {
  const { address, action, message = "" } = args;
  if (action === undefined) return client.getPeer({ address }, options);
  return client.controlPeer({ address, action: actions[action].action, message }, options);
}

function text(peer: Peer, { action }: PeerArguments): string {
  if (action === undefined) return formatPeer(peer, Date.now(), paintFor(process.stdout));
  const held = peer.held === "" || action === "disable" ? "" : `, but held down: ${peer.held}`;
  return `${namedAddress(peer.address, peer.name)} ${actions[action].done}${held}\n`;
}
