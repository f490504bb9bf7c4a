/** Every command of the extension, by name. `agor:verb-noun`; the palette and tests read this list. */
export const CommandIds = {
  openBoard: 'agor:open-board',
  createBoard: 'agor:create-board',
  renameBoard: 'agor:rename-board',
  addRepo: 'agor:add-repository',
  createWorktree: 'agor:create-worktree',
  archiveWorktree: 'agor:archive-worktree',
  openWorktree: 'agor:open-worktree',
  createSession: 'agor:create-session',
  openSession: 'agor:open-session',
  promptSession: 'agor:prompt-session',
  interruptSession: 'agor:interrupt-session',
  resumeSession: 'agor:resume-session',
  renameSession: 'agor:rename-session',
  archiveSession: 'agor:archive-session',
  openTranscript: 'agor:open-transcript',
  answerPermission: 'agor:answer-permission',
  nextAttention: 'agor:next-attention',
  addZone: 'agor:add-zone',
  addNote: 'agor:add-note',
  deleteSelection: 'agor:delete-selection',
  fitBoard: 'agor:fit-board',
  searchBoard: 'agor:search-board',
  undoBoard: 'agor:undo-board',
  redoBoard: 'agor:redo-board',
  showPanel: 'agor:show-panel',
  showShortcuts: 'agor:show-shortcuts'
} as const;

export type CommandId = (typeof CommandIds)[keyof typeof CommandIds];
