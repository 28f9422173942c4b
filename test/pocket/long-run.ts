/** A process that answers many questions and says how its memory grew: see long-run.long.test.ts. */
import { answer, openPocket, question, testProblems } from './pocket-pair.ts';

const STRATEGIES = [
  'small',
  'large',
  'entropy@0.4',
  'random@0.3',
  'cascade',
  'random-query@0.5',
  'speculative',
];
const STREAM_COUNT = 8;
const WARM_UP_COUNT = 60;
const requestCount = Number(process.argv[2]);

await using pair = await openPocket({ load: { cellCount: 2048 } });
let asked = 0;

async function askUpTo(count: number): Promise<void> {
  const worker = async (): Promise<void> => {
    while (asked < count) {
      asked += 1;
      const strategy = STRATEGIES[asked % STRATEGIES.length] ?? 'small';
      const [problem] = testProblems(1, asked);
      if (problem !== undefined) await answer(pair.engine, { ...question(problem), strategy });
    }
  };
  await Promise.all(Array.from({ length: STREAM_COUNT }, worker));
}

await askUpTo(WARM_UP_COUNT);
const before = process.memoryUsage.rss();
await askUpTo(WARM_UP_COUNT + requestCount);
await pair.engine.checkIdle();
process.stdout.write(JSON.stringify({ asked, before, after: process.memoryUsage.rss() }));
