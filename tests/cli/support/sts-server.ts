import { type HttpReply, LoopbackServer } from "../../servers/support/loopback-server.ts";

export const CALLER = "arn:aws:sts::111122223333:assumed-role/treasury/session";

/** GetCallerIdentity of AWS STS (Query protocol) on loopback; `refuse` answers with that error instead. */
export class StsServer {
  refuse: string | undefined;
  /** Of the last request. */
  sessionToken: string | undefined;
  readonly #server: LoopbackServer;

  private constructor(server: LoopbackServer) {
    this.#server = server;
  }

  static async start(): Promise<StsServer> {
    const holder: { sts?: StsServer } = {};
    const server = await LoopbackServer.start(async ({ method, headers, body }) => {
      if (holder.sts) holder.sts.sessionToken = headers["x-amz-security-token"]?.toString();
      const scope = /Credential=\w+\/\d{8}\/[\w-]+\/sts\/aws4_request, .*Signature=[\da-f]{64}$/;
      const right =
        method === "POST" && scope.test(headers.authorization ?? "") && body.startsWith("Action=GetCallerIdentity&");
      const code = holder.sts?.refuse ?? (right ? undefined : "IncompleteSignature");
      return code === undefined
        ? identity()
        : xml(403, `<ErrorResponse><Error><Code>${code}</Code></Error></ErrorResponse>`);
    });
    holder.sts = new StsServer(server);
    return holder.sts;
  }

  get url(): string {
    return this.#server.url;
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

function identity(): HttpReply {
  const result = `<Arn>${CALLER}</Arn><UserId>AROA:session</UserId><Account>111122223333</Account>`;
  return xml(
    200,
    `<GetCallerIdentityResponse><GetCallerIdentityResult>${result}</GetCallerIdentityResult></GetCallerIdentityResponse>`,
  );
}

function xml(status: number, body: string): HttpReply {
  return { status, headers: { "content-type": "text/xml" }, body };
}
