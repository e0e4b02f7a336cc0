import { quoted } from '../../../common/values/redact-urls.js';
import { secretUse } from '../../yaml/common-readers.js';
import { fields, type NameUse, type Reader } from '../../yaml/reader.js';
import { fitting, integer, text } from '../../yaml/value-readers.js';
import type { DeploySsh } from './deploy-action.js';

const SSH_PORT = 22;
const MOST_KNOWN_HOSTS = 16_384;

/** A name or an address; of IPv6 without brackets. */
const host = text({
  expects: 'a host name or an address',
  max: 253,
  ...fitting(/^[A-Za-z0-9](?:[A-Za-z0-9._:-]*[A-Za-z0-9])?$|^::[0-9a-fA-F:]*$/, (value) => [
    'invalid_host',
    `"${quoted(value, 80)}" is no host.`,
    'Write it out, without user, port and expressions: web.example',
  ]),
});

const user = text({
  expects: 'the name of a user',
  max: 64,
  ...fitting(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/, (value) => [
    'invalid_name',
    `"${quoted(value, 80)}" is no name of a user.`,
    'Write it out: deploy',
  ]),
});

interface KnownHostsDraft {
  readonly known: DeploySsh['knownHosts'];
  readonly uses: readonly NameUse[];
}

const lines = text({ expects: 'lines of known_hosts', max: MOST_KNOWN_HOSTS });

/** A line of known_hosts has spaces in it, and no name of a secret has. */
const knownHosts: Reader<KnownHostsDraft> = {
  expects: 'the name of a secret, or lines of known_hosts',
  schema: lines.schema,
  read: (node, path, context) => {
    if (node.kind === 'scalar' && /\s/.test(node.text.trim())) {
      const read = lines.read(node, path, context);
      return read === undefined ? undefined : { known: { text: read.trim() }, uses: [] };
    }
    const use = secretUse.read(node, path, context);
    return use && { known: { secret: use.name }, uses: [use] };
  },
};

/** Keys of `ssh` in `deploy`. */
export const sshTable = {
  name: 'ssh',
  fields: { host, port: integer(1, 65_535), user, key: secretUse, known_hosts: knownHosts },
  required: ['host', 'user', 'key', 'known_hosts'],
  habits: {
    username: 'Write user',
    hostname: 'Write host',
    private_key: 'Write key, with the name of a secret',
    ssh_key: 'Write key, with the name of a secret',
    identity: 'Write key, with the name of a secret',
    password: 'Write key: only keys are used',
    fingerprint: 'Write known_hosts, with the line that ssh-keyscan prints for the host',
    host_key: 'Write known_hosts, with the line that ssh-keyscan prints for the host',
    strict_host_key_checking: 'Remove it: the key of the host is always checked',
  },
} as const;

const settings = fields(sshTable);

export interface SshDraft {
  readonly ssh: DeploySsh;
  readonly uses: readonly NameUse[];
}

export const sshReader: Reader<SshDraft> = {
  expects: settings.expects,
  schema: settings.schema,
  read: (node, path, context) => {
    const values = settings.read(node, path, context);
    if (values === undefined) return undefined;
    const { host: name, port = SSH_PORT, user: by, key, known_hosts: known } = values;
    if (name === undefined || by === undefined || key === undefined || known === undefined) {
      return undefined;
    }
    return {
      ssh: { host: name.toLowerCase(), port, user: by, key: key.name, knownHosts: known.known },
      uses: [key, ...known.uses],
    };
  },
};
