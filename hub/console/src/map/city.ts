import { type GeoJSONSource, Map as MapLibre, setWorkerUrl } from 'maplibre-gl';
// A file of its own, since the content policy allows neither blob: nor inline workers.
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url';
import type { Camera, CityMap, Summary } from '../api/types';
import { cones, placed, posts, uncertainty } from './features';
import { bounds } from './geometry';
import { PIXEL_RATIO, marks } from './marks';
import { cityStyle } from './style';

setWorkerUrl(workerUrl);

/** The map in an element: draws the town, its cameras and incidents, and says which incident was picked. */
export class CityView {
  private readonly map: MapLibre;
  private rows: readonly Summary[] = [];
  private openedId: string | null = null;

  constructor(
    container: HTMLElement,
    private city: CityMap,
    title: string,
    hear: { onpick: (id: string) => void; oncamera: (id: string) => void; ondrawn: () => void },
  ) {
    this.map = new MapLibre({
      container,
      style: cityStyle(city.base),
      center: city.center,
      zoom: city.zoom,
      minZoom: 9,
      maxZoom: 20,
      attributionControl: false,
      maxPitch: 0,
      dragRotate: false,
      fadeDuration: 0,
      locale: { 'Map.Title': title },
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.keyboard.disableRotation();
    this.map.on('style.load', () => this.draw());
    void this.map.once('idle', hear.ondrawn);
    this.map.on('click', 'incidents', ({ features }) => hear.onpick(String(features?.[0]?.properties['id'])));
    this.map.on('click', 'clusters', ({ lngLat }) =>
      this.map.easeTo({ center: lngLat, zoom: Math.min(20, this.map.getZoom() + 2) }),
    );
    // An incident that lies on its camera's post is what was meant.
    this.map.on('click', 'posts', ({ point, features }) => {
      const above = this.map.queryRenderedFeatures(point, { layers: ['incidents', 'clusters'] });
      if (!above.length) hear.oncamera(String(features?.[0]?.properties['id']));
    });
    for (const layer of ['incidents', 'clusters', 'posts']) {
      this.map.on('mouseenter', layer, () => (this.map.getCanvas().style.cursor = 'pointer'));
      this.map.on('mouseleave', layer, () => (this.map.getCanvas().style.cursor = ''));
    }
    this.fit(false);
  }

  /** Draw again in the colours that the page now has. */
  repaint(): void {
    this.map.setStyle(cityStyle(this.city.base), { diff: false });
  }

  show(rows: readonly Summary[], openedId: string | null): void {
    const isNewlyOpened = openedId !== this.openedId;
    this.rows = rows;
    this.openedId = openedId;
    this.drawIncidents();
    if (isNewlyOpened) this.bringIntoView();
  }

  /** Cameras moved, came or changed their state; the base map stays as it was loaded. */
  showCameras(cameras: readonly Camera[]): void {
    this.city = { ...this.city, cameras: [...cameras] };
    this.drawCameras();
  }

  zoom(by: number): void {
    this.map.zoomTo(this.map.getZoom() + by);
  }

  /** Show all cameras, or the configured middle when there are none. */
  fit(animate = true): void {
    const box = bounds(
      this.city.cameras.flatMap(({ lon, lat }) => (lon === null || lat === null ? [] : [[lon, lat] as [number, number]])),
    );
    if (box) this.map.fitBounds(box, { padding: 90, maxZoom: 18, animate });
    else this.map.jumpTo({ center: this.city.center, zoom: this.city.zoom });
  }

  remove(): void {
    this.map.remove();
  }

  private draw(): void {
    for (const [name, picture] of marks()) {
      if (this.map.hasImage(name)) this.map.updateImage(name, picture);
      else this.map.addImage(name, picture, { pixelRatio: PIXEL_RATIO });
    }
    this.drawCameras();
    this.drawIncidents();
  }

  private drawCameras(): void {
    this.put('cones', cones(this.city.cameras));
    this.put('posts', posts(this.city.cameras));
  }

  private drawIncidents(): void {
    this.put('incidents', placed(this.rows, this.openedId));
    this.put('uncertainty', uncertainty(this.rows, this.openedId));
  }

  private put(source: string, features: GeoJSON.FeatureCollection): void {
    void this.map.getSource<GeoJSONSource>(source)?.setData(features);
  }

  private bringIntoView(): void {
    const row = this.rows.find(({ id }) => id === this.openedId);
    if (!row || row.lon === null || row.lat === null) return;
    const at: [number, number] = [row.lon, row.lat];
    if (this.map.getBounds().contains(at) && this.map.getZoom() >= 16) return;
    this.map.easeTo({ center: at, zoom: Math.max(17, this.map.getZoom()) });
  }
}
