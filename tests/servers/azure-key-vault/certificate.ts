import { generateKeyPairSync } from "node:crypto";
import { issueCertificate, sequence, tlv } from "../../support/certificate.ts";

/** A self-signed certificate for 127.0.0.1 (RFC 5280), which no store trusts, and its key: PEM. */
export function selfSignedCertificate(hours = 24): { readonly key: string; readonly cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  // subjectAltName: the IP address 127.0.0.1.
  const alternative = tlv(0x04, sequence(tlv(0x87, Buffer.from([127, 0, 0, 1]))));
  const cert = issueCertificate({
    ...{ subject: "127.0.0.1", issuer: "127.0.0.1", publicKey, signedBy: privateKey },
    to: new Date(Date.now() + hours * 3_600_000),
    extensions: [sequence(Buffer.from("0603551d11", "hex"), alternative)],
  });
  return { key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), cert };
}
