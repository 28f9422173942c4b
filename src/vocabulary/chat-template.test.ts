import { describe, expect, it } from 'vitest';
import { PilotfishError } from '../core/errors.ts';
import { type ChatTemplate, chatTemplate } from './chat-template.ts';

const SPECIAL = { bos: '<s>', eos: '</s>' };
const CHATML =
  "{{ bos_token }}{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}{{ eos_token }}" +
  '{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}';

function failure(template: ChatTemplate): unknown {
  try {
    return template.render([{ role: 'user', content: 'x' }]);
  } catch (error) {
    return error;
  }
}

describe('chatTemplate', () => {
  it('renders all messages, with the special texts, up to where the assistant begins', () => {
    const template = chatTemplate(CHATML, SPECIAL);
    const rendered = template.render([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Why?' },
    ]);
    expect(rendered).toBe('<s><|system|>Be brief.</s><|user|>Why?</s><|assistant|>');
  });

  it('keeps no state between renderings', () => {
    const template = chatTemplate(CHATML, SPECIAL);
    const render = (content: string): string => template.render([{ role: 'user', content }]);
    expect(render('one')).toBe('<s><|user|>one</s><|assistant|>');
    expect(render('two')).toBe('<s><|user|>two</s><|assistant|>');
  });

  it('does not interpret contents, even those that look like a template', () => {
    const rendered = chatTemplate(CHATML, SPECIAL).render([
      { role: 'user', content: '{{ eos_token }}{% if %}' },
    ]);
    expect(rendered).toContain('<|user|>{{ eos_token }}{% if %}</s>');
  });

  it('reports the template\u2019s own message if it refuses a conversation', () => {
    const error = failure(chatTemplate("{{ raise_exception('roles must alternate') }}", SPECIAL));
    expect(error).toBeInstanceOf(PilotfishError);
    expect(error).toMatchObject({
      code: 'template-failed',
      message: expect.stringContaining('roles must alternate'),
    });
  });

  it('fails at the first rendering if the template does not parse', () => {
    const template = chatTemplate('{% for %}', SPECIAL);
    expect(failure(template)).toMatchObject({ code: 'template-failed' });
    expect(failure(template)).toMatchObject({ code: 'template-failed' });
  });

  it('fails if the model has no template', () => {
    expect(failure(chatTemplate(null, SPECIAL))).toMatchObject({
      code: 'template-failed',
      message: 'The model has no chat template.',
      remedy: expect.stringContaining('--raw'),
    });
  });
});
