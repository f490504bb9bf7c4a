/** Where an admin adds an agent by command line; to others it says who can. */
import type { ReactElement } from 'react';
import { CommandIds } from '../domain/commandIds';
import { useValue } from '../model/store';
import type { AgentInfo } from '../schema/types';
import { useTrans } from '../ui/trans';
import { TextButton } from './TextButton';
import { useAgents } from './view';

export function AddAgent(): ReactElement {
  const trans = useTrans();
  const { workspace, run } = useAgents();
  useValue(workspace.me);
  const may = workspace.may('admin', 'agor:settings');
  const why = trans.__('Only an admin of this server adds an agent: it is a command line that the server runs.');
  return (
    <div className="jp-AgorAgents-add">
      <button
        type="button"
        className="jp-mod-styled"
        data-testid="agor-add-agent"
        disabled={!may}
        title={may ? '' : why}
        onClick={() => run(CommandIds.addAgent)}
      >
        {trans.__('Add an agent')}
      </button>
      <small>{may ? trans.__('Any agent that speaks the Agent Client Protocol: Goose, OpenCode, Qwen Code, …') : why}</small>
    </div>
  );
}

/** What an admin does with one that was added here. */
export function NamedAgentButtons({ agent }: { readonly agent: AgentInfo }): ReactElement | null {
  const trans = useTrans();
  const { workspace, run } = useAgents();
  if (agent.named !== 'panel' || !workspace.may('admin', 'agor:settings')) {
    return null;
  }
  const args = { agent: agent.kind };
  return (
    <>
      <TextButton
        name={trans.__('Edit %1', agent.title)}
        words={trans.__('Edit…')}
        onClick={() => run(CommandIds.editAgent, args)}
      />
      <TextButton
        name={trans.__('Remove %1', agent.title)}
        words={trans.__('Remove…')}
        onClick={() => run(CommandIds.removeAgent, args)}
      />
    </>
  );
}
