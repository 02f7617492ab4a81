import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestWord } from "../../../src/cli/suggestion.ts";
import { usageMessage } from "../../../src/cli/usage-message.ts";

const verbs = ["node", "status", "peers", "peer", "routes", "fib", "watch", "explain"];
const options = ["socket", "host", "output", "watch", "longer"];

const say = (message: string, argv: string[], positionals: string[] = []): string =>
  usageMessage({ message, verbs, options, positionals, argv });

const nearest = [
  ["pers", "peers"],
  ["pees", "peers"],
  ["stauts", "status"],
  ["stat", "status"],
  ["route", "routes"],
  ["expalin", "explain"],
  ["xyz", undefined],
  ["q", undefined],
] as const;
for (const [word, expected] of nearest) {
  test(`${word} ${expected === undefined ? "resembles nothing" : `may mean ${expected}`}`, () => {
    assert.equal(nearestWord(word, verbs), expected);
  });
}

test("every mistake becomes one sentence about what was typed", () => {
  assert.equal(
    say("Unknown argument: pers", ["pers"]),
    'There is no command "pers"; did you mean "peers"?',
  );
  assert.equal(say("Unknown command: xyzzy", ["xyzzy"]), 'There is no command "xyzzy".');
  assert.equal(
    say("Unknown arguments: quantity-x, quantityX", ["routes", "--quantity-x=3"]),
    "There is no option --quantity-x.",
  );
  assert.equal(
    say("Unknown argument: lnger", ["routes", "--lnger"]),
    "There is no option --lnger; did you mean --longer?",
  );
  assert.equal(say("Unknown argument: x", ["peers", "-xw"]), "There is no option -x.");
  assert.equal(say("Unknown argument: b", ["peer", "a", "b"]), '"b" is one argument too many.');
  assert.equal(
    say('Invalid values:\n  Argument: output, Given: "jsn", Choices: "table", "json"', [
      "peers",
      "-o",
      "jsn",
    ]),
    '--output takes table, json, not "jsn".',
  );
  assert.equal(
    say(
      'Invalid values:\n  Argument: shell, Given: "tcsh", Choices: "bash"',
      ["completion", "tcsh"],
      ["shell"],
    ),
    'shell takes bash, not "tcsh".',
  );
  assert.equal(
    say("Missing required arguments: asn, accept", ["reflector"]),
    "Missing: --asn, --accept.",
  );
  assert.equal(say("Not enough arguments following: socket", ["peers"]), "--socket takes a value.");
  assert.equal(say("Something new in yargs", []), "Something new in yargs");
});
