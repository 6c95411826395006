import type { P11KitPaths } from "./p11-kit.ts";

/** Where p11-kit is, as the test run's global set-up passed it on. */
export function p11KitPaths(): P11KitPaths {
  return {
    server: process.env["ETHERS_HSM_P11_KIT_SERVER"] || undefined,
    client: process.env["ETHERS_HSM_P11_KIT_CLIENT"] || undefined,
  };
}
