import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** The copy of an example that the run's global set-up made and installed. */
export class CopiedExample {
  readonly folder: string;

  constructor(name: string) {
    this.folder = join(process.env["ETHERS_HSM_TEST_FOLDER"] ?? "", name);
  }

  file(...path: readonly string[]): string {
    return join(this.folder, ...path);
  }

  /** Runs a script of its package.json. @returns what it wrote. @throws where it failed, with what it wrote. */
  npmRun(script: string, ...args: readonly string[]): string {
    const env = { ...process.env, CI: "true", AWS_EC2_METADATA_DISABLED: "true" };
    try {
      const command = ["run", script, ...(args.length > 0 ? ["--", ...args] : [])];
      return execFileSync("npm", command, {
        cwd: this.folder,
        env,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "pipe"],
      });
    } catch (error) {
      const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
      throw new Error(`npm run ${script} failed:\n${stdout}${stderr}`);
    }
  }
}

/** The binary of the Node that the clouds run the functions on. */
export function node24(): string {
  return process.env["ETHERS_HSM_NODE_24"] ?? "";
}
