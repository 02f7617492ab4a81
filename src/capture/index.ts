import type { AssumedSession, CaptureReader, Emit } from "./captured.ts";
import type { FileFormat } from "./file-format.ts";
import { HexLines } from "./hex-lines.ts";
import { MrtFile } from "./mrt-file.ts";
import { PacketCapture } from "./packet-capture.ts";

/** Makes the reader of a file's format. */
export function captureReader(
  format: Exclude<FileFormat, "gzip">,
  assumed: AssumedSession,
  emit: Emit,
): CaptureReader {
  switch (format) {
    case "hex":
      return new HexLines(assumed, emit);
    case "mrt":
      return new MrtFile(assumed, emit);
    case "pcap":
    case "pcapng":
      return new PacketCapture(format, assumed, emit);
  }
}
