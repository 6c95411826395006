import { formatEther } from "ethers";
import type { SignRequest } from "../signer/sign-request.ts";
import type { PolicyEvaluation } from "./evaluation.ts";

interface Named {
  readonly name: string;
  readonly id: string;
  readonly mode: string;
}

/** An evaluation as lines of text. What the request says is quoted: it may hold control characters. */
export function explain({ name, id, mode }: Named, request: SignRequest, evaluation: PolicyEvaluation): string {
  const { outcome, rule, reasons, approvals, limits } = evaluation;
  const verdict = outcome === "deny" ? "denied" : `allowed by ${rule}`;
  return [
    `policy ${name}, ${mode}, id ${id}`,
    `account ${request.account}`,
    `request ${describeRequest(request)}`,
    `digest ${request.digest}`,
    outcome === "deny" && mode === "shadow" ? "would be denied, and is signed in shadow mode" : verdict,
    ...reasons.map((each) => `  because ${each}`),
    ...(outcome === "deny" ? [] : approvals.map((each) => `  needs the approval of ${each}`)),
    ...(outcome === "deny" ? [] : limits.map(({ limit, amount }) => `  counts ${amount} against ${limit}`)),
  ].join("\n");
}

function describeRequest(request: SignRequest): string {
  switch (request.kind) {
    case "transaction": {
      const { type, chainId, to, value, maxCost, data, nonce } = request;
      const calldata =
        data === "0x" ? "no calldata" : `${(data.length - 2) / 2} bytes of calldata, ${data.slice(0, 10)}`;
      const target = to ?? "a new contract";
      return `transaction of type ${type} on chain ${chainId ?? "any"}, nonce ${nonce}, to ${target}: ${formatEther(value)} ether, at most ${formatEther(maxCost)} with fees, ${calldata}`;
    }
    case "message":
      return `message ${JSON.stringify(request.text ?? request.message)}`;
    case "typed-data": {
      const { chainId, verifyingContract } = request.domain;
      return `typed data ${request.encodedType} for ${verifyingContract ?? "no contract"} on chain ${chainId ?? "any"}, type hash ${request.typeHash}`;
    }
    case "authorization":
      return `authorization of ${request.delegate} on chain ${request.chainId || "any"}, nonce ${request.nonce}`;
    case "digest":
      return "bare digest";
  }
}
