import { PassThrough, Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { recordedIo } from '../../../test/cli/recorded-io.ts';
import { PROMPT_BYTES_MAX, readPrompt } from './read-prompt.ts';

const TRIMMED = { exact: false };

describe('readPrompt', () => {
  it('prefers the argument to standard input', async () => {
    const { io } = recordedIo({ input: 'piped' });
    expect(await readPrompt('given', io, TRIMMED)).toBe('given');
  });

  it('reads standard input for "-" and without an argument, and drops one line end', async () => {
    expect(await readPrompt('-', recordedIo({ input: 'a\n\n' }).io, TRIMMED)).toBe('a\n');
    expect(await readPrompt(undefined, recordedIo({ input: 'a\r\n' }).io, TRIMMED)).toBe('a');
    expect(await readPrompt('-', recordedIo({ input: 'a\n' }).io, { exact: true })).toBe('a\n');
  });

  it('joins characters that arrive in pieces', async () => {
    const bytes = Buffer.from('né漢');
    const { io } = recordedIo({ input: Array.from(bytes, (byte) => Buffer.of(byte)) });
    expect(await readPrompt('-', io, TRIMMED)).toBe('né漢');
  });

  it.each(['', ' \n\t '])('refuses the empty prompt %j', async (prompt) => {
    const { io } = recordedIo({ input: prompt });
    await expect(readPrompt(prompt, io, TRIMMED)).rejects.toMatchObject({ code: 'prompt-empty' });
    await expect(readPrompt('-', io, TRIMMED)).rejects.toMatchObject({ code: 'prompt-empty' });
  });

  it('refuses to wait for a keyboard', async () => {
    const { io } = recordedIo({ inputIsTerminal: true, input: 'typed' });
    await expect(readPrompt(undefined, io, TRIMMED)).rejects.toMatchObject({
      code: 'prompt-empty',
    });
  });

  it('stops reading past the limit, and allows it exactly', async () => {
    const chunk = Buffer.alloc(PROMPT_BYTES_MAX, 'a');
    const { io: within } = recordedIo({ input: [chunk] });
    expect(await readPrompt('-', within, TRIMMED)).toHaveLength(PROMPT_BYTES_MAX);
    const { io: beyond } = recordedIo({ input: [chunk, Buffer.from('b')] });
    const refusal = { code: 'prompt-too-long' };
    await expect(readPrompt('-', beyond, TRIMMED)).rejects.toMatchObject(refusal);
    await expect(readPrompt(`${chunk}b`, within, TRIMMED)).rejects.toMatchObject(refusal);
  });

  it('stops reading from an endless writer', async () => {
    let chunkCount = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      for (; chunkCount < 20; chunkCount += 1) yield Buffer.alloc(PROMPT_BYTES_MAX / 2 + 1, 'a');
    }
    const { io } = recordedIo({ input: Readable.from(endless(), { highWaterMark: 1 }) });
    await expect(readPrompt('-', io, TRIMMED)).rejects.toMatchObject({ code: 'prompt-too-long' });
    expect(chunkCount).toBeLessThan(10);
  });

  it('refuses input that is not UTF-8', async () => {
    const { io } = recordedIo({ input: [Buffer.of(0x61, 0xff)] });
    await expect(readPrompt('-', io, TRIMMED)).rejects.toMatchObject({ code: 'option-invalid' });
  });

  it('ends when it is cancelled while the writer is silent', async () => {
    const { io, abort } = recordedIo({ input: new PassThrough() });
    const reading = readPrompt('-', io, TRIMMED);
    abort();
    await expect(reading).rejects.toMatchObject({ code: 'aborted' });
  });
});
