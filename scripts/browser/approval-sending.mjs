import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { hexlify, parseEther, randomBytes, Transaction } from "ethers";
import {
  approveQuorumToken,
  collectApprovals,
  quorumApprover,
  serializeApprovalRequest,
  serializeQuorumApproval,
} from "../../src/approvals/index.ts";
import { KmsSigner } from "../../src/aws-kms/index.ts";
import { CloudHsmQuorumSigner } from "../../src/cloudhsm/quorum/index.ts";
import { allow, definePolicy, requireApproval } from "../../src/policy/index.ts";
import { KmsServer } from "../../tests/servers/aws-kms/kms-server.ts";
import { CloudHsmCluster } from "../../tests/servers/cloudhsm-cli/cluster.ts";
import { startAnvil } from "../../tests/support/anvil.ts";
import { must } from "../consumers/application.mjs";
import { run } from "../setup/command.mjs";
import { file } from "./approval-page.mjs";
import { check } from "./checks.mjs";

/** @typedef {import("../../src/approvals/index.ts").ApprovalRequest} Request */
/** @typedef {import("../../tests/servers/cloudhsm-cli/cluster.ts").ClusterUser} User */
/** @typedef {(request: Request, user: User) => Promise<string>} Way */

const RECIPIENT = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
const NAMES = ["alice", "bob", "carol", "dave", "erin"];

/**
 * From a payment to the block that has it, approved in each way at once: in the page, by the command and by a function. CloudHSM's own
 * quorum, by the stand-in for its CLI; and AWS KMS behind a policy.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {{ page: string, command: readonly [string, ...string[]], folder: string }} files what the package's command wrote, and the command
 * @returns {AsyncIterable<import("./checks.mjs").Result>}
 */
export async function* approvedPayments(browser, { page, command, folder }) {
  const anvil = await startAnvil();
  try {
    for (const [required, users] of /** @type {const} */ ([
      [2, 3],
      [3, 5],
    ])) {
      const cluster = new CloudHsmCluster(NAMES.slice(0, users));
      cluster.addKey("cold", required);
      const ways = [inPage(browser, page), byCommand(command, folder), byFunction].slice(0, required);
      const people = cluster.users.slice(-required);
      /** @param {Request} request */
      const approvals = (request) => Promise.all(people.map((user, index) => ways[index]?.(request, user) ?? ""));
      for (const start of [overCloudHsm, overKms]) {
        const { name, signer, record, stop } = await start(anvil, cluster, required, approvals);
        const from = await signer.getAddress();
        await anvil.fund(from, parseEther("10"));
        const sent = await signer.sendTransaction({ to: RECIPIENT, value: parseEther("1.5") });
        const { status, to } = (await sent.wait()) ?? {};
        const found = { status, to, record: record() };
        yield check(`${required} of ${users}, ${name}: a payment is mined`, found, () => {
          const { outcome, digest, approvals } = record();
          const who = approvals.map(({ username }) => username).sort();
          const isRight = `${who}` === `${people.map(({ username }) => username).sort()}` && outcome === "approved";
          return status === 1 && to === RECIPIENT && isRight && digest === Transaction.from(sent).unsignedHash;
        });
        await stop();
      }
      cluster.remove();
    }
  } finally {
    await anvil.stop();
  }
}

/** @typedef {import("../../src/approvals/index.ts").ApprovalRecord} Record */
/** @typedef {(request: Request) => Promise<readonly string[]>} Approvals */

/**
 * @param {import("../../tests/support/anvil.ts").Anvil} anvil
 * @param {CloudHsmCluster} cluster
 * @param {number} required
 * @param {Approvals} approvals
 */
async function overCloudHsm(anvil, cluster, required, approvals) {
  /** @type {Record[]} */
  const records = [];
  const { username: user, password } = cluster.user("alice");
  const signer = new CloudHsmQuorumSigner(
    {
      ...{ cliPath: cluster.cliPath, user, password, keyLabel: "cold", approvers: approversOf(cluster) },
      approve: async (request, { signal }) => {
        const collection = collectApprovals(request, { approvers: approversOf(cluster), required, signal });
        for (const approval of await approvals(request)) collection.add(approval);
        const collected = await collection.approvals;
        records.push(collection.record);
        return collected;
      },
    },
    anvil.provider(),
  );
  return { name: "CloudHSM's quorum", signer, record: () => lastOf(records), stop: () => signer.close() };
}

