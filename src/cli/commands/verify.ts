import { getAddress, hashMessage, isHexString, recoverAddress, Signature, TypedDataEncoder } from "ethers";
import type { Command } from "../command.ts";
import type { Context } from "../context.ts";
import { requireUsage } from "../errors.ts";
import { EXIT } from "../exit-codes.ts";
import { readMessage } from "../message.ts";
import { parseTransaction } from "../transaction-file.ts";
import { readTypedData } from "../typed-data.ts";

export const verify: Command = {
  name: "verify",
  summary: "check whose signature it is, without any key",
  argument: "[MESSAGE]",
  details: [
    "Checks that the signature of a message, of typed data, or of a signed transaction is by ADDRESS. It needs no key and no",
    "network, and so knows nothing of contract wallets (EIP-1271). Exit code 1 says that it is by another account.",
  ],
  options: {
    address: { type: "string", value: "ADDRESS", help: "whose signature it should be" },
    signature: { type: "string", value: "HEX", help: "65 bytes, or 64 in the compact form of EIP-2098" },
    hex: { type: "boolean", help: "the message is bytes: 0x and hexadecimal digits" },
    "typed-data": { type: "string", value: "FILE", help: "the typed data that was signed; - for stdin" },
    tx: { type: "string", value: "FILE", help: "a signed transaction as hex, in place of --signature; - for stdin" },
  },
  examples: [
    "verify 'I own this account' --address 0x8ba1f109551bD432803012645Ac136ddd64DBA72 --signature 0x…",
    "verify --typed-data permit.json --address 0x8ba1f109551bD432803012645Ac136ddd64DBA72 --signature 0x…",
    "verify --tx signed.hex --address 0x8ba1f109551bD432803012645Ac136ddd64DBA72 --json",
  ],
  run: async (context) => {
    const address = readAddress(context.requireText("address"));
    const signer = await signerOf(context);
    const valid = signer === address;
    context.result({ valid, address, signer }, [
      valid ? `valid: signed by ${address}` : `NOT valid: ${explain(signer)}`,
    ]);
    return valid ? EXIT.ok : EXIT.failedCheck;
  },
};

function explain(signer: string | null): string {
  return signer === null ? "it is not a signature by any key" : `signed by ${signer}, or of something else`;
}

/** Null if it is not a signature by any key. */
async function signerOf(context: Context): Promise<string | null> {
  const [typedData, tx] = [context.text("typed-data"), context.text("tx")];
  const message = context.argument("MESSAGE");
  const ways = [typedData, tx, message].filter((way) => way !== undefined);
  requireUsage(ways.length === 1, "one of MESSAGE, --typed-data FILE and --tx FILE says what was signed");
  if (tx !== undefined) {
    requireUsage(
      context.text("signature") === undefined,
      "a signed transaction brings its signature: leave --signature out",
    );
    const transaction = parseTransaction((await context.read(tx, "--tx")).trim());
    requireUsage(transaction.isSigned(), "the transaction is not signed");
    return transaction.from;
  }
  const signature = readSignature(context.requireText("signature"));
  if (typedData === undefined) return recover(hashMessage(await readMessage(context)), signature);
  const { domain, types, message: value } = await readTypedData(context, typedData, "--typed-data");
  return recover(TypedDataEncoder.hash(domain, types, value), signature);
}

function recover(digest: string, signature: Signature): string | null {
  try {
    return recoverAddress(digest, signature);
  } catch {
    return null;
  }
}

function readAddress(text: string): string {
  try {
    // ethers also reads ICAP addresses, and digits without 0x.
    return getAddress(/^0x/.test(text) ? text : "");
  } catch {
    requireUsage(false, "--address must be an address of 0x and 40 digits, with the right checksum if it has one");
  }
}

function readSignature(text: string): Signature {
  const rule = "--signature must be 65 bytes with a v of 27 or 28, or 64 bytes of EIP-2098, and have a low s (EIP-2)";
  requireUsage(isHexString(text, 65) || isHexString(text, 64), rule);
  try {
    // For a high s, with which the same signature would be there twice, ethers throws when it is serialized.
    return Signature.from(Signature.from(text).serialized);
  } catch {
    requireUsage(false, rule);
  }
}
