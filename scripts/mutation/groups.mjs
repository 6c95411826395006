/** @typedef {{ readonly files: readonly string[], readonly tests: readonly string[] }} Group */

/**
 * The files of src/core by what they are about, and the tests of tests/core that have to notice a change in them by themselves.
 *
 * @type {Readonly<Record<string, Group>>}
 */
export const GROUPS = {
  decoders: {
    files: ["bytes", "errors", "public-key", "signature"],
    tests: ["bytes", "errors", "public-key", "signature"],
  },
  verification: { files: ["verify"], tests: ["verify"] },
};
