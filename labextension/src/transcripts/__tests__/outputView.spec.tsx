/** A person's words in the running turn stand in a transcript as they stand in the session panel. */
import { RenderMimeRegistry } from '@jupyterlab/rendermime';
import { cleanup, render, screen, within } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { toOutput, TURN_MIME } from '../outputs';
import { OutputView } from '../OutputView';

afterEach(cleanup);

describe('OutputView', () => {
  it('draws who steered, with which words and files, between the steps', () => {
    const tool = (id: string): unknown => ({ type: 'tool', id, name: `Step ${id}`, status: 'completed' });
    const said = { type: 'steered', id: 's', by: 'Mona', by_id: 'mona', text: '<b>Tabs</b>', attached: ['a.md'] };
    const output = toOutput(TURN_MIME, { v: 1, blocks: [tool('1'), said, tool('2')] })!;
    render(<OutputView output={output} rendermime={new RenderMimeRegistry()} />);
    const shown = screen.getByTestId('agor-steered');
    expect(within(shown).getByText('<b>Tabs</b>')).toBeTruthy();
    expect(within(shown).getByLabelText('Mona')).toBeTruthy();
    expect(within(shown).getByTitle('Mona said this while the agent worked.')).toBeTruthy();
    expect(within(shown).getByText('a.md')).toBeTruthy();
    expect(screen.getByTestId('agor-output').textContent).toMatch(/Step 1.*Tabs.*Step 2/);
  });

  it('lists what a waiting question offers, until it is answered', () => {
    const which = { question: 'Which?', choices: ['red', 'blue'], descriptions: ['As a <b>rose</b>', ''], own: true };
    const why = { question: 'Why?', choices: [], descriptions: [], own: true };
    const drawn = (state: string): Element[] => {
      cleanup();
      const asked = { type: 'permission', id: 'p', title: 'Asks', state, questions: [which, why] };
      const output = toOutput(TURN_MIME, { v: 1, blocks: [asked] })!;
      render(<OutputView output={output} rendermime={new RenderMimeRegistry()} />);
      return screen.queryAllByRole('listitem');
    };
    expect(drawn('pending').map(each => each.textContent)).toEqual([
      'Which?', 'red: As a <b>rose</b>', 'blue', 'or something else, in your own words'
    ]);
    expect(screen.getByText('%agor answer p "ANSWER 1" "ANSWER 2"')).toBeTruthy();
    expect(drawn('answered')).toEqual([]);
  });
});
