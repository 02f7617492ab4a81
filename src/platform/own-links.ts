import { networkInterfaces } from "node:os";

/** An address of this machine, and the link it is on. */
export interface OwnLink {
  /** As Node writes it. */
  readonly address: string;
  /** `192.0.2.0/24`, with the host's bits still set. */
  readonly cidr: string;
}

/** The addresses of this machine, loopback and link-local ones left out. */
export function ownLinks(): readonly OwnLink[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith("fe80:"))
    .flatMap(({ address, cidr }) => (cidr === null ? [] : [{ address, cidr }]));
}
