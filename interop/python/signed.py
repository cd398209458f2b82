"""COSE_Sign1 by python-cwt and by pycose; `by` names the library."""

import cbor2
from cwt import COSE
from pycose.messages import CoseMessage, Sign1Message

import keys
from cbor import parse

SIGN1 = b"\xd2"


def verify(by, alg, key, message, external_aad):
    """The payload of an untagged message, if `key`, a COSE_Key, signed it."""
    key, item = parse(key), parse(message)
    if by == "cwt":
        kid = cbor2.loads(item[0]).get(4)
        cose_key = keys.by_cwt(alg, key, kid=kid)
        return COSE.new().decode(SIGN1 + message, cose_key, external_aad=external_aad)
    decoded = CoseMessage.decode(SIGN1 + message)
    decoded.key, decoded.external_aad = keys.by_pycose(alg, key), external_aad
    if not decoded.verify_signature():
        raise ValueError("not the signature of this key")
    return decoded.payload


def sign(by, alg, private, header, payload, external_aad):
    """An untagged message. `header` are the protected parameters beside alg, by their labels as text."""
    protected = {1: alg, **{label: header[str(label)] for label in sorted(map(int, header))}}
    key = keys.public(alg, private)
    if by == "cwt":
        cose_key = keys.by_cwt(alg, key, private)
        message = COSE.new().encode(payload, cose_key, protected=protected, external_aad=external_aad)
        message = message.removeprefix(SIGN1)
    else:
        decoded = Sign1Message(phdr=protected, payload=payload)
        decoded.key, decoded.external_aad = keys.by_pycose(alg, key, private), external_aad
        message = decoded.encode(tag=False)
    return _with_low_s(message) if alg == keys.ES256K else message


def verify_bound(by, alg, key, use, payload, signature):
    """A detached signature over `payload` for one use (spec 1.4): the COSE_Sign1 around it is not transmitted."""
    message = cbor2.dumps([cbor2.dumps({1: alg}), {}, payload, signature])
    verify(by, alg, key, message, cbor2.dumps(["IoTC1", use]))


def sign_bound(by, alg, private, use, payload):
    return parse(sign(by, alg, private, {}, payload, cbor2.dumps(["IoTC1", use])))[3]


def thumbprint(key):
    return keys.thumbprint(parse(key))


def public(alg, private):
    """The encoded COSE_Key of a private key."""
    return cbor2.dumps(keys.public(alg, private), canonical=True)


def _with_low_s(message):
    *parts, signature = cbor2.loads(message)
    return cbor2.dumps([*parts, keys.low_s(signature)])
