/**
 * The rooms of `src/` and what each may import besides itself: here and nowhere else. A room imports
 * only rooms above it in this list, and only those that its line names. The order follows what knows
 * what:
 *
 * 1. `core` holds the words of the field; everything may use them.
 * 2. `storage` to `grammar` each know one craft: files, small networks, rows of logits, text, forms.
 * 3. `model` to `session` lead from a model to what one request may ask of it; `link` holds what a
 *    device and a hub say to each other, `device` the device's end. (`hub`, the other, also judges.)
 * 4. `accounting` and `machines` say what work costs, `channel` what a link costs. They come before
 *    `strategy`, because a strategy states its costs, and before `engine`, whose last event is a fold
 *    over costs.
 * 5. `judging` to `strategy` decide, `engine` runs the decisions, `server` puts them behind an API.
 * 6. `catalog` to `report` do one large thing each with engines and models.
 * 7. `app` composes all of it into use cases, `index.ts` exports those, `cli` prints them.
 */
export const ROOMS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    core: [],
    storage: ['core'],
    http: ['storage'],
    network: ['core'],
    sampling: ['core'],
    vocabulary: ['core'],
    grammar: ['core'],
    model: ['core', 'sampling', 'storage', 'vocabulary'],
    'kv-cache': ['core', 'model'],
    session: ['core', 'kv-cache', 'model', 'sampling', 'vocabulary'],
    link: ['core', 'sampling'],
    device: ['core', 'link', 'model', 'sampling', 'session', 'vocabulary'],
    remote: ['core', 'http', 'model', 'sampling', 'session'],
    accounting: ['core'],
    channel: ['core', 'link', 'sampling'],
    machines: ['accounting', 'core', 'model', 'sampling', 'storage'],
    judging: ['core', 'network', 'session'],
    speculative: ['core', 'sampling', 'session'],
    hub: [
      ...['core', 'http', 'kv-cache', 'link', 'model', 'sampling', 'session', 'speculative'],
      'vocabulary',
    ],
    strategy: ['core', 'judging', 'machines', 'sampling', 'session', 'speculative'],
    engine: [
      ...['accounting', 'core', 'grammar', 'kv-cache', 'model', 'session', 'strategy'],
      'vocabulary',
    ],
    server: ['core', 'engine', 'grammar', 'http', 'strategy'],
    testing: ['core', 'engine', 'model', 'session', 'strategy', 'vocabulary'],
    catalog: ['core', 'http', 'storage'],
    evaluation: [
      ...['accounting', 'core', 'engine', 'judging', 'machines', 'model', 'session', 'storage'],
      'strategy',
    ],
    training: [
      ...['core', 'engine', 'evaluation', 'judging', 'kv-cache', 'model', 'network', 'sampling'],
      ...['session', 'storage', 'strategy'],
    ],
    report: ['channel', 'core', 'evaluation', 'judging', 'strategy'],
    app: [
      ...['accounting', 'catalog', 'channel', 'core', 'device', 'engine', 'evaluation', 'hub'],
      ...['judging', 'kv-cache', 'link', 'machines', 'model', 'network', 'remote', 'report'],
      ...['server', 'session', 'speculative', 'storage', 'strategy', 'training'],
    ],
    // The library's face.
    'index.ts': [
      ...['accounting', 'app', 'catalog', 'channel', 'core', 'engine', 'evaluation', 'grammar'],
      ...['judging', 'machines', 'model', 'session', 'strategy', 'training'],
    ],
    cli: [
      ...['app', 'catalog', 'channel', 'core', 'engine', 'evaluation', 'grammar', 'hub'],
      ...['machines', 'storage', 'strategy', 'training'],
    ],
  }),
);

/**
 * The rooms whose functions and classes the command line may use: use cases, words, the files that a
 * user names, and the parsers of a user's texts. From other rooms it takes only types, to render
 * them, and constants, to name limits and choices in help texts.
 */
export const USED_BY_CLI: readonly string[] = ['app', 'core', 'storage', 'strategy', 'grammar'];
