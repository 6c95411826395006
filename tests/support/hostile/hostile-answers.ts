import { publicKeyFromSpki } from "../../../src/core/public-key.ts";
import { signatureFromDer } from "../../../src/core/signature.ts";
import { failureModes } from "./failure-modes.ts";
import type { HostileAnswer } from "./hostile-case.ts";
import { hostilePublicKeys } from "./hostile-public-keys.ts";
import { hostileSignatures, OTHER_KEY } from "./hostile-signatures.ts";
import { malformedDer } from "./malformed-der.ts";
import { malformedSpki } from "./malformed-public-keys.ts";
import { notSignatures } from "./not-signatures.ts";

const byNumbers = hostileSignatures.map(({ name, expected, make }): HostileAnswer => {
  const behave: HostileAnswer["behave"] = (honest) => ({ signDigest: (digest) => make(digest, honest) });
  return { name: `a signature ${name}`, call: "signDigest", expected, behave };
});

const byValue = notSignatures.map(([name, expected, make]): HostileAnswer => {
  const behave: HostileAnswer["behave"] = (honest) => ({ signDigest: (digest) => make(honest.sign(digest)) });
  return { name: `for a signature ${name}`, call: "signDigest", expected, behave };
});

const byDer = malformedDer().map(({ name, code }, index): HostileAnswer => {
  const behave: HostileAnswer["behave"] = (honest) => ({
    signDigest: (digest) => signatureFromDer(malformedDer(honest.sign(digest))[index]?.bytes as Uint8Array),
  });
  return { name: `for the DER of a signature ${name}`, call: "signDigest", expected: code, behave };
});

const byPublicKey = hostilePublicKeys.map(({ name, expected, make }): HostileAnswer => {
  const behave: HostileAnswer["behave"] = (honest) => ({ getPublicKey: () => make(honest.publicKey) });
  return { name: `for the public key ${name}`, call: "getPublicKey", expected, behave };
});

const bySpki = malformedSpki(OTHER_KEY.publicKey).map(({ name, code }, index): HostileAnswer => {
  const behave: HostileAnswer["behave"] = (honest) => ({
    getPublicKey: () => publicKeyFromSpki(malformedSpki(honest.publicKey)[index]?.bytes as Uint8Array),
  });
  return { name: `for the SubjectPublicKeyInfo ${name}`, call: "getPublicKey", expected: code, behave };
});

/**
 * Everything that a backend may answer instead of the truth, and what must come of it: for tests of a signer, of an adapter
 * over one, or of an application. Turn a `HostileKey` to one after the other.
 *
 * The cases of DER and SubjectPublicKeyInfo go through this package's decoders, as in the backends that speak these encodings.
 *
 * @example
 * for (const answer of hostileAnswers) {
 *   test(answer.name, async () => {
 *     const key = new HostileKey(privateKey);
 *     const signer = new RemoteSigner(key, null, { expectedAddress: key.address, timeout: 1_000 });
 *     key.turn(answer);
 *     if (answer.expected === "accepted") await signer.signMessage("x");
 *     else await expect(signer.signMessage("x")).rejects.toMatchObject({ code: answer.expected });
 *     key.recover();
 *     await signer.signMessage("x");
 *   });
 * }
 */
export const hostileAnswers: readonly HostileAnswer[] = [
  ...byNumbers,
  ...byValue,
  ...byDer,
  ...byPublicKey,
  ...bySpki,
  ...failureModes,
];
