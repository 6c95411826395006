// A parent whose isolated library hangs in a function. It ends when it is told to, in the way that was named before:
//
//   tsx tests/pkcs11/isolation-parent.ts OPTIONS exit|crash|stay

import { Pkcs11Signer } from "ethers-hsm/pkcs11";
import { letChildrenReadTypeScript } from "../support/isolated.ts";

const [, , options = "", end] = process.argv;

letChildrenReadTypeScript();
const signer = new Pkcs11Signer(JSON.parse(options));
signer.signMessage("hangs").catch(() => undefined);
process.stdin.once("data", () => {
  if (end === "exit") process.exit();
  if (end === "crash") process.kill(process.pid, "SIGSEGV");
});
