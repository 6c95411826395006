import type { Meaning } from "./meaning.ts";

const TLS = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|EPROTO|HOSTNAME_MISMATCH)/;
// getaddrinfo's and c-ares' codes.
const DNS = /^(ENOTFOUND|EAI_|ENODATA$|ESERVFAIL$|EREFUSED$|ETIMEOUT$)/;

/**
 * What a failure without a refusal means: no answer, or one that the SDK could not read.
 *
 * @param answered whether there was an answer with status 200.
 */
export function transportMeaning(error: unknown, vaultUrl: string, answered: boolean): Meaning {
  const { name, code, message } = (error ?? {}) as Readonly<Record<string, unknown>>;
  const label = typeof code === "string" ? code : typeof name === "string" ? name : "an unknown error";
  if (answered) {
    return {
      code: "BACKEND_RESPONSE_INVALID",
      name: label,
      advice: `the answer is none of Key Vault; check that ${vaultUrl} is the vault's URL`,
    };
  }
  if (/challenge resource|challenge contains invalid/i.test(String(message))) {
    return {
      code: "ACCESS_DENIED",
      name: "a challenge for another resource",
      advice:
        `no token was sent, since ${vaultUrl} asked for one that is not its own. Correct vaultUrl; for a private name of ` +
        "the vault, or a test server, set disableChallengeResourceVerification",
    };
  }
  return { name: label, ...cureOf(label, code, vaultUrl) };
}

function cureOf(label: string, code: unknown, vaultUrl: string): Omit<Meaning, "name"> {
  if (TLS.test(label)) {
    return {
      code: "BACKEND_UNAVAILABLE",
      retryable: false,
      advice:
        `the TLS certificate of ${vaultUrl} is not trusted; check the URL and whatever intercepts TLS here. Add the ` +
        "issuer by NODE_EXTRA_CA_CERTS or tlsOptions.ca",
    };
  }
  if (DNS.test(label)) {
    return {
      code: "BACKEND_UNAVAILABLE",
      advice: `the name of ${vaultUrl} is not found; check it, DNS, and the vault's private endpoint`,
    };
  }
  if (typeof code !== "string" && label !== "AbortError") {
    return {
      code: "BACKEND_UNAVAILABLE",
      retryable: false,
      advice: "the SDK, or a policy of its client, failed by itself; see the cause",
    };
  }
  return {
    code: "BACKEND_UNAVAILABLE",
    advice: `${vaultUrl} cannot be reached or broke the connection off; check the network and the proxy, and try again`,
  };
}
