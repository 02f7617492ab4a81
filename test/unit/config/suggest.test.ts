import assert from "node:assert/strict";
import { test } from "node:test";
import { didYouMean } from "../../../src/config/suggest.ts";

const keys = ["name", "address", "holdTimeSeconds", "connectRetrySeconds", "asn", "port"];

for (const [word, meant] of [
  ["adress", "address"],
  ["nmae", "name"],
  ["hold_time_seconds", "holdTimeSeconds"],
  ["HoldTimeSecond", "holdTimeSeconds"],
  ["holdTime", "holdTimeSeconds"],
  ["connect-retry", "connectRetrySeconds"],
  ["as", "asn"],
  ["ports", "port"],
  ["colour", undefined],
  ["x", undefined],
  ["", undefined],
] as const) {
  test(`"${word}" means ${meant ?? "nothing known"}`, () => {
    assert.equal(didYouMean(word, keys), meant);
  });
}
