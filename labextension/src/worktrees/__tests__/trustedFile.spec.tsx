/** A listed file can be read where one decides about it, as far as JupyterLab shows it. */
import { cleanup, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { readText } from '../../api/files';
import type { TrustItem } from '../../schema/types';
import type { ReadFile } from '../dialogs/TrustedFile';
import { TrustedFile } from '../dialogs/TrustedFile';

function shown(lab_paths: string[], read: ReadFile): void {
  const item: TrustItem = { path: 'CLAUDE.md', effect: 'It is read.', runs: false, active: true, places: ['proj'], lab_paths };
  render(<TrustedFile item={item} read={read} />);
}

const texts = (): (string | null)[] => [...screen.getByTestId('agor-trusted-file').querySelectorAll('pre')].map(each => each.textContent);

describe('TrustedFile', () => {
  afterEach(cleanup);

  it('is plain where JupyterLab does not show it', () => {
    shown([], () => Promise.reject(new Error('never')));
    expect(screen.queryByRole('button')).toBeNull();
    expect(screen.getByText('CLAUDE.md')).toBeTruthy();
  });

  it('opens and closes, and reads anew each time', async () => {
    const read: string[] = [];
    shown(['proj/CLAUDE.md'], path => Promise.resolve(`${path}, ${read.push(path)}`));
    const button = screen.getByRole('button', { name: 'CLAUDE.md' });
    expect(read).toEqual([]);
    fireEvent.click(button);
    await waitFor(() => expect(texts()).toEqual(['proj/CLAUDE.md, 1']));
    expect(button.getAttribute('aria-expanded')).toBe('true');
    fireEvent.click(button);
    expect(screen.queryByTestId('agor-trusted-file')).toBeNull();
    fireEvent.click(button);
    await waitFor(() => expect(texts()).toEqual(['proj/CLAUDE.md, 2']));
  });

  it('shows what was read last, not what came last', async () => {
    const answers: ((text: string) => void)[] = [];
    shown(['a/CLAUDE.md'], () => new Promise(resolve => answers.push(resolve)));
    const button = screen.getByRole('button');
    fireEvent.click(button);
    fireEvent.click(button);
    fireEvent.click(button);
    answers[1]?.('new');
    await waitFor(() => expect(texts()).toEqual(['new']));
    answers[0]?.('old');
    await new Promise(resolve => setTimeout(resolve));
    expect(texts()).toEqual(['new']);
  });

  it('shows what each checkout has, says what cannot be read, and what nobody sees', async () => {
    shown(['a/CLAUDE.md', 'b/CLAUDE.md'], path =>
      path.startsWith('a') ? Promise.resolve('Be\u200b kind.\n\tNow \u{e0041}\n') : Promise.reject(new Error('It is gone.'))
    );
    fireEvent.click(screen.getByRole('button'));
    await waitFor(() => expect(texts()).toEqual(['Be⟨U+200B⟩ kind.\n\tNow ⟨U+E0041⟩\n', 'It is gone.']));
    expect(screen.getByText('b/CLAUDE.md')).toBeTruthy();
  });

  it('says how much of a long one is left out', async () => {
    shown(['a/CLAUDE.md'], () => Promise.resolve('x'.repeat(100_002)));
    fireEvent.click(screen.getByRole('button'));
    await waitFor(() => expect(texts()[0]?.length).toBe(100_000));
    expect(screen.getByText('2 more characters are not shown here.')).toBeTruthy();
  });

  it('reads text alone, whatever the file is called', async () => {
    const asked: unknown[] = [];
    const answers = [{ content: 'words' }, { content: null }];
    const contents = { get: (...given: unknown[]) => (asked.push(given), Promise.resolve(answers.shift())) };
    expect(await readText(contents as never, 'a/x.ipynb')).toBe('words');
    expect(asked).toEqual([['a/x.ipynb', { type: 'file', format: 'text', content: true }]]);
    await expect(readText(contents as never, 'a/x')).rejects.toThrow('cannot be read as text');
  });
});
