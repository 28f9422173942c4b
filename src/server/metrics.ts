/** A server's counts for Prometheus. None of them has a text. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { SummaryEvent } from '../core/events.ts';
import type { Indexed } from './openai/answers.ts';
import type { ServedPair } from './served-pairs.ts';

const SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];
const MS_PER_SECOND = 1000;

export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #requests = this.#counter('requests_total', 'Requests, by route and status', [
    ...['route', 'status'],
  ]);
  readonly #tokens = this.#counter('tokens_total', 'Emitted tokens, by strategy and writer', [
    ...['pair', 'strategy', 'origin'],
  ]);
  readonly #verified = this.#counter(
    'tokens_verified_total',
    'Emitted tokens of others that the large model checked',
    ['pair', 'strategy'],
  );
  readonly #forwards = this.#counter('forwards_total', 'Forwards, by model', ['pair', 'model']);
  readonly #bytes = this.#counter('link_bytes_total', 'Bytes to and from models elsewhere', [
    ...['pair', 'direction'],
  ]);
  readonly #price = this.#counter('price_total', 'Prices of answers, where models have prices', [
    'pair',
  ]);
  readonly #firstToken = this.#histogram('time_to_first_token_seconds', 'From the request on');
  readonly #nextToken = this.#histogram('time_between_tokens_seconds', 'Of one answer');

  constructor(pairs: readonly ServedPair[]) {
    for (const [field, help] of [
      ['runningCount', 'Answers that are being written'],
      ['waitingCount', 'Answers that wait for room'],
    ] as const) {
      const name = `pilotfish_answers_${field === 'runningCount' ? 'running' : 'waiting'}`;
      new Gauge({
        ...{ name, help, labelNames: ['pair'], registers: [this.#registry] },
        collect() {
          for (const { name: pair, engine } of pairs) this.set({ pair }, engine.load[field]);
        },
      });
    }
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  request(route: string, status: number): void {
    this.#requests.inc({ route, status: String(status) });
  }

  /** Passes events on, and counts them. */
  async *counted(
    { name: pair }: Pick<ServedPair, 'name'>,
    events: AsyncIterable<Indexed>,
  ): AsyncGenerator<Indexed, void> {
    const strategies = new Map<number, string>();
    const lastMs = new Map<number, number>();
    for await (const one of events) {
      const { index, event } = one;
      const strategy = strategies.get(index) ?? '';
      if (event.type === 'start') strategies.set(index, event.strategy);
      if (event.type === 'token') {
        this.#tokens.inc({ pair, strategy, origin: event.origin });
        if (event.verified) this.#verified.inc({ pair, strategy });
        this.#time(event.elapsedMs, lastMs.get(index));
        lastMs.set(index, event.elapsedMs);
      }
      if (event.type === 'summary') this.#add(pair, event);
      yield one;
    }
  }

  #time(elapsedMs: number, lastMs: number | undefined): void {
    if (lastMs === undefined) this.#firstToken.observe(elapsedMs / MS_PER_SECOND);
    else this.#nextToken.observe((elapsedMs - lastMs) / MS_PER_SECOND);
  }

  #add(pair: string, { models, linkBytesUp, linkBytesDown, price }: SummaryEvent): void {
    for (const [model, { forwardCount }] of Object.entries(models)) {
      this.#forwards.inc({ pair, model }, forwardCount);
    }
    this.#bytes.inc({ pair, direction: 'up' }, linkBytesUp);
    this.#bytes.inc({ pair, direction: 'down' }, linkBytesDown);
    if (price !== null) this.#price.inc({ pair }, price);
  }

  #counter(name: string, help: string, labelNames: readonly string[]): Counter {
    const registers = [this.#registry];
    return new Counter({ name: `pilotfish_${name}`, help, labelNames: [...labelNames], registers });
  }

  #histogram(name: string, help: string): Histogram {
    const registers = [this.#registry];
    return new Histogram({ name: `pilotfish_${name}`, help, buckets: [...SECONDS], registers });
  }
}
