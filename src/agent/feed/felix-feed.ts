import type { Felix } from "../../felix/felix.ts";
import type { RouteIntent } from "../../felix/intent.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { Picture, RouteFeed } from "./route-feed.ts";

type Programmer = Pick<Felix, "setRoute" | "removeRoute" | "pictureComplete" | "pictureChanged">;

/** A programmer that does what it is told. */
export class FelixFeed implements RouteFeed {
  readonly #felix: () => Programmer;
  #picture: Picture | undefined;

  /** @param felix there by the time that something is told */
  constructor(felix: () => Programmer) {
    this.#felix = felix;
  }

  /** May many routes go at once? Not before somebody says so. */
  get isWhole(): boolean {
    return this.#picture?.isWhole ?? false;
  }

  setRoute(intent: RouteIntent): void {
    this.#felix().setRoute(intent);
  }

  removeRoute(prefix: Prefix): void {
    this.#felix().removeRoute(prefix);
  }

  pictureChanged(picture: Picture): void {
    this.#picture = picture;
    if (picture.isComplete) this.#felix().pictureComplete();
    this.#felix().pictureChanged();
  }
}
