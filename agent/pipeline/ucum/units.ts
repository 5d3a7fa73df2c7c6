/**
 * Units of the Unified Code for Units of Measure (UCUM 2.2, case-sensitive codes): what sensors, meters and process plants use. Every
 * unit leads by exact fractions to seven base units; those defined by measurement (u, eV) carry the digits of the standard.
 */

/** UCUM §3.1: the base units, in the order of a dimension's exponents. */
export const baseUnits = ['m', 's', 'g', 'rad', 'K', 'C', 'cd'] as const;

/** UCUM §3.2, powers of ten, and the binary ones. */
export const decimalPrefixes: ReadonlyMap<string, number> = new Map([
  ['Y', 24],
  ['Z', 21],
  ['E', 18],
  ['P', 15],
  ['T', 12],
  ['G', 9],
  ['M', 6],
  ['k', 3],
  ['h', 2],
  ['da', 1],
  ['d', -1],
  ['c', -2],
  ['m', -3],
  ['u', -6],
  ['n', -9],
  ['p', -12],
  ['f', -15],
  ['a', -18],
  ['z', -21],
  ['y', -24],
]);
export const binaryPrefixes: ReadonlyMap<string, number> = new Map([
  ['Ki', 10],
  ['Mi', 20],
  ['Gi', 30],
  ['Ti', 40],
]);

export interface UnitDefinition {
  /** Takes prefixes. */
  readonly isMetric: boolean;
  /** How many of `of`: a decimal number or a fraction. */
  readonly value: string;
  /** A term of units defined before. */
  readonly of: string;
  /** Exponent of π in the value. */
  readonly pi?: number;
  /** Units with a zero of their own: kelvin at 0, written as `value`. */
  readonly zeroKelvin?: string;
}

const metric = (value: string, of: string): UnitDefinition => ({ isMetric: true, value, of });
const plain = (value: string, of: string): UnitDefinition => ({ isMetric: false, value, of });

