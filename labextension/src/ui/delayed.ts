/** A skeleton is shown only after 150 ms: what comes sooner must not blink. */
import { useEffect, useState } from 'react';

const SKELETON_MS = 150;

export function useDelayed(waiting: boolean): boolean {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = waiting ? setTimeout(() => setShown(true), SKELETON_MS) : undefined;
    return () => {
      clearTimeout(timer);
      setShown(false);
    };
  }, [waiting]);
  return waiting && shown;
}
