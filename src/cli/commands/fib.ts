import { EventKind } from "../../gen/margay/v1/event_pb.ts";
import { type FibEntry, FibEntrySchema } from "../../gen/margay/v1/fib_pb.ts";
import { ConfirmRemovalsResponseSchema } from "../../gen/margay/v1/management_pb.ts";
import { ExitCode } from "../exit-code.ts";
import { fibColumns, type FibRow } from "../format/fib.ts";
import { jsonText } from "../json.ts";
import { type Listing, printListing } from "../listing.ts";
import { writeOut } from "../output.ts";
import { prefixQuestion, type PrefixQuestion } from "../prefix-question.ts";
import { withProgrammer } from "../session.ts";
import type { PrefixArguments } from "./arguments.ts";

/** `margay fib [PREFIX]`, `margay fib confirm` */
export async function run(args: PrefixArguments): Promise<number> {
  if (args.prefix === "confirm") return confirm(args);
  const question = prefixQuestion(args);
  return withProgrammer(args, (session) => {
    const { client, options } = session;
    async function* entries(): AsyncGenerator<FibEntry[]> {
      for await (const batch of client.getFib(question.request, options)) yield batch.entries;
    }
    return printListing(listingFor(question, args), entries(), session, args);
  });
}

/** Removes the routes that are kept because too many were to go at once. */
function confirm(args: PrefixArguments): Promise<number> {
  return withProgrammer(args, async ({ client, options }) => {
    const response = await client.confirmRemovals({}, options);
    const { routes } = response;
    const text = routes === 0 ? "No removal waits to be confirmed." : `${routes} removed.`;
    const isJson = args.output === "json";
    await writeOut(`${isJson ? jsonText(ConfirmRemovalsResponseSchema, response) : text}\n`);
    return ExitCode.ok;
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
