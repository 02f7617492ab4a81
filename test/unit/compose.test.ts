import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { foreignConfig } from "../../lab/foreign-files.ts";
import { clusterFile, nodeFile, reflectorArguments } from "../../lab/margay-files.ts";
import { DETOUR, NODES, REFLECTOR, SEGMENTS, type TopologyName } from "../../lab/topology.ts";
import { loadNodeConfig } from "../../src/config/load.ts";
import { formatProblems } from "../../src/config/problem.ts";
import { parsePrefix, prefixContains } from "../../src/net/prefix.ts";
import { birdConfig } from "../support/foreign/bird-config.ts";
import { frrConfig } from "../support/foreign/frr-config.ts";

interface Service {
  readonly image: string;
  readonly build: { readonly context: string; readonly target?: string };
  readonly hostname?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly sysctls?: Readonly<Record<string, number>>;
  readonly volumes?: readonly string[];
  readonly networks: Readonly<Record<string, { readonly ipv4_address: string }>>;
}
interface Range {
  readonly subnet: string;
  readonly gateway: string;
}
interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly ipam: { readonly config: Range[] } }>>;
}

const ROOT = join(import.meta.dirname, "../..");
const TOPOLOGIES: readonly TopologyName[] = ["reflector", "mesh"];
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
// Its shape is what this file tests: a member that is missing fails the test that wants it.
const compose = parse(read("docker-compose.yml"), { merge: true }) as Compose;

function service(name: string): Service {
  const found = compose.services[name];
  assert.ok(found, `docker-compose.yml has no service ${name}`);
  return found;
}

function addressIn(name: string, network: string): string | undefined {
  return service(name).networks[network]?.ipv4_address;
}

function rangeOf(network: string): Range {
  const found = compose.networks[network]?.ipam.config[0];
  assert.ok(found, `docker-compose.yml has no range for the network ${network}`);
  return found;
}

/** Is that address or prefix inside the other prefix? */
function inside(inner: string | undefined, outer: string): boolean {
  const [small, large] = [`${inner}${inner?.includes("/") === true ? "" : "/32"}`, outer].map(
    parsePrefix,
  );
  assert.ok(small && large, `${inner} and ${outer} are addresses or prefixes`);
  return prefixContains(large, small);
}

test("the compose file has the lab's nodes, pods, reflector and router, and nothing else", () => {
  const services = NODES.flatMap(({ name }) => [name, `pod-${name}`]);
  assert.deepEqual(
    new Set(Object.keys(compose.services)),
    new Set([...services, "reflector", "router"]),
  );
  const segments = SEGMENTS.map(({ name }) => `lan-${name}`);
  const pods = NODES.map(({ name }) => `pods-${name}`);
  assert.deepEqual(new Set(Object.keys(compose.networks)), new Set([...segments, ...pods]));
});

test("segments, router and reflector have the lab's addresses", () => {
  for (const { name, prefix, router } of SEGMENTS) {
    assert.deepEqual(rangeOf(`lan-${name}`), { subnet: prefix, gateway: router });
    assert.ok(inside(addressIn("router", `lan-${name}`), prefix));
  }
  assert.deepEqual(service("router").command, [
    "router",
    ...SEGMENTS.map(({ prefix, router }) => `${router}/${prefix.split("/")[1]}`),
  ]);
  assert.equal(addressIn("reflector", `lan-${REFLECTOR.segment}`), REFLECTOR.address);
  const words = service("reflector").command?.flatMap((word) => word.split("=")) ?? [];
  assert.deepEqual(words, [
    "reflector",
    ...reflectorArguments(),
    "--socket",
    "/run/margay/margay.sock",
  ]);
});

for (const node of NODES) {
  test(`${node.name} and its pod have the lab's addresses, and forward`, () => {
    const { name, segment, address, podCidr, pod, speaker } = node;
    assert.equal(service(name).hostname, name);
    assert.equal(service(name).image, speaker === "margay" ? "margay" : `margay-lab-${speaker}`);
    assert.equal(service(name).sysctls?.["net.ipv4.ip_forward"], 1);
    assert.equal(addressIn(name, `lan-${segment}`), address);
    const { subnet, gateway } = rangeOf(`pods-${name}`);
    assert.ok(inside(subnet, podCidr) && subnet !== podCidr, "the CIDR itself is the daemon's");
    const onNode = addressIn(name, `pods-${name}`);
    assert.ok(inside(onNode, subnet) && inside(gateway, subnet));
    assert.equal(addressIn(`pod-${name}`, `pods-${name}`), pod);
    assert.deepEqual(service(`pod-${name}`).command, ["pod", onNode]);
    const networks = Object.keys(service(name).networks);
    assert.deepEqual(networks.toSorted()[0], `lan-${segment}`, "Docker's default route goes there");
    if (speaker === "margay") return;
    assert.deepEqual(service(name).environment, {
      DETOUR_DEVICE: DETOUR.device,
      DETOUR_LOCAL: DETOUR.local,
      DETOUR_VIA: DETOUR.via,
      DETOUR_REMOTE: DETOUR.remote,
    });
  });
}

