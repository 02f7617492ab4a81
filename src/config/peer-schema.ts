import { z } from "zod";
import {
  asnRule,
  asnsRule,
  choice,
  count,
  countOrAll,
  device,
  flag,
  list,
  port,
  prefix,
  section,
  text,
  unicastAddress,
} from "./fields.ts";
import { password } from "./password.ts";
import { policyRows } from "./policy-schema.ts";
import { timerRows } from "./sections.ts";

/**
 * THE table of what can be said of a session: an option is one row here, under the name of the field of `PeerSettings`
 * (src/bgp/peer-settings.ts) that it becomes, and one row in docs/CONFIG.md. What a row without a default means when it
 * is left out, src/agent/peer-settings.ts says.
 */
const sessionRows = {
  description: text("a few words").optional().meta({
    description: "For people; stands for the peer's name.",
  }),
  families: list("families", choice(["ipv4-unicast", "ipv6-unicast"]))
    .min(1, { error: "is empty: give ipv4-unicast, ipv6-unicast or both" })
    .optional()
    .meta({
      description: "Address families to offer. Default: those of the pod pools, else both.",
    }),
  client: flag().default(false).meta({
    description: "Our reflection client, if it is in our AS (RFC 4456).",
  }),
  ...policyRows,
  maximumPrefixes: section({
    limit: count("a number of prefixes", 1, 4_294_967_295).meta({
      description: "Paths held of the peer at most, per family, before import policy.",
    }),
    warningPercent: count("a percentage", 1, 100).default(80).meta({
      description: "Of the limit: from there on it is warned of.",
    }),
    action: choice(["stop", "discard", "warn"]).default("stop").meta({
      description: "Past the limit: end the session, refuse what is new, or say so only.",
    }),
    restartSeconds: count("a number of seconds", 0, 4_000_000).default(0).meta({
      description: "After which a session that was ended may come back; 0: when it is enabled.",
    }),
  })
    .optional()
    .meta({ description: "A limit on what the peer may announce. Default: none." }),
  sendHoldTimeSeconds: count("a number of seconds", 0, 65_535).optional().meta({
    description:
      "A peer that takes nothing of what we send for so long is gone (RFC 9687). Default: 480, or twice the hold time; 0: never.",
  }),
  extendedMessages: flag().default(true).meta({
    description:
      "Offer messages of up to 65535 octets (RFC 8654): what is offered is taken, and sent to peers that offer it, too.",
  }),
  extendedNextHop: flag().default(false).meta({
    description: "Offer IPv6 next hops of IPv4 routes (RFC 8950).",
  }),
  enhancedRouteRefresh: flag().default(true).meta({
    description: "Offer to say where a route refresh begins and ends (RFC 7313).",
  }),
  addPath: section({
    receive: flag().default(false).meta({
      description: "Offer to take several paths to a prefix.",
    }),
    send: countOrAll("a number of paths", 0, 65_535).default(0).meta({
      description: "Offer to send so many paths to a prefix, the best; all; 0: one, as ever.",
    }),
  })
    .optional()
    .meta({ description: "Several paths to a prefix (RFC 7911). Default: one." }),
  extendedOpenParameters: flag().default(false).meta({
    description:
      "Write the optional parameters of OPENs in the form of RFC 9072, also where they do not need it. For tests.",
  }),
  gracefulNotification: flag().optional().meta({
    description:
      "Graceful restart covers sessions that end by NOTIFICATION or silence, too (RFC 8538). Default: of peers in our AS.",
  }),
  longLivedPartialDeployment: flag().default(false).meta({
    description:
      "Send long-lived stale paths, with LOCAL_PREF 0 and NO_EXPORT, also to a peer in our AS that does not know RFC 9494.",
  }),
  password: password().optional().meta({
    description: "Signs every segment (TCP-MD5, RFC 2385). At most 80 octets. Default: none.",
  }),
  passwordFile: text("the path of a file").optional().meta({
    description: "The same, in the first line of a file. Default: none.",
  }),
  ttlSecurity: count("a number of hops", 1, 254).optional().meta({
    description: "Drops what comes from more hops away (GTSM, RFC 5082). Default: not.",
  }),
  multihop: count("a number of hops", 1, 255).optional().meta({
    description: "Hops that the peer may be away. Default: 1 of a peer in another AS, else 255.",
  }),
  device: device().optional().meta({
    description: "Network device that connections are bound to. Default: none.",
  }),
  dscp: count("a code point", 0, 63).default(48).meta({
    description: "Differentiated services code point of what is sent; 48 is CS6.",
  }),
  tcpUserTimeoutSeconds: count("a number of seconds", 0, 65_535).optional().meta({
    description:
      "A connection fails when the peer's host acknowledges nothing for so long; 0: as the kernel has it. Default: the send hold time, 480 at least.",
  }),
};

