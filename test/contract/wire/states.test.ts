/**
 * Every event of RFC 4271 §8.1 that can occur without a message, in every state of §8.2.2, over real sockets: the state that it
 * leads to, and what the peer hears. Messages in every state: messages.test.ts; what events say in words: events.test.ts.
 *
 * Optional events that there are not: DelayOpenTimer_Expires and the OPENs it waits for (12, 20), AutomaticStart (3, 5 to 7),
 * which a start is in any case.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { FsmState } from "../../../src/bgp/fsm/state.ts";
import { MessageType } from "../../../src/bgp/iana.ts";
import { message } from "../../vectors/hex.ts";
import { answerText, chunkings, openMessage, updateMessage, type WireSession } from "./scene.ts";
import { type Situation, situations, Stage } from "./stage.ts";

/** What becomes of an event: the state after it, and what the peer hears. */
type Outcome = readonly [state: FsmState, hears?: string];

/** The state is what it was, the connection goes on. */
const nothing = "nothing";

interface Row {
  readonly event: string;
  readonly cause: (stage: Stage) => void | Promise<void>;
  readonly outcome: Readonly<Record<Situation, Outcome | typeof nothing>>;
}

/** For those that differ from state to state only. */
function byState(
  outcome: Readonly<Record<Exclude<FsmState, "Idle" | "Active">, Outcome | typeof nothing>> &
    Readonly<Record<"stopped" | "held" | "Active" | "passive", Outcome | typeof nothing>>,
): Row["outcome"] {
  const { stopped, held, Connect, Active, passive, OpenSent, OpenConfirm, Established } = outcome;
  return {
    "Idle, stopped": stopped,
    "Idle, held after an error": held,
    Connect,
    Active,
    "Active, passive": passive,
    "OpenSent, dialled": OpenSent,
    "OpenSent, accepted": OpenSent,
    "OpenConfirm, dialled": OpenConfirm,
    "OpenConfirm, accepted": OpenConfirm,
    "Established, dialled": Established,
    "Established, accepted": Established,
  };
}

const idle: Outcome = ["Idle"];
const dials: Outcome = ["Connect"];
const unconnected = {
  stopped: nothing,
  held: nothing,
  Connect: nothing,
  Active: nothing,
  passive: nothing,
} as const;
const connected = { OpenSent: nothing, OpenConfirm: nothing, Established: nothing } as const;

const rows: readonly Row[] = [
  {
    event: "ManualStart (1, 4)",
    cause: ({ scene, peer }) => scene.driver.speaker.control.enable(peer),
    outcome: byState({ ...unconnected, ...connected, stopped: dials, held: dials }),
  },
  {
    event: "ManualStop (2)",
    cause: ({ scene, peer }) => scene.driver.speaker.control.disable(peer),
    outcome: byState({
      stopped: idle,
      held: idle,
      Connect: idle,
      Active: idle,
      passive: idle,
      OpenSent: ["Idle", "6/2"],
      OpenConfirm: ["Idle", "6/2"],
      Established: ["Idle", "6/2"],
    }),
  },
  {
    event: "ConnectRetryTimer_Expires (9), or the time for it",
    cause: ({ scene, seconds }) => scene.clock.advance(seconds.connectRetrySeconds * 1000),
    outcome: byState({
      ...{ ...unconnected, ...connected, Active: dials },
      // It does not run in the idle hold, which is over by then.
      held: dials,
      Connect: dials,
    }),
  },
  {
    event: "HoldTimer_Expires (10), or the time for it",
    cause: ({ scene, state }) => {
      const isAgreed = state === "OpenConfirm" || state === "Established";
      scene.clock.advance(isAgreed ? 90_000 : 240_000);
    },
    outcome: byState({
      ...unconnected,
      OpenSent: ["Idle", "4/0"],
      OpenConfirm: ["Idle", "4/0"],
      Established: ["Idle", "4/0"],
    }),
  },
  {
    event: "KeepaliveTimer_Expires (11), or the time for it",
    cause: ({ scene }) => scene.clock.advance(30_000),
    outcome: byState({
      ...unconnected,
      OpenSent: nothing,
      OpenConfirm: ["OpenConfirm", "message of type 4"],
      Established: ["Established", "message of type 4"],
    }),
  },
  {
    event: "IdleHoldTimer_Expires (13), or the time for it",
    cause: ({ scene, seconds }) => scene.clock.advance(seconds.idleHoldSeconds * 1000),
    outcome: byState({ ...unconnected, ...connected, held: dials }),
  },
];

