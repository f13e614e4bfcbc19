// Shapes on the ground, as GeoJSON. Distances are small, so the earth is flat here.

const METRES_PER_DEGREE = 111_320;
type Point = [lon: number, lat: number];

/** The point `distance_m` from `from` in the direction `bearing_deg` (clockwise from north). */
export function offset(from: Point, bearing_deg: number, distance_m: number): Point {
  const bearing = (bearing_deg * Math.PI) / 180;
  const [lon, lat] = from;
  const north = (distance_m * Math.cos(bearing)) / METRES_PER_DEGREE;
  const east = (distance_m * Math.sin(bearing)) / (METRES_PER_DEGREE * Math.cos((lat * Math.PI) / 180));
  return [lon + east, lat + north];
}

/** What a camera looks over: a sector of a circle. */
export function cone(at: Point, bearing_deg: number, fov_deg: number, range_m: number): GeoJSON.Polygon {
  const steps = Math.max(6, Math.ceil(fov_deg / 6));
  const arc = Array.from({ length: steps + 1 }, (_, step) =>
    offset(at, bearing_deg - fov_deg / 2 + (fov_deg * step) / steps, range_m),
  );
  return { type: 'Polygon', coordinates: [[at, ...arc, at]] };
}

export function circle(at: Point, radius_m: number): GeoJSON.Polygon {
  const ring = Array.from({ length: 49 }, (_, step) => offset(at, (step % 48) * 7.5, radius_m));
  return { type: 'Polygon', coordinates: [ring] };
}

/** The box around points, or null without any. */
export function bounds(points: readonly Point[]): [Point, Point] | null {
  if (!points.length) return null;
  const lons = points.map(([lon]) => lon);
  const lats = points.map(([, lat]) => lat);
  return [
    [Math.min(...lons), Math.min(...lats)],
    [Math.max(...lons), Math.max(...lats)],
  ];
}
