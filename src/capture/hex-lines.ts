import { HeaderSubcode } from "../bgp/iana.ts";
import type { CodecContext } from "../bgp/message/codec-context.ts";
import { assumedContext } from "./assumed-context.ts";
import type { AssumedSession, CaptureReader, Emit } from "./captured.ts";

const newline = 0x0a;
const hash = 0x23;
/** Between the digits: blank, tab, carriage return, `,` `-` `:` `_`. */
const separators: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d, 0x2c, 0x2d, 0x3a, 0x5f]);
const noNibble = -1;
const largestMessageOctets = 65_535;
const tooLong = `more than ${largestMessageOctets} octets are no BGP message`;

function nibbleOf(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  const lower = octet | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : noNibble;
}

/**
 * One message per line, in hexadecimal digits of either case: separators mean nothing, `0x` neither, `#` starts a comment,
 * empty lines are skipped. Holds one message at most, however long the line.
 */
export class HexLines implements CaptureReader {
  readonly #emit: Emit;
  readonly #context: CodecContext;
  readonly #octets = new Uint8Array(largestMessageOctets);
  #length = 0;
  #line = 1;
  #column = 0;
  #nibble = noNibble;
  #isComment = false;
  /** Of this line; the first is told. */
  #problem: string | undefined;

  constructor(assumed: AssumedSession, emit: Emit) {
    this.#context = assumedContext(assumed);
    this.#emit = emit;
  }

  push(chunk: Uint8Array): void {
    for (const octet of chunk) {
      if (octet === newline) this.#endLine();
      else if (!this.#isComment) this.#take(octet);
    }
  }

  end(): void {
    this.#endLine();
  }

  #take(octet: number): void {
    this.#column++;
    const nibble = nibbleOf(octet);
    if (nibble !== noNibble) this.#takeNibble(nibble);
    else if (octet === hash) this.#isComment = true;
    else if ((octet | 0x20) === 0x78 && this.#nibble === 0) this.#nibble = noNibble;
    else if (!separators.has(octet)) {
      this.#problem ??= `column ${this.#column} is no hexadecimal digit`;
    }
  }

  #takeNibble(nibble: number): void {
    if (this.#nibble === noNibble) {
      this.#nibble = nibble;
      return;
    }
    const octet = (this.#nibble << 4) | nibble;
    this.#nibble = noNibble;
    if (this.#length < largestMessageOctets) this.#octets[this.#length++] = octet;
    else this.#problem ??= tooLong;
  }

  #endLine(): void {
    const place = `line ${this.#line}`;
    if (this.#nibble !== noNibble) this.#problem ??= "an odd number of hexadecimal digits";
    if (this.#problem === tooLong) {
      this.#emit({ place, problem: tooLong, subcode: HeaderSubcode.badMessageLength });
    } else if (this.#problem !== undefined) this.#emit({ place, problem: this.#problem });
    else if (this.#length > 0) {
      const octets = this.#octets.subarray(0, this.#length);
      this.#emit({ place, octets, context: this.#context });
    }
    this.#length = 0;
    this.#line++;
    this.#column = 0;
    this.#nibble = noNibble;
    this.#isComment = false;
    this.#problem = undefined;
  }
}
