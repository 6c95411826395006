import { spawn } from "node:child_process";
import { createHash, generateKeyPairSync, verify } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Interface, Transaction } from "ethers";
import { createApprovalRequest, parseQuorumApproval, serializeApprovalRequest } from "../../src/approvals/index.ts";
import { check } from "./checks.mjs";
import { Page } from "./chromium.mjs";

const ACCOUNT = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
const TOKEN = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const ALICE = "0x000000000000000000000000000000000000dEaD";
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const data = Buffer.from("approve the use of a key");

/** A request with text that would be markup, and an approval without a limit. */
function makeRequest() {
  const abi = new Interface(["function approve(address,uint256)"]);
  const transaction = Transaction.from({
    ...{ type: 2, chainId: 1n, to: TOKEN, gasLimit: 100_000n, maxFeePerGas: 1n, maxPriorityFeePerGas: 1n },
    data: abi.encodeFunctionData("approve", [ALICE, 2n ** 256n - 1n]),
  });
  return createApprovalRequest({
    digest: transaction.unsignedHash,
    content: { type: "transaction", unsigned: transaction.unsignedSerialized },
    account: ACCOUNT,
    expiresAt: new Date(Date.now() + 600_000),
    requester: "payouts",
    note: '<img src=x onerror="document.title=1"><script>document.title=2</script>',
    token: {
      version: "2.0",
      service: "key-usage",
      approval_data: data.toString("base64"),
      token: createHash("sha256").update(data).digest("base64"),
      signatures: [],
    },
  });
}

/** @param {string} name @param {string} text */
export function file(name, text) {
  return { name, mimeType: "application/json", buffer: Buffer.from(text) };
}

/**
 * An approver's visit: the file, opened from the disk.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} path
 * @returns {AsyncIterable<import("./checks.mjs").Result>}
 */
export async function* approvalPage(browser, path) {
  const request = makeRequest();
  const { digest } = request;
  const pem = keys.privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    for (const width of [390, 1280]) {
      const context = await browser.newContext({ colorScheme, viewport: { width, height: 800 } });
      const visit = new Page(await context.newPage());
      const { page } = visit;
      await page.goto(pathToFileURL(path).href);
      const name = `${width} px, ${colorScheme}`;

      await page.getByLabel("The request").setInputFiles(file("request.json", serializeApprovalRequest(request)));
      await page.getByRole("button", { name: "Show the request" }).click();
      await page.getByText("Say which account you expect").waitFor();
      yield check(`${name}: nothing is shown before an account is expected`, true, () => true);

      await page.getByLabel("Account", { exact: true }).fill(ALICE);
      await page.getByLabel("Chain id").fill("1");
      await page.keyboard.press("Enter");
      await page.getByText("not for 0x").waitFor();
      yield check(`${name}: a request for another account is refused`, true, () => true);

      await page.getByLabel("Account", { exact: true }).fill(ACCOUNT);
      await page.getByLabel("Your files").setInputFiles([file("book.json", JSON.stringify({ [TOKEN]: "USDC" }))]);
      // By the keyboard alone.
      await page.getByLabel("Account", { exact: true }).press("Enter");
      await page.getByRole("heading", { name: "What is signed" }).waitFor();
      const focused = await page.evaluate("document.activeElement?.id");
      yield check(`${name}: the heading of what is signed has the focus`, focused, () => focused === "shown-title");
      const lines = await page.locator("dt").allTextContents();
      yield check(`${name}: the call is decoded`, lines, () => lines.includes("call.spender"));
      const warnings = await page.getByRole("region", { name: "Warnings" }).locator("p").allTextContents();
      yield check(`${name}: the warnings`, warnings, () => warnings.some((each) => /unlimited/.test(each)));
      yield check(`${name}: and of the address book`, warnings, () => warnings.some((each) => each.startsWith(ALICE)));
      const overflow = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth");
      yield check(`${name}: nothing is wider than the page`, overflow, () => Number(overflow) <= 0);

      await page.getByLabel("The digest's first").fill("0000 0000");
      await page.getByLabel("Your name").fill("bob");
      await page.getByLabel("Your RSA-2048").setInputFiles(file("bob.pem", pem));
      await page.getByRole("button", { name: "Sign" }).click();
      await page.getByText("nothing was signed").waitFor();
      yield check(`${name}: other characters than the digest's sign nothing`, true, () => true);

      await page.getByLabel("The digest's first").fill(`${digest.slice(2, 6)} ${digest.slice(-4)}`);
      await page.getByLabel("The digest's first").press("Enter");
      await page.getByRole("heading", { name: "Your approval" }).waitFor();
      const saving = page.waitForEvent("download");
      await page.getByRole("link", { name: "Save the approval" }).click();
      const saved = readFileSync((await (await saving).path()) ?? "", "utf8");
      const { username, signature } = parseQuorumApproval(saved);
      const isValid = verify("sha256", data, keys.publicKey, Buffer.from(signature, "base64"));
      yield check(`${name}: the saved approval is valid`, saved, () => username === "bob" && isValid);

      const labels = await page.evaluate(
        "[...document.querySelectorAll('input, textarea')].filter((each) => each.labels.length === 0).map(({ id }) => id)",
      );
      yield check(`${name}: each field has its label`, labels, () => Array.isArray(labels) && labels.length === 0);
      const title = await page.title();
      yield check(`${name}: text of the request is not markup`, title, () => /^Approve/.test(title));
      const origins = [...visit.origins].filter(
        (each) => each !== "null" && !each.startsWith("file:") && !each.startsWith("blob:"),
      );
      yield check(`${name}: nothing was asked of a network`, origins, () => origins.length === 0);
      yield check(`${name}: it complained of nothing`, visit.complaints, () => visit.complaints.length === 0);
      const dropped = JSON.stringify(serializeApprovalRequest(request));
      const script = `(() => { const all = new DataTransfer(); all.items.add(new File([${dropped}], "x.json")); return all; })()`;
      await page.dispatchEvent("main", "drop", { dataTransfer: await page.evaluateHandle(script) });
      await page.locator("#signed").waitFor({ state: "hidden" });
      await page.getByRole("heading", { name: "What is signed" }).waitFor();
      yield check(`${name}: a request that is dropped is shown, and the approval before it is not`, true, () => true);

      // A later task is the page's own, whose policy holds.
      const attempt = "fetch('http://127.0.0.1:9').then(() => done('sent'), () => done('not sent'))";
      const fetched = await page.evaluate(`new Promise((done) => setTimeout(() => ${attempt}))`);
      const stopped = visit.complaints.some((each) => /Content Security Policy/.test(each));
      yield check(
        `${name}: the policy stops a request`,
        [fetched, visit.complaints],
        () => fetched !== "sent" && stopped,
      );
      await context.close();
    }
  }
  yield* hostileFiles(browser, path);
}

