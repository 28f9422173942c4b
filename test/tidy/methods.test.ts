/**
 * Strategies are values: no code outside `strategy` parses their text, or knows a method by its name.
 */
import { describe, expect, it } from 'vitest';
import { METHODS } from '../../src/strategy/methods.ts';
import { largeMethod, smallMethod } from '../../src/strategy/single-model.ts';
import { SOURCE, sourceFiles } from './source-files.ts';

/** `small` and `large` are labels of models, too. */
const NAMES = METHODS.filter((method) => method !== smallMethod && method !== largeMethod)
  .map(({ name }) => name)
  .join('|');
const NAME = `['"\`](${NAMES})(@[^'"\`]*)?['"\`]`;

const READS_TEXT = /(split|indexOf|includes|endsWith)\('[@%]'\)|startsWith\((`\$\{\w+\}@`|'rand)/;
/** An objective of training has the name of the method that its routers serve. */
const COMPARES = new RegExp(`(?<!objective )([!=]==|case|includes\\(|startsWith\\() *${NAME}`);
/** An element of a list, or a key. */
const LISTS = new RegExp(`^\\s*(\\[\\s*)?${NAME}(: |,|\\])`);

const files = sourceFiles(SOURCE).filter(({ room, isTest }) => room !== 'strategy' && !isTest);

function linesWith(pattern: RegExp, exceptRoom: string): string[] {
  return files
    .filter(({ room }) => room !== exceptRoom)
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => {
        return pattern.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [];
      }),
    );
}

describe('the source', () => {
  it('parses strategies in one place', () => {
    // References of models have an @ before their revision.
    expect(linesWith(READS_TEXT, 'catalog')).toEqual([]);
  });

  it('knows no method by its name', () => {
    expect(linesWith(COMPARES, 'training')).toEqual([]);
    expect(linesWith(LISTS, 'training')).toEqual([]);
  });

  it.each([
    [READS_TEXT, "const [name] = text.split('@');"],
    [READS_TEXT, "names.filter((name) => name.startsWith('rand'))"],
    [READS_TEXT, `(text) => text.startsWith(\`\${name}@\`)`],
    [READS_TEXT, "if (given.endsWith('%')) return;"],
    [COMPARES, "if (control === 'random') return;"],
    [COMPARES, "    case 'co-llm-supervised':"],
    [COMPARES, "text.startsWith('speculative')"],
    [LISTS, "  'entropy',"],
    [LISTS, "['cascade', 'random-query']"],
    [LISTS, "  'random-query': 0.5,"],
  ])('detects a violation: %s in %s', (pattern, line) => {
    expect(pattern.test(line)).toBe(true);
  });
});
