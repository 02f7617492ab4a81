import { EventKind } from "../../gen/margay/v1/event_pb.ts";
import { type Route, RouteSchema } from "../../gen/margay/v1/route_pb.ts";
import { type RouteRow, routeColumns, routeRows } from "../format/route.ts";
import { jsonText } from "../json.ts";
import { type Listing, printListing } from "../listing.ts";
import { prefixQuestion, type PrefixQuestion } from "../prefix-question.ts";
import { withDaemon } from "../session.ts";
import type { PrefixArguments } from "./arguments.ts";

/** `margay routes [PREFIX]` */
export async function run(args: PrefixArguments): Promise<number> {
  const question = prefixQuestion(args);
  return withDaemon(args, (session) => {
    const { client, options } = session;
    async function* routes(): AsyncGenerator<Route[]> {
      for await (const batch of client.listRoutes(question.request, options)) yield batch.routes;
    }
    return printListing(listingFor(question, args), routes(), session, args);
  });
}

function listingFor(question: PrefixQuestion, args: PrefixArguments): Listing<Route, RouteRow> {
  return {
    columns: routeColumns,
    rowsOf: routeRows,
    key: "routes",
    json: (route) => jsonText(RouteSchema, route),
    empty: args.prefix === undefined ? "The Loc-RIB is empty." : `No route matches ${args.prefix}.`,
    mustMatch: args.prefix !== undefined,
    kind: EventKind.ROUTE,
    eventOf: ({ prefix, candidates }) => {
      const best = candidates.find((candidate) => candidate.best);
      const value = best === undefined ? { prefix } : { prefix, best };
      return { change: { case: "route", value } };
    },
    changedRows: ({ change }) => {
      if (change.case !== "route" || !question.concerns(change.value.prefix)) return [];
      return [{ prefix: change.value.prefix, candidate: change.value.best }];
    },
  };
}
