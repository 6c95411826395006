import { getBytes, id } from "ethers";
import { signatureFromCompact, toLowS } from "ethers-hsm/codecs";
import { Pkcs11Key, Pkcs11Signer, type Pkcs11SignerOptions } from "ethers-hsm/pkcs11";
import { nativeVerifier } from "ethers-hsm/secp256k1";
import pkcs11js, { type PKCS11 } from "pkcs11js";
import { type Verifier, verifySignature } from "../../../src/core/verify.ts";
import type { Contender, Contenders } from "../contender.ts";
import type { TokenTarget } from "../token.ts";
import { requireRawSignatureBy, requireSignatureBy } from "./proof.ts";

const DIGEST = getBytes(id("a digest"));
const MECHANISM = { mechanism: pkcs11js.CKM_ECDSA };

export interface TokenLoad extends TokenTarget {
  readonly sessions: number;
  /** Default: the package's own, by @noble/curves. */
  readonly verifier?: "native" | undefined;
}

interface Lane {
  readonly session: Buffer;
  readonly key: Buffer;
}

/**
 * The module by pkcs11js alone, with sessions that are open already; the same with each signature verified, which is the least that
 * a signer costs that returns no wrong one; and the signer, also isolated.
 */
export const contenders: Contenders<TokenLoad> = {
  async module(load) {
    const sign = moduleOf(load);
    return { perform: sign, prove: async () => proveRaw(load.address, await sign()) };
  },

  async "verified module"(load) {
    const sign = moduleOf(load);
    const verify = verifierOf(load) ?? verifySignature;
    const { address, verifier: _verifier, ...options } = load;
    const key = new Pkcs11Key(options);
    const publicKey = await key.getPublicKey();
    await key.close();
    const perform = async () => {
      const signature = await sign();
      verify(publicKey, DIGEST, toLowS(signatureFromCompact(signature)));
      return signature;
    };
    return { perform, prove: async () => proveRaw(address, await perform()) };
  },

  signer: async (load) => signing(load, {}),

  "isolated signer": async (load) => signing(load, { isolation: "process" }),
};

function verifierOf({ verifier }: TokenLoad): Verifier | undefined {
  return verifier === "native" ? nativeVerifier() : undefined;
}

/** Signs by pkcs11js. */
function moduleOf({ libraryPath, tokenLabel, pin, keyLabel, sessions }: TokenLoad): () => Promise<Buffer> {
  const cryptoki = new pkcs11js.PKCS11();
  cryptoki.load(libraryPath);
  cryptoki.C_Initialize({ flags: pkcs11js.CKF_OS_LOCKING_OK });
  const slot = cryptoki.C_GetSlotList(true).find((each) => cryptoki.C_GetTokenInfo(each).label.trim() === tokenLabel);
  if (!slot) throw new Error(`there is no token ${tokenLabel}`);
  const lanes: Lane[] = [];
  for (let index = 0; index < sessions; index += 1) {
    const session = cryptoki.C_OpenSession(slot, pkcs11js.CKF_SERIAL_SESSION | pkcs11js.CKF_RW_SESSION);
    if (index === 0) cryptoki.C_Login(session, pkcs11js.CKU_USER, pin);
    lanes.push({ session, key: findKey(cryptoki, session, keyLabel) });
  }
  return queued(lanes, async ({ session, key }) => {
    cryptoki.C_SignInit(session, MECHANISM, key);
    return cryptoki.C_SignAsync(session, Buffer.from(DIGEST), Buffer.alloc(64));
  });
}

function proveRaw(address: string, compact: Uint8Array): void {
  requireRawSignatureBy(address, DIGEST, signatureFromCompact(compact));
}

function signing(load: TokenLoad, change: Partial<Pkcs11SignerOptions>): Contender {
  const { address, ...options } = load;
  const signer = new Pkcs11Signer({ ...options, verifier: verifierOf(load), ...change });
  return {
    perform: () => signer.signDigest(DIGEST),
    prove: async () => requireSignatureBy(address, DIGEST, await signer.signDigest(DIGEST)),
  };
}

function findKey(cryptoki: PKCS11, session: Buffer, label: string): Buffer {
  cryptoki.C_FindObjectsInit(session, [
    { type: pkcs11js.CKA_CLASS, value: pkcs11js.CKO_PRIVATE_KEY },
    { type: pkcs11js.CKA_LABEL, value: label },
  ]);
  const [key] = cryptoki.C_FindObjects(session, 1);
  cryptoki.C_FindObjectsFinal(session);
  if (!key) throw new Error(`the token has no key ${label}`);
  return key;
}

/** The least that any user of several sessions must do: a session takes one operation at a time, and calls wait for one. */
function queued<T>(lanes: Lane[], task: (lane: Lane) => Promise<T>): () => Promise<T> {
  const free = [...lanes];
  const waiting: ((lane: Lane) => void)[] = [];
  return async () => {
    const lane = free.pop() ?? (await new Promise<Lane>((resolve) => waiting.push(resolve)));
    try {
      return await task(lane);
    } finally {
      const next = waiting.shift();
      if (next) next(lane);
      else free.push(lane);
    }
  };
}
