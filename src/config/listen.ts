import { ipVersionOf } from "../net/ip-address.ts";

/** Where BGP listens, as a file says it. */
export interface Listen {
  /** Canonical; one or several. */
  readonly address: string | readonly string[];
  readonly port: number;
}

const everywhere = ["0.0.0.0", "::"];

/** The addresses to listen on: each has its own socket, and `::` stands for both IP versions. */
export function listenAddresses({ address }: Pick<Listen, "address">): readonly string[] {
  if (address === "::") return everywhere;
  return typeof address === "string" ? [address] : address;
}

/** What we are ourselves, as far as the addresses that we listen on tell: the first of each IP version. */
export function ownAddresses(listen: Pick<Listen, "address">): {
  readonly 4?: string;
  readonly 6?: string;
} {
  const own = listenAddresses(listen).filter((address) => !everywhere.includes(address));
  const [four, six] = [4, 6].map((version) => own.find((one) => ipVersionOf(one) === version));
  return { ...(four !== undefined && { 4: four }), ...(six !== undefined && { 6: six }) };
}
