import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { getPriority } from "node:os";

const THREADS = "/proc/self/task";
/** As Node.js names those that it gives to V8. */
const NAME = "V8Worker";
/** sched_setattr(2), which older C libraries have no name for. */
const SCHED_SETATTR: Readonly<Partial<Record<NodeJS.Architecture, number>>> = {
  x64: 314,
  arm64: 274,
  riscv64: 274,
};
/** linux/sched.h: as any other, but never put in the place of who runs because it has just been woken up. */
const SCHED_BATCH = 3;
/** The longest that Linux grants (0.1 to 100 ms, from 6.12; before, it is not looked at). */
const SLICE_NS = 100_000_000n;
/** `struct sched_attr` of the first version, by octets. */
const attributes = { octets: 48, size: 0, policy: 4, nice: 16, slice: 24 } as const;

/**
 * Has the threads in which V8 compiles and collects garbage give way. The main thread wakes them up in the middle of its work,
 * and the kernel would often let them have its processor at once, though another may be idle: a millisecond or two that a
 * route waits. And once they run, whoever is woken up on their processor, such as the thread that a batch of routes is sent by
 * or a pod's process, would wait until they are done: of two with the same share Linux lets go first who asks for less at
 * a time. Their share stays as it was: who has to wait for garbage to be collected does so no longer than before.
 */
export function haveV8ThreadsGiveWay(): void {
  const call = SCHED_SETATTR[process.arch];
  const threads = v8Threads();
  if (call === undefined || threads.length === 0) return;
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    const setAttributes = koffi
      .load(null)
      .func("long syscall(long, int, const void *, unsigned int)");
    for (const thread of threads) setAttributes(call, thread, attributesOf(thread), 0);
  } catch {
    // Without koffi they take turns as ever: it is no more than slower.
  }
}

function attributesOf(thread: number): Uint8Array {
  const octets = new Uint8Array(attributes.octets);
  const view = new DataView(octets.buffer);
  view.setUint32(attributes.size, attributes.octets, true);
  view.setUint32(attributes.policy, SCHED_BATCH, true);
  view.setInt32(attributes.nice, getPriority(thread), true);
  view.setBigUint64(attributes.slice, SLICE_NS, true);
  return octets;
}

/** Their ids; none where threads have no files, or no names. */
function v8Threads(): number[] {
  try {
    const ids = readdirSync(THREADS);
    return ids.filter((id) => nameOf(id) === NAME).map(Number);
  } catch {
    return [];
  }
}

function nameOf(id: string): string {
  return readFileSync(`${THREADS}/${id}/comm`, "utf8").trim();
}
