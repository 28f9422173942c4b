/** A map of links as a picture file. */
import type { MapPlace } from '../channel/link-map.ts';
import { drawPicture } from '../report/draw-picture.ts';
import { linkMapSpec } from '../report/pictures/link-map-picture.ts';
import { writeWhole } from '../storage/whole-file.ts';
import type { MeasuredLink } from './measure-link.ts';

/**
 * Draws which scheme is the fastest on which link, and marks the link over which the schemes ran, if
 * they did. Nothing is drawn without a map.
 * @param path the file to write: SVG if it ends in .svg, otherwise PNG
 * @throws PilotfishError `disk-full`, `file-system-failed`
 */
export async function drawLinkMap(measured: MeasuredLink, path: string): Promise<void> {
  const { map, schemes, keep, hasAccuracies, title, machines } = measured;
  if (map === null) return;
  const kept = hasAccuracies
    ? `Of the schemes that keep ${(100 * keep).toFixed(1)} % of the large model's accuracy.`
    : 'Of all schemes but the small model alone and controls, whatever their accuracy.';
  const places = placesOf(measured);
  const marks = places.length === 0 ? '' : ' Circle: measured.';
  const howToRead = [kept, `Numbers: tokens per second.${marks}`];
  const spec = linkMapSpec(
    map,
    schemes.map(({ name }) => name),
    { subtitle: [title, ...(machines === null ? [] : [machines]), ...howToRead], measured: places },
  );
  const { svg, png } = await drawPicture(spec);
  await writeWhole(path, path.endsWith('.svg') ? svg : png, 'choose another file with --map');
}

/** A radio channel, a link with two rates and one without a delay have no place on the map. */
function placesOf(measured: MeasuredLink): readonly MapPlace[] {
  const { emulation, radio, roundTripMs, upRate, downRate } = measured;
  const isOnMap = radio === null && upRate === downRate && roundTripMs > 0;
  const hasPlace = emulation !== null && isOnMap;
  return hasPlace ? [{ roundTripMs, rate: upRate }] : [];
}
