import { createPrivateKey, type KeyObject } from "node:crypto";
import type { QuorumTokenSigner } from "../approvals/token-signature.ts";
import type { Pkcs11KeyOptions } from "../pkcs11/options.ts";
import { parseKeyUri } from "../uri/key-uri.ts";
import { optionsOf } from "../uri/options.ts";
import type { Context } from "./context.ts";
import { CommandError, requireUsage } from "./errors.ts";
import { keyOptionsOf } from "./keys.ts";
import { openAgentKey } from "./ssh-agent.ts";

const AGENT = "ssh-agent:";
const TOKEN = /^pkcs11:/i;

/** An approver's RSA-2048 key, ready to sign. */
export interface ApprovalKey {
  readonly key: KeyObject | QuorumTokenSigner;
  /** What a signature of a key that lives elsewhere is checked against. */
  readonly publicKey?: KeyObject;
  close?(): Promise<void>;
}

/**
 * Finds the key of `--key`: a PEM file, a `pkcs11:` URI of a token's key, or `ssh-agent:` and a fingerprint.
 *
 * @returns what opens it, once the approver has agreed: that may ask for a passphrase or a PIN.
 */
export async function findApprovalKey(context: Context): Promise<() => Promise<ApprovalKey>> {
  const name = context.requireText("key");
  if (name.startsWith(AGENT)) return () => openAgent(name.slice(AGENT.length));
  if (TOKEN.test(name)) {
    // So that a URI that cannot be right is told before a person is asked.
    parseKeyUri(name);
    return () => openToken(context, name);
  }
  const pem = await context.read(name, "--key");
  return async () => ({ key: await openPem(context, pem) });
}

async function openAgent(fingerprint: string): Promise<ApprovalKey> {
  const { publicKey, sign } = await openAgentKey(fingerprint);
  return { publicKey, key: (_token, approvalData) => sign(approvalData) };
}

async function openToken(context: Context, uri: string): Promise<ApprovalKey> {
  const options = await optionsOf(parseKeyUri(uri), await keyOptionsOf(context, uri));
  requireUsage(options["libraryPath"], "the URI of --key needs the library, by module-path or module-name");
  const { RsaTokenKey } = await import("../pkcs11/rsa-key.ts");
  const key = await RsaTokenKey.open(options as unknown as Pkcs11KeyOptions);
  return {
    publicKey: key.publicKey,
    key: (_token, approvalData) => key.sign(approvalData),
    close: () => key.close(),
  };
}

async function openPem(context: Context, pem: string): Promise<KeyObject> {
  const isEncrypted = pem.includes("ENCRYPTED");
  const passphrase = isEncrypted ? await readPassphrase(context) : undefined;
  try {
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    throw new CommandError(
      "USAGE",
      "--key must be a private key as PEM",
      isEncrypted ? "or the passphrase is wrong" : undefined,
    );
  }
}

async function readPassphrase({ terminal }: Context): Promise<string> {
  const given = process.env["ETHERS_HSM_PASSPHRASE"];
  if (given !== undefined && given !== "") return given;
  requireUsage(
    terminal.isInteractive,
    "the key has a passphrase: set ETHERS_HSM_PASSPHRASE; there is no terminal to ask at",
  );
  return terminal.askHidden("Passphrase of the key (it is not shown): ");
}
