"""Protected objects: pycose opens and seals the COSE_Encrypt0, python-cwt checks and makes the countersignature.

The key schedule (spec 1.3) and the additional data (spec 2.2) are written down here once more, with cbor2 and the
HKDF of cryptography, from nothing but K_j.
"""

import cbor2
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cwt import COSEMessage, Signer
from pycose.headers import KID, Algorithm, KIDContext, PartialIV
from pycose.keys import SymmetricKey
from pycose.keys.keyparam import KpBaseIV
from pycose.messages import CoseMessage, Enc0Message

import keys
from cbor import parse

GROUP, PAIRWISE, SIGNED = 0, 1, 2
LABELS = {GROUP: "grp", SIGNED: "sig"}
CWT_CLAIMS = 15
ENCRYPT0 = b"\xd0"


def open_group(world, code, token, object):
    message = _read(object)
    key = _content_key(resource_key(world), LABELS[GROUP], message)
    return _decrypt(message, key, external_aad(world, GROUP, code, token))


def seal_group(world, code, token, kid, piv, plaintext):
    message = _message(world, kid, piv, plaintext)
    key = _content_key(resource_key(world), LABELS[GROUP], message)
    return _encrypt(message, key, external_aad(world, GROUP, code, token))


def open_request(world, code, echo, access, object):
    """A request in mode P; `access` is the access key AK."""
    message = _read(object)
    key = _content_key(extract(access, resource_key(world)), "p-req", message)
    return _decrypt(message, key, external_aad(world, PAIRWISE, code, echo))


def seal_request(world, code, echo, access, kid, piv, plaintext):
    message = _message(world, kid, piv, plaintext)
    key = _content_key(extract(access, resource_key(world)), "p-req", message)
    return _encrypt(message, key, external_aad(world, PAIRWISE, code, echo))


def open_reply(world, code, access, request, object):
    """A response in mode P: algorithm, kid and Partial IV are those of the request."""
    message = _reply(_read(object), request)
    key = _reply_key(world, access, request)
    return _decrypt(message, key, external_aad(world, PAIRWISE, code, parse(request)[0]))


def seal_reply(world, code, access, request, plaintext):
    message = _reply(Enc0Message(payload=plaintext), request)
    message.key = _reply_key(world, access, request)
    message.external_aad = external_aad(world, PAIRWISE, code, parse(request)[0])
    return cbor2.dumps([b"", {}, message.encrypt()])


def open_signed(world, key, object):
    """A representation or a command in mode S: countersignature of `key`, a COSE_Key, then decryption."""
    key = parse(key)
    aad = external_aad(world, SIGNED, 0, b"", keys.thumbprint(key))
    signer = keys.by_cwt(world.get("sign_alg", keys.ES256K), key)
    COSEMessage.loads(ENCRYPT0 + object).counterverify(signer, aad)
    message = _read(object)
    return _decrypt(message, _content_key(resource_key(world), LABELS[SIGNED], message), aad)


def seal_signed(world, private, kid, piv, iat, exp, plaintext):
    key = keys.public(keys.ES256K, private)
    aad = external_aad(world, SIGNED, 0, b"", keys.thumbprint(key))
    claims = {6: iat} if exp is None else {4: exp, 6: iat}
    message = _message(world, kid, piv, plaintext, claims)
    content_key = _content_key(resource_key(world), LABELS[SIGNED], message)
    sealed = COSEMessage.loads(ENCRYPT0 + _encrypt(message, content_key, aad))
    signer = Signer.new(keys.by_cwt(keys.ES256K, key, private))
    signed = sealed.countersign(signer, aad, abbreviated=True)
    signed.unprotected[12] = keys.low_s(signed.unprotected[12])
    return signed.dumps().removeprefix(ENCRYPT0)


def _read(object):
    parse(object)
    return CoseMessage.decode(ENCRYPT0 + object)


def _reply(message, request):
    """Lends the message what only the request says; the unprotected header is not authenticated."""
    request = _read(request)
    message.uhdr_update({name: request.get_attr(name) for name in (Algorithm, PartialIV)})
    return message


def _reply_key(world, access, request):
    return _content_key(extract(access, resource_key(world)), "p-rsp", _read(request))


def _message(world, kid, piv, plaintext, claims=None):
    context = world["gid"] + minimal(world["session"])
    header = {Algorithm: world["alg"], KID: kid, PartialIV: minimal(piv), KIDContext: context}
    if claims is not None:
        header[CWT_CLAIMS] = claims
    return Enc0Message(phdr=header, payload=plaintext)


def _decrypt(message, key, aad):
    message.key, message.external_aad = key, aad
    return message.decrypt()


def _encrypt(message, key, aad):
    message.key, message.external_aad = key, aad
    return message.encode(tag=False)


def external_aad(world, mode, code, bind, signer=b""):
    return cbor2.dumps([1, mode, code, world["rs"], world["path"], world.get("query", []), bind, signer])


def _content_key(prk, label, message):
    """AES key and Base IV of one sender. pycose itself applies the Partial IV."""
    alg, kid = message.get_attr(Algorithm).identifier, message.get_attr(KID)
    okm = expand(prk, label, [alg, kid], 29)
    return SymmetricKey(okm[:16], optional_params={KpBaseIV: okm[16:]})


def resource_key(world):
    salt = b"IoTC1" + world["gid"] + world["session"].to_bytes(4) + world["ks"]
    return expand(extract(salt, world["group_key"]), "res", [world["rs"], world["path"]], 32)


def extract(salt, secret):
    mac = HMAC(salt, SHA256())
    mac.update(secret)
    return mac.finalize()


def expand(prk, label, context, length):
    info = cbor2.dumps(["IoTC1", label, context, length])
    return HKDFExpand(SHA256(), length, info).derive(prk)


def minimal(number):
    return number.to_bytes(max(1, (number.bit_length() + 7) // 8))
