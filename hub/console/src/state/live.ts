import { Refusal, hub } from '../api/client';
import type { LivePicture } from '../api/types';

const TRY_AGAIN_MS = 3_000;

interface Onlooker {
  show(picture: LivePicture): void;
  refuse(refusal: Refusal): void;
}

/** Shows a camera live until the returned function is called. Nothing is asked for while the page is hidden. */
export function lookAt(camera: string, onlooker: Onlooker): () => void {
  // Not `randomUUID`: a browser knows that on secure pages only.
  const view = Math.random().toString(36).slice(2);
  let looking: AbortController | null = null;

  const turn = () => {
    if (document.hidden) leave();
    else if (!looking) void watch(camera, view, onlooker, (looking = new AbortController()).signal);
  };
  const leave = () => {
    if (!looking) return;
    looking.abort();
    looking = null;
    hub.leaveLive(camera, view);
  };

  document.addEventListener('visibilitychange', turn);
  addEventListener('pagehide', leave);
  turn();
  return () => {
    document.removeEventListener('visibilitychange', turn);
    removeEventListener('pagehide', leave);
    leave();
  };
}

async function watch(camera: string, view: string, onlooker: Onlooker, signal: AbortSignal): Promise<void> {
  let after = '0';
  while (!signal.aborted) {
    try {
      const picture = await hub.livePicture(camera, view, after, signal);
      after = picture.takenAtUs;
      if (!signal.aborted) onlooker.show(picture);
    } catch (refusal) {
      if (signal.aborted) return;
      onlooker.refuse(refusal as Refusal);
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
    }
  }
}
