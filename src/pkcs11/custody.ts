import { type CustodyFinding, findingsBy, type KeyCustody } from "../signer/custody.ts";
import { CKA } from "./attributes.ts";
import type { Pkcs11Session } from "./session.ts";
import type { SigningObject } from "./signing-object.ts";

// PKCS#11 v2.40, header pkcs11t.h.
const CKF_HW_SLOT = 0x4;

/**
 * What the library states of a private key (PKCS#11 v2.40, section 4.9): its attributes, each read apart, since a token that lacks one may answer
 * none that is asked with it; and whether the slot is hardware. A library can state anything: software tokens have the same attributes.
 */
export async function readCustody(session: Pkcs11Session, key: SigningObject): Promise<KeyCustody> {
  await session.requireSame(key);
  const read = async (type: number) => flagOf(await session.objects.read(key.handle, type));
  const local = await read(CKA.LOCAL);
  const [sensitive, extractable] = [await read(CKA.SENSITIVE), await read(CKA.EXTRACTABLE)];
  const [always, never] = [await read(CKA.ALWAYS_SENSITIVE), await read(CKA.NEVER_EXTRACTABLE)];
  const { flags } = await session.cryptoki.getSlotInfo(session.slot.handle);
  const isHardware = (flags & CKF_HW_SLOT) !== 0;
  return {
    findings: findingsBy("attribute", [
      ["hardware", isHardware, `CKF_HW_SLOT is ${isHardware}`],
      ["generatedInside", local, `CKA_LOCAL is ${local}`],
      ["importedMaterial", not(local), `CKA_LOCAL is ${local}${local === false ? ": a copy may exist" : ""}`],
      [
        "neverExtractable",
        both(always, never),
        `CKA_ALWAYS_SENSITIVE is ${always} and CKA_NEVER_EXTRACTABLE is ${never}`,
      ],
      [
        "exportable",
        not(both(sensitive, not(extractable))),
        `CKA_SENSITIVE is ${sensitive} and CKA_EXTRACTABLE is ${extractable}`,
      ],
      ["replicated", "unknown", "PKCS#11 does not state backups and clones"],
    ]),
  };
}

type Flag = CustodyFinding["value"];

function flagOf(value: Uint8Array | undefined): Flag {
  return value?.length === 1 ? value[0] !== 0 : "unknown";
}

function not(flag: Flag): Flag {
  return flag === "unknown" ? flag : !flag;
}

/** False if one of them is, whatever the other. */
function both(a: Flag, b: Flag): Flag {
  if (a === false || b === false) return false;
  return a === true && b === true ? true : "unknown";
}
