import type { Server } from "node:net";
import { formatEndpoint } from "../net/endpoint.ts";
import { ListenError } from "./unix-socket.ts";

/** Listens on a TCP port. @param purpose `API`, in the words of the error @throws ListenError, which says what to do */
export async function listenOnTcp(
  server: Server,
  address: string,
  port: number,
  purpose: string,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const failed = (error: Error): void => {
    reject(
      new ListenError(advice(error, formatEndpoint(address, port), purpose), { cause: error }),
    );
  };
  server.once("error", failed);
  server.listen(port, address, resolve);
  await promise;
  server.off("error", failed);
}

function advice(error: NodeJS.ErrnoException, where: string, purpose: string): string {
  switch (error.code) {
    case "EADDRINUSE":
      return `${where} is in use: stop what listens there or give the ${purpose} another port.`;
    case "EADDRNOTAVAIL":
      return `Cannot listen on ${where}: no interface of this machine has that address.`;
    case undefined:
    default:
      return `Cannot listen on ${where}: ${error.message}.`;
  }
}
