/** The Agents view as a widget of JupyterLab's main area. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { Boundary } from '../ui/Boundary';
import { agentIcon } from '../ui/icons';
import { takeKeyboard } from '../ui/keyboard';
import { TransContext } from '../ui/trans';
import { AgentsView } from './AgentsView';
import type { AgentsModel } from './view';
import { AgentsContext } from './view';

export const AGENTS_ID = 'agor-agents';

export class AgentsWidget extends ReactWidget {
  constructor(
    private readonly model: AgentsModel,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.id = AGENTS_ID;
    this.addClass('jp-AgorAgentsWidget');
    this.title.icon = agentIcon;
    this.title.label = trans.__('Agents');
    this.title.closable = true;
  }

  /** What was installed or logged in meanwhile is seen when somebody comes back to it. */
  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    void this.model.own.load();
  }

  protected override onActivateRequest(): void {
    takeKeyboard(this.node);
  }

  protected override onCloseRequest(msg: Message): void {
    super.onCloseRequest(msg);
    this.dispose();
  }

  protected override render(): React.JSX.Element {
    return (
      <TransContext.Provider value={this.trans}>
        <Boundary trans={this.trans}>
          <AgentsContext.Provider value={this.model}>
            <AgentsView />
          </AgentsContext.Provider>
        </Boundary>
      </TransContext.Provider>
    );
  }
}
