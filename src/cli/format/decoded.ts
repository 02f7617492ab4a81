import { type Described, describeMessage } from "../../bgp/describe/describe-message.ts";
import { type DescribedError, describeNoMessage } from "../../bgp/describe/described-error.ts";
import { UpdateSubcode } from "../../bgp/iana.ts";
import type { Captured, CapturedMessage, CaptureTime } from "../../capture/captured.ts";

/** One message as `margay decode` prints it. */
interface DecodedLine {
  /** Without its line break. */
  readonly json: string;
  /** What is wrong with it, a sentence each. */
  readonly complaints: readonly string[];
}

/** Describes what was found in a file. */
export function decodedLine(captured: Captured): DecodedLine {
  const { place } = captured;
  if ("problem" in captured) {
    const error = { ...describeNoMessage(captured.problem, captured.subcode), place };
    const json = JSON.stringify({ type: "unknown", errors: [error] });
    return { json, complaints: [`${place}: ${captured.problem}`] };
  }
  const { errors: found = [], type, ...rest } = describeMessage(captured.octets, captured.context);
  const errors = captured.isTableEntry === true ? found.filter(isOfEncoding) : found;
  const line = {
    type: captured.isTableEntry === true ? "rib" : type,
    ...origin(captured),
    ...rest,
    ...(errors.length > 0 && { errors: errors.map((error) => ({ ...error, place })) }),
  };
  return {
    json: JSON.stringify(line),
    complaints: errors.map((error) => `${place}: ${complaint(type, error)}`),
  };
}

/** What a table holds nobody sent: its own routes lack attributes and next hops. */
function isOfEncoding({ subcode }: DescribedError): boolean {
  return (
    subcode !== UpdateSubcode.missingWellKnownAttribute &&
    subcode !== UpdateSubcode.invalidNextHopAttribute
  );
}

function origin({ from, time, to }: CapturedMessage): Record<string, string> {
  return {
    ...(time && { time: formatTime(time) }),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
}

/** RFC 3339, with as many digits as tell something. */
function formatTime({ nanoseconds, seconds }: CaptureTime): string {
  const date = new Date(seconds * 1000);
  // Beyond the year 275760, as a broken file may have it.
  if (Number.isNaN(date.getTime())) return `${seconds} s`;
  const fraction = String(nanoseconds)
    .padStart(9, "0")
    .replace(/(000){1,3}$/, "");
  return date.toISOString().replace(".000Z", fraction === "" ? "Z" : `.${fraction}Z`);
}

function complaint(type: Described["type"], error: DescribedError): string {
  const { attribute, code, message, outcome, subcode } = error;
  const about = attribute === undefined || message.startsWith(attribute) ? "" : `${attribute}: `;
  return `${type}: ${about}${message} (${code}/${subcode}, ${outcome})`;
}
