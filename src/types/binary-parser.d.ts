/**
 * What we use of binary-parser, whose `exports` map hides its own types from `nodenext`. `parse` gives `unknown`, so
 * that every use states the shape it declared.
 */
declare module "binary-parser" {
  interface FieldOptions {
    readonly length?: number | string;
    readonly lengthInBytes?: number | string;
    readonly readUntil?: "eof";
    readonly type?: string | Parser;
    readonly choices?: Readonly<Record<number, string | Parser>>;
    readonly tag?: string;
    readonly defaultChoice?: string | Parser;
  }

  export class Parser {
    endianness(endianness: "big" | "little"): this;
    uint8(name: string): this;
    uint16(name: string): this;
    uint32(name: string): this;
    bit1(name: string): this;
    bit2(name: string): this;
    bit12(name: string): this;
    /** Accepts fewer octets than asked for without a word: only for input whose length was checked. */
    buffer(name: string, options: FieldOptions): this;
    array(name: string, options: FieldOptions): this;
    /** Its fields become fields of the object that it stands in. */
    choice(options: FieldOptions): this;
    nest(name: string, options: FieldOptions): this;
    skip(octets: number): this;
    useContextVars(): this;
    parse(octets: Uint8Array): unknown;
  }
}
