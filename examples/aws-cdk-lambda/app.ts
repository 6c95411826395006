// What `cdk synth` and `cdk deploy` run. Options come as `-c name=value`, or from the context of cdk.json.

import { App, RemovalPolicy } from "aws-cdk-lib";
import { SignerStack } from "./signer-stack.ts";

const app = new App();
const text = (name: string): string | undefined => app.node.tryGetContext(name);

const chainId = Number(text("chainId"));
if (!Number.isSafeInteger(chainId) || chainId < 1) throw new Error("say which chain: -c chainId=11155111");
const removalPolicy = text("removalPolicy") ?? "retain";
if (removalPolicy !== "retain" && removalPolicy !== "destroy") {
  throw new Error("removalPolicy must be retain or destroy");
}

new SignerStack(app, text("stackName") ?? "EthereumSigner", {
  chainId,
  aliasName: text("aliasName"),
  rpcUrl: text("rpcUrl"),
  maxFeeGwei: text("maxFeeGwei"),
  maxAmountEther: text("maxAmountEther"),
  expectedAddress: text("expectedAddress"),
  removalPolicy: removalPolicy === "destroy" ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
});