describe("events in every state, over real sockets", { timeout: 60_000, concurrency: true }, () => {
  for (const { cause, event, outcome } of rows) {
    describe(event, { concurrency: true }, () => {
      for (const situation of situations) {
        const expected = outcome[situation];
        const [text, hears] = expected === nothing ? [nothing] : expected;
        test(`in ${situation}: ${text}${hears === undefined ? "" : `, ${hears}`}`, async () => {
          await using stage = await Stage.set(situation);
          const { state, session } = stage;
          await cause(stage);
          assert.equal(stage.state, expected === nothing ? state : expected[0]);
          if (hears !== undefined) assert.equal(await heard(session, hears), hears);
          if (stage.state === "Idle" && situation !== "Idle, stopped")
            await staysDown(stage, event);
          else await stage.unbroken();
        });
      }
    });
  }

  /** The first that the peer hears that is no KEEPALIVE, unless it is one that is awaited. */
  async function heard(session: WireSession | undefined, hears: string): Promise<string> {
    for (;;) {
      const text = answerText(await session?.peer.next());
      if (text === hears || text !== "message of type 4") return text;
    }
  }

  /** A stop is for good; an error for the idle hold time, after which whoever may be dialled is. */
  async function staysDown(stage: Stage, event: string): Promise<void> {
    stage.scene.clock.advance(stage.seconds.idleHoldSeconds * 1000);
    const isStopped = event.startsWith("ManualStop");
    const isPassive = stage.peer.settings.passive;
    assert.equal(stage.state, isStopped ? "Idle" : isPassive ? "Active" : "Connect");
    if (isStopped || isPassive) return;
    using again = await stage.dialled();
    assert.equal(again.address, stage.address);
  }
});

const twoPrefixes = updateMessage(
  "400101 00 400200 400304 0a000009 400504 00000064",
  "18 0ae902 18 0ae903",
);
const brokenUpdate = message(MessageType.update, "ffff 0000");

/** What the peer hears on the connection that was up, and on the one that it opens now. */
const confirmed: Readonly<
  Record<Situation, readonly [state: FsmState, first: string, second: string]>
> = {
  "Idle, stopped": ["Idle", "", "6/5"],
  "Idle, held after an error": ["OpenSent", "", "OPEN"],
  Connect: ["OpenSent", "", "OPEN"],
  Active: ["OpenSent", "", "OPEN"],
  "Active, passive": ["OpenSent", "", "OPEN"],
  // Each side has dialled: whose connection stays, OPENs decide (§6.8).
  "OpenSent, dialled": ["OpenSent", "", "OPEN"],
  "OpenConfirm, dialled": ["OpenConfirm", "", "OPEN"],
  // The peer has dialled twice: it has given up the first.
  "OpenSent, accepted": ["OpenSent", "6/7", "OPEN"],
  "OpenConfirm, accepted": ["OpenSent", "6/7", "OPEN"],
  // Held back until the peer's OPEN comes.
  "Established, dialled": ["Established", "", "6/7"],
  "Established, accepted": ["Established", "", "6/7"],
};

/** A dial that is under way fails; what is up breaks off. */
const failed: Readonly<Partial<Record<Situation, FsmState>>> = {
  "OpenSent, dialled": "Active",
  "OpenSent, accepted": "Active",
  "OpenConfirm, dialled": "Idle",
  "OpenConfirm, accepted": "Idle",
  "Established, dialled": "Idle",
  "Established, accepted": "Idle",
};

describe("events of TCP in every state", { timeout: 60_000, concurrency: true }, () => {
  for (const situation of situations) {
    const [state, first, second] = confirmed[situation];
    test(`TcpConnectionConfirmed (17) in ${situation}: ${state}`, async () => {
      await using stage = await Stage.set(situation);
      using newcomer = await stage.scene.connect(stage.address);
      if (second === "OPEN") await newcomer.expect(MessageType.open);
      else {
        await newcomer.peer.send(openMessage());
        assert.equal(await newcomer.answer(), second);
      }
      assert.equal(stage.state, state);
      if (first !== "") assert.equal(await stage.session?.answer(), first);
      else await stage.unbroken();
    });
  }

  for (const [situation, state] of Object.entries(failed) as [Situation, FsmState][]) {
    test(`TcpConnectionFails (18) in ${situation}: ${state}`, async () => {
      await using stage = await Stage.set(situation);
      stage.session?.peer.destroy();
      await stage.comesTo(state);
      assert.equal(stage.peer.fsm.lastDown?.event, "TcpConnectionFails");
    });
  }

  test("TcpConnectionFails (18) in Connect: Active", async () => {
    // A dial that is refused, which it is at once: the way into Active.
    await using stage = await Stage.set("Active");
    assert.match(stage.peer.fsm.lastDown?.text ?? "", /^connection refused/);
  });

  test("Tcp_CR_Acked (16) in Connect: OpenSent, with an OPEN", async () => {
    await using stage = await Stage.set("Connect");
    // The kernel sends its SYN once more after a second.
    stage.silent?.setKeys([]);
    await stage.comesTo("OpenSent");
  });

  for (const [event, octets, outcome] of [
    ["AutomaticStop (8), as there are too many prefixes", twoPrefixes, "6/1 00010100000001"],
    ["UpdateMsgErr (28)", brokenUpdate, "3/1"],
  ] as const) {
    for (const situation of ["Established, dialled", "Established, accepted"] as const) {
      for (const chunkOctets of chunkings) {
        test(`${event} in ${situation}, in chunks of ${chunkOctets}: ${outcome}`, async () => {
          await using stage = await Stage.set(situation);
          await stage.session?.peer.send(octets, chunkOctets);
          assert.equal(await stage.session?.answer(), outcome);
          assert.equal(stage.state, "Idle");
          const isHeld = event.startsWith("AutomaticStop");
          assert.equal(stage.peer.held?.by, isHeld ? "prefix-limit" : undefined);
          stage.scene.clock.advance(stage.seconds.idleHoldSeconds * 1000);
          const isPassive = situation.endsWith("accepted");
          assert.equal(stage.state, isHeld ? "Idle" : isPassive ? "Active" : "Connect");
        });
      }
    }
  }
});
