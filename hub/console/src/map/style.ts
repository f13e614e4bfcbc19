// How the town is drawn: our own vector style over the hub's own GeoJSON. Colours come from the theme's tokens.
import type { ExpressionSpecification, StyleSpecification } from 'maplibre-gl';
import { SEVERITIES } from '../state/incidents';

// Spelled by the style's own types, so that a layer that the library would refuse does not compile.
type Layer = StyleSpecification['layers'][number];
type Filter = ExpressionSpecification;

export const EMPTY_FEATURES: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] };

export const token = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// Metres to pixels: one pixel of a 512-pixel tile is 49,330 m / 2^zoom at Kosshy's latitude.
const metres = (width_m: number, least_px = 0): ExpressionSpecification => [
  'interpolate',
  ['exponential', 2],
  ['zoom'],
  12,
  Math.max(least_px, (width_m * 2 ** 12) / 49_330),
  22,
  (width_m * 2 ** 22) / 49_330,
];

const ofClass = (...classes: string[]): Filter => ['in', ['get', 'class'], ['literal', classes]];
const lines = (...classes: string[]): Filter => ['all', ofClass(...classes), ['==', ['geometry-type'], 'LineString']];
const areas = (...classes: string[]): Filter => ['all', ofClass(...classes), ['==', ['geometry-type'], 'Polygon']];
const bySeverity = (): never =>
  ['match', ['get', 'severity'], ...SEVERITIES.flatMap((severity) => [severity, token(severity)]), token('low')] as never;

// The classes of a base map. A feature of another class is not drawn.
const ROADS = ['street', 'road'];
const PATHS = ['footpath', 'path'];

export function cityStyle(base: GeoJSON.FeatureCollection): StyleSpecification {
  const source = (data: GeoJSON.FeatureCollection) => ({ type: 'geojson', data }) as const;
  return {
    version: 8,
    sources: {
      base: source(base),
      cones: source(EMPTY_FEATURES),
      posts: source(EMPTY_FEATURES),
      uncertainty: source(EMPTY_FEATURES),
      incidents: {
        ...source(EMPTY_FEATURES),
        cluster: true,
        clusterRadius: 30,
        clusterMaxZoom: 15,
      },
    },
    layers: [...ground(), ...streetNames(), ...cameras(), ...incidents()],
  };
}

function ground(): Layer[] {
  const fill = (id: string, filter: Filter, colour: string): Layer => ({
    id,
    type: 'fill',
    source: 'base',
    filter,
    paint: { 'fill-color': token(colour) },
  });
  const line = (id: string, filter: Filter, colour: string, width: ExpressionSpecification | number): Layer => ({
    id,
    type: 'line',
    source: 'base',
    filter,
    layout: { 'line-cap': 'round', 'line-join': 'round' },
    paint: { 'line-color': token(colour), 'line-width': width },
  });
  return [
    { id: 'ground', type: 'background', paint: { 'background-color': token('map-ground') } },
    fill('greens', areas('green', 'park'), 'map-green'),
    fill('water', areas('water'), 'map-water'),
    fill('yards', areas('yard', 'paving'), 'map-yard'),
    fill('path-areas', areas(...PATHS), 'map-path'),
    line('path-lines', lines(...PATHS), 'map-path', metres(2, 1)),
    line('road-edges', lines(...ROADS), 'map-road-edge', metres(9.5, 2)),
    line('road-area-edges', areas(...ROADS), 'map-road-edge', metres(1, 1)),
    fill('road-areas', areas(...ROADS), 'map-road'),
    line('road-lines', lines(...ROADS), 'map-road', metres(8, 1.5)),
    fill('crossings', areas('crossing'), 'map-mark'),
    fill('buildings', areas('building', 'container'), 'map-building'),
    line('building-edges', areas('building', 'container'), 'map-building-edge', 1),
    line('fences', lines('fence'), 'map-mark', 1),
    {
      id: 'trees',
      type: 'circle',
      source: 'base',
      filter: ofClass('tree'),
      minzoom: 15,
      paint: { 'circle-color': token('map-tree'), 'circle-radius': metres(1.6) },
    },
    {
      id: 'zones',
      type: 'line',
      source: 'base',
      filter: ofClass('zone'),
      minzoom: 15,
      paint: { 'line-color': token('map-zone'), 'line-width': 1.2, 'line-dasharray': [3, 2] },
    },
  ];
}

