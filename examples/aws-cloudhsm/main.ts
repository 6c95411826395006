// An account whose key is in the cluster:
//
//   node dist/main.cjs address
//   node dist/main.cjs send ADDRESS ETHER
//
// HSM_USER and HSM_PASSWORD_FILE are the crypto user's name and the file that holds the password; KEY_LABEL is the key's label; send
// needs RPC_URL. CLOUDHSM_LIBRARY is for a library at another place than AWS's.

import { readFile } from "node:fs/promises";
import { JsonRpcProvider, parseEther } from "ethers";
import { isSignerError } from "ethers-hsm";
import { CloudHsmSigner } from "ethers-hsm/cloudhsm";

const [operation, to = "", amount = ""] = process.argv.slice(2);

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}`);
  return value;
}

async function password(): Promise<string> {
  return (await readFile(setting("HSM_PASSWORD_FILE"), "utf8")).replace(/\r?\n$/, "");
}

async function send(signer: CloudHsmSigner): Promise<void> {
  const provider = new JsonRpcProvider(setting("RPC_URL"));
  try {
    const response = await signer.connect(provider).sendTransaction({ to, value: parseEther(amount) });
    console.log(response.hash);
    const receipt = await response.wait();
    console.log(`mined in block ${receipt?.blockNumber}`);
  } finally {
    provider.destroy();
  }
}

async function main(): Promise<void> {
  const signer = new CloudHsmSigner({
    libraryPath: process.env["CLOUDHSM_LIBRARY"] || undefined,
    user: setting("HSM_USER"),
    password,
    keyLabel: setting("KEY_LABEL"),
    requireNonExtractable: true,
  });
  try {
    if (operation === "address") console.log(await signer.getAddress());
    else if (operation === "send") await send(signer);
    else throw new Error("say address, or send ADDRESS ETHER");
  } finally {
    await signer.close();
  }
}

main().catch((error: unknown) => {
  console.error(isSignerError(error) ? `${error.code}: ${error.message}` : plain(error));
  process.exitCode = 1;
});

/** An ethers error's full message can hold the RPC's URL. */
function plain(error: unknown): string {
  const { code, shortMessage, message } = error as Error & { readonly code?: string; readonly shortMessage?: string };
  return shortMessage === undefined ? message : `${code}: ${shortMessage}`;
}
