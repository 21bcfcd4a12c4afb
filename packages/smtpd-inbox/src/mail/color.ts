/** Colours as CSS writes them, and their contrast as WCAG reckons it. */

/** Red, green and blue, each from 0 to 255. */
export interface Color {
  readonly red: number;
  readonly green: number;
  readonly blue: number;
}

/** A colour: hexadecimal, `rgb()`, `hsl()`, or a name. Undefined for what is none, and for what can be seen through. */
export function parseColor(text: string): Color | undefined {
  const value = text.trim().toLowerCase();
  const hex = /^#?([0-9a-f]{3}|[0-9a-f]{6})$/.exec(value)?.[1];
  // Without the sign only six digits are meant as a colour, as old attributes have them.
  if (hex !== undefined && (value.startsWith('#') || hex.length === 6)) {
    const [red = 0, green = 0, blue = 0] =
      (hex.length === 3 ? hex.replace(/./g, '$&$&') : hex).match(/../g)?.map((pair) => Number.parseInt(pair, 16)) ?? [];
    return { red, green, blue };
  }
  const call = /^(rgb|hsl)a?\(([^()]{5,60})\)$/.exec(value);
  if (call !== null) {
    const [a = '', b = '', c = '', alpha = '1'] = (call[2] ?? '').split(/[\s,/]+/).filter((part) => part !== '');
    if (alpha !== '1' && alpha !== '1.0' && alpha !== '100%') return undefined;
    const isShare = call[1] === 'rgb';
    const numbers = [a, b, c].map((part) =>
      isShare && part.endsWith('%') ? (Number.parseFloat(part) * 255) / 100 : Number.parseFloat(part),
    );
    if (numbers.some((number) => Number.isNaN(number))) return undefined;
    const [x = 0, y = 0, z = 0] = numbers;
    if (call[1] === 'hsl') return fromHSL(x, y / 100, z / 100);
    return { red: clamp(x), green: clamp(y), blue: clamp(z) };
  }
  const named = NAMES[value];
  return named === undefined ? undefined : parseColor(`#${named}`);
}

/** From 1 to 21 (WCAG 2.2, “contrast ratio”). */
export function contrastRatio(first: Color, second: Color): number {
  const [darker = 0, lighter = 0] = [luminance(first), luminance(second)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance({ red, green, blue }: Color): number {
  const [r = 0, g = 0, b = 0] = [red, green, blue].map((channel) => {
    const share = channel / 255;
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function fromHSL(hue: number, saturation: number, lightness: number): Color {
  const channel = (offset: number): number => {
    const place = (((offset + hue / 30) % 12) + 12) % 12;
    const swing = saturation * Math.min(lightness, 1 - lightness);
    return clamp(255 * (lightness - swing * Math.max(-1, Math.min(place - 3, 9 - place, 1))));
  };
  return { red: channel(0), green: channel(8), blue: channel(4) };
}

function clamp(value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)));
}

/** The names that mails use. */
const NAMES: Readonly<Record<string, string>> = {
  black: '000000',
  silver: 'c0c0c0',
  gray: '808080',
  grey: '808080',
  white: 'ffffff',
  maroon: '800000',
  red: 'ff0000',
  purple: '800080',
  fuchsia: 'ff00ff',
  magenta: 'ff00ff',
  green: '008000',
  lime: '00ff00',
  olive: '808000',
  yellow: 'ffff00',
  navy: '000080',
  blue: '0000ff',
  teal: '008080',
  aqua: '00ffff',
  cyan: '00ffff',
  orange: 'ffa500',
  brown: 'a52a2a',
  pink: 'ffc0cb',
  gold: 'ffd700',
  crimson: 'dc143c',
  tomato: 'ff6347',
  coral: 'ff7f50',
  salmon: 'fa8072',
  khaki: 'f0e68c',
  indigo: '4b0082',
  violet: 'ee82ee',
  darkgray: 'a9a9a9',
  darkgrey: 'a9a9a9',
  dimgray: '696969',
  dimgrey: '696969',
  lightgray: 'd3d3d3',
  lightgrey: 'd3d3d3',
  gainsboro: 'dcdcdc',
  whitesmoke: 'f5f5f5',
  darkblue: '00008b',
  lightblue: 'add8e6',
  steelblue: '4682b4',
  royalblue: '4169e1',
  dodgerblue: '1e90ff',
  darkgreen: '006400',
  forestgreen: '228b22',
  seagreen: '2e8b57',
  darkred: '8b0000',
  firebrick: 'b22222',
  beige: 'f5f5dc',
  ivory: 'fffff0',
};
