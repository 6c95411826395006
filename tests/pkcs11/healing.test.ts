import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { id, recoverAddress, Wallet } from "ethers";
import { CloudHsmSigner } from "../../src/cloudhsm/index.ts";
import { Pkcs11Signer, type Pkcs11SignerOptions } from "../../src/pkcs11/index.ts";
import { countCalls, type Interceptable, intercept, restore, returnValue } from "../support/pkcs11-faults.ts";
import { SoftHsmToken } from "../support/softhsm.ts";
import { createToken, softHsmPath } from "../support/softhsm-env.ts";

const PRIVATE_KEY = id("healing");
const { address } = new Wallet(PRIVATE_KEY);
const DIGEST = id("digest");
const signers: Pkcs11Signer[] = [];
let token: SoftHsmToken;

function open(change: Partial<Pkcs11SignerOptions> = {}): Pkcs11Signer {
  const { libraryPath, label: tokenLabel, pin } = token;
  const signer = new Pkcs11Signer({ libraryPath, tokenLabel, pin, keyLabel: "hot", ...change });
  signers.push(signer);
  return signer;
}

/** Who signed each of so many digests, all asked for at once. */
async function signAll(signer: Pkcs11Signer, count = 100): Promise<Set<string>> {
  const digests = Array.from({ length: count }, (_, index) => id(`digest ${index}`));
  const signatures = await Promise.all(digests.map((digest) => signer.signDigest(digest)));
  return new Set(signatures.map((signature, index) => recoverAddress(digests[index] ?? "", signature)));
}

/** Lets the first `times` calls fail with that return value; gives how often it was called. */
function failing(name: Interceptable, value: number, times: number): () => number {
  let calls = 0;
  intercept(name, (call, args) => {
    calls += 1;
    if (calls <= times) throw returnValue("CKR_PLANTED", value);
    return call(...args);
  });
  return () => calls;
}

beforeEach(() => {
  token = createToken("healing");
  token.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
});

afterEach(async () => {
  restore();
  await Promise.all(signers.splice(0).map((signer) => signer.close().catch(() => undefined)));
});

describe("100 calls that find", () => {
  test("every session closed: one login, one search for the key, and every signature", async () => {
    const signer = open();
    await signAll(signer, 5);
    token.closeAllSessions();
    const logins = countCalls("C_Login");
    const searches = countCalls("C_FindObjectsInit");
    await expect(signAll(signer)).resolves.toEqual(new Set([address]));
    expect(logins()).toBe(1);
    // The private key, and its public half.
    expect(searches()).toBe(2);
  });

  test("the user logged out by other code: likewise", async () => {
    const signer = open();
    await signAll(signer, 5);
    token.withSession((library, session) => library.C_Logout(session));
    const logins = countCalls("C_Login");
    await expect(signAll(signer)).resolves.toEqual(new Set([address]));
    expect(logins()).toBe(1);
  });

  test("the user logged out and in again by other code: the key is found again, without a login", async () => {
    const signer = open();
    await signAll(signer, 5);
    token.withSession((library, session) => {
      library.C_Logout(session);
      library.C_Login(session, 1, token.pin);
    });
    const logins = countCalls("C_Login");
    await expect(signAll(signer)).resolves.toEqual(new Set([address]));
    expect(logins()).toBe(0);
  });

  test("the library finalised by other code: one start, one login", async () => {
    const signer = open();
    await signAll(signer, 5);
    token.finalizeLibrary();
    const [starts, logins] = [countCalls("C_Initialize"), countCalls("C_Login")];
    const ends = countCalls("C_Finalize");
    await expect(signAll(signer)).resolves.toEqual(new Set([address]));
    expect([starts(), logins(), ends()]).toEqual([1, 1, 0]);
  });

  test("a PIN that is wrong: one login, and an error for each", async () => {
    const logins = countCalls("C_Login");
    const signer = open({ pin: "planted-wrong-pin" });
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, () => signer.signDigest(DIGEST)));
    const codes = outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason.code);
    expect(new Set(codes)).toEqual(new Set(["ACCESS_DENIED"]));
    expect(logins()).toBe(1);
  });
});

