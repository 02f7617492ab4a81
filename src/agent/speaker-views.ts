import type { EventView, PeerOrder, PeerView, Views } from "../api/views.ts";
import type { Peer } from "../bgp/peer.ts";
import type { PeerControl } from "../bgp/peer-control.ts";
import { parseIpAddress } from "../net/ip-address.ts";
import type { Felix } from "../felix/felix.ts";
import type { EventHub } from "./event-hub.ts";
import { explain } from "./explanation.ts";
import { fibEntries } from "./fib-view.ts";
import { peerView } from "./peer-view.ts";
import { routeView, selectPrefixes } from "./route-view.ts";
import { type StatusSources, statusView } from "./status-view.ts";
import type { EventKind } from "../gen/margay/v1/event_pb.ts";
import { PeerAction } from "../gen/margay/v1/management_pb.ts";

/** What the API reads, over the speaker and, on a node, the programmer. `sources` is read anew at each call. */
export function createViews(
  sources: () => StatusSources,
  hub: EventHub,
  felix: Felix | undefined,
): Views {
  const peers = (): PeerView[] => {
    const all = [...sources().driver.speaker.peers()];
    return all.sort((a, b) => (a.addressOrder < b.addressOrder ? -1 : 1)).map(viewOf);
  };
  const findPeer = (addressOrName: string): Peer | undefined => {
    const { speaker } = sources().driver;
    const isNamed = ({ settings }: Peer): boolean => settings.name === addressOrName;
    return speaker.peer(addressOrName) ?? [...speaker.peers()].find(isNamed);
  };
  const viewOf = (peer: Peer): PeerView => {
    const { driver, clock } = sources();
    return peerView(peer, driver, clock);
  };
  return {
    status: () => statusView(sources()),
    peers,
    peer(addressOrName) {
      const peer = findPeer(addressOrName);
      return peer && viewOf(peer);
    },
    controlPeer(addressOrName, order) {
      const peer = findPeer(addressOrName);
      if (peer === undefined) return undefined;
      const undone = obey(sources().driver.speaker.control, peer, order);
      return { peer: viewOf(peer), undone };
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
    confirmRemovals: async () => (await felix?.confirmRemovals()) ?? 0,
    subscribe: (listener: (event: EventView) => void, kinds: ReadonlySet<EventKind>) =>
      hub.subscribe(listener, kinds),
  };
}

/** @returns what of it was not done; empty where all was */
function obey(control: PeerControl, peer: Peer, { action, message }: PeerOrder): string {
  switch (action) {
    case PeerAction.DISABLE:
      control.disable(peer, message);
      return "";
    case PeerAction.ENABLE:
      control.enable(peer);
      return "";
    case PeerAction.RESET:
      return control.reset(peer, message) ?? "";
    case PeerAction.SOFT_IN:
      return control.softIn(peer) ?? "";
    case PeerAction.SOFT_OUT:
      return control.softOut(peer) ?? "";
    case PeerAction.UNSPECIFIED: // refused by the API
  }
  return "";
}
