const units = ["kB", "MB", "GB", "TB"];

/** An amount of memory for people, in steps of 1000: `0 B`, `999 B`, `1.2 kB`, `98 MB`. */
export function formatBytes(bytes: bigint): string {
  let value = Number(bytes);
  let unit = "B";
  for (const larger of units) {
    if (value < 999.5) break;
    value /= 1000;
    unit = larger;
  }
  return `${unit === "B" || value >= 9.95 ? value.toFixed(0) : value.toFixed(1)} ${unit}`;
}
