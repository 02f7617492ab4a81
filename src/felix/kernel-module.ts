import { execFile } from "node:child_process";

/** Asks for a module of the kernel; resolves to whether it is there now. */
export type LoadKernelModule = (name: string) => Promise<boolean>;

/** By modprobe(8), where there is one. */
export const modprobe: LoadKernelModule = (name) =>
  new Promise((resolve) => {
    execFile("modprobe", [name], { timeout: 10_000 }, (error) => {
      resolve(error === null);
    });
  });
