import type { Reader } from "../wire/reader.ts";
import type { CaptureTime } from "./captured.ts";

/** One MRT record, RFC 6396 §2. */
export interface MrtRecord {
  readonly place: string;
  readonly time: CaptureTime;
  readonly subtype: number;
  /** Over what follows the header. */
  readonly reader: Reader;
}
