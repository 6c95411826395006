/** @typedef {{ readonly files: readonly string[], readonly tests: readonly string[] }} Group */

/**
 * The files of src/core by what they are about, and the tests of tests/core that have to notice a change in them by themselves.
 *
 * @type {Readonly<Record<string, Group>>}
 */
export const GROUPS = {
  decoders: {
    files: ["bytes", "der-elements", "der", "errors", "public-key", "sec1", "signature", "thrown", "type-graph"],
    tests: [
      ...["bytes", "der", "der-elements", "der-encoding", "error-stacks", "errors", "object-identifiers", "public-key"],
      ...["public-key-messages", "sec1", "signature", "thrown", "type-graph", "wrong-bytes"],
    ],
  },
  scalars: { files: ["endomorphism", "inverse", "signed-digits"], tests: ["inverse", "scalars"] },
  points: {
    files: ["affine-point", "curve", "limb-point", "limb-values", "odd-multiples"],
    tests: ["curve", "limb-values", "limbs", "points"],
  },
  sums: {
    files: ["plain-sum", "tabled-sum", "tables", "y-parity"],
    tests: ["y-parity-ways", "wrong-bytes", "sums", "tables", "y-parity"],
  },
  limbs: { files: ["limbs"], tests: ["limbs"] },
};
