/** A plug-in of Hardhat 3: whatever is asked of a network, the accounts of signers.js come before its node. */
export const ethersHsm = {
  id: "ethers-hsm",
  hookHandlers: { network: () => import("./network-hooks.js") },
};
