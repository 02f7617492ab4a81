import { type Listen, listenAddresses } from "../config/listen.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import type { SpeakerDriver } from "../session/speaker-driver.ts";

/** Listens on every address that the configuration names. @returns the endpoints, for people @throws TcpListenError */
export async function listenOn(driver: SpeakerDriver, listen: Listen): Promise<string[]> {
  const endpoints: string[] = [];
  let { port } = listen;
  for (const address of listenAddresses(listen)) {
    // Port 0 is any, but the same for all.
    // oxlint-disable-next-line no-await-in-loop
    port = await driver.listen(address, port);
    endpoints.push(formatEndpoint(address, port));
  }
  return endpoints;
}
