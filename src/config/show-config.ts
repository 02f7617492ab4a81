import { resolve } from "node:path";
import { Document, isMap } from "yaml";
import { formatCommunity, formatLargeCommunity, type LargeCommunity } from "../net/community.ts";
import { formatExtendedCommunity } from "../net/extended-community.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import type { Prefix } from "../net/prefix.ts";
import type { Endpoint } from "./fields.ts";
import type { NodeConfig } from "./node-config.ts";
import { hiddenText, Secret } from "./secret.ts";
import type { SpeakerSettings } from "./speaker-settings.ts";

/** The configuration in force as YAML, every default spelt out; itself a node file that means the same. */
export function showConfig(config: NodeConfig): string {
  const { podCidrsFrom, address6, podCidrs: found, ...node } = config.node;
  const document = toDocument({
    ...config,
    node: podCidrsFrom === "interface" ? node : { ...node, podCidrs: found },
    cluster: { file: resolve(config.cluster.file) },
    api: withEndpoint(config.api),
    felix: { ...config.felix, metrics: withEndpoint(config.felix.metrics) },
    metrics: withEndpoint(config.metrics),
  });
  const nodeMap = document.get("node");
  if (podCidrsFrom === "cluster" && isMap(nodeMap)) {
    const podCidrs = nodeMap.get("podCidrs", true);
    if (podCidrs) podCidrs.commentBefore = " follows the cluster file";
  }
  return toText(document);
}

/** The same of a speaker without pods. */
export function showSpeaker(settings: SpeakerSettings): string {
  const { api, metrics, ...rest } = settings;
  const sections = { ...(api && { api: withEndpoint(api) }), metrics: withEndpoint(metrics) };
  return toText(toDocument({ ...rest, ...sections }));
}

function toDocument(value: object): Document {
  return new Document(plain(value), { aliasDuplicateObjects: false });
}

function toText(document: Document): string {
  return document.toString({ collectionStyle: "any", lineWidth: 100 });
}

/** Prefixes and communities as their texts. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (isPrefix(value)) return value.text;
  if (value instanceof Secret) return hiddenText;
  // A password that is in a file is shown as that file.
  const { password, ...rest } = value as { password?: unknown; passwordFile?: unknown };
  const isInFile = rest.passwordFile !== undefined;
  return Object.fromEntries(
    Object.entries(isInFile ? rest : value).map(([key, child]: [string, unknown]) => [
      key,
      /communities$/i.test(key) ? communityTexts(child) : plain(child),
    ]),
  );
}

/** A list of communities of any kind; `all` stays. */
function communityTexts(value: unknown): unknown {
  return Array.isArray(value) ? value.map(communityText) : value;
}

function communityText(community: number | LargeCommunity | Uint8Array): string {
  if (typeof community === "number") return formatCommunity(community);
  if (community instanceof Uint8Array) return formatExtendedCommunity(community);
  return formatLargeCommunity(community);
}

function isPrefix(value: object): value is Prefix {
  return "octets" in value && "text" in value;
}

function withEndpoint({ listen, ...section }: { readonly listen?: Endpoint | undefined }): object {
  return listen === undefined
    ? section
    : { ...section, listen: formatEndpoint(listen.address, listen.port) };
}
