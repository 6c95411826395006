import { afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { id, verifyMessage, Wallet } from "ethers";
import { CloudHsmSigner } from "../../src/cloudhsm/index.ts";
import { Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import type { FailoverEvent } from "../../src/signer/failover-key.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { createToken, softHsmPath } from "../support/softhsm-env.ts";

const PRIVATE_KEY = id("on two tokens");
const { address } = new Wallet(PRIVATE_KEY);
const [first, second] = [createToken("fallbacks-first"), createToken("fallbacks-second")];
const base = { libraryPath: first.libraryPath, tokenLabel: first.label, pin: first.pin, keyLabel: "hot" };
const signers: Pkcs11Signer[] = [];

function open(fallbacks: Pkcs11SignerOptions["fallbacks"], change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const signer = new Pkcs11Signer({ ...base, fallbacks, expectedAddress: address, ...change });
  signers.push(signer);
  return signer;
}

beforeAll(() => {
  first.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
  second.importKey(PRIVATE_KEY, { label: "cold", id: "0x02" });
  second.importKey(id("another"), { label: "hot", id: "0x03" });
});

afterEach(async () => {
  await Promise.all(signers.splice(0).map((signer) => signer.close()));
});

describe("fallbacks", () => {
  test.each<[string, Pkcs11SignerOptions["fallbacks"]]>([
    ["a token by its slot, a key by its label", [{ slot: second.slot, keyLabel: "cold" }]],
    ["a key by its id", [{ tokenLabel: second.label, keyId: "0x02" }]],
    ["after another that is missing too", [{ tokenLabel: "nowhere" }, { tokenLabel: second.label, keyId: "0x02" }]],
  ])("sign where the preferred token is missing: %s", async (_name, fallbacks) => {
    const signer = open(fallbacks, { tokenLabel: "missing" });
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(address);
    const health = await signer.health();
    expect(health).toMatchObject({ ready: true, error: undefined });
    expect(health.replicas?.[0]).toMatchObject({ ready: false, error: { code: "KEY_NOT_FOUND" } });
    expect(health.replicas?.at(-1)).toMatchObject({ ready: true, token: { label: second.label } });
  });

  test("take over when the key goes away, and give back when it is there again", async () => {
    const states: string[] = [];
    const onStateChange = ({ replica }: FailoverEvent) => states.push(replica.state);
    const signer = open([{ tokenLabel: second.label, keyLabel: "cold" }], {
      failover: { resetTimeout: 50, onStateChange },
    });
    await signer.signMessage("before");
    first.deleteKeys("hot");
    expect(verifyMessage("during", await signer.signMessage("during"))).toBe(address);
    expect(states).toEqual(["open"]);
    first.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
    while (states.length < 2) expect(verifyMessage("after", await signer.signMessage("after"))).toBe(address);
    expect(states).toEqual(["open", "closed"]);
  });

  test("with another key never sign", async () => {
    const signer = open([{ tokenLabel: second.label }], { expectedAddress: address });
    await signer.signMessage("before");
    first.deleteKeys("hot");
    await expect(signer.signMessage("during")).rejects.toMatchObject({
      code: expect.stringMatching(/KEY_NOT_FOUND|ADDRESS_MISMATCH/),
    });
    first.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
    expect(verifyMessage("after", await signer.signMessage("after"))).toBe(address);
  });

  test("need the expectedAddress, which decides whose key it is", () => {
    expect(() => open([{ tokenLabel: second.label }], { expectedAddress: undefined })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "expectedAddress" }),
    );
  });

  test("are checked at construction, as all options are", () => {
    expect(() => open([{ slotIndex: -1 }])).toThrow(/slotIndex/);
  });

  test("of AWS CloudHSM may have another user", async () => {
    const clusters = ["alice:wonderland", "bob:builder"].map((pin, index) =>
      SoftHsmToken.create(softHsmPath(), `cluster-${index}-${process.pid}`, pin),
    );
    const [, other] = clusters;
    other?.importKey(PRIVATE_KEY, { label: "hot" });
    const signer = new CloudHsmSigner({
      libraryPath: softHsmPath(),
      slot: clusters[0]?.slot,
      user: "alice",
      password: "wonderland",
      keyLabel: "hot",
      expectedAddress: address,
      fallbacks: [{ slot: other?.slot, user: "bob", password: "builder" }],
    });
    signers.push(signer);
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(address);
    expect(signer.backend).toBe("cloudhsm");
  });
});
