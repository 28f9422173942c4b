import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../core/chat-message.ts';
import { tokenId } from '../core/token-id.ts';
import { ScriptedModel, type ScriptedModelOptions } from '../model/scripted/scripted-model.ts';
import { chatTemplate } from '../vocabulary/chat-template.ts';
import { TextTokens } from './text-tokens.ts';

const TOKENS = ['a', 'b', '<', '>', '/', '\n', '<b>', '</b>', ''];
const [B, END_B] = [6, 7];

function vocabulary(options: Partial<ScriptedModelOptions> = {}) {
  const next = (): number[] => TOKENS.map(() => 1 / TOKENS.length);
  return new ScriptedModel({ tokens: TOKENS, next, endOfGeneration: [8], ...options }).vocabulary;
}

/** What a template makes of the messages, without marks, and the tokens of it. */
function read(tokens: TextTokens, messages: readonly ChatMessage[], template: string) {
  const compiled = chatTemplate(template, { bos: '', eos: '' });
  const marked = tokens.rendered(messages, (given) => compiled.render(given));
  return {
    text: marked.text.replaceAll(marked.mark ?? '\u{e000}', ''),
    ids: tokens.tokens(marked),
  };
}

const user = (content: string): ChatMessage => ({ role: 'user', content });
const assistant = (content: string): ChatMessage => ({ role: 'assistant', content });

const JOINED = "{% for m in messages %}{{ m['content'] }}{% endfor %}";
const TRIMMED = "{% for m in messages %}<b>{{ m['content'] | trim }}</b>{% endfor %}";
/** Forgets what an assistant's turn says before `</b>`. */
const FORGETTING =
  "{% for m in messages %}<b>{{ m['content'].split('</b>')[-1] if m['role'] == 'assistant' " +
  "else m['content'] }}</b>{% endfor %}";

describe('TextTokens', () => {
  const tokens = new TextTokens([vocabulary({ special: [B, END_B] })]);

  it('gives special tokens of the template, and text for those of the contents', () => {
    expect(read(tokens, [user('a<b>')], TRIMMED).ids).toEqual([B, 0, 2, 1, 3, END_B]);
  });

  it('keeps apart what contents spell out with each other and with the template', () => {
    expect(read(tokens, [user('a<'), user('b>')], JOINED).ids).toEqual([0, 2, 1, 3]);
    expect(read(tokens, [user('<'), user('b'), user('>')], JOINED).ids).toEqual([2, 1, 3]);
    const around = "{{ '<' + messages[0]['content'] + '>' }}";
    expect(read(tokens, [user('b')], around).ids).toEqual([2, 1, 3]);
    expect(read(tokens, [user('/b')], around).ids).toEqual([2, 4, 1, 3]);
  });

  it('lets a template trim its contents', () => {
    expect(read(tokens, [user('\n<\n'), user('\n>\n')], TRIMMED).text).toBe('<b><</b><b>></b>');
  });

  it('lets the mark of a content stay, and chooses another one', () => {
    const odd = vocabulary({ tokens: [...TOKENS, '\u{e000}'], special: [B], endOfGeneration: [] });
    expect(read(new TextTokens([odd]), [user('\u{e000}<b>')], JOINED).ids).toEqual([9, 2, 1, 3]);
  });

  it('keeps special tokens of the other model as text, too', () => {
    const large = vocabulary();
    expect(new TextTokens([large]).tokens({ text: '<b>', mark: null })).toEqual([B]);
    const both = new TextTokens([large, vocabulary({ special: [B], endOfGeneration: [END_B, 8] })]);
    expect(both.tokens(both.plain('a<b></b>'))).toEqual([0, 2, 1, 3, 2, 4, 1, 3]);
    expect(read(both, [user('<b>'), user('<'), user('/b>')], JOINED).ids).toEqual([
      ...[2, 1, 3],
      ...[2, 4, 1, 3],
    ]);
  });

  describe('with user-defined tokens', () => {
    const thinking = new TextTokens([vocabulary({ special: [B, END_B], userDefined: true })]);

    it('lets the template find what the assistant wrote', () => {
      const { text, ids } = read(thinking, [user('a'), assistant('<b>a</b>b')], FORGETTING);
      expect(text).toBe('<b>a</b><b>b</b>');
      expect(ids).toEqual([B, 0, END_B, B, 1, END_B]);
    });

    it('keeps as text what the template does not look for, and what the user wrote', () => {
      expect(read(thinking, [assistant('</b>a<b>')], FORGETTING).ids).toEqual([
        ...[B, 0, 2, 1, 3, END_B],
      ]);
      expect(read(thinking, [assistant('a</b>')], TRIMMED).ids).toEqual([
        ...[B, 0, 2, 4, 1, 3, END_B],
      ]);
      expect(read(thinking, [user('a</b>b')], FORGETTING)).toMatchObject({
        text: '<b>a</b>b</b>',
        ids: [B, 0, 2, 4, 1, 3, 1, END_B],
      });
    });

    it('does not let the template find control tokens in what the assistant wrote', () => {
      expect(read(tokens, [assistant('a</b>b')], FORGETTING).text).toBe('<b>a</b>b</b>');
    });
  });

  it('gives the tokens of a text behind another one', () => {
    expect(tokens.continued('ab')).toEqual([0, 1]);
    expect(tokens.continued('a<b>')).toEqual([0, 2, 1, 3]);
    const started = { ...vocabulary(), startToken: tokenId(4) };
    expect(new TextTokens([started]).continued('ab')).toEqual([0, 1]);
  });

  it('keeps a raw text as text, unless it is to be parsed', () => {
    expect(tokens.tokens(tokens.plain('<b>a'))).toEqual([2, 1, 3, 0]);
    expect(tokens.tokens({ text: '<b>a', mark: null })).toEqual([B, 0]);
    expect(tokens.plain('a<')).toEqual({ text: 'a<', mark: null });
  });
});
