// What every language must say. A dictionary that lacks a string, or a form of
// a plural that its language has, does not compile.

import type { State } from '../api/runs';
import type { Figure, Term } from '../runs/figures';

/** The plural forms of a language, as Intl.PluralRules names them. {n} stands
 * for the number. */
export type Plural<Form extends Intl.LDMLPluralRule> = Record<Form, string>;

export interface Dictionary<Form extends Intl.LDMLPluralRule = Intl.LDMLPluralRule> {
  shell: {
    tagline: string;
    navigation: string;
    skip: string;
    language: string;
    theme: string;
    themes: { auto: string; light: string; dark: string };
    close: string;
    undo: string;
  };
  pages: { chat: string; runs: string };
  history: {
    title: string;
    open: string;
    start: string;
    untitled: string;
    rename: string;
    remove: string;
    removed: (title: string) => string;
    local: string;
    lost: string;
    actions: (title: string) => string;
  };
  welcome: {
    title: string;
    chat: string;
    text: string;
    limits: string;
    privacy: string;
    examples: string;
    parameters: (n: string) => string;
    read: (languages: string) => string;
    stories: [string, string, string];
    openings: [string, string, string];
  };
  composer: {
    label: string;
    chat: string;
    text: string;
    send: string;
    stop: string;
    keys: string;
    model: string;
    settings: string;
    continues: string;
    latest: string;
  };
  message: {
    you: string;
    thinking: string;
    finished: string;
    copy: string;
    copied: string;
    edit: string;
    editing: string;
    save: string;
    cancel: string;
    again: string;
    goOn: string;
    previous: string;
    next: string;
    version: (n: string, of: string) => string;
    stopped: string;
    length: string;
    empty: string;
    origin: string;
  };
  figures: {
    title: string;
    speed: (n: string) => string;
    first: (seconds: string) => string;
    tokens: Plural<Form>;
    joules: { milli: (n: string) => string; one: (n: string) => string; kilo: (n: string) => string; mega: (n: string) => string };
    kwh: (n: string) => string;
    measured: string;
    estimated: string;
    mixed: string;
    measuredBy: (how: string) => string;
    estimatedBy: (how: string) => string;
  };
  errors: {
    title: string;
    retry: string;
    refused: string;
    offline: string;
    incomplete: string;
    unreached: string;
    cut: string;
    loading: string;
    noModels: string;
    models: string;
    status: (n: string) => string;
  };
  settings: {
    title: string;
    temperature: string;
    temperatureNote: string;
    exact: string;
    free: string;
    length: string;
    lengthNote: string;
    system: string;
    systemNote: string;
    systemUnused: string;
    reset: string;
    kept: string;
  };
  lineage: {
    title: string;
    lead: string;
    loading: string;
    failed: string;
    empty: string;
    chain: string;
    energy: string;
    energyOfStep: string;
    noEnergy: string;
    more: string;
    gone: string;
    run: (id: string) => string;
    copyDigest: string;
    sources: string;
    noSources: string;
    origin: string;
    licence: string;
    language: string;
    documents: string;
    bytes: string;
    stages: Record<Step, string>;
    explain: Record<Step, string>;
    keys: Record<Key, string>;
  };
  runs: {
    title: string;
    lead: string;
    all: string;
    brew: string;
    unavailable: string;
    unread: string;
    gone: string;
    live: string;
    rest: string;
    finished: string;
    none: string;
    pick: string;
    select: (run: string) => string;
    compare: (n: string) => string;
    unpick: string;
    unnamed: string;
    states: Record<State, string>;
    stateNotes: Partial<Record<State, string>>;
    stop: string;
    goOn: string;
    talk: string;
    remove: string;
    removeNote: string;
    removed: (name: string) => string;
    began: (moment: string) => string;
    finishedAt: (moment: string) => string;
    attempts: (n: string) => string;
    left: (time: string) => string;
    timeLeft: string;
    ofStage: string;
    predicted: (bits: string) => string;
    took: string;
    tokensRead: string;
    bits: (n: string) => string;
    plots: Record<Figure, string>;
    explain: Record<Figure, string>;
    falls: (name: string, figure: string, first: string, last: string, tokens: string) => string;
    shown: string;
    axis: string;
    after: (tokens: string) => string;
    numbers: string;
    noCurve: string;
    curveComing: string;
    byHeart: (tokens: string) => string;
    curve: string;
    stages: string;
    found: string;
    ahead: string;
    reading: string;
    /** What a design is doing. */
    doing: {
      read: string;
      try: (layers: string, tokens: string) => string;
      measure: (layers: string, width: string) => string;
    };
    samples: string;
    samplesNote: string;
    earlier: string;
    recipe: string;
    noRecipe: string;
    origin: (stage: string) => string;
    ofBrew: string;
    lineage: string;
    walk: string;
    source: string;
    from: string;
    into: string;
    digest: string;
    card: string;
    cardNote: string;
    noCard: string;
    settings: string;
    beside: string;
    results: string;
    differ: string;
    same: string;
    terms: Record<Term, string>;
    order: {
      way: string;
      fromFolder: string;
      fromRecipe: string;
      drop: string;
      kinds: string;
      looking: string;
      unreadable: string;
      files: string;
      count: Plural<Form>;
      passed: (n: string) => string;
      chooseFolder: string;
      chooseFiles: string;
      limits: (files: string, folder: string, all: string) => string;
      problems: Record<'empty' | 'files' | 'file' | 'folder' | 'all', string>;
      little: string;
      name: string;
      nameNote: string;
      language: string;
      asRead: string;
      noLanguage: string;
      origin: string;
      originNote: string;
      licence: string;
      licenceNote: string;
      budget: string;
      budgetNote: string;
      recipe: string;
      recipeNote: string;
      sending: string;
      begin: string;
    };
  };
}

/** What the steps of a lineage are called to people. */
export type Step = 'design' | 'corpus' | 'tokenizer' | 'shards' | 'plan' | 'train' | 'tune' | 'prefer' | 'eval' | 'quant' | 'import' | 'model';

/** The figures of a step that have a name in each language; others are shown
 * as they come. */
export type Key =
  | 'architecture'
  | 'bits_per_byte'
  | 'bits_per_weight'
  | 'bytes'
  | 'code'
  | 'dialogues'
  | 'documents'
  | 'finished'
  | 'licence'
  | 'loss'
  | 'machine'
  | 'numerics'
  | 'parameters'
  | 'quantization'
  | 'seconds'
  | 'steps'
  | 'tokens'
  | 'tokens_per_second'
  | 'vocabulary'
  | 'window';
