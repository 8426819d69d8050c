// Files that a person drops or chooses, and how they get to the server.
import type { Limits } from '../api/runs';

/** A file with its path below the folder. */
export interface Text {
  path: string;
  file: File;
}

export interface Folder {
  /** Of the folder itself, if one was given whole. */
  name: string;
  texts: Text[];
  /** Hidden or empty files, which are left out. */
  passed: number;
}

/** A path as the server takes it: characters that not every system can write
 * become "_". Empty for a hidden file. */
export function plain(path: string): string {
  const parts = path.split('/').filter((p) => p !== '' && p !== '.');
  if (parts.some((p) => p.startsWith('.'))) return '';
  // eslint-disable-next-line no-control-regex
  return parts.map((p) => p.replace(/[\\:*?"<>|\u0000-\u001f\u007f-\u009f\ufffd]/g, '_').slice(0, 150)).join('/');
}

/** Puts files in order: without hidden and empty ones, each path once. The
 * folder that all of them share becomes the name. */
export function gathered(files: Text[]): Folder {
  const tops = new Set(files.map((t) => (t.path.includes('/') ? t.path.split('/')[0]! : '')));
  const name = tops.size === 1 ? [...tops][0]! : '';
  const folder: Folder = { name, texts: [], passed: 0 };
  const taken = new Set<string>();
  for (const { path, file } of files) {
    const wanted = plain(name ? path.slice(name.length + 1) : path);
    let to = wanted;
    if (to === '' || file.size === 0) {
      folder.passed++;
      continue;
    }
    for (let i = 2; taken.has(to); i++) to = wanted.replace(/(\.[^./]*)?$/, `-${i}$1`);
    taken.add(to);
    folder.texts.push({ path: to, file });
  }
  folder.texts.sort((a, b) => (a.path < b.path ? -1 : 1));
  return folder;
}

/** The files of an <input type=file>, with or without webkitdirectory. */
export function chosen(list: Iterable<File>): Text[] {
  return [...list].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** The files of what was dropped, with those in folders. */
export async function dropped(data: DataTransfer, most: number): Promise<Text[]> {
  const entries = [...data.items].flatMap((i) => i.webkitGetAsEntry() ?? []);
  const texts: Text[] = [];
  for (const entry of entries) await walk(entry, '', texts, most);
  return texts;
}

async function walk(entry: FileSystemEntry, above: string, texts: Text[], most: number): Promise<void> {
  if (entry.name.startsWith('.') || texts.length > most) return;
  const path = above + entry.name;
  if (entry.isFile) {
    const file = await new Promise<File>((done, fail) => (entry as FileSystemFileEntry).file(done, fail));
    texts.push({ path, file });
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader gives some entries at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail));
    if (some.length === 0) return;
    for (const e of some) await walk(e, path + '/', texts, most);
  }
}

export const bytesOf = (folder: Folder): number => folder.texts.reduce((sum, t) => sum + t.file.size, 0);

/** Why the server would not take a folder, before anything is sent. */
export function refused(folder: Folder, limits: Limits, kept: number): 'empty' | 'files' | 'file' | 'folder' | 'all' | undefined {
  const bytes = bytesOf(folder);
  if (folder.texts.length === 0) return 'empty';
  if (folder.texts.length > limits.files) return 'files';
  if (folder.texts.some((t) => t.file.size > limits.fileBytes)) return 'file';
  if (bytes > limits.folderBytes) return 'folder';
  return kept + bytes > limits.allBytes ? 'all' : undefined;
}

/** A name for a model, made of a folder's: small letters, digits, and . _ -
 * between them. Empty where nothing is left. */
export function modelName(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/[._-]{2,}/g, '-')
    .slice(0, 40)
    .replace(/^[._-]+|[._-]+$/g, '');
}

/** Sends all texts, several at a time, and tells how many bytes have gone. */
export async function send(
  texts: Text[],
  put: (path: string, file: File) => Promise<void>,
  progress: (bytes: number) => void,
): Promise<void> {
  let next = 0;
  let gone = 0;
  let failed = false;
  const worker = async () => {
    while (next < texts.length && !failed) {
      const { path, file } = texts[next++]!;
      try {
        await put(path, file);
      } catch (e) {
        failed = true;
        throw e;
      }
      progress((gone += file.size));
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
}
