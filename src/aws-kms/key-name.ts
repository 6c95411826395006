// https://docs.aws.amazon.com/kms/latest/developerguide/concepts-key-id.html
const ARN = /^arn:[\w-]+:kms:(?<region>[\w-]+):\d+:(?<resource>(?:key|alias)\/.+)$/;

/** The Region in a key ARN or an alias ARN; undefined for a key id and an alias name, which hold none. */
export function regionOf(identifier: string): string | undefined {
  return ARN.exec(identifier)?.groups?.["region"];
}

/**
 * Whether an answer about the key `answered` can be the answer to a request for `asked`.
 *
 * An alias may name any key. A key id is the last part of the key ARN; AWS always answers with the key ARN, emulators at
 * times with the key id alone. Two key ARNs must be equal: the replicas of a Multi-Region key differ in their Region.
 */
export function canName(asked: string, answered: string): boolean {
  const resource = resourceOf(asked);
  if (resource.startsWith("alias/") || asked === answered) return true;
  const bothArns = ARN.test(asked) && ARN.test(answered);
  return !bothArns && keyIdOf(resource) === keyIdOf(resourceOf(answered));
}

function resourceOf(identifier: string): string {
  return ARN.exec(identifier)?.groups?.["resource"] ?? identifier;
}

function keyIdOf(resource: string): string {
  return resource.replace(/^key\//, "");
}
