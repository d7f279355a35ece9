// A session of imapflow: node imapflow.mjs PORT CA-FILE USER. Prints "good" at the end.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const { ImapFlow } = createRequire(process.cwd() + '/')('imapflow');
const [port, ca, user] = process.argv.slice(2);
const refused = [];
const client = new ImapFlow({
	host: 'localhost', port: Number(port), secure: true, qresync: true,
	tls: { ca: readFileSync(ca) }, auth: { user, pass: 'secret' }, logger: false, emitLogs: true,
});
client.on('log', entry => {
	if (entry.src === 's' && / (NO|BAD) /.test(entry.msg || ''))
		refused.push(entry.msg);
});
function want(what, is, wanted) {
	if (JSON.stringify(is) !== JSON.stringify(wanted))
		throw new Error(`${what}: ${JSON.stringify(is)} rather than ${JSON.stringify(wanted)}`);
}
await client.connect();
const names = (await client.list()).map(box => box.path);
if (!names.includes('Trash'))
	throw new Error(`no Trash in ${names}`);
await client.mailboxCreate(['Gr\u00fc\u00dfe', 'Sub']);
for (let i = 0; i < 3; i++)
	await client.append('INBOX', `Subject: number ${i}\r\n\r\ntext ${i}\r\n`, ['\\Flagged']);
const lock = await client.getMailboxLock('INBOX');
want('exists', client.mailbox.exists, 3);
const subjects = [];
for await (const message of client.fetch('1:*', { envelope: true, flags: true, uid: true, bodyStructure: true }))
	subjects.push(message.envelope.subject);
want('subjects', subjects, ['number 0', 'number 1', 'number 2']);
want('search', await client.search({ subject: 'number 1' }), [2]);
await client.messageFlagsAdd('1', ['\\Seen']);
await client.messageCopy('2', 'Gr\u00fc\u00dfe/Sub');
await client.messageMove('3', 'Trash');
await client.messageDelete('1');
// asked of the server: with qresync its own count stayed behind
want('left', await client.search({ all: true }, { uid: true }), [2]);
const whole = await client.download('1');
let text = '';
for await (const piece of whole.content)
	text += piece;
if (!text.includes('text 1'))
	throw new Error(text);
want('status', (await client.status('Gr\u00fc\u00dfe/Sub', { messages: true })).messages, 1);
lock.release();
await client.mailboxDelete('Gr\u00fc\u00dfe/Sub');
await client.logout();
want('refused', refused, []);
console.log('good');
