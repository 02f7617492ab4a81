// What bin/margay.js does, on the sources.
import { main } from "../../../src/cli/main.ts";

await main(process.argv.slice(2));
