import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Margay } from "../support/margay.ts";
import { until } from "../support/until.ts";
import { scenarios } from "./support/scenario.ts";
import { FOREIGN_AS, MARGAY_AS, MARGAY_ROUTE, SpeakerLab } from "./support/speaker-lab.ts";
import { watchSession } from "./support/unbroken.ts";

const PASSWORD = "in-the-rack";

/** So that no session ends while it is looked at, on a machine however slow. */
const patient = { holdTimeSeconds: 30, connectRetrySeconds: 1, gracefulRestartSeconds: 0 };
const keylessListener = { openbgpd: "OpenBGPD sets no key on its listening socket on Linux" };

describe("TCP-MD5", () => {
  const feature = "TCP-MD5 (RFC 2385)";

  scenarios(
    `${feature}: margay dials`,
    async (kind) => {
      await using lab = await SpeakerLab.build("md5", kind);
      await lab.startForeign({ password: PASSWORD, passive: true });
      await lab.startMargay(lab.withPeer({ password: PASSWORD }));
      await lab.routesCross();
      const peer = await lab.peer();
      assert.equal(peer?.transport?.md5, true);
      assert.ok(peer.remoteEndpoint.endsWith(":179"));
      assert.match((await lab.margay.cli("peer", lab.foreignAddress)).stdout, /MD5: yes/);
    },
    keylessListener,
  );

  scenarios(`${feature}: margay accepts`, async (kind) => {
    await using lab = await SpeakerLab.build("md5", kind);
    await lab.startMargay(lab.withPeer({ password: PASSWORD, passive: true }));
    await lab.startForeign({ password: PASSWORD });
    await lab.routesCross();
    assert.ok((await lab.peer())?.localEndpoint.endsWith(":179"));
    assert.doesNotMatch(lab.margay.log(), new RegExp(PASSWORD));
  });

  scenarios(`${feature}: a range`, async (kind) => {
    await using lab = await SpeakerLab.build("md5", kind);
    await lab.startMargay(lab.withRange("192.0.2.0/24", { password: PASSWORD }));
    await lab.startForeign({ password: PASSWORD });
    await lab.routesCross();
    assert.equal((await lab.peer())?.transport?.md5, true);
  });

  scenarios(`${feature}: another password at the other end, or none`, async (kind) => {
    for (const password of ["in-another-rack", undefined]) {
      // oxlint-disable-next-line no-await-in-loop
      await withoutAnswer(kind, password);
    }
  });

  async function withoutAnswer(
    kind: Parameters<typeof SpeakerLab.build>[1],
    password: string | undefined,
  ): Promise<void> {
    await using lab = await SpeakerLab.build("md5", kind);
    await lab.startMargay(lab.withPeer({ password: PASSWORD }));
    await lab.startForeign(password === undefined ? {} : { password });
    const why = await lab.failure(/no answer to our dial: is the password the same/);
    assert.doesNotMatch(why, new RegExp(PASSWORD));
    const dropped = password === undefined ? "TcpExtTCPMD5NotFound" : "TcpExtTCPMD5Failure";
    await until("the kernel to have dropped what the peer sent", async () => {
      return (await lab.counter(dropped)) >= 2;
    });
    await lab.failure(/segments with a bad signature came: [1-9]/);
    assert.notEqual((await lab.peer())?.state, "Established");
    assert.notEqual(await lab.foreign.peerState(lab.margayAddress), "Established");
  }

  test("a new password keeps the session, once the other end has it, too", async () => {
    await using lab = await SpeakerLab.build("md5", "bird");
    const other = new Margay(lab.foreignNamespace, join(lab.directory, "other"));
    try {
      const { margay, foreign } = lab.addresses;
      const file = (password: string) => lab.withPeer({ password });
      const otherFile = (password: string) => ({
        asn: FOREIGN_AS,
        routerId: foreign[4],
        listen: { address: foreign[4] },
        timers: { holdTimeSeconds: 9, connectRetrySeconds: 1 },
        peers: [{ address: margay[4], asn: MARGAY_AS, password, importPrefixes: ["0.0.0.0/0"] }],
      });
      await lab.startMargay(file("first"));
      await other.startSpeaker(otherFile("first"));
      await until("the route to arrive", () => other.route(MARGAY_ROUTE[4]));
      const before = await lab.peer();
      lab.margay.configureSpeaker(file("second"));
      lab.margay.daemon.signal("SIGHUP");
      await until("the kernel to drop what is signed otherwise", async () => {
        return (await lab.counter("TcpExtTCPMD5Failure")) > 0;
      });
      other.configureSpeaker(otherFile("second"));
      other.daemon.signal("SIGHUP");
      const keepalives = (await other.peer(margay[4]))?.messagesIn?.keepalive ?? 0n;
      await until("keepalives to cross again", async () => {
        const received = (await other.peer(margay[4]))?.messagesIn?.keepalive ?? 0n;
        return received >= keepalives + 4n;
      });
      const after = await lab.peer();
      assert.equal(after?.state, "Established");
      assert.equal(after.flaps, before?.flaps);
      assert.equal(after.localEndpoint, before?.localEndpoint);
      assert.doesNotMatch(lab.margay.log(), /session lost/);
    } finally {
      await other.stop();
    }
  });
});

