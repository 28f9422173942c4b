import { Chalk } from 'chalk';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeTerminal } from '../../../test/cli/fake-terminal.ts';
import { recordedIo } from '../../../test/cli/recorded-io.ts';
import { tokenEvent } from '../../../test/cli/scripted-engine.ts';
import { runs } from '../../../test/runs.ts';
import type { DraftEvent, EngineEvent, TokenEvent } from '../../core/events.ts';
import { terminalView } from './answer-view.ts';

const draft = (text: string): DraftEvent => ({ type: 'draft', text, round: 0, elapsedMs: 0 });
const token = (text: string): TokenEvent => tokenEvent(0, [text, 'small', false]);

interface Size {
  readonly columns: number;
  readonly rows?: number;
}

function screenOf(events: readonly EngineEvent[], size: Size, close = false): string {
  const terminal = new FakeTerminal(size);
  const { io } = recordedIo({
    ...{ ...size, terminal: true, colorLevel: 2 },
    onOut: (text) => terminal.write(text),
  });
  const view = terminalView(io);
  for (const event of events) view.onEvent(event);
  if (close) view.close();
  return terminal.text();
}

const UNITS = ['a', 'b', ' ', '\n', '好', 'é', '\n\n'];
const textOf = (units: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: fc.constantFrom(...units), maxLength: 40 }),
    fc.constantFrom('', 'word '.repeat(30)),
  );
// A tab after a full line is nothing to a terminal, and an indent after a draft there.
const anyToken = textOf(UNITS);
const anyDraft = textOf([...UNITS, '\t']);

describe('a draft on a terminal', () => {
  it('is shown in grey, grows, and becomes the tokens of its verdict', () => {
    const { io, out } = recordedIo({ terminal: true, colorLevel: 1, columns: 20 });
    const view = terminalView(io);
    view.onEvent(token('So: '));
    view.onEvent(draft('3 + 4'));
    view.onEvent(draft('3 + 4 = 7'));
    const grey = new Chalk({ level: 1 }).gray;
    expect(out()).toBe(`So: ${grey('3 + 4')}\u001b[5G\u001b[0J${grey('3 + 4 = 7')}`);
    view.onEvent(token('3 + 4 = 7'));
    expect(out().endsWith('\u001b[5G\u001b[0J3 + 4 = 7')).toBe(true);
  });

  it('is taken back where it wraps, and where it began in the last column', () => {
    const events = [token('0123456789'), draft('abcdefghijkl\nmno'), draft(''), token('\nB')];
    expect(screenOf(events.slice(0, 2), { columns: 10 })).toBe('0123456789\nabcdefghi\njkl\nmno');
    expect(screenOf(events.slice(0, 3), { columns: 10 })).toBe('0123456789\n');
    expect(screenOf(events, { columns: 10 })).toBe('0123456789\nB');
  });

  it('shows its end where it is taller than the screen', () => {
    const lines = Array.from({ length: 30 }, (_, line) => `line ${line}`).join('\n');
    const size = { columns: 20, rows: 6 };
    expect(screenOf([token('A: '), draft(lines)], size)).toBe('A:\n…\nline 27\nline 28\nline 29');
    expect(screenOf([token('A: '), draft(lines), token('b')], size)).toBe('A: b');
  });

  it('leaves nothing behind on a terminal of any size, whatever is drafted', () => {
    const event = fc.oneof(anyDraft.map(draft), anyToken.map(token));
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 12 }),
        fc.integer({ min: 4, max: 40 }),
        fc.integer({ min: 3, max: 12 }),
        (events, columns, rows) => {
          const size = { columns, rows };
          const tokens = events.filter(({ type }) => type === 'token');
          const shown = screenOf([...events, draft('')], size, true);
          expect(shown).toBe(screenOf(tokens, size, true));
        },
      ),
      { numRuns: runs(60, 3000) },
    );
  });
});
