#!/usr/bin/env node
// Plain and old syntax on purpose: an old Node must reach this check rather than a SyntaxError.
var version = process.versions.node.split(".").map(Number);
if (version[0] < 22 || (version[0] === 22 && version[1] < 19)) {
  process.stderr.write(
    "margay needs Node.js 22.19 or newer; this is " +
      process.version +
      " (" +
      process.execPath +
      ").\n"
  );
  process.exit(2);
}
import("../dist/platform/start-over.js")
  .then(function (first) {
    first.startOver(process.argv);
    return import("../dist/cli/main.js");
  })
  .then(
    function (cli) {
      return cli.main(process.argv.slice(2));
    },
    function (error) {
      if (
        error &&
        error.code === "ERR_MODULE_NOT_FOUND" &&
        /dist\/(platform\/start-over|cli\/main)\.js/.test(String(error.message))
      ) {
        process.stderr.write("margay is not built: run `npm run build` first.\n");
      } else {
        process.stderr.write(String((error && error.stack) || error) + "\n");
      }
      process.exit(1);
    }
  );
