/** What JupyterLab loads: a list, nothing else. */
import { agentsPlugin } from './plugins/agents';
import { appPlugin } from './plugins/app';
import { boardPlugin } from './plugins/board';
import { notificationsPlugin } from './plugins/notifications';
import { outputPlugin } from './plugins/output';
import { panelPlugin } from './plugins/panel';
import { sessionPlugin } from './plugins/session';
import { transcriptPlugin } from './plugins/transcript';

export default [
  agentsPlugin,
  appPlugin,
  boardPlugin,
  notificationsPlugin,
  outputPlugin,
  panelPlugin,
  sessionPlugin,
  transcriptPlugin
];
