/*
 * validate.js SCHEMA FILE...: holds JSON documents against a JSON Schema 2020-12, with ajv. One line a
 * file: "FILE ok" or "FILE POINTER MESSAGE". Exit status 0 when all are valid, 1 when one is not. The
 * modules are looked for in $NODE_PATH.
 */
'use strict';

const fs = require('fs');
const Ajv = require('ajv/dist/2020');

const [schema, ...files] = process.argv.slice(2);
const ajv = new Ajv({ strict: true, strictRequired: false, allErrors: false, allowUnionTypes: true });
const validate = ajv.compile(JSON.parse(fs.readFileSync(schema, 'utf8')));
let status = 0;

for (const file of files) {
	if (validate(JSON.parse(fs.readFileSync(file, 'utf8')))) {
		console.log(`${file} ok`);
		continue;
	}
	const e = validate.errors[0];
	console.log(`${file} ${e.instancePath || '/'} ${e.message}`);
	status = 1;
}
process.exitCode = status;
