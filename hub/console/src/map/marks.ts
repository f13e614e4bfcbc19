// The incident marks as pictures for the map's graphics card, in the colours of the theme.
import type { Severity } from '../api/types';
import { SEVERITIES } from '../state/incidents';
import { MARK_PATHS } from '../ui/marks';
import { markName } from './features';
import { token } from './style';

const SIZE = 40;
export const PIXEL_RATIO = 2;

export function* marks(): Generator<[name: string, picture: ImageData]> {
  for (const severity of SEVERITIES) {
    for (const state of ['new', 'acknowledged', 'closed'] as const) {
      yield [markName(severity, state), draw(severity, state)];
    }
  }
}

function draw(severity: Severity, state: 'new' | 'acknowledged' | 'closed'): ImageData {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIZE * PIXEL_RATIO;
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('this browser draws no 2D pictures');
  const edge = token(state === 'closed' ? 'text-faint' : severity);
  pen.scale(PIXEL_RATIO, PIXEL_RATIO);
  pen.translate(SIZE / 2, SIZE / 2);
  if (state === 'new') ring(pen, token(`${severity}-mark`));
  const shape = new Path2D(MARK_PATHS[severity]);
  pen.lineJoin = 'round';
  pen.lineWidth = 5;
  pen.strokeStyle = token('map-halo');
  pen.stroke(shape);
  pen.lineWidth = 2.5;
  pen.strokeStyle = edge;
  pen.fillStyle = token(state === 'new' ? `${severity}-mark` : 'map-ground');
  pen.fill(shape);
  pen.stroke(shape);
  return pen.getImageData(0, 0, canvas.width, canvas.height);
}

/** Nobody has it yet: a ring around the mark. */
function ring(pen: CanvasRenderingContext2D, colour: string): void {
  pen.beginPath();
  pen.arc(0, 0, 16, 0, 2 * Math.PI);
  pen.globalAlpha = 0.28;
  pen.fillStyle = colour;
  pen.fill();
  pen.globalAlpha = 1;
}
