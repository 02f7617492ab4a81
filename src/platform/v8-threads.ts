import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";

const THREADS = "/proc/self/task";
/** As Node.js names those that it gives to V8. */
const NAME = "V8Worker";
/** linux/sched.h: as any other, but never put in the place of who runs because it has just been woken up. */
const SCHED_BATCH = 3;

/**
 * Has the threads in which V8 compiles and collects garbage wait for a processor until one is free. The main thread wakes
 * them up in the middle of its work, and the kernel would often let them have its processor at once, though another may be
 * idle: a millisecond or two that a route waits.
 */
export function letMainThreadGoOn(): void {
  const threads = v8Threads();
  if (threads.length === 0) return;
  try {
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    const setScheduler = koffi.load(null).func("int sched_setscheduler(int, int, const void *)");
    const parameters = new Uint8Array(4); // struct sched_param: priority i32
    for (const thread of threads) setScheduler(thread, SCHED_BATCH, parameters);
  } catch {
    // Without koffi they take turns as ever: it is no more than slower.
  }
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
