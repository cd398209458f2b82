"""`vectors/objects-of-groups.json`: the cases of `objects.json` under session keys that members of a group derive.

    python regroup.py ../../vectors > ../../vectors/objects-of-groups.json

The session keys of `objects.json` come from the seed phrase, so no member can ever hold them. Here each case moves into a
group of `broadcast-rsd.json`: its sessions become sessions of that group, its times move along, and everything that
follows from them is computed again, by the key schedule in `objects.py`, AES-CCM of cryptography and deterministic
signatures of ecdsa and cryptography. Then pycose opens every object, and python-cwt checks every countersignature.
"""

import hashlib
import json
import sys
from pathlib import Path

import cbor2
import ecdsa
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

import keys
import objects
from objects import GROUP, PAIRWISE, SIGNED, expand, external_aad, extract, minimal, resource_key

# By the algorithm of the signatures: the group, and which of its sessions a session of `objects.json` becomes.
GROUPS = {
    keys.ES256K: ("A", {6: 13, 7: 14}),
    keys.ED25519: ("B", {6: 2, 7: 3}),
    keys.ESP256: ("C", {6: 1001, 7: 1002}),
}
# The case of a session whose index has two bytes: group C has such.
FAR = {"G4-empty-root-far-session": (keys.ESP256, {300: 1008})}
# How long the newest session has lasted when an object is opened: longer than the grace of the one before.
AGE = 60
# Whom the challenged requests come from: an IPv6 address and a port. What it is does not matter, only that it stays the same.
ENDPOINT = bytes.fromhex("20010db800000000000000000000002a") + (5683).to_bytes(2)
UPTIME = 100
MODES = {"G": GROUP, "P": PAIRWISE, "S": SIGNED}
TAGS = {10: 8, 30: 16}


def file(vectors):
    """The text of the file, from the vector files in the folder `vectors`."""
    return json.dumps(Regrouped(Path(vectors)).content(), indent=1) + "\n"


def again(vectors):
    """The cases of `objects.json`, sealed by the same code where they are."""
    regrouped = Regrouped(Path(vectors))
    return [regrouped.again(source) for source in regrouped.sources]


