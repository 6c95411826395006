import { p11KitPaths } from "./p11-kit-env.ts";
import { p11KitProxy } from "./p11-kit-proxy.ts";
import { HABITS } from "./pkcs11-shim/layout.ts";
import { Shim, type ShimHabit } from "./pkcs11-shim/shim.ts";
import { softHsmPath } from "./softhsm-env.ts";

// A limit of ten objects, public keys that cannot be made and the need of parameters show in results: they have tests of their own.
const OWN_TESTS: readonly ShimHabit[] = ["tenPerSearch", "virtualPublicKeys", "needsParameters"];
const ALONE = HABITS.filter((habit) => !OWN_TESTS.includes(habit));

/** Modules that are not SoftHSM2, for the suites that every module must pass: SoftHSM2 behind each habit, and behind p11-kit. */
export const MODULES: readonly (readonly [name: string, open: () => { libraryPath: string; remove: () => void }])[] = [
  ...ALONE.map((habit) => [habit, () => habitual([habit])] as const),
  ["all habits together", () => habitual(ALONE)],
  ["p11-kit-proxy", () => ({ libraryPath: p11KitProxy(p11KitPaths().client, softHsmPath()), remove: () => undefined })],
];

function habitual(habits: readonly ShimHabit[]): Shim {
  const shim = new Shim(softHsmPath());
  shim.adopt(...habits);
  return shim;
}
