import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Felix } from "../felix/felix.ts";
import type { FelixEvent } from "../felix/status.ts";
import { EventKind } from "../gen/margay/v1/event_pb.ts";
import type { Clock } from "../platform/clock.ts";
import type { EventHub } from "./event-hub.ts";
import { fibEntryView } from "./fib-view.ts";

/** Hands what happens to kernel routes to those who watch. */
export function publishFelix(felix: Felix, hub: EventHub, clock: Clock): void {
  const tell = (event: FelixEvent): void => {
    if (event.kind === "resync") return;
    const { prefix } = event;
    const entry = felix.entry(prefix);
    const removed = event.kind === "removed";
    const view =
      entry === undefined
        ? { prefix: prefix.text, kernel: event.text }
        : fibEntryView(entry, felix.protocol);
    const time = timestampFromMs(clock.wallMs());
    hub.publish(EventKind.FIB, {
      time,
      change: { case: "fib", value: { entry: view, removed } },
    });
  };
  felix.onChange(tell, () => hub.wants(EventKind.FIB));
}
