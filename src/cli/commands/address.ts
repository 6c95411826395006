import { type Command, KEY_OPTIONS } from "../command.ts";
import { EXIT } from "../exit-codes.ts";
import { withSigner } from "../keys.ts";

export const address: Command = {
  name: "address",
  summary: "print a key's address",
  details: ["Prints the address with the checksum of EIP-55. It reads the public key, and signs nothing."],
  options: KEY_OPTIONS,
  examples: [
    "address --key 'aws-kms:alias/treasury?region=eu-west-1'",
    "address --json   # with the key of ETHERS_HSM_KEY",
  ],
  run: (context) =>
    withSigner(context, null, async (signer) => {
      const [address, publicKey] = [await signer.getAddress(), await signer.getPublicKey()];
      context.result({ address, publicKey, backend: signer.backend, keyId: signer.keyId }, [address]);
      return EXIT.ok;
    }),
};
