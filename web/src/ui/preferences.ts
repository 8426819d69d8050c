// Small choices, kept in localStorage where the browser lets us; never an error.

export function read(name: string): unknown {
  try {
    const text = localStorage.getItem('samovar.' + name);
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function write(name: string, value: unknown): void {
  try {
    localStorage.setItem('samovar.' + name, JSON.stringify(value));
  } catch {
    // Full or forbidden: the choice holds until the page is closed.
  }
}
