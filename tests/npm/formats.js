/*
 * formats.js FILE...: holds reports against validators that nobody of this project wrote, and tells
 * whether a reader of the format would take them for success. The format is the file's extension. One
 * line a file: "NAME valid green", "NAME valid red" or "NAME invalid MESSAGE". The modules are looked
 * for in $NODE_PATH.
 *
 *   sarif               schema of SARIF 2.1.0 (ajv); red: an error that is not suppressed
 *   ctrf                schema of CTRF (ajv), counts that add up; red: any failed test, or no test
 *   tap                 tap-parser, strictly; red: not ok, or everything was skipped
 *   gitlab-codequality  what GitLab requires of an entry; red: anything above "minor"
 *   github              the grammar of the runner, and what @actions/core writes for the same
 *                       annotation, byte for byte; red: any error
 *   log                 the log of a step (--report github): the runner obeys annotations in it and
 *                       nothing else, and commands work again at its end; red: any error
 */
'use strict';

const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const { Parser } = require('tap-parser');
const AjvDraft04 = require('ajv-draft-04');
const Ajv = require('ajv');
const addFormats = require('ajv-formats').default;

const modules = process.env.NODE_PATH;

/* The schema of SARIF has an expression that is none with the flag for Unicode. */
function compile(Class, schema)
{
	const ajv = new Class({ strict: false, unicodeRegExp: false });
	addFormats(ajv);
	return ajv.compile(schema);
}

function readSchema(name)
{
	return JSON.parse(fs.readFileSync(path.join(modules, name), 'utf8'));
}

function first(validate)
{
	const e = validate.errors[0];
	return `${e.instancePath || '/'} ${e.message}`;
}

const sarifSchema = compile(AjvDraft04, readSchema('@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json'));
const ctrfSchema = compile(Ajv, readSchema('ctrf/dist/ctrf-schema-0.0.json'));

function sarif(text)
{
	const doc = JSON.parse(text);
	if (!sarifSchema(doc))
		return { problem: first(sarifSchema) };
	const [run] = doc.runs;
	const prints = new Set();
	for (const r of run.results) {
		if (run.tool.driver.rules[r.ruleIndex].id !== r.ruleId)
			return { problem: `result of ${r.ruleId} points to another rule` };
		if (!(r.locations[0].physicalLocation.region.startLine > 0))
			return { problem: `result of ${r.ruleId} has no line` };
		prints.add(r.partialFingerprints['assizeSeries/v1']);
	}
	if (prints.size !== run.results.length)
		return { problem: 'two results have one fingerprint' };
	return { isGreen: run.results.every((r) => r.level !== 'error' || r.suppressions) &&
		run.invocations[0].executionSuccessful };
}

function ctrf(text)
{
	const doc = JSON.parse(text);
	if (!ctrfSchema(doc))
		return { problem: first(ctrfSchema) };
	const { summary, tests } = doc.results;
	const count = (status) => tests.filter((t) => t.status === status).length;
	for (const status of ['passed', 'failed', 'skipped', 'pending', 'other'])
		if (summary[status] !== count(status))
			return { problem: `summary: ${summary[status]} ${status}, there are ${count(status)}` };
	if (summary.tests !== tests.length)
		return { problem: `summary: ${summary.tests} tests, there are ${tests.length}` };
	return { isGreen: summary.failed === 0 && summary.passed > 0 };
}

function tap(text)
{
	let problem, nSkipped = 0, nTests = 0;
	const parser = new Parser({ strict: true });
	parser.on('assert', (r) => {
		nTests++;
		nSkipped += r.skip ? 1 : 0;
		if (!r.diag || typeof r.diag.message !== 'string')
			problem ||= `test ${r.id} has no message`;
	});
	parser.on('extra', (line) => { problem ||= `not TAP: ${line}`; });
	parser.end(text);
	const { results } = parser;
	if (results.failures.some((f) => f.tapError))
		problem ||= results.failures.find((f) => f.tapError).tapError;
	if (results.plan.end !== nTests)
		problem ||= `a plan of ${results.plan.end} and ${nTests} tests`;
	return { problem, isGreen: results.ok && nTests > nSkipped };
}

