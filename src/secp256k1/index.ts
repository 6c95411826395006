export { nativeVerifier } from "./native-verifier.ts";
