/**
 * The tools that tests of programs built on Pilotfish can use: models without downloads, contracts,
 * draws.
 */
export { ScriptedModel, type ScriptedModelOptions } from '../model/scripted/scripted-model.ts';
export { WorkRecorder } from '../session/work-recorder.ts';
export {
  type ContractCase,
  type ContractInput,
  LANGUAGE_MODEL_CONTRACT,
} from './contracts/language-model-contract.ts';
export {
  SessionBench,
  type SessionCase,
  type SessionSubject,
  type SubjectRequest,
} from './contracts/session-bench.ts';
export { sessionContract } from './contracts/session-contract.ts';
export {
  VOCABULARY_CONTRACT,
  type VocabularyCase,
  type VocabularyInput,
} from './contracts/vocabulary-contract.ts';
export { enumerateDraws, largestDifference, PathDraws } from './enumerate-draws.ts';
export { type RandomModelOptions, writeRandomModel } from './random-model.ts';
export { openRandomPair, type RandomPair } from './random-pair.ts';
export { type TeacherForced, teacherForce } from './teacher-force.ts';
