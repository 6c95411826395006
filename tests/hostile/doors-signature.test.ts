import { hostileAnswers } from "ethers-hsm/testing";
import { describeEveryDoor } from "./every-door.ts";

describeEveryDoor(hostileAnswers.filter(({ call }) => call === "signDigest"));
