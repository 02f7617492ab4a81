import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { configDirectory, goodCluster, goodNode } from "./config-files.ts";

const main = pathToFileURL(join(import.meta.dirname, "../../../src/cli/main.ts")).href;

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

/** Runs `margay config …` in a directory with these files. */
function margayConfig(
  t: TestContext,
  args: string[],
  files: Record<string, string>,
): Promise<Outcome> {
  const cwd = configDirectory(t, files);
  const program = `import { main } from ${JSON.stringify(main)}; await main(process.argv.slice(1));`;
  const argv = ["--input-type=module", "-e", program, "--", "config", ...args];
  const env = { PATH: process.env["PATH"] };
  return new Promise((resolve) => {
    execFile(process.execPath, argv, { cwd, env }, (error, stdout, stderr) => {
      resolve({ stdout, stderr, code: error === null ? 0 : Number(error.code) });
    });
  });
}

const good = { "node.yaml": goodNode, "cluster.yaml": goodCluster };

test("check says on stdout what the file comes to", async (t) => {
  assert.deepEqual(await margayConfig(t, ["check", "node.yaml"], good), {
    stdout: "node.yaml: right: a1 192.168.1.2 AS 64512, pods 10.233.1.0/24, 2 members in a mesh\n",
    stderr: "",
    code: 0,
  });
});

test("check says every mistake on stderr, and ends with exit code 2", async (t) => {
  const node = `${goodNode}timers:\n  holdTime: 30\n`;
  const cluster = goodCluster.replace("10.233.2.0/24", "10.233.2.5/24");
  const files = { "node.yaml": node, "cluster.yaml": cluster };
  assert.deepEqual(await margayConfig(t, ["check", "node.yaml"], files), {
    stdout: "",
    stderr: `node.yaml:4:3: timers.holdTime: unknown key "holdTime": did you mean "holdTimeSeconds"?
cluster.yaml:4:50: members[1].podCidrs[0]: 10.233.2.5/24 has host bits set: write 10.233.2.0/24
node.yaml: 2 to mend
`,
    code: 2,
  });
});

test("warnings do not fail a check", async (t) => {
  const files = { ...good, "node.yaml": `${goodNode}kernel: { protocol: 12 }\n` };
  const { stderr, code } = await margayConfig(t, ["check", "node.yaml"], files);
  assert.match(stderr, /^node\.yaml:3:21: warning: kernel\.protocol: .*BIRD/);
  assert.equal(code, 0);
});

test("show prints YAML with the defaults", async (t) => {
  const { stdout, code } = await margayConfig(t, ["show", "node.yaml"], good);
  assert.equal(code, 0);
  const shown = parse(stdout) as { node: unknown; timers: { holdTimeSeconds: unknown } };
  assert.deepEqual(shown.node, {
    name: "a1",
    address: "192.168.1.2",
    asn: 64_512,
    routerId: "192.168.1.2",
    podCidrs: ["10.233.1.0/24"],
  });
  assert.equal(shown.timers.holdTimeSeconds, 90);
});

test("schema prints the JSON Schema of either file", async (t) => {
  for (const [args, title] of [
    [["schema"], "margay node configuration"],
    [["schema", "cluster"], "margay cluster file"],
  ] as const) {
    const { stdout, code } = await margayConfig(t, [...args], {});
    assert.equal(code, 0);
    const schema = JSON.parse(stdout) as { title: string; additionalProperties: boolean };
    assert.equal(schema.title, title);
    assert.equal(schema.additionalProperties, false);
  }
});

test("a file that is not there, or a kind of file that is none, is the user's mistake", async (t) => {
  const missing = await margayConfig(t, ["check", "none.yaml"], {});
  const stderr = "none.yaml: cannot be read: there is no such file\nnone.yaml: 1 to mend\n";
  assert.deepEqual(missing, { stdout: "", stderr, code: 2 });
  const { code } = await margayConfig(t, ["schema", "reflector"], {});
  assert.equal(code, 2);
});
