// The process of a Node.js system: the twin of agent.py.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const now = () => process.hrtime.bigint(); // CLOCK_MONOTONIC, as Python's time.monotonic_ns

export class NotOffered extends Error {}

class Probe {
  constructor({ sleep_s, mark_at, keep_starts }) {
    Object.assign(this, { sleepMs: sleep_s * 1000, markAt: mark_at, starts: keep_starts ? [] : null });
    Object.assign(this, { count: 0, running: 0, most: 0, first: 0n, last: 0n, mark: 0n });
  }

  noop() {
    const at = now();
    if (this.count === 0) this.first = at;
    this.count += 1;
    this.last = at;
    if (this.count === this.markAt) this.mark = at;
    if (this.starts !== null) this.starts.push(Number(at));
  }

  async sleeper() {
    if (this.first === 0n) this.first = now();
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    await sleep(this.sleepMs);
    this.running -= 1;
    this.count += 1;
    this.last = now();
  }

  progress() {
    const { count, most } = this;
    return { count, most, first_ns: Number(this.first), last_ns: Number(this.last), mark_ns: Number(this.mark) };
  }
}

function commands(system) {
  let probe = null;
  let failure = null;
  return {
    describe: async () => system.description,
    setup: async () => void (await system.setup()),
    open: async () => void (await system.open()),
    async enqueue({ count, callers, coalesced }) {
      if (coalesced) throw new NotOffered("its client does not gather calls");
      for (let i = 0; i < 3; i += 1) await system.enqueueOne();
      let left = count;
      const caller = async () => {
        while (left > 0) {
          left -= 1;
          await system.enqueueOne();
        }
      };
      const start = now();
      await Promise.all(Array.from({ length: callers }, caller));
      return { seconds: Number(now() - start) / 1e9 };
    },
    async bulk({ count }) {
      const start = now();
      await system.enqueueBulk(count);
      return { seconds: Number(now() - start) / 1e9 };
    },
    async pace({ count, interval_s }) {
      const calls = [];
      const returns = [];
      for (let i = 0; i < count; i += 1) {
        await sleep(interval_s * 1000 * (0.5 + Math.random()));
        calls.push(Number(now()));
        await system.enqueueOne();
        returns.push(Number(now()));
      }
      return { calls, returns };
    },
    async work({ profile, ...options }) {
      probe = new Probe(options);
      const job = options.sleep_s > 0 ? () => probe.sleeper() : () => probe.noop();
      system.work(profile, job).catch((error) => (failure = error));
    },
    async progress() {
      if (failure !== null) throw failure;
      return probe.progress();
    },
    starts: async () => ({ starts: probe.starts }),
    async hold({ count }) {
      if (system.hold === undefined) throw new NotOffered(system.noHeartbeat);
      await system.hold(count);
    },
    async beat({ times }) {
      await system.close();
      await system.open();
      for (let i = 0; i < times; i += 1) await system.beat();
      await system.close();
    },
  };
}

export async function serve(makeSystem) {
  const answers = Number(process.argv[2]);
  const send = (answer) => {
    // A pipe holds 64 KiB: write the rest when it has been read.
    const bytes = Buffer.from(`${JSON.stringify(answer ?? {})}\n`);
    let written = 0;
    while (written < bytes.length) {
      try {
        written += writeSync(answers, bytes, written);
      } catch (error) {
        if (error.code !== "EAGAIN") throw error;
      }
    }
  };
  let table = null;
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: name, ...command } = JSON.parse(line);
    if (table === null) {
      table = commands(makeSystem(command));
      send({});
      continue;
    }
    try {
      send(await table[name](command));
    } catch (error) {
      send(error instanceof NotOffered ? { not_offered: error.message } : { error: String(error?.message ?? error) });
    }
  }
  process.exit(0); // the harness has gone
}
