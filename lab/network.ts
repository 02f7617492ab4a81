import { type Namespace, Network, type Segment } from "../test/support/netns.ts";
import { DETOUR, type LabNode, NODES, REFLECTOR, SEGMENTS, type TopologyName } from "./topology.ts";

/** The gateway every pod has: an address of no subnet, which each node answers for on its end of the pod's cable. */
const POD_GATEWAY = "169.254.1.1";

export interface LabNetwork {
  readonly nodes: ReadonlyMap<string, Namespace>;
  /** The pod's namespace, by the name of its node. */
  readonly pods: ReadonlyMap<string, Namespace>;
  readonly reflector: Namespace | undefined;
}

/** Builds segments, router, nodes and pods in namespaces; nothing speaks BGP yet. */
export async function buildNetwork(
  network: Network,
  topology: TopologyName,
  ipip: boolean,
): Promise<LabNetwork> {
  const segments = new Map<string, Segment>();
  const router = await network.namespace("router");
  for (const { name, prefix, router: address } of SEGMENTS) {
    const segment = await network.segment(`seg${name}`);
    segments.set(name, segment);
    await network.plug(router, `to-${name}`, segment, `${address}/${lengthOf(prefix)}`);
  }
  await router.sysctl({ "net.ipv4.ip_forward": 1 });
  const attach = async (name: string, segment: string, address: string): Promise<Namespace> => {
    const namespace = await network.namespace(name);
    const [there, facts] = [
      segments.get(segment),
      SEGMENTS.find((known) => known.name === segment),
    ];
    if (there === undefined || facts === undefined) throw new Error(`no segment ${segment}`);
    await network.plug(namespace, "eth0", there, `${address}/${lengthOf(facts.prefix)}`);
    await namespace.ip(`route add default via ${facts.router}`);
    return namespace;
  };
  const nodes = new Map<string, Namespace>();
  const pods = new Map<string, Namespace>();
  for (const node of NODES) {
    const namespace = await attach(node.name, node.segment, node.address);
    nodes.set(node.name, namespace);
    pods.set(node.name, await attachPod(network, namespace, node));
    if (node.speaker !== "margay") await prepareForeign(namespace, node, ipip);
  }
  const reflector =
    topology === "reflector"
      ? await attach(REFLECTOR.name, REFLECTOR.segment, REFLECTOR.address)
      : undefined;
  return { nodes, pods, reflector };
}

/** As Calico does it: a /32 in the pod, a route to it on the node, and no subnet between them. */
async function attachPod(network: Network, node: Namespace, of: LabNode): Promise<Namespace> {
  const pod = await network.namespace(`pod${of.name}`);
  await pod.ip(
    `link add eth0 type veth peer name pod0 netns ${node.name}`,
    `address add ${of.pod}/32 dev eth0`,
    "link set eth0 up",
    `route add ${POD_GATEWAY} dev eth0 scope link`,
    `route add default via ${POD_GATEWAY} dev eth0`,
  );
  await node.ip(
    "link set pod0 up",
    `address add ${POD_GATEWAY}/32 dev pod0 scope link`,
    `route add ${of.pod} dev pod0 scope link`,
  );
  return pod;
}

/** What margay does for itself and BIRD and FRR leave to others: forwarding, and the tunnel to segment B. */
async function prepareForeign(namespace: Namespace, node: LabNode, ipip: boolean): Promise<void> {
  await namespace.sysctl({ "net.ipv4.ip_forward": 1 });
  if (!ipip) return;
  await namespace.ip(
    `link add ${DETOUR.device} type ipip local ${node.address} remote ${DETOUR.remote}`,
    `address add ${DETOUR.local} peer ${DETOUR.via} dev ${DETOUR.device}`,
    `link set ${DETOUR.device} up mtu 1480`,
  );
}

function lengthOf(prefix: string): string {
  return prefix.slice(prefix.indexOf("/") + 1);
}
