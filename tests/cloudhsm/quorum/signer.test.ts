import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  computeAddress,
  hashMessage,
  hexlify,
  id,
  recoverAddress,
  SigningKey,
  Transaction,
  verifyMessage,
} from "ethers";
import { verifyApprovalRequest } from "../../../src/approvals/index.ts";
import { rsaKey } from "../../approvals/requests.ts";
import { gate, signerError } from "../../signer/rejection.ts";
import { until } from "../../support/until.ts";
import { QuorumSetup } from "./setup.ts";

const KEY = rsaKey().publicKey;

let setup: QuorumSetup;
beforeEach(() => {
  setup = new QuorumSetup();
});
afterEach(async () => {
  await setup.end();
});

const point = () => `0x${setup.cluster.state.keys[1]?.ecPoint}`;

describe("CloudHsmQuorumSigner", () => {
  it("reads the public key that the CLI shows, without any approval", async () => {
    const signer = setup.signer();
    expect(await signer.getPublicKey()).toBe(point());
    expect(await signer.getAddress()).toBe(recoverAddress(id("x"), await signer.signDigest(id("x"))));
    expect(setup.requests).toHaveLength(1);
  });

  it("has each signature verified by the verifier that it was given", async () => {
    const digests: Uint8Array[] = [];
    const verifier = (_key: Uint8Array, digest: Uint8Array) => {
      digests.push(digest);
      return undefined;
    };
    await signerError(setup.signer({ verifier }).signDigest(id("x")), "SIGNATURE_MISMATCH");
    expect(digests.map((digest) => hexlify(digest))).toEqual([id("x")]);
  });

  it("signs a message with two of three approvals, and says in the request what it is", async () => {
    const signer = setup.signer({ requester: "settlement job 7" });
    const account = await signer.getAddress();
    expect(verifyMessage("for the record", await signer.signMessage("for the record"))).toBe(account);
    const [request] = setup.requests;
    expect(request).toMatchObject({
      requester: "settlement job 7",
      account,
      digest: hashMessage("for the record"),
      content: { type: "message", text: "for the record" },
      token: { service: "key-usage", key_reference: setup.cluster.state.keys[1]?.reference, signatures: [] },
    });
    const lifetime = Date.parse(request?.expiresAt ?? "") - Date.parse(request?.createdAt ?? "");
    expect(lifetime).toBeGreaterThan(500_000);
    expect(lifetime).toBeLessThanOrEqual(570_000);
    expect(setup.cluster.signatures).toBe(1);
  });

  it("shows approvers the transaction, decoded, and they can verify it", async () => {
    const signer = setup.signer();
    const transaction = {
      type: 2,
      chainId: 5n,
      nonce: 3,
      to: `0x${"11".repeat(20)}`,
      value: 10n ** 18n,
      gasLimit: 21_000n,
    };
    const signed = Transaction.from(await signer.signTransaction({ ...transaction, maxFeePerGas: 7n }));
    expect(signed.from).toBe(await signer.getAddress());
    const [request] = setup.requests;
    if (request === undefined) throw new Error("no approver was asked");
    const verified = verifyApprovalRequest(request, { expectedAccount: signed.from ?? "", expectedChainId: 5 });
    expect(verified.content).toMatchObject({ type: "transaction", decoded: { value: `${10n ** 18n}`, nonce: 3 } });
  });

  it("takes more approvals than the key asks for", async () => {
    const signer = setup.signer({ approve: setup.approve("carol", "alice", "bob") });
    await signer.signDigest(id("three"));
    expect(setup.cluster.signatures).toBe(1);
  });

  it("keeps one process and one login for all of its calls", async () => {
    const signer = setup.signer();
    await Promise.all([signer.getAddress(), signer.signMessage("a"), signer.connect(null).signMessage("b")]);
    await signer.signMessage("c");
    expect(setup.cluster.count("login")).toBe(1);
    expect(setup.cluster.state.pids).toHaveLength(1);
    expect(setup.cluster.signatures).toBe(3);
  });

  it("waits for several approvals at once, answered in any order", async () => {
    const doors = ["0", "1", "2"].map(() => gate());
    const signer = setup.signer({
      approve: async (request) => {
        setup.requests.push(request);
        const text = request.content.type === "message" ? request.content.text : "";
        await doors[Number(text)]?.opened;
        return setup.approvals(request, ["alice", "carol"]);
      },
    });
    const account = await signer.getAddress();
    const calls = ["0", "1", "2"].map((text) => signer.signMessage(text));
    await until(() => setup.requests.length === 3);
    expect(setup.cluster.signatures).toBe(0);
    for (const index of [2, 0, 1]) {
      doors[index]?.open();
      expect(verifyMessage(`${index}`, await (calls[index] ?? ""))).toBe(account);
    }
    expect(setup.cluster.state.pids).toHaveLength(1);
    expect(new Set(setup.requests.map(({ token }) => token.token)).size).toBe(3);
  });

  it("finds the key by its reference too", async () => {
    const reference = setup.cluster.state.keys[1]?.reference.toUpperCase().replace("0X", "0x") ?? "";
    const signer = setup.signer({ keyReference: reference });
    expect(await signer.getPublicKey()).toBe(point());
    await signer.signDigest(id("by reference"));
  });

  it("takes the password from a function, and at the prompt where it cannot be an argument", async () => {
    const password = "-dash \"quote\" \\ $(touch x) `y` 'z' ü";
    setup.cluster.change((state) => {
      if (state.users["alice"]) state.users["alice"].password = password;
    });
    const signer = setup.signer({ password: async () => password });
    await signer.signDigest(id("prompt"));
    expect(setup.cluster.state.users["alice"]?.failedLogins).toBe(0);
  });

  it.each(["two words", "it's", "été {} [] ; & | > < * ? ~ #", "--verbose", "attr.class=public-key"])(
    "finds a key with the label %j, and nothing else",
    async (label) => {
      const key = setup.cluster.addKey(label, 2);
      const signer = setup.signer({ keyLabel: label });
      expect(await signer.getPublicKey()).toBe(`0x${key.ecPoint}`);
      await signer.signDigest(id(label));
      expect(setup.cluster.state.keys.find(({ reference }) => reference === key.reference)?.signatures).toBe(1);
    },
  );

  it.each(['a"b', "a\nquit", "a\r\nkey list", "a\\", "$HOME", "`id`", "a\u2028b", "a\u0000", "a\u001b[2J", ""])(
    "refuses the label %j before anything starts",
    (keyLabel) => {
      expect(() => setup.signer({ keyLabel })).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
      expect(setup.cluster.state.commands).toEqual([]);
    },
  );

  it.each([
    ["user", { user: "a:b" }],
    ["user", { user: "--role" }],
    ["user", { user: 'a" --role admin "' }],
    ["password", { password: "two\nlines" }],
    ["password", { password: "" }],
    ["keyReference", { keyReference: "0x12 --verbose" }],
    ["clusterId", { clusterId: "cluster-1 --x" }],
    ["requiredApprovals", { requiredApprovals: 1 }],
    ["requiredApprovals", { requiredApprovals: 9 }],
    ["timeout", { approvalTimeout: 0 }],
    ["timeout", { commandTimeout: 1.5 }],
    ["publicKey", { publicKey: "0x04" }],
    ["approve", { approve: undefined as never }],
    ["text", { requester: "a\u001b[2J" }],
    ["approvers", { approvers: { alice: KEY, mallory: KEY } }],
    ["approvers", { approvers: { alice: KEY, ALICE: rsaKey().publicKey } }],
    ["key", { approvers: { alice: rsaKey(1024).publicKey } }],
  ])("refuses options whose %s cannot be right", (argument, options) => {
    let thrown: unknown;
    try {
      setup.signer(options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "INVALID_ARGUMENT", argument });
    expect(String(thrown)).not.toContain("two\nlines");
  });

  it("reads a point in DER, and takes the option where the CLI shows none", async () => {
    setup.cluster.style({ derPoint: true });
    expect(await setup.signer().getPublicKey()).toBe(point());
    setup.cluster.style({ noPoint: true });
    await signerError(setup.signer().getPublicKey(), "KEY_UNUSABLE");
    const signer = setup.signer({ publicKey: SigningKey.computePublicKey(point(), true) });
    await signer.signDigest(id("with the option"));
    expect(await signer.getPublicKey()).toBe(point());
  });

  it("refuses a public key that is not the key's, and another account than the expected one", async () => {
    const publicKey = new SigningKey(id("another")).publicKey;
    const error = await signerError(setup.signer({ publicKey }).getAddress(), "KEY_CHANGED");
    const [previous, current] = [publicKey, point()].map((each) => ({
      keyId: error.keyId,
      address: computeAddress(each),
    }));
    expect(error.info).toEqual({ previous, current });
    const expectedAddress = `0x${"22".repeat(20)}`;
    await signerError(setup.signer({ expectedAddress }).signMessage("x"), "ADDRESS_MISMATCH");
    expect(setup.requests).toEqual([]);
  });

  it("shows no secret", async () => {
    const signer = setup.signer();
    await signer.signMessage("x");
    const { password } = setup.cluster.user("alice");
    const shown = [inspect(signer, { depth: 9, showHidden: true }), JSON.stringify(signer), String(signer)];
    for (const text of shown) expect(text).not.toContain(password);
    expect(JSON.parse(shown[1] ?? "")).toEqual({
      backend: "cloudhsm-quorum",
      keyId: "cloudhsm-quorum:label=cold;user=alice",
      address: await signer.getAddress(),
    });
  });
});
