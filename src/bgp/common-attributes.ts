import { AttributeCode, AttributeFlag } from "./iana.ts";
import type { UpdateView } from "./message/scan-update.ts";

/** Path attributes, `octets[start..end)`. */
export interface AttributeBlock {
  readonly octets: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Takes out of UPDATEs what all paths with the same attributes have in common, which is what they are interned by. */
export class CommonAttributes {
  #octets = new Uint8Array(4096);
  #length = 0;

  /**
   * The block of the routes of MP_REACH_NLRI (`reach`), or of those in the UPDATE's own field; valid until the next call, where
   * the message does not have it in one piece.
   */
  of(octets: Uint8Array, view: UpdateView, reach: boolean): AttributeBlock {
    if (!reach && view.mpReachStart < 0 && view.mpUnreachStart < 0) {
      return { octets, start: view.attributesStart, end: view.attributesEnd };
    }
    this.#normalise(octets, view, reach);
    return { octets: this.#octets, start: 0, end: this.#length };
  }

  /** Copies the attributes, MP_UNREACH_NLRI left out and MP_REACH_NLRI without its prefixes, or left out too. */
  #normalise(octets: Uint8Array, view: UpdateView, reach: boolean): void {
    const { attributesStart, attributesEnd, mpReachStart } = view;
    if (attributesEnd - attributesStart + 4 > this.#octets.length) {
      this.#octets = new Uint8Array((attributesEnd - attributesStart) * 2);
    }
    this.#length = 0;
    for (let at = attributesStart; at < attributesEnd; ) {
      const code = octets[at + 1] as number;
      const extended = ((octets[at] as number) & AttributeFlag.extendedLength) !== 0;
      const length = extended
        ? ((octets[at + 2] as number) << 8) | (octets[at + 3] as number)
        : (octets[at + 2] as number);
      const next = at + (extended ? 4 : 3) + length;
      if (code !== AttributeCode.mpReachNlri && code !== AttributeCode.mpUnreachNlri) {
        this.#octets.set(octets.subarray(at, next), this.#length);
        this.#length += next - at;
      }
      at = next;
    }
    if (!reach) return;
    const length = 5 + (octets[mpReachStart + 3] as number);
    const head = this.#length;
    this.#octets[head] = AttributeFlag.optional;
    this.#octets[head + 1] = AttributeCode.mpReachNlri;
    this.#octets[head + 2] = length;
    this.#octets.set(octets.subarray(mpReachStart, mpReachStart + length), head + 3);
    this.#length = head + 3 + length;
  }
}
