/** What the server says when it refuses (RFC 9457), as an error that views can show. */

export interface ProblemFields {
  readonly type?: string;
  readonly title?: string;
  readonly status?: number;
  readonly detail?: string;
  readonly hint?: string;
  readonly [name: string]: unknown;
}

export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** The HTTP status; 0 when no answer came at all. */
  readonly status: number;
  /** The domain error's name, e.g. `BranchInUse`; empty when the server named none. */
  readonly kind: string;
  readonly title: string;
  readonly detail: string;
  readonly hint: string;
  readonly fields: ProblemFields;

  constructor(fields: ProblemFields, status: number) {
    const detail = fields.detail ?? fields.title ?? `The server answered ${status}.`;
    super(detail);
    this.status = fields.status ?? status;
    this.kind = (fields.type ?? '').replace(/^urn:agor:/, '');
    this.title = fields.title ?? 'Something went wrong';
    this.detail = detail;
    this.hint = fields.hint ?? '';
    this.fields = fields;
  }
}

/** Give the problem in a refusal's body; a proxy's HTML page becomes a plain sentence. */
export async function problemFrom(response: Response): Promise<ProblemError> {
  const text = await response.text();
  try {
    const body: unknown = JSON.parse(text);
    if (isRecord(body)) {
      // Jupyter's own handlers answer {message, reason}; ours answer problem+json.
      const detail = text_(body['detail']) ?? text_(body['message']);
      return new ProblemError({ ...body, ...(detail === undefined ? {} : { detail }) }, response.status);
    }
  } catch {
    // Not JSON: said below.
  }
  return new ProblemError(
    {
      title: response.statusText,
      detail: `The server answered ${response.status} ${response.statusText}.`.replace(' .', '.'),
      hint: response.status === 404 ? 'Is the agor_jupyter server extension enabled?' : ''
    },
    response.status
  );
}

/** Make a problem of anything thrown: a lost connection says so instead of "Failed to fetch". */
export function toProblem(error: unknown): ProblemError {
  if (error instanceof ProblemError) {
    return error;
  }
  const detail = error instanceof Error ? error.message : String(error);
  const away = error instanceof TypeError || (error instanceof Error && error.name === 'NetworkError');
  return away
    ? new ProblemError(
        {
          title: 'The server cannot be reached',
          detail: 'The Jupyter server does not answer.',
          hint: 'Check that it is running; what agents do goes on without it.'
        },
        0
      )
    : new ProblemError({ detail }, 0);
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text_(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
