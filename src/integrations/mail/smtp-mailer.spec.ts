import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { MailFailure } from './mailer.js';
import { NoMailer, SmtpMailer } from './smtp-mailer.js';

const PASSWORD = 'p@ss/w0rd';

describe('SmtpMailer', () => {
  const logIns: string[] = [];
  const taken: { to: string[]; user: unknown; text: string }[] = [];
  const server = new SMTPServer({
    ...{ disabledCommands: ['STARTTLS'], authMethods: ['PLAIN'], allowInsecureAuth: true },
    onAuth: ({ username, password }, _session, done) => {
      logIns.push(String(username));
      if (password === PASSWORD) done(null, { user: username });
      else done(new Error(`no ${String(username)} with ${String(password)}`));
    },
    onRcptTo: ({ address }, _session, done) =>
      address.startsWith('nobody')
        ? done(Object.assign(new Error(`who is ${address}?`), { responseCode: 550 }))
        : done(),
    onData: (stream, { envelope, user }, done) => {
      void text(stream).then((mail) => {
        taken.push({ to: envelope.rcptTo.map(({ address }) => address), user, text: mail });
        done();
      });
    },
  });
  const mail = { to: ['ops@example.org'], subject: 'shop failed', text: 'why: …', id: 'a1@here' };
  const mailer = (password = PASSWORD): SmtpMailer => {
    const { port } = server.server.address() as AddressInfo;
    const login = `ada:${encodeURIComponent(password)}`;
    return new SmtpMailer(`smtp://${login}@127.0.0.1:${port}`, 'Millrace <ci@example.org>');
  };
  const failure = async (work: Promise<void>): Promise<string> => {
    const error: unknown = await work.catch((thrown: unknown) => thrown);
    if (error instanceof MailFailure) return error.message;
    throw new Error(`not refused: ${String(error)}`);
  };

  beforeAll(() => new Promise<void>((done) => void server.listen(0, '127.0.0.1', done)));
  afterAll(() => new Promise<void>((done) => server.close(done)));
  beforeEach(() => {
    taken.length = 0;
    logIns.length = 0;
  });

  it('sends a mail, under an id that stays', async () => {
    await mailer().send(mail);
    expect(taken).toMatchObject([{ to: ['ops@example.org'], user: 'ada' }]);
    expect(taken[0]?.text).toContain('Message-ID: <a1@here>');
    expect(taken[0]?.text).toContain('Subject: shop failed');
    expect(taken[0]?.text).toContain('From: Millrace <ci@example.org>');
  });

  it('adds no header that a text would like to have', async () => {
    await mailer().send({ ...mail, subject: 'shop\r\nBcc: eve@example.org\r\n\r\nx' });
    expect(taken[0]?.to).toEqual(['ops@example.org']);
    expect(taken[0]?.text).not.toMatch(/^Bcc:/im);
  });

  it('says why one was not taken, and nothing of who and where', async () => {
    const told = await failure(mailer('wr0ng').send(mail));
    expect(told).toBe('the mail server did not take it (EAUTH, status 535)');
    const some = await failure(mailer().send({ ...mail, to: ['ops@example.org', 'nobody@x.org'] }));
    expect(some).toBe('the mail server refuses 1 of 2 receivers');
    const none = await failure(mailer().send({ ...mail, to: ['nobody@x.org'] }));
    expect(none).toBe('the mail server did not take it (EENVELOPE, status 550)');
  });

  it('shows its log-in to nobody on the way: not without TLS, but on this machine', async () => {
    const { port } = server.server.address() as AddressInfo;
    // An address of this machine too, but none that only this machine reaches.
    const elsewhere = new SmtpMailer(
      `smtp://ada:${PASSWORD.replace('/', '%2F')}@0.0.0.0:${port}`,
      'a@b.c',
    );
    expect(await failure(elsewhere.send(mail))).toMatch(/did not take it \(E[A-Z]+/);
    expect([taken, logIns]).toEqual([[], []]);
    await mailer().send(mail);
    expect(logIns).toEqual(['ada']);
  });

  it('is none where no server is configured', async () => {
    expect(await failure(new NoMailer().send())).toContain('SMTP_URL');
  });
});
