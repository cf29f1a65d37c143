// pg-boss with batches, bursts and notifications.
import { PgBoss } from "pg-boss";

import { serve } from "./agent.mjs";

const BULK = 5_000;
const QUEUE = "noop";

serve(({ dsn, payload, connections }) => {
  let boss = null;
  let held = [];
  const start = async (options) => {
    const started = new PgBoss({ connectionString: dsn, ...options });
    started.on("error", (error) => console.error(error));
    await started.start();
    return started;
  };
  return {
    description: {
      configuration:
        "batchSize 500 x localConcurrency 2 (io: 10 x 5), burstWhenBatchFull, notify; bulk by insert in calls of " +
        "5,000; keeps finished jobs",
      remaining:
        `select exists (select from pgboss.job where name = '${QUEUE}' and state < 'active' and not blocked) ` +
        `or exists (select from pgboss.job where name = '${QUEUE}' and state in ('created', 'retry', 'active'))`,
      pending_tables: ["pgboss.job_common"],
      history_tables: ["pgboss.job_common"],
      keeps_history: true,
    },
    async setup() {
      const first = await start({});
      await first.createQueue(QUEUE, { notify: true });
      await first.stop({ graceful: false });
    },
    async open() {
      boss = await start({ max: connections, supervise: false, schedule: false });
    },
    async close() {
      await boss?.stop({ graceful: false });
      boss = null;
    },
    enqueueOne: () => boss.send(QUEUE, payload),
    async enqueueBulk(count) {
      for (let first = 0; first < count; first += BULK) {
        const size = Math.min(BULK, count - first);
        await boss.insert(QUEUE, Array.from({ length: size }, () => ({ data: payload })));
      }
    },
    async work(profile, job) {
      boss = await start({ useListenNotify: true });
      const shape = profile === "io" ? { batchSize: 10, localConcurrency: 5 } : { batchSize: 500, localConcurrency: 2 };
      await boss.work(QUEUE, { ...shape, burstWhenBatchFull: true }, async (jobs) => {
        await Promise.all(jobs.map(() => job()));
      });
    },
    async hold(count) {
      held = (await boss.fetch(QUEUE, { batchSize: count })).map((job) => job.id);
    },
    beat: () => boss.touch(QUEUE, held),
  };
});
