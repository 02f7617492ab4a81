import type { IpVersion } from "../net/ip-address.ts";
import { setKey } from "./linux-socket.ts";
import type { TcpKey } from "./tcp.ts";

/** The keys of a listener. */
export class ListenerKeys {
  readonly #version: IpVersion;
  #keys: ReadonlyMap<string, TcpKey> = new Map();

  constructor(version: IpVersion) {
    this.#version = version;
  }

  /** Puts just these in force, of those of its IP version. @throws TcpOptionError for the first that cannot be */
  set(fd: number, keys: readonly TcpKey[]): void {
    const own = keys.filter(({ prefix }) => prefix.version === this.#version);
    const wanted = new Map(own.map((key) => [key.prefix.text, key]));
    const present = new Map(this.#keys);
    this.#keys = present;
    for (const [text, { prefix }] of [...present]) {
      if (wanted.has(text)) continue;
      setKey(fd, prefix, undefined);
      present.delete(text);
    }
    for (const [text, key] of wanted) {
      if (present.get(text)?.password === key.password) continue;
      setKey(fd, key.prefix, key.password);
      present.set(text, key);
    }
  }
}
