import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { gzipSync } from "node:zlib";
import { SigningKey } from "ethers";
import type { VerifyAttestationOptions } from "../../src/attestation/index.ts";
import type { KeyAttestation } from "../../src/index.ts";
import { issueCertificate } from "../support/certificate.ts";

/** Attributes by number, in the order of a real statement. */
export type Attributes = Map<number, Buffer>;

export interface StatementChanges {
  /** Of the public and of the private half. */
  readonly publicPart?: (attributes: Attributes) => void;
  readonly privatePart?: (attributes: Attributes) => void;
  /** The parts to write. Default: public, private. */
  readonly parts?: (parts: readonly Attributes[]) => readonly Attributes[];
  /** Changes the bytes before they are signed. */
  readonly bytes?: (bytes: Buffer) => Buffer;
  readonly signedBy?: KeyObject;
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

// In real certificates RSA too, which takes longer to generate.
const ec = () => generateKeyPairSync("ec", { namedCurve: "P-256" });
const pemOf = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();
const SPKI_HEADER = Buffer.from("3056301006072a8648ce3d020106052b8104000a034200", "hex");

/** A manufacturer, an owner, and an HSM of theirs, which attests keys in the layout of Marvell LiquidSecurity firmware 3. */
export class TestHsm {
  readonly manufacturer: Keys = ec();
  readonly owner: Keys = ec();
  readonly card: Keys = ec();
  readonly partition: Keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  /** PEM, by what they certify. */
  readonly certificates = {
    partition: this.certify("HSM:PARTN:1", "HSM", this.partition, this.card),
    card: this.certify("HSM", "Maker", this.card, this.manufacturer),
    ownerPartition: this.certify("HSM:PARTN:1", "Owner", this.partition, this.owner),
    ownerCard: this.certify("HSM", "Owner", this.card, this.owner),
  };

  certify(subject: string, issuer: string, { publicKey }: Keys, { privateKey }: Keys, from?: Date, to?: Date): string {
    const validity = { ...(from ? { from } : {}), ...(to ? { to } : {}) };
    return issueCertificate({ subject, issuer, publicKey, signedBy: privateKey, ...validity });
  }

  /** What the verifier trusts, in place of the real roots. */
  get roots(): VerifyAttestationOptions {
    return { manufacturerRoots: [pemOf(this.manufacturer.publicKey)], ownerRoots: [pemOf(this.owner.publicKey)] };
  }

  get manufacturerRoot(): VerifyAttestationOptions {
    return { manufacturerRoots: [pemOf(this.manufacturer.publicKey)] };
  }

  /** What Google's API has of a version whose key was generated in the HSM. */
  attestGoogle(publicKey: Uint8Array, keyName: string, changes: StatementChanges = {}): KeyAttestation {
    const hash = (text: string) => createHash("sha256").update(text).digest("hex");
    const statement = this.statement(publicKey, `${hash("a wrapping key")}${hash(keyName)}`, changes);
    return {
      ...{ format: "marvell", service: "gcp-kms", keyName, statement: gzipSync(statement).toString("base64") },
      certificates: Object.values(this.certificates).join(""),
    };
  }

  /** What a Managed HSM's getKeyAttestation has; no gzip, and no certificate of a known owner. */
  attestAzure(publicKey: Uint8Array, keyName: string, changes: StatementChanges = {}): KeyAttestation {
    const [name, version] = keyName.split("/").slice(-2);
    const statement = this.statement(publicKey, `hsm/keys/${name}/${version}`, changes);
    return {
      ...{ format: "marvell", service: "azure-key-vault", keyName, statement: statement.toString("base64") },
      certificates: this.certificates.partition + this.certificates.card,
    };
  }

  statement(publicKey: Uint8Array, id: string, changes: StatementChanges = {}): Buffer {
    const halves = [attributesOf(2, publicKey, id), attributesOf(3, publicKey, id)] as const;
    changes.publicPart?.(halves[0]);
    changes.privatePart?.(halves[1]);
    const parts = (changes.parts?.(halves) ?? halves).map((each) => partOf(each));
    const data = Buffer.concat([infoOf(parts), ...parts]);
    // The real ones have 16 bytes between the header and the data.
    const header = Buffer.alloc(32);
    header.writeUInt32BE(3, 4);
    header.writeUInt32BE(32 + data.length + 256, 8);
    header.writeUInt32BE(data.length, 12);
    const plain = Buffer.concat([header, data]);
    const signed = changes.bytes?.(plain) ?? plain;
    return Buffer.concat([signed, sign("sha256", signed, changes.signedBy ?? this.partition.privateKey)]);
  }
}

function attributesOf(objectClass: number, publicKey: Uint8Array, id: string): Attributes {
  const isPrivate = objectClass === 3;
  const flag = (value: boolean) => Buffer.from([value ? 1 : 0]);
  const padded = Buffer.alloc(128);
  padded.write(id, "latin1");
  const spki = Buffer.concat([SPKI_HEADER, publicKey]);
  return new Map<number, Buffer>([
    ...([
      [0x0000, Buffer.from([objectClass])],
      [0x0100, Buffer.from([3])],
      [0x0108, flag(isPrivate)],
    ] as const),
    ...([
      [0x0163, flag(true)],
      [0x0103, flag(isPrivate)],
      [0x0162, flag(!isPrivate)],
    ] as const),
    ...([
      [0x0003, Buffer.alloc(128)],
      [0x0102, padded],
    ] as const),
    [0x0173, createHash("sha1").update(spki).digest().subarray(0, 3)],
    [0x1003, createHash("sha256").update(spki).digest()],
    [0x8000_0174, Buffer.alloc(32)],
    [0x0120, Buffer.from(publicKey)],
    [0x0121, Buffer.from([0, 0, 0x02, 0xca])],
    ...([
      [0x0165, flag(isPrivate)],
      [0x0164, flag(isPrivate)],
    ] as const),
  ]);
}

function partOf(attributes: Attributes): Buffer {
  const records = [...attributes].map(([type, value]) => Buffer.concat([numbers(type, value.length), value]));
  const content = Buffer.concat(records);
  return Buffer.concat([numbers(2022, attributes.size, content.length), content]);
}

function infoOf(parts: readonly Buffer[]): Buffer {
  const info = Buffer.alloc(8);
  info.writeUInt16BE(1, 0);
  info.writeUInt16BE(3, 2);
  info.writeUInt16BE(8, 4);
  info.writeUInt16BE(parts.length > 1 ? 8 + (parts[0]?.length ?? 0) : 0, 6);
  return info;
}

function numbers(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) buffer.writeUInt32BE(value, 4 * index);
  return buffer;
}

/** 65 bytes. */
export function publicKeyOf(privateKey: string): Uint8Array {
  return Uint8Array.from(Buffer.from(new SigningKey(privateKey).publicKey.slice(2), "hex"));
}
