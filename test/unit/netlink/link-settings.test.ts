import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  decodeLink,
  encodeLinkChange,
  encodeNewLink,
  type NewLink,
} from "../../../src/netlink/link.ts";
import { decodeNetconf } from "../../../src/netlink/netconf.ts";

const links: readonly NewLink[] = [
  {
    ...{ name: "margay", kind: "ipip", mac: undefined, vxlan: undefined },
    ipTunnel: { local: "192.168.1.2", ttl: 64, pathMtuDiscovery: true },
  },
  {
    ...{ name: "old", kind: "ipip", mac: undefined, vxlan: undefined },
    ipTunnel: { local: undefined, ttl: 0, pathMtuDiscovery: false },
  },
  {
    ...{ name: "ip6tnl.margay", kind: "ip6tnl", mac: undefined, vxlan: undefined },
    ipTunnel: { local: "2001:db8::2", ttl: 9, pathMtuDiscovery: true },
  },
  {
    ...{ name: "vxlan.margay", kind: "vxlan", mac: "4e:77:c0:a8:01:02", ipTunnel: undefined },
    vxlan: { id: 4077, port: 4789, local: "192.168.1.2", learning: false },
  },
];

describe("settings of tunnel devices", () => {
  for (const link of links) {
    test(`${link.name} is read as it was written`, () => {
      const { name, kind, mac, vxlan, ipTunnel } = decodeLink(encodeNewLink(link)) ?? {};
      assert.deepEqual({ name, kind, mac, vxlan, ipTunnel }, link);
    });
  }

  test("a change names the link by its index, and says what it alters alone", () => {
    const change = { name: "new", alias: "margay", mac: "4e:77:c0:a8:01:03", mtu: 1400 };
    const { ifindex, name, alias, mac, mtu, kind } = decodeLink(encodeLinkChange(7, change)) ?? {};
    assert.deepEqual(
      { ifindex, name, alias, mac, mtu, kind },
      { ifindex: 7, ...change, kind: undefined },
    );
  });

  test("the port of a VXLAN device that is there is not said again", () => {
    const [, , , vxlan] = links;
    const octets = encodeLinkChange(7, { info: vxlan as NewLink });
    assert.equal(decodeLink(octets)?.vxlan?.port, 0);
  });
});

test("what is told of a link as the port of a bridge is not about the link", () => {
  const octets = encodeLinkChange(7, { name: "eth0" });
  octets[0] = 7;
  assert.equal(decodeLink(octets), undefined);
});

describe("a changed setting", () => {
  const message = (family: number, ...ifindex: number[]): Uint8Array =>
    Uint8Array.of(family, 0, 0, 0, 8, 0, 1, 0, ...ifindex, 8, 0, 3, 0, 1, 0, 0, 0);

  test("is of a link, or of all", () => {
    assert.deepEqual(decodeNetconf(message(2, 7, 0, 0, 0)), { version: 4, ifindex: 7 });
    assert.deepEqual(decodeNetconf(message(10, 255, 255, 255, 255)), { version: 6, ifindex: -1 });
  });

  test("says what has become of forwarding where that is it", () => {
    const changed = (value: number): Uint8Array =>
      Uint8Array.of(2, 0, 0, 0, 8, 0, 1, 0, 255, 255, 255, 255, 8, 0, 2, 0, value, 0, 0, 0);
    assert.deepEqual(decodeNetconf(changed(0)), { version: 4, ifindex: -1, forwarding: false });
    assert.deepEqual(decodeNetconf(changed(1)), { version: 4, ifindex: -1, forwarding: true });
  });

  test("of another family, or cut short, is none", () => {
    assert.equal(decodeNetconf(message(28, 7, 0, 0, 0)), undefined);
    assert.equal(decodeNetconf(message(2, 7, 0, 0, 0).subarray(0, 8)), undefined);
    assert.equal(decodeNetconf(new Uint8Array(0)), undefined);
  });
});
