import { Errno } from "./errno.ts";
import { walkMessages } from "./message.ts";
import { type NftablesChange, NftablesChanges } from "./nftables-event.ts";
import { openNetlinkSocket } from "./socket.ts";

/** Bit of NFNLGRP_NFTABLES. */
const NFTABLES_GROUP = 1 << 6;
/** As with routes: a flood leaves the others their turn. */
const DATAGRAMS_PER_TURN = 64;

/**
 * Tells every change of nftables' tables in this network namespace, and `overflow` when some were lost; returns what
 * ends it. Throws `NetlinkError`, where the kernel has no nfnetlink with EPROTONOSUPPORT.
 */
export function watchNftables(listener: (change: NftablesChange | "overflow") => void): () => void {
  const socket = openNetlinkSocket(NFTABLES_GROUP, "netfilter");
  const buffer = new Uint8Array(64 * 1024);
  let changes = new NftablesChanges();
  socket.onReadable(() => {
    for (let datagrams = 0; datagrams < DATAGRAMS_PER_TURN; datagrams++) {
      const length = socket.receive(buffer);
      if (length === -Errno.noBuffers) {
        changes = new NftablesChanges();
        listener("overflow");
      } else if (length <= 0) return;
      else {
        walkMessages(buffer.subarray(0, length), (message) => {
          const change = changes.take(message);
          if (change !== undefined) listener(change);
        });
      }
    }
  });
  return () => socket.close();
}
