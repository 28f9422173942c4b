/** Renders conversations with the Jinja template in a model file. */
import { Template } from '@huggingface/jinja';
import type { ChatMessage } from '../core/chat-message.ts';
import { PilotfishError } from '../core/errors.ts';

export interface ChatTemplate {
  /** Ends at the start of the assistant's answer. @throws PilotfishError `template-failed` */
  render(messages: readonly ChatMessage[]): string;
}

export interface SpecialTexts {
  readonly bos: string;
  readonly eos: string;
}

/**
 * @param source the template, or null if the model has none (then every rendering fails)
 * @param special texts that templates refer to as `bos_token` and `eos_token`
 */
export function chatTemplate(source: string | null, special: SpecialTexts): ChatTemplate {
  let template: Template | null = null;
  return {
    render(messages) {
      if (source === null) {
        throw new PilotfishError('template-failed', 'The model has no chat template.', {
          remedy:
            'Use an instruction-tuned model, name the model of the pair that has a template ' +
            '(--template), or give a raw prompt (--raw).',
        });
      }
      try {
        template ??= new Template(source);
        return template.render({
          messages,
          add_generation_prompt: true,
          bos_token: special.bos,
          eos_token: special.eos,
        });
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new PilotfishError('template-failed', `The chat template failed: ${why}`, {
          remedy: 'Check the roles and their order, or give a raw prompt (--raw).',
          cause,
        });
      }
    },
  };
}
