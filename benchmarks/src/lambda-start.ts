import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { Transaction } from "ethers";
import type { KmsTarget } from "./backend-server.ts";
import { runPlainNode } from "./plain-node.ts";
import { benchmarksFolder, CREDENTIALS } from "./settings.ts";
import { median } from "./statistics.ts";
import type { Table } from "./table.ts";

const HANDLER = fileURLToPath(new URL("../../examples/aws-cdk-lambda/handler.ts", import.meta.url));
const EVENT = {
  operation: "sign",
  amount: "0.01",
  dst_address: "0x000000000000000000000000000000000000dEaD",
  nonce: 0,
  max_fee_per_gas: "30",
  max_priority_fee_per_gas: "1",
};

/** Milliseconds, but for the transaction. */
interface LambdaStart {
  readonly load: number;
  readonly firstSignature: number;
  readonly total: number;
  readonly nextSignature: number;
  readonly transaction: string;
}

/** The function of examples/aws-cdk-lambda, bundled as its stack bundles it, from a new process to its first signatures. */
export async function lambdaStart({ endpoint, region, keyId, address }: KmsTarget, rounds: number): Promise<Table> {
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-lambda-"));
  try {
    const bundle = join(folder, "index.js");
    const mainFields = ["module", "main"];
    const format = { bundle: true, format: "cjs", minify: true, platform: "node", target: "node24" } as const;
    // The example's own package.json hides the library's name from its folder.
    const nodePaths = [join(benchmarksFolder, "node_modules")];
    await build({ ...format, mainFields, nodePaths, entryPoints: [HANDLER], outfile: bundle, logLevel: "error" });
    const environment = {
      KEY_ID: keyId,
      CHAIN_ID: "1",
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      AWS_ENDPOINT_URL_KMS: endpoint,
    };
    const runs: LambdaStart[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const args = [bundle, JSON.stringify(environment), JSON.stringify(EVENT)];
      const run = await runPlainNode<LambdaStart>("lambda-start.mjs", args);
      if (Transaction.from(run.transaction).from !== address) throw new Error("the function signed with another key");
      runs.push(run);
    }
    const of = (name: Exclude<keyof LambdaStart, "transaction">) => median(runs.map((run) => run[name]));
    const caption =
      "The function of examples/aws-cdk-lambda, bundled as its stack does it: ethers, the SDK and the library in one file. A fresh " +
      "process of plain Node for each run, medians in ms; the first signature begins with the request for the public key.";
    const row = {
      Bundle: `${Math.round(statSync(bundle).size / 1000)} kB`,
      "Loading it": of("load"),
      "First signature": of("firstSignature"),
      "In all": of("total"),
      "Next signature": of("nextSignature"),
    };
    return { caption, rows: [row] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