/** @type {typeof overCloudHsm} */
async function overKms(anvil, cluster, required, approvals) {
  /** @type {import("../../src/approvals/index.ts").ApprovalCollection[]} */
  const collections = [];
  const server = await KmsServer.start();
  const { keyId } = server.ring.importKey(hexlify(randomBytes(32)));
  const approver = quorumApprover({
    ...{ approvers: approversOf(cluster), required, requester: "payouts" },
    ask: async (request, collection) => {
      collections.push(collection);
      for (const approval of await approvals(request)) collection.add(approval);
    },
  });
  const rules = [allow("payouts"), requireApproval("people", approver)];
  const signer = new KmsSigner(
    {
      ...{ keyId, region: server.region, endpoint: server.url },
      credentials: { accessKeyId: "AKIAAPPROVALS0000000", secretAccessKey: "approvals" },
      policy: definePolicy({ name: "treasury", version: 1, rules }),
    },
    anvil.provider(),
  );
  const stop = async () => {
    await signer.close();
    await server.close();
  };
  return { name: "AWS KMS behind a policy", signer, record: () => lastOf(collections).record, stop };
}

/** @type {(browser: import("playwright-core").Browser, path: string) => Way} */
function inPage(browser, path) {
  return async (request, { username, privateKey }) => {
    const { account, chainId = "", digest } = request;
    const page = await browser.newPage();
    await page.goto(pathToFileURL(path).href);
    await page.getByLabel("Account", { exact: true }).fill(account);
    await page.getByLabel("Chain id").fill(chainId);
    await page.getByLabel("The request").setInputFiles(file("request.json", serializeApprovalRequest(request)));
    await page.getByRole("button", { name: "Show the request" }).click();
    await page.getByRole("heading", { name: "What is signed" }).waitFor();
    const shown = await page.locator("dd").allTextContents();
    if (!shown.includes(RECIPIENT) || !shown.includes(digest)) throw new Error("the page does not show the payment");
    await page.getByLabel("The digest's first").fill(`${digest.slice(2, 6)} ${digest.slice(-4)}`);
    await page.getByLabel("Your name").fill(username);
    const pem = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
    await page.getByLabel("Your RSA-2048").setInputFiles(file("key.pem", pem));
    await page.getByRole("button", { name: "Sign" }).click();
    await page.getByRole("heading", { name: "Your approval" }).waitFor();
    const saving = page.waitForEvent("download");
    await page.getByRole("link", { name: "Save the approval" }).click();
    const saved = await (await (await saving).createReadStream()).toArray();
    await page.close();
    return Buffer.concat(saved).toString();
  };
}

/** @type {(command: readonly [string, ...string[]], folder: string) => Way} */
function byCommand([command, ...first], folder) {
  return async (request, { username, privateKey }) => {
    const [requestFile, keyFile] = [join(folder, `${request.id}.json`), join(folder, `${username}.pem`)];
    writeFileSync(requestFile, serializeApprovalRequest(request));
    writeFileSync(keyFile, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
    const expected = ["--account", request.account, "--chain-id", request.chainId ?? "", "--digest", request.digest];
    const args = ["approval", "sign", requestFile, ...expected, "--user", username, "--key", keyFile];
    return must(run(command, [...first, ...args], { cwd: folder }), "ethers-hsm approval sign");
  };
}

/** @type {Way} */
async function byFunction(request, { username, privateKey }) {
  const expected = { expectedAccount: request.account, expectedChainId: request.chainId ?? "" };
  const approval = await approveQuorumToken(request, username, privateKey, expected);
  return serializeQuorumApproval(approval);
}

/** @param {CloudHsmCluster} cluster */
function approversOf(cluster) {
  return new Map(cluster.users.map(({ username, publicKey }) => [username, publicKey]));
}

/**
 * @template T
 * @param {readonly T[]} list
 */
function lastOf(list) {
  const last = list.at(-1);
  if (last === undefined) throw new Error("nothing was asked");
  return last;
}
