/** Files that go with a prompt: read, measured, and refused in words before the server has to. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { AgentInfo } from '../api/agents';
import type { Attachment } from '../schema/types';

/** A body is at most 8 MiB (agor_jupyter/server/bodies.py); a megabyte is left for the words. */
export const MOST_BYTES = 7 * 2 ** 20;
export const MOST_FILES = 20;

/** Other pictures (SVG) are text to a model. */
const PICTURES: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

type Able = Pick<AgentInfo, 'title' | 'capabilities'>;

export interface Attached {
  readonly files: readonly Attachment[];
  /** Why some were not taken, a sentence each. */
  readonly refused: readonly string[];
}

/** Say why an agent takes no pictures or no files; null where it does. */
export function whyNot(kind: 'images' | 'files', agent: Able | undefined, trans: TranslationBundle): string | null {
  if (agent === undefined || agent.capabilities[kind]) {
    return null;
  }
  const said = kind === 'images' ? trans.__('%1 takes no pictures.', agent.title) : trans.__('%1 takes no files.', agent.title);
  const note = agent.capabilities.notes[kind] ?? '';
  return note === '' ? said : `${said} ${note}`;
}

/** Count what an attachment adds to the body of a request. */
export function sizeOf(file: Attachment): number {
  return new TextEncoder().encode(JSON.stringify(file)).length;
}

/** Add files to those that are there; what does not fit, or cannot be taken, is left out and said. */
export async function attach(
  given: readonly File[],
  before: readonly Attachment[],
  agent: Able | undefined,
  trans: TranslationBundle
): Promise<Attached> {
  const files = [...before];
  const refused: string[] = [];
  let room = MOST_BYTES - before.reduce((sum, file) => sum + sizeOf(file), 0);
  for (const file of given) {
    const picture = PICTURES.has(file.type);
    const unable = whyNot(picture ? 'images' : 'files', agent, trans);
    // Looked at before it is read: nobody waits for a gigabyte that will be refused.
    const read = unable === null && file.size <= room ? await readFile(file, picture) : null;
    if (unable !== null) {
      refused.push(unable);
    } else if (files.length >= MOST_FILES) {
      refused.push(trans.__('“%1” is one too many: a prompt takes %2 files.', file.name, MOST_FILES));
    } else if (file.size > room || (read !== null && sizeOf(read) > room)) {
      refused.push(
        trans.__('“%1” is too large: what goes with one prompt may be %2 MB in all.', file.name, MOST_BYTES / 2 ** 20)
      );
    } else if (read === null) {
      refused.push(trans.__('“%1” is neither a picture (PNG, JPEG, GIF, WebP) nor text.', file.name));
    } else {
      files.push(read);
      room -= sizeOf(read);
    }
  }
  return { files, refused: [...new Set(refused)] };
}

async function readFile(file: File, picture: boolean): Promise<Attachment | null> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const name = file.name === '' ? 'file' : file.name;
  if (picture) {
    return { name, media_type: file.type, data: toBase64(bytes) };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? null : { name, media_type: file.type === '' ? 'text/plain' : file.type, data: text };
  } catch {
    return null; // not UTF-8: nothing that a model could read as words
  }
}

const SLICE = 0x8000;

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += SLICE) {
    text += String.fromCharCode(...bytes.subarray(at, at + SLICE)); // a slice: all at once overflows the stack
  }
  return btoa(text);
}
