/**
 * The first line of a recorded run, in every version. Version 1 had no version field, and for each
 * fact one object by role:
 *   `models: {small: 'a', large: null}, weightBytes: {small: 7, large: null}, …`
 * Version 2 has one object of facts for each model id, and labels that point to ids.
 */
import { z } from 'zod';
import { LOG_VERSION, type ModelCostFacts } from '../core/events.ts';
import { type ModelRole, type ModelsById, modelsById } from '../core/model-id.ts';

/** The facts of a model without its prices, which no reader of logs needs. */
export type LoggedModel = Omit<ModelCostFacts, 'kvBytesPerToken' | 'prices'> & {
  /** Null in early logs, which lack the field. */
  readonly kvBytesPerToken: number | null;
};

export interface LoggedStart extends ModelsById<LoggedModel> {
  readonly strategy: string;
  readonly sampling: { readonly temperature: number };
  readonly promptTokenCount: number;
}

const COUNT = z.number().int().nonnegative();
const AMOUNT = z.number().finite().nonnegative();
const PARAMETER_COUNTS = z.object({ body: COUNT, outputHead: COUNT });

const RUN = z.object({
  strategy: z.string(),
  sampling: z.object({ temperature: z.number() }),
  promptTokenCount: COUNT.min(1),
});

const ID = z.string().optional();

const START_2: z.ZodType<LoggedStart> = RUN.extend({
  models: z.record(
    z.string(),
    z.object({
      name: z.string(),
      parameterCounts: PARAMETER_COUNTS,
      weightBytes: COUNT,
      kvBytesPerToken: AMOUNT,
      prefillChunkRowCount: COUNT.min(1),
    }),
  ),
  labels: z.object({ small: ID, large: ID, reward: ID, judge: ID, hub: ID }),
}).refine(
  ({ models, labels }) =>
    Object.values(labels).every((id) => id === undefined || Object.hasOwn(models, id)),
  { message: 'a label points to no model', path: ['labels'] },
);

function byRole<T extends z.ZodType>(value: T) {
  return z.object({ small: value.nullable(), large: value.nullable() });
}

const FIELDS_1 = RUN.extend({
  models: byRole(z.string()),
  parameterCounts: byRole(PARAMETER_COUNTS),
  weightBytes: byRole(COUNT),
  kvBytesPerToken: byRole(AMOUNT).optional(),
  prefillChunkRowCount: COUNT.min(1),
});

const START_1 = FIELDS_1.transform((start): LoggedStart => {
  const { strategy, sampling, promptTokenCount } = start;
  const pair = { small: modelOf(start, 'small'), large: modelOf(start, 'large') };
  return { ...modelsById(pair), strategy, sampling, promptTokenCount };
});

function modelOf(start: z.infer<typeof FIELDS_1>, role: ModelRole): LoggedModel | null {
  const [name, counts] = [start.models[role], start.parameterCounts[role]];
  const weightBytes = start.weightBytes[role];
  if (name === null || counts === null || weightBytes === null) return null;
  return {
    name,
    parameterCounts: counts,
    weightBytes,
    kvBytesPerToken: start.kvBytesPerToken?.[role] ?? null,
    prefillChunkRowCount: start.prefillChunkRowCount,
  };
}

/**
 * The schema of a version's first lines; null for an unknown version.
 * @param version undefined if the line has none
 */
export function startSchema(version: unknown): z.ZodType<LoggedStart> | null {
  if (version === undefined) return START_1;
  return version === LOG_VERSION ? START_2 : null;
}
