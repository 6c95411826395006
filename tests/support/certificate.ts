import { type KeyObject, sign } from "node:crypto";

export interface CertificateSettings {
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  /** Of the issuer: RSA, or EC on P-256. */
  readonly signedBy: KeyObject;
  readonly from?: Date;
  readonly to?: Date;
  /** DER of one Extension each. Without any the certificate is of version 1, as Marvell's are. */
  readonly extensions?: readonly Buffer[];
}

const HOUR = 3_600_000;
const ALGORITHMS: Readonly<Record<string, string>> = { rsa: "06092a864886f70d01010b0500", ec: "06082a8648ce3d040302" };
let serial = 0;

/** PEM of a certificate (RFC 5280, section 4.1), signed with SHA-256. */
export function issueCertificate(settings: CertificateSettings): string {
  const { subject, issuer, publicKey, signedBy, extensions = [] } = settings;
  const { from = new Date(Date.now() - HOUR), to = new Date(Date.now() + 24 * HOUR) } = settings;
  const algorithm = sequence(Buffer.from(ALGORITHMS[String(signedBy.asymmetricKeyType)] ?? "", "hex"));
  serial += 1;
  const content = sequence(
    ...(extensions.length > 0 ? [tlv(0xa0, tlv(0x02, Buffer.from([2])))] : []),
    tlv(0x02, Buffer.from([serial])),
    algorithm,
    nameOf(issuer),
    sequence(timeOf(from), timeOf(to)),
    nameOf(subject),
    publicKey.export({ type: "spki", format: "der" }),
    ...(extensions.length > 0 ? [tlv(0xa3, sequence(...extensions))] : []),
  );
  const signature = tlv(0x03, Buffer.concat([Buffer.from([0]), sign("sha256", content, signedBy)]));
  return pemOf(sequence(content, algorithm, signature));
}

function pemOf(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

export function tlv(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const header =
    length < 128 ? [tag, length] : length < 256 ? [tag, 0x81, length] : [tag, 0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from(header), content]);
}

export function sequence(...parts: Buffer[]): Buffer {
  return tlv(0x30, Buffer.concat(parts));
}

function nameOf(commonName: string): Buffer {
  return sequence(tlv(0x31, sequence(Buffer.from("0603550403", "hex"), tlv(0x0c, Buffer.from(commonName)))));
}

function timeOf(date: Date): Buffer {
  const digits = date.toISOString().replace(/\D/g, "").slice(2, 14);
  return tlv(0x17, Buffer.from(`${digits}Z`));
}
