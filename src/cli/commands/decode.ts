import { captureReader } from "../../capture/index.ts";
import { openCapture } from "../capture-input.ts";
import { ExitCode } from "../exit-code.ts";
import { decodedLine } from "../format/decoded.ts";
import { note, writeOut } from "../output.ts";
import type { DecodeArguments } from "./arguments.ts";

/** `margay decode [FILE]`: a line of JSON on stdout for each BGP message; what is wrong stands there and on stderr, and ends in exit code 1. */
export async function run(args: DecodeArguments): Promise<number> {
  const { chunks, format, name } = await openCapture(args.file);
  const assumed = { fourOctetAs: !args.noAs4, addPath: args.addpath };
  let lines: string[] = [];
  let isSound = true;
  const reader = captureReader(format, assumed, (captured) => {
    const { complaints, json } = decodedLine(captured);
    lines.push(`${json}\n`);
    for (const complaint of complaints) note(`margay: ${name}, ${complaint}`);
    isSound &&= complaints.length === 0;
  });
  const write = async (): Promise<void> => {
    const text = lines.join("");
    lines = [];
    await writeOut(text);
  };
  for await (const chunk of chunks) {
    reader.push(chunk);
    await write();
  }
  reader.end();
  await write();
  return isSound ? ExitCode.ok : ExitCode.failed;
}
