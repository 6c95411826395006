import { createPublicKey, type KeyObject, verify, X509Certificate } from "node:crypto";
import { Refusal, requireThat } from "./refusal.ts";

const MAX_CERTIFICATES = 8;
const PEM = /-----BEGIN CERTIFICATE-----[A-Za-z\d+/=\s]+-----END CERTIFICATE-----/g;

/** A certificate and its key, decoded once. */
export interface Certified {
  readonly certificate: X509Certificate;
  readonly key: KeyObject;
}

/** @throws Refusal `certificates`. */
export function readCertificates(pem: string): Certified[] {
  const texts = pem.match(PEM) ?? [];
  requireThat(texts.length > 0, "certificates", "there are no certificates");
  requireThat(
    texts.length <= MAX_CERTIFICATES,
    "certificates",
    `there are ${texts.length} certificates, more than ${MAX_CERTIFICATES}`,
  );
  return texts.map((text, index) => {
    try {
      const certificate = new X509Certificate(text);
      return { certificate, key: certificate.publicKey };
    } catch {
      throw new Refusal("certificates", `certificate ${index + 1} of ${texts.length} cannot be decoded`);
    }
  });
}

/** Public keys from PEM of keys or certificates. @throws TypeError: a root that the caller passes must be right. */
export function readRoots(pems: readonly string[]): KeyObject[] {
  return pems.map((pem) => createPublicKey(pem));
}

/** The certificates whose RSA key made the signature: PKCS#1 v1.5 with SHA-256. @throws Refusal `signature` if there is none. */
export function signersOf(certificates: readonly Certified[], signed: Uint8Array, signature: Uint8Array): Certified[] {
  const signers = certificates.filter(
    ({ key }) => key.asymmetricKeyType === "rsa" && verify("RSA-SHA256", signed, key, signature),
  );
  requireThat(signers.length > 0, "signature", "the statement's signature is not by a key of the certificates");
  return signers;
}

/** The certificates of an HSM: of the card, and of the partition that signs. */
export interface HsmChain {
  readonly card: Certified;
  readonly partition: Certified;
}

/** Manufacturer's root → card → partition, and no other form. @throws Refusal `manufacturer`. */
export function findManufacturerChain(
  certificates: readonly Certified[],
  signers: readonly Certified[],
  roots: readonly KeyObject[],
): HsmChain {
  for (const partition of signers) {
    for (const card of certificates) {
      if (isIssuedBy(partition, card) && isSignedBy(card, roots)) return { card, partition };
    }
  }
  throw new Refusal("manufacturer", "the certificates do not lead to a root of the manufacturer");
}

/**
 * The owner's certificates for the same keys: of the partition, and of the card where the owner certifies it.
 *
 * @throws Refusal `owner`.
 */
export function findOwnerCertificates(
  certificates: readonly Certified[],
  { card, partition }: HsmChain,
  roots: readonly KeyObject[],
  certifiesCard: boolean,
): Certified[] {
  return (certifiesCard ? [partition, card] : [partition]).map(({ key }, index) => {
    const found = certificates.find((other) => other.key.equals(key) && isSignedBy(other, roots));
    const what = index === 0 ? "partition" : "card";
    requireThat(found, "owner", `no certificate of the owner's root is for the HSM's ${what} key`);
    return found;
  });
}

/** A certificate must not have expired before the key was made, and must have begun: they are not issued again for old keys. */
export function requireValid(used: readonly Certified[], madeAt: Date, now: Date): void {
  for (const { certificate } of used) {
    const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
    requireThat(from <= now, "validity", `a certificate is not valid before ${certificate.validFrom}`);
    requireThat(madeAt <= to, "validity", `a certificate expired at ${certificate.validTo}, before the key was made`);
  }
}

/** Google's rule: nothing else than the two chains and their roots. @throws Refusal `certificates`. */
export function requireNoOther(
  certificates: readonly Certified[],
  used: readonly Certified[],
  roots: readonly KeyObject[],
): void {
  const others = certificates.filter((each) => !used.includes(each) && !roots.some((root) => root.equals(each.key)));
  requireThat(others.length === 0, "certificates", `${others.length} of the certificates belong to no chain`);
}

function isIssuedBy({ certificate }: Certified, issuer: Certified): boolean {
  return certificate.checkIssued(issuer.certificate) && certificate.verify(issuer.key);
}

function isSignedBy({ certificate }: Certified, roots: readonly KeyObject[]): boolean {
  return roots.some((root) => certificate.verify(root));
}
