/** What JupyterLab loads: a list, nothing else. */
import { appPlugin } from './plugins/app';
import { boardPlugin } from './plugins/board';
import { panelPlugin } from './plugins/panel';
import { sessionPlugin } from './plugins/session';
import { transcriptPlugin } from './plugins/transcript';

export default [appPlugin, boardPlugin, panelPlugin, sessionPlugin, transcriptPlugin];