describe("a key that is made again", () => {
  test("with the same material signs at once; without any it is not found, and never another", async () => {
    const signer = open();
    await signAll(signer, 5);
    token.deleteKeys("hot");
    token.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
    await expect(signAll(signer, 10)).resolves.toEqual(new Set([address]));
    token.deleteKeys("hot");
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({ code: "KEY_NOT_FOUND" });
    token.importKey(id("another"), { label: "hot", id: "0x01" });
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({
      code: "KEY_CHANGED",
      info: { previous: { address }, current: { address: new Wallet(id("another")).address } },
    });
    token.deleteKeys("hot");
    token.importKey(PRIVATE_KEY, { label: "hot", id: "0x01" });
    await expect(signAll(signer, 10)).resolves.toEqual(new Set([address]));
  });
});

describe("return values", () => {
  test.each([
    ["throttled", 0x06],
    ["no host memory", 0x02],
    ["no session left", 0xb1],
    ["another operation is active", 0x90],
    ["no operation is active", 0x91],
    ["session closed", 0xb0],
    ["session unknown", 0xb3],
    ["key handle unknown", 0x60],
    ["object handle unknown", 0x82],
    ["not logged in", 0x101],
    ["token away", 0xe0],
  ])("%s, three times: the call succeeds", async (_name, value) => {
    const signer = open();
    await signer.getAddress();
    const calls = failing("C_SignCallback", value, 3);
    await expect(signAll(signer, 1)).resolves.toEqual(new Set([address]));
    expect(calls()).toBe(4);
  });

  test("throttled without end: the error after 8 attempts, and the next call works", async () => {
    const signer = open();
    await signer.getAddress();
    const calls = failing("C_SignCallback", 0x06, Number.POSITIVE_INFINITY);
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      retryable: true,
      operation: "C_Sign",
      keyId: signer.keyId,
      info: { returnValue: 6 },
    });
    expect(calls()).toBe(8);
    restore();
    await expect(signAll(signer, 10)).resolves.toEqual(new Set([address]));
  });

  test.each([
    ["may not sign", 0x68, "KEY_UNUSABLE"],
    ["mechanism unknown", 0x70, "KEY_UNUSABLE"],
    ["the PIN is locked", 0xa4, "ACCESS_DENIED"],
    ["a vendor's own", 0x80000001, "BACKEND_UNAVAILABLE"],
  ])("%s is final", async (_name, value, code) => {
    const signer = open();
    await signer.getAddress();
    const calls = failing("C_SignCallback", value, 1);
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({ code, retryable: false });
    expect(calls()).toBe(1);
  });

  test("a library that other code initialised is not finalised, however ill the device", async () => {
    const signer = open();
    await signer.getAddress();
    const ends = countCalls("C_Finalize");
    failing("C_SignCallback", 0x30, Number.POSITIVE_INFINITY);
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({ code: "BACKEND_UNAVAILABLE" });
    expect(ends()).toBe(0);
  });
});

describe("answers that are no signature of the key", () => {
  test("are refused, and the sessions of then are not used again", async () => {
    const signer = open({ sessions: 1 });
    await signAll(signer, 5);
    const opened = countCalls("C_OpenSession");
    intercept("C_SignCallback", (call, [session, input, output, done]) => {
      const callback = done as (error: unknown, length: number) => void;
      return call(session, input, output, (error: unknown, length: number) => {
        (output as Buffer).fill(7, 0, 64);
        callback(error, length);
      });
    });
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({ code: "SIGNATURE_MISMATCH" });
    intercept("C_SignCallback", (call, [session, input, output, done]) => {
      const callback = done as (error: unknown, length: number) => void;
      return call(session, input, output, (error: unknown) => callback(error, 63));
    });
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({ code: "BACKEND_RESPONSE_INVALID" });
    restore();
    countCalls("C_OpenSession");
    await expect(signAll(signer, 5)).resolves.toEqual(new Set([address]));
    // One for the second attempt of the first call, and one for the second call.
    expect(opened()).toBe(2);
  });
});

