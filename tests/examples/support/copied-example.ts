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

/** The binary of a Node that a cloud runs functions on: AWS Lambda of 24, Azure Functions of 22. */
export function nodeOf(major: 22 | 24): string {
  return process.env[`ETHERS_HSM_NODE_${major}`] ?? "";
}

/** How the TAP output of an example's own tests ends where all of them ran and passed, and there are some. */
export const ALL_PASSED = /^# pass [1-9]\d*\n# fail 0\n# cancelled 0\n# skipped 0\n# todo 0$/m;
