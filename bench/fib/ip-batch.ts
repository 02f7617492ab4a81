import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { usageOf } from "../tester/process-usage.ts";
import type { Outcome, Phase } from "./outcome.ts";
import { GATEWAY_A, GATEWAY_B, type Place, prefixText } from "./place.ts";

const SAMPLE_MS = 50;

/** `ip -batch FILE`, a process for each phase. */
export async function writeInBatches(place: Place): Promise<Outcome> {
  const { namespace, count, scratch, device, otherDevice } = place;
  const phases: Partial<Record<Phase, number>> = {};
  let rssOctets = 0;
  const timed = async (phase: Phase, ...words: string[]): Promise<void> => {
    const fromMs = performance.now();
    const child = spawn("ip", ["-n", namespace, ...words], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const sampler = setInterval(() => {
      rssOctets = Math.max(rssOctets, usageOf(child.pid ?? 0).peakRssOctets);
    }, SAMPLE_MS);
    const [code] = (await once(child, "exit")) as [number | null];
    clearInterval(sampler);
    if (code !== 0) throw new Error(`ip ${words.join(" ")} ended with ${code}`);
    phases[phase] = (performance.now() - fromMs) / 1000;
  };
  const batch = (phase: Phase, verb: string, way: string): Promise<void> => {
    const lines = Array.from({ length: count }, (_, index) => {
      return `route ${verb} ${prefixText(index)} ${way} proto 77\n`;
    });
    const file = join(scratch, "batch");
    writeFileSync(file, lines.join(""));
    return timed(phase, "-batch", file);
  };
  await batch("add", "add", `via ${GATEWAY_A} dev ${device}`);
  await batch("replace", "replace", `via ${GATEWAY_B} dev ${device}`);
  await batch("move", "replace", `via ${GATEWAY_B} dev ${otherDevice} onlink`);
  await timed("resync", "route", "show");
  await batch("delete", "del", "");
  return { phases, rssMib: rssOctets / 2 ** 20 };
}
