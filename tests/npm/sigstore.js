/*
 * sigstore.js KEY FILE...: holds Sigstore bundles against @sigstore/verify, by the public key in KEY
 * (PEM), without logs and timestamps. One line a file: "NAME verified PREDICATE RESULT DIGEST" or
 * "NAME refused MESSAGE". The modules are looked for in $NODE_PATH.
 */
'use strict';

const fs = require('fs');
const path = require('path');
const crypto = require('crypto');
const { bundleFromJSON } = require('@sigstore/bundle');
const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');

const key = crypto.createPublicKey(fs.readFileSync(process.argv[2]));
const der = key.export({ type: 'spki', format: 'der' });
const hint = crypto.createHash('sha256').update(der).digest('hex');
const nothing = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
const trust = toTrustMaterial(nothing, { [hint]: { rawBytes: der } });
const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });

function verify(text)
{
	const bundle = bundleFromJSON(JSON.parse(text));
	const envelope = bundle.content.dsseEnvelope;

	verifier.verify(toSignedEntity(bundle));
	if (envelope.payloadType !== 'application/vnd.in-toto+json')
		throw new Error(`payload of type ${envelope.payloadType}`);
	const statement = JSON.parse(envelope.payload.toString('utf8'));
	const p = statement.predicate;
	const [[algorithm, digest]] = Object.entries(statement.subject[0].digest);
	return `verified ${statement.predicateType} ${p.result || p.verificationResult} ${algorithm}:${digest}`;
}

for (const file of process.argv.slice(3)) {
	let told;
	try {
		told = verify(fs.readFileSync(file, 'utf8'));
	} catch (e) {
		told = `refused ${[e.message, ...(e.fields || [])].join(' ').replace(/\s+/g, ' ')}`;
	}
	console.log(`${path.basename(file)} ${told}`);
}
