import { importedAddress, signers } from "./verification.mjs";

/** @typedef {{ what: string, ok: boolean, output: string }} Result */

/**
 * What a page does with a backend that answers.
 *
 * @param {import("./chromium.mjs").Page} page
 * @param {import("./backends.mjs").Backend} backend
 * @returns {AsyncIterable<Result>}
 */
export async function* goodAnswers(page, { address, identityRequests }) {
  for (const door of Object.keys(signers)) {
    const answer = await page.run(door);
    yield check(
      `${door}: by the account, as ethers verifies it in Node`,
      answer,
      () => signedBy(door, answer) === address,
    );
    if (door === "viem transaction") {
      const requests = identityRequests();
      yield check("the public key was asked for once", requests, () => requests === 1);
    }
  }
  const answer = await page.run("import");
  yield check("import: the account of the imported key", answer, () => answer.value === importedAddress);
}

/**
 * What it does with one that fails, and that the next call of the same signer is good again.
 *
 * @param {import("./chromium.mjs").Page} page
 * @param {import("./backends.mjs").Backend} backend
 * @returns {AsyncIterable<Result>}
 */
export async function* badAnswers(page, { address, faults }) {
  for (const [fault, door, code] of /** @type {const} */ ([
    ["refuse", "message", "ACCESS_DENIED"],
    ["signByOtherKey", "transaction", "SIGNATURE_MISMATCH"],
    ["signByOtherKey", "viem message", "SIGNATURE_MISMATCH"],
    ["garble", "typed data", "BACKEND_RESPONSE_INVALID"],
    ["hang", "impatient", "BACKEND_TIMEOUT"],
  ])) {
    faults[fault]();
    const answer = await page.run(door);
    yield check(`${fault}, ${door}: ${code}`, answer, () => answer.error?.code === code);
    if (fault === "refuse") {
      yield check("the request's identifier is in the error", answer, () => answer.error?.requestId !== undefined);
    }
    const next = await page.run("message");
    yield check("the next call is good", next, () => signedBy("message", next) === address);
  }
}

/**
 * @param {import("./chromium.mjs").Page} page
 * @param {string} what
 * @returns {Promise<Result>} that a server which the page cannot reach, or may not read, is said to be out of reach
 */
export async function outOfReach(page, what) {
  const answer = await page.run("message");
  return check(`${what}: BACKEND_UNAVAILABLE`, answer, () => answer.error?.code === "BACKEND_UNAVAILABLE");
}

/**
 * That the page's policy is in force, which each check before relied on: it stops what it is to stop, and reports it.
 *
 * @param {import("./chromium.mjs").Page} page
 * @param {import("./site.mjs").Site} site
 * @returns {AsyncIterable<Result>}
 */
export async function* policy(page, { violations }) {
  yield check("nothing was stopped by the page's policy", violations, () => violations.length === 0);
  yield check("the page complained of nothing", page.complaints, () => page.complaints.length === 0);
  for (const [door, directive] of /** @type {const} */ ([
    ["eval", "default-src"],
    ["forbidden by the page's policy", "connect-src"],
  ])) {
    const answer = await page.run(door);
    yield check(`the policy stops ${door}`, answer, () => answer.value === undefined && answer.error !== undefined);
    await until(() => violations.some((report) => report.includes(directive)));
    yield check(`and reports it`, violations, () => violations.some((report) => report.includes(directive)));
  }
}

/**
 * @param {string} door
 * @param {import("./chromium.mjs").Answer} answer
 */
function signedBy(door, { value }) {
  return value === undefined ? "" : signers[door]?.(value);
}

/**
 * @param {string} what
 * @param {unknown} found shown where it fails
 * @param {() => boolean} isRight
 * @returns {Result}
 */
export function check(what, found, isRight) {
  try {
    return { what, ok: isRight(), output: JSON.stringify(found, undefined, 1) };
  } catch (error) {
    return { what, ok: false, output: `${error}\n${JSON.stringify(found)}` };
  }
}

/** @param {() => boolean} condition waited for, up to 5 seconds */
async function until(condition) {
  for (let waited = 0; waited < 5_000 && !condition(); waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
