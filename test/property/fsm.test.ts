import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Capability } from "../../src/bgp/capability/capability.ts";
import { connect, Speaker, type Wire, World } from "./fsm-simulator.ts";

interface Side {
  readonly asn: number;
  readonly identifier: number;
  readonly holdTimeSeconds: number;
  readonly restartable: boolean;
  readonly startMs: number;
  /** Of what is on its way to this side; jittered down to 0 unless `isSteady`. */
  readonly delayMs: number;
}

const troubles = ["cut", "silence", "kill", "lose", "refuse", "stop"] as const;

interface Trouble {
  readonly atMs: number;
  readonly what: (typeof troubles)[number];
  readonly who: 0 | 1;
  readonly lastsMs: number;
}

const sides = fc.record<Side>({
  asn: fc.constantFrom(64512, 64513),
  identifier: fc.constantFrom(1, 2, 0xffff_ffff),
  holdTimeSeconds: fc.constantFrom(0, 3, 9, 90),
  restartable: fc.boolean(),
  startMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3000 })),
  delayMs: fc.oneof(fc.constantFrom(0, 1, 30), fc.integer({ min: 0, max: 500 })),
});

const scenarios = fc
  .record({
    sides: fc.tuple(sides, sides),
    passive: fc.constantFrom(undefined, 0, 1),
    isSteady: fc.boolean(),
    seed: fc.integer(),
    troubles: fc.array(
      fc.record<Trouble>({
        atMs: fc.integer({ min: 0, max: 30_000 }),
        what: fc.constantFrom(...troubles),
        who: fc.constantFrom(0, 1),
        lastsMs: fc.integer({ min: 0, max: 20_000 }),
      }),
      { maxLength: 8 },
    ),
  })
  .filter(({ sides: [a, b] }) => a.asn !== b.asn || a.identifier !== b.identifier);

type Scenario = typeof scenarios extends fc.Arbitrary<infer T> ? T : never;

/** More for a long search. */
const numRuns = Number(process.env["FSM_RUNS"] ?? 300);

const troubleEndsMs = 50_000;

function capabilities({ restartable }: Side, hasRestarted: () => boolean): readonly Capability[] {
  const unicast: Capability = { name: "multiprotocol", afi: 1, safi: 1 };
  if (!restartable) return [unicast];
  const gracefulRestart: Capability = {
    name: "gracefulRestart",
    restarted: hasRestarted(),
    notification: false,
    restartTimeSeconds: 120,
    families: [{ afi: 1, safi: 1, forwardingPreserved: true }],
  };
  return [unicast, gracefulRestart];
}

