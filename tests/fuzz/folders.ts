import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** The package's own folder. */
export const ROOT = resolve(HERE, "../..");

/** One file for each target. */
export const TARGETS = join(HERE, "targets");

/** A folder for each target: inputs that the search begins with. */
export const CORPUS = join(HERE, "corpus");

/** A folder for each target: inputs at which something was wrong once. */
export const FINDINGS = join(HERE, "findings");
