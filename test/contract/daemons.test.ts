import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { attempt } from "../support/run.ts";
import { margayCommand } from "../support/margay.ts";

const unprivileged = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"];
const isRoot = process.getuid?.() === 0;

describe("the daemons, where they cannot start", () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "margay-daemons-"));
    writeFileSync(
      join(directory, "cluster.yaml"),
      "podPools: [10.233.0.0/16]\nmembers: [{ name: a, address: 127.0.0.1, podCidrs: [10.233.1.0/24] }]\n",
    );
    const socket = join(directory, "margay.sock");
    writeFileSync(
      join(directory, "node.yaml"),
      `node: { name: a }\ncluster: { file: ${directory}/cluster.yaml }\napi: { socket: ${socket} }\n`,
    );
  });
  after(() => rmSync(directory, { recursive: true }));

  it("name the port in use and what to do, in one sentence", async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => {
      holder.listen(0, "127.0.0.1", resolve);
    });
    const address = holder.address();
    assert(address !== null && typeof address === "object");
    const listen = `127.0.0.1:${address.port}`;
    const { code, stdout, stderr } = await attempt(margayCommand(reflector("--listen", listen)));
    holder.close();
    assert.equal(code, 1);
    assert.equal(stdout, "");
    const [sentence, ...rest] = stderr.trim().split("\n").slice(-1);
    assert.match(sentence ?? "", new RegExp(`${listen} is in use: stop the other BGP daemon`));
    assert.deepEqual(rest, []);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  it("name the address that no interface has", async () => {
    const { code, stderr } = await attempt(margayCommand(reflector("--listen", "192.0.2.1:1790")));
    assert.equal(code, 1);
    assert.match(
      stderr,
      /cannot listen on 192\.0\.2\.1:1790: no interface of this machine has that address/i,
    );
  });

  it("answer mistakes of the command line with exit code 2", async () => {
    for (const [args, problem] of [
      [reflector("--listen", "127.0.0.1"), /--listen 127\.0\.0\.1 is not ADDRESS:PORT/],
      [
        reflector("--metrics", "9479"),
        /--metrics 9479 is not ADDRESS:PORT: give 127\.0\.0\.1:9479/,
      ],
      [reflector("--accept", "10.0.0.1/8"), /host bits set.*10\.0\.0\.0\/8/],
      [reflector("--router-id", "0.0.0.0"), /--router-id 0\.0\.0\.0 is no identifier/],
      [reflector("--asn", "0"), /asn/],
      [reflector("--hold-time", "2"), /hold-time/],
      [reflector("--peer", "10.0.0.2:0"), /--peer has port 0: give 1 to 65535/],
      [reflector("--end-of-rib-defer", "-1"), /end-of-rib-defer/],
    ] as const) {
      const { code, stderr } = await attempt(margayCommand(args));
      assert.equal(code, 2, stderr);
      assert.match(stderr, problem);
    }
  });

  it("print every mistake of the configuration and end with exit code 2", async () => {
    const file = join(directory, "bad.yaml");
    writeFileSync(file, "node: { nam: a }\ntimers: { holdTimeSeconds: 2 }\n");
    const { code, stdout, stderr } = await attempt(margayCommand(["node", "--config", file]));
    assert.equal(code, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /bad\.yaml:1:9: .*did you mean "?name/);
    assert.match(stderr, /bad\.yaml:2:28: .*3 and more/);
  });

  it("say which privilege a node lacks", { skip: isRoot ? false : "needs root" }, async () => {
    const node = margayCommand(["node", "--config", join(directory, "node.yaml")]);
    await attempt(["chmod", "-R", "a+rX", directory]);
    const { code, stderr } = await attempt([...unprivileged, ...node]);
    assert.equal(code, 1);
    assert.match(stderr, /needs CAP_NET_ADMIN: run it as root, or grant/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });

  it("say which privilege port 179 needs", { skip: isRoot ? false : "needs root" }, async () => {
    const args = margayCommand(reflector("--listen", "127.0.0.1:179"));
    const { code, stderr } = await attempt([...unprivileged, ...args]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /no permission to listen on 127\.0\.0\.1:179: run as root or grant CAP_NET_BIND_SERVICE/i,
    );
  });
});

/** A command line of the reflector that would work, with one option replaced. */
function reflector(option: string, value: string): string[] {
  const options: Record<string, string> = {
    "--listen": "127.0.0.1:0",
    "--asn": "64512",
    "--router-id": "10.0.0.1",
    "--accept": "127.0.0.0/8",
    [option]: value,
  };
  return ["reflector", ...Object.entries(options).flat()];
}
