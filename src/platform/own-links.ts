import { networkInterfaces } from "node:os";

/** An address of this machine, and the link it is on. */
export interface OwnLink {
  /** As Node writes it. */
  readonly address: string;
  /** `192.0.2.0/24`, with the host's bits still set. */
  readonly cidr: string;
  /** The network device that has it. */
  readonly device: string;
  readonly isLinkLocal: boolean;
}

/** The addresses of this machine, loopback ones left out. */
export function ownLinks(): readonly OwnLink[] {
  return Object.entries(networkInterfaces()).flatMap(([device, addresses = []]) =>
    addresses.flatMap(({ internal, address, cidr }) => {
      if (internal || cidr === null) return [];
      return [{ address, cidr, device, isLinkLocal: address.startsWith("fe80:") }];
    }),
  );
}
