import { computeAddress } from "ethers";
import { FailoverKey } from "../../src/signer/failover-key.ts";
import { RemoteSigner } from "../../src/signer/remote-signer.ts";
import { describeSignerContract } from "../contract/suite.ts";
import { MemoryKey } from "../support/memory-key.ts";
import { failure, ReplicaKey } from "./failover-support.ts";

describeSignerContract("RemoteSigner over a failover whose preferred replica is out of reach", async () => ({
  create: async (privateKey, provider) => {
    const gone = new ReplicaKey("gone", privateKey);
    gone.break(failure("BACKEND_UNAVAILABLE"));
    const expectedAddress = computeAddress(privateKey);
    return new RemoteSigner(new FailoverKey([gone, new MemoryKey(privateKey)], { expectedAddress }), provider);
  },
}));