/**
 * What a page must survive: requests that are too large, malformed or full of markup and escapes.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} path
 * @returns {AsyncIterable<import("./checks.mjs").Result>}
 */
async function* hostileFiles(browser, path) {
  const visit = new Page(await browser.newPage());
  const { page } = visit;
  await page.goto(pathToFileURL(path).href);
  await page.getByLabel("Accept any account").check();
  await page.getByLabel("Accept any chain").check();
  const honest = serializeApprovalRequest(makeRequest());
  const markup = "<img src=x onerror=document.title=1>\u202e<svg onload=document.title=2>";
  for (const [what, name, text, expected] of /** @type {const} */ ([
    ["10 MB", "request.json", " ".repeat(10_000_000), "has more than 4 MiB"],
    ["2 MB", "request.json", `${honest}${" ".repeat(2_000_000)}`, "is longer than 1048576 characters"],
    ["a field that is markup", "request.json", `{"version":1,${JSON.stringify(markup)}:1}`, "unknown field"],
    ["a name that is markup", `${markup}.json`, " ".repeat(5_000_000), "has more than 4 MiB"],
    ["a member twice", "request.json", `{"version":1,${honest.trim().slice(1)}`, "a member twice"],
    ["100,000 levels", "request.json", "[".repeat(100_000) + "]".repeat(100_000), "is not JSON"],
  ])) {
    await page.getByLabel("The request").setInputFiles(file(name, text));
    await page.getByRole("button", { name: "Show the request" }).click();
    await page.getByText(expected).waitFor();
    const problem = await page.locator("#problem").textContent();
    const hidden = await page.locator("#shown").isHidden();
    yield check(
      `${what}: refused, in words that nothing turns around`,
      problem,
      () => hidden && !/\u202e/.test(`${problem}`),
    );
  }
  await page.getByLabel("The request").setInputFiles(file("request.json", honest));
  await page.getByRole("button", { name: "Show the request" }).click();
  await page.getByRole("heading", { name: "What is signed" }).waitFor();
  const found = [await page.title(), await page.locator("main img, main svg").count(), visit.complaints];
  yield check(
    "the page goes on, without markup of others",
    found,
    () => /^Approve/.test(`${found[0]}`) && found[1] === 0,
  );
  const attempt = "document.querySelector('main').innerHTML = '<b>x</b>'";
  const written = await page.evaluate(
    `new Promise((done) => setTimeout(() => { try { ${attempt}; done("written") } catch { done("refused") } }))`,
  );
  yield check("the policy stops text that would become markup", written, () => written === "refused");
  await page.close();
}

/**
 * The same page, served to this machine.
 *
 * @param {string} command
 * @param {string} application
 * @param {string} path the page that the command wrote
 * @returns {Promise<import("./checks.mjs").Result>}
 */
export async function servedPage(command, application, path) {
  const child = spawn(command, ["approval", "page", "--serve", "--json"], { cwd: application });
  try {
    const [line] = await once(child.stdout.setEncoding("utf8"), "data");
    const { url } = JSON.parse(line);
    const response = await fetch(url);
    const policy = response.headers.get("content-security-policy");
    const isSame = (await response.text()) === readFileSync(path, "utf8");
    const found = { url, policy, isSame };
    return check("served at 127.0.0.1: the same page, in no frame", found, () => {
      return isSame && policy === "frame-ancestors 'none'" && new URL(url).hostname === "127.0.0.1";
    });
  } finally {
    child.kill();
  }
}
