import { assertArgument } from "ethers";
import type { Pkcs11KeyOptions } from "../pkcs11/options.ts";
import type { RemoteSignerOptions } from "../signer/remote-account.ts";

/** Where AWS's package cloudhsm-pkcs11 (Client SDK 5) puts the library. */
const LIBRARY_PATH = "/opt/cloudhsm/lib/libcloudhsm_pkcs11.so";

/**
 * Which crypto user and key of an AWS CloudHSM cluster. One of `keyLabel` and `keyId` is needed, and `user` with `password`,
 * or `pin`.
 */
export interface CloudHsmKeyOptions extends Omit<Pkcs11KeyOptions, "libraryPath"> {
  /** Default: `/opt/cloudhsm/lib/libcloudhsm_pkcs11.so`. */
  readonly libraryPath?: string | undefined;
  /** The crypto user's name, without a colon. */
  readonly user?: string | undefined;
  /** The crypto user's password, or a function that gives it when the cluster asks. */
  readonly password?: string | (() => string | Promise<string>) | undefined;
  /** AWS's own form of the PIN, `user:password`, or a function that gives it; instead of `user` and `password`. */
  readonly pin?: Pkcs11KeyOptions["pin"];
}

export type CloudHsmSignerOptions = CloudHsmKeyOptions & RemoteSignerOptions;

/** The options of the PKCS#11 key behind a CloudHSM key. */
export function toPkcs11Options(options: CloudHsmKeyOptions): Pkcs11KeyOptions {
  const { user, password, pin, libraryPath = LIBRARY_PATH, ...others } = options;
  assertArgument(
    (pin === undefined) !== (user === undefined && password === undefined),
    "pass either user and password, or pin as user:password",
    "user",
    user,
  );
  return { ...others, libraryPath, pin: pin ?? pinOf(user, password) };
}

function pinOf(user: CloudHsmKeyOptions["user"], password: CloudHsmKeyOptions["password"]): Pkcs11KeyOptions["pin"] {
  assertArgument(typeof user === "string" && /^[^:]+$/.test(user), "user must be a name without a colon", "user", user);
  if (typeof password === "function") return async () => `${user}:${requirePassword(await password())}`;
  return `${user}:${requirePassword(password)}`;
}

function requirePassword(password: unknown): string {
  assertArgument(
    typeof password === "string" && password.length > 0,
    "password must be text",
    "password",
    "[REDACTED]",
  );
  return password;
}
