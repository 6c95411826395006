import type { KMSClient, SignCommand } from "@aws-sdk/client-kms";
import { readBody } from "../signer/response-body.ts";

type Send = (command: Pick<SignCommand, "middlewareStack">, options: unknown) => Promise<unknown>;

interface HttpAnswer {
  body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * What sends requests by `client`, and reads no more of an answer than one of KMS can have.
 *
 * The limit belongs to each request (the command's middleware), so that it holds for a user's own client too, which stays as
 * it is. What a `requestHandler` or a middleware of the user's reads by itself is not limited.
 */
export function limitedClient(client: KMSClient): Pick<KMSClient, "send"> {
  const send: Send = (command, options) => {
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const answer = result.response as HttpAnswer;
        // By the SDK, headers have small letters. It takes bytes where it would have read a stream.
        answer.body = (await readBody(answer.body, answer.headers?.["content-length"])) ?? answer.body;
        return result;
      },
      // The nearest to the network: what the SDK reads it reads after this.
      { step: "deserialize", priority: "low", name: "ethersHsmResponseLimit" },
    );
    return (client.send as unknown as Send).call(client, command, options);
  };
  return { send: send as unknown as KMSClient["send"] };
}
