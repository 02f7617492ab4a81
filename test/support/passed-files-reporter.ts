import type { TestEvent } from "node:test/reporters";

/**
 * A reporter for scripts/run-tests.sh, which must know of whole files: `passed FILE` for each that passed, and
 * `skipped FILE: REASON: NAME` for each test that was skipped.
 */
export default async function* passedFiles(
  source: AsyncIterable<TestEvent>,
): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    if (type === "test:summary" && data.file !== undefined && data.success) {
      yield `passed ${data.file}\n`;
    } else if (type === "test:pass" && data.skip !== undefined && data.skip !== false) {
      yield `skipped ${data.file}: ${String(data.skip)}: ${data.name}\n`;
    }
  }
}
