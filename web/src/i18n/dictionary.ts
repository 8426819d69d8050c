// What every language must say. A dictionary that lacks a string, or a form of
// a plural that its language has, does not compile.

import type { Mode, Reason, Refused } from '../api/robot';
import type { Fault } from '../robot/microphone';
import type { State } from '../api/runs';
import type { Layer } from '../robot/scene';
import type { Figure, Term } from '../runs/figures';

/** The plural forms of a language, as Intl.PluralRules names them. {n} stands
 * for the number. */
export type Plural<Form extends Intl.LDMLPluralRule> = Record<Form, string>;

/** A word and what it means, in one plain sentence. */
export interface Explained {
  name: string;
  text: string;
}

/** A sentence, perhaps one with a name in it. */
export type Named = string | ((name: string) => string);

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
  pages: { chat: string; runs: string; robot: string };
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
  robot: {
    title: string;
    absent: string;
    connecting: string;
    lost: string;
    simulated: string;
    /** The picture. */
    view: string;
    noPicture: string;
    /** How to turn it, and with a simulated robot how to push. */
    turn: string;
    turnOnly: string;
    again: string;
    layers: Record<Layer, Explained> & { title: string; is: string };
    status: {
      standing: string;
      stepping: string;
      dancing: string;
      dancingTo: (song: string) => string;
      speaking: string;
      /** To the microphone; and before there is a beat. */
      following: string;
      listening: string;
      bowing: string;
      stopped: Record<Exclude<Mode, 'running'>, string>;
    };
    stop: {
      group: string;
      button: string;
      /** What the next press does. */
      next: Record<Mode, string>;
      stages: string;
      stage: Record<Exclude<Mode, 'running'>, string>;
      keys: string;
      sending: string;
      failed: string;
      resume: string;
      reset: string;
    };
    beats: { label: string; more: Plural<Form> };
    dance: {
      title: string;
      drop: string;
      choose: string;
      listening: (song: string) => string;
      about: (tempo: string, meter: string, time: string) => string;
      unsure: string;
      unplayable: string;
      begin: string;
      end: string;
      allow: string;
      soundOn: string;
      soundOff: string;
      /** By the microphone, and how that ends. */
      hear: string;
      deafen: string;
      /** How far people stay away: “2 m”. */
      clear: (metres: string) => string;
      heard: (tempo: string) => string;
      unheard: string;
    };
    talk: {
      title: string;
      greet: string;
      language: string;
      log: string;
      robot: string;
      person: string;
      way: string;
      ask: string;
      say: string;
      askHint: string;
      sayHint: string;
      askNow: string;
      sayNow: string;
      mute: string;
      voiceless: string;
      /** A button to speak by: as it is, held, and let go. */
      hold: string;
      held: string;
      heard: string;
      brief: string;
      knows: (words: string) => string;
      sentences: string;
      deaf: string;
    };
    microphone: Record<Fault, string>;
    /** What the server refuses; those with a song are of songs. */
    refused: Record<Refused, Named>;
    /** Why it was stopped; of is a joint or a sensor. */
    reasons: Record<Reason, Named>;
    push: {
      title: string;
      text: string;
      how: string;
      strength: (n: string) => string;
      ahead: string;
      back: string;
      left: string;
      right: string;
    };
    figures: Record<'tilt' | 'drift' | 'torque' | 'tick' | 'falls' | 'violations' | 'clamped', Explained> & { title: string };
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
