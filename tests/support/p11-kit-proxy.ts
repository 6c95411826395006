import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setRealEnvironment } from "./real-environment.ts";

/**
 * p11-kit-proxy over `module` alone, which this process must not have loaded before: it reads its configuration once.
 *
 * @param client the path of p11-kit-client.so
 */
export function p11KitProxy(client: string | undefined, module: string): string {
  // Debian and Fedora put it one folder above the modules.
  const proxy = join(dirname(dirname(client ?? "")), "p11-kit-proxy.so");
  if (!existsSync(proxy)) throw new Error(`there is no ${proxy}; run npm run setup`);
  const folder = mkdtempSync(join(tmpdir(), "ethers-hsm-p11-kit-"));
  mkdirSync(join(folder, "pkcs11", "modules"), { recursive: true });
  writeFileSync(join(folder, "pkcs11", "modules", "softhsm.module"), `module: ${module}\n`);
  setRealEnvironment("XDG_CONFIG_HOME", folder);
  return proxy;
}
