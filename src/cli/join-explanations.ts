import { create } from "@bufbuild/protobuf";
import {
  type Explanation,
  ExplanationSchema,
  ExplanationStepSchema,
} from "../gen/margay/v1/explanation_pb.ts";

/** The story that a node's speaker and its programmer tell together; one of them may be away, or be both. */
export function joinExplanations(
  speaker: Explanation | undefined,
  programmer: Explanation | undefined,
): Explanation {
  if (programmer === undefined) return speaker as Explanation;
  if (speaker === undefined) {
    const step = create(ExplanationStepSchema, {
      stage: "session",
      title: "the speaker does not answer: its routes stay as they are",
      remedy: "margay status",
    });
    return create(ExplanationSchema, {
      ...programmer,
      steps: [step, ...programmer.steps],
      ok: false,
    });
  }
  return create(ExplanationSchema, {
    address: speaker.address,
    prefix: speaker.prefix,
    steps: [...speaker.steps, ...programmer.steps],
    ok: speaker.ok && programmer.ok,
    verdict: speaker.ok ? programmer.verdict : speaker.verdict,
  });
}
