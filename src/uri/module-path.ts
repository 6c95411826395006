import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { SignerError } from "../core/errors.ts";
import type { Pkcs11KeyUri } from "./parsed-uri.ts";
import { requireUri } from "./refusal.ts";

const EXTENSIONS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { win32: ".dll", darwin: ".dylib" };

/**
 * The library's file (RFC 7512, section 2.3): module-path as it is; or, where that is a directory, module-name in it; or
 * module-name alone, for the dynamic loader to find. A name is without the platform's prefix and suffix: softhsm2 is
 * libsofthsm2.so on Linux. Undefined where the URI names none.
 *
 * @throws ethers' INVALID_ARGUMENT; SignerError DEPENDENCY_MISSING where the directory holds no such library.
 */
export function libraryPathOf({ path, name }: Pkcs11KeyUri["module"]): string | undefined {
  requireUri(name === undefined || !/[/\\]/.test(name), "module-name must be a name without a path: use module-path");
  if (path === undefined) return name === undefined ? undefined : fileNames(name)[0];
  if (!isDirectory(path)) {
    requireUri(name === undefined, "module-path must be a directory where module-name is given too");
    return path;
  }
  requireUri(name !== undefined, "module-path is a directory: name the library's file, or give module-name too");
  const found = fileNames(name)
    .map((file) => join(path, file))
    .find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new SignerError(
    "DEPENDENCY_MISSING",
    `the directory ${path} has no PKCS#11 library ${fileNames(name).join(" or ")}: correct module-path or module-name`,
    { operation: "load" },
  );
}

function fileNames(name: string): readonly [string, ...string[]] {
  const extension = EXTENSIONS[process.platform] ?? ".so";
  const plain = `${name}${extension}`;
  return process.platform === "win32" ? [plain] : [`lib${plain}`, plain];
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
