/** What goes with a prompt, and what is refused in words before the server has to. */
import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';
import type { AgentInfo } from '../../api/agents';
import { attach, MOST_BYTES, MOST_FILES, sizeOf, whyNot } from '../attachments';

const trans = nullTranslator.load('agor-jupyter');
const agent = (images: boolean, files: boolean, notes: Record<string, string> = {}): AgentInfo =>
  ({ title: 'Demo', capabilities: { images, files, notes } }) as unknown as AgentInfo;
const ABLE = agent(true, true);

/** Make a file: jsdom's own has no `arrayBuffer`. */
function file(name: string, bytes: Uint8Array | string, type = ''): File {
  const raw = typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes;
  const made = { name, type, size: raw.length, arrayBuffer: () => Promise.resolve(raw.buffer) };
  return made as unknown as File;
}

describe('attach', () => {
  it('takes a picture as base64 and a text as it is', async () => {
    const given = [file('p.png', new Uint8Array([1, 2, 255]), 'image/png'), file('n.py', 'x = "ü"')];
    expect(await attach(given, [], ABLE, trans)).toEqual({
      files: [
        { name: 'p.png', media_type: 'image/png', data: 'AQL/' },
        { name: 'n.py', media_type: 'text/plain', data: 'x = "ü"' }
      ],
      refused: []
    });
  });

  it.each([
    ['bytes that are no text', file('a.bin', new Uint8Array([0xff, 0xfe, 0x00])), /neither a picture/],
    ['text with a NUL, which the server refuses', file('a.txt', 'a\0b'), /neither a picture/],
    ['what is too large', file('big.txt', 'x'.repeat(MOST_BYTES + 1)), /“big.txt” is too large: .* 7 MB/],
    ['what is too large once it is encoded', file('q.txt', '"'.repeat(MOST_BYTES / 2 + 1)), /too large/]
  ])('refuses %s, with a sentence', async (_, given, words) => {
    const { files, refused } = await attach([given], [], ABLE, trans);
    expect(files).toEqual([]);
    expect(refused.join()).toMatch(words);
  });

  it('counts what is there already', async () => {
    const half = file('a.txt', 'x'.repeat(MOST_BYTES / 2));
    const first = await attach([half], [], ABLE, trans);
    expect(first.files.length).toBe(1);
    const second = await attach([half], first.files, ABLE, trans);
    expect([second.files.length, second.refused.length]).toEqual([1, 1]);
    expect(second.files.reduce((sum, each) => sum + sizeOf(each), 0)).toBeLessThan(MOST_BYTES);
  });

  it('takes no more files than the server does', async () => {
    const many = Array.from({ length: MOST_FILES + 1 }, (_, n) => file(`f${n}`, 'x'));
    const { files, refused } = await attach(many, [], ABLE, trans);
    expect([files.length, refused]).toEqual([MOST_FILES, ['“f20” is one too many: a prompt takes 20 files.']]);
  });

  it('says why an agent takes none, in its own words where it has some', async () => {
    const blind = agent(false, false, { images: 'It reads its script.' });
    const given = [file('p.png', 'x', 'image/png'), file('n.txt', 'x')];
    expect(await attach(given, [], blind, trans)).toEqual({
      files: [],
      refused: ['Demo takes no pictures. It reads its script.', 'Demo takes no files.']
    });
    expect([whyNot('images', ABLE, trans), whyNot('files', undefined, trans)]).toEqual([null, null]);
  });
});
