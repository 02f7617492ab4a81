import type { Fib } from "../fib/fib.ts";
import type { PathTable } from "../fib/path.ts";
import type { Prefix } from "../net/prefix.ts";
import type { KernelPicture } from "./kernel-picture.ts";
import { decideLocal, LOCAL_METRIC, type LocalDecision, localPath } from "./local.ts";
import type { RouteOwner } from "./owner.ts";

export interface LocalRoutesParts {
  readonly fib: Fib<RouteOwner>;
  readonly paths: PathTable;
  readonly picture: KernelPicture;
}

/** The routes that follow from the node's own pod CIDRs. */
export class LocalRoutes {
  readonly #parts: LocalRoutesParts;
  #decisions: readonly LocalDecision[] = [];

  constructor(parts: LocalRoutesParts) {
    this.#parts = parts;
  }

  /** What was decided last. */
  get decisions(): readonly LocalDecision[] {
    return this.#decisions;
  }

  /** Decides anew, by the addresses that interfaces have now, and wants what follows from it. */
  decide(podCidrs: readonly Prefix[]): void {
    const { fib, paths, picture } = this.#parts;
    const deviceName = (ifindex: number): string => picture.deviceName(ifindex);
    const path = paths.intern(localPath);
    const decisions = podCidrs.map((prefix) => decideLocal(prefix, picture.addresses, deviceName));
    const installed = new Set<string>();
    for (const decision of decisions) {
      if (!decision.install) continue;
      installed.add(decision.prefix.text);
      fib.want(decision.prefix, LOCAL_METRIC, { kind: "local", decision }, path);
    }
    for (const { prefix } of this.#decisions) {
      if (!installed.has(prefix.text)) fib.unwant(prefix, LOCAL_METRIC);
    }
    this.#decisions = decisions;
  }
}
