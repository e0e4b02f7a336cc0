import { createHmac } from 'node:crypto';
import { fingerprintOf, KnownHosts } from './known-hosts.js';

const A = Buffer.from('key a').toString('base64');
const B = Buffer.from('key b').toString('base64');
const keys = (text: string, host = 'web.example', port = 22): string[] =>
  new KnownHosts(text).keysOf(host, port).map(({ bytes }) => bytes.toString());
const hashed = (name: string): string => {
  const salt = Buffer.from('twenty bytes of salt');
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
};

describe('KnownHosts', () => {
  it.each([
    `web.example ssh-ed25519 ${A}`,
    `WEB.example ssh-ed25519 ${A} comment of it`,
    `other,web.example,192.0.2.1 ssh-ed25519 ${A}`,
    `*.example ssh-ed25519 ${A}`,
    `we?.ex*le ssh-ed25519 ${A}`,
    `\r\n# comment\n\t web.example   ssh-ed25519\t${A}\r\n`,
    `${hashed('web.example')} ssh-ed25519 ${A}`,
  ])('knows the host by %j', (text) => {
    expect(keys(text)).toEqual(['key a']);
  });

  it.each([
    '',
    'web.example',
    'web.example ssh-ed25519',
    `web.example ssh-ed25519 !!!`,
    `#web.example ssh-ed25519 ${A}`,
    `web.example.org ssh-ed25519 ${A}`,
    `eb.example ssh-ed25519 ${A}`,
    `web.exampl ssh-ed25519 ${A}`,
    `[web.example]:2222 ssh-ed25519 ${A}`,
    `*,!web.example ssh-ed25519 ${A}`,
    `web?.example ssh-ed25519 ${A}`,
    `@cert-authority web.example ssh-ed25519 ${A}`,
    `@unheard-of web.example ssh-ed25519 ${A}`,
    `@revoked web.example ssh-ed25519 ${A}`,
    `${hashed('other.example')} ssh-ed25519 ${A}`,
    `|2|a|b ssh-ed25519 ${A}`,
  ])('does not know it by %j', (text) => {
    expect(keys(text)).toEqual([]);
  });

  it('knows ports other than 22 with their number only', () => {
    const text = `[web.example]:2222 ssh-ed25519 ${A}\nweb.example ssh-ed25519 ${B}`;
    expect(keys(text, 'web.example', 2222)).toEqual(['key a']);
    expect(keys(text, 'web.example', 22)).toEqual(['key b']);
    expect(keys(text, 'web.example', 2223)).toEqual([]);
    expect(keys(`${hashed('[web.example]:2222')} x ${A}`, 'web.example', 2222)).toEqual(['key a']);
  });

  it('takes every key of the host but those that are revoked', () => {
    const text = `web.example ssh-ed25519 ${A}\nweb.example ssh-rsa ${B}\n@revoked * x ${A}`;
    expect(keys(text)).toEqual(['key b']);
  });

  it('is quick with patterns that are made to be slow', () => {
    expect(keys(`${'*a'.repeat(2_000)}b x ${A}`, 'a'.repeat(250))).toEqual([]);
  });
});

it('shows a key as ssh-keygen does', () => {
  const key = Buffer.from(
    'AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl',
    'base64',
  );
  expect(fingerprintOf(key)).toBe('SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU');
});
