/** The picture of growth: three panels, both scales logarithmic, drawn as SVG. A line that does not rise is a cost that does not grow. */
import { DIMENSIONS } from './growth.mjs';

const PANEL = { width: 300, height: 240, left: 52, top: 46, right: 20, bottom: 44 };
const LINES = [
  { server: 'smtpd', color: '#0b62b8' },
  { server: 'floor', color: '#8a5a00' },
];

/** @param points what `measureGrowth` returned */
export function growthPicture(points) {
  const good = points.filter(({ error }) => error === undefined);
  const width = PANEL.width * DIMENSIONS.length;
  const height = PANEL.height + 28;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="sans-serif" font-size="11">`,
    '<title>What a message costs as sessions, recipients and size grow</title>',
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...LINES.flatMap(({ server, color }, index) => [
      `<line x1="${PANEL.left + index * 90}" y1="14" x2="${PANEL.left + 24 + index * 90}" y2="14" stroke="${color}" stroke-width="2"/>`,
      `<text x="${PANEL.left + 30 + index * 90}" y="18" fill="#222">${server}</text>`,
    ]),
    ...DIMENSIONS.flatMap((dimension, index) => panel(dimension, good, index * PANEL.width)),
    '</svg>',
    '',
  ].join('\n');
}

function panel({ name, label, unit, values, textOf }, points, offset) {
  const here = points.filter(({ dimension }) => dimension === name);
  if (here.length === 0) return [];
  const x = scale(values.at(0), values.at(-1), offset + PANEL.left, offset + PANEL.width - PANEL.right);
  // Whole powers of ten, so that panels are read alike; one above and below where all is within one.
  const costs = here.map(({ perUnit }) => perUnit);
  const lowest = 10 ** Math.floor(Math.log10(Math.min(...costs)));
  const highest = 10 ** Math.ceil(Math.log10(Math.max(...costs) * 1.01));
  const y = scale(lowest, highest, 28 + PANEL.height - PANEL.bottom, 28 + PANEL.top - 20);
  return [
    ...powers(lowest, highest).flatMap((cost) => [
      `<line x1="${offset + PANEL.left}" y1="${y(cost)}" x2="${offset + PANEL.width - PANEL.right}" y2="${y(cost)}" stroke="#ddd"/>`,
      `<text x="${offset + PANEL.left - 6}" y="${y(cost) + 4}" text-anchor="end" fill="#555">${cost < 1 ? cost.toPrecision(1) : cost}</text>`,
    ]),
    ...values
      .filter((value, index) => values.length < 6 || index % 2 === 0)
      .map(
        (value) =>
          `<text x="${x(value)}" y="${28 + PANEL.height - PANEL.bottom + 16}" text-anchor="middle" fill="#555">${textOf(value)}</text>`,
      ),
    `<text x="${offset + PANEL.left}" y="${28 + PANEL.top - 28}" fill="#222">${unit}</text>`,
    `<text x="${offset + (PANEL.left + PANEL.width - PANEL.right) / 2}" y="${28 + PANEL.height - 12}" text-anchor="middle" fill="#222">${label}</text>`,
    ...LINES.flatMap(({ server, color }) => {
      const line = here.filter((point) => point.server === server);
      const places = line.map(({ value, perUnit }) => `${x(value)},${y(perUnit)}`);
      return [
        `<polyline points="${places.join(' ')}" fill="none" stroke="${color}" stroke-width="2"/>`,
        ...line.map(({ value, perUnit }) => `<circle cx="${x(value)}" cy="${y(perUnit)}" r="3" fill="${color}"/>`),
      ];
    }),
  ];
}

/** A logarithmic scale, to a tenth of a pixel. */
function scale(least, most, from, to) {
  const span = Math.log(most / least) || 1;
  return (value) => Math.round((from + (Math.log(value / least) / span) * (to - from)) * 10) / 10;
}

function powers(lowest, highest) {
  const steps = Math.round(Math.log10(highest / lowest));
  return Array.from({ length: steps + 1 }, (_, step) => Number((lowest * 10 ** step).toPrecision(1)));
}
