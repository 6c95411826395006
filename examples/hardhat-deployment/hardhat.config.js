import { createRequire } from "node:module";
import hardhatEthers from "@nomicfoundation/hardhat-ethers";
import hardhatNetworkHelpers from "@nomicfoundation/hardhat-network-helpers";
import { ethersHsm } from "./ethers-hsm-plugin.js";

const require = createRequire(import.meta.url);

// biome-ignore lint/style/noDefaultExport: Hardhat loads it.
export default {
  plugins: [hardhatEthers, hardhatNetworkHelpers, ethersHsm],
  networks: {
    // Where to deploy to.
    target: { type: "http", url: process.env["RPC_URL"] ?? "http://127.0.0.1:8545", chainType: "l1" },
  },
  // The compiler from npm, so that nothing is downloaded when it compiles.
  solidity: { version: require("solc/package.json").version, path: require.resolve("solc/soljson.js") },
};
