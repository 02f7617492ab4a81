/** A number in [0, 1), as `Math.random` gives. Pure rooms take one as a parameter. */
export type Random = () => number;

/** The machine's own source, good enough for jitter. */
export const nodeRandom: Random = () => Math.random();
