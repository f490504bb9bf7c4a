/** Files of the folder that JupyterLab shows, by Jupyter's own contents API: it decides who may write there. */
import { PathExt } from '@jupyterlab/coreutils';
import { ServerConnection, type Contents } from '@jupyterlab/services';
import { ProblemError } from './problem';

const MOST_NAMES = 100;

/** What of JupyterLab's contents manager is used. */
export type ContentsDoor = Pick<Contents.IManager, 'get' | 'save'>;

/**
 * Write a new text file; give the path that it has. What is there stays: `a.demo.yml` becomes `a-2.demo.yml`.
 */
export async function saveNew(contents: ContentsDoor, wanted: string, text: string): Promise<string> {
  const path = wanted.replace(/^\/+/, '');
  for (let number = 1; number <= MOST_NAMES; number += 1) {
    const free = number === 1 ? path : numbered(path, number);
    if (!(await isThere(contents, free))) {
      await contents.save(free, { type: 'file', format: 'text', content: text });
      return free;
    }
  }
  throw new ProblemError({ detail: `There are too many files like ${path}.`, hint: 'Choose another name.' }, 409);
}

/** Read a file as text. Throws where it is none, or the server does not show it. */
export async function readText(contents: ContentsDoor, path: string): Promise<string> {
  const { content } = (await contents.get(path, { type: 'file', format: 'text', content: true })) as { readonly content: unknown };
  if (typeof content !== 'string') {
    throw new ProblemError({ detail: `${path} cannot be read as text.` }, 0);
  }
  return content;
}

function numbered(path: string, number: number): string {
  const name = PathExt.basename(path);
  const [stem = '', ...endings] = name.split('.');
  return PathExt.join(PathExt.dirname(path), [`${stem}-${number}`, ...endings].join('.'));
}

async function isThere(contents: ContentsDoor, path: string): Promise<boolean> {
  try {
    await contents.get(path, { content: false });
    return true;
  } catch (error) {
    if (error instanceof ServerConnection.ResponseError && error.response.status === 404) {
      return false;
    }
    throw error;
  }
}
