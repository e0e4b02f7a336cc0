import { X509Certificate } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { ConfigError } from '../../config/config-error.js';
import { settingError } from '../../config/path-setting.js';

/** Certificates of CAs of the operator's own, which clones trust beside the public ones. */
export interface ExtraAuthorities {
  /** Absolute path of a file of PEM certificates, as GIT_CA_FILE names it. */
  readonly file: string;
  /** Where the file is made that the git program is given. */
  readonly folder: string;
}

const VARIABLE = 'GIT_CA_FILE';
const BUNDLE = 'git-authorities.pem';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;
/** Where systems have the public CAs: Debian, Red Hat, Alpine, SUSE. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/cert.pem',
  '/etc/ssl/ca-bundle.pem',
];

/**
 * The PEM text of the certificates in the file. @throws ConfigError
 */
export async function readAuthorities(file: string): Promise<string> {
  const text = await readFile(file, 'latin1').catch((error: NodeJS.ErrnoException) => {
    throw settingError({ name: VARIABLE, path: file, kind: 'file' }, error);
  });
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) {
    throw unusable(file, 'holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)');
  }
  for (const [index, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch {
      throw unusable(file, `holds a broken certificate, number ${index + 1}`);
    }
  }
  return `${certificates.join('\n')}\n`;
}

/**
 * Makes one file of the public CAs and the extra ones, since git takes one file in place of all
 * that it knows. The public ones are those of the system, else those of Node. Safe for several
 * workers at once.
 */
export async function writeBundle({ file, folder }: ExtraAuthorities): Promise<string> {
  const extra = await readAuthorities(file);
  const path = join(folder, BUNDLE);
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, `${await publicAuthorities()}\n${extra}`, { mode: 0o644 });
  await rename(temporary, path);
  return path;
}

async function publicAuthorities(): Promise<string> {
  for (const file of SYSTEM_BUNDLES) {
    const text = await readFile(file, 'latin1').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    if (text !== '') return text;
  }
  return rootCertificates.join('\n');
}

function unusable(file: string, what: string): ConfigError {
  return new ConfigError([{ name: VARIABLE, message: `names ${file}, which ${what}` }]);
}
