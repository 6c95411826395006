import { TypedDataEncoder } from "ethers";
import { type Command, KEY_OPTIONS, POLICY_OPTION } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { withSigner } from "../keys.ts";
import { readTypedData } from "../typed-data.ts";

export const signTypedData: Command = {
  name: "sign-typed-data",
  summary: "sign typed data (EIP-712, eth_signTypedData_v4)",
  argument: "FILE",
  details: [
    "FILE holds the JSON of eth_signTypedData_v4: domain, types with EIP712Domain, primaryType and message; - is the standard",
    "input. The domain must have just the fields that EIP712Domain declares, and addresses must be addresses, not names.",
  ],
  options: { ...KEY_OPTIONS, ...POLICY_OPTION },
  examples: [
    "sign-typed-data permit.json --key 'aws-kms:alias/treasury?region=eu-west-1'",
    "sign-typed-data - --json < permit.json",
  ],
  run: async (context) => {
    const { domain, types, message } = await readTypedData(context, context.requireArgument("FILE"), "FILE");
    return withSigner(context, null, async (signer) => {
      const signature = await signer.signTypedData(domain, types, message);
      const digest = TypedDataEncoder.hash(domain, types, message);
      context.result({ address: await signer.getAddress(), digest, signature }, [signature]);
      return EXIT.ok;
    });
  },
};
