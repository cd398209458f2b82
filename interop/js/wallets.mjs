// What wallets in JavaScript say, asked over JSON lines: {"op": "ethers.sign", "args": {..}} gives {"ok": result} or
// {"error": text}. Byte strings are 0x texts, here as in both libraries.
import { createInterface } from 'node:readline'
import * as ethers from 'ethers'
import * as viem from 'viem'
import { privateKeyToAccount } from 'viem/accounts'

// keccak256(pad32(res) || keccak256(pad32(client) || pad32(0))) and keccak256(pad32(res) || pad32(1))
const slots = (keccak256, encode) => ({ client, res }) => {
  const inner = keccak256(encode(['address', 'uint256'], [client, 0n]))
  return [
    keccak256(encode(['address', 'bytes32'], [res, inner])),
    keccak256(encode(['address', 'uint256'], [res, 1n])),
  ]
}

// The answer of getToken: (res, ttl, claims).
const ANSWER = ['address', 'uint256', 'bytes4']
const answer = ([res, ttl, claims]) => [res.toLowerCase(), Number(ttl), claims]

const coder = ethers.AbiCoder.defaultAbiCoder()
const parameters = (types) => types.map((type) => ({ type }))
const viemEncode = (types, values) => viem.encodeAbiParameters(parameters(types), values)

const wallets = {
  ethers: {
    address: ({ private: key }) => new ethers.Wallet(key).address.toLowerCase(),
    sign: ({ private: key, text }) => new ethers.Wallet(key).signMessage(text),
    recover: ({ text, signature }) => ethers.verifyMessage(text, signature).toLowerCase(),
    slots: slots(ethers.keccak256, (types, values) => coder.encode(types, values)),
    read_answer: ({ abi }) => answer(coder.decode(ANSWER, abi)),
    make_answer: ({ res, ttl, claims }) => coder.encode(ANSWER, [res, ttl, claims]),
  },
  viem: {
    address: ({ private: key }) => privateKeyToAccount(key).address.toLowerCase(),
    sign: ({ private: key, text }) => privateKeyToAccount(key).signMessage({ message: text }),
    recover: async ({ text, signature }) =>
      (await viem.recoverMessageAddress({ message: text, signature })).toLowerCase(),
    slots: slots(viem.keccak256, viemEncode),
    read_answer: ({ abi }) => answer(viem.decodeAbiParameters(parameters(ANSWER), abi)),
    make_answer: ({ res, ttl, claims }) => viemEncode(ANSWER, [res, BigInt(ttl), claims]),
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  let reply
  try {
    const { op, args } = JSON.parse(line)
    const [wallet, operation] = op.split('.')
    reply = { ok: await wallets[wallet][operation](args) }
  } catch (error) {
    reply = { error: String(error.message) }
  }
  console.log(JSON.stringify(reply))
}
