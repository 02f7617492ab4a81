import { z } from "zod";
import { clusterSchema } from "./cluster-schema.ts";
import { nodeSchema } from "./node-schema.ts";
import { speakerSchema } from "./speaker-schema.ts";

const schemas = { node: nodeSchema, cluster: clusterSchema, speaker: speakerSchema };

/** Kinds of file that margay reads. */
export type ConfigFileKind = keyof typeof schemas;

/**
 * JSON Schema (draft 2020-12) of one kind of file, for editors. It knows keys, types, ranges and defaults; what prefixes
 * and addresses look like, and what must hold between values, only `margay config check` knows.
 */
export function configJsonSchema(kind: ConfigFileKind): object {
  return z.toJSONSchema(schemas[kind], { io: "input" });
}
