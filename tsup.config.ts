import { readFileSync, writeFileSync } from "node:fs";
import { defineConfig, type Options } from "tsup";

const shared: Options = {
  entry: {
    index: "src/index.ts",
    "codecs/index": "src/codecs/index.ts",
    "secp256k1/index": "src/secp256k1/index.ts",
    "attestation/index": "src/attestation/index.ts",
    "aws-kms/index": "src/aws-kms/index.ts",
    "azure-key-vault/index": "src/azure-key-vault/index.ts",
    "gcp-kms/index": "src/gcp-kms/index.ts",
    "eip1193/index": "src/eip1193/index.ts",
    "nonces/index": "src/nonces/index.ts",
    "approvals/index": "src/approvals/index.ts",
    "audit/index": "src/audit/index.ts",
    "opentelemetry/index": "src/opentelemetry/index.ts",
    "policy/index": "src/policy/index.ts",
    "viem/index": "src/viem/index.ts",
    "pkcs11/index": "src/pkcs11/index.ts",
    "pkcs11/isolation/index": "src/pkcs11/isolation/index.ts",
    "cloudhsm/index": "src/cloudhsm/index.ts",
    "testing/index": "src/testing/index.ts",
    "uri/index": "src/uri/index.ts",
    "cli/main": "src/cli/main.ts",
    "cloudhsm/quorum/index": "src/cloudhsm/quorum/index.ts",
  },
  target: "es2022",
  platform: "neutral",
  // Without it each CommonJS entry point would carry its own copy of the classes that they share.
  splitting: true,
  // Otherwise splitting makes tsup rewrite the CommonJS files with sucrase, which drops fields and turns import() into require().
  treeshake: true,
  removeNodeProtocol: false,
  external: [/^node:/],
  dts: true,
  sourcemap: true,
};

type Plugin = NonNullable<Options["plugins"]>[number];

/** esbuild calls a class that names itself _KmsSigner, in logs and inspections too; its keepNames would defeat tree shaking. */
const ownNames: Plugin = {
  name: "own-names",
  renderChunk: (code) => {
    const renamed = [...code.matchAll(/\bvar (\w+) = class _\1\b/g)].map(([, name = ""]) => name);
    return { code: renamed.reduce((all, name) => all.replace(new RegExp(`\\b_${name}\\b`, "g"), `${name}`), code) };
  },
};

/** Both treeshake and tsup name the source map. */
const oneSourceMap: Plugin = {
  name: "one-source-map",
  buildEnd: ({ writtenFiles }) => {
    for (const { name } of writtenFiles.filter((file) => /\.c?js$/.test(file.name))) {
      writeFileSync(name, readFileSync(name, "utf8").replace(/(\n\/\/# sourceMappingURL=.+)\1\s*$/, "$1\n"));
    }
  },
};

export default defineConfig([
  { ...shared, format: "esm", plugins: [ownNames, oneSourceMap] },
  {
    ...shared,
    format: "cjs",
    // They ship ES modules only: not every loader of CommonJS, jest's for example, can require them.
    noExternal: [/^@noble\//, "asn1js", "@peculiar/utils"],
    // Files beside this one are found from there. What esbuild makes of it in CommonJS otherwise is undefined.
    esbuildOptions(options) {
      options.define = { ...options.define, "import.meta.url": "__filename" };
    },
    plugins: [
      ownNames,
      oneSourceMap,
      {
        // What is loaded late is required: jest, in CommonJS, refuses import().
        name: "late-require",
        renderChunk: (code) => ({
          code: code.replace(
            /\bimport\(("[^"]+")\)/g,
            "Promise.resolve().then(() => ({ default: require($1), ...require($1) }))",
          ),
        }),
      },
    ],
  },
]);
