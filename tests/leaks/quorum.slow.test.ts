import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { approveQuorumToken } from "../../src/approvals/index.ts";
import { QuorumSetup } from "../cloudhsm/quorum/setup.ts";
import { everyOutcome, expectNoLeak } from "./outcomes.ts";
import { leaksIn, type Planted } from "./planted.ts";
import { Recorder } from "./recorder.ts";

const pemOf = (name: string) => String(setup.cluster.user(name).privateKey.export({ type: "pkcs8", format: "pem" }));

let setup: QuorumSetup;
let recorder: Recorder;
let secrets: readonly Planted[];

beforeAll(() => {
  setup = new QuorumSetup();
  recorder = new Recorder();
  secrets = [
    { name: "password", value: setup.cluster.user("alice").password },
    { name: "wrong password", value: "planted-wrong-password" },
    // A line of its PEM, which no other key has.
    ...["alice", "bob"].map((name) => ({
      name: `private key of ${name}`,
      value: pemOf(name).split("\n")[5] ?? "",
    })),
  ];
});

afterAll(async () => {
  await setup.end();
  recorder.stop();
  expect(leaksIn(recorder.text, secrets)).toEqual([]);
});

const cases: [string, () => Parameters<QuorumSetup["signer"]>[0]][] = [
  ["success", () => ({})],
  ["a refused password", () => ({ password: "planted-wrong-password" })],
  ["a refused password by a function", () => ({ password: () => "planted-wrong-password" })],
  ["no such key", () => ({ keyLabel: "none" })],
  ["no such program", () => ({ cliPath: "/nonexistent/cloudhsm-cli" })],
  ["a program that ends at once", () => ({ cliPath: "/bin/false" })],
  ["too few approvals", () => ({ approve: setup.approve("bob") })],
];

test.each(cases)("signing: %s", async (_name, options) => {
  const signer = setup.signer({ ...options(), timeout: 15_000 });
  expectNoLeak(await everyOutcome(signer), secrets);
});

test("approving what is not for this approver", async () => {
  await setup.signer().signMessage("x");
  const [request] = setup.requests;
  if (!request) throw new Error("no request");
  const key = pemOf("alice");
  const any = { expectedAccount: false, expectedChainId: false, allowBareDigest: true } as const;
  const attempts = [
    approveQuorumToken({ ...request, summary: "other" } as never, "alice", key, any),
    approveQuorumToken(request, "alice", key.replace(/\n.{10}/, "\n"), any),
    approveQuorumToken(request, "alice", key.slice(0, 400), any),
  ];
  const outcomes = await Promise.all(attempts.map((each) => each.catch((error: unknown) => error)));
  expectNoLeak(outcomes, secrets);
});
