/** Octets of `struct rtattr`: length u16 (header included), type u16. */
const ATTRIBUTE_HEADER_OCTETS = 4;
/** NLA_F_NESTED and NLA_F_NET_BYTEORDER ride in the type's two upper bits. */
const TYPE_MASK = 0x3fff;

/** Calls `each` with type and value (sharing memory) of every whole attribute; one that claims too much ends the walk. */
export function walkAttributes(
  octets: Uint8Array,
  each: (type: number, value: Uint8Array) => void,
): void {
  let offset = 0;
  while (offset + ATTRIBUTE_HEADER_OCTETS <= octets.length) {
    const length = (octets[offset] as number) | ((octets[offset + 1] as number) << 8);
    if (length < ATTRIBUTE_HEADER_OCTETS || offset + length > octets.length) return;
    const type = (octets[offset + 2] as number) | ((octets[offset + 3] as number) << 8);
    each(type & TYPE_MASK, octets.subarray(offset + ATTRIBUTE_HEADER_OCTETS, offset + length));
    offset += (length + 3) & ~3;
  }
}

/** The value as an unsigned 32-bit number in the machine's order; 0 when it is too short. */
export function attributeUint32(value: Uint8Array): number {
  if (value.length < 4) return 0;
  return (
    ((value[0] as number) |
      ((value[1] as number) << 8) |
      ((value[2] as number) << 16) |
      ((value[3] as number) << 24)) >>>
    0
  );
}

/** The value as text, without the NUL that ends it. */
export function attributeText(value: Uint8Array): string {
  const end = value.indexOf(0);
  return new TextDecoder().decode(end < 0 ? value : value.subarray(0, end));
}

/** Builds the body of a request: a fixed structure first, attributes after it, each padded to 4 octets. */
export class AttributeWriter {
  readonly #parts: Uint8Array[];
  #length: number;

  constructor(fixed: Uint8Array) {
    this.#parts = [fixed];
    this.#length = fixed.length;
  }

  /** Octets as they are. */
  bytes(type: number, value: Uint8Array): this {
    const length = ATTRIBUTE_HEADER_OCTETS + value.length;
    const part = new Uint8Array((length + 3) & ~3);
    part[0] = length & 255;
    part[1] = length >>> 8;
    part[2] = type & 255;
    part[3] = type >>> 8;
    part.set(value, ATTRIBUTE_HEADER_OCTETS);
    this.#parts.push(part);
    this.#length += part.length;
    return this;
  }

  /** A number of 32 bits in the machine's order. */
  uint32(type: number, value: number): this {
    return this.bytes(
      type,
      Uint8Array.of(value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24),
    );
  }

  /** Text, ended by NUL. */
  text(type: number, value: string): this {
    return this.bytes(type, new TextEncoder().encode(`${value}\0`));
  }

  /** Attributes inside an attribute. */
  nested(type: number, fill: (writer: AttributeWriter) => void): this {
    const inner = new AttributeWriter(new Uint8Array(0));
    fill(inner);
    return this.bytes(type, inner.finish());
  }

  finish(): Uint8Array {
    const body = new Uint8Array(this.#length);
    let offset = 0;
    for (const part of this.#parts) {
      body.set(part, offset);
      offset += part.length;
    }
    return body;
  }
}
