import { corpus } from "./corpus.ts";
import { mutate } from "./mutate.ts";
import { PseudoRandom } from "./pseudo-random.ts";
import { Target } from "./target.ts";
import { toHex } from "../vectors/hex.ts";

export interface FuzzResult {
  readonly inputs: number;
  /** Milliseconds of the slowest input. */
  readonly slowestMs: number;
  /** Octets of the heap after each part of the run, garbage included. */
  readonly heapOctets: readonly number[];
}

/** Of a peer's life: then it goes, and comes again. */
const inputsPerPeer = 1000;

/**
 * Feeds so many mutated messages to everything that reads messages.
 * @throws Error with the seed and the message, as hex, when something other than a BgpError comes out
 */
export function fuzz(count: number, seed: number, progress?: (inputs: number) => void): FuzzResult {
  const messages = corpus();
  const random = new PseudoRandom(seed);
  const target = new Target();
  const heapOctets: number[] = [];
  let slowestMs = 0;
  for (let input = 1; input <= count; input++) {
    const message = mutate(messages, random);
    const start = performance.now();
    try {
      target.take(message, random);
      if (input % inputsPerPeer === 0) target.forget();
    } catch (cause) {
      throw new Error(`input ${input} of seed ${seed}: ${toHex(message)}`, { cause });
    }
    slowestMs = Math.max(slowestMs, performance.now() - start);
    if (input % Math.ceil(count / 10) === 0) {
      globalThis.gc?.();
      heapOctets.push(process.memoryUsage().heapUsed);
      progress?.(input);
    }
  }
  target.forget();
  return { inputs: count, slowestMs, heapOctets };
}
