type Column = Int32Array | Uint32Array | Uint16Array | Uint8Array | Float64Array;

/** Octets that columns and lists of numbers occupy, used or not. */
export function bytesOf(...columns: readonly (Column | readonly number[])[]): number {
  let bytes = 0;
  for (const column of columns) {
    bytes += "byteLength" in column ? column.byteLength : column.length * bytesPerListed;
  }
  return bytes;
}

/** A number in an array of JavaScript takes a machine word. */
const bytesPerListed = 8;

/** A copy of a typed-array column, at least `needed` long and at least twice as long as before. */
export function grown<T extends Column>(column: T, needed: number): T {
  const length = Math.max(needed, column.length * 2);
  const larger = new (column.constructor as new (length: number) => T)(length);
  larger.set(column);
  return larger;
}
