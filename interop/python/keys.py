"""Signing keys as COSE_Key for both libraries, and the one form of ES256K signatures that counts."""

import hashlib

import cbor2
import ecdsa
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cwt import COSEKey
from pycose.algorithms import CoseAlgorithm, EdDSA, _Ecdsa
from pycose.keys import CoseKey
from pycose.keys.curves import P256, SECP256K1
from pycose.keys.ec2 import EC2Key

ES256K, ESP256, ED25519 = -47, -9, -19
_CURVES = {ES256K: (8, ec.SECP256K1), ESP256: (1, ec.SECP256R1)}
_ORDER = ecdsa.SECP256k1.order


@CoseAlgorithm.register_attribute()
class Es256k(_Ecdsa):
    """ES256K (RFC 8812), which pycose lacks, entered where it looks algorithms up."""

    identifier = ES256K
    fullname = "ES256K"

    @classmethod
    def get_curve(cls):
        return ecdsa.SECP256k1

    @classmethod
    def get_hash_func(cls):
        return hashlib.sha256


@CoseAlgorithm.register_attribute()
class Esp256(_Ecdsa):
    """ESP256 (RFC 9864): ES256 under the number that names its curve."""

    identifier = ESP256
    fullname = "ESP256"

    @classmethod
    def get_curve(cls):
        return ecdsa.NIST256p

    @classmethod
    def get_hash_func(cls):
        return hashlib.sha256


@CoseAlgorithm.register_attribute()
class Ed25519(EdDSA):
    """Ed25519 (RFC 9864): EdDSA under the number that names its curve."""

    identifier = ED25519
    fullname = "Ed25519"


def public(alg, private):
    """The public COSE_Key of a private key of 32 bytes, as a map."""
    if alg == ED25519:
        key = ed25519.Ed25519PrivateKey.from_private_bytes(private).public_key()
        return {1: 1, -1: 6, -2: key.public_bytes(Encoding.Raw, PublicFormat.Raw)}
    number, curve = _CURVES[alg]
    point = ec.derive_private_key(int.from_bytes(private), curve()).public_key().public_numbers()
    return {1: 2, -1: number, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}


def thumbprint(key):
    """RFC 9679 over a COSE_Key of public parameters."""
    return hashlib.sha256(cbor2.dumps(key, canonical=True)).digest()


def by_cwt(alg, key, private=None, kid=None):
    """The key for python-cwt, which looks for it by its kid."""
    params = {**key, 3: _cwt_number(alg)}
    if kid is not None:
        params[2] = kid
    if private is not None:
        params[-4] = private
    return COSEKey.new(params)


def _cwt_number(alg):
    return {ESP256: -7, ED25519: -8}.get(alg, alg)


def by_pycose(alg, key, private=None):
    if alg == ED25519:
        return CoseKey.from_dict({**key, **({-4: private} if private else {})})
    curve = SECP256K1 if alg == ES256K else P256
    return EC2Key(curve, key[-2], key[-3], private or b"")


def low_s(signature):
    """r || s with the smaller of s and n - s: other stacks make either, and here only this one counts (spec 1.4)."""
    s = int.from_bytes(signature[32:])
    return signature[:32] + min(s, _ORDER - s).to_bytes(32)
