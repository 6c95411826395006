import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { type JsonRpcProvider, parseEther } from "ethers";
import {
  collectApprovals,
  parseQuorumApproval,
  type QuorumApproval,
  serializeApprovalRequest,
  verifyApprovalRequest,
} from "../../../src/approvals/index.ts";
import { CommandLine } from "../../cli/support/command.ts";
import { type Anvil, startAnvil } from "../../support/anvil.ts";
import { QuorumSetup } from "./setup.ts";

let anvil: Anvil;
let provider: JsonRpcProvider;
let setup: QuorumSetup;
beforeAll(async () => {
  anvil = await startAnvil();
  provider = anvil.provider();
});
afterEach(async () => {
  await setup.end();
});
afterAll(async () => {
  await anvil.stop();
});

const FIVE = ["alice", "bob", "carol", "dave", "erin"];

describe.each([
  { required: 2, users: FIVE.slice(0, 3), who: ["carol", "bob"] },
  { required: 3, users: FIVE, who: ["erin", "alice", "carol"] },
])("$required of $users.length", ({ required, users, who }) => {
  it("approve a transaction that is mined", async () => {
    setup = new QuorumSetup({ users, required });
    const summaries: string[] = [];
    const signer = setup.signer(
      {
        requester: "treasury desk",
        approve: async (request) => {
          const { content, summary, account, chainId, warnings } = verifyApprovalRequest(request, {
            expectedAccount: await signer.getAddress(),
            expectedChainId: anvil.chainId,
          });
          expect({ account, chainId, warnings }).toEqual({
            account: await signer.getAddress(),
            chainId: anvil.chainId,
            warnings: [],
          });
          expect(content).toMatchObject({
            type: "transaction",
            decoded: { to: recipient, value: `${parseEther("1.5")}`, nonce: 0, data: "0x" },
          });
          summaries.push(summary);
          return setup.approvals(request, who);
        },
      },
      provider,
    );
    const recipient = "0x8ba1f109551bD432803012645Ac136ddd64DBA72";
    const before = await provider.getBalance(recipient);
    const from = await signer.getAddress();
    await anvil.fund(from, parseEther("10"));

    const sent = await signer.sendTransaction({ to: recipient, value: parseEther("1.5") });
    const receipt = await sent.wait();

    expect(receipt).toMatchObject({ status: 1, from, to: recipient });
    expect((await provider.getBalance(recipient)) - before).toBe(parseEther("1.5"));
    expect(summaries).toHaveLength(1);
    expect(summaries[0]).toContain(recipient);
    expect(summaries[0]).toContain("1.5");
    expect(setup.cluster.signatures).toBe(1);
  });

  it("approve by the command a transaction that is mined", async () => {
    setup = new QuorumSetup({ users, required });
    const folder = await mkdtemp(join(tmpdir(), "ethers-hsm-sending-"));
    const signer = setup.signer(
      {
        approve: async (request) => {
          const file = join(folder, "request.json");
          await writeFile(file, serializeApprovalRequest(request));
          const expected = ["--account", await signer.getAddress(), "--chain-id", `${anvil.chainId}`];
          const approvals: QuorumApproval[] = [];
          for (const name of who) {
            const key = join(folder, `${name}.pem`);
            await writeFile(key, setup.cluster.user(name).privateKey.export({ format: "pem", type: "pkcs8" }));
            const args = ["approval", "sign", file, ...expected, "--user", name, "--key", key];
            const approval = await new CommandLine().json([...args, "--digest", request.digest]);
            approvals.push(parseQuorumApproval(JSON.stringify(approval)));
          }
          return approvals;
        },
      },
      provider,
    );
    const from = await signer.getAddress();
    await anvil.fund(from, parseEther("10"));
    const sent = await signer.sendTransaction({ to: from, value: 1n });
    expect(await sent.wait()).toMatchObject({ status: 1, from });
    await rm(folder, { recursive: true });
  });

  it("approve one by one a transaction that is mined", async () => {
    setup = new QuorumSetup({ users, required });
    const records: unknown[] = [];
    const signer = setup.signer(
      {
        approve: async (request, { signal }) => {
          const collection = collectApprovals(request, { approvers: setup.approvers, required, signal });
          for (const name of who) records.push(collection.add((await setup.approvals(request, [name]))[0] ?? ""));
          return collection.approvals;
        },
      },
      provider,
    );
    const from = await signer.getAddress();
    await anvil.fund(from, parseEther("10"));
    const sent = await signer.sendTransaction({ to: from, value: 1n });
    expect(await sent.wait()).toMatchObject({ status: 1, from });
    expect(records.at(-1)).toMatchObject({ outcome: "approved", approvals: who.map((username) => ({ username })) });
  });

  it("send nothing with one approval less", async () => {
    setup = new QuorumSetup({ users, required });
    const signer = setup.signer({ approve: setup.approve(...who.slice(1)), approvers: undefined }, provider);
    const from = await signer.getAddress();
    await anvil.fund(from, parseEther("10"));
    await expect(signer.sendTransaction({ to: from, value: 1n })).rejects.toMatchObject({
      code: "ACCESS_DENIED",
      info: { reason: "too-few-approvals" },
    });
    expect(await provider.getTransactionCount(from, "pending")).toBe(0);
    expect(setup.cluster.signatures).toBe(0);
  });
});
