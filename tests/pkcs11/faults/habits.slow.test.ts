import { describeFaults } from "./suite.ts";

// Those of writers are not here: the scenes' own other code writes to the token as it likes.
const habits = ["reusedSessions", "reusedObjects"] as const;

describeFaults("50 parallel callers, a module that gives handles out again", { isolated: false, habits });
describeFaults("50 parallel callers, an isolated module that gives handles out again", { isolated: true, habits });
