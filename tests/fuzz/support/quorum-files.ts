import { createHash } from "node:crypto";

const SIGNATURE = Buffer.alloc(256, 7).toString("base64");

export const APPROVALS = [
  { username: "alice", role: "crypto-user", signature: SIGNATURE },
  { username: "bob", role: "admin", signature: Buffer.alloc(256, 9).toString("base64") },
];

export function tokenFile(approvalData = "approval data of the fuzzing") {
  const data = Buffer.from(approvalData);
  return {
    version: "2.0",
    service: "key-usage",
    key_reference: "0x00000000006c0004",
    approval_data: data.toString("base64"),
    token: sha256(data),
    signatures: [] as unknown[],
  };
}

export function registrationFile() {
  const data = Buffer.from("registration");
  const token = { approval_data: data.toString("base64"), unsigned: sha256(data), signed: "" };
  return { version: "2.0", tokens: [token, { ...token, signed: SIGNATURE }] };
}

/** Makes every token within a value the SHA-256 of its approval data again. */
export function mendTokens(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const file = value as Record<string, unknown>;
  const data = file["approval_data"];
  if (typeof data === "string") {
    const digest = sha256(Buffer.from(data, "base64"));
    for (const name of ["token", "unsigned"]) if (typeof file[name] === "string") file[name] = digest;
  }
  for (const part of Object.values(file)) mendTokens(part);
}

function sha256(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("base64");
}
