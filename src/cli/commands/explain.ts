import { ApiError } from "../../api/api-error.ts";
import { type Explanation, ExplanationSchema } from "../../gen/margay/v1/explanation_pb.ts";
import { StatusCode } from "../../gen/margay/v1/frame_pb.ts";
import { ExitCode } from "../exit-code.ts";
import { formatExplanation } from "../format/explanation.ts";
import { paintFor } from "../format/paint.ts";
import { jsonText } from "../json.ts";
import { writeOut } from "../output.ts";
import { joinExplanations } from "../join-explanations.ts";
import { type Session, withNode } from "../session.ts";
import type { AddressArguments } from "./arguments.ts";

/** `margay explain ADDRESS` */
export function run(args: AddressArguments): Promise<number> {
  return withNode(args, async ({ daemon, programmer }) => {
    const explanation = joinExplanations(
      daemon && (await ask(daemon, args)),
      programmer && (await ask(programmer, args)),
    );
    const text =
      args.output === "json"
        ? `${jsonText(ExplanationSchema, explanation, 2)}\n`
        : formatExplanation(explanation, paintFor(process.stdout));
    await writeOut(text);
    return exitCodeOf(explanation);
  });
}

async function ask({ client, options }: Session, args: AddressArguments): Promise<Explanation> {
  const { explanation } = await client.explain({ address: args.address }, options);
  if (explanation !== undefined) return explanation;
  throw new ApiError(StatusCode.INTERNAL, "the daemon sent no explanation");
}

function exitCodeOf({ ok, prefix }: Explanation): number {
  if (ok) return ExitCode.ok;
  return prefix === "" ? ExitCode.notFound : ExitCode.failed;
}
