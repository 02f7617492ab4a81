import { FORWARDING_KEYS } from "../forwarding.ts";
import type { Sysctl } from "../sysctl.ts";

const OF_ONE = /^net\/ipv4\/conf\/.+\/forwarding$/;

/** Settings as they would be after commands that are written down into `commands` rather than done. */
export function plannedSysctl(real: Sysctl, commands: string[]): Sysctl {
  const planned = new Map<string, string>();
  return {
    async read(key) {
      // A device that is only planned will have what new devices have.
      const ofNewDevices = key.replace(/^(net\/ipv[46]\/conf)\/.+\//, "$1/default/");
      const own =
        planned.get(key) ?? (OF_ONE.test(key) ? planned.get(FORWARDING_KEYS[4]) : undefined);
      return own ?? (await real.read(key)) ?? real.read(ofNewDevices);
    },
    write(key, value) {
      planned.set(key, value);
      commands.push(`sysctl -w ${key}=${value}`);
      return Promise.resolve();
    },
  };
}
