import { EventKind, EventSchema } from "../../gen/margay/v1/event_pb.ts";
import { ExitCode } from "../exit-code.ts";
import { formatEvent } from "../format/event.ts";
import { paintFor } from "../format/paint.ts";
import { jsonText } from "../json.ts";
import { note, writeOut } from "../output.ts";
import { type Session, withNode } from "../session.ts";
import type { WatchArguments } from "./arguments.ts";

const kinds = {
  peers: EventKind.PEER,
  routes: EventKind.ROUTE,
  fib: EventKind.FIB,
  config: EventKind.CONFIG,
} as const;

const allKinds = Object.values(kinds);

/** `margay watch [KIND...]`: ends with a daemon or with an interrupt. */
export function run(args: WatchArguments): Promise<number> {
  return withNode(args, async ({ daemon, programmer }) => {
    const asked = args.kinds?.length ? args.kinds.map((kind) => kinds[kind]) : allKinds;
    const isProgrammers = (kind: EventKind): boolean =>
      programmer !== undefined && (kind === EventKind.FIB || daemon === undefined);
    await Promise.all([
      watch(programmer, asked.filter(isProgrammers), args),
      watch(
        daemon,
        asked.filter((kind) => !isProgrammers(kind)),
        args,
      ),
    ]);
    return ExitCode.ok;
  });
}

async function watch(
  session: Session | undefined,
  asked: readonly EventKind[],
  args: WatchArguments,
): Promise<void> {
  if (session === undefined || asked.length === 0) return;
  const paint = paintFor(process.stdout);
  for await (const { events, lagged, coalesced } of session.client.watch({ kinds: [...asked] })) {
    const lines = events.map((event) =>
      args.output === "json" ? `${jsonText(EventSchema, event)}\n` : formatEvent(event, paint),
    );
    if (lagged) note("Too much changed at once: some changes are not shown.");
    else if (coalesced > 0) note(`${coalesced} older changes of the same things are not shown.`);
    await writeOut(lines.join(""));
  }
}
