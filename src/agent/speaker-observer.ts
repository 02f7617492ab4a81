import type { EventView } from "../api/views.ts";
import { formatAsPath } from "../bgp/attribute/as-path.ts";
import { describeNotification } from "../bgp/message/describe-notification.ts";
import { offenceOf } from "../bgp/offence.ts";
import { familyByKey } from "../bgp/family/index.ts";
import type { Peer } from "../bgp/peer.ts";
import type { FamilyRib } from "../bgp/rib/family-rib.ts";
import type { LocRibChanges } from "../bgp/rib/loc-rib.ts";
import type { Speaker } from "../bgp/speaker.ts";
import type { SpeakerObserver } from "../bgp/speaker-ports.ts";
import { EventKind } from "../gen/margay/v1/event_pb.ts";
import type { Clock } from "../platform/clock.ts";
import { LineLimit } from "../platform/line-limit.ts";
import type { Logger } from "../platform/logger.ts";
import type { SpeakerDriver } from "../session/speaker-driver.ts";
import type { EventHub } from "./event-hub.ts";
import { peerView, timestampOf } from "./peer-view.ts";

type CandidateView = NonNullable<
  Extract<NonNullable<EventView["change"]>, { case: "route" }>["value"]["best"]
>;

interface ObserverOptions {
  readonly logger: Logger;
  readonly hub: EventHub;
  readonly clock: Clock;
  /** The driver that the observer is given to: it exists by the time anything happens. */
  readonly driver: () => SpeakerDriver;
  /** Further interest in what happens: the programmer's, say. */
  readonly also?: SpeakerObserver;
}

