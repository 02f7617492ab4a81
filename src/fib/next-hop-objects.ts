import type { PathHop } from "./path.ts";

/** What a next-hop object is: one way out, or the ids of several. */
export type ObjectContent =
  | { readonly hop: PathHop }
  | { readonly members: readonly { readonly id: number; readonly weight: number }[] };

/** One object that is to be written. Give every one to `written` or `refused`. */
export interface ObjectChange {
  readonly id: number;
  readonly content: ObjectContent;
  /** What is there under this id is ours, and gives way. */
  readonly replace: boolean;
  /** Others deleted or changed it. */
  readonly isRepair: boolean;
}

/** One way of a group; `key` is the same for the same way in every group. */
export interface ObjectWay {
  readonly key: string;
  /** `undefined` while there is none. */
  readonly hop: PathHop | undefined;
}

interface Slot {
  /** `undefined` until it has led somewhere: only then is it known what may be adopted. */
  id: number | undefined;
  /** `undefined` while it leads nowhere: what is there stays. */
  content: ObjectContent | undefined;
  contentKey: string;
  /** The kernel refused it: its routes do without, until things have changed. */
  refused: boolean;
  damaged: boolean;
  holders: number;
}

const EEXIST = 17;
/** Ids are a name space of all programs: ours begin with our protocol number, and have 24 bits behind it. */
const IDS = 2 ** 24;

/**
 * The next-hop objects that routes are to lead through, and those that the kernel has: a route names an id, the object
 * says where that leads, and so one message moves all routes of a node. Which routes use an object is the FIB's matter.
 */
export class NextHopObjects {
  /** Off where nobody wants them or the kernel has none: then no path has an id. */
  enabled = false;
  readonly #firstId: number;
  #nextId: number;
  readonly #slots = new Map<string, Slot>();
  readonly #owners = new Map<number, Slot>();
  /** Of each group, the slots that it holds. */
  readonly #holdings = new Map<string, readonly string[]>();
  /** Ours in the kernel, by id. */
  readonly #kernel = new Map<number, ObjectContent>();
  readonly #foreign = new Set<number>();
  /** Ids by what is there, to look for what may be adopted; `undefined` when it is to be made anew. */
  #strays: Map<string, number> | undefined;
  #seen: Set<number> | undefined;
  #dirty = false;

  constructor(protocol: number) {
    this.#firstId = protocol * IDS;
    this.#nextId = this.#firstId + 1;
  }

