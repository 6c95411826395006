import { randomBytes } from "node:crypto";
import { KmsException } from "./exceptions.ts";
import type { KeyRing, NewKey } from "./key-ring.ts";
import { type Json, metadataOf, requireText } from "./operations.ts";

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html: secp256k1 keys only. */
export function createKey(ring: KeyRing, input: Json): Json {
  const { KeySpec: spec, KeyUsage: usage, Origin: origin = "AWS_KMS" } = input;
  if (spec !== "ECC_SECG_P256K1" || usage !== "SIGN_VERIFY") {
    throw new KmsException("ValidationException", `KeySpec ${spec} and KeyUsage ${usage} are not supported here.`);
  }
  const options = newKey(input);
  const key = origin === "EXTERNAL" ? ring.awaitKey(options) : ring.importKey(randomBytes(32).toString("hex"), options);
  return { KeyMetadata: metadataOf(key) };
}

function newKey({ Tags = [], MultiRegion, Description, Policy }: Json): NewKey {
  const tags = (Tags as { TagKey: string; TagValue: string }[]).map(({ TagKey, TagValue }) => [TagKey, TagValue]);
  if (tags.some(([name = ""]) => name.startsWith("aws:"))) throw new KmsException("TagException", "Reserved tag key.");
  if (typeof Policy === "string" && !Policy.startsWith("{")) {
    throw new KmsException("MalformedPolicyDocumentException", "Policy contains invalid json");
  }
  return {
    tags: Object.fromEntries(tags) as Record<string, string>,
    multiRegion: MultiRegion === true,
    description: typeof Description === "string" ? Description : "",
    policy: typeof Policy === "string" ? Policy : undefined,
  };
}

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html */
export function createAlias(ring: KeyRing, input: Json): Json {
  const name = requireText(input, "AliasName");
  const key = ring.find(requireText(input, "TargetKeyId"));
  if (!/^alias\/(?!aws\/)[a-zA-Z0-9:/_-]+$/.test(name)) throw new KmsException("InvalidAliasNameException", name);
  if (ring.aliases.has(name)) {
    const text = `An alias with the name ${ring.aliasArn(name)} already exists`;
    throw new KmsException("AlreadyExistsException", text);
  }
  ring.putAlias(name, key);
  return {};
}
