import { EventKind } from "../../gen/margay/v1/event_pb.ts";
import { type FibEntry, FibEntrySchema } from "../../gen/margay/v1/fib_pb.ts";
import { fibColumns, type FibRow } from "../format/fib.ts";
import { jsonText } from "../json.ts";
import { type Listing, printListing } from "../listing.ts";
import { prefixQuestion, type PrefixQuestion } from "../prefix-question.ts";
import { withDaemon } from "../session.ts";
import type { PrefixArguments } from "./arguments.ts";

/** `margay fib [PREFIX]` */
export async function run(args: PrefixArguments): Promise<number> {
  const question = prefixQuestion(args);
  return withDaemon(args, (session) => {
    const { client, options } = session;
    async function* entries(): AsyncGenerator<FibEntry[]> {
      for await (const batch of client.getFib(question.request, options)) yield batch.entries;
    }
    return printListing(listingFor(question, args), entries(), session, args);
  });
}

function listingFor(question: PrefixQuestion, args: PrefixArguments): Listing<FibEntry, FibRow> {
  return {
    columns: fibColumns,
    rowsOf: (entry) => [{ entry }],
    key: "entries",
    json: (entry) => jsonText(FibEntrySchema, entry),
    empty:
      args.prefix === undefined
        ? "Nothing is wanted in the kernel, and nothing of ours is there."
        : `No route matches ${args.prefix}.`,
    mustMatch: args.prefix !== undefined,
    kind: EventKind.FIB,
    eventOf: (entry) => ({ change: { case: "fib", value: { entry } } }),
    changedRows: ({ change }) => {
      if (change.case !== "fib" || change.value.entry === undefined) return [];
      if (!question.concerns(change.value.entry.prefix)) return [];
      return [{ entry: change.value.entry, removed: change.value.removed }];
    },
  };
}
