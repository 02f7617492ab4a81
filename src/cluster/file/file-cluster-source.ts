import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { readClusterFile } from "../../config/cluster-file.ts";
import { type ConfigProblem, formatProblems } from "../../config/problem.ts";
import type { Clock, Timer } from "../../platform/clock.ts";
import type { ClusterSource, ClusterSourceOptions, ClusterUpdate } from "../cluster-source.ts";
import { type ClusterModel, findMember } from "../model/cluster-model.ts";

/** Editors write in several steps, and the last of them counts. */
const settleMs = 200;

export interface FileClusterOptions extends ClusterSourceOptions {
  readonly clock: Clock;
}

/** The cluster in a YAML file (docs/CONFIG.md), read again whenever it changes. */
export class FileClusterSource implements ClusterSource {
  readonly #path: string;
  readonly #options: FileClusterOptions;
  #listener: (update: ClusterUpdate) => void = () => {};
  #watcher: FSWatcher | undefined;
  #settle: Timer | undefined;
  /** What was last reported, to report only news. */
  #reported = "";

  constructor(path: string, options: FileClusterOptions) {
    this.#path = path;
    this.#options = options;
  }

  start(listener: (update: ClusterUpdate) => void): Promise<void> {
    this.#listener = listener;
    // The directory, not the file: editors and ConfigMaps replace the file, and a watch on the old one goes deaf.
    try {
      this.#watcher = watch(dirname(this.#path), (_event, name) => this.#changed(name));
      this.#watcher.on("error", (error) => this.#notWatched(error));
    } catch (error) {
      this.#notWatched(error);
    }
    this.#read();
    return Promise.resolve();
  }

  reload(): Promise<void> {
    this.#read({ repeatProblems: true });
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.#listener = () => {};
    this.#settle?.cancel();
    this.#watcher?.close();
    this.#watcher = undefined;
    return Promise.resolve();
  }

  /** `..data` is what Kubernetes swaps when the ConfigMap behind a mounted file changes. */
  #changed(name: string | null): void {
    if (name !== null && name !== basename(this.#path) && name !== "..data") return;
    this.#settle?.cancel();
    this.#settle = this.#options.clock.after(settleMs, () => this.#read());
  }

  #notWatched(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `changes are not noticed by themselves (${reason}): reload after each`;
    this.#listener({
      problems: [{ file: this.#path, severity: "warning", path: "", message }],
    });
  }

  #read({ repeatProblems = false } = {}): void {
    const { model, problems } = readClusterFile(this.#path);
    const errors = model === undefined ? problems : this.#strangers(model);
    const news = errors.length > 0 ? formatProblems(errors) : JSON.stringify(model, withoutOctets);
    if (news === this.#reported && !(repeatProblems && errors.length > 0)) return;
    this.#reported = news;
    if (model === undefined || errors.length > 0) this.#listener({ problems: errors });
    else this.#listener({ model, warnings: problems });
  }

  #strangers(model: ClusterModel): ConfigProblem[] {
    const { nodeName } = this.#options;
    if (findMember(model, nodeName) !== undefined) return [];
    const message = `"${nodeName}", this node, is not a member any more: add it again, or stop the daemon with --cleanup`;
    return [{ file: this.#path, severity: "error", path: "members", message }];
  }
}

/** Prefixes are equal when their texts are. */
function withoutOctets(key: string, value: unknown): unknown {
  return key === "octets" ? undefined : value;
}