// They wait for retransmissions most of the time.
describe("a new TCP-MD5 password under a session", { concurrency: 3 }, () => {
  const ways = {
    "over IPv4, which margay dialled": {
      version: 4,
      having: (lab: SpeakerLab, password: string) => lab.withPeer({ password }),
    },
    "over IPv6, which margay accepted": {
      version: 6,
      having: (lab: SpeakerLab, password: string) => lab.withPeer({ password, passive: true }),
    },
    "over IPv4, from a range": {
      version: 4,
      having: (lab: SpeakerLab, password: string) => lab.withRange("192.0.2.0/24", { password }),
    },
  } as const;
  for (const [index, [way, { version, having }]] of Object.entries(ways).entries()) {
    const isDialled = way.endsWith("dialled");
    scenarios(
      `A new TCP-MD5 password under a session (RFC 2385): ${way}`,
      async (kind) => {
        await using lab = await SpeakerLab.build(`md5n${index}`, kind, { version });
        const change = (password: string): void => {
          lab.margay.configureSpeaker({ ...having(lab, password), timers: patient });
          lab.margay.daemon.signal("SIGHUP");
        };
        await lab.startForeign(
          { password: "first", passive: isDialled },
          { holdTimeSeconds: patient.holdTimeSeconds },
        );
        await lab.startMargay({ ...having(lab, "first"), timers: patient });
        await lab.routesCross();
        const unbroken = await watchSession(lab.margay, lab.foreignAddress);
        change("second");
        await until("the peer to drop what is signed otherwise", async () => {
          await lab.margay.cli("peer", lab.foreignAddress, "soft-out");
          return (await lab.foreignCounter("TcpExtTCPMD5Failure")) > 0;
        });
        // The daemons end a session themselves to change its password: here it is margay that has theirs again.
        change("first");
        await lab.messagesCross();
        await unbroken();
      },
      isDialled ? keylessListener : {},
    );
  }
});

describe("TCP-MD5 over IPv6", () => {
  const feature = "TCP-MD5 over IPv6 (RFC 2385)";

  scenarios(feature, async (kind) => {
    await using lab = await SpeakerLab.build("md6", kind, { version: 6 });
    await lab.startMargay(lab.withPeer({ password: PASSWORD }));
    await lab.startForeign({ password: PASSWORD });
    await lab.routesCross();
    assert.equal((await lab.peer())?.transport?.md5, true);
  });

  scenarios(`${feature}: a range`, async (kind) => {
    await using lab = await SpeakerLab.build("md6", kind, { version: 6 });
    await lab.startMargay(lab.withRange("2001:db8:1::/64", { password: PASSWORD }));
    await lab.startForeign({ password: PASSWORD });
    await lab.routesCross();
  });
});
