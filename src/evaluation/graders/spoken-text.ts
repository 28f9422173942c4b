/**
 * The part of an output that the model says to the reader: without its reasoning, and without a box
 * that was cut off.
 */
import { bracePairs } from './braces.ts';

const NAMES = [
  '(?:seed:|ant_?)?(?:think|thinking|thought|thoughts|reason|reasoning|reflection',
  '|scratchpad|analysis|cot|monologue|inner_monologue)',
].join('');
/** The tags of the reasoning models, opening and closing. */
const REASONING = new RegExp(
  [
    `<(?<close>/)?${NAMES}(?: [^<>]{0,80})?>`,
    String.raw`\[(?<closeBracket>/)?THINK\]`,
    '◁(?<closeMark>/)?think▷',
    String.raw`<\|(?:begin|(?<closeBar>end))_of_thought\|>`,
  ].join('|'),
  'gi',
);
/** Channels of models that name them: the answer is what the last one says. */
const FINAL_CHANNEL = /<\|channel\|>\s*final\s*<\|message\|>/g;
const OTHER_CHANNEL = /<\|channel\|>/;
const BOX = /\\(?:boxed|fbox)\s*\{/g;

export interface SpokenText {
  readonly text: string;
  /** The reason why an answer may be missing; null: nothing was left out at the end. */
  readonly cutOff: 'the reasoning does not end' | 'the last box does not end' | null;
}

export function spokenText(output: string): SpokenText {
  const { text, isOpen } = withoutReasoning(finalChannel(output));
  const end = openBox(text);
  if (end !== null) return { text: text.slice(0, end), cutOff: 'the last box does not end' };
  return { text, cutOff: isOpen ? 'the reasoning does not end' : null };
}

/**
 * A closing tag without its opening one ends reasoning that the template has begun: nothing before
 * it counts.
 */
function withoutReasoning(output: string): { readonly text: string; readonly isOpen: boolean } {
  let said = '';
  let from: number | null = 0;
  for (const { index, 0: tag, groups } of output.matchAll(REASONING)) {
    const isClosing = Object.values(groups ?? {}).some((mark) => mark !== undefined);
    if (!isClosing) {
      if (from !== null) said += output.slice(from, index);
      from = null;
    } else {
      if (from !== null) said = '';
      from = index + tag.length;
    }
  }
  return { text: from === null ? said : said + output.slice(from), isOpen: from === null };
}

function finalChannel(output: string): string {
  const last = [...output.matchAll(FINAL_CHANNEL)].at(-1);
  if (last !== undefined) return output.slice(last.index + last[0].length);
  const other = OTHER_CHANNEL.exec(output);
  return other === null ? output : `${output.slice(0, other.index)}<think>`;
}

/** Where a box begins that is not closed; null where there is none. */
function openBox(text: string): number | null {
  const boxes = [...text.matchAll(BOX)];
  if (boxes.length === 0) return null;
  const pairs = bracePairs(text);
  return (
    boxes.find(({ index, 0: opening }) => !pairs.has(index + opening.length - 1))?.index ?? null
  );
}
