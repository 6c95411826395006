import { BackendServer } from "../backend-server.ts";
import type { Section } from "../section.ts";
import { ownShare } from "./own-share.ts";

export const kms: Section = {
  name: "aws-kms",
  title: "AWS KMS: what the signer adds to the SDK",
  async run({ quick }) {
    const server = await BackendServer.start("aws-kms");
    try {
      const rows = await ownShare({
        module: "aws-kms",
        config: server.kmsTarget(),
        labels: { sdk: "`SignCommand`, the SDK alone", signer: "`KmsSigner.signDigest`" },
        quick,
        limit: 1.2,
      });
      return [{ caption: "CPU time of the signing process; the server runs in another.", rows }];
    } finally {
      await server.stop();
    }
  },
};
