// graphile-worker in its documented fast preset: local queue, batched completions.
import { Logger, WorkerPreset, makeWorkerUtils, run } from "graphile-worker";

import { serve } from "./agent.mjs";

const BULK = 5_000;
const quiet = new Logger(() => () => {});

serve(({ dsn, payload, connections }) => {
  let utils = null;
  const preset = (worker) => ({ extends: [WorkerPreset], worker: { connectionString: dsn, logger: quiet, ...worker } });
  return {
    description: {
      configuration:
        "50 concurrent jobs, localQueue.size 500, completeJobBatchDelay 0, pool 52, prepared statements; " +
        "bulk by addJobs in calls of 5,000; deletes finished jobs",
      remaining: "select exists (select from graphile_worker._private_jobs)",
      pending_tables: ["graphile_worker._private_jobs"],
      history_tables: [],
      keeps_history: false,
    },
    noHeartbeat: "it renews no claims (a job's lock lasts 4 hours)",
    async setup() {
      await this.open();
      await utils.migrate();
      await utils.addJob("noop", payload); // registers the task; a worker would
      await utils.withPgClient((client) => client.query("delete from graphile_worker._private_jobs"));
      await this.close();
    },
    async open() {
      utils = await makeWorkerUtils({ preset: preset({ maxPoolSize: connections }) });
    },
    async close() {
      await utils?.release();
      utils = null;
    },
    enqueueOne: () => utils.addJob("noop", payload),
    async enqueueBulk(count) {
      for (let start = 0; start < count; start += BULK) {
        const size = Math.min(BULK, count - start);
        await utils.addJobs(Array.from({ length: size }, () => ({ identifier: "noop", payload })));
      }
    },
    async work(_profile, job) {
      const fast = { concurrentJobs: 50, maxPoolSize: 52, localQueue: { size: 500 }, completeJobBatchDelay: 0 };
      const runner = await run({ preset: preset(fast), noHandleSignals: true, taskList: { noop: async () => job() } });
      await runner.promise;
    },
  };
});
