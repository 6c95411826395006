import { fileURLToPath } from "node:url";
import { installPython, python, pythonMissing } from "./python.mjs";
import { confinementMissing, startConfinedServer } from "./server.mjs";

const NAME = "localstack";
const REQUIREMENTS = fileURLToPath(new URL("localstack-requirements.txt", import.meta.url));

/**
 * https://github.com/localstack/localstack. Its KMS signs as AWS's does, and secp256k1 keys can be imported.
 *
 * It asks its makers' servers for one thing and another. In a network namespace of its own it cannot.
 *
 * @type {import("./emulator.mjs").Emulator}
 */
export const localstack = {
  name: NAME,
  missing: () => pythonMissing(NAME) ?? confinementMissing(),
  install: () => installPython(NAME, ["-r", REQUIREMENTS]),
  start: () =>
    startConfinedServer(({ port, folder }) => ({
      program: python(NAME),
      args: ["-m", "localstack.runtime.main"],
      env: {
        GATEWAY_LISTEN: `127.0.0.1:${port}`,
        SERVICES: "kms",
        DISABLE_EVENTS: "1",
        SKIP_SSL_CERT_DOWNLOAD: "1",
        HOME: folder,
        LOCALSTACK_VOLUME_DIR: folder,
      },
    })),
};
