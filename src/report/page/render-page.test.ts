import { parse, type DefaultTreeAdapterTypes as Tree } from 'parse5';
import { beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationResult } from '../../evaluation/results.ts';
import { fakeResult } from '../fakes/evaluation-result.ts';
import { HOSTILE } from '../fakes/examples.ts';
import { allPictures } from '../pictures/all-pictures.ts';
import { renderSvg } from '../render-svg.ts';
import type { DrawnResult } from './page-view.ts';
import { renderPage } from './render-page.ts';

async function draw(result: EvaluationResult, source = 'result.json'): Promise<DrawnResult> {
  const pictures = [];
  for (const picture of allPictures(result)) {
    pictures.push({ ...picture, svg: (await renderSvg(picture.spec)).svg });
  }
  return { source, result, pictures };
}

function elements(node: Tree.Node, name: string): Tree.Element[] {
  const children = 'childNodes' in node ? node.childNodes : [];
  const own = 'tagName' in node && (name === '*' || node.tagName === name) ? [node] : [];
  return [...own, ...children.flatMap((child) => elements(child, name))];
}

function attribute(element: Tree.Element, name: string): string | null {
  return element.attrs.find((one) => one.name === name)?.value ?? null;
}

function textOf(node: Tree.Node): string {
  if ('value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(textOf).join('') : '';
}

/** A result with hostile text in every text field. */
function hostileResult(): EvaluationResult {
  const result = fakeResult();
  const model = { name: HOSTILE, digest: HOSTILE };
  const rename = (name: string): string => (name === 'router' ? HOSTILE : name);
  return {
    ...result,
    task: HOSTILE,
    models: { small: model, large: model },
    options: { [HOSTILE]: { [HOSTILE]: HOSTILE } },
    results: result.results.map((point) => ({
      ...point,
      strategy: rename(point.strategy),
      timeRatios: { [HOSTILE]: 0.9 },
    })),
    comparisons: result.comparisons.map((one) => ({ ...one, strategy: rename(one.strategy) })),
    summary: { ...result.summary, [HOSTILE]: { ...EMPTY_SUMMARY, axis: 'largeShare' } },
    gates: result.gates.map((gate) => ({ ...gate, gate: HOSTILE })),
  };
}

const NOTHING = { value: null, low: null, high: null };
const EMPTY_SUMMARY = { apgr: NOTHING, cpt50: NOTHING, cpt80: NOTHING, cpt95: NOTHING };

describe('renderPage', () => {
  it('names the options that strategies were given', () => {
    const options = { rsd: { 'steps.draftCount': 4, 'steps.separators': ['\n'] } };
    const drawn = { source: 'result.json', result: { ...fakeResult(), options }, pictures: [] };
    const page = parse(renderPage([drawn]));
    expect(elements(page, 'dl').map(textOf).join()).toContain(
      'options of rsdsteps.draftCount 4, steps.separators ["\\n"]',
    );
  });

  const result = fakeResult();
  let html: string;
  let page: Tree.Document;

  beforeAll(async () => {
    html = renderPage([await draw(result)]);
    page = parse(html);
  });

  it('is one document with a title, a language and one heading', () => {
    expect(html.startsWith('<!doctype html>')).toBe(true);
    expect(elements(page, 'title').map(textOf)[0]).toBe('Evaluation: gsm8k');
    expect(elements(page, 'html').map((html) => attribute(html, 'lang'))).toEqual(['en']);
    expect(elements(page, 'h1')).toHaveLength(1);
  });

  it('loads nothing', () => {
    const loading = ['script', 'link', 'img', 'image', 'iframe', 'object', 'embed', 'video', 'use'];
    for (const name of loading) expect([name, elements(page, name)]).toEqual([name, []]);
    const references = elements(page, '*').flatMap((element) =>
      element.attrs
        .filter(({ name }) => /^(src|srcset|href|xlink:href|data|action|style|on.*)$/.test(name))
        .map(({ name, value }) => `${name}=${value}`),
    );
    expect(references.filter((text) => /^on|:\/\/|\/\/|url\(/.test(text))).toEqual([]);
    expect(elements(page, 'style').map(textOf).join('')).not.toMatch(/url\(|@import|@font-face/);
    expect(html).toContain("default-src 'none'");
  });

  it('gives every picture a label and the table of its numbers', () => {
    const figures = elements(page, 'figure');
    expect(figures).toHaveLength(10);
    for (const figure of figures) {
      const [svg] = elements(figure, 'svg');
      expect(svg === undefined ? null : attribute(svg, 'role')).toBe('img');
      expect(svg === undefined ? '' : attribute(svg, 'aria-label')).toContain('as a table');
      expect(elements(figure, 'details')).toHaveLength(1);
      expect(elements(figure, 'table')).toHaveLength(1);
      expect(elements(figure, 'caption')).toHaveLength(1);
    }
  });

  it('has no id twice', () => {
    const ids = elements(page, '*').flatMap((element) => attribute(element, 'id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(9);
  });

  it('shows a question with its answers token by token, with origin and score', () => {
    const [first] = elements(page, 'article').slice(1);
    const answer = result.examples[0]?.answers[1];
    if (first === undefined || answer === undefined) return expect.fail('no answer');
    const [text] = elements(first, 'div');
    expect(text === undefined ? '' : textOf(text)).toBe(
      answer.tokens.map((token) => token.text).join(''),
    );
    const tokens = elements(first, 'span').filter((span) => attribute(span, 'title') !== null);
    expect(tokens.map((token) => attribute(token, 'class'))).toEqual(
      answer.tokens.map(({ origin }) => origin),
    );
    expect(tokens.map((token) => attribute(token, 'title'))).toContain('large model, score 1.75');
    expect(tokens.map((token) => attribute(token, 'title'))).toContain('copied from the prompt');
  });

  it('marks right and wrong in words', () => {
    const marks = elements(page, 'h4').map((heading) => textOf(heading).replaceAll(/\s+/g, ' '));
    expect(marks.slice(0, 3)).toEqual([
      'small ✗ wrong',
      'entropy@1 ✓ right ',
      'random@0.2 ✗ wrong',
    ]);
  });

  it('shows several results under one title, with a link to each', async () => {
    const drawn = await draw(result);
    const both = parse(renderPage([drawn, { ...drawn, result: { ...result, task: 'pocket' } }]));
    expect(elements(both, 'title').map(textOf)[0]).toBe('Evaluation: gsm8k, pocket');
    const targets = elements(both, 'section').map((section) => `#${attribute(section, 'id')}`);
    expect(elements(both, 'a').map((link) => attribute(link, 'href'))).toEqual(targets);
    const ids = elements(both, '*').flatMap((element) => attribute(element, 'id') ?? []);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('shows hostile text as text, wherever it comes from', async () => {
    const hostile = parse(renderPage([await draw(hostileResult(), HOSTILE)]));
    for (const name of ['script', 'img', 'pre']) {
      expect([name, elements(hostile, name)]).toEqual([name, []]);
    }
    const handlers = elements(hostile, '*').flatMap(({ attrs }) =>
      attrs.filter(({ name }) => name.startsWith('on')),
    );
    expect(handlers).toEqual([]);
    const values = elements(hostile, 'dd').map(textOf);
    expect(values.filter((value) => value === HOSTILE)).toHaveLength(2);
    expect(elements(hostile, 'article').map(textOf).join('')).toContain(HOSTILE);
    expect(elements(hostile, 'svg').map(textOf).join('')).toContain('<script>');
    const labels = elements(hostile, 'svg').map((svg) => attribute(svg, 'aria-label') ?? '');
    expect(labels.filter((label) => label.includes(HOSTILE))).not.toEqual([]);
    // The page is complete after all the hostile text.
    expect(elements(hostile, 'section')).toHaveLength(1);
    expect(elements(hostile, 'figure')).toHaveLength(10 - 1);
  });
});