test("the ping matrix is of the lab's pods", () => {
  const script = read("lab/compose/matrix.sh");
  const list = (name: string): string[] | undefined =>
    new RegExp(`^${name}=\\((.*)\\)$`, "m").exec(script)?.[1]?.split(" ");
  assert.deepEqual(
    list("nodes"),
    NODES.map(({ name }) => name),
  );
  assert.deepEqual(
    list("pods"),
    NODES.map(({ pod }) => pod),
  );
});

test("every file and build stage that the compose file names is there", () => {
  for (const [name, { build, volumes = [] }] of Object.entries(compose.services)) {
    const dockerfile = read(join(build.context, "Dockerfile"));
    const { target } = build;
    assert.ok(target === undefined || dockerfile.includes(` AS ${target}\n`), `${name}: ${target}`);
    for (const volume of volumes) {
      const [source = ""] = volume.split(/:(?=\/)/);
      assert.match(source, /\$\{TOPOLOGY:-reflector\}$/);
      for (const topology of TOPOLOGIES) {
        const directory = source.replace("${TOPOLOGY:-reflector}", topology);
        assert.ok(existsSync(join(ROOT, directory)), `${name}: ${directory}`);
      }
    }
  }
});

test("every file that a Dockerfile copies is there, and not kept out of its build", () => {
  const ignore = read(".dockerignore").split("\n");
  for (const [context, admitted] of [
    [".", (path: string) => ignore.includes(`!${path.replace(/\/$/, "")}`)],
    ["lab/compose/images", () => true],
  ] as const) {
    const copies = [...read(join(context, "Dockerfile")).matchAll(/^COPY (?!--from)(.+) \S+$/gm)];
    assert.ok(copies.length > 0);
    for (const path of copies.flatMap(([, paths = ""]) => paths.split(" "))) {
      assert.ok(existsSync(join(ROOT, context, path)), `${context}/Dockerfile copies ${path}`);
      assert.ok(admitted(path), `.dockerignore keeps ${path} out`);
    }
  }
});

for (const topology of TOPOLOGIES) {
  const directory = join("lab/compose", topology);

  test(`${topology}: margay's configuration is the lab's, and loads without a warning`, () => {
    assert.deepEqual(parse(read(join(directory, "cluster.yaml"))), clusterFile(topology));
    for (const node of NODES.filter(({ speaker }) => speaker === "margay")) {
      const { node: named, ...rest } = nodeFile(node);
      assert.deepEqual(named, { name: node.name }, "a container's host name says it instead");
      assert.deepEqual(parse(read(join(directory, "node.yaml"))), {
        cluster: { file: "cluster.yaml" },
        ...rest,
      });
      const loaded = loadNodeConfig(join(ROOT, directory, "node.yaml"), {
        environment: {},
        hostname: node.name,
      });
      assert.ok(loaded.ok, loaded.ok ? "" : formatProblems(loaded.errors));
      assert.deepEqual(loaded.warnings, []);
      assert.equal(loaded.config.node.address, node.address);
    }
  });

  // After a change of the lab: node --test --test-update-snapshots test/unit/compose.test.ts
  test(`${topology}: BIRD's and FRR's configurations are the lab's`, (t) => {
    const asTheyAre = { serializers: [String] };
    for (const node of NODES) {
      const config = (): Parameters<typeof birdConfig>[0] => foreignConfig(node, topology, true);
      const path = (file: string): string => join(ROOT, directory, file);
      if (node.speaker === "bird")
        t.assert.fileSnapshot(birdConfig(config()), path("bird.conf"), asTheyAre);
      if (node.speaker === "frr")
        t.assert.fileSnapshot(frrConfig(config()), path("bgpd.conf"), asTheyAre);
    }
  });
}
