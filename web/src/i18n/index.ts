// Languages: which there are, which a reader wants, and how numbers, plurals
// and names look in them. Pure functions; language.svelte.ts holds the choice.
import { ar } from './ar';
import type { Dictionary, Plural } from './dictionary';
import { en } from './en';
import { fr } from './fr';
import { ru } from './ru';

export type { Dictionary, Key, Plural, Step } from './dictionary';

/** Each language under its code, named in itself. */
export const languages = {
  en: { name: 'English', dir: 'ltr', words: en },
  fr: { name: 'Français', dir: 'ltr', words: fr },
  ru: { name: 'Русский', dir: 'ltr', words: ru },
  ar: { name: 'العربية', dir: 'rtl', words: ar },
} as const satisfies Record<string, { name: string; dir: 'ltr' | 'rtl'; words: unknown }>;

export type Code = keyof typeof languages;

export const codes = Object.keys(languages) as Code[];

export function isCode(s: unknown): s is Code {
  return typeof s === 'string' && Object.hasOwn(languages, s);
}

/** The first of the reader's languages that there is; English otherwise. */
export function negotiate(wanted: readonly string[]): Code {
  for (const tag of wanted) {
    const code = tag.toLowerCase().split('-')[0];
    if (isCode(code)) return code;
  }
  return 'en';
}

/** The reader's own variant of the language (ar-MA, en-GB), which decides how
 * numbers are written; the bare code if the reader named none. */
export function variant(code: Code, wanted: readonly string[]): string {
  return wanted.find((tag) => tag.toLowerCase().split('-')[0] === code) ?? code;
}

/** Everything that is said or written in one language. */
export class Voice {
  readonly words: Dictionary;
  readonly dir: 'ltr' | 'rtl';
  private readonly rules: Intl.PluralRules;

  constructor(
    readonly code: Code,
    readonly locale: string,
  ) {
    // Sound because plural() only asks for forms that the language's own rules
    // give, and each dictionary has all of those.
    this.words = languages[code].words as unknown as Dictionary;
    this.dir = languages[code].dir;
    this.rules = new Intl.PluralRules(locale);
  }

  number(n: number, options?: Intl.NumberFormatOptions): string {
    return new Intl.NumberFormat(this.locale, options).format(n);
  }

  /** Three significant digits, as figures that were measured deserve. */
  figure(n: number): string {
    return this.number(n, n >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 });
  }

  plural(n: number, forms: Plural<Intl.LDMLPluralRule>): string {
    return (forms[this.rules.select(n)] ?? forms.other).replace('{n}', this.number(n));
  }

  /** A time that was measured; one that is only guessed deserves two digits. */
  seconds(s: number, digits = 3): string {
    if (s < 1) return this.number(Math.round(s * 1000), { style: 'unit', unit: 'millisecond', unitDisplay: 'short' });
    if (s < 120) return this.unit(s, 'second', digits);
    return s < 7200 ? this.unit(s / 60, 'minute', digits) : this.unit(s / 3600, 'hour', digits);
  }

  bytes(n: number): string {
    const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
    let i = 0;
    for (; n >= 1000 && i < units.length - 1; i++) n /= 1000;
    return this.unit(n, units[i]!);
  }

  joules(j: number): string {
    const say = this.words.figures.joules;
    if (j === 0) return say.one(this.number(0));
    if (j < 1) return say.milli(this.figure(j * 1e3));
    if (j < 1e3) return say.one(this.figure(j));
    return j < 1e6 ? say.kilo(this.figure(j / 1e3)) : say.mega(this.figure(j / 1e6));
  }

  /** A moment as a server writes it, such as "2026-11-22 08:28 UTC"; what is
   * no moment comes back as it is. */
  moment(text: string): string {
    const at = Date.parse(text.replace(/^(\S+) (\S+) UTC$/, '$1T$2Z'));
    if (Number.isNaN(at)) return text;
    return new Intl.DateTimeFormat(this.locale, { dateStyle: 'medium', timeStyle: 'short' }).format(at);
  }

  /** The name of a language in this one; the code itself if it has none. */
  language(code: string): string {
    try {
      return new Intl.DisplayNames([this.locale], { type: 'language' }).of(code) ?? code;
    } catch {
      return code;
    }
  }

  list(items: string[]): string {
    return new Intl.ListFormat(this.locale, { type: 'conjunction' }).format(items);
  }

  private unit(n: number, unit: string, digits = 3): string {
    return this.number(n, { style: 'unit', unit, unitDisplay: 'short', maximumSignificantDigits: digits });
  }
}