/** Two speakers that start and have their troubles when the scenario says so. */
class Lab {
  readonly world: World;
  readonly speakers: readonly [Speaker, Speaker];
  readonly #scenario: Scenario;
  readonly #restarted = new Set<0 | 1>();

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.world = new World(scenario.seed);
    this.speakers = [this.#speaker(0), this.#speaker(1)];
    connect(...this.speakers);
    for (const who of [0, 1] as const) {
      this.world.at(scenario.sides[who].startMs, () => this.#start(who));
    }
    for (const trouble of scenario.troubles) this.world.at(trouble.atMs, () => this.#meet(trouble));
  }

  /** The one wire that both hold to be the session. */
  agreedSession(): Wire {
    const [a, b] = this.speakers;
    assert.deepEqual([a.fsm.state, b.fsm.state], ["Established", "Established"]);
    assert.ok(a.session);
    assert.equal(a.session, b.session);
    assert.deepEqual([a.openSockets.length, b.openSockets.length], [1, 1]);
    return a.session;
  }

  #speaker(who: 0 | 1): Speaker {
    const { sides: both, isSteady, passive } = this.#scenario;
    const side = both[who];
    const config = {
      localAsn: side.asn,
      localIdentifier: side.identifier,
      peerAsn: both[who === 0 ? 1 : 0].asn,
      holdTimeSeconds: side.holdTimeSeconds,
      connectRetrySeconds: 5,
      idleHoldSeconds: 1,
      idleHoldMaximumSeconds: 20,
      passive: passive === who,
      capabilities: () => capabilities(side, () => this.#restarted.has(who)),
    };
    const delayMs = () => side.delayMs * (isSteady ? 1 : this.world.random());
    return new Speaker(this.world, config, delayMs);
  }

  #start(who: 0 | 1): void {
    this.speakers[who].handle({ type: "ManualStart" });
  }

  #meet({ what, who, lastsMs }: Trouble): void {
    const speaker = this.speakers[who];
    const [socket] = speaker.openSockets;
    const endMs = this.world.nowMs + lastsMs;
    switch (what) {
      case "cut":
        return socket?.wire.cut();
      case "silence":
        // Without a hold timer nobody notices: that is the bargain of hold time 0.
        return this.#hasHoldTimer() ? socket?.wire.silence() : undefined;
      case "kill":
      case "lose":
        this.#restarted.add(who);
        return speaker.restart(lastsMs, { silently: what === "lose" && this.#hasHoldTimer() });
      case "refuse":
        speaker.isListening = false;
        return this.world.at(endMs, () => {
          speaker.isListening = true;
        });
      case "stop":
        speaker.handle({ type: "ManualStop", message: "trouble" });
        return this.world.at(endMs, () => this.#start(who));
    }
  }

  #hasHoldTimer(): boolean {
    return this.#scenario.sides.every(({ holdTimeSeconds }) => holdTimeSeconds > 0);
  }
}

const side: Side = {
  asn: 64512,
  identifier: 1,
  holdTimeSeconds: 9,
  restartable: false,
  startMs: 0,
  delayMs: 500,
};

/** Both OPENs are lost, which costs four minutes; while the session is watched, its Send Hold Time of eight is over. */
const lostOpens: Scenario = {
  sides: [side, { ...side, identifier: 2 }],
  passive: 1,
  isSteady: false,
  seed: 1,
  troubles: [{ atMs: 375, what: "silence", who: 0, lastsMs: 0 }],
};

describe("Two FSMs back to back", () => {
  it("end with one Established connection that both agree on, and leak nothing, whatever they met", () => {
    fc.assert(
      fc.property(scenarios, (chosen) => {
        const lab = new Lab(chosen);
        // A lost OPEN costs four minutes; the rest is idle holds.
        lab.world.runUntil(troubleEndsMs + 600_000);
        const session = lab.agreedSession();
        const downs = lab.speakers.map((speaker) => speaker.downs);
        lab.world.runUntil(lab.world.nowMs + 300_000);
        assert.equal(lab.agreedSession(), session, "and it lasts");
        assert.deepEqual(
          lab.speakers.map((speaker) => speaker.downs),
          downs,
        );
      }),
      { numRuns, examples: [[lostOpens]] },
    );
  });

  it("are Established within seconds of a start on a network without trouble", () => {
    fc.assert(
      fc.property(scenarios, (chosen) => {
        const lab = new Lab({ ...chosen, troubles: [] });
        lab.world.runUntil(30_000);
        lab.agreedSession();
      }),
      { numRuns },
    );
  });

  it("settle crossing dials without losing an attempt where messages take their time but no jitter", () => {
    fc.assert(
      fc.property(scenarios, (chosen) => {
        const [a, b] = chosen.sides;
        const together: Scenario["sides"] = [
          { ...a, startMs: 0 },
          { ...b, startMs: 0 },
        ];
        const lab = new Lab({ ...chosen, sides: together, isSteady: true, troubles: [] });
        lab.world.runUntil(4000);
        lab.agreedSession();
        assert.deepEqual(
          lab.speakers.map((speaker) => speaker.downs),
          [0, 0],
        );
      }),
      { numRuns },
    );
  });
});
