import type { Nft } from "../firewall/nft.ts";

/** nftables as they are, with what would be done to them written down into `commands`. */
export function plannedNft(real: Nft, commands: string[]): Nft {
  return {
    apply(script) {
      commands.push(`nft -f - <<'END'\n${script}END`);
      return Promise.resolve();
    },
    list: (...words) => real.list(...words),
    owns: () => false,
    get cpuMs() {
      return real.cpuMs;
    },
  };
}
