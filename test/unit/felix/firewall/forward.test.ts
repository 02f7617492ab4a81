import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type ForwardChoice,
  type ForwardPlan,
  forwardRemains,
  planForward,
} from "../../../../src/felix/firewall/forward.ts";
import { OUR_COMMENT, parseTables, type Table } from "../../../../src/felix/firewall/rules.ts";
import { prefix } from "../../../support/felix-harness.ts";
import {
  accept,
  back,
  drop,
  established,
  from,
  into,
  jump,
  marked,
  matched,
  NftJson,
  notFrom,
  type Statement,
  to,
} from "../../../support/nft-json.ts";

const POD = "10.233.0.0/16";
const pods = [prefix(POD), prefix("fd00:10::/32")];
const counter: Statement = { counter: { packets: 0, bytes: 0 } };

function tableOf(json: NftJson): Table {
  return parseTables(json.text())[0] as Table;
}

function plan(json: NftJson, choice: ForwardChoice = "accept"): ForwardPlan {
  return planForward(tableOf(json), pods, choice);
}

/** What drops packets, in short. */
function dropsOf(json: NftJson, choice: ForwardChoice = "accept"): string[] {
  return plan(json, choice).drops.map(({ chain, rule, isSure, pods: whose }) => {
    const by = rule === undefined ? "policy" : `rule ${rule.handle}`;
    return `${isSure ? "" : "maybe "}${chain} ${by} ${whose.map(({ text }) => text).join(" ")}`;
  });
}

const docker = (): NftJson =>
  new NftJson("ip filter")
    .forward(
      "FORWARD",
      "drop",
      [counter, jump("DOCKER-USER")],
      [matched("conntrack"), counter, accept],
      [into("docker0"), accept],
    )
    .chain("DOCKER-USER", [counter, back]);

describe("Docker's policy", () => {
  test("is overruled in the chain that is for others' rules, before what ends it", () => {
    const { script, passage, passed, drops, present } = plan(docker());
    assert.equal(
      script,
      `insert rule ip filter DOCKER-USER handle 6 ip saddr ${POD} counter accept comment "${OUR_COMMENT}"\n` +
        `insert rule ip filter DOCKER-USER handle 6 ip daddr ${POD} counter accept comment "${OUR_COMMENT}"\n`,
    );
    assert.equal(passage, "ip filter DOCKER-USER");
    assert.deepEqual(passed, [pods[0]]);
    assert.deepEqual(drops, []);
    assert.equal(present, 0);
  });

  test("needs nothing more once the rules are there, and they are put right when they are not as they were", () => {
    const ours = (...ends: Statement[]): NftJson => {
      const json = docker();
      for (const end of ends) json.rule("FORWARD", [end, counter, accept], OUR_COMMENT);
      return json;
    };
    assert.equal(plan(ours(from(POD), to(POD))).script, undefined);
    assert.equal(plan(ours(from(POD), to(POD))).present, 2);
    for (const wrong of [[from(POD)], [from(POD), from(POD)], [from("10.0.0.0/8"), to(POD)]]) {
      const { script = "" } = plan(ours(...wrong));
      assert.equal(
        script.match(/^delete rule ip filter FORWARD handle \d+$/gm)?.length,
        wrong.length,
      );
      assert.equal(script.match(/^insert rule ip filter DOCKER-USER/gm)?.length, 2);
    }
  });

  test("is told where that is all that is wanted, and rules of an earlier life go", () => {
    assert.deepEqual(dropsOf(docker(), "observe"), [`FORWARD policy ${POD}`]);
    const json = docker().rule("DOCKER-USER", [from(POD), accept], OUR_COMMENT);
    assert.equal(plan(json, "observe").script, "delete rule ip filter DOCKER-USER handle 7\n");
    assert.deepEqual(forwardRemains(tableOf(json)), [
      {
        ...{ chain: "DOCKER-USER", count: 1 },
        removal: "delete rule ip filter DOCKER-USER handle 7\n",
      },
    ]);
  });
});

