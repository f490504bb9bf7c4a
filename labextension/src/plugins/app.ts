/** Gives the door to the server and the shared lists. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IStateDB } from '@jupyterlab/statedb';
import { AgorApp } from '../model/app';
import { IAgorApp } from '../tokens';

export const appPlugin: JupyterFrontEndPlugin<IAgorApp> = {
  id: 'agor-jupyter:app',
  description: 'Connects to the Agor server and keeps the lists that every view shares.',
  autoStart: true,
  optional: [IStateDB],
  provides: IAgorApp,
  activate: (front: JupyterFrontEnd, db: IStateDB | null): IAgorApp => {
    const { serverSettings, user } = front.serviceManager;
    const app = new AgorApp(serverSettings, db, async () => {
      await user.ready;
      const { identity } = user;
      return identity === null ? null : { username: identity.username, color: identity.color };
    });
    void app.start();
    return app;
  }
};
