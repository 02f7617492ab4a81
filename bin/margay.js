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
// V8 takes the size of its young generation from the command line alone, and on a node one of the usual size would be the
// greater part of the memory: so the process becomes another, with the same id. Where it cannot, it stays as it is.
var young = "--max-semi-space-size=4";
var isChosen = /semi-space/.test(process.execArgv.join(" ") + " " + process.env.NODE_OPTIONS);
if (
  (process.argv[2] === "node" || process.argv[2] === "felix") &&
  process.execve !== undefined &&
  !isChosen
) {
  try {
    process.execve(
      process.execPath,
      [process.argv0, young].concat(process.execArgv, process.argv.slice(1)),
      process.env
    );
  } catch (error) {
    // Not allowed here.
  }
}
import("../dist/cli/main.js").then(
  function (cli) {
    return cli.main(process.argv.slice(2));
  },
  function (error) {
    if (
      error &&
      error.code === "ERR_MODULE_NOT_FOUND" &&
      String(error.message).indexOf("dist/cli/main.js") >= 0
    ) {
      process.stderr.write("margay is not built: run `npm run build` first.\n");
    } else {
      process.stderr.write(String((error && error.stack) || error) + "\n");
    }
    process.exit(1);
  }
);
