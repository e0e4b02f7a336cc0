/** Shortest secret that can be masked, in bytes; a shorter one would black out ordinary words. */
export const MIN_MASK_BYTES = 4;

/**
 * Every form in which a secret may be printed, as bytes without CR and LF, each at least {@link
 * MIN_MASK_BYTES} long and at most once: the value itself line by line; the whole value JSON- and
 * URL-escaped; base64 and base64url of the whole value and of each line, also where other bytes are
 * encoded in front of it (the three offsets), and where programs break it into lines.
 */
export function maskForms(value: string): Buffer[] {
  const wellFormed = Buffer.from(value).toString();
  const wholes = new Set([wellFormed, wellFormed.trim(), ...wellFormed.split(/[\r\n]+/)]);
  const forms = new Set<string>();
  for (const whole of wholes) {
    if (Buffer.byteLength(whole) < MIN_MASK_BYTES) continue;
    forms.add(whole);
    for (const form of jsonForms(whole)) forms.add(form);
    for (const form of urlForms(whole)) forms.add(form);
    for (const form of base64Forms(Buffer.from(whole))) forms.add(form);
    for (const form of brokenBase64(Buffer.from(whole))) forms.add(form);
  }
  return [...forms]
    .filter((form) => !/[\r\n]/.test(form))
    .map((form) => Buffer.from(form))
    .filter((form) => form.length >= MIN_MASK_BYTES);
}

/** Characters in a line: `base64` and MIME, `openssl base64` and PEM. */
const BASE64_LINES = [76, 64];

/**
 * The lines of base64 of what is encoded alone, as the usual programs break it. Of the last one
 * also what does not change when a line end is encoded behind it.
 */
function brokenBase64(bytes: Buffer): string[] {
  const encoded = bytes.toString('base64');
  const decided = encoded.slice(0, Math.floor((bytes.length * 8) / 6));
  return BASE64_LINES.filter((length) => encoded.length > length).flatMap((length) =>
    [encoded, decided].flatMap((text) => text.match(new RegExp(`.{1,${length}}`, 'g')) ?? []),
  );
}

function jsonForms(text: string): string[] {
  const plain = JSON.stringify(text).slice(1, -1);
  const ascii = plain.replace(
    /[^\0-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return [plain, ascii, plain.replaceAll('/', '\\/')];
}

function urlForms(text: string): string[] {
  const component = encodeURIComponent(text);
  const strict = component.replace(/[!'()*]/g, percentEncode);
  const forms = [
    component,
    strict,
    strict.replaceAll('%20', '+'),
    encodeURI(text),
    // Python's urllib.parse.quote, Go's url.PathEscape, and user and password in a URL (WHATWG).
    strict.replaceAll('%2F', '/'),
    strict.replace(/%(?:24|26|2B|3D|3A|40)/g, decodeURIComponent),
    text.replace(/[\0-\x20"#<>?`{}/:;=@[\\\]^|\x7f]|[^\0-\x7f]+/g, (part) =>
      /^[\0-\x7f]$/.test(part) ? percentEncode(part) : encodeURIComponent(part),
    ),
  ];
  return forms.flatMap((form) => [form, form.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase())]);
}

function percentEncode(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/**
 * The characters that `bytes` alone decides, for 0, 1 and 2 bytes in front; a character shared with
 * a neighbour is left out, since it is not known. With nothing behind it the last character is
 * known, so that form is listed too.
 */
function base64Forms(bytes: Buffer): string[] {
  const forms: string[] = [];
  for (const offset of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const start = Math.ceil((offset * 8) / 6);
    const decided = Math.floor(((offset + bytes.length) * 8) / 6);
    forms.push(
      encoded.slice(start, decided),
      encoded.slice(start).replace(/=+$/, ''),
      encoded.slice(start),
    );
  }
  return forms.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')]);
}
