import { describeFaults } from "./suite.ts";

const habits = ["reusedSessions", "reusedObjects", "searchesSpoil", "slowerWriterFails"] as const;

describeFaults("50 parallel callers, a module with the habits of others", { isolated: false, habits });
describeFaults("50 parallel callers, a module with the habits of others, isolated", { isolated: true, habits });
