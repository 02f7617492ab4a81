import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  canonical,
  nodesScript,
  replaceScript,
  tableText,
} from "../../../../src/felix/firewall/table.ts";
import { type FirewallFacts, firewallWish } from "../../../../src/felix/firewall/wish.ts";
import { prefix } from "../../../support/felix-harness.ts";

const facts: FirewallFacts = {
  settings: { masquerade: "auto", guard: "auto", forward: "never" },
  podPools: ["10.233.0.0/16", "fd00:10::/32"].map(prefix),
  pools: [
    { prefix: prefix("10.233.0.0/16"), natOutgoing: true },
    { prefix: prefix("fd00:10:1::/48"), natOutgoing: true },
  ],
  tunnels: ["vxlan", "ipip", "vxlan"],
  nodes: ["192.168.1.2", "192.168.1.3", "fd00::2"],
};

function textOf(changes: Partial<FirewallFacts>): string | undefined {
  const all = { ...facts, ...changes };
  return tableText(firewallWish(all), all.nodes);
}

/** Prefixes that are masqueraded with these settings of the pool 10.233.0.0/16. */
function masqueraded(...settings: readonly (readonly [string, boolean])[]): string[] {
  const pools = settings.map(([text, natOutgoing]) => ({ prefix: prefix(text), natOutgoing }));
  return firewallWish({ ...facts, pools }).masqueraded.map(({ text }) => text);
}

describe("the table", () => {
  test("guards the tunnels and masquerades, of both IP versions", () => {
    assert.equal(
      textOf({}),
      `table inet margay {
	set nodes4 {
		type ipv4_addr
		elements = { 192.168.1.2, 192.168.1.3 }
	}

	set nodes6 {
		type ipv6_addr
		elements = { fd00::2 }
	}

	set inside4 {
		type ipv4_addr
		flags interval
		elements = { 10.233.0.0/16, 224.0.0.0/4 }
	}

	set masqueraded4 {
		type ipv4_addr
		flags interval
		elements = { 10.233.0.0/16 }
	}

	set inside6 {
		type ipv6_addr
		flags interval
		elements = { fd00:10::/32, ff00::/8 }
	}

	set masqueraded6 {
		type ipv6_addr
		flags interval
		elements = { fd00:10:1::/48 }
	}

	chain guard {
		type filter hook input priority filter; policy accept;
		meta l4proto 4 ip saddr != @nodes4 counter drop
		udp dport 4789 @th,96,24 0xfed ip saddr != @nodes4 counter drop
		meta l4proto { 4, 41 } ip6 saddr != @nodes6 counter drop
		udp dport 4789 @th,96,24 0xfed ip6 saddr != @nodes6 counter drop
	}

	chain outgoing {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr @masqueraded4 ip daddr != @inside4 counter masquerade fully-random
		ip6 saddr @masqueraded6 ip6 daddr != @inside6 counter masquerade fully-random
	}
}
`,
    );
  });

  test("has nothing that is not needed, and is none when nothing is", () => {
    const noGuard = textOf({ tunnels: [] }) ?? "";
    assert.doesNotMatch(noGuard, /nodes|guard/);
    assert.match(noGuard, /chain outgoing/);
    const noNat = textOf({ pools: [] }) ?? "";
    assert.doesNotMatch(noNat, /inside|outgoing/);
    assert.match(noNat, /chain guard/);
    const vxlan = textOf({ tunnels: ["vxlan"], pools: [] }) ?? "";
    assert.doesNotMatch(vxlan, /l4proto/);
    assert.equal(
      textOf({ settings: { masquerade: "never", guard: "never", forward: "never" } }),
      undefined,
    );
    assert.equal(textOf({ tunnels: [], pools: [] }), undefined);
  });

  test("goes in the place of what is there by one script", () => {
    const before = "add table inet margay\ndelete table inet margay\n";
    assert.equal(replaceScript("table …\n"), `${before}table …\n`);
    assert.equal(replaceScript(undefined), before);
  });

  test("changes its nodes by what came and went", () => {
    assert.equal(
      nodesScript(["192.168.1.2", "192.168.1.3", "fd00::2"], ["192.168.1.2", "192.168.1.4"]),
      "delete element inet margay nodes4 { 192.168.1.3 }\n" +
        "add element inet margay nodes4 { 192.168.1.4 }\n" +
        "delete element inet margay nodes6 { fd00::2 }\n",
    );
    assert.equal(nodesScript(["192.168.1.2"], ["192.168.1.2"]), undefined);
  });

  test("is the same however nft breaks its lines and orders its sets", () => {
    const shown = "elements = { 10.0.0.1,\n\t\t\t     1.1.1.1 }\n\t}\n\n\tchain a {\n";
    assert.equal(canonical(shown), canonical("elements = { 1.1.1.1, 10.0.0.1 }\n}\nchain a {"));
    assert.notEqual(canonical(shown), canonical("elements = { 1.1.1.1 }\n}\nchain a {"));
  });
});

describe("what is masqueraded", () => {
  test("is what the longest setting around it says", () => {
    assert.deepEqual(masqueraded(), []);
    assert.deepEqual(masqueraded(["10.233.0.0/16", true]), ["10.233.0.0/16"]);
    assert.deepEqual(masqueraded(["10.233.64.0/18", true]), ["10.233.64.0/18"]);
    assert.deepEqual(masqueraded(["10.233.0.0/16", true], ["10.233.64.0/18", false]), [
      "10.233.0.0/18",
      "10.233.128.0/17",
    ]);
    assert.deepEqual(
      masqueraded(["10.233.0.0/16", false], ["10.233.0.0/17", true], ["10.233.1.0/24", false]),
      [
        ...["10.233.0.0/24", "10.233.2.0/23", "10.233.4.0/22", "10.233.8.0/21"],
        ...["10.233.16.0/20", "10.233.32.0/19", "10.233.64.0/18"],
      ],
    );
    assert.deepEqual(masqueraded(["10.233.0.0/16", true], ["10.233.1.0/24", true]), [
      "10.233.0.0/16",
    ]);
  });

  test("overlaps nowhere, though pools do", () => {
    const podPools = ["10.233.1.0/24", "10.233.0.0/16", "10.233.0.0/16"].map(prefix);
    const wish = firewallWish({ ...facts, podPools });
    assert.deepEqual(
      wish.pods.map(({ text }) => text),
      ["10.233.0.0/16"],
    );
  });
});
