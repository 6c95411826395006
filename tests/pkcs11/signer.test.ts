import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { getBytes, id, recoverAddress, SigningKey, verifyMessage, Wallet } from "ethers";
import { Pkcs11Key, type Pkcs11KeyOptions, Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { openSessions } from "../support/session-count.ts";
import { createToken } from "../support/softhsm-env.ts";

const PRIVATE_KEY = id("pkcs11 signer");
const { address } = new Wallet(PRIVATE_KEY);
const token = createToken("signer");
const other = createToken("signer-other");
const base = { libraryPath: token.libraryPath, pin: token.pin };
const named = { ...base, tokenLabel: token.label, keyLabel: "hot" };
const signers: Pkcs11Signer[] = [];

function open(options: Pkcs11KeyOptions): Pkcs11Signer {
  const signer = new Pkcs11Signer(options);
  signers.push(signer);
  return signer;
}

beforeAll(() => {
  token.importKey(PRIVATE_KEY, { label: "hot", id: "0x0a0b" });
  token.importKey(id("another key with another id"), { label: "hot-2", id: "0x0c" });
  token.importKey(id("same label, first"), { label: "twin", id: "0x21" });
  token.importKey(id("same label, second"), { label: "twin", id: "0x22" });
  other.importKey(id("a key of the other token"), { label: "hot", id: "0x0a0b" });
});

afterEach(async () => {
  await Promise.all(signers.splice(0).map((signer) => signer.close()));
});

afterAll(() => {
  expect([token.isLoggedIn(), other.isLoggedIn()]).toEqual([false, false]);
});

describe("finding the token and the key", () => {
  test.each<[string, Pkcs11KeyOptions]>([
    ["token label and key label", named],
    ["key id as hex", { ...base, tokenLabel: token.label, keyId: "0x0a0b" }],
    ["key id as bytes", { ...base, tokenLabel: token.label, keyId: Uint8Array.of(0x0a, 0x0b) }],
    ["label and id", { ...named, keyId: "0x0a0b" }],
    ["slot as bigint", { ...base, slot: token.slot, keyLabel: "hot" }],
    ["slot as number", { ...base, slot: Number(token.slot), keyLabel: "hot" }],
    ["the PIN from a function", { ...named, pin: () => token.pin }],
    ["the PIN from an async function", { ...named, pin: async () => token.pin }],
  ])("by %s", async (_name, options) => {
    await expect(open(options).getAddress()).resolves.toBe(address);
  });

  test("by the slot's index", async () => {
    const found = (slotIndex: number) => open({ ...base, slotIndex, keyLabel: "hot" }).getAddress();
    await expect(found(token.slotIndex())).resolves.toBe(address);
    await expect(found(other.slotIndex())).resolves.toBe(new Wallet(id("a key of the other token")).address);
  });

  test("by id among keys of the same label", async () => {
    const signer = open({ ...named, keyLabel: "twin", keyId: "0x22" });
    await expect(signer.getAddress()).resolves.toBe(new Wallet(id("same label, second")).address);
  });

  test("where the public object has another label: the CKA_ID ties the pair", async () => {
    token.importKey(id("apart"), { label: "apart", id: "0x31", publicObject: { id: "0x31", label: "apart.pub" } });
    const signer = open({ ...named, keyLabel: "apart" });
    await expect(signer.getAddress()).resolves.toBe(new Wallet(id("apart")).address);
  });

  test("where all keys of the token have the same CKA_ID: the label tells the public objects apart", async () => {
    token.importKey(id("same id 1"), { label: "same-id-1", id: "0x99" });
    token.importKey(id("same id 2"), { label: "same-id-2", id: "0x99" });
    const signer = open({ ...named, keyLabel: "same-id-2" });
    await expect(signer.getAddress()).resolves.toBe(new Wallet(id("same id 2")).address);
  });

  test("where the public object has another CKA_ID: the label ties the pair", async () => {
    token.importKey(id("half"), { label: "half", id: "0x32", publicObject: { id: "0x33" } });
    const signer = open({ ...named, keyLabel: "half" });
    await expect(signer.getAddress()).resolves.toBe(new Wallet(id("half")).address);
  });

  test("a key made inside the token, whose private half was never seen", async () => {
    token.generateKey({ label: "born-here", id: "0x41" });
    const signer = open({ ...named, keyLabel: "born-here" });
    expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(await signer.getAddress());
  });

  test("without a public object, by the public key that the caller gives", async () => {
    const lonely = new SigningKey(id("lonely"));
    token.importKey(lonely.privateKey, { label: "lonely", id: "0x51", publicObject: false });
    for (const publicKey of [lonely.publicKey, lonely.compressedPublicKey, getBytes(lonely.publicKey)]) {
      const signer = open({ ...named, keyLabel: "lonely", publicKey });
      expect(verifyMessage("hello", await signer.signMessage("hello"))).toBe(new Wallet(lonely).address);
    }
  });
});

describe("sessions", () => {
  test("constructing opens nothing; a few sessions serve any number of parallel callers and connected signers", async () => {
    const signer = open(named);
    expect(openSessions()).toBe(0);
    const connected = [signer, signer.connect(null), signer.connect(null)];
    const signed = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const digest = id(`digest ${index}`);
        const signature = await connected[index % 3]?.signDigest(digest);
        return signature && recoverAddress(digest, signature);
      }),
    );
    expect(new Set(signed)).toEqual(new Set([address]));
    expect(openSessions()).toBe(3);
    expect(token.isLoggedIn()).toBe(true);
  });

  test("close() waits for the calls in flight, ends the session and can be called again", async () => {
    const signer = open(named);
    await signer.getAddress();
    const messages = Array.from({ length: 20 }, (_, index) => `message ${index}`);
    const signing = messages.map((message) => signer.signMessage(message));
    await new Promise((resolve) => setImmediate(resolve));
    await Promise.all([signer.close(), signer.connect(null).close()]);
    expect(openSessions()).toBe(0);
    expect(token.isLoggedIn()).toBe(false);
    const signatures = await Promise.all(signing);
    expect(signatures.map((signature, index) => verifyMessage(messages[index] ?? "", signature))).toEqual(
      messages.map(() => address),
    );
    await expect(signer.signMessage("late")).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
    await expect(signer.connect(null).getAddress()).rejects.toMatchObject({ code: "SIGNER_CLOSED" });
    await signer.close();
  });

  test("closing one signer leaves another of the same token logged in", async () => {
    const [first, second] = [open(named), open({ ...named, keyLabel: "hot-2" })];
    await Promise.all([first.getAddress(), second.getAddress()]);
    await first.close();
    expect(verifyMessage("hello", await second.signMessage("hello"))).toBe(await second.getAddress());
  });

  test("sessions closed under us are opened again, and no call fails", async () => {
    const signer = open(named);
    await signer.signMessage("before");
    token.closeAllSessions();
    const messages = Array.from({ length: 20 }, (_, index) => `after ${index}`);
    const signatures = await Promise.all(messages.map((message) => signer.signMessage(message)));
    expect(signatures.map((signature, index) => verifyMessage(messages[index] ?? "", signature))).toEqual(
      messages.map(() => address),
    );
  });

  test("a key that was replaced under its name is refused with both addresses", async () => {
    token.importKey(id("former"), { label: "replaced", id: "0x61" });
    const signer = open({ ...named, keyLabel: "replaced" });
    await signer.signMessage("before");
    token.deleteKeys("replaced");
    token.importKey(id("latter"), { label: "replaced", id: "0x61" });
    await expect(signer.signMessage("after")).rejects.toMatchObject({
      code: "KEY_CHANGED",
      info: {
        previous: { keyId: signer.keyId, address: new Wallet(id("former")).address },
        current: { keyId: signer.keyId, address: new Wallet(id("latter")).address },
      },
    });
  });

  test("a PIN function that hangs costs one timeout, and the next call works", async () => {
    let asked = 0;
    const pin = () => {
      asked += 1;
      return asked === 1 ? new Promise<string>(() => undefined) : token.pin;
    };
    const signer = new Pkcs11Signer({ ...named, pin, timeout: 50 });
    signers.push(signer);
    await expect(signer.getAddress()).rejects.toMatchObject({ code: "BACKEND_TIMEOUT", retryable: true });
    const patient = new Pkcs11Signer({ ...named, pin });
    signers.push(patient);
    await expect(patient.getAddress()).resolves.toBe(address);
    await signer.close();
    expect(asked).toBe(2);
  });

  test("an abort leaves the queue without a trace", async () => {
    const signer = open(named);
    await signer.getAddress();
    const controller = new AbortController();
    const aborted = Array.from({ length: 10 }, () => signer.signDigest(id("x"), { signal: controller.signal }));
    const kept = signer.signMessage("kept");
    controller.abort(new Error("no longer wanted"));
    const outcomes = await Promise.allSettled(aborted);
    expect(outcomes.map(({ status }) => status)).toEqual(aborted.map(() => "rejected"));
    expect(verifyMessage("kept", await kept)).toBe(address);
  });
});

describe("Pkcs11Key", () => {
  test("is a RemoteKey of its own: 65 bytes, and 32 bytes signed as they are", async () => {
    const key = new Pkcs11Key(named);
    const digest = getBytes(id("digest"));
    expect(await key.getPublicKey()).toEqual(getBytes(new SigningKey(PRIVATE_KEY).publicKey));
    const { r, s } = await key.signDigest(digest);
    expect([typeof r, typeof s]).toEqual(["bigint", "bigint"]);
    expect(key.id).toBe(`pkcs11:token=${token.label};object=hot`);
    await key.close();
    await expect(key.signDigest(digest)).rejects.toMatchObject({ code: "SIGNER_CLOSED", backend: "pkcs11" });
  });

  test.each([0, 31, 33, 64])("refuses a digest of %d bytes, which the module would sign", async (length) => {
    const key = new Pkcs11Key(named);
    await expect(key.signDigest(new Uint8Array(length))).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      shortMessage: "invalid digest length",
    });
    await key.close();
  });
});
