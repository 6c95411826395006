import { installPython, python, pythonMissing } from "./python.mjs";
import { startServer } from "./server.mjs";

const NAME = "moto";

/**
 * https://docs.getmoto.org. Its KMS ignores MessageType and signs SHA-256 of the digest: a backend that signs the wrong thing.
 *
 * @type {import("./emulator.mjs").Emulator}
 */
export const moto = {
  name: NAME,
  missing: () => pythonMissing(NAME),
  install: () => installPython(NAME, ["moto[server]==5.2.5"]),
  start: () =>
    startServer(({ port }) => ({
      program: python(NAME),
      args: ["-m", "moto.server", "-H", "127.0.0.1", "-p", String(port)],
    })),
};
