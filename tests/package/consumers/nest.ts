// What an application of NestJS does: CommonJS, decorators, and the signer as a provider that is closed with the application.

import "reflect-metadata";
import assert from "node:assert/strict";
import { Inject, Injectable, Module, type OnApplicationShutdown } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { verifyMessage, Wallet } from "ethers";
import { isSignerError, RemoteSigner } from "ethers-hsm";
import { TestKey } from "ethers-hsm/testing";

@Injectable()
class Treasury implements OnApplicationShutdown {
  constructor(@Inject(RemoteSigner) readonly signer: RemoteSigner) {}

  onApplicationShutdown(): Promise<void> {
    return this.signer.close();
  }
}

const useFactory = () => RemoteSigner.create(new TestKey(Wallet.createRandom().privateKey));

@Module({ providers: [{ provide: RemoteSigner, useFactory }, Treasury] })
class Application {}

async function main(): Promise<void> {
  const application = await NestFactory.createApplicationContext(Application, { logger: false });
  const { signer } = application.get(Treasury);
  assert.equal(verifyMessage("hello", await signer.signMessage("hello")), await signer.getAddress());
  await application.close();
  await assert.rejects(signer.signMessage("hello"), (error) => isSignerError(error, "SIGNER_CLOSED"));
}

void main();
