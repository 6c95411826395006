import { COMMON_OPTIONS, type Command, type OptionTable } from "./command.ts";

const ENVIRONMENT = [
  ["ETHERS_HSM_KEY", "the key's URI, if --key is absent"],
  ["ETHERS_HSM_RPC", "the node's URL, if --rpc is absent"],
  ["ETHERS_HSM_NONCES", "the nonce store's URL, if --store is absent"],
  ["ETHERS_HSM_PIN", "the PIN of a token, if the URI has no pin-source"],
  ["ETHERS_HSM_PRIVATE_KEY", "the private key that import moves"],
  ["ETHERS_HSM_PASSPHRASE", "the passphrase of the PEM file with which approval sign signs"],
] as const;

const URIS = [
  "aws-kms:alias/treasury?region=eu-west-1",
  "azure-key-vault:https://NAME.vault.azure.net/keys/KEY/VERSION",
  "gcp-kms:projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/1",
  "pkcs11:token=treasury;object=hot-wallet?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=env:HSM_PIN",
  "cloudhsm:object=treasury?pin-source=file:/run/secrets/cloudhsm-pin",
];

export function mainHelp(commands: readonly Command[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    "Usage: ethers-hsm COMMAND [OPTIONS]",
    "",
    "Ethereum signatures with keys that stay in AWS KMS, Azure Key Vault, Google Cloud KMS, AWS CloudHSM or a PKCS#11 token.",
    "",
    "Commands:",
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "A key is one URI, in --key or ETHERS_HSM_KEY:",
    ...URIS.map((uri) => `  ${uri}`),
    "",
    "Environment:",
    ...ENVIRONMENT.map(([name, meaning]) => `  ${name.padEnd(22)}  ${meaning}`),
    "",
    "ethers-hsm COMMAND --help shows a command's options and examples; ethers-hsm --version the version.",
  ].join("\n");
}

export function commandHelp({ name, argument, details, options, examples }: Command): string {
  return [
    `Usage: ethers-hsm ${name}${argument ? ` ${argument}` : ""} [OPTIONS]`,
    "",
    ...details,
    "",
    "Options:",
    ...optionLines({ ...options, ...COMMON_OPTIONS }),
    "",
    "Examples:",
    ...examples.map((example) => `  ethers-hsm ${example}`),
  ].join("\n");
}

function optionLines(options: OptionTable): string[] {
  const rows = Object.entries(options).map(([name, { short, value, help }]) => {
    const flag = `${short ? `-${short}, ` : "    "}--${name}${value ? ` ${value}` : ""}`;
    return [flag, help] as const;
  });
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return rows.map(([flag, help]) => `  ${flag.padEnd(width)}  ${help}`);
}
