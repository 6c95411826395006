/** Says, in words for the person who runs the set-up, what is missing and how to get it. */
export class SetupError extends Error {
  /** @override */
  name = "SetupError";
}
