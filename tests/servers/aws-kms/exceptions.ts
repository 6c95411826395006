/** An error as KMS sends it: its name is `__type` on the wire, and its HTTP status 400 but for failures of the service. */
export class KmsException extends Error {
  readonly status: number;

  constructor(name: string, message: string, status = 400) {
    super(message);
    this.name = name;
    this.status = status;
  }
}

// The texts are AWS's own.

export function keyNotFound(arn: string): KmsException {
  return new KmsException("NotFoundException", `Key '${arn}' does not exist`);
}

export function aliasNotFound(arn: string): KmsException {
  return new KmsException("NotFoundException", `Alias ${arn} is not found.`);
}

export function foreignArn(region: string): KmsException {
  return new KmsException("NotFoundException", `Invalid arn ${region}`);
}

export function accessDenied(identity: string, action: string, arn: string, reason: string): KmsException {
  const text = `User: ${identity} is not authorized to perform: ${action} on resource: ${arn} because ${reason}`;
  return new KmsException("AccessDeniedException", text);
}
