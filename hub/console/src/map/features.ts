// The changing layers of the map, as GeoJSON.
import type { Camera, Summary } from '../api/types';
import { circle, cone } from './geometry';

type Features = GeoJSON.FeatureCollection;
const collection = (features: GeoJSON.Feature[]): Features => ({ type: 'FeatureCollection', features });

export function cones(cameras: readonly Camera[]): Features {
  return collection(
    cameras.flatMap(({ lon, lat, bearing_deg, fov_deg, range_m, state }) =>
      lon === null || lat === null || bearing_deg === null || fov_deg === null || range_m === null
        ? []
        : [{ type: 'Feature', properties: { state }, geometry: cone([lon, lat], bearing_deg, fov_deg, range_m) }],
    ),
  );
}

export function posts(cameras: readonly Camera[]): Features {
  return collection(
    cameras.flatMap(({ id, lon, lat, name, state }) =>
      lon === null || lat === null
        ? []
        : [{ type: 'Feature', properties: { id, name, state }, geometry: { type: 'Point', coordinates: [lon, lat] } }],
    ),
  );
}

export function placed(rows: readonly Summary[], openedId: string | null): Features {
  return collection(
    rows.flatMap(({ id, lon, lat, severity, state }) =>
      lon === null || lat === null
        ? []
        : [
            {
              type: 'Feature',
              properties: { id, severity, mark: markName(severity, state), isOpened: id === openedId },
              geometry: { type: 'Point', coordinates: [lon, lat] },
            },
          ],
    ),
  );
}

/** The circle within which the thing stands, for the opened and the unhandled incidents. */
export function uncertainty(rows: readonly Summary[], openedId: string | null): Features {
  return collection(
    rows.flatMap(({ id, lon, lat, sigma_m, severity, state }) =>
      lon === null || lat === null || !sigma_m || (state !== 'new' && id !== openedId)
        ? []
        : [
            {
              type: 'Feature',
              properties: { severity, isOpened: id === openedId },
              geometry: circle([lon, lat], 2 * sigma_m),
            },
          ],
    ),
  );
}

export const markName = (severity: string, state: string): string =>
  `${severity}-${state === 'new' ? 'new' : state === 'acknowledged' ? 'held' : 'settled'}`;