const FONT = ['Inter Variable'];

function streetNames(): Layer[] {
  return [
    {
      id: 'street-names',
      type: 'symbol',
      source: 'base',
      filter: ['all', ['has', 'name'], lines(...ROADS)],
      layout: {
        'symbol-placement': 'line',
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': 12,
        'text-letter-spacing': 0.04,
      },
      paint: { 'text-color': token('map-label'), 'text-halo-color': token('map-road'), 'text-halo-width': 1.5 },
    },
  ];
}

function cameras(): Layer[] {
  return [
    {
      id: 'cones',
      type: 'fill',
      source: 'cones',
      paint: { 'fill-color': token('accent'), 'fill-opacity': 0.07 },
    },
    {
      id: 'cone-edges',
      type: 'line',
      source: 'cones',
      paint: { 'line-color': token('accent'), 'line-opacity': 0.35, 'line-width': 1 },
    },
    {
      id: 'posts',
      type: 'circle',
      source: 'posts',
      paint: {
        'circle-radius': 4.5,
        'circle-color': token('surface'),
        'circle-stroke-color': token('accent'),
        'circle-stroke-width': 2,
      },
    },
    {
      id: 'camera-names',
      type: 'symbol',
      source: 'posts',
      minzoom: 16,
      layout: {
        'text-field': ['get', 'name'],
        'text-font': FONT,
        'text-size': 12,
        'text-variable-anchor': ['top', 'bottom', 'right', 'left'],
        'text-radial-offset': 0.7,
        'text-padding': 0,
      },
      paint: { 'text-color': token('map-label'), 'text-halo-color': token('map-halo'), 'text-halo-width': 1.5 },
    },
  ];
}

function incidents(): Layer[] {
  return [
    {
      id: 'uncertainty',
      type: 'fill',
      source: 'uncertainty',
      paint: { 'fill-color': bySeverity(), 'fill-opacity': ['case', ['get', 'isOpened'], 0.2, 0.1] },
    },
    {
      id: 'uncertainty-edges',
      type: 'line',
      source: 'uncertainty',
      paint: { 'line-color': bySeverity(), 'line-opacity': 0.6, 'line-width': 1, 'line-dasharray': [3, 2] },
    },
    {
      id: 'opened',
      type: 'circle',
      source: 'incidents',
      filter: ['==', ['get', 'isOpened'], true],
      paint: {
        'circle-radius': 19,
        'circle-color': token('accent'),
        'circle-opacity': 0.16,
        'circle-stroke-color': token('accent'),
        'circle-stroke-width': 2,
      },
    },
    {
      id: 'incidents',
      type: 'symbol',
      source: 'incidents',
      filter: ['!', ['has', 'point_count']],
      layout: {
        'icon-image': ['get', 'mark'],
        'icon-allow-overlap': true,
        'icon-size': ['case', ['get', 'isOpened'], 1.15, 1],
        'symbol-sort-key': ['match', ['get', 'severity'], 'critical', 4, 'high', 3, 'medium', 2, 1],
      },
    },
    {
      id: 'clusters',
      type: 'circle',
      source: 'incidents',
      filter: ['has', 'point_count'],
      paint: {
        'circle-radius': 15,
        'circle-color': token('raised'),
        'circle-stroke-color': token('high'),
        'circle-stroke-width': 2,
      },
    },
    {
      id: 'cluster-counts',
      type: 'symbol',
      source: 'incidents',
      filter: ['has', 'point_count'],
      layout: { 'text-field': ['get', 'point_count_abbreviated'], 'text-font': FONT, 'text-size': 13 },
      paint: { 'text-color': token('text') },
    },
  ];
}
