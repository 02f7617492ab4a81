import assert from "node:assert/strict";
import type { FsmState } from "../../../src/bgp/fsm/state.ts";
import { MessageType } from "../../../src/bgp/iana.ts";
import type { Peer } from "../../../src/bgp/peer.ts";
import type { PeerSettings } from "../../../src/bgp/peer-settings.ts";
import { nodeTcp } from "../../../src/platform/node-tcp.ts";
import type { TcpListener } from "../../../src/platform/tcp.ts";
import { peerSettings, prefix } from "../../support/speaker-harness.ts";
import { until } from "../../support/until.ts";
import { WireListener } from "../../support/wire-peer.ts";
import { answerText, keepalive, openMessage, ownAddress, WireScene, WireSession } from "./scene.ts";

/** Where no connection is up: longer than any other timer could be. Where one is: shorter than them all. */
const longSeconds = { connectRetrySeconds: 1000, idleHoldSeconds: 600 } as const;
const shortSeconds = { connectRetrySeconds: 20, idleHoldSeconds: 10 } as const;

export const situations = [
  "Idle, stopped",
  "Idle, held after an error",
  "Connect",
  "Active",
  "Active, passive",
  "OpenSent, dialled",
  "OpenSent, accepted",
  "OpenConfirm, dialled",
  "OpenConfirm, accepted",
  "Established, dialled",
  "Established, accepted",
] as const;
export type Situation = (typeof situations)[number];

/** A speaker with one peer in a state, and what there is of its connections. */
export class Stage implements AsyncDisposable {
  readonly scene: WireScene;
  readonly address = ownAddress();
  /** The connection that is up. */
  session: WireSession | undefined;
  /** Where the peer can be dialled. */
  listener: WireListener | undefined;
  /** Where it can be dialled in vain: its kernel drops what is not signed. */
  silent: TcpListener | undefined;

  private constructor(scene: WireScene) {
    this.scene = scene;
  }

  /** Of the timers that run where no connection is up. */
  get seconds(): typeof longSeconds | typeof shortSeconds {
    return this.session === undefined ? longSeconds : shortSeconds;
  }

  static async set(situation: Situation): Promise<Stage> {
    const stage = new Stage(await WireScene.start());
    try {
      await stage.#enter(situation);
      assert.ok(situation.startsWith(stage.state), `${situation}: ${stage.state}`);
      return stage;
    } catch (error) {
      await stage[Symbol.asyncDispose]();
      throw error;
    }
  }

  get peer(): Peer {
    const peer = this.scene.driver.speaker.peer(this.address);
    assert.ok(peer !== undefined);
    return peer;
  }

  get state(): FsmState {
    return this.peer.fsm.state;
  }

  #add(port: number, more: Partial<PeerSettings> = {}, isHeld = false): void {
    const seconds = more.connectRetrySeconds === undefined ? longSeconds : shortSeconds;
    const idleHoldMaximumSeconds = seconds.idleHoldSeconds;
    this.scene.driver.speaker.addPeer(
      peerSettings(this.address, { port, ...seconds, idleHoldMaximumSeconds, ...more }),
      isHeld ? { held: { by: "operator", text: "disabled" } } : {},
    );
  }

  /** @returns where the peer listens */
  async listen(): Promise<number> {
    this.listener = await WireListener.listen(this.address);
    return this.listener.port;
  }

  /** The speaker's next dial has come: its OPEN is there. */
  async dialled(): Promise<WireSession> {
    assert.ok(this.listener !== undefined);
    const session = new WireSession(this.address, await this.listener.next());
    await session.expect(MessageType.open);
    return session;
  }

  #enter(situation: Situation): Promise<void> {
    switch (situation) {
      case "Idle, stopped":
        return this.#stopped();
      case "Idle, held after an error":
        return this.#heldAfterError();
      case "Connect":
        return this.#dialledInVain();
      case "Active":
        return this.#refused();
      case "Active, passive":
        return Promise.resolve(this.#add(179, { passive: true }));
      case "OpenSent, dialled":
      case "OpenSent, accepted":
      case "OpenConfirm, dialled":
      case "OpenConfirm, accepted":
      case "Established, dialled":
      case "Established, accepted":
        return this.#connected(situation);
    }
  }

  async #stopped(): Promise<void> {
    this.#add(await this.listen(), {}, true);
  }

  async #heldAfterError(): Promise<void> {
    this.#add(await this.listen());
    using first = await this.dialled();
    await first.peer.send(openMessage({ version: "03" }));
    assert.equal(await first.answer(), "2/1 0004");
  }

  async #dialledInVain(): Promise<void> {
    this.silent = await nodeTcp.listen({
      ...{ address: this.address, port: 0, accepted: (connection) => connection.close() },
      keys: [{ prefix: prefix("127.0.0.1/32"), password: "not told" }],
    });
    this.#add(this.silent.port);
  }

  async #refused(): Promise<void> {
    const port = await this.listen();
    this.listener?.close();
    this.#add(port);
    await this.comesTo("Active");
  }

  async #connected(situation: Situation): Promise<void> {
    const isDialled = situation.endsWith("dialled");
    const port = await this.listen();
    this.#add(port, {
      ...{ ...shortSeconds, passive: !isDialled },
      maximumPrefixes: { limit: 1, warningPercent: 100, action: "stop", restartSeconds: 0 },
    });
    const session = isDialled ? await this.dialled() : await this.scene.openSent(this.address);
    this.session = session;
    if (situation.startsWith("OpenSent")) return;
    await session.peer.send(openMessage());
    await session.expect(MessageType.keepalive);
    if (situation.startsWith("OpenConfirm")) return;
    await session.peer.send(keepalive);
    await session.expect(MessageType.update);
  }

  /** Waits for a state that comes from the other end of a socket. */
  async comesTo(state: FsmState): Promise<void> {
    await until(`the state to be ${state}`, () => this.state === state, {
      everyMilliseconds: 1,
    });
  }

  /** Nothing was said, and nothing ended: what comes next is the stop that is ordered now. */
  async unbroken(): Promise<void> {
    if (this.session === undefined) return;
    this.scene.driver.speaker.control.disable(this.peer);
    assert.equal(answerText(await this.session.peer.next()), "6/2");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scene[Symbol.asyncDispose]();
    this.session?.[Symbol.dispose]();
    this.listener?.close();
    await this.silent?.close();
  }
}
