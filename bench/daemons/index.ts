import { Bird } from "./bird.ts";
import type { Contender } from "./daemon.ts";
import { Floor } from "./floor.ts";
import { Frr, TunedFrr } from "./frr.ts";
import { GoBgp } from "./gobgp.ts";
import { Margay } from "./margay.ts";
import { OpenBgpd } from "./openbgpd.ts";

/** THE table: a daemon is one file and one entry here. In the order of columns. */
export const contenders: readonly Contender[] = [
  new Floor(),
  new Margay(),
  new Frr(),
  new TunedFrr(),
  new Bird(),
  new OpenBgpd(),
  new GoBgp(),
];
