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

const repository = "https://github.com/ethers-hsm/ethers-hsm";
const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#3451b2"/><path d="M11 15v-3a5 5 0 0 1 10 0v3" fill="none" stroke="#fff" stroke-width="3"/><rect x="8" y="15" width="16" height="11" rx="2" fill="#fff"/></svg>';

// Written by typedoc-plugin-markdown.
const reference = new URL("../pages/reference/typedoc-sidebar.json", import.meta.url);

export default defineConfig({
  title: "ethers-hsm",
  description: "ethers v6 signers whose private keys stay in AWS KMS, Azure Key Vault, Google Cloud KMS or an HSM",
  lang: "en",
  srcDir: "pages",
  outDir: "dist",
  cacheDir: "../.cache/vitepress",
  cleanUrls: true,
  head: [["link", { rel: "icon", href: `data:image/svg+xml,${encodeURIComponent(icon)}` }]],
  themeConfig: {
    search: {
      provider: "local",
      // A guide says what to do; an interface of the reference only has the same words.
      options: {
        miniSearch: { searchOptions: { boostDocument: (id) => (id.includes("/reference/") ? 0.1 : 1) } },
      },
    },
    socialLinks: [{ icon: "github", link: repository }],
    footer: { message: `MIT licence. Status 0.x, not audited. <a href="${repository}/issues">Issues</a>` },
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
