import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { getBytes, id, recoverAddress } from "ethers";
import { TestKey } from "ethers-hsm/testing";
import pkcs11js from "pkcs11js";
import { Pkcs11Signer } from "../../src/pkcs11/index.ts";
import { hostileSignatures, malformedEcPoint } from "../support/hostile/index.ts";
import { intercept, restore } from "../support/pkcs11-faults.ts";
import { createToken } from "../support/softhsm-env.ts";
import { compactOf, derOf, fitsCompact } from "./encodings.ts";
import { outcomeOf } from "./outcome.ts";

const honest = new TestKey(id("the account of the hostile token"));
const DIGEST = id("a digest");
const bytes = getBytes(DIGEST);
const token = createToken("hostile");
const signers: Pkcs11Signer[] = [];

function open(): Pkcs11Signer {
  const { libraryPath, label: tokenLabel, pin } = token;
  const options = { libraryPath, tokenLabel, pin, keyLabel: "hot", expectedAddress: honest.address };
  const signer = new Pkcs11Signer(options);
  signers.push(signer);
  return signer;
}

async function sign(signer: Pkcs11Signer): Promise<string> {
  return recoverAddress(DIGEST, await signer.signDigest(DIGEST));
}

/** Lets the module write these bytes in place of its signature, and say that they are `length` many. */
function answerSignatures(content: Uint8Array, length = content.length): void {
  intercept("C_SignCallback", (call, [session, input, output, done]) => {
    const callback = done as (error: unknown, length: number) => void;
    return call(session, input, output, (error: unknown) => {
      (output as Buffer).set(content.subarray(0, (output as Buffer).length));
      callback(error, length);
    });
  });
}

/** Lets the module answer these bytes for CKA_EC_POINT, of whatever object. */
function answerPoints(point: Uint8Array): void {
  intercept("C_GetAttributeValue", (call, args) => {
    const values = call(...args) as { type: number; value: unknown }[];
    return values.map((each) => (each.type === pkcs11js.CKA_EC_POINT ? { ...each, value: Buffer.from(point) } : each));
  });
}

beforeAll(() => {
  token.importKey(honest.privateKey, { label: "hot", id: "0x01" });
});

afterEach(restore);

afterAll(async () => {
  await Promise.all(signers.map((signer) => signer.close()));
});

describe("C_Sign's answer", () => {
  const fitting = hostileSignatures.filter(({ make }) => fitsCompact(make(bytes, honest)));
  const right = () => compactOf(honest.sign(bytes));

  test.each(fitting.map(({ name, expected, make }) => [expected, name, make] as const))(
    "%s: a signature %s",
    async (expected, _name, make) => {
      const signer = open();
      answerSignatures(compactOf(make(bytes, honest)));
      expect(await outcomeOf(sign(signer))).toBe(expected === "accepted" ? honest.address : expected);
      restore();
      expect(await sign(signer)).toBe(honest.address);
    },
  );

  test.each<[string, () => Uint8Array, number | undefined]>([
    ["nothing", () => new Uint8Array(), 0],
    ["one byte", right, 1],
    ["the right signature, cut short", right, 63],
    ["the right signature and a byte", () => Uint8Array.of(...right(), 0), 65],
    ["the right signature as DER", () => derOf(honest.sign(bytes)), undefined],
    ["more than there is room for", () => new Uint8Array(4096).fill(1), 4096],
    ["a length of 2 GB", right, 2 ** 31],
  ])("BACKEND_RESPONSE_INVALID: %s", async (_name, make, length) => {
    const signer = open();
    answerSignatures(make(), length);
    expect(await outcomeOf(sign(signer))).toBe("BACKEND_RESPONSE_INVALID");
    restore();
    expect(await sign(signer)).toBe(honest.address);
  });

  test("the signature of the call before is refused, and the second attempt's own is returned", async () => {
    const signer = open();
    let before = compactOf(honest.sign(getBytes(id("before"))));
    intercept("C_SignCallback", (call, [session, input, output, done]) => {
      const callback = done as (error: unknown, length: number) => void;
      return call(session, input, output, (error: unknown, length: number) => {
        const now = Uint8Array.from((output as Buffer).subarray(0, 64));
        (output as Buffer).set(before);
        before = now;
        callback(error, length);
      });
    });
    const outcomes: string[] = [];
    for (const text of ["one", "two", "three"]) {
      outcomes.push(await outcomeOf(signer.signDigest(id(text)).then((each) => recoverAddress(id(text), each))));
    }
    expect(outcomes).toEqual(Array(3).fill(honest.address));
    restore();
    expect(await sign(signer)).toBe(honest.address);
  });
});

describe("CKA_EC_POINT", () => {
  test.each(malformedEcPoint(honest.publicKey).map((each) => [each.name, each] as const))(
    "%s: nothing is signed",
    async (_name, { bytes: point, code }) => {
      const signer = open();
      answerPoints(point);
      let signatures = 0;
      intercept("C_SignCallback", (call, args) => {
        signatures += 1;
        return call(...args);
      });
      // A point without a byte is an attribute that the token does not show.
      expect(await outcomeOf(sign(signer))).toBe(point.length === 0 ? "KEY_UNUSABLE" : code);
      expect(signatures).toBe(0);
      restore();
      expect(await sign(signer)).toBe(honest.address);
    },
  );

  test("another account's: ADDRESS_MISMATCH", async () => {
    const signer = open();
    answerPoints(new TestKey(id("another")).publicKey);
    expect(await outcomeOf(sign(signer))).toBe("ADDRESS_MISMATCH");
  });
});
