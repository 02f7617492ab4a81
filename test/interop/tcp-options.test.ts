import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Daemon } from "../support/daemon.ts";
import { until } from "../support/until.ts";
import { scenario, scenarios } from "./support/scenario.ts";
import { SpeakerLab } from "./support/speaker-lab.ts";

describe("generalized TTL security", () => {
  const feature = "GTSM (RFC 5082)";

  for (const passive of [false, true]) {
    scenarios(
      `${feature}: margay ${passive ? "accepts" : "dials"}`,
      async (kind) => {
        await using lab = await SpeakerLab.build("gtsm", kind);
        await lab.startForeign({ ttlSecurity: 1, passive: !passive });
        await lab.startMargay(lab.withPeer({ ttlSecurity: 1, passive }));
        await lab.routesCross();
        const { ttl, minimumTtl } = (await lab.peer())?.transport ?? {};
        assert.deepEqual([ttl, minimumTtl], [255, 255]);
      },
      passive ? {} : { exabgp: "ExaBGP answers a SYN with TTL 64" },
    );
  }

  scenarios(`${feature}: a peer without it is refused, and says why`, async (kind) => {
    await using lab = await SpeakerLab.build("gtsm", kind);
    await lab.startMargay(lab.withPeer({ ttlSecurity: 1, passive: true }));
    await lab.startForeign();
    await until("margay to say why", () =>
      /its SYN came with TTL \d+, where TTL security \(RFC 5082\) asks for 255/.test(
        lab.margay.log(),
      ),
    );
    assert.notEqual((await lab.peer())?.state, "Established");
  });

  scenario(
    `${feature}: a session whose segments come from further is dropped`,
    "bird",
    async () => {
      await using lab = await SpeakerLab.build("gtsm", "bird");
      await lab.startMargay(lab.withPeer({ ttlSecurity: 1 }));
      await lab.startForeign({ ttlSecurity: 1 });
      await lab.routesCross();
      await lab.foreignNamespace.run(
        ["nft", "-f", "-"],
        `table ip far { chain output {
        type filter hook output priority mangle
        meta l4proto tcp ip ttl set 254
      }
}\n`,
      );
      await until("the hold timer to expire", async () => {
        return (await lab.peer())?.lastDown?.event === "HoldTimer_Expires";
      });
      assert.ok((await lab.counter("TcpExtTCPMinTTLDrop")) > 0);
    },
  );

  for (const kind of ["bird", "frr"] as const) {
    scenario(`${feature}: hops are counted`, kind, async () => {
      await using lab = await SpeakerLab.build("gtsm", kind, { isRouted: true });
      await lab.startForeign({ ttlSecurity: 2 });
      await lab.startMargay(lab.withPeer({ ttlSecurity: 1 }));
      await until("margay to refuse what comes over a router", () =>
        lab.margay.log().includes("its SYN came with TTL 254"),
      );
      lab.margay.configureSpeaker(lab.withPeer({ ttlSecurity: 2 }));
      lab.margay.daemon.signal("SIGHUP");
      await lab.routesCross();
    });
  }
});

describe("eBGP over routers", () => {
  const feature = "eBGP multihop";

  scenarios(feature, async (kind) => {
    await using lab = await SpeakerLab.build("hops", kind, { isRouted: true });
    await lab.startForeign({ multihop: 2 });
    await lab.startMargay(lab.withPeer({ multihop: 2 }));
    await lab.routesCross();
    assert.equal((await lab.peer())?.transport?.ttl, 2);
  });

  test("is not had without being asked for", async () => {
    await using lab = await SpeakerLab.build("hops", "bird", { isRouted: true });
    await lab.startMargay(lab.withPeer());
    await lab.failure(/no route to the peer.*more than one hop away: then set multihop/);
    lab.margay.configureSpeaker(lab.withPeer({ multihop: 2 }));
    lab.margay.daemon.signal("SIGHUP");
    await lab.failure(/connection refused/);
  });
});

