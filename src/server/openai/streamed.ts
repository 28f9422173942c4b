/** The parts of a stream, from the events of its answers. */
import { type Indexed, UsedAnswers } from './answers.ts';
import type { PartOptions, Parts } from './head.ts';

export async function* streamed(
  events: AsyncIterable<Indexed>,
  parts: Parts,
  { includesUsage }: Pick<PartOptions, 'includesUsage'>,
): AsyncGenerator<object, void> {
  const used = new UsedAnswers();
  for await (const one of events) {
    used.push(one);
    const { index, event } = one;
    if (event.type === 'start') {
      const first = parts.first(index);
      if (first !== null) yield first;
    }
    if (event.type === 'token') yield parts.token(index, event);
    if (event.type === 'summary') yield parts.end(index, used.of(index));
  }
  if (includesUsage) yield parts.usage(used.all());
}
