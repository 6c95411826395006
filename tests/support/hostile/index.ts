export { beyondOrder } from "./beyond-order.ts";
export { hostileAnswers } from "./hostile-answers.ts";
export type { Behaviour, HostileAnswer, MalformedBytes } from "./hostile-case.ts";
export { HostileKey } from "./hostile-key.ts";
export { hostileSignatures } from "./hostile-signatures.ts";
export { malformedDer } from "./malformed-der.ts";
export { malformedEcPoint, malformedSec1, malformedSpki, spkiOf } from "./malformed-public-keys.ts";
export { notSignatures } from "./not-signatures.ts";
