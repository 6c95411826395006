import { assertArgument } from "ethers";
import { withFallback } from "../pkcs11/fallbacks.ts";
import type { Pkcs11KeyOptions, Pkcs11SignerOptions, Pkcs11TokenOptions } from "../pkcs11/options.ts";
import type { Pkcs11StoreOptions } from "../pkcs11/store-options.ts";

/** Where AWS's package cloudhsm-pkcs11 (Client SDK 5) puts the library. */
export const CLOUDHSM_LIBRARY = "/opt/cloudhsm/lib/libcloudhsm_pkcs11.so";

/** Which crypto user of an AWS CloudHSM cluster: `user` with `password`, or `pin`. */
interface CloudHsmLoginOptions {
  /** Default: `/opt/cloudhsm/lib/libcloudhsm_pkcs11.so`. */
  readonly libraryPath?: string | undefined;
  /** The crypto user's name, without a colon. */
  readonly user?: string | undefined;
  /** The crypto user's password, or a function that returns it when the cluster asks. */
  readonly password?: string | (() => string | Promise<string>) | undefined;
  /** AWS's own form of the PIN, `user:password`, or a function that returns it; instead of `user` and `password`. */
  readonly pin?: Pkcs11TokenOptions["pin"];
}

/**
 * Which crypto user and key of an AWS CloudHSM cluster. One of `keyLabel` and `keyId` is needed, and `user` with `password`,
 * or `pin`.
 */
export interface CloudHsmKeyOptions
  extends CloudHsmLoginOptions,
    Omit<Pkcs11KeyOptions, "libraryPath" | "pin" | "user"> {}

/** Which crypto user of an AWS CloudHSM cluster, and which of its keys: `user` with `password`, or `pin`. */
export interface CloudHsmStoreOptions
  extends CloudHsmLoginOptions,
    Omit<Pkcs11StoreOptions, "libraryPath" | "pin" | "user"> {}

export interface CloudHsmSignerOptions
  extends CloudHsmKeyOptions,
    Omit<Pkcs11SignerOptions, keyof CloudHsmKeyOptions | "libraryPath" | "fallbacks"> {
  /**
   * Other clusters that hold the same key, in order of preference, for when the first is out of reach: each by what differs from
   * the options beside it, for example `{ slotIndex: 1 }`.
   */
  readonly fallbacks?: readonly Partial<CloudHsmKeyOptions>[] | undefined;
}

/** The same options for PKCS#11. */
export function toPkcs11Options<T extends CloudHsmLoginOptions>(
  options: T,
): Omit<T, keyof CloudHsmLoginOptions> & Pick<Pkcs11TokenOptions, "libraryPath" | "pin" | "user"> {
  const { user, password, pin, libraryPath = CLOUDHSM_LIBRARY, ...others } = options;
  assertArgument(
    (pin === undefined) !== (user === undefined && password === undefined),
    "pass either user and password, or pin as user:password",
    "user",
    user,
  );
  // A function's PIN is not known before it is needed.
  const owner = user ?? (typeof pin === "string" ? pin.split(":")[0] : undefined);
  return { ...others, libraryPath, pin: pin ?? pinOf(user, password), user: owner };
}

/** The same options of a signer for PKCS#11, each fallback with all of its own. */
export function toSignerOptions({ fallbacks, ...options }: CloudHsmSignerOptions): Pkcs11SignerOptions {
  return {
    ...toPkcs11Options(options),
    fallbacks: fallbacks?.map((fallback) => toPkcs11Options(withFallback(options, fallback, [LOGIN]))),
  };
}

const LOGIN = ["user", "password", "pin"] as const;

function pinOf(
  user: CloudHsmLoginOptions["user"],
  password: CloudHsmLoginOptions["password"],
): Pkcs11TokenOptions["pin"] {
  assertArgument(typeof user === "string" && /^[^:]+$/.test(user), "user must be a name without a colon", "user", user);
  if (typeof password === "function") return async () => `${user}:${requirePassword(await password())}`;
  return `${user}:${requirePassword(password)}`;
}

function requirePassword(password: unknown): string {
  assertArgument(
    typeof password === "string" && password.length > 0,
    "password must be a string",
    "password",
    "[REDACTED]",
  );
  return password;
}
