/** What somebody is about to say in a session: the words, the files, and sending them once. */
import { UUID } from '@lumino/coreutils';
import { useRef, useState } from 'react';
import { CommandIds } from '../domain/commandIds';
import type { Attachment } from '../schema/types';
import { useTrans } from '../ui/trans';
import { attach } from './attachments';
import { useAgent, useSessionView } from './view';

/** As a prompt of its own, or for the turn that runs. */
export type How = 'prompt' | 'steer';

export interface Draft {
  readonly text: string;
  readonly files: readonly Attachment[];
  /** Why files were not taken. */
  readonly refused: readonly string[];
  readonly busy: boolean;
  /** Change the words; `kept` is false for those that are only looked at again. */
  readonly setText: (text: string, kept?: boolean) => void;
  readonly addFiles: (given: readonly File[]) => Promise<void>;
  readonly removeFile: (file: Attachment) => void;
  readonly send: (how: How) => Promise<void>;
}

/** The box is emptied when the server has taken what it held; on a failure all of it stays. */
export function useDraft(): Draft {
  const { store, commands, drafts } = useSessionView();
  const trans = useTrans();
  const agent = useAgent();
  const [text, setText] = useState(() => drafts.draft(store.id));
  const [files, setFiles] = useState(() => drafts.files(store.id));
  const [refused, setRefused] = useState<readonly string[]>([]);
  const [busy, setBusy] = useState(false);
  // One key for the same words: what is sent again after a broken connection is done once.
  const attempt = useRef({ key: '', said: '' });
  const change = (next: string, kept = true): void => {
    setText(next);
    if (kept) {
      drafts.keep(store.id, next);
    }
  };
  const changeFiles = (next: readonly Attachment[]): void => {
    setFiles(next);
    drafts.keepFiles(store.id, next);
  };
  const addFiles = async (given: readonly File[]): Promise<void> => {
    const found = await attach(given, drafts.files(store.id), agent, trans);
    setRefused(found.refused);
    changeFiles(found.files);
  };
  const send = async (how: How): Promise<void> => {
    const prompt = text.trim();
    if (prompt === '' || busy) {
      return;
    }
    setBusy(true);
    try {
      const command = how === 'steer' ? CommandIds.steerSession : CommandIds.promptSession;
      const attachments = files.map(file => ({ ...file }));
      const said = JSON.stringify([how, prompt, attachments]);
      if (attempt.current.said !== said) {
        attempt.current = { key: UUID.uuid4(), said };
      }
      await commands.execute(command, { session_id: store.id, prompt, key: attempt.current.key, attachments });
      attempt.current = { key: '', said: '' };
      drafts.sent(prompt);
      change('');
      changeFiles([]);
      setRefused([]);
    } catch {
      // The command has said what went wrong; the words stay.
    } finally {
      setBusy(false);
    }
  };
  const removeFile = (file: Attachment): void => changeFiles(files.filter(each => each !== file));
  return { text, files, refused, busy, setText: change, addFiles, removeFile, send };
}
