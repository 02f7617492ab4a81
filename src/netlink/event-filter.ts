import { MessageType } from "./constants.ts";

/**
 * A classic BPF program (linux/filter.h: code u16, jt u8, jf u8, k u32 per instruction) for the socket that hears
 * events: drops the route events that the sockets with `portIds` caused, and keeps all else. Without it every route we
 * write comes back to us, at half again the cost of writing it.
 *
 * BPF loads in network order what netlink wrote in the machine's, hence the swaps.
 */
export function ownEchoFilter(portIds: readonly number[]): Uint8Array {
  const LOAD_HALF = 0x28;
  const LOAD_WORD = 0x20;
  const JUMP_EQUAL = 0x15;
  const RETURN = 0x06;
  const program: readonly (readonly [code: number, jt: number, jf: number, k: number])[] = [
    [LOAD_HALF, 0, 0, 4], // nlmsg_type
    [JUMP_EQUAL, 1, 0, swap16(MessageType.newRoute)],
    [JUMP_EQUAL, 0, portIds.length + 1, swap16(MessageType.delRoute)],
    [LOAD_WORD, 0, 0, 12], // nlmsg_pid
    ...portIds.map((portId, index) => {
      return [JUMP_EQUAL, portIds.length - index, 0, swap32(portId)] as const;
    }),
    [RETURN, 0, 0, 0xffffffff],
    [RETURN, 0, 0, 0],
  ];
  const octets = new Uint8Array(program.length * 8);
  const view = new DataView(octets.buffer);
  for (const [index, [code, jt, jf, k]] of program.entries()) {
    view.setUint16(index * 8, code, true);
    view.setUint8(index * 8 + 2, jt);
    view.setUint8(index * 8 + 3, jf);
    view.setUint32(index * 8 + 4, k, true);
  }
  return octets;
}

function swap16(value: number): number {
  return ((value & 255) << 8) | (value >>> 8);
}

function swap32(value: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value, true);
  return view.getUint32(0, false);
}
