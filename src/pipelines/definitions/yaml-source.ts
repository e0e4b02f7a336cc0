import {
  MillraceError,
  unprocessable,
  validationError,
} from '../../common/errors/millrace.error.js';
import { byteAddress, utf8Problem } from '../../common/values/text-rule.js';
import { MAX_YAML_BYTES } from '../../engine/yaml/source-text.js';

/**
 * Checks the YAML text of a request: what is stored is given back byte for byte, so it must be text
 * that survives.
 * @throws UnprocessableError over 1 MiB, ValidationError for lone surrogates
 */
export function checkYamlText(yaml: string): string {
  if (Buffer.byteLength(yaml, 'utf8') > MAX_YAML_BYTES) throw yamlTooLarge();
  if (/\p{Surrogate}/u.test(yaml)) {
    throw validationError('The YAML holds half a character (a lone surrogate).', {
      suggestions: ['Send the text as UTF-8; in JSON, write both halves of a \\u pair.'],
    });
  }
  return yaml;
}

/**
 * Text of an uploaded file; a byte order mark stays in it.
 * @throws UnprocessableError over 1 MiB, UnsupportedMediaTypeError when it is not UTF-8
 */
export function decodeYamlBytes(bytes: Buffer): string {
  if (bytes.length > MAX_YAML_BYTES) throw yamlTooLarge();
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    const { line, column } = byteAddress(bytes, utf8Problem(bytes) ?? 0);
    throw new MillraceError('UnsupportedMediaTypeError', 'The file is not UTF-8 text.', {
      details: { line, column },
      suggestions: ['Save the file as UTF-8 and send it again.'],
      cause: error,
    });
  }
}

export function yamlTooLarge(): MillraceError {
  return unprocessable(`The YAML is larger than ${MAX_YAML_BYTES} bytes (1 MiB).`, {
    details: { limit_bytes: MAX_YAML_BYTES },
    suggestions: ['Move long scripts into files of the repository, or split the pipeline.'],
  });
}