/** Turns what happens in the speaker into log lines and events. */
export function observeSpeaker(options: ObserverOptions): SpeakerObserver {
  const { logger, hub, clock, driver, also } = options;
  const tellPeer = (peer: Peer, previousState: string, removed = false): void => {
    if (!hub.wants(EventKind.PEER)) return;
    const value = { peer: peerView(peer, driver(), clock), previousState, removed };
    const time = timestampOf(clock, clock.nowMs());
    hub.publish(EventKind.PEER, { time, change: { case: "peer", value } });
  };
  const lines = new LineLimit(clock);
  /** Tells what peers can bring about as often as they like: once in ten seconds for each of `what`. */
  const limited = (level: "warn" | "error") => {
    return (peer: Peer, what: string, fields: object, text: string): void => {
      const heldBack = lines.pass(what);
      if (heldBack === undefined) return;
      const more = heldBack === 0 ? {} : { moreBefore: heldBack };
      logger[level]({ ...label(peer), ...fields, ...more }, text);
    };
  };
  const [warn, complain] = [limited("warn"), limited("error")];
  /** The same for those who connect unasked; of configured peers every line is there. */
  const inform = (peer: Peer, fields: object, text: string): void => {
    const heldBack = peer.isDynamic ? lines.pass(`${peer.address} ${text}`) : 0;
    if (heldBack === undefined) return;
    const more = heldBack === 0 ? {} : { moreBefore: heldBack };
    logger.info({ ...label(peer), ...fields, ...more }, text);
  };
  return {
    stateChanged(peer, from, to) {
      logger.debug({ ...label(peer), from, to }, "session state");
      tellPeer(peer, from);
      also?.stateChanged?.(peer, from, to);
    },
    established(peer) {
      const hold = peer.negotiated?.holdTimeSeconds;
      const fields = { asn: peer.negotiated?.peerAsn, holdTimeSeconds: hold };
      inform(peer, fields, "session established");
      also?.established?.(peer);
    },
    down(peer, reason, wasEstablished) {
      const { event, direction, notification } = reason;
      const offence = offenceOf(reason);
      const fields = {
        event,
        ...(direction !== undefined && { direction }),
        ...(notification !== undefined && { notification: describeNotification(notification) }),
      };
      if (wasEstablished)
        warn(peer, `${peer.address} lost ${event}`, fields, `session lost: ${reason.text}`);
      else if (offence !== undefined) {
        // Of those who connect unasked, all together: there may be many.
        const who = peer.isDynamic ? "somebody" : peer.address;
        warn(peer, `${who} failed ${offence}`, fields, `session attempt failed: ${reason.text}`);
      } else {
        logger.debug({ ...label(peer), ...fields }, `session attempt failed: ${reason.text}`);
      }
      also?.down?.(peer, reason, wasEstablished);
    },
    malformed(peer, errors) {
      for (const { attribute, outcome, message } of errors) {
        const what = `${peer.address} malformed ${attribute} ${outcome}`;
        warn(peer, what, { attribute, outcome }, `malformed UPDATE: ${message}`);
      }
      also?.malformed?.(peer, errors);
    },
    offended(peer, { offence, text }) {
      const what = offence === "dribbling" ? "message" : "UPDATE";
      warn(peer, `${peer.address} ${offence}`, { offence }, `odd ${what}: ${text}`);
      also?.offended?.(peer, { offence, text });
    },
    endOfRib(peer, family) {
      logger.debug({ ...label(peer), family }, "End-of-RIB");
      also?.endOfRib?.(peer, family);
    },
    bestPathsChanged(rib, changes) {
      also?.bestPathsChanged?.(rib, changes);
      if (hub.wants(EventKind.ROUTE)) tellRoutes(driver().speaker, rib, changes, options);
    },
    prefixLimit(peer, { kind, family, paths, limit }) {
      const fields = { family: familyByKey(family)?.name, paths, limit: limit.limit };
      const what = `${peer.address} limit ${kind}`;
      const actions = {
        stop: "the session ends",
        discard: "what is new is refused",
        warn: "all of it is taken",
      };
      if (kind === "near") warn(peer, what, fields, "the peer comes near its limit on prefixes");
      else {
        const text = `the peer exceeds its limit on prefixes: ${actions[limit.action]}`;
        complain(peer, what, fields, text);
      }
      also?.prefixLimit?.(peer, { kind, family, paths, limit });
    },
    peerRemoved(peer) {
      // Of somebody who connected and came to nothing nobody was told.
      if (peer.isDynamic && peer.lastNegotiated === undefined) {
        logger.debug(label(peer), "peer removed");
      } else inform(peer, {}, "peer removed");
      tellPeer(peer, peer.fsm.state, true);
      also?.peerRemoved?.(peer);
    },
  };
}

function label({ settings }: Peer): { peer: string; name?: string } {
  return settings.name === settings.address
    ? { peer: settings.address }
    : { peer: settings.address, name: settings.name };
}

function tellRoutes(
  speaker: Speaker,
  rib: FamilyRib,
  changes: LocRibChanges,
  { hub, clock }: ObserverOptions,
): void {
  const time = timestampOf(clock, clock.nowMs());
  for (let index = 0; index < changes.length; index++) {
    const prefix = changes.prefix(index);
    const best = selected(speaker, rib.locRib.attributes(prefix), rib.locRib.peer(prefix));
    const previous = selected(speaker, changes.oldAttributes(index), changes.oldPeer(index));
    const value = {
      prefix: rib.prefixes.text(prefix),
      ...(best !== undefined && { best: { ...best, best: true } }),
      ...(previous !== undefined && { previous }),
    };
    hub.publish(EventKind.ROUTE, { time, change: { case: "route", value } });
  }
}

function selected(speaker: Speaker, attributes: number, peer: number): CandidateView | undefined {
  if (attributes < 0) return undefined;
  const { nextHop, asPath, localPref } = speaker.attributes.attributes(attributes);
  return {
    peer: speaker.ribPeer(peer).address,
    nextHop: nextHop ?? "",
    asPath: formatAsPath(asPath ?? []),
    ...(localPref !== undefined && { localPref }),
  };
}
