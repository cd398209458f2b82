// Fails unless out/ is exactly what the pinned compiler makes of src/, nothing is left over there, the words that verifiers read
// have the layout of spec 5.1, and out/AccessToken.codehash is the hash of the committed code.
'use strict';

const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { keccak256 } = require('js-sha3');
const { OUT, artefacts } = require('./build.js');

// Slots of the contract, and byte offsets in the words (from the low end).
const VARIABLES = [
  ['issued', 0, 0, 'mapping(address => mapping(address => struct AccessToken.Token))'],
  ['resources', 1, 0, 'mapping(address => struct AccessToken.Resource)'],
  ['owner', 2, 0, 'address'],
  ['lastSerial', 2, 20, 'uint48'],
  ['pendingOwner', 3, 0, 'address'],
  ['authorizers', 4, 0, 'mapping(address => bool)'],
];
const TOKEN = [
  ['notBefore', 0, 0, 'uint40'],
  ['expiresAt', 0, 5, 'uint40'],
  ['claims', 0, 10, 'bytes4'],
  ['epoch', 0, 14, 'uint32'],
  ['serial', 0, 18, 'uint48'],
  ['issuedAt', 0, 24, 'uint32'],
  ['extra', 0, 28, 'uint32'],
];
const RESOURCE = [
  ['policy', 0, 0, 'contract IAccessPolicy'],
  ['epoch', 0, 20, 'uint32'],
  ['maxTtl', 0, 24, 'uint40'],
  ['policyGas', 0, 29, 'uint24'],
];

function checkLayout({ storage, types }) {
  const rows = (entries) => entries.map(({ label, slot, offset, type }) => [label, Number(slot), offset, types[type].label]);
  const members = (struct) => rows(Object.values(types).find(({ label }) => label === `struct AccessToken.${struct}`).members);
  assert.deepStrictEqual(rows(storage), VARIABLES, 'storage layout of AccessToken');
  assert.deepStrictEqual(members('Token'), TOKEN, 'layout of Token');
  assert.deepStrictEqual(members('Resource'), RESOURCE, 'layout of Resource');
}

function checkDrift(expected) {
  assert.deepStrictEqual(fs.readdirSync(OUT).sort(), Object.keys(expected).sort(), 'files in out/; run: npm run build');
  for (const [name, text] of Object.entries(expected)) {
    const same = fs.readFileSync(path.join(OUT, name), 'utf8') === text;
    assert(same, `out/${name} is not what the compiler gives; run: npm run build`);
  }
}

const files = artefacts();
checkDrift(files);
const { deployed, storageLayout } = JSON.parse(fs.readFileSync(path.join(OUT, 'AccessToken.json'), 'utf8'));
checkLayout(storageLayout);
const pinned = fs.readFileSync(path.join(OUT, 'AccessToken.codehash'), 'utf8').trim();
assert.strictEqual(keccak256(Buffer.from(deployed, 'hex')), pinned, 'code hash of AccessToken');
console.log(`${Object.keys(files).length} files in out/ are up to date; AccessToken has the layout of spec 5.1 and code hash ${pinned}`);