describe("iptables' FORWARD", () => {
  test("gets the rules at its end, before a rule for all that is left, or none", () => {
    const ends = (json: NftJson): string[] =>
      (plan(json).script ?? "").split("\n").map((line) => line.split(" ip ")[1] ?? "");
    assert.deepEqual(ends(new NftJson("ip filter").forward("FORWARD", "drop")), [
      "filter FORWARD",
      "filter FORWARD",
      "",
    ]);
    const rejecting = new NftJson("ip filter").forward(
      "FORWARD",
      "accept",
      [established, accept],
      [{ reject: { type: "icmp", expr: "host-prohibited" } }],
    );
    assert.match(plan(rejecting).script ?? "", /^insert rule ip filter FORWARD handle 3 ip saddr/);
    assert.equal(plan(new NftJson("ip filter").forward("FORWARD", "accept")).script, undefined);
    const version6 = plan(new NftJson("ip6 filter").forward("FORWARD", "drop"));
    assert.match(version6.script ?? "", /^add rule ip6 filter FORWARD ip6 saddr fd00:10::\/32 /);
  });

  test("is left alone where flannel lets its pods through already", () => {
    const flannel = new NftJson("ip filter")
      .forward("FORWARD", "drop", [matched("comment"), jump("FLANNEL-FWD")])
      .chain("FLANNEL-FWD", [from("10.0.0.0/8"), accept], [to("10.0.0.0/8"), accept]);
    assert.deepEqual(plan(flannel), {
      ...{ script: undefined, present: 0, passage: undefined, passed: [], drops: [] },
    });
  });

  test("keeps what somebody means to drop: a rule that looks at addresses is told, and not overruled", () => {
    const meant = new NftJson("ip filter").forward("FORWARD", "accept", [from("10.0.0.0/8"), drop]);
    assert.deepEqual(dropsOf(meant), [`FORWARD rule 2 ${POD}`]);
    assert.equal(plan(meant).script, undefined);
    const elsewhere = new NftJson("ip filter")
      .forward("FORWARD", "accept", [to("10.0.0.0/8"), jump("closed")])
      .chain("closed", [{ reject: null }]);
    assert.deepEqual(dropsOf(elsewhere), [`closed rule 4 ${POD}`]);
    const other = new NftJson("ip filter").forward("FORWARD", "accept", [
      notFrom("10.0.0.0/8"),
      to("192.0.2.0/24"),
      drop,
    ]);
    assert.deepEqual(dropsOf(other), []);
  });
});

describe("a table of nobody's that is known", () => {
  const inet = (...rules: Statement[][]): NftJson =>
    new NftJson("inet mine").forward("forward", "drop", ...rules);
  const both = pods.map(({ text }) => text).join(" ");

  test("is never written to: what it drops is told, by rule or policy", () => {
    assert.deepEqual(dropsOf(inet()), [`forward policy ${both}`]);
    assert.deepEqual(dropsOf(inet([established, accept], [drop])), [`forward rule 3 ${both}`]);
    assert.equal(plan(inet()).script, undefined);
    const lower = new NftJson("ip filter").forward("forward", "drop");
    assert.deepEqual(dropsOf(lower), [`forward policy ${POD}`]);
  });

  test("may let them through by a rule that cannot be read to its end", () => {
    const maybe = [`maybe forward policy ${both}`];
    assert.deepEqual(dropsOf(inet([into("cali*"), accept])), maybe);
    const vmap = (key: object): Statement => ({ vmap: { key, data: { set: [] } } });
    assert.deepEqual(dropsOf(inet([vmap({ meta: { key: "iifname" } })])), maybe);
    for (const rule of [
      [vmap({ ct: { key: "state" } })],
      [into("eth0"), drop],
      [{ limit: { rate: 1, per: "minute" } }, { log: null }],
      [marked("==", 0x4000), accept],
    ]) {
      assert.deepEqual(dropsOf(inet(rule)), [`forward policy ${both}`]);
    }
  });

  test("lets them through by addresses, in sets that have no name, too", () => {
    const set = (field: string, ...elements: unknown[]): Statement => ({
      match: {
        ...{ op: "==", left: { payload: { protocol: "ip", field } } },
        right: { set: elements },
      },
    });
    const pool = { prefix: { addr: "10.233.0.0", len: 16 } };
    const json = inet(
      [set("saddr", "192.0.2.1", pool), accept],
      [set("daddr", pool), accept],
      [{ match: { op: "==", left: { meta: { key: "nfproto" } }, right: "ipv6" } }, accept],
    );
    assert.deepEqual(dropsOf(json), []);
    const named = {
      match: { op: "==", left: { payload: { protocol: "ip", field: "saddr" } }, right: "@pods" },
    };
    assert.deepEqual(dropsOf(inet([named, accept])), [
      `maybe forward policy ${POD}`,
      "forward policy fd00:10::/32",
    ]);
  });
});
