import type { ForeignRoute } from "./ownership.ts";
import type { FibPath } from "./path.ts";

/** What the difference alone does not decide. */
export interface FibPolicy<Want> {
  /** May so many routes go, of so many that the kernel holds? A refusal holds until `askAgain`. */
  readonly mayRemove: (due: number, held: number) => boolean;
  /** May a route of another protocol be replaced by one that is wanted? */
  readonly mayTake: (route: ForeignRoute) => boolean;
  /** May what the kernel has stay where a route is wanted that has no way at present? */
  readonly mayStay: (want: Want, path: FibPath) => boolean;
}

/** All may be removed, nothing of others taken, and what has no way stays. */
export const lenient: FibPolicy<unknown> = {
  mayRemove: () => true,
  mayTake: () => false,
  mayStay: () => true,
};
