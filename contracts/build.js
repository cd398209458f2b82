// Compiles src/ with the pinned compiler and writes out/NAME.json for every contract that can be deployed, and
// out/AccessToken.codehash, the keccak256 of its deployed code in hex.
'use strict';

const fs = require('fs');
const path = require('path');
const { keccak256 } = require('js-sha3');
const solc = require('solc');

const ROOT = __dirname;
const OUT = path.join(ROOT, 'out');
const SETTINGS = {
  optimizer: { enabled: true, runs: 200 },
  evmVersion: 'paris', // no PUSH0: the code runs on every chain since London
  metadata: { bytecodeHash: 'none', appendCBOR: false }, // the code hash depends on the code alone
  outputSelection: {
    '*': {
      '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'evm.methodIdentifiers', 'storageLayout'],
    },
  },
};

function sources() {
  const files = fs.readdirSync(path.join(ROOT, 'src'), { recursive: true }).filter((name) => name.endsWith('.sol'));
  const entries = files.sort().map((name) => {
    const unit = path.posix.join('src', ...name.split(path.sep));
    return [unit, { content: fs.readFileSync(path.join(ROOT, unit), 'utf8') }];
  });
  return Object.fromEntries(entries);
}

function compile() {
  const input = { language: 'Solidity', sources: sources(), settings: SETTINGS };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  if (output.errors) {
    for (const fault of output.errors) console.error(fault.formattedMessage);
    throw new Error('the compiler complains; warnings count as errors');
  }
  const contracts = Object.values(output.contracts).flatMap((unit) => Object.entries(unit));
  const isDeployable = ({ abi, evm }) => evm.bytecode.object !== '' && abi.some(({ type }) => type === 'function');
  return contracts.filter(([, contract]) => isDeployable(contract));
}

// The compiler numbers the nodes of its syntax tree; those numbers say nothing about the layout.
function layout({ storage, types }) {
  const text = JSON.stringify({ storage, types }, (key, value) => (['astId', 'contract'].includes(key) ? undefined : value));
  return JSON.parse(text.replace(/\)\d+/g, ')'));
}

// Everything in out/, by file name.
function artefacts() {
  const files = {};
  for (const [name, { abi, evm, storageLayout }] of compile()) {
    const artefact = {
      abi,
      bytecode: evm.bytecode.object,
      deployed: evm.deployedBytecode.object,
      storageLayout: layout(storageLayout),
      methods: evm.methodIdentifiers,
    };
    files[`${name}.json`] = JSON.stringify(artefact, null, 1) + '\n';
    if (name === 'AccessToken') {
      files['AccessToken.codehash'] = keccak256(Buffer.from(artefact.deployed, 'hex')) + '\n';
    }
  }
  return files;
}

if (require.main === module) {
  fs.mkdirSync(OUT, { recursive: true });
  for (const [name, text] of Object.entries(artefacts())) fs.writeFileSync(path.join(OUT, name), text);
}

module.exports = { OUT, artefacts };
