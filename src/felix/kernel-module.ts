import { execFile } from "node:child_process";

/** Asks for the module of a kind of links; resolves to whether it is there now. */
export type LoadKernelModule = (name: string) => Promise<boolean>;

/** By modprobe(8), where there is one. */
export const modprobe: LoadKernelModule = (linkKind) =>
  new Promise((resolve) => {
    execFile("modprobe", [moduleOf(linkKind)], { timeout: 10_000 }, (error) => {
      resolve(error === null);
    });
  });

/** Modules by the kind of link that they make, where that is another name. */
const modules: Readonly<Record<string, string>> = { ip6tnl: "ip6_tunnel" };

/** The module that makes links of a kind. */
export function moduleOf(linkKind: string): string {
  return modules[linkKind] ?? linkKind;
}
