import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { hashMessage, hexlify, recoverAddress, Signature, toBeHex, toUtf8Bytes } from "ethers";
import { CloudHsmQuorumKey } from "../../../src/cloudhsm/quorum/index.ts";
import { addressFromPublicKey } from "../../../src/core/public-key.ts";
import { QuorumSetup } from "./setup.ts";

let setup: QuorumSetup;
let key: CloudHsmQuorumKey | undefined;
beforeEach(() => {
  setup = new QuorumSetup();
});
afterEach(async () => {
  await key?.close();
  await setup.end();
});

test("the HSM signs what people approved, whatever the caller's digest and message become meanwhile", async () => {
  const message = toUtf8Bytes("pay alice");
  const approved = hashMessage(message);
  const digest = Uint8Array.from(Buffer.from(approved.slice(2), "hex"));
  const { username: user, password } = setup.cluster.user("alice");
  key = new CloudHsmQuorumKey({
    ...{ cliPath: setup.cluster.cliPath, user, password, keyLabel: "cold", approvers: setup.approvers },
    approve: async (request) => {
      digest.fill(9);
      message.fill(0x61);
      expect(request).toMatchObject({ digest: approved, content: { message: hexlify(toUtf8Bytes("pay alice")) } });
      const approvals = await setup.approvals(request, ["alice", "bob"]);
      digest.fill(7);
      return approvals;
    },
  });
  const address = addressFromPublicKey(await key.getPublicKey());
  const { r, s } = await key.signDigest(digest, { payload: { type: "message", message } });
  const low = s > ORDER / 2n ? ORDER - s : s;
  const signers = ([0, 1] as const).map((yParity) =>
    recoverAddress(approved, Signature.from({ r: toBeHex(r, 32), s: toBeHex(low, 32), yParity })),
  );
  expect(signers).toContain(address);
});

/** SEC 2 v2, section 2.4.1: n of secp256k1. */
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
