import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { assertArgument } from "ethers";
import type { Position } from "./chain.ts";

/** What a checkpoint says: the log, how many lines it had, and the hash of the last of them. */
export interface Checkpoint extends Position {
  /** The log's name and its file, as `treasury/2026-11-30T20-27-32.123Z-17-5f0c2a91.jsonl`. */
  readonly origin: string;
}

/**
 * Signs the text of a checkpoint, in UTF-8, its last newline included.
 *
 * @returns the signature line of a signed note (C2SP signed-note), without its newline: `— NAME BASE64`.
 */
export type CheckpointSigner = (text: string) => string | Promise<string>;

/** The text of a signed note (C2SP tlog-checkpoint): origin, number of lines, hash of the last line in base64. */
export function checkpointText({ origin, seq, hash }: Checkpoint): string {
  return `${origin}\n${seq}\n${Buffer.from(hash, "hex").toString("base64")}\n`;
}

/** @returns undefined unless `note` is a checkpoint as {@link checkpointText} writes it, signed or not. */
export function parseCheckpoint(note: string): (Checkpoint & { readonly signatures: readonly string[] }) | undefined {
  const [text = "", signatures = ""] = note.split(/(?<=\n)\n/, 2);
  const [origin = "", count = "", head = ""] = text.split("\n");
  const checkpoint = { origin, seq: Number(count), hash: Buffer.from(head, "base64").toString("hex") };
  if (origin === "" || checkpoint.hash.length !== 64 || checkpointText(checkpoint) !== text) return undefined;
  return { ...checkpoint, signatures: signatures.split("\n").filter((line) => line !== "") };
}

/**
 * A {@link CheckpointSigner} by an Ed25519 key (C2SP signed-note, algorithm 0x01). It must not be the account's key, nor one that
 * the account's credentials may use: code that can sign for the account could then sign a rewritten log.
 *
 * @param name the signer's name in the note, without blanks and `+`.
 * @param privateKey of node:crypto: `createPrivateKey(pem)`, or `generateKeyPairSync("ed25519").privateKey`.
 */
export function ed25519Checkpoints(name: string, privateKey: KeyObject): CheckpointSigner {
  assertArgument(/^[^\s+]+$/u.test(name), "it must not be empty, nor have blanks or +", "name", name);
  const isEd25519 = privateKey.type === "private" && privateKey.asymmetricKeyType === "ed25519";
  assertArgument(isEd25519, "it must be an Ed25519 private key", "privateKey", "[REDACTED]");
  const id = keyId(name, createPublicKey(privateKey));
  return (text) => {
    const signature = sign(null, Buffer.from(text), privateKey);
    return `— ${name} ${Buffer.concat([id, signature]).toString("base64")}`;
  };
}

/** Whether one of the note's signature lines is by the Ed25519 key, whatever name it has there. */
export function isSignedBy(note: string, publicKey: KeyObject): boolean {
  const checkpoint = parseCheckpoint(note);
  if (!checkpoint) return false;
  return checkpoint.signatures.some((line) => {
    const [, name = "", encoded = ""] = /^— (\S+) (\S+)$/u.exec(line) ?? [];
    const bytes = Buffer.from(encoded, "base64");
    // Node reads base64 leniently.
    const isOfKey = bytes.toString("base64") === encoded && bytes.subarray(0, 4).equals(keyId(name, publicKey));
    return isOfKey && verify(null, Buffer.from(checkpointText(checkpoint)), publicKey, bytes.subarray(4));
  });
}

/** C2SP signed-note: the first 4 bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ public key). */
function keyId(name: string, publicKey: KeyObject): Buffer {
  const raw = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  return createHash("sha256").update(`${name}\n\x01`).update(raw).digest().subarray(0, 4);
}
