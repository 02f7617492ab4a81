import { z } from "zod";
import type { Prefix } from "../net/prefix.ts";
import type { Endpoint } from "./fields.ts";
import type { Secret } from "./secret.ts";
import { withoutDefault } from "./schema-structure.ts";

/** A value as far as it could be read: what is missing or wrong is `undefined`, and lists keep their indexes. */
export type Draft<T> = [T] extends [Prefix] | [Secret] | [WholeEndpoint<T>]
  ? T | undefined
  : T extends readonly (infer Entry)[]
    ? readonly Draft<Entry>[]
    : T extends object
      ? { readonly [Key in keyof T]-?: Draft<Exclude<T[Key], undefined>> }
      : T | undefined;

/** `T`, if it is an endpoint and nothing more (members have an address and a port, too). */
type WholeEndpoint<T> = T extends Endpoint ? (keyof T extends keyof Endpoint ? T : never) : never;

/**
 * Reads what can be read in spite of mistakes, so that checks between values run, and report, in the same pass as the
 * checks of each value.
 */
export function readDraft<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): Draft<z.output<Schema>> {
  // The walk follows the schema, so it builds the draft's shape.
  return draftOf(schema, value) as Draft<z.output<Schema>>;
}

function draftOf(schema: z.core.$ZodType, value: unknown): unknown {
  const structure = withoutDefault(schema);
  if (structure instanceof z.ZodObject) {
    const mapping: object = typeof value === "object" && value !== null ? value : {};
    return Object.fromEntries(
      Object.entries<z.core.$ZodType>(structure.shape).map(([key, child]) => {
        return [key, draftOf(child, Reflect.get(mapping, key))];
      }),
    );
  }
  if (structure instanceof z.ZodRecord) {
    const mapping: object = typeof value === "object" && value !== null ? value : {};
    const { valueType } = structure;
    return Object.fromEntries(
      Object.entries(mapping).map(([key, child]) => [key, draftOf(valueType, child)]),
    );
  }
  if (structure instanceof z.ZodArray) {
    const entries: readonly unknown[] = Array.isArray(value) ? value : [];
    return entries.map((entry) => draftOf(structure.element, entry));
  }
  // A leaf: where it is wrong, it is not there.
  return z.safeParse(schema, value).data;
}
