import { type DescMessage, type MessageShape, toJsonString } from "@bufbuild/protobuf";

/** proto3 JSON with every field present: one line, or indented. */
export function jsonText<D extends DescMessage>(
  schema: D,
  message: MessageShape<D>,
  indent?: number,
): string {
  const options = { alwaysEmitImplicit: true };
  return toJsonString(
    schema,
    message,
    indent === undefined ? options : { ...options, prettySpaces: indent },
  );
}
