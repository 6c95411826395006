// What `Program` starts: hands each message to the function `answer` of the module that the first argument names.

import type { Envelope } from "./program.ts";

const [, , module = ""] = process.argv;
const { answer } = (await import(module)) as { answer(message: unknown): Promise<unknown> };

process.on("message", async (message) => {
  process.send?.(await envelope(message));
});
process.on("disconnect", () => process.exit());

async function envelope(message: unknown): Promise<Envelope<unknown>> {
  try {
    return { value: await answer(message) };
  } catch (error) {
    return { error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
