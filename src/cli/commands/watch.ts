import { EventKind, EventSchema } from "../../gen/margay/v1/event_pb.ts";
import { ExitCode } from "../exit-code.ts";
import { formatEvent } from "../format/event.ts";
import { paintFor } from "../format/paint.ts";
import { jsonText } from "../json.ts";
import { note, writeOut } from "../output.ts";
import { withDaemon } from "../session.ts";
import type { WatchArguments } from "./arguments.ts";

const kinds = {
  peers: EventKind.PEER,
  routes: EventKind.ROUTE,
  fib: EventKind.FIB,
  config: EventKind.CONFIG,
} as const;

/** `margay watch [KIND...]`: ends with the daemon or with an interrupt. */
export function run(args: WatchArguments): Promise<number> {
  return withDaemon(args, async ({ client }) => {
    const paint = paintFor(process.stdout);
    const asked = (args.kinds ?? []).map((kind) => kinds[kind]);
    for await (const { events, lagged, coalesced } of client.watch({ kinds: asked })) {
      const lines = events.map((event) =>
        args.output === "json" ? `${jsonText(EventSchema, event)}\n` : formatEvent(event, paint),
      );
      if (lagged) note("Too much changed at once: some changes are not shown.");
      else if (coalesced > 0) note(`${coalesced} older changes of the same things are not shown.`);
      await writeOut(lines.join(""));
    }
    return ExitCode.ok;
  });
}
