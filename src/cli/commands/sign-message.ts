import { hashMessage } from "ethers";
import { type Command, KEY_OPTIONS, POLICY_OPTION } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { withSigner } from "../keys.ts";
import { readMessage } from "../message.ts";

export const signMessage: Command = {
  name: "sign-message",
  summary: "sign a message (EIP-191, personal_sign)",
  argument: "MESSAGE",
  details: [
    "Signs the message as UTF-8 with the prefix of EIP-191, as wallets do. - reads it from the standard input, where a line",
    "break at its end counts. Prints the signature: 65 bytes, r, s and v.",
  ],
  options: {
    ...KEY_OPTIONS,
    ...POLICY_OPTION,
    hex: { type: "boolean", help: "the message is bytes: 0x and hexadecimal digits" },
  },
  examples: [
    "sign-message 'I own this account' --key 'aws-kms:alias/treasury?region=eu-west-1'",
    "sign-message --hex 0x68656c6c6f",
    "sign-message - --json < message.txt",
  ],
  run: async (context) => {
    const message = await readMessage(context);
    return withSigner(context, null, async (signer) => {
      const signature = await signer.signMessage(message);
      context.result({ address: await signer.getAddress(), digest: hashMessage(message), signature }, [signature]);
      return EXIT.ok;
    });
  },
};
