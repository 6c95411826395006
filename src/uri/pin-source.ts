import { readFile } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { SignerError } from "../core/errors.ts";
import { requireUri } from "./refusal.ts";

/**
 * The function that reads a PIN when the token asks for it: `file:` with an absolute path, or the path alone, whose first line
 * it is; or `env:NAME`, a variable of the environment. A command (`|…`) is never run.
 *
 * @throws ethers' INVALID_ARGUMENT at once for another source; SignerError ACCESS_DENIED from the function where there is none.
 */
export function pinFrom(source: string): () => Promise<string> {
  const [, variable] = /^env:(.*)$/s.exec(source) ?? [];
  if (variable !== undefined) {
    requireUri(/^[A-Za-z_]\w*$/.test(variable), "pin-source=env: must name a variable, for example env:HSM_PIN");
    return async () => fromEnvironment(variable);
  }
  const path = pathOf(source);
  return async () => fromFile(path);
}

function pathOf(source: string): string {
  const kinds = "pin-source must be file:/… with an absolute path, an absolute path, or env:NAME";
  requireUri(!source.startsWith("|"), `${kinds}: commands are not run`);
  if (isAbsolute(source)) return source;
  requireUri(/^file:\//i.test(source) && URL.canParse(source), kinds);
  try {
    return fileURLToPath(source);
  } catch {
    requireUri(false, `${kinds}: this file: URL is on another host`);
  }
}

function fromEnvironment(variable: string): string {
  const pin = process.env[variable];
  if (pin) return pin;
  throw noPin(`the environment variable ${variable} that pin-source names is not set: set it to the PIN`);
}

async function fromFile(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw noPin(
      `the file ${path} that pin-source names cannot be read (${code}): create it, or permit this user to read it`,
    );
  }
  const pin = text.replace(/\r?\n.*$/s, "");
  if (pin !== "") return pin;
  throw noPin(`the file ${path} that pin-source names has no PIN in its first line`);
}

function noPin(message: string): SignerError {
  return new SignerError("ACCESS_DENIED", message, { operation: "pin-source" });
}
