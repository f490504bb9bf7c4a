/** A credential by name: set or not, since when, and the buttons that change it. Its value is never here. */
import type { ReactElement } from 'react';
import type { CredentialInfo } from '../api/own';
import { CommandIds } from '../domain/commandIds';
import { useTrans } from '../ui/trans';
import { TextButton } from './TextButton';
import { useAgents } from './view';

export function CredentialRow({ credential }: { readonly credential: CredentialInfo }): ReactElement {
  const trans = useTrans();
  const { run, mayWrite } = useAgents();
  const { name, set_ms } = credential;
  const isSet = set_ms !== null;
  const when = isSet ? new Date(set_ms).toLocaleDateString() : '';
  return (
    <li className="jp-AgorCredential" data-testid="agor-credential" data-agor-name={name} data-agor-set={isSet}>
      <code>{name}</code>
      <span className="jp-AgorCredential-when">
        {isSet ? trans.__('yours, set on %1', when) : trans.__('none of yours')}
      </span>
      {mayWrite && (
        <span className="jp-AgorAgents-buttons">
          <TextButton
            name={isSet ? trans.__('Replace %1', name) : trans.__('Set %1', name)}
            words={isSet ? trans.__('Replace…') : trans.__('Set…')}
            onClick={() => run(CommandIds.setCredential, { name })}
          />
          {isSet && (
            <TextButton
              name={trans.__('Remove %1', name)}
              words={trans.__('Remove…')}
              onClick={() => run(CommandIds.removeCredential, { name })}
            />
          )}
        </span>
      )}
    </li>
  );
}
