import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Felix } from "../felix/felix.ts";
import { EventKind } from "../gen/margay/v1/event_pb.ts";
import type { Clock } from "../platform/clock.ts";
import type { EventHub } from "./event-hub.ts";
import { fibEntries } from "./fib-view.ts";

/** Hands what happens to kernel routes to those who watch. */
export function publishFelix(felix: Felix, hub: EventHub, clock: Clock): void {
  felix.onChange((event) => {
    if (event.kind === "resync" || !hub.wants(EventKind.FIB)) return;
    const { prefix } = event;
    const [entry] = fibEntries(felix, { match: "exact", prefix });
    const removed = event.kind === "removed";
    const value = { entry: entry ?? { prefix: prefix.text, kernel: event.text }, removed };
    const time = timestampFromMs(clock.wallMs());
    hub.publish(EventKind.FIB, { time, change: { case: "fib", value } });
  });
}
