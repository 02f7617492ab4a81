import type { Explanation, ExplanationStep } from "../../gen/margay/v1/explanation_pb.ts";
import type { Paint } from "./paint.ts";

/** Marks of a step that holds and of one that does not. */
const HOLDS = "✓";
const BROKEN = "✗";

/**
 * `margay explain`: the chain from the session to the kernel, one link a paragraph, and what it comes to.
 *
 *     ✓ session    Established with node-b (192.168.1.3) for 2h13m
 *                  hold time 90 s
 */
export function formatExplanation(explanation: Explanation, paint: Paint): string {
  const { address, prefix, steps, verdict, ok } = explanation;
  const heading = prefix === "" ? address : `${address} in ${prefix}`;
  const width = Math.max(0, ...steps.map((step) => step.stage.length));
  const story = steps.map((step) => formatStep(step, width, paint)).join("");
  return `${paint("strong", heading)}\n${story}${paint(ok ? "good" : "bad", verdict)}\n`;
}

function formatStep(step: ExplanationStep, width: number, paint: Paint): string {
  const tone = step.ok ? "good" : "bad";
  const mark = paint(tone, step.ok ? HOLDS : BROKEN);
  const margin = " ".repeat(2 + width + 3);
  const title = step.ok ? step.title : paint(tone, step.title);
  const details = step.details.map((line) => `${margin}${paint("faint", line)}\n`).join("");
  const remedy = step.remedy === "" ? "" : `${margin}→ ${step.remedy}\n`;
  return `${mark} ${step.stage.padEnd(width)}   ${title}\n${details}${remedy}`;
}
