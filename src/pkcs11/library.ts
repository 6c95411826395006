import { realpath } from "node:fs/promises";
import { basename, isAbsolute } from "node:path";
import type { PKCS11 } from "pkcs11js";
import { SignerError } from "../core/errors.ts";

/** The library's real path: two names of one library are the same one. @throws SignerError DEPENDENCY_MISSING. */
export async function resolveLibrary(libraryPath: string): Promise<string> {
  // A bare name is the dynamic loader's to find.
  if (!isAbsolute(libraryPath) && basename(libraryPath) === libraryPath) return libraryPath;
  try {
    return await realpath(libraryPath);
  } catch (cause) {
    throw cannotLoad(libraryPath, cause as Error, installHint(libraryPath));
  }
}

// pkcs11js unloads a library when its object is collected, which crashes calls in flight.
const loaded: unknown[] = [];

/**
 * Loads the library into this process, for the rest of its life.
 *
 * @throws SignerError DEPENDENCY_MISSING where pkcs11js or the library is not installed.
 */
export async function loadLibrary(path: string): Promise<PKCS11> {
  const pkcs11js = await importPkcs11js();
  const library = new pkcs11js.PKCS11();
  try {
    library.load(path);
  } catch (cause) {
    throw cannotLoad(path, cause as Error, loadHint(path, (cause as Error).message));
  }
  loaded.push(library);
  return library;
}

async function importPkcs11js(): Promise<typeof import("pkcs11js")> {
  try {
    const imported = await import("pkcs11js");
    return imported.default;
  } catch (cause) {
    throw new SignerError("DEPENDENCY_MISSING", `the package pkcs11js ${whyNotLoaded(cause as Error)}`, { cause });
  }
}

/** What is wrong with pkcs11js, by what its import threw, and what to do. */
export function whyNotLoaded({ code, message }: Error & { readonly code?: string }): string {
  const needs = "it needs python3, make and a C++ compiler";
  if (message.includes("pkcs11.node")) {
    return `is not compiled: run npm rebuild pkcs11js, with install scripts allowed; ${needs}`;
  }
  if (code?.endsWith("MODULE_NOT_FOUND")) return `is not installed: run npm install pkcs11js; ${needs}`;
  return `cannot be loaded: ${message}`;
}

// Debian's names, but for those of the vendors.
const PACKAGES: readonly (readonly [library: RegExp, packages: string])[] = [
  [/softhsm2/, "softhsm2"],
  [/cloudhsm/, "cloudhsm-pkcs11, from AWS's download page, and run configure-pkcs11"],
  [/p11-kit/, "p11-kit-modules"],
  [/opensc/, "opensc-pkcs11"],
  [/opencryptoki/, "opencryptoki"],
  [/ykcs11/, "ykcs11"],
  [/yubihsm/, "yubihsm-pkcs11"],
];

function installHint(path: string): string {
  const known = PACKAGES.find(([library]) => library.test(basename(path)));
  return known ? `install ${known[1]}` : "install the HSM's PKCS#11 library";
}

// By the texts of dlerror of glibc, musl and macOS.
function loadHint(path: string, reason: string): string {
  if (reason.includes("C_GetFunctionList")) return "it is not a PKCS#11 library";
  if (/ELF|mach-o|architecture|file too short/i.test(reason)) {
    return `it must be a shared library for ${process.platform} on ${process.arch}`;
  }
  const missing = /(\S+): cannot open shared object file/.exec(reason)?.[1] ?? path;
  return basename(missing) === basename(path) ? installHint(path) : `install what contains ${missing}, which it needs`;
}

/** `cause` is what the operating system said, which names the file that is missing or wrong. */
function cannotLoad(path: string, cause: Error, hint: string): SignerError {
  return new SignerError(
    "DEPENDENCY_MISSING",
    `the PKCS#11 library ${path} cannot be loaded (${cause.message}): ${hint}, or correct libraryPath`,
    { operation: "load", cause },
  );
}
