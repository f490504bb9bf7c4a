/** A view that throws is told about, and can be drawn again. */
import { nullTranslator } from '@jupyterlab/translation';
import { cleanup, fireEvent, render, screen } from '@testing-library/react';
import type { ReactElement } from 'react';
import { afterEach, expect, it, vi } from 'vitest';
import { Boundary } from '../Boundary';

afterEach(cleanup);

it('says what happened and draws again when asked', () => {
  const silent = vi.spyOn(console, 'error').mockImplementation(() => {});
  let broken = true;
  const View = (): ReactElement => {
    if (broken) {
      throw new Error('no such row');
    }
    return <p>all is well</p>;
  };
  render(
    <Boundary trans={nullTranslator.load('agor-jupyter')}>
      <View />
    </Boundary>
  );
  expect(screen.getByText(/no such row/)).toBeTruthy();
  broken = false;
  fireEvent.click(screen.getByRole('button'));
  expect(screen.getByText('all is well')).toBeTruthy();
  silent.mockRestore();
});
