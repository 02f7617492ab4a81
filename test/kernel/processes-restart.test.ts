import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Margay } from "../support/margay.ts";
import { SLOWNESS } from "../support/run.ts";
import { until } from "../support/until.ts";
import { a1, a2, Cluster, withoutLosingAPing } from "./support/restart-cluster.ts";

/** For so long a node's peers keep its routes: of the one that is restarted itself it is the usual time. */
const RESTART_SECONDS = 3;

describe("restarting either of a node's two processes", { timeout: 180_000 * SLOWNESS }, () => {
  const cluster = new Cluster("mgtp");
  let speaker: Margay;
  let felix: Margay;
  let other: Margay;

  const startSpeaker = (): Promise<void> =>
    speaker.start(["speaker", "--config", speaker.configFile]);
  const startFelix = (): Promise<void> => felix.start(["felix", "--config", speaker.configFile]);
  /** Routes of ours to other nodes, as the kernel has them. */
  const kernelRoutes = async (): Promise<string[]> => {
    const lines = (await speaker.namespace.run(["ip", "route", "show", "proto", "77"])).split("\n");
    return lines.map((line) => line.trim()).filter((line) => line.includes(" via "));
  };
  const isFollowing = async (): Promise<boolean> => {
    const { fib, warnings } = await felix.status();
    return warnings.length === 0 && fib?.stale === 0 && fib.installed > 0;
  };
  const isFresh = async (): Promise<boolean> => {
    const route = await other.route(a1.podCidr);
    return route?.candidates[0]?.stale === false;
  };

  before(async () => {
    await cluster.build([a1, a2]);
    speaker = cluster.margay(a1);
    other = cluster.margay(a2);
    felix = new Margay(speaker.namespace, speaker.directory, "felix");
    speaker.configure(
      {
        node: { name: a1.name },
        timers: { connectRetrySeconds: 1 },
        metrics: { listen: "127.0.0.1:9479" },
        felix: { metrics: { listen: "127.0.0.1:9480" } },
      },
      cluster.file,
    );
    other.configure(
      {
        node: { name: a2.name },
        timers: { connectRetrySeconds: 1, gracefulRestartSeconds: RESTART_SECONDS },
      },
      cluster.file,
    );
    await Promise.all([other.startNode(), startSpeaker(), startFelix()]);
    await cluster.established(a1, 1);
    await until("the programmer to follow", isFollowing);
  });
  after(async () => {
    await felix.kill();
    await cluster.close();
  });

  test("programs what the speaker selects; the command line asks each for its own", async () => {
    const routes = await kernelRoutes();
    assert.deepEqual(
      routes.map((line) => line.split(" ")[0]),
      [a2.podCidr],
    );
    await until("the report", async () => (await speaker.status()).fib?.installed === 2);
    const [status, fib, explanation, paths] = await Promise.all([
      speaker.cli("status"),
      speaker.cli("fib"),
      speaker.cli("explain", a2.pod),
      speaker.cli("routes", a2.podCidr),
    ]);
    assert.match(status.stdout, /^speaker +a1, AS 64512/);
    assert.match(status.stdout, /\nfib +2 wanted, 2 installed\n/);
    assert.match(fib.stdout, /10\.233\.2\.0\/24 +installed +192\.168\.1\.3 +eth0/);
    assert.equal(explanation.code, 0, explanation.stdout);
    assert.match(explanation.stdout, /✓ session .*\n✓ path .*\n(.*\n)*✓ decision .*\n✓ segment /);
    assert.match(
      explanation.stdout,
      /\n10\.233\.2\.10 is reached straight by 192\.168\.1\.3 on eth0/,
    );
    assert.match(paths.stdout, /10\.233\.2\.0\/24/);
  });

  test("serves metrics and probes of each", async () => {
    const text = async (port: number, path: string): Promise<string> => {
      const fetching = `fetch("http://127.0.0.1:${port}${path}").then((answer) => answer.text()).then(console.log)`;
      return speaker.namespace.run([process.execPath, "-e", fetching]);
    };
    await until("the routes to be complete", async () => {
      return (await text(9480, "/readyz")).trim() === "ok";
    });
    const [ofSpeaker, ofFelix] = await Promise.all([
      text(9479, "/metrics"),
      text(9480, "/metrics"),
    ]);
    assert.match(ofSpeaker, /^margay_peers\{state="Established"\} 1$/m);
    assert.match(ofSpeaker, /^margay_feed_followers 1$/m);
    assert.doesNotMatch(ofSpeaker, /^margay_fib_/m);
    assert.match(ofFelix, /^margay_fib_routes\{state="installed"\} 2$/m);
    assert.match(ofFelix, /^margay_feed_connected 1$/m);
    assert.doesNotMatch(ofFelix, /^margay_peer/m);
  });

  test("the programmer's end and return lose no packet, and no session notices", async () => {
    const routes = await kernelRoutes();
    const sessions = (await speaker.peers()).map(({ flaps, uptimeSeconds }) => ({
      flaps,
      uptimeSeconds,
    }));
    await withoutLosingAPing(cluster, [a1, a2], async () => {
      for (const end of [() => felix.kill(), () => felix.stop()]) {
        await end();
        await until("the speaker to notice", async () => {
          return (await speaker.status()).warnings.some(({ name }) => name === "programmer-away");
        });
        assert.deepEqual(await kernelRoutes(), routes);
        const fib = await speaker.cli("fib");
        assert.match(fib.stderr, /run `margay felix`/);
        assert.equal(fib.code, 3);
        await startFelix();
        await until("the programmer to follow again", isFollowing);
      }
    });
    assert.deepEqual(await kernelRoutes(), routes);
    const [peer] = await speaker.peers();
    assert.equal(peer?.flaps, sessions[0]?.flaps);
    assert.ok((peer?.uptimeSeconds ?? 0) >= (sessions[0]?.uptimeSeconds ?? 0));
  });

  test("the speaker's end and return lose no packet, and the programmer keeps its routes", async () => {
    const routes = await kernelRoutes();
    await withoutLosingAPing(cluster, [a1, a2], async () => {
      for (const end of [() => speaker.kill(), () => speaker.stop()]) {
        await end();
        await until("the programmer to notice", async () => {
          return (await felix.status()).warnings.some(({ name }) => name === "speaker-away");
        });
        await until("the peer to notice", async () => !(await isFresh()));
        assert.deepEqual(await kernelRoutes(), routes);
        const [fib, explanation, status] = await Promise.all([
          speaker.cli("fib"),
          speaker.cli("explain", a2.pod),
          speaker.cli("status"),
        ]);
        assert.match(fib.stdout, /10\.233\.2\.0\/24 +installed/);
        assert.match(explanation.stdout, /✗ session +the speaker does not answer/);
        assert.match(explanation.stdout, /✓ kernel /);
        assert.match(status.stdout, /the speaker is away: its 1 routes stay for (5m00|4m\d\d)s/);
        await startSpeaker();
        await cluster.established(a1, 1);
        await until("the peer to hear of our pods again", isFresh);
        await until("the programmer to follow again", isFollowing);
      }
    });
    assert.deepEqual(await kernelRoutes(), routes);
  });

  test("both may die at once and come back in any order; a cluster file that vanishes changes nothing", async () => {
    const routes = await kernelRoutes();
    const file = join(speaker.directory, "cluster.yaml");
    await withoutLosingAPing(cluster, [a1, a2], async () => {
      for (const starts of [
        [startFelix, startSpeaker],
        [startSpeaker, startFelix],
      ]) {
        await Promise.all([speaker.kill(), felix.kill()]);
        await until("the peer to notice", async () => !(await isFresh()));
        for (const start of starts) await start();
        await until("the peer to hear of our pods again", isFresh);
        await until("the programmer to follow again", isFollowing);
      }
      renameSync(file, `${file}.gone`);
      for (const daemon of [speaker, felix]) {
        await until("the file to be missed", async () => {
          return (await daemon.status()).config?.lastReloadOk === false;
        });
      }
      assert.deepEqual(await kernelRoutes(), routes);
      renameSync(`${file}.gone`, file);
    });
    assert.deepEqual(await kernelRoutes(), routes);
  });

  test("all peers that vanish take no route along before their restart time is up", async () => {
    const routes = await kernelRoutes();
    assert.equal(routes.length, 1);
    const lostAtMs = performance.now();
    await other.kill();
    await until("the session to be lost", async () => {
      return (await speaker.peers())[0]?.state !== "Established";
    });
    await until("the route to go", async () => (await kernelRoutes()).length === 0, {
      everyMilliseconds: 20,
    });
    const stayedMs = performance.now() - lostAtMs;
    assert.ok(stayedMs >= RESTART_SECONDS * 1000, `only for ${stayedMs} ms`);
  });
});
