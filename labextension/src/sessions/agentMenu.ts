/** The menu of agents that could go on instead: those that are not ready say why, and are greyed. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { Menu } from '@lumino/widgets';
import type { AgentInfo } from '../api/agents';
import { isReady } from '../domain/abilities';
import { CommandIds } from '../domain/commandIds';
import { openBelow } from './sessionMenu';
import type { SessionView } from './view';

/** Open the menu below `anchor`; `agents` are all but the session's own. */
export function openAgentMenu(
  view: SessionView,
  agents: readonly AgentInfo[],
  trans: TranslationBundle,
  anchor: HTMLElement
): void {
  const menu = new Menu({ commands: view.commands });
  menu.addClass('jp-AgorAgentMenu');
  menu.contentNode.setAttribute('aria-label', trans.__('Go on with another agent'));
  for (const agent of [...agents].sort((a, b) => Number(isReady(b)) - Number(isReady(a)))) {
    const args = { session_id: view.store.id, agent: agent.kind, label: wordsFor(agent, trans) };
    menu.addItem({ command: CommandIds.changeAgent, args });
  }
  openBelow(menu, anchor);
}

/** Name an agent; the hint stands in the label itself, where a keyboard and a screen reader find it. */
export function wordsFor(agent: AgentInfo, trans: TranslationBundle): string {
  if (isReady(agent)) {
    return trans.__('Go on with %1', agent.title);
  }
  const why = agent.installed ? trans.__('not logged in') : trans.__('not installed');
  const hint = agent.hint.replaceAll('`', ''); // a menu draws no code
  return hint === '' ? `${agent.title}: ${why}` : `${agent.title}: ${why}. ${hint}`;
}
