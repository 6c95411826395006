import { execFileSync } from "node:child_process";
import { expect, test } from "@jest/globals";

test.each(["src/index.ts", "src/aws-kms/index.ts"])(
  "the code of %s names no module of Node and no OpenTelemetry",
  (entry) => {
    const options = ["--bundle", "--packages=external", "--platform=browser", "--format=esm"];
    const code = execFileSync("node_modules/.bin/esbuild", [entry, ...options, "--log-level=error"], {
      encoding: "utf8",
    });
    // The other tests show that the channel is there.
    expect(code).toContain("ethers-hsm:call");
    expect(code).not.toMatch(/["'`]node:|@opentelemetry/);
  },
);
