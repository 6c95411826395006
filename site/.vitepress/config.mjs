import { existsSync, readFileSync } from "node:fs";
import { defineConfig } from "vitepress";

/** The guides, in the order in which a new user meets them. */
const guides = [
  ["Begin", ["getting-started", "cli", "works-with", "when-not-to-use"]],
  ["Backends", ["aws-kms", "azure-key-vault", "gcp-kms", "pkcs11"]],
  [
    "Around the signers",
    [
      "accounts",
      "eip1193",
      "viem",
      "nonces",
      "policy",
      "quorum",
      "quorum-checklist",
      "failover",
      "testing",
      "remote-key",
    ],
  ],
  [
    "In production",
    ["operations", "custody", "audit", "telemetry", "errors", "migrating", "benchmarks", "faq", "architecture"],
  ],
];

// Written by typedoc-plugin-markdown.
const reference = new URL("../pages/reference/typedoc-sidebar.json", import.meta.url);

export default defineConfig({
  title: "ethers-hsm",
  description: "ethers v6 signers whose private keys stay in AWS KMS, Azure Key Vault or an HSM",
  lang: "en",
  srcDir: "pages",
  outDir: "dist",
  cacheDir: "../.cache/vitepress",
  cleanUrls: true,
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Guides", link: "/docs/getting-started" },
      { text: "Reference", link: "/reference/" },
      { text: "Security", link: "/SECURITY" },
      { text: "Changes", link: "/CHANGELOG" },
    ],
    sidebar: [
      { text: "ethers-hsm", link: "/" },
      ...guides.map(([text, names]) => ({ text, items: names.map(guide) })),
      {
        text: "Reference",
        collapsed: true,
        items: existsSync(reference) ? JSON.parse(readFileSync(reference, "utf8")) : [],
      },
    ],
  },
});

/** The sidebar says what the page's own title says. */
function guide(name) {
  const page = readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), "utf8");
  const [, title] = /^# (.+)$/m.exec(page) ?? [];
  return { text: title ?? name, link: `/docs/${name}` };
}
