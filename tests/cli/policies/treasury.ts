import { allow, definePolicy, message, noCalldata, to, typedData, value } from "../../../src/policy/index.ts";

/** Bundled as the module that `--policy` names. */
export const policy = definePolicy({
  name: "treasury",
  version: 1,
  rules: [
    allow("pay the supplier", to("0x70997970C51812dc3A010C7d01b50e0d17dc79C8"), noCalldata(), value(100n)),
    allow("log in", message("login")),
    allow("sign permits", typedData({ primaryType: "Permit" })),
  ],
});
