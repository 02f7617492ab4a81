import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampNow } from "@bufbuild/protobuf/wkt";
import { type Event, type EventKind, EventSchema } from "../gen/margay/v1/event_pb.ts";
import type { ClientArguments } from "./commands/arguments.ts";
import { ExitCode } from "./exit-code.ts";
import type { Column } from "./format/table.ts";
import { jsonText } from "./json.ts";
import { note, stdoutTable, writeOut } from "./output.ts";
import type { Session } from "./session.ts";

/** A list of things that the daemon has, in the three forms of output, and then as it changes. */
export interface Listing<Item, Row> {
  readonly columns: readonly Column<Row>[];
  readonly rowsOf: (item: Item) => readonly Row[];
  /** Name of the list in JSON. */
  readonly key: string;
  /** One item as JSON on one line. */
  readonly json: (item: Item) => string;
  /** What to say on stderr when there is none. */
  readonly empty: string;
  /** An empty list is a failure: something was asked for by name. */
  readonly mustMatch: boolean;
  readonly kind: EventKind;
  /** The item as an event, for JSON in a watch, where every line is an event. */
  readonly eventOf: (item: Item) => MessageInitShape<typeof EventSchema>;
  /** The rows for a change, or none when it does not concern the list. */
  readonly changedRows: (event: Event) => readonly Row[];
}

type Args = ClientArguments & { readonly watch: boolean };

/** Prints the list while it comes; with `watch` goes on with the changes for ever. Returns the exit code. */
export async function printListing<Item, Row>(
  listing: Listing<Item, Row>,
  batches: AsyncIterable<readonly Item[]>,
  { client }: Session,
  args: Args,
): Promise<number> {
  // Asked for before the list, so that nothing is missed between the two.
  const changes = args.watch ? client.watch({ kinds: [listing.kind] }) : undefined;
  const first = changes?.next();
  // Looked at below; a failure of the list comes first.
  first?.catch(() => {});
  const printer = args.output === "json" ? jsonPrinter(listing, args) : tablePrinter(listing, args);
  let count = 0;
  for await (const batch of batches) {
    count += batch.length;
    await printer.items(batch);
  }
  await printer.end();
  if (count === 0) note(listing.empty);
  for (let next = await first; next?.done === false; next = await changes?.next()) {
    const { events, lagged } = next.value;
    if (lagged)
      note(
        "Too much changed at once: some changes are not shown. Start again for the whole picture.",
      );
    const concerning = events.filter((event) => listing.changedRows(event).length > 0);
    await printer.events(concerning);
  }
  return count === 0 && listing.mustMatch ? ExitCode.notFound : ExitCode.ok;
}

interface Printer<Item> {
  items(items: readonly Item[]): Promise<void>;
  end(): Promise<void>;
  events(events: readonly Event[]): Promise<void>;
}

function tablePrinter<Item, Row>(listing: Listing<Item, Row>, args: Args): Printer<Item> {
  const table = stdoutTable(listing.columns, args);
  return {
    async items(items) {
      // Of an empty list the note on stderr says enough; a watch wants its header at once.
      if (items.length === 0 && !args.watch) return;
      await writeOut(table.lines(items.flatMap((item) => listing.rowsOf(item))));
    },
    end: async () => {},
    events: (events) =>
      writeOut(table.lines(events.flatMap((event) => listing.changedRows(event)))),
  };
}

/** `{"routes":[` one item a line `]}`; in a watch, one event a line. */
function jsonPrinter<Item, Row>(listing: Listing<Item, Row>, args: Args): Printer<Item> {
  let started = false;
  const opening = `{"${listing.key}":[`;
  const eventLine = (item: Item): string => {
    const event = create(EventSchema, listing.eventOf(item));
    event.time = timestampNow();
    return jsonText(EventSchema, event);
  };
  return {
    async items(items) {
      if (args.watch) {
        await writeOut(items.map((item) => `${eventLine(item)}\n`).join(""));
        return;
      }
      if (items.length === 0) return;
      const lines = items.map((item) => `\n${listing.json(item)}`).join(",");
      await writeOut(`${started ? "," : opening}${lines}`);
      started = true;
    },
    end: async () => {
      if (!args.watch) await writeOut(started ? "\n]}\n" : `${opening}]}\n`);
    },
    events: (events) =>
      writeOut(events.map((event) => `${jsonText(EventSchema, event)}\n`).join("")),
  };
}
