/**
 * A vendor's service as a third party emulates it, in the project's own folder.
 *
 * `missing` says why it cannot be started, or nothing where it can. `install` brings it from its package registry, or throws
 * a SetupError that says what is missing. `start` runs it on loopback.
 *
 * @typedef {object} Emulator
 * @property {string} name
 * @property {() => string | undefined} missing
 * @property {() => void} install
 * @property {() => Promise<import("./server.mjs").RunningServer>} start
 */

export {};
