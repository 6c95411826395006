// core ← telemetry ← signer ← accounts ← backend ← the backends; accounts ← adapters. What may enter where is told in docs/architecture.md.

const vendors = [
  "pkcs11js",
  "@opentelemetry",
  "@aws-sdk",
  "@azure",
  "@google-cloud",
  "google-auth-library",
  "viem",
  "secp256k1",
];

const pure = "^src/(core|telemetry|signer|accounts)/";
const backends = "^src/(?!core/|telemetry/|signer/|accounts/|approvals/|backend/)[^/]+/";
const rooms = "^src/(aws-kms|azure-key-vault|gcp-kms|pkcs11|cloudhsm|cli)/";

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "core-stands-alone",
      severity: "error",
      from: { path: "^src/core/" },
      to: { path: "^src/", pathNot: "^src/core/" },
    },
    {
      name: "telemetry-knows-core-only",
      severity: "error",
      from: { path: "^src/telemetry/" },
      to: { path: "^src/", pathNot: "^src/(core|telemetry)/" },
    },
    {
      name: "signer-knows-core-and-telemetry-only",
      severity: "error",
      from: { path: "^src/signer/" },
      to: { path: "^src/", pathNot: "^src/(core|telemetry|signer)/" },
    },
    {
      name: "accounts-know-signer-and-core-only",
      severity: "error",
      from: { path: "^src/accounts/" },
      to: { path: "^src/", pathNot: pure },
    },
    {
      comment: "What approvers see is the same in the command, in the page and in applications.",
      name: "approvals-know-signer-and-core-only",
      severity: "error",
      from: { path: "^src/approvals/" },
      to: { path: "^src/", pathNot: "^src/(core|signer|approvals)/|^src/policy/approvals\\.ts$" },
    },
    {
      comment: "An approver of a policy has the policy's types.",
      name: "approvals-know-types-of-policy-only",
      severity: "error",
      from: { path: "^src/approvals/" },
      to: { path: "^src/policy/", dependencyTypesNot: ["type-only"] },
    },
    {
      comment: "These need Node: RSA keys in its forms, and those who check or make signatures with them.",
      name: "approvals-of-the-page-know-no-platform",
      severity: "error",
      from: {
        path: "^src/approvals/",
        pathNot: "^src/approvals/(approve|collect|create-request|merge|rsa-key|token-signature)\\.ts$",
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      comment: "What every backend shares knows none of them.",
      name: "backend-knows-accounts-signer-and-core-only",
      severity: "error",
      from: { path: "^src/backend/" },
      to: { path: "^src/", pathNot: "^src/(core|telemetry|signer|accounts|backend)/" },
    },
    {
      comment: "Adapters need no backend; the command looks at them.",
      name: "backends-know-backend",
      severity: "error",
      from: { path: "^src/", pathNot: `${rooms}|^src/backend/` },
      to: { path: "^src/backend/" },
    },
    {
      name: "index-knows-no-backend",
      severity: "error",
      from: { path: "^src/index\\.ts$" },
      to: { path: "^src/", pathNot: pure },
    },
    {
      name: "backends-do-not-know-each-other",
      severity: "error",
      from: { path: "^src/([^/]+)/", pathNot: "^src/(approvals|cloudhsm|eip1193|policy|uri|cli|testing)/" },
      to: { path: backends, pathNot: "^src/$1/" },
    },
    {
      comment: "CloudHSM is reached over PKCS#11.",
      name: "cloudhsm-knows-pkcs11-only",
      severity: "error",
      from: { path: "^src/cloudhsm/" },
      to: { path: backends, pathNot: "^src/(cloudhsm|pkcs11)/" },
    },
    {
      comment: "The provider sends with nonces that a store counts.",
      name: "eip1193-knows-nonces-only",
      severity: "error",
      from: { path: "^src/eip1193/" },
      to: { path: backends, pathNot: "^src/(eip1193|nonces)/" },
    },
    {
      comment: "Limits are kept through the clients of the nonces.",
      name: "policy-knows-types-of-nonces-only",
      severity: "error",
      from: { path: "^src/policy/" },
      to: { path: backends, pathNot: "^src/policy/", dependencyTypesNot: ["type-only"] },
    },
    {
      comment: "The types are those of the clients alone.",
      name: "policy-knows-clients-of-nonces-only",
      severity: "error",
      from: { path: "^src/policy/" },
      to: { path: backends, pathNot: "^src/(policy/|nonces/(postgres|redis)-store\\.ts$)" },
    },
    {
      comment: "A URI names one of the backends, which is loaded then; it knows no adapter.",
      name: "uri-knows-backends-only",
      severity: "error",
      from: { path: "^src/uri/" },
      to: { path: "^src/(cli|eip1193|viem|testing)/" },
    },
    {
      comment:
        "An import of a backend's values would load it, whichever one the URI names; pkcs11/uri.ts is names alone.",
      name: "uri-loads-backends-late",
      severity: "error",
      from: { path: "^src/uri/" },
      to: {
        path: backends,
        pathNot: "^src/(uri/|pkcs11/uri\\.ts$)",
        dependencyTypesNot: ["dynamic-import", "type-only"],
      },
    },
    {
      name: "nothing-knows-the-command-and-only-it-knows-uri",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/(cli|uri)/" },
      to: { path: "^src/(cli|uri)/" },
    },
    {
      comment: "It is for tests: authors' of keys, signers and nonce stores, and this package's own.",
      name: "testing-knows-interfaces-only",
      severity: "error",
      from: { path: "^src/testing/" },
      to: { path: "^src/", pathNot: "^src/(core|signer|testing)/|^src/nonces/store\\.ts$" },
    },
    {
      name: "nothing-knows-testing",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/testing/" },
      to: { path: "^src/testing/" },
    },
    {
      name: "nothing-knows-index",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^src/index\\.ts$" },
    },
    {
      comment: "They run in a browser too.",
      name: "pure-parts-know-no-platform",
      severity: "error",
      from: {
        path: [
          pure,
          "^src/index\\.ts$",
          "^src/(backend|aws-kms|azure-key-vault|gcp-kms|codecs|eip1193|nonces|opentelemetry|policy|viem|testing)/",
        ],
      },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "pure-parts-know-no-vendor",
      severity: "error",
      from: { path: [pure, "^src/index\\.ts$", "^src/(backend|testing)/"] },
      to: { path: `(^|/)(${vendors.join("|")})(/|$)` },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "nothing-unresolved",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    {
      comment: "A package that the library imports is a dependency or a peer, else a consumer lacks it.",
      name: "declared-packages-only",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["npm-peer", "npm"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
      mainFields: ["module", "main", "types"],
    },
  },
};
