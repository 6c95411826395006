// Writes docs/approval-page-*.png: the approver's page as it is, on a phone and on a desk, light and dark. Run it after the page has changed:
// npx tsx scripts/approval-pictures.mjs

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Interface, MaxUint256, sha256, Transaction, toUtf8Bytes } from "ethers";
import { createApprovalRequest, serializeApprovalRequest } from "../src/approvals/index.ts";
import { makeApprovalPage } from "./approval-page.mjs";
import { file } from "./browser/approval-page.mjs";
import { launch } from "./browser/chromium.mjs";
import { prepareChromium } from "./setup/chromium.mjs";
import { projectFolder } from "./setup/project.mjs";

const MAX_BYTES = 100_000;
const ACCOUNT = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
const TOKEN = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48";
const SPENDER = "0x000000000000000000000000000000000000dEaD";

function makeRequest() {
  const abi = new Interface(["function approve(address,uint256)"]);
  const transaction = Transaction.from({
    ...{ type: 2, chainId: 1n, nonce: 7, to: TOKEN, gasLimit: 60_000n },
    ...{ maxFeePerGas: 30_000_000_000n, maxPriorityFeePerGas: 1_000_000_000n },
    data: abi.encodeFunctionData("approve", [SPENDER, MaxUint256]),
  });
  const data = toUtf8Bytes("approve the use of a key");
  return createApprovalRequest({
    ...{ id: "cd1ece53-291a-47b2-aae8-9b940bf78724", account: ACCOUNT, requester: "payouts", note: "invoice 7" },
    digest: transaction.unsignedHash,
    content: { type: "transaction", unsigned: transaction.unsignedSerialized },
    createdAt: new Date("2030-01-31T12:00:00.000Z"),
    expiresAt: new Date("2030-01-31T12:09:30.000Z"),
    token: {
      ...{ version: "2.0", service: "key-usage", key_reference: "0x0000000000120001", signatures: [] },
      approval_data: Buffer.from(data).toString("base64"),
      token: Buffer.from(sha256(data).slice(2), "hex").toString("base64"),
    },
  });
}

const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-pictures-"));
const html = join(folder, "approve.html");
writeFileSync(html, await makeApprovalPage());
const browser = await launch(prepareChromium());
try {
  for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
    for (const [width, height] of /** @type {const} */ ([
      [390, 844],
      [1280, 800],
    ])) {
      const page = await browser.newPage({ colorScheme, viewport: { width, height } });
      await page.clock.setFixedTime("2030-01-31T12:01:00.000Z");
      await page.goto(pathToFileURL(html).href);
      await page.getByLabel("Account", { exact: true }).fill(ACCOUNT);
      await page.getByLabel("Chain id").fill("1");
      const book = JSON.stringify({ [TOKEN]: "USDC" });
      await page.getByLabel("Your files").setInputFiles(file("book.json", book));
      const request = serializeApprovalRequest(makeRequest());
      await page.getByLabel("The request").setInputFiles(file("request.json", request));
      await page.getByRole("button", { name: "Show the request" }).click();
      await page.getByRole("heading", { name: "What is signed" }).waitFor();
      await page.evaluate("document.getElementById('shown').scrollIntoView()");
      const picture = await page.screenshot({ caret: "hide", animations: "disabled" });
      const name = `docs/approval-page-${width}-${colorScheme}.png`;
      if (picture.length > MAX_BYTES) throw new Error(`${name} has ${picture.length} bytes, more than ${MAX_BYTES}`);
      writeFileSync(join(projectFolder, name), picture);
      console.log(`${name}: ${picture.length} bytes`);
      await page.close();
    }
  }
} finally {
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
