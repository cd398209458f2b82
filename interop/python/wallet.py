"""eth-account as a wallet, with eth-abi and eth-utils for what a wallet reads from the contract."""

from eth_abi import decode, encode
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils import keccak, to_canonical_address

ANSWER = ["address", "uint256", "bytes4"]


def address(private):
    return to_canonical_address(Account.from_key(private).address)


def sign(private, text):
    """personal_sign: r || s || v."""
    return bytes(Account.sign_message(encode_defunct(text=text), private).signature)


def recover(text, signature):
    return to_canonical_address(Account.recover_message(encode_defunct(text=text), signature=signature))


def slots(client, res):
    """Slots of the token word and of the resource word."""
    inner = keccak(encode(["address", "uint256"], [client, 0]))
    token = keccak(encode(["address", "bytes32"], [res, inner]))
    return [token, keccak(encode(["address", "uint256"], [res, 1]))]


def read_answer(abi):
    """What getToken returned."""
    res, ttl, claims = decode(ANSWER, abi)
    return [to_canonical_address(res), ttl, claims]


def make_answer(res, ttl, claims):
    return encode(ANSWER, [res, ttl, claims])
