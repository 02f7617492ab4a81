import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { formatDuration } from "../../api/duration.ts";

/** How long ago, or the empty text without a time. */
export function formatAge(since: Timestamp | undefined, nowMs: number): string {
  return since === undefined ? "" : formatDuration((nowMs - timestampDate(since).getTime()) / 1000);
}

/** RFC 3339 in UTC, to the second, or the empty text without a time. */
export function formatDate(time: Timestamp | undefined): string {
  return time === undefined
    ? ""
    : timestampDate(time)
        .toISOString()
        .replace(/\.\d+Z$/, "Z");
}

/** Time of day where the reader is: `14:03:09.120`. */
export function formatClock(time: Timestamp | undefined): string {
  if (time === undefined) return "";
  const date = timestampDate(time);
  const two = (value: number): string => String(value).padStart(2, "0");
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}
