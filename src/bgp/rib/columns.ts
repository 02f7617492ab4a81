type Column = Int32Array | Uint32Array | Uint16Array | Uint8Array | Float64Array;

/** A copy of a typed-array column, at least `needed` long and at least twice as long as before. */
export function grown<T extends Column>(column: T, needed: number): T {
  const length = Math.max(needed, column.length * 2);
  const larger = new (column.constructor as new (length: number) => T)(length);
  larger.set(column);
  return larger;
}
