/** The extension's icons on a 16 px grid; their strokes and fills are JupyterLab's own classes. */
import { LabIcon } from '@jupyterlab/ui-components';

const svg = (body: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16">${body}</svg>`;

// `jp-icon3` fills by theme; outlines are drawn as filled paths or with `jp-AgorStroke`.
const stroke = (d: string): string =>
  `<path class="jp-AgorStroke" fill="none" stroke-width="1.3" stroke-linecap="round" stroke-linejoin="round" d="${d}"/>`;

const icon = (name: string, body: string): LabIcon =>
  new LabIcon({ name: `agor-jupyter:${name}`, svgstr: svg(body) });

export const boardIcon = icon(
  'board',
  `${stroke('M2.5 2.5h11v11h-11z')}<path class="jp-icon3" fill="#616161" d="M4.5 4.5h3v5h-3zM8.7 4.5h2.8v2.4H8.7zM8.7 8.2h2.8v3.3H8.7z"/>`
);
export const repoIcon = icon('repo', stroke('M3.5 2.5h9v11h-7.5a1.5 1.5 0 0 1-1.5-1.5zM3.5 11.5a1.5 1.5 0 0 1 1.5-1.2h7.5'));
export const branchIcon = icon(
  'branch',
  stroke('M4.5 5.6v4.8M4.5 5.6a1.6 1.6 0 1 0 0-3.2a1.6 1.6 0 0 0 0 3.2zM4.5 13.6a1.6 1.6 0 1 0 0-3.2a1.6 1.6 0 0 0 0 3.2zM11.5 5.6a1.6 1.6 0 1 0 0-3.2a1.6 1.6 0 0 0 0 3.2zM11.5 5.6c0 3-7 1.8-7 4.8')
);
export const agentIcon = icon(
  'agent',
  stroke('M3 6.2a1.7 1.7 0 0 1 1.7-1.7h6.6A1.7 1.7 0 0 1 13 6.2v4.6a1.7 1.7 0 0 1-1.7 1.7H4.7A1.7 1.7 0 0 1 3 10.8zM8 4.5V2.3M6 8v1M10 8v1')
);
export const plusIcon = icon('plus', stroke('M8 3v10M3 8h10'));
export const noteIcon = icon('note', stroke('M3 3h10v6.5L9.5 13H3zM13 9.5H9.5V13'));
export const zoneIcon = icon('zone', stroke('M2.5 5v-2.5H5M11 2.5h2.5V5M13.5 11v2.5H11M5 13.5H2.5V11M6.5 2.5h3M6.5 13.5h3M2.5 6.5v3M13.5 6.5v3'));
export const fitIcon = icon('fit', stroke('M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10'));
export const attachIcon = icon(
  'attach',
  stroke('M12.5 7.3l-5 5a2.6 2.6 0 0 1-3.7-3.7l5.3-5.3a1.7 1.7 0 0 1 2.5 2.5l-5.2 5.2a.8.8 0 0 1-1.2-1.2l4.6-4.6')
);
export const stopIcon = icon('stop', stroke('M4.5 4.5h7v7h-7z'));
export const moreIcon = icon(
  'more',
  '<path class="jp-icon3" fill="#616161" d="M3 8m-1.2 0a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0 1 0-2.4 0M8 8m-1.2 0a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0 1 0-2.4 0M13 8m-1.2 0a1.2 1.2 0 1 0 2.4 0a1.2 1.2 0 1 0-2.4 0"/>'
);
