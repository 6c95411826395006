import { hostileAnswers } from "../support/hostile/index.ts";
import { describeEveryDoor } from "./every-door.ts";

describeEveryDoor(hostileAnswers.filter(({ call }) => call === "signDigest"));
