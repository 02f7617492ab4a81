/** MRT record types, RFC 6396 §4: those that hold BGP, and those that other programs write beside them. */
export const MrtType = { tableDump: 12, tableDumpV2: 13, bgp4mp: 16, bgp4mpEt: 17 } as const;

/** OSPFv2, IS-IS and OSPFv3 (with and without microseconds). */
const otherTypes = [11, 32, 33, 48, 49];

export const mrtTypes: ReadonlySet<number> = new Set([...Object.values(MrtType), ...otherTypes]);
