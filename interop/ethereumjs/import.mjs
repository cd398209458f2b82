// Imports every block of the embedded chain into an independent implementation: `node import.mjs URL`.
// Checked there: header chain, Clique seals, base fee, signatures, gas, transaction, receipt and state roots.
import { cliqueSigner, createBlockFromRLP } from '@ethereumjs/block'
import { CliqueConsensus, createBlockchain } from '@ethereumjs/blockchain'
import { ConsensusAlgorithm, ConsensusType, Hardfork, Mainnet, createCustomCommon } from '@ethereumjs/common'
import { bytesToHex, hexToBytes } from '@ethereumjs/util'
import { createVM, runBlock } from '@ethereumjs/vm'

const url = process.argv[2]

async function ask(method, ...params) {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const reply = await (await fetch(url, { method: 'POST', body })).json()
  if (reply.error) throw new Error(`${method}: ${reply.error.message}`)
  return reply.result
}

const london = [
  'chainstart', 'homestead', 'tangerineWhistle', 'spuriousDragon', 'byzantium', 'constantinople', 'petersburg',
  'istanbul', 'berlin', 'london',
]
const common = createCustomCommon({
  name: 'iotchain',
  chainId: Number(await ask('eth_chainId')),
  consensus: {
    type: ConsensusType.ProofOfAuthority,
    algorithm: ConsensusAlgorithm.Clique,
    clique: { period: 1, epoch: 30000 },
  },
  hardforks: london.map((name) => ({ name, block: 0 })),
}, Mainnet, { hardfork: Hardfork.London })

const fetchBlock = async (number) =>
  createBlockFromRLP(hexToBytes(await ask('debug_getRawBlock', `0x${number.toString(16)}`)), { common })

const head = Number(await ask('eth_blockNumber'))
const blockchain = await createBlockchain({
  common,
  genesisBlock: await fetchBlock(0),
  // The genesis state is empty.
  genesisState: {},
  validateBlocks: true,
  validateConsensus: true,
  consensusDict: { [ConsensusAlgorithm.Clique]: new CliqueConsensus() },
})
const vm = await createVM({ common, blockchain, evmOpts: { cliqueSigner } })
let transactions = 0
let root = blockchain.genesisBlock.header.stateRoot
for (let number = 1; number <= head; number++) {
  const block = await fetchBlock(number)
  // Throws unless seal, roots, gas and bloom come out the same.
  await blockchain.putBlock(block)
  await runBlock(vm, { block, root })
  root = block.header.stateRoot
  transactions += block.transactions.length
}
const { hash } = await ask('eth_getBlockByNumber', `0x${head.toString(16)}`, false)
const tip = bytesToHex((await blockchain.getBlock(head)).hash())
if (tip !== hash) throw new Error(`tip ${tip}, expected ${hash}`)
console.log(`imported ${head} blocks with ${transactions} transactions, tip ${tip}`)
