// Our own icons: 24 × 24, drawn with one line of 1.7, round ends.
export const ICONS = {
  person: 'M12 7.5a2.6 2.6 0 1 0 0-5.2 2.6 2.6 0 0 0 0 5.2ZM6.5 21.5v-5.2a5.5 5.5 0 0 1 11 0v5.2',
  fence: 'M4 21V8l2.5-3L9 8v13M15 21V8l2.5-3L20 8v13M2.5 12h19M2.5 17h19',
  line: 'M4 20 20 4M5 8.5h6.5M8.8 5.8l2.7 2.7-2.7 2.7',
  car: 'M3.5 17v-4.5l2-5.7A2 2 0 0 1 7.4 5.5h9.2a2 2 0 0 1 1.9 1.3l2 5.7V17M3.5 12.5h17M3.5 17h17M5.5 17v2M18.5 17v2M7 14.8h1.5M15.5 14.8H17',
  nostop: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM5.7 5.7l12.6 12.6M18.3 5.7 5.7 18.3',
  crowd: 'M8.5 9a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM3 20v-3.5a5 5 0 0 1 10.5-1.3M16.5 12a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4ZM12 20v-1a4.5 4.5 0 0 1 9 0v1',
  alarm: 'M12 3v3M4.5 6.5l2 2M19.5 6.5l-2 2M6.5 18v-4.5a5.5 5.5 0 0 1 11 0V18M4 18h16v3H4z',
  bag: 'M5.5 9h13l1.3 11.5H4.2L5.5 9ZM9 9V7a3 3 0 0 1 6 0v2',
  dump: 'M4 7.5h16M9 7.5V5h6v2.5M6 7.5 7 21h10l1-13.5M10 11.5v5.5M14 11.5v5.5',
  road: 'M7 21 10 3M17 21 14 3M12 5v2.5M12 11v3M12 17.5V21',
  water: 'M12 3.5c3.5 4.2 5.7 7.2 5.7 10.3a5.7 5.7 0 0 1-11.4 0c0-3.1 2.2-6.1 5.7-10.3Z',
  lamp: 'M9.5 18.5h5M10 21.5h4M9.5 18.5c0-3-3.5-4.3-3.5-8.7a6 6 0 0 1 12 0c0 4.4-3.5 5.7-3.5 8.7',
  paw: 'M12 12.5c-2.8 0-5 2.7-5 4.9 0 1.7 1.3 2.6 2.7 2.6 1 0 1.5-.5 2.3-.5s1.3.5 2.3.5c1.4 0 2.7-.9 2.7-2.6 0-2.2-2.2-4.9-5-4.9ZM5.2 12.3v-1.6M9.3 7.7V6M14.7 7.7V6M18.8 12.3v-1.6',
  fire: 'M12 21.5c-3.7 0-6.2-2.5-6.2-6 0-4.5 4.7-6.5 4.7-12.5 3.5 1.5 7.7 6 7.7 12 0 4-2.5 6.5-6.2 6.5ZM12 21.5c-1.5 0-2.5-1.2-2.5-2.8 0-2 2-2.7 2.5-5.2 1.5 1.2 2.5 3 2.5 5 0 1.8-1 3-2.5 3Z',
  camera: 'M3 7.5h12.5v9H3zM15.5 11l5.5-3v8l-5.5-3',
  film: 'M3.5 5h17v14h-17zM8 5v14M16 5v14M3.5 9.7H8M3.5 14.3H8M16 9.7h4.5M16 14.3h4.5',
  eye: 'M2.5 12c2.5-4.5 5.7-6.7 9.5-6.7s7 2.2 9.5 6.7c-2.5 4.5-5.7 6.7-9.5 6.7S5 16.5 2.5 12ZM12 14.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6Z',
  download: 'M12 4v11M7.5 10.5 12 15l4.5-4.5M4.5 19.5h15',
  box: 'M12 2.8 20 7v10l-8 4.2L4 17V7l8-4.2ZM4 7l8 4.2L20 7M12 11.2v10',
  shield: 'M12 2.8 4.5 5.5v6c0 4.8 3 8 7.5 9.7 4.5-1.7 7.5-4.9 7.5-9.7v-6L12 2.8Z',
  leaf: 'M5 19.5c-1.5-9 4-15 15-15 .5 10-4.5 16-13 14M5 20.5c1.5-5 4.5-8 9-10',
  queue: 'M4 6h16M4 12h16M4 18h10',
  map: 'm3.5 6.5 5.5-2.5 6 2.5 5.5-2.5v13.5L15 20l-6-2.5L3.5 20V6.5ZM9 4v13.5M15 6.5V20',
  back: 'M14.5 5.5 8 12l6.5 6.5',
  close: 'm6 6 12 12M18 6 6 18',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  note: 'M4.5 5h15v11h-8l-4 3.5V16h-3V5ZM8 9h8M8 12h5',
  again: 'M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 3.5v4h-4',
  lock: 'M6 10.5h12v9.5H6zM8.5 10.5V8a3.5 3.5 0 0 1 7 0v2.5',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2.5v2M12 19.5v2M4.5 4.5l1.5 1.5M18 18l1.5 1.5M2.5 12h2M19.5 12h2M4.5 19.5 6 18M18 6l1.5-1.5',
  moon: 'M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z',
  sound: 'M4 9.5v5h3.5l5 4v-13l-5 4H4ZM16 9a4.5 4.5 0 0 1 0 6M18.5 6.5a8 8 0 0 1 0 11',
  mute: 'M4 9.5v5h3.5l5 4v-13l-5 4H4ZM16.5 9.5l5 5M21.5 9.5l-5 5',
  help: 'M9 9a3 3 0 1 1 4.5 2.6c-1 .6-1.5 1.2-1.5 2.4M12 17.5v.1',
  out: 'M10 4H5v16h5M14.5 8l4 4-4 4M18.5 12H9',
  send: 'M20.5 3.5 3.5 10l7 3.5 3.5 7 6.5-17ZM10.5 13.5l4-4',
  warn: 'M12 4 2.8 20h18.4L12 4ZM12 10v4.5M12 17.3v.1',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  fit: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  more: 'M6.2 12a1.2 1.2 0 1 1-2.4 0a1.2 1.2 0 1 1 2.4 0M13.2 12a1.2 1.2 0 1 1-2.4 0a1.2 1.2 0 1 1 2.4 0M20.2 12a1.2 1.2 0 1 1-2.4 0a1.2 1.2 0 1 1 2.4 0',
  calm: 'M3 12h5l2.5-5 3 10 2.5-5h5',
} as const;