export const derivedUnits: Readonly<Record<string, UnitDefinition>> = {
  // Dimensionless
  '%': plain('0.01', '1'),
  '[ppth]': plain('0.001', '1'),
  '[ppm]': plain('1e-6', '1'),
  '[ppb]': plain('1e-9', '1'),
  '[pptr]': plain('1e-12', '1'),
  mol: metric('6.02214076e23', '1'),
  bit: metric('1', '1'),
  By: metric('8', 'bit'),
  Bd: metric('1', '/s'),
  // SI
  sr: metric('1', 'rad2'),
  Hz: metric('1', 's-1'),
  N: metric('1', 'kg.m/s2'),
  Pa: metric('1', 'N/m2'),
  J: metric('1', 'N.m'),
  W: metric('1', 'J/s'),
  A: metric('1', 'C/s'),
  V: metric('1', 'J/C'),
  F: metric('1', 'C/V'),
  Ohm: metric('1', 'V/A'),
  S: metric('1', 'Ohm-1'),
  mho: metric('1', 'S'),
  Wb: metric('1', 'V.s'),
  T: metric('1', 'Wb/m2'),
  H: metric('1', 'Wb/A'),
  lm: metric('1', 'cd.sr'),
  lx: metric('1', 'lm/m2'),
  Bq: metric('1', 's-1'),
  Gy: metric('1', 'J/kg'),
  Sv: metric('1', 'J/kg'),
  kat: metric('1', 'mol/s'),
  Cel: { isMetric: false, value: '1', of: 'K', zeroKelvin: '273.15' },
  // With SI
  l: metric('1', 'dm3'),
  L: metric('1', 'dm3'),
  ar: metric('100', 'm2'),
  min: plain('60', 's'),
  h: plain('60', 'min'),
  d: plain('24', 'h'),
  wk: plain('7', 'd'),
  a: plain('365.25', 'd'),
  mo: plain('30.4375', 'd'),
  t: metric('1000', 'kg'),
  bar: metric('1e5', 'Pa'),
  u: metric('1.66053906660e-24', 'g'),
  eV: metric('1.602176634e-19', 'J'),
  AU: plain('149597870700', 'm'),
  deg: { isMetric: false, value: '1/180', of: 'rad', pi: 1 },
  "'": plain('1/60', 'deg'),
  "''": plain('1/3600', 'deg'),
  gon: { isMetric: false, value: '0.005', of: 'rad', pi: 1 },
  circ: { isMetric: false, value: '2', of: 'rad', pi: 1 },
  // CGS and others still met
  P: metric('1', 'dyn.s/cm2'),
  dyn: metric('1', 'g.cm/s2'),
  erg: metric('1', 'dyn.cm'),
  G: metric('1e-4', 'T'),
  St: metric('1', 'cm2/s'),
  Ao: plain('0.1', 'nm'),
  Ci: metric('37000000000', 'Bq'),
  '[g]': metric('9.80665', 'm/s2'),
  gf: metric('1', 'g.[g]'),
  atm: plain('101325', 'Pa'),
  att: plain('1', 'kgf/cm2'),
  'm[Hg]': metric('133.322', 'kPa'),
  'm[H2O]': metric('9.80665', 'kPa'),
  cal: metric('4.184', 'J'),
  cal_IT: metric('4.1868', 'J'),
  // Inches and pounds
  '[in_i]': plain('2.54', 'cm'),
  '[ft_i]': plain('12', '[in_i]'),
  '[yd_i]': plain('3', '[ft_i]'),
  '[mi_i]': plain('5280', '[ft_i]'),
  '[nmi_i]': plain('1852', 'm'),
  '[kn_i]': plain('1', '[nmi_i]/h'),
  '[mil_i]': plain('0.001', '[in_i]'),
  '[sin_i]': plain('1', '[in_i]2'),
  '[sft_i]': plain('1', '[ft_i]2'),
  '[cin_i]': plain('1', '[in_i]3'),
  '[cft_i]': plain('1', '[ft_i]3'),
  '[gal_us]': plain('231', '[in_i]3'),
  '[bbl_us]': plain('42', '[gal_us]'),
  '[gal_br]': plain('4.54609', 'l'),
  '[lb_av]': plain('453.59237', 'g'),
  '[oz_av]': plain('28.349523125', 'g'),
  '[ston_av]': plain('2000', '[lb_av]'),
  '[lbf_av]': plain('1', '[lb_av].[g]'),
  '[psi]': plain('1', '[lbf_av]/[sin_i]'),
  "[in_i'Hg]": plain('1', '[in_i].m[Hg]/m'),
  "[in_i'H2O]": plain('1', '[in_i].m[H2O]/m'),
  '[Btu_IT]': plain('1.05505585262', 'kJ'),
  '[HP]': plain('550', '[ft_i].[lbf_av]/s'),
  '[degF]': { isMetric: false, value: '5/9', of: 'K', zeroKelvin: '45967/180' },
  '[degRe]': { isMetric: false, value: '1.25', of: 'K', zeroKelvin: '273.15' },
  '[degR]': plain('5/9', 'K'),
};

/** What people write, and the code of it. */
export const commonNames: ReadonlyMap<string, string> = new Map([
  ['°C', 'Cel'],
  ['degC', 'Cel'],
  ['celsius', 'Cel'],
  ['°F', '[degF]'],
  ['degF', '[degF]'],
  ['fahrenheit', '[degF]'],
  ['kelvin', 'K'],
  ['psi', '[psi]'],
  ['mmHg', 'mm[Hg]'],
  ['mmH2O', 'mm[H2O]'],
  ['inHg', "[in_i'Hg]"],
  ['kWh', 'kW.h'],
  ['Wh', 'W.h'],
  ['MWh', 'MW.h'],
  ['rpm', '/min'],
  ['ppm', '[ppm]'],
  ['ppb', '[ppb]'],
  ['percent', '%'],
  ['inch', '[in_i]'],
  ['in', '[in_i]'],
  ['ft', '[ft_i]'],
  ['foot', '[ft_i]'],
  ['mile', '[mi_i]'],
  ['mph', '[mi_i]/h'],
  ['kmh', 'km/h'],
  ['kph', 'km/h'],
  ['knot', '[kn_i]'],
  ['lb', '[lb_av]'],
  ['lbf', '[lbf_av]'],
  ['oz', '[oz_av]'],
  ['gal', '[gal_us]'],
  ['gpm', '[gal_us]/min'],
  ['hp', '[HP]'],
  ['ohm', 'Ohm'],
  ['Ω', 'Ohm'],
  ['µm', 'um'],
  ['μm', 'um'],
  ['m³', 'm3'],
  ['m²', 'm2'],
  ['hour', 'h'],
  ['hr', 'h'],
  ['sec', 's'],
  ['day', 'd'],
  ['byte', 'By'],
  ['B', 'By'],
  ['°', 'deg'],
]);
