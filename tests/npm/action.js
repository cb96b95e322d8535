/*
 * action.js ACTION.yml LOG INPUT=VALUE...: what GitHub's runner does with a composite action whose steps
 * are shell scripts. The file is held against the schema of actions first (@action-validator/core);
 * expressions are those such an action needs: inputs.X, github.sha, steps.ID.outputs.X. The log of the
 * steps goes to LOG. Prints one JSON document: exit, outputs, summary. The modules are looked for in
 * $NODE_PATH.
 */
'use strict';

const fs = require('fs');
const os = require('os');
const path = require('path');
const { spawnSync } = require('child_process');
const { validateAction } = require('@action-validator/core');
const yaml = require('yaml');

const [file, log, ...given] = process.argv.slice(2);
const text = fs.readFileSync(file, 'utf8');
const { errors } = validateAction(text);
if (errors.length > 0) {
	console.log(JSON.stringify({ invalid: errors[0].title, at: errors[0].path }));
	process.exit(1);
}
const action = yaml.parse(text);
const context = { github: { sha: process.env.GITHUB_SHA }, inputs: {}, steps: {} };

function evaluate(s)
{
	return String(s).replace(/\$\{\{ *([\w.-]+) *\}\}/g, (all, name) => {
		const value = name.split('.').reduce((o, key) => o && o[key], context);
		if (value === undefined && !name.startsWith('steps.'))
			throw new Error(`nothing is called ${name}`);
		return value ?? '';
	});
}

for (const [name, input] of Object.entries(action.inputs))
	if (input.default !== undefined)
		context.inputs[name] = evaluate(input.default);
for (const word of given) {
	const eq = word.indexOf('=');
	if (!(word.slice(0, eq) in action.inputs))
		throw new Error(`no such input: ${word.slice(0, eq)}`);
	context.inputs[word.slice(0, eq)] = word.slice(eq + 1);
}
for (const [name, input] of Object.entries(action.inputs))
	if (input.required && context.inputs[name] === undefined)
		throw new Error(`input ${name} is required`);

/* The file of outputs: NAME=VALUE, or NAME<<WORD, lines, WORD. */
function readOutputs(name)
{
	const outputs = {};
	const lines = fs.readFileSync(name, 'utf8').split('\n').slice(0, -1);
	while (lines.length > 0) {
		const [, key, kind, rest] = lines.shift().match(/^([^=<]+)(<<|=)(.*)$/);
		if (kind === '=') {
			outputs[key] = rest;
			continue;
		}
		const end = lines.indexOf(rest);
		if (end < 0)
			throw new Error(`${key} has no end`);
		outputs[key] = lines.splice(0, end + 1).slice(0, -1).join('\n');
	}
	return outputs;
}

const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'step.'));
let exit = 0, summary = '';
for (const step of action.runs.steps) {
	const files = { GITHUB_OUTPUT: path.join(dir, 'output'), GITHUB_STEP_SUMMARY: path.join(dir, 'summary') };
	const env = { ...process.env, ...files };
	if (step.shell !== 'bash')
		throw new Error(`a step without bash: ${step.shell}`);
	for (const [name, value] of Object.entries(step.env || {}))
		env[name] = evaluate(value);
	for (const name of Object.values(files))
		fs.writeFileSync(name, '');
	fs.writeFileSync(path.join(dir, 'script'), evaluate(step.run));
	const out = fs.openSync(log, 'a');
	exit = spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', path.join(dir, 'script')],
		{ cwd: evaluate(step['working-directory'] || '.'), env, stdio: ['ignore', out, out] }).status;
	context.steps[step.id] = { outputs: readOutputs(files.GITHUB_OUTPUT) };
	summary += fs.readFileSync(files.GITHUB_STEP_SUMMARY, 'utf8');
	if (exit !== 0)
		break;
}
fs.rmSync(dir, { recursive: true });
const outputs = Object.fromEntries(Object.entries(action.outputs).map(([name, o]) => [name, evaluate(o.value)]));
console.log(JSON.stringify({ exit, outputs, summary }));
