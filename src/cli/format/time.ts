import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A duration for people, in the two largest units: `42s`, `5m04s`, `3h12m`, `2d03h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  if (whole < MINUTE) return `${whole}s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)}m${two(whole % MINUTE)}s`;
  if (whole < DAY)
    return `${Math.floor(whole / HOUR)}h${two(Math.floor((whole % HOUR) / MINUTE))}m`;
  return `${Math.floor(whole / DAY)}d${two(Math.floor((whole % DAY) / HOUR))}h`;
}

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
