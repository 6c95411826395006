const { default: hardhatEthers } = await import(`${"@nomicfoundation"}/hardhat-ethers`);

// biome-ignore lint/style/noDefaultExport: Hardhat loads it.
export default {
  plugins: [hardhatEthers, { id: "ethers-hsm", hookHandlers: { network: () => import("./hook.mjs") } }],
  networks: { anvil: { type: "http", url: process.env["NODE_URL"], chainType: "l1" } },
};
