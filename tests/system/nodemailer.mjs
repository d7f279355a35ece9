// What programs send with nodemailer: node nodemailer.mjs SMTP SUBMISSION SUBMISSIONS CA-FILE FROM TO.
// Prints "good" at the end. TO gets 16 messages, FROM a report.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const nodemailer = createRequire(process.cwd() + '/')('nodemailer');
const [smtp, submission, submissions, caFile, from, to] = process.argv.slice(2);
const tls = { ca: readFileSync(caFile) };
const auth = { user: from, pass: 'secret' };
function transport(port, options) {
	return nodemailer.createTransport({ host: 'localhost', port: Number(port), tls, ...options });
}
async function refused(what, code, promise) {
	try {
		await promise;
	} catch (problem) {
		if (problem.responseCode === code)
			return problem;
		throw new Error(`${what}: ${problem.responseCode} ${problem.message}`);
	}
	throw new Error(`${what}: it was taken`);
}
function want(what, is, wanted) {
	if (JSON.stringify(is) !== JSON.stringify(wanted))
		throw new Error(`${what}: ${JSON.stringify(is)} rather than ${JSON.stringify(wanted)}`);
}
// port 25, with the STARTTLS that it takes by itself, and without
await transport(smtp).sendMail({ from: 'carl@elsewhere.example', to, subject: 'one', text: 'hello' });
await transport(smtp, { ignoreTLS: true }).sendMail({ from: 'carl@elsewhere.example', to, subject: 'two', text: '.\n..\n.' });
// submission, both ways, each mechanism it has
for (const [port, options] of [[submission, { requireTLS: true }], [submissions, { secure: true }]]) {
	await transport(port, { ...options, auth }).verify();
	await refused('a wrong password', 535, transport(port, { ...options, auth: { user: from, pass: 'wrong' } }).verify());
}
await transport(submission, { requireTLS: true, auth, authMethod: 'LOGIN' }).sendMail(
	{ from, to, subject: 'three', text: 'by LOGIN' });
const implicit = transport(submissions, { secure: true, auth });
const big = await implicit.sendMail({
	from: `Ann <${from}>`, to: `Bob <${to}>`, subject: 'Gr\u00fc\u00dfe', text: 'hello', html: '<p>hello</p>',
	attachments: [{ filename: 'large.bin', content: Buffer.alloc(3 << 20, '0123456789abcdef') }],
});
want('accepted', big.accepted, [to]);
// a report (RFC 3461)
await implicit.sendMail({ from, to, subject: 'five', text: 'hello',
	dsn: { id: 'envelope-1', return: 'headers', notify: 'success', recipient: from } });
// one unknown recipient beside a good one, and alone
const some = await implicit.sendMail({ from, to: [to, 'nobody@example.test'], subject: 'six', text: 'hello' });
want('accepted', some.accepted, [to]);
want('rejected', some.rejected, ['nobody@example.test']);
want('why', some.rejectedErrors[0].responseCode, 550);
await refused('nobody', 550, implicit.sendMail({ from, to: 'nobody@example.test', subject: 'no', text: 'no' }));
await refused('elsewhere', 550, implicit.sendMail({ from, to: 'x@elsewhere.example', subject: 'no', text: 'no' }));
await refused('another sender', 553, implicit.sendMail({ from: to, to, subject: 'no', text: 'no' }));
// several connections, several messages on each
const pool = transport(submissions, { secure: true, auth, pool: true, maxConnections: 3, maxMessages: 2 });
await Promise.all(Array.from({ length: 10 }, (_, i) => pool.sendMail({ from, to, subject: `pooled ${i}`, text: 'hello' })));
pool.close();
console.log('good');
process.exit(0);	// a transport that was refused keeps its connection
