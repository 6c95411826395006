import { defineConfig } from "tsup";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    "aws-kms/index": "src/aws-kms/index.ts",
    "azure-key-vault/index": "src/azure-key-vault/index.ts",
    "eip1193/index": "src/eip1193/index.ts",
    "viem/index": "src/viem/index.ts",
    "pkcs11/index": "src/pkcs11/index.ts",
    "pkcs11/host/index": "src/pkcs11/host/index.ts",
    "cloudhsm/index": "src/cloudhsm/index.ts",
    "testing/index": "src/testing/index.ts",
    "uri/index": "src/uri/index.ts",
    "cli/main": "src/cli/main.ts",
    "cloudhsm/quorum/index": "src/cloudhsm/quorum/index.ts",
  },
  format: ["esm", "cjs"],
  target: "es2022",
  platform: "neutral",
  // Without it each CommonJS entry point would carry its own copy of the classes that they share.
  splitting: true,
  // A class that names itself would be called _KmsSigner otherwise, in logs and inspections.
  keepNames: true,
  // Otherwise splitting makes tsup rewrite the CommonJS files with sucrase, which drops fields and turns import() into require().
  treeshake: true,
  removeNodeProtocol: false,
  // The PKCS#11 host is found from there. What esbuild makes of it in CommonJS otherwise is undefined.
  esbuildOptions(options, { format }) {
    if (format === "cjs") options.define = { ...options.define, "import.meta.url": "__filename" };
  },
  external: [/^node:/],
  dts: true,
  sourcemap: true,
  clean: true,
});
