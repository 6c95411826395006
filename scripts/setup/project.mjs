import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The checkout's own folder. */
export const projectFolder = fileURLToPath(new URL("../../", import.meta.url));

/** Where downloads and unpacked packages are kept; git ignores it. */
export const cacheFolder = join(projectFolder, ".cache");