  /**
   * The id that routes of a group are to name, of one with these ways, some of which may lead nowhere at the moment;
   * `undefined` when they are to do without.
   */
  want(group: string, ways: readonly ObjectWay[]): number | undefined {
    if (!this.enabled) return undefined;
    const before = this.#holdings.get(group) ?? [];
    const keys = ways.map(({ key }) => key);
    const slots = ways.map(({ key, hop }) => this.#hold(key, hop && { hop }));
    if (keys.length !== 1 || keys[0] !== group) {
      const members = slots.flatMap(({ id }, index) => {
        const weight = ways[index]?.hop?.weight;
        return id === undefined || weight === undefined ? [] : [{ id, weight }];
      });
      keys.push(group);
      slots.push(this.#hold(group, members.length === 0 ? undefined : { members }));
    }
    this.#holdings.set(group, keys);
    for (const key of before) this.#letGo(key);
    return slots.some(({ refused }) => refused) ? undefined : slots.at(-1)?.id;
  }

  /**
   * Nobody wants routes of this group any more; the last ones went to `successor`. Returns whether that one's id is
   * another now: where its object is not made yet it takes over the old one, and the routes may stay as they are.
   */
  release(group: string, successor: string | undefined): boolean {
    const keys = this.#holdings.get(group);
    if (keys === undefined) return false;
    this.#holdings.delete(group);
    const heir = successor === undefined ? undefined : this.#slots.get(successor);
    const old = this.#slots.get(group);
    const inherits =
      heir !== undefined && old !== undefined && heir !== old && this.#inherits(heir, old);
    for (const key of keys) this.#letGo(key);
    return inherits;
  }

  /** The ways of an object of ours, for showing what its routes lead to. */
  hops(id: number): readonly PathHop[] {
    const content = this.#owners.get(id)?.content ?? this.#kernel.get(id);
    if (content === undefined) return [];
    if ("hop" in content) return [content.hop];
    return content.members.flatMap(({ id: member, weight }) =>
      this.hops(member).map((hop) => ({ ...hop, weight })),
    );
  }

  /** Has those that the kernel refused tried again when they are wanted next. */
  retryRefused(): void {
    for (const slot of this.#slots.values()) {
      if (!slot.refused) continue;
      slot.refused = false;
      this.#dirty = true;
    }
  }

  /** The kernel has an object; `ours` by its protocol. Returns whether others changed one that is wanted. */
  saw(id: number, ours: boolean, content: ObjectContent): boolean {
    this.#seen?.add(id);
    if (!ours) {
      this.#kernel.delete(id);
      this.#foreign.add(id);
      return false;
    }
    this.#foreign.delete(id);
    const before = this.#kernel.get(id);
    this.#kernel.set(id, content);
    this.#strays = undefined;
    return before !== undefined && this.#changed(id, keyOf(content));
  }

  /** The kernel no longer has it. Returns whether it was one of ours, whose routes went with it. */
  lost(id: number): boolean {
    this.#foreign.delete(id);
    if (!this.#kernel.delete(id)) return false;
    this.#changed(id, "");
    return true;
  }

  /** Has the kernel one of ours that leads out of this link? It goes with it, and nobody is told. */
  leadThrough(ifindex: number): boolean {
    for (const content of this.#kernel.values()) {
      if ("hop" in content && content.hop.ifindex === ifindex) return true;
    }
    return false;
  }

  /** A listing of all that the kernel has begins. */
  beginScan(): void {
    this.#seen = new Set();
  }

  /** It is through: what it did not tell of is gone. */
  endScan(): void {
    const seen = this.#seen ?? new Set<number>();
    this.#seen = undefined;
    for (const id of this.#kernel.keys()) if (!seen.has(id)) this.lost(id);
    for (const id of this.#foreign) if (!seen.has(id)) this.#foreign.delete(id);
    this.#dirty = true;
  }

  /** May something have to be written? */
  get isDirty(): boolean {
    return this.#dirty;
  }

  /** What is to be written before any route, those that are members of others first. */
  changes(): ObjectChange[] {
    if (!this.#dirty) return [];
    this.#dirty = false;
    const changes: ObjectChange[] = [];
    for (const { id, content, contentKey, refused, damaged } of this.#slots.values()) {
      if (id === undefined || content === undefined || refused) continue;
      const there = this.#kernel.get(id);
      if (there !== undefined && keyOf(there) === contentKey) continue;
      changes.push({ id, content, replace: there !== undefined, isRepair: damaged });
    }
    return changes.sort((a, b) => Number("members" in a.content) - Number("members" in b.content));
  }

  written({ id, content }: ObjectChange): void {
    this.#kernel.set(id, content);
    const slot = this.#owners.get(id);
    if (slot !== undefined) slot.damaged = false;
  }

  /** The kernel refused a change. The ids of routes may be others now. */
  refused({ id, replace }: ObjectChange, errno: number): void {
    const slot = this.#owners.get(id);
    if (slot === undefined) return;
    if (errno === EEXIST && !replace) {
      this.#foreign.add(id);
      this.#number(slot, this.#freeId());
    } else slot.refused = true;
    this.#dirty = true;
  }

  /** Is there something of ours that nobody wants? */
  get hasLeftovers(): boolean {
    for (const id of this.#kernel.keys()) if (!this.#owners.has(id)) return true;
    return false;
  }

  /** Objects of ours that nobody wants and no route in `used` leads through, groups first. */
  leftovers(used: ReadonlySet<number>): number[] {
    const needed = new Set(used);
    for (const id of [...used, ...this.#owners.keys()]) {
      const content = this.#kernel.get(id);
      if (content !== undefined && "members" in content) {
        for (const member of content.members) needed.add(member.id);
      }
    }
    const rank = (id: number): number => ("members" in (this.#kernel.get(id) ?? {}) ? 0 : 1);
    return [...this.#kernel.keys()]
      .filter((id) => !needed.has(id) && !this.#owners.has(id))
      .sort((a, b) => rank(a) - rank(b));
  }

  /** A leftover was removed. */
  removed(id: number): void {
    this.#kernel.delete(id);
  }

  #hold(key: string, content: ObjectContent | undefined): Slot {
    const contentKey = content === undefined ? "" : keyOf(content);
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = {
        ...{ id: undefined, content: undefined, contentKey: "" },
        ...{ refused: false, damaged: false, holders: 0 },
      };
      this.#slots.set(key, slot);
    }
    if (slot.contentKey !== contentKey) {
      slot.content = content;
      slot.contentKey = contentKey;
      slot.damaged = false;
      slot.refused = false;
      this.#dirty = true;
      if (slot.id === undefined) this.#number(slot, this.#adoptable(contentKey) ?? this.#freeId());
    }
    slot.holders++;
    return slot;
  }

  #letGo(key: string): void {
    const slot = this.#slots.get(key);
    if (slot === undefined || --slot.holders > 0) return;
    this.#slots.delete(key);
    this.#strays = undefined;
    if (slot.id !== undefined && this.#owners.get(slot.id) === slot) this.#owners.delete(slot.id);
  }

  /** Gives an heir whose object is not made yet the id of the old one, if the kernel would let it be made that. */
  #inherits(heir: Slot, old: Slot): boolean {
    const { id, content } = heir;
    if (old.id === undefined || old.holders > 1 || content === undefined) return false;
    const there = this.#kernel.get(old.id);
    const isMade = id !== undefined && this.#kernel.has(id);
    if (isMade || there === undefined || kindOf(there) !== kindOf(content)) return false;
    this.#number(heir, old.id);
    this.#dirty = true;
    return true;
  }

  #number(slot: Slot, id: number): void {
    if (slot.id !== undefined) this.#owners.delete(slot.id);
    slot.id = id;
    this.#owners.set(id, slot);
  }

  #changed(id: number, contentKey: string): boolean {
    const slot = this.#owners.get(id);
    if (slot?.content === undefined || slot.contentKey === contentKey) return false;
    slot.damaged = true;
    this.#dirty = true;
    return true;
  }

  /** One of an earlier life that is just so. */
  #adoptable(contentKey: string): number | undefined {
    if (this.#strays === undefined) {
      this.#strays = new Map();
      for (const [id, content] of this.#kernel) this.#strays.set(keyOf(content), id);
    }
    const id = this.#strays.get(contentKey);
    return id === undefined || this.#owners.has(id) || !this.#kernel.has(id) ? undefined : id;
  }

  #freeId(): number {
    for (;;) {
      const id = this.#nextId;
      this.#nextId = id + 1 < this.#firstId + IDS ? id + 1 : this.#firstId + 1;
      if (!this.#kernel.has(id) && !this.#foreign.has(id) && !this.#owners.has(id)) return id;
    }
  }
}

function keyOf(content: ObjectContent): string {
  if ("hop" in content) {
    const { gateway, ifindex, onlink } = content.hop;
    return `via ${gateway} dev ${ifindex}${onlink ? " onlink" : ""}`;
  }
  return `group ${content.members.map(({ id, weight }) => `${id},${weight}`).join("/")}`;
}

/** The kernel replaces like by like only. */
function kindOf(content: ObjectContent): string {
  if ("members" in content) return "group";
  return content.hop.gateway?.includes(":") === true ? "ipv6" : "ipv4";
}