describe("source address and device", () => {
  scenarios("Source address and device of a session", async (kind) => {
    await using lab = await SpeakerLab.build("src", kind);
    const sourceAddress = "192.0.2.11";
    await lab.margay.namespace.ip(`address add ${sourceAddress}/24 dev eth0`);
    await lab.startForeign({ address: sourceAddress, passive: true });
    await lab.startMargay(lab.withPeer({ sourceAddress, device: "eth0" }));
    await until("the session to be up", async () => (await lab.peer())?.state === "Established");
    assert.equal(await lab.foreign.peerState(sourceAddress), "Established");
    const peer = await lab.peer();
    assert.match(peer?.localEndpoint ?? "", /^192\.0\.2\.11:/);
    assert.equal(peer?.transport?.device, "eth0");
    const sockets = await lab.margay.namespace.run(["ss", "-tnH", "dport", "=", ":179"]);
    assert.match(sockets, /192\.0\.2\.11%eth0:\d+ +192\.0\.2\.2:179/);
  });
});

scenarios("TCP user timeout (RFC 5482): a peer that acknowledges nothing is lost", async (kind) => {
  await using lab = await SpeakerLab.build("tut", kind);
  await lab.startForeign({}, { holdTimeSeconds: 90 });
  const timers = { holdTimeSeconds: 90, gracefulRestartSeconds: 0 };
  await lab.startMargay(lab.withPeer({ tcpUserTimeoutSeconds: 1, passive: true }, { timers }));
  await lab.routesCross();
  assert.equal((await lab.peer())?.transport?.userTimeoutSeconds, 1);
  const { stdout } = await lab.margay.cli("peer", lab.foreignAddress);
  assert.match(stdout, /DSCP 48 \(CS6\), user timeout 1s/);
  await lab.foreignNamespace.run(
    ["nft", "-f", "-"],
    "table ip mute { chain output { type filter hook output priority 0; tcp sport 179 drop; tcp dport 179 drop; }; }\n",
  );
  await lab.margay.cli("peer", lab.foreignAddress, "soft-in");
  // Long before the hold time is over.
  const down = await until("margay to give the connection up", async () => {
    const peer = await lab.peer();
    return peer?.flaps === 1 && peer.lastDown;
  });
  assert.equal(down.event, "TcpConnectionFails");
  assert.match(down.text, /timed out/);
});

describe("differentiated services", () => {
  for (const version of [4, 6] as const) {
    test(`everything is sent as CS6 over IPv${version}, SYN and SYN-ACK among it`, async () => {
      await using lab = await SpeakerLab.build("dscp", "bird", { version });
      const tshark = new Daemon({
        argv: lab.margay.namespace.inside([
          ...["tshark", "-n", "-l", "-i", "eth0", "-f", "tcp port 179", "-T", "fields"],
          ...["ip.src", "ipv6.src", "ip.dsfield.dscp", "ipv6.tclass.dscp", "tcp.flags.syn"].flatMap(
            (field) => ["-e", field],
          ),
        ]),
        logFile: join(lab.directory, "tshark.log"),
      });
      try {
        await until("tshark to capture", () => tshark.log().includes("Capturing on"));
        await lab.startMargay(lab.withPeer({}));
        await lab.startForeign();
        await lab.established();
        const sent = (): string[][] =>
          tshark
            .log()
            .split("\n")
            .map((line) => line.split("\t"))
            .filter((fields) => fields.includes(lab.margayAddress));
        const dscp = version === 4 ? 2 : 3;
        await until("ten packets of margay's", () => sent().length >= 10);
        for (const fields of sent()) assert.equal(fields[dscp], "48", fields.join(" "));
        assert.ok(sent().some((fields) => /1|True/.test(fields[4] ?? "")));
      } finally {
        await tshark.stop();
      }
    });
  }
});