/** Options of peers that are named, and may be dialled. */
const dialRows = {
  asn: asnRule().optional().meta({
    description: "The peer's AS number, or what it is to ours: external, internal or any.",
  }),
  port: port().default(179).meta({ description: "TCP port to dial." }),
  passive: flag().default(false).meta({ description: "Wait for the peer to dial." }),
  disabled: flag().default(false).meta({
    description: "No session, until `margay peer ADDRESS enable`.",
  }),
  sourceAddress: unicastAddress().optional().meta({
    description: "Source address of dialled connections. Default: our own.",
  }),
};

type Rows = Readonly<Record<string, z.ZodType>>;
type Optional<Shape extends Rows> = {
  [Name in keyof Shape]: Shape[Name] extends z.ZodDefault<infer Inner extends z.ZodType>
    ? z.ZodOptional<Inner>
    : Shape[Name];
};

/**
 * The same rows, none of them filled in: a peer, its group and what holds for all are laid over each other first.
 * @param show tell editors the default all the same
 */
function optional<Shape extends Rows>(rows: Shape, { show }: { show: boolean }): Optional<Shape> {
  const entries = Object.entries(rows).map(([name, row]) => {
    if (!(row instanceof z.ZodDefault)) return [name, row];
    const inner = row.unwrap() as z.ZodType; // zod's own type says less
    const shown = show ? { default: row.def.defaultValue } : {};
    return [name, inner.optional().meta({ ...row.meta(), ...shown })];
  });
  return Object.fromEntries(entries) as Optional<Shape>; // the type's rule, name by name
}

const sessionOptions = {
  ...optional(sessionRows, { show: true }),
  ...optional(timerRows, { show: false }),
};
const options = { ...optional(dialRows, { show: true }), ...sessionOptions };
const everyRow = section({ ...dialRows, ...sessionRows, ...timerRows });
const groupName = text("the name of a peer group").optional().meta({
  description: "The group in peerGroups whose options hold where this has none.",
});

/** A peer of a list `peers`; what its address may be depends on the file. */
export function peerSection<Address extends z.ZodType>(
  address: Address,
): z.ZodObject<{ address: Address; group: typeof groupName } & typeof options, z.core.$strict> {
  return section({ address, group: groupName, ...options });
}

export const peerGroups = z
  .record(z.string(), section(options))
  .default({})
  .meta({ description: "Named sets of options, for peers and ranges." });

const range = section({
  prefix: prefix().meta({ description: "Whoever connects from an address inside is a peer." }),
  limit: count("a number of peers", 1, 65_000).default(1000).meta({
    description: "Peers of the range at a time; more are refused.",
  }),
  asns: asnsRule().optional().meta({
    description: "AS numbers they may have, or what they are to ours: external, internal or any.",
  }),
  group: groupName,
  ...sessionOptions,
});

export const ranges = list("ranges", range)
  .default([])
  .meta({ description: "Peers that nobody names: all that connect from a prefix." });

/** Options as a part of a file has them. */
export type PeerOptions = z.output<z.ZodObject<typeof options, z.core.$strict>>;
export type PeerGroups = z.output<typeof peerGroups>;
export type RangeOptions = z.output<typeof range>;
/** Options in force. */
export type ResolvedOptions = z.output<typeof everyRow>;

/** What holds where neither peer nor group nor the file's timers say anything. */
export const optionDefaults: ResolvedOptions = everyRow.parse({});
