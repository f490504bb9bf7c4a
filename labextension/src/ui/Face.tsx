/** A person as a round badge in their Jupyter identity colour. */
import type { CSSProperties, ReactElement } from 'react';

export interface FaceProps {
  readonly name: string;
  readonly initials?: string;
  readonly color?: string | null;
  readonly size?: number;
  /** What its tooltip says; the name when absent. */
  readonly title?: string;
}

/** Give a person without a colour one of JupyterLab's own, always the same. */
export function colorOf(name: string, color?: string | null): string {
  if (color !== undefined && color !== null && color !== '') {
    return color;
  }
  const sum = Array.from(name).reduce((total, letter) => total + (letter.codePointAt(0) ?? 0), 0);
  return `var(--jp-collaborator-color${(sum % 7) + 1})`;
}

export function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter(word => word !== '');
  const [first = '?', last] = [words[0], words.length > 1 ? words.at(-1) : undefined];
  return ((Array.from(first)[0] ?? '?') + (last === undefined ? '' : (Array.from(last)[0] ?? ''))).toUpperCase();
}

export function Face({ name, initials = '', color, size = 20, title = name }: FaceProps): ReactElement {
  const style: CSSProperties = {
    width: size,
    height: size,
    fontSize: Math.round(size * 0.45),
    background: colorOf(name, color ?? null)
  };
  return (
    <span className="jp-AgorFace" role="img" aria-label={name} title={title} style={style}>
      <span aria-hidden>{initials === '' ? initialsOf(name) : initials}</span>
    </span>
  );
}
