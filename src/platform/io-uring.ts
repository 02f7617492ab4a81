import { createRequire } from "node:module";
import { constants } from "node:os";
import { closeSocket, sendFlags } from "./linux-socket.ts";

/** io_uring(7), as much of it as sending takes: what is prepared goes to the kernel in one call, and is done when that returns. */

const IO_URING_SETUP = 425;
const IO_URING_ENTER = 426;
const IORING_OFF_SQ_RING = 0n;
const IORING_OFF_SQES = 0x1000_0000n;
const IORING_ENTER_GETEVENTS = 1;
const IORING_FEAT_SINGLE_MMAP = 1;
const IORING_OP_SEND = 26;
const PROT_READ_WRITE = 3;
const MAP_SHARED_POPULATE = 0x8001;
const MAP_FAILED = 2n ** 64n - 1n;
const { EBADF, EAGAIN } = constants.errno;

/** `struct io_uring_params`, in words of four octets. */
const paramsWords = 30;
const params = {
  cqEntries: 1,
  features: 5,
  sqTail: 11,
  sqArray: 16,
  cqHead: 20,
  cqTail: 21,
  cqes: 25,
};

/** `struct io_uring_sqe` and `struct io_uring_cqe`, in words. */
const sqeWords = 16;
const sqe = { opcode: 0, fd: 1, address: 4, length: 6, flags: 7, userData: 8 } as const;
const cqeWords = 4;
const cqe = { userData: 0, result: 2 } as const;

/** io_uring_enter(2): descriptor, how many to take, how many to have completed, flags, no signals. */
type Enter = (call: number, ...values: (number | null)[]) => number;

export class IoUring {
  readonly entries: number;
  readonly #fd: number;
  readonly #enter: Enter;
  /** Heads and tails of both queues, and the completions. */
  readonly #ring: Int32Array;
  readonly #submissions: Int32Array;
  readonly #sqTail: number;
  readonly #cqHead: number;
  readonly #cqTail: number;
  readonly #cqes: number;
  readonly #cqMask: number;
  #prepared = 0;

  /** @param entries a power of 2 @throws Error where there is none: an old kernel, one told so, or seccomp of a container */
  constructor(entries: number) {
    this.entries = entries;
    const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
    const library = koffi.load(null);
    const setup = library.func("syscall", "long", ["long", "uint32_t", "void *"]);
    const enter = ["long", "int", "uint32_t", "uint32_t", "uint32_t", "void *", "size_t"];
    this.#enter = library.func("syscall", "long", enter);
    const words = new Uint32Array(paramsWords);
    const fd = setup(IO_URING_SETUP, entries, new Uint8Array(words.buffer)) as number;
    if (fd < 0) throw new Error("io_uring is not to be had");
    this.#fd = fd;
    const word = (name: keyof typeof params): number => words[params[name]] as number;
    const giveUp = (why: string): never => {
      closeSocket(fd);
      throw new Error(why);
    };
    if ((word("features") & IORING_FEAT_SINGLE_MMAP) === 0)
      giveUp("io_uring of this kernel is too old");
    const mmap = library.func("void *mmap(void *, size_t, int, int, int, int64_t)");
    const map = (count: number, offset: bigint): Int32Array => {
      const at = mmap(null, count * 4, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset);
      if (koffi.address(at) === MAP_FAILED) giveUp("io_uring cannot be mapped");
      return new Int32Array(koffi.view(at, count * 4));
    };
    const array = word("sqArray") / 4;
    this.#cqes = word("cqes") / 4;
    this.#cqMask = word("cqEntries") - 1;
    const end = Math.max(array + entries, this.#cqes + word("cqEntries") * cqeWords);
    this.#ring = map(end, IORING_OFF_SQ_RING);
    this.#submissions = map(entries * sqeWords, IORING_OFF_SQES);
    this.#sqTail = word("sqTail") / 4;
    this.#cqHead = word("cqHead") / 4;
    this.#cqTail = word("cqTail") / 4;
    for (let index = 0; index < entries; index++) this.#ring[array + index] = index;
    if (!this.#canSend()) giveUp("io_uring of this kernel sends nothing");
  }

  /** Kernels before 5.6 know no sends; those that do find no socket here. */
  #canSend(): boolean {
    this.prepareSend(-1, 0, 0, 0);
    let result = 0;
    this.submit((_, answer) => {
      result = answer;
    });
    return result === -EBADF;
  }

  /** At most `entries` are prepared at a time. @param addressLow, addressHigh where the octets are, in words */
  prepareSend(fd: number, addressLow: number, addressHigh: number, length: number): void {
    const index = this.#prepared++;
    const at = ((this.#ring[this.#sqTail] as number) & (this.entries - 1)) * sqeWords;
    const words = this.#submissions;
    words.fill(0, at, at + sqeWords);
    words[at + sqe.opcode] = IORING_OP_SEND;
    words[at + sqe.fd] = fd;
    words[at + sqe.address] = addressLow;
    words[at + sqe.address + 1] = addressHigh;
    words[at + sqe.length] = length;
    words[at + sqe.flags] = sendFlags;
    words[at + sqe.userData] = index;
    (this.#ring[this.#sqTail] as number)++;
  }

  /**
   * Has the kernel do all that is prepared. @param completed told of each, by its place among them, what the call would have
   * returned: octets sent, or a negative errno. What the kernel would not take now is as with a full socket: -EAGAIN.
   */
  submit(completed: (index: number, result: number) => void): void {
    const count = this.#prepared;
    this.#prepared = 0;
    const taken = this.#enter(
      IO_URING_ENTER,
      this.#fd,
      count,
      count,
      IORING_ENTER_GETEVENTS,
      null,
      0,
    );
    const done = Math.max(0, taken);
    const ring = this.#ring;
    (ring[this.#sqTail] as number) -= count - done;
    const tail = ring[this.#cqTail] as number;
    let head = ring[this.#cqHead] as number;
    for (; head !== tail; head = (head + 1) | 0) {
      const at = this.#cqes + (head & this.#cqMask) * cqeWords;
      completed(ring[at + cqe.userData] as number, ring[at + cqe.result] as number);
    }
    ring[this.#cqHead] = head;
    for (let index = done; index < count; index++) completed(index, -EAGAIN);
  }
}
