// Conversations in this browser's IndexedDB, one record each.
import { restore, type Conversation } from './conversation';

const STORE = 'conversations';

function wait<T>(r: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    r.onsuccess = () => resolve(r.result);
    r.onerror = () => reject(r.error);
  });
}

function committed(r: IDBRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    r.transaction!.oncomplete = () => resolve();
    r.transaction!.onabort = () => reject(r.transaction!.error ?? r.error);
  });
}

export class History {
  private constructor(private readonly db: IDBDatabase) {}

  /** Null where the browser keeps nothing, as some private windows do. */
  static async open(): Promise<History | null> {
    try {
      const opening = indexedDB.open('samovar', 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: 'id' });
      const db = await wait(opening);
      db.onversionchange = () => db.close();
      return new History(db);
    } catch {
      return null;
    }
  }

  async all(): Promise<Conversation[]> {
    return (await wait(this.store('readonly').getAll())).flatMap((v) => restore(v) ?? []);
  }

  async get(id: string): Promise<Conversation | null> {
    return restore(await wait(this.store('readonly').get(id)));
  }

  /** Resolves when c will outlive the page. */
  put(c: Conversation): Promise<void> {
    return committed(this.store('readwrite').put(c));
  }

  delete(id: string): Promise<void> {
    return committed(this.store('readwrite').delete(id));
  }

  private store(mode: IDBTransactionMode): IDBObjectStore {
    return this.db.transaction(STORE, mode).objectStore(STORE);
  }
}
