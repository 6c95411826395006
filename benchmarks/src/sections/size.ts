import { bundledSizes } from "../../../scripts/bundle-size.mjs";
import type { Section } from "../section.ts";

export const size: Section = {
  name: "size",
  title: "Size of each entry point",
  async run() {
    const rows = (await bundledSizes()).map(({ name, minified, gzipped, budget }) => ({
      "Entry point": `\`ethers-hsm${name.slice(1)}\``,
      "Minified, kB": minified / 1_000,
      "Minified and gzipped, kB": gzipped / 1_000,
      Goal: `≤ ${budget / 1_000} kB`,
      Met: gzipped <= budget ? "yes" : "no",
    }));
    return [{ caption: "ES modules with everything but the peer dependencies, by esbuild; kB are 1,000 bytes.", rows }];
  },
};
