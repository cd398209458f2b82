"""CBOR Web Tokens by python-cwt, and claims sets by cbor2."""

import cbor2
from cwt import COSE, CWT

import keys
from cbor import parse

CWT_TAG, CLAIMS_SET_TAG = 61, 601


def validate(alg, key, id, cwt):
    """The claims of a signed CWT, if `key`, known as `id`, signed it and it is valid, within the library's 60 s of leeway."""
    cose_key = keys.by_cwt(alg, parse(key), kid=id)
    return _readable(CWT.new().decode(cwt, cose_key))


def issue(alg, private, id, claims):
    cose_key = keys.by_cwt(alg, keys.public(alg, private), private)
    payload = cbor2.dumps(_claims(claims), canonical=True)
    message = COSE.new().encode(payload, cose_key, protected={1: alg, 4: id}, out="cbor2/CBORTag")
    if alg == keys.ES256K:
        message.value[3] = keys.low_s(message.value[3])
    return cbor2.dumps(cbor2.CBORTag(CWT_TAG, message))


def claims_set(item):
    """The claims of an unprotected claims set (RFC 9781)."""
    tagged = parse(item)
    if tagged.tag != CLAIMS_SET_TAG:
        raise ValueError(f"tag {tagged.tag}")
    return _readable(tagged.value)


def make_claims_set(claims):
    return cbor2.dumps(cbor2.CBORTag(CLAIMS_SET_TAG, _claims(claims)), canonical=True)


def _readable(claims):
    """Labels as they are, cnf and scope taken apart."""
    ((kind, confirmed),) = claims[8].items()
    return {**claims, 8: [kind, cbor2.dumps(confirmed, canonical=True)], 9: parse(claims[9])}


def _claims(readable):
    claims = {int(label): value for label, value in readable.items()}
    kind, confirmed = claims[8]
    return {**claims, 8: {kind: parse(confirmed)}, 9: cbor2.dumps(claims[9])}
