import { fileURLToPath } from "node:url";

export const benchmarksFolder = fileURLToPath(new URL("../", import.meta.url));

/** The section that needs what benchmarks/package.json names. */
export const PUBLISHED_SIGNERS = "published-signers";

/** For servers on this machine, which take any key that the signature fits. */
export const CREDENTIALS = { accessKeyId: "AKIABENCHBENCHBENCHB", secretAccessKey: "bench-secret-access-key" };

/** Keeps the vendors' SDKs, here and in the programs that are started, from this machine's credentials and settings. */
export function isolateFromMachine(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) delete process.env[name];
  Object.assign(process.env, {
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
    AWS_CONFIG_FILE: "/nonexistent/config",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent/credentials",
  });
}