/** The crown of the yurt, through which the house is watched over: our sign. */
export const SHANYRAQ =
  'M12 5.2a6.8 6.8 0 1 1 0 13.6a6.8 6.8 0 1 1 0-13.6ZM6 8.8 15.2 18M8.8 6 18 15.2M18 8.8 8.8 18M15.2 6 6 15.2';

export type IconName = keyof typeof ICONS;

const OF_KIND: Readonly<Record<string, IconName>> = {
  intrusion: 'fence',
  loitering: 'person',
  line_crossed: 'line',
  wrong_way: 'car',
  illegal_parking: 'nostop',
  stopped_on_carriageway: 'car',
  congestion: 'car',
  red_light: 'lamp',
  pedestrian_on_carriageway: 'person',
  crossing_not_yielded: 'person',
  speeding_hotspot: 'car',
  crowd: 'crowd',
  agitation: 'crowd',
  person_down: 'person',
  abandoned_object: 'bag',
  asset_removed: 'bag',
  sos: 'alarm',
  dumping_act: 'dump',
  dump: 'dump',
  littering: 'dump',
  container_overflow: 'dump',
  missed_collection: 'dump',
  road_obstruction: 'road',
  road_damage: 'road',
  standing_water: 'water',
  snow_not_cleared: 'road',
  street_light_out: 'lamp',
  signal_fault: 'lamp',
  stray_animals: 'paw',
  open_burning: 'fire',
  camera_tampered: 'camera',
  camera_lost: 'camera',
};

/** The picture of a kind's family; what the box says of itself is a box. */
export const kindIcon = (kind: string): IconName => OF_KIND[kind] ?? 'box';

export const programmeIcon = (programme: string): IconName =>
  programme === 'law_and_order' ? 'shield' : programme === 'taza_qazaqstan' ? 'leaf' : 'box';
