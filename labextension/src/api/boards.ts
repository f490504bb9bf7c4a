/** Boards by REST; what lies on them is in their documents (`model/boardDoc`). */
import type { Board, DropCard, Dropped } from '../schema/types';
import type { Http } from './http';

export type Drop = DropCard;
export type { Dropped } from '../schema/types';

export const fetchBoards = (http: Http): Promise<Board[]> => http.list('boards');
export const createBoard = (http: Http, name: string, key: string): Promise<Board> =>
  http.post('boards', { name }, key);
export const renameBoard = (http: Http, id: string, name: string): Promise<Board> =>
  http.patch(`boards/${id}`, { name });
/** Put a card down. The server writes the place and runs what the zone runs, once per `drop_id`. */
export const dropCard = (http: Http, boardId: string, drop: Drop): Promise<Dropped> =>
  http.post(`boards/${boardId}/drops`, drop, drop.drop_id);