describe("a call that hangs in the library", () => {
  test("times out, its session is not reused, and other accounts go on", async () => {
    token.importKey(id("other account"), { label: "other", id: "0x02" });
    const [signer, other] = [open({ timeout: 200 }), open({ keyLabel: "other" })];
    await Promise.all([signer.getAddress(), other.getAddress()]);
    let hung: Buffer | undefined;
    const used: Buffer[] = [];
    intercept("C_SignCallback", (call, args) => {
      const session = args[0] as Buffer;
      if (hung) {
        used.push(session);
        return call(...args);
      }
      hung = session;
      return undefined;
    });
    await expect(signer.signDigest(DIGEST)).rejects.toMatchObject({ code: "BACKEND_TIMEOUT" });
    await expect(signAll(other, 50)).resolves.toEqual(new Set([new Wallet(id("other account")).address]));
    await expect(signAll(signer, 5)).resolves.toEqual(new Set([address]));
    expect(used.some((session) => session.equals(hung as Buffer))).toBe(false);
    await expect(signer.health()).resolves.toMatchObject({ sessions: { abandoned: 1, busy: 0, waiting: 0 } });
    await expect(signer.close()).rejects.toMatchObject({ code: "BACKEND_TIMEOUT" });
  });
});

describe("the queue", () => {
  test("one account's hundred calls do not keep another's one waiting", async () => {
    token.importKey(id("other account"), { label: "other", id: "0x02" });
    const [busy, other] = [open({ sessions: 1 }), open({ keyLabel: "other", sessions: 1 })];
    await Promise.all([busy.getAddress(), other.getAddress()]);
    let done = 0;
    const signing = Array.from({ length: 100 }, async (_, index) => {
      await busy.signDigest(id(`${index}`));
      done += 1;
    });
    await other.signDigest(DIGEST);
    expect(done).toBeLessThan(10);
    await Promise.all(signing);
  });

  test("past its bound a call is refused, says so, and nothing else is lost", async () => {
    const signer = open({ sessions: 1, maxQueue: 3 });
    await signer.getAddress();
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => signer.signDigest(DIGEST)));
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused).toHaveLength(6);
    for (const { reason } of refused as PromiseRejectedResult[]) {
      expect(reason).toMatchObject({ code: "THROTTLED", retryable: true, info: { waiting: 3, busy: 1 } });
    }
    await expect(signAll(signer, 2)).resolves.toEqual(new Set([address]));
  });
});

describe("users of one token", () => {
  test("one process is not logged in as two crypto users: it says so, and goes on once the first is gone", async () => {
    const shared = SoftHsmToken.create(softHsmPath(), `users-${process.pid}`, "alice:wonderland");
    shared.importKey(PRIVATE_KEY, { label: "hot" });
    const { libraryPath, slot } = shared;
    const as = (user: string, password: string) => {
      const signer = new CloudHsmSigner({ libraryPath, slot, user, password, keyLabel: "hot" });
      signers.push(signer);
      return signer;
    };
    const alice = as("alice", "wonderland");
    await expect(alice.getAddress()).resolves.toBe(address);
    await expect(as("alice", "wonderland").getAddress()).resolves.toBe(address);
    await expect(as("mallory", "anything").getAddress()).rejects.toMatchObject({ code: "ACCESS_DENIED" });
    // The one who was refused is still there.
    const mallory = signers.pop();
    await Promise.all(signers.splice(0).map((signer) => signer.close()));
    await expect(mallory?.getAddress()).rejects.toMatchObject({ info: { returnValue: 0xa0 } });
    await mallory?.close();
    await expect(as("mallory", "anything").getAddress()).rejects.toMatchObject({ info: { returnValue: 0xa0 } });
  });
});
