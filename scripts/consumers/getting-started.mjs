import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../setup/command.mjs";
import { projectFolder } from "../setup/project.mjs";

/**
 * Runs the programs of docs/getting-started.md as they are written there, in an application that has just been installed.
 *
 * @param {string} folder
 * @param {string} rpc the URL of an anvil
 * @param {Record<string, string>} key ETHERS_HSM_KEY, and what its backend needs
 * @returns {AsyncIterable<{ what: string, ok: boolean, output: string }>}
 */
export async function* gettingStarted(folder, rpc, key) {
  const options = { cwd: folder, env: { ...key, ETHERS_HSM_RPC: rpc }, timeout: 60_000 };
  const address = run("npx", ["--no-install", "ethers-hsm", "address"], options);
  yield { what: "the command tells the address", ...address };
  const params = [address.output, "0xde0b6b3a7640000"];
  await fetch(rpc, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "anvil_setBalance", params }),
  });
  const guide = readFileSync(join(projectFolder, "docs/getting-started.md"), "utf8");
  const programs = [...guide.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code]) => code ?? "");
  for (const [index, name] of ["pay.mjs", "pay.cjs"].entries()) {
    writeFileSync(join(folder, name), programs[index] ?? "");
    const { ok, output } = run(process.execPath, [name], options);
    yield { what: `${name} sends a transaction`, ok: ok && /^0x\w{40} 0x[0-9a-f]{64}$/.test(output), output };
  }
}