class Regrouped:
    def __init__(self, vectors):
        def read(name):
            return json.loads((vectors / f"{name}.json").read_text())

        self.params = read("params")
        self.sources = read("objects")["cases"]
        self.groups = {case["name"]: case for case in read("broadcast-rsd")["cases"]}
        # the objects made so far, by the object that each replaces
        self.made = {}

    def content(self):
        # requests come before what answers or follows them
        cases = [self.case(source) for source in self.sources]
        used = {case["group"] for case in cases}
        return {
            "groups": [self.group(name) for name in sorted(used)],
            "cases": [to_hex(case) for case in cases],
        }

    def group(self, name):
        """Which slot of the group each sender and receiver has."""
        group = self.groups[name]
        return {
            "name": name,
            "sign_alg": group["sign_alg"],
            "slots": dict(zip(self.params["sid"].values(), self.slots(name))),
        }

    def slots(self, name):
        """The slots that are members in every session that the group lends."""
        lent = {j for _, (owner, lent) in self.loans() if owner == name for j in lent.values()}
        rows = [row["members"] for row in self.groups[name]["sessions"] if row["session"] in lent]
        return sorted(set.intersection(*map(set, rows)))

    def loans(self):
        for alg, loan in GROUPS.items():
            yield alg, loan
        for alg, lent in FAR.values():
            yield alg, (GROUPS[alg][0], lent)

    def loan(self, source):
        """The algorithm of the signatures, the group and its sessions, in the place of those of `source`."""
        if source["id"] in FAR:
            alg, lent = FAR[source["id"]]
            return alg, GROUPS[alg][0], lent
        alg = source["env"]["sign_alg"]
        name, lent = GROUPS[alg]
        return alg, name, lent

    def secret(self, name, length=32):
        phrase = self.params["seed_phrase"]
        return hashlib.sha256(f"{phrase}{name}".encode()).digest()[:length]

    def echo(self):
        """An Echo value (spec 2.7) under a boot key of the resource server's."""
        seconds = UPTIME.to_bytes(4)
        return seconds + extract(self.secret("echo-key"), seconds + ENDPOINT)[:8]

    def case(self, source):
        alg, name, lent = self.loan(source)
        rows = {row["session"]: row for row in self.groups[name]["sessions"]}
        now = rows[max(lent.values())]["nbf"] + AGE
        delay = now - source["env"]["now"]
        case = {"id": source["id"], "group": name, **source, "j": lent[source["j"]]}
        case.pop("external_aad_diag")
        for time in ("iat", "exp"):
            if source.get(time) is not None:
                case[time] = source[time] + delay
        case["env"] = self.env(source, alg, name, {j: rows[j] for j in lent.values()}, now, lent)
        case["bind"] = self.bind(source)
        if "request_object" in source:
            case["request_object"] = self.made[source["request_object"]]
        if "pre" in source:
            case["pre"] = [self.step(step) for step in source["pre"]]
        self.seal(case)
        self.made[source["object"]] = case["object"]
        assert self.opened(case) == bytes.fromhex(case["plaintext"])
        return case

    def again(self, source):
        case = {**source, "bind": bytes.fromhex(source["bind"])}
        if "request_object" in source:
            case["request_object"] = bytes.fromhex(source["request_object"])
        self.seal(case)
        case.pop("access_key", None)
        return to_hex(case)

    def step(self, step):
        return {**step, "object": self.made[step["object"]], "bind": self.bind(step)}

    def bind(self, step):
        if step["bind"] == self.params["echo"]:
            return self.echo()
        if "request_object" in step:
            return cbor2.loads(self.made[step["request_object"]])[0]
        return bytes.fromhex(step["bind"])

    def env(self, source, alg, name, rows, now, lent):
        env, group = source["env"], self.groups[name]
        # the senders of a group whose signatures have another algorithm are those of a case that has it
        like = next(case["env"] for case in self.sources if case["env"]["sign_alg"] == alg)
        return {
            **env,
            "gid": group["gid"],
            "ks": group["ks"],
            "sign_alg": alg,
            "sessions": {str(j): row["key"] for j, row in rows.items()},
            "now": now,
            "creds": like["creds"],
            "valid_echo": [self.echo()],
            "expired": [lent[j] for j in env["expired"]],
            "echo": {"key": self.secret("echo-key"), "uptime": UPTIME, "endpoint": ENDPOINT},
        }

    def world(self, case):
        """The case as `objects.py` has it."""
        env = case["env"]
        return {
            "group_key": bytes.fromhex(env["sessions"][str(case["j"])]),
            "gid": bytes.fromhex(env["gid"]),
            "session": case["j"],
            "ks": bytes.fromhex(env["ks"]),
            "rs": bytes.fromhex(case["rs"]),
            "path": case["path"],
            "query": case["query"],
            "alg": case["alg"],
            "sign_alg": env["sign_alg"],
        }

    def seal(self, case):
        world, mode = self.world(case), MODES[case["mode"]]
        kid, piv = self.sender(case)
        prk, label = resource_key(world), objects.LABELS.get(mode)
        if mode == PAIRWISE:
            case["access_key"] = self.access_key(case)
            label = "p-rsp" if "request_object" in case else "p-req"
            prk = extract(case["access_key"], prk)
        okm = expand(prk, label, [case["alg"], kid], 29)
        key, iv = okm[:16], okm[16:]
        nonce = bytes(a ^ b for a, b in zip(iv, piv.rjust(13, b"\0"), strict=True))
        signer = bytes.fromhex(case.get("signer_thumbprint", ""))
        protected = self.protected(case, world, kid, piv)
        aad = external_aad(world, mode, case["code"], case["bind"], signer)
        enc_structure = cbor2.dumps(["Encrypt0", protected, aad])
        cipher = AESCCM(key, tag_length=TAGS[case["alg"]])
        ciphertext = cipher.encrypt(nonce, bytes.fromhex(case["plaintext"]), enc_structure)
        case.update(
            key=key,
            context_iv=iv,
            nonce=nonce,
            protected=protected,
            external_aad=aad,
            enc_structure=enc_structure,
            ciphertext=ciphertext,
        )
        unprotected = {}
        if mode == SIGNED:
            to_be_signed = cbor2.dumps(["CounterSignature0", protected, aad, ciphertext])
            signature = sign(case["sign_alg"], self.private(signer), to_be_signed)
            case.update(to_be_signed=to_be_signed, signature=signature)
            unprotected = {12: signature}
        case["object"] = cbor2.dumps([protected, unprotected, ciphertext])
        case["compact"] = self.compact(case, kid, piv)
        added = len(case["plaintext"]) // 2
        case["object_len"] = len(case["object"])
        case["overhead"] = len(case["object"]) - added
        case["compact_overhead"] = len(case["compact"]) - added

    def sender(self, case):
        """Key id and Partial IV: those of the case, or of the request that it answers."""
        if "request_object" in case:
            header = cbor2.loads(cbor2.loads(case["request_object"])[0])
            return header[4], header[6]
        return bytes.fromhex(case["kid"]), minimal(case["piv"])

    def access_key(self, case):
        kid, _ = self.sender(case)
        gid, rsk = (bytes.fromhex(case["env"][name]) for name in ("gid", "rsk"))
        return expand(rsk, "ak", [gid, kid[: case["env"]["sid_len"]]], 32)

    def private(self, thumbprint):
        found = [key for key in self.params["keys"].values() if key["thumbprint"] == thumbprint.hex()]
        return bytes.fromhex(found[0]["private"])

    def protected(self, case, world, kid, piv):
        header = {} if case["content_format"] is None else {3: case["content_format"]}
        if "request_object" in case:
            return cbor2.dumps(header) if header else b""
        header = {1: case["alg"], **header, 4: kid, 6: piv, 10: world["gid"] + minimal(case["j"])}
        claims = {label: case[name] for label, name in ((4, "exp"), (6, "iat")) if case[name] is not None}
        return cbor2.dumps({**header, 15: claims} if claims else header)

    def compact(self, case, kid, piv):
        """Spec 2.11."""
        is_answer, content_format = "request_object" in case, case["content_format"]
        iat, signature = case.get("iat"), case.get("signature", b"")
        flags, form = 0, b""
        if not is_answer:
            j = minimal(case["j"])
            flags |= len(piv) | len(j) % 4 << 2
            form += piv + bytes.fromhex(case["env"]["gid"]) + j + bytes([len(kid)]) + kid
        if content_format is not None:
            flags |= 1 << 4
            form += content_format.to_bytes(2)
        if iat is not None:
            flags |= 1 << 5
            form += iat.to_bytes(4) + (case["exp"] or 0).to_bytes(4)
        flags |= bool(signature) << 6
        return bytes([flags]) + form + signature + case["ciphertext"]

    def opened(self, case):
        """What pycose, and with signatures python-cwt, makes of the object."""
        world, code, bind = self.world(case), case["code"], case["bind"]
        match case["position"]:
            case "response":
                return objects.open_group(world, code, bind, case["object"])
            case "request":
                return objects.open_request(world, code, bind, case["access_key"], case["object"])
            case "p-response":
                request = case["request_object"]
                return objects.open_reply(world, code, case["access_key"], request, case["object"])
        public = keys.public(case["sign_alg"], self.private(bytes.fromhex(case["signer_thumbprint"])))
        return objects.open_signed(world, cbor2.dumps(public, canonical=True), case["object"])


def sign(alg, private, message):
    """A signature that is always the same: RFC 6979, with the smaller s for ES256K (spec 1.4); RFC 8032."""
    if alg == keys.ED25519:
        return ed25519.Ed25519PrivateKey.from_private_bytes(private).sign(message)
    curve = ecdsa.SECP256k1 if alg == keys.ES256K else ecdsa.NIST256p
    key = ecdsa.SigningKey.from_string(private, curve, hashlib.sha256)
    signature = key.sign_deterministic(message)
    return keys.low_s(signature) if alg == keys.ES256K else signature


def to_hex(value):
    if isinstance(value, dict):
        return {name: to_hex(item) for name, item in value.items()}
    if isinstance(value, list):
        return [to_hex(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


if __name__ == "__main__":
    sys.stdout.write(file(sys.argv[1]))