function codequality(text)
{
	const doc = JSON.parse(text);
	const severities = ['info', 'minor', 'major', 'critical', 'blocker'];
	const prints = new Set();
	if (!Array.isArray(doc))
		return { problem: 'not an array' };
	for (const [i, entry] of doc.entries()) {
		for (const key of ['description', 'check_name', 'fingerprint'])
			if (typeof entry[key] !== 'string' || entry[key] === '')
				return { problem: `entry ${i} has no ${key}` };
		if (!severities.includes(entry.severity))
			return { problem: `entry ${i}: severity ${entry.severity}` };
		const { path: file, lines } = entry.location;
		if (typeof file !== 'string' || file === '' || /^(\/|\.\/)/.test(file))
			return { problem: `entry ${i}: path ${file}` };
		if (!Number.isInteger(lines.begin) || lines.begin < 1)
			return { problem: `entry ${i}: line ${lines.begin}` };
		prints.add(entry.fingerprint);
	}
	if (prints.size !== doc.length)
		return { problem: 'two entries have one fingerprint' };
	return { isGreen: doc.every((entry) => ['info', 'minor'].includes(entry.severity)) };
}

const commands = ['error', 'warning', 'notice', 'debug', 'group', 'endgroup', 'add-mask', 'add-path',
	'set-output', 'set-env', 'save-state', 'stop-commands', 'echo', 'add-matcher', 'remove-matcher'];

/* As GitHub's runner reads a line (src/Runner.Common/ActionCommand.cs): null where it is no command. */
function parseCommand(line, token)
{
	const undo = (s, pairs) => pairs.reduce((t, [code, c]) => t.replaceAll(code, c), s);
	const data = [['%0D', '\r'], ['%0A', '\n'], ['%25', '%']];
	const property = [['%0D', '\r'], ['%0A', '\n'], ['%3A', ':'], ['%2C', ','], ['%25', '%']];
	const s = line.trimStart();
	const end = s.startsWith('::') ? s.indexOf('::', 2) : -1;
	if (end >= 0) {
		const [name] = s.slice(2, end).split(' ');
		if (commands.includes(name) || (token && name === token)) {
			const properties = {};
			for (const p of s.slice(2 + name.length, end).trim().split(',').filter(Boolean)) {
				const eq = p.indexOf('=');
				properties[p.slice(0, eq)] = undo(p.slice(eq + 1), property);
			}
			return { name, properties, data: undo(s.slice(end + 2), data) };
		}
	}
	/* The older form stands anywhere in a line. */
	const old = line.indexOf('##[');
	const bracket = old < 0 ? -1 : line.indexOf(']', old);
	if (bracket >= 0 && commands.includes(line.slice(old + 3, bracket).split(' ')[0]))
		return { name: 'old', properties: {}, data: '' };
	return null;
}

let core;

function reissue(command)
{
	const { title, file, line, col } = command.properties;
	const write = process.stdout.write;
	let text = '';
	process.stdout.write = (s) => { text += s; return true; };
	core[command.name](command.data, { title, file, startLine: line, startColumn: col });
	process.stdout.write = write;
	return text.trimEnd();
}

function github(text)
{
	const levels = { error: 0, warning: 0, notice: 0 };
	let last = null;
	for (const line of text.split('\n').slice(0, -1)) {
		const command = parseCommand(line);
		if (!command || !(command.name in levels))
			return { problem: `not an annotation: ${line}` };
		if (reissue(command) !== line.trimEnd())
			return { problem: `@actions/core writes ${reissue(command)}` };
		if (++levels[command.name] > 10)
			return { problem: `more than ten of ${command.name}` };
		last = command;
	}
	if (!last || last.name !== 'notice' || last.properties.title !== 'assize')
		return { problem: 'no verdict' };
	return { isGreen: levels.error === 0 };
}

/* Commands are off between stop-commands and its token; everything else is only shown. */
function log(text)
{
	let stopped = null;
	const obeyed = [];
	for (const line of text.split('\n')) {
		const command = parseCommand(line, stopped);
		if (stopped !== null) {
			if (command && command.name === stopped)
				stopped = null;
		} else if (command && command.name === 'stop-commands') {
			stopped = command.data;
		} else if (command) {
			obeyed.push(line);
		}
	}
	if (stopped !== null)
		return { problem: 'commands are off at the end' };
	return github(obeyed.map((line) => `${line}\n`).join(''));
}

const formats = { log, sarif, ctrf, tap, 'gitlab-codequality': codequality, github };

async function main()
{
	core = await import(pathToFileURL(path.join(modules, '@actions/core/lib/core.js')));
	for (const file of process.argv.slice(2)) {
		let verdict;
		try {
			verdict = formats[path.extname(file).slice(1)](fs.readFileSync(file, 'utf8'));
		} catch (e) {
			verdict = { problem: e.message };
		}
		const { problem, isGreen } = verdict;
		console.log(`${path.basename(file)} ${problem ? `invalid ${problem}` : `valid ${isGreen ? 'green' : 'red'}`}`);
	}
}

main();
