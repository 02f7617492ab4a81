import type { EventView, PeerView, Views } from "../api/views.ts";
import { parseIpAddress } from "../net/ip-address.ts";
import type { Felix } from "../felix/felix.ts";
import type { EventHub } from "./event-hub.ts";
import { explain } from "./explanation.ts";
import { fibEntries } from "./fib-view.ts";
import { peerView } from "./peer-view.ts";
import { routeView, selectPrefixes } from "./route-view.ts";
import { type StatusSources, statusView } from "./status-view.ts";
import type { EventKind } from "../gen/margay/v1/event_pb.ts";

/** What the API reads, over the speaker and, on a node, the programmer. `sources` is read anew at each call. */
export function createViews(
  sources: () => StatusSources,
  hub: EventHub,
  felix: Felix | undefined,
): Views {
  const peers = (): PeerView[] => {
    const { driver, clock } = sources();
    return [...driver.speaker.peers()]
      .sort((a, b) => (a.addressOrder < b.addressOrder ? -1 : 1))
      .map((peer) => peerView(peer, driver, clock));
  };
  return {
    status: () => statusView(sources()),
    peers,
    peer(addressOrName) {
      const { driver, clock } = sources();
      const { speaker } = driver;
      const found =
        speaker.peer(addressOrName) ??
        [...speaker.peers()].find(({ settings }) => settings.name === addressOrName);
      return found === undefined ? undefined : peerView(found, driver, clock);
    },
    *routes(filter) {
      const { driver, clock } = sources();
      for (const { rib, prefix } of selectPrefixes(driver.speaker, filter)) {
        yield routeView(driver.speaker, rib, prefix, clock);
      }
    },
    *fib(filter) {
      if (felix !== undefined) yield* fibEntries(felix, filter);
    },
    async explain(address) {
      const { driver, clock } = sources();
      if (parseIpAddress(address) === undefined) throw new TypeError(`not an address: ${address}`);
      const programmed = await felix?.explain(address);
      return explain({ address, speaker: driver.speaker, clock, felix: programmed });
    },
    subscribe: (listener: (event: EventView) => void, kinds: ReadonlySet<EventKind>) =>
      hub.subscribe(listener, kinds),
  };
}
