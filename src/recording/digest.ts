/** A digest of octets that come in parts, however they are cut: two FNV-1a hashes. It tells accidents apart, not attacks. */
export class Digest {
  #first = 0x811c9dc5;
  #second = 0x050c5d1f;
  octets = 0;

  update(octets: Uint8Array): void {
    let first = this.#first;
    let second = this.#second;
    for (let index = 0; index < octets.length; index++) {
      const octet = octets[index] as number;
      first = Math.imul(first ^ octet, 0x01000193);
      second = Math.imul(second ^ octet, 0x01000193) ^ (second >>> 15);
    }
    this.#first = first;
    this.#second = second;
    this.octets += octets.length;
  }

  /** 32 bits of it. */
  get word(): number {
    return (this.#first ^ this.#second) >>> 0;
  }

  /** 16 hexadecimal digits. */
  get text(): string {
    return hex(this.#first) + hex(this.#second);
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
