/**
 * Looks the addresses of its arguments up in the kernel's table, over and over, in the namespace it is started in. Says
 * `ready` after the first; when stdin ends, prints as JSON how many look-ups there were and the first failures.
 */
import { openKernelNetlink } from "../../src/netlink/kernel-netlink.ts";

const addresses = process.argv.slice(2);
const netlink = openKernelNetlink();
const failures: string[] = [];
let lookups = 0;
let ended = false;
process.stdin.on("end", () => {
  ended = true;
});
process.stdin.resume();

while (!ended) {
  for (let round = 0; round < 200; round++) {
    for (const address of addresses) {
      const answer = netlink.lookup(address);
      if (!answer.found && failures.length < 10)
        failures.push(`${address}: ${answer.text} at ${new Date().toISOString().slice(17, 23)}`);
    }
  }
  if (lookups === 0) process.stdout.write("ready\n");
  lookups += 200 * addresses.length;
  await new Promise((resolve) => setImmediate(resolve));
}
process.stdout.write(`${JSON.stringify({ lookups, failures })}\n`);
netlink.close();
