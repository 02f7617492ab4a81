import type { PathContent } from "../fib/path.ts";
import type { KernelPicture } from "./kernel-picture.ts";
import type { RouteOwner } from "./owner.ts";
import { isTunnel } from "./tunnel-remains.ts";

/**
 * Is a route without a way in a tunnel where, by its pool's policy, none may be? It goes then, for the network between is to
 * carry its packets. Whatever else loses its way stays as it is.
 */
export function isBarred(
  want: RouteOwner,
  { hops }: PathContent,
  picture: Pick<KernelPicture, "link">,
): boolean {
  if (want.kind !== "remote" || want.group.policy.encapsulation !== "never") return false;
  // Of a next hop without a route it is not known that only a tunnel leads there.
  if (want.group.ways.every(({ nextHop }) => nextHop.verdict.kind === "unreachable")) return false;
  return hops.some(({ ifindex }) => {
    const link = picture.link(ifindex);
    return link !== undefined && isTunnel(link);
  });
}
