const MAX_SECONDS = 1e9;
/** The longest that means something. */
const MAX_LENGTH = 40;

/**
 * Seconds of a `time` attribute: `0.05`, `1e-05`, `1,234.5` (Surefire groups thousands), `0,05` (a
 * locale with a decimal comma). `1,234` counts as grouped, since Surefire writes that. All else is
 * undefined.
 */
export function parseSeconds(text: string | undefined): number | undefined {
  if (text === undefined || text.length > MAX_LENGTH) return undefined;
  const trimmed = text.trim();
  let plain = trimmed;
  if (/^[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/.test(trimmed)) plain = trimmed.replaceAll(',', '');
  else if (/^\d+,\d+$/.test(trimmed)) plain = trimmed.replace(',', '.');
  if (!/^(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(plain)) return undefined;
  const seconds = Number(plain);
  return seconds <= MAX_SECONDS ? seconds : undefined;
}
