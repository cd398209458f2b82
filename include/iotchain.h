/* C interface of IoTChain. Written by `cargo xtask header`: do not edit. */

#ifndef IOTCHAIN_H
#define IOTCHAIN_H

#include <stddef.h>
#include <stdint.h>

/**
 * The value of the TLS exporter `EXPORTER-Channel-Binding` with empty context: binds a proof to the connection (RFC 9266).
 */
#define IOTCHAIN_BINDING_EXPORTER 1

/**
 * SHA-256 of the key server's certificate in DER: binds a proof to the server, where the DTLS library has no exporter.
 */
#define IOTCHAIN_BINDING_CERTIFICATE 2

/**
 * ES256K: ECDSA over secp256k1 with SHA-256 (RFC 8812), the suite that every member has.
 */
#define IOTCHAIN_ES256K -47

/**
 * ESP256: ECDSA over P-256 with SHA-256 (RFC 9864).
 */
#define IOTCHAIN_ESP256 -9

/**
 * The right to GET, a bit of `iotchain_scope::roles`.
 */
#define IOTCHAIN_ROLE_GET 1

/**
 * The right to POST.
 */
#define IOTCHAIN_ROLE_POST 2

/**
 * The right to PUT.
 */
#define IOTCHAIN_ROLE_PUT 4

/**
 * The right to FETCH.
 */
#define IOTCHAIN_ROLE_FETCH 16

/**
 * The role of a resource server in its own group; it stands alone.
 */
#define IOTCHAIN_ROLE_PRODUCER 128

/**
 * Version of the interface that this header describes. It changes whenever a program compiled against an older header
 * could misbehave.
 */
#define IOTCHAIN_ABI_VERSION 1

/**
 * What a fallible function returns: 0, or the negative number of an error in the registry of the specification.
 * Numbers are never reused.
 */
enum iotchain_err
#ifdef __cplusplus
  : int32_t
#endif // __cplusplus
 {
  /**
   * Success.
   */
  IOTCHAIN_ERR_OK = 0,
  /**
   * Input ends inside an item.
   */
  IOTCHAIN_ERR_TRUNCATED = -1,
  /**
   * Bytes after the item.
   */
  IOTCHAIN_ERR_TRAILING = -2,
  /**
   * Head not in its shortest form.
   */
  IOTCHAIN_ERR_NONMINIMAL = -3,
  /**
   * Indefinite length.
   */
  IOTCHAIN_ERR_INDEFINITE = -4,
  /**
   * Map keys not sorted.
   */
  IOTCHAIN_ERR_ORDER = -5,
  /**
   * Map key twice.
   */
  IOTCHAIN_ERR_DUPKEY = -6,
  /**
   * Nesting above 6.
   */
  IOTCHAIN_ERR_DEPTH = -7,
  /**
   * Wrong type, length or relation between fields.
   */
  IOTCHAIN_ERR_TYPE = -8,
  /**
   * Text is not UTF-8.
   */
  IOTCHAIN_ERR_UTF8 = -9,
  /**
   * Above the size limit.
   */
  IOTCHAIN_ERR_SIZE = -10,
  /**
   * Forbidden item: float, tag or reserved.
   */
  IOTCHAIN_ERR_ITEM = -11,
  /**
   * Header set or shape.
   */
  IOTCHAIN_ERR_HEADER = -20,
  /**
   * Not the algorithm of the group.
   */
  IOTCHAIN_ERR_ALG = -21,
  /**
   * Crit present.
   */
  IOTCHAIN_ERR_CRIT = -22,
  /**
   * Key id shape, or not the pinned key.
   */
  IOTCHAIN_ERR_KID = -23,
  /**
   * Other group.
   */
  IOTCHAIN_ERR_GROUP = -24,
  /**
   * Session not held.
   */
  IOTCHAIN_ERR_SESSION = -25,
  /**
   * Session over.
   */
  IOTCHAIN_ERR_SESSION_EXPIRED = -26,
  /**
   * Partial IV shape or range.
   */
  IOTCHAIN_ERR_PIV = -27,
  /**
   * Already accepted, or below the window.
   */
  IOTCHAIN_ERR_REPLAY = -28,
  /**
   * Echo missing or wrong.
   */
  IOTCHAIN_ERR_ECHO = -29,
  /**
   * Decryption failed.
   */
  IOTCHAIN_ERR_AEAD = -30,
  /**
   * Signature invalid.
   */
  IOTCHAIN_ERR_SIG = -31,
  /**
   * Unsigned object from a proxy.
   */
  IOTCHAIN_ERR_SIG_REQUIRED = -32,
  /**
   * Sender may not do this.
   */
  IOTCHAIN_ERR_SIGNER = -33,
  /**
   * Older than what was seen.
   */
  IOTCHAIN_ERR_ROLLBACK = -34,
  /**
   * Outside iat and exp.
   */
  IOTCHAIN_ERR_STALE = -35,
  /**
   * Two different messages where one is allowed.
   */
  IOTCHAIN_ERR_EQUIVOCATION = -36,
  /**
   * Role lacks the method.
   */
  IOTCHAIN_ERR_FORBIDDEN = -37,
  /**
   * Invalid path or query.
   */
  IOTCHAIN_ERR_PATH = -38,
  /**
   * Token length.
   */
  IOTCHAIN_ERR_BINDING = -39,
  /**
   * Too many failures for this key id.
   */
  IOTCHAIN_ERR_FORGERY_LIMIT = -40,
  /**
   * Partial IVs used up.
   */
  IOTCHAIN_ERR_SEQ_EXHAUSTED = -41,
  /**
   * Output buffer too small.
   */
  IOTCHAIN_ERR_BUFFER = -42,
  /**
   * Mode not allowed here.
   */
  IOTCHAIN_ERR_MODE = -43,
  /**
   * Unknown version or payload number.
   */
  IOTCHAIN_ERR_VERSION = -50,
  /**
   * Other self-healing scheme.
   */
  IOTCHAIN_ERR_SCHEME = -51,
  /**
   * Session outside the personal key.
   */
  IOTCHAIN_ERR_SESSION_RANGE = -52,
  /**
   * Recovered key does not match the key check.
   */
  IOTCHAIN_ERR_KCV = -53,
  /**
   * No entry for this member: revoked.
   */
  IOTCHAIN_ERR_REVOKED_MEMBER = -54,
  /**
   * The scheme could not recover the key.
   */
  IOTCHAIN_ERR_RECOVER = -55,
  /**
   * Older than the current position, ignored.
   */
  IOTCHAIN_ERR_BCAST_OLD = -56,
  /**
   * Not a member of the group.
   */
  IOTCHAIN_ERR_NOT_MEMBER = -57,
  /**
   * No slot or id left.
   */
  IOTCHAIN_ERR_GROUP_FULL = -58,
  /**
   * Group deleted.
   */
  IOTCHAIN_ERR_GROUP_GONE = -59,
  /**
   * An event must be fetched first.
   */
  IOTCHAIN_ERR_NEED_EVENT = -60,
  /**
   * More than t revoked share-holders.
   */
  IOTCHAIN_ERR_TOO_MANY_REVOKED = -61,
  /**
   * This device cannot hold the window.
   */
  IOTCHAIN_ERR_CAPACITY = -62,
  /**
   * Beacon does not verify.
   */
  IOTCHAIN_ERR_BEACON = -63,
  /**
   * Session not announced by an authenticated message.
   */
  IOTCHAIN_ERR_NOT_ANNOUNCED = -64,
  /**
   * Other epoch, depth, last or t than the personal key.
   */
  IOTCHAIN_ERR_EPOCH = -65,
  /**
   * Beacon too far ahead.
   */
  IOTCHAIN_ERR_SKIP = -66,
  /**
   * Ledger node not in sync.
   */
  IOTCHAIN_ERR_LEDGER_STALE = -70,
  /**
   * Ledger node unreachable.
   */
  IOTCHAIN_ERR_LEDGER_UNAVAILABLE = -71,
  /**
   * No token.
   */
  IOTCHAIN_ERR_TOKEN_ABSENT = -72,
  /**
   * Not yet deep enough in the chain, retry.
   */
  IOTCHAIN_ERR_UNCONFIRMED = -73,
  /**
   * Token deleted, or its epoch is over.
   */
  IOTCHAIN_ERR_TOKEN_REVOKED = -74,
  /**
   * Contract or issuer not published by the owner.
   */
  IOTCHAIN_ERR_ISSUER = -75,
  /**
   * For another resource server.
   */
  IOTCHAIN_ERR_AUDIENCE = -76,
  /**
   * For another client.
   */
  IOTCHAIN_ERR_SUBJECT = -77,
  /**
   * Claims layout, class or scope shape.
   */
  IOTCHAIN_ERR_CLAIMS = -78,
  /**
   * Expiry implausible.
   */
  IOTCHAIN_ERR_TTL_RANGE = -79,
  /**
   * Expired.
   */
  IOTCHAIN_ERR_EXPIRED = -80,
  /**
   * Not yet valid.
   */
  IOTCHAIN_ERR_NOT_YET = -81,
  /**
   * Issued in the future.
   */
  IOTCHAIN_ERR_IAT = -82,
  /**
   * Rights or group not granted.
   */
  IOTCHAIN_ERR_SCOPE = -83,
  /**
   * Confirmation key.
   */
  IOTCHAIN_ERR_CNF = -84,
  /**
   * Token id.
   */
  IOTCHAIN_ERR_CTI = -85,
  /**
   * Not a signed CWT.
   */
  IOTCHAIN_ERR_CWT_TYPE = -86,
  /**
   * Key id of the issuer.
   */
  IOTCHAIN_ERR_CWT_KEY = -87,
  /**
   * Challenge not ours, or altered.
   */
  IOTCHAIN_ERR_CHALLENGE = -90,
  /**
   * Challenge too old or from the future.
   */
  IOTCHAIN_ERR_CHALLENGE_EXPIRED = -91,
  /**
   * Challenge used before.
   */
  IOTCHAIN_ERR_CHALLENGE_REPLAY = -92,
  /**
   * Form of the proof of possession.
   */
  IOTCHAIN_ERR_POP_FORMAT = -93,
  /**
   * Proof signed by another key.
   */
  IOTCHAIN_ERR_POP = -94,
  /**
   * Channel binding type.
   */
  IOTCHAIN_ERR_CHANNEL = -95,
  /**
   * Too many requests.
   */
  IOTCHAIN_ERR_RATE = -96,
  /**
   * Random source failed.
   */
  IOTCHAIN_ERR_RANDOM = -100,
  /**
   * No proof against a trusted block.
   */
  IOTCHAIN_ERR_PROOF = -101,
  /**
   * A pointer is null where it must not be, or a length is none. Only of this interface.
   */
  IOTCHAIN_ERR_NULL_ARGUMENT = -110,
  /**
   * The object was never set up, is wiped, or was moved or copied. Only of this interface.
   */
  IOTCHAIN_ERR_NOT_READY = -111,
};
#ifndef __cplusplus
typedef int32_t iotchain_err;
#endif // __cplusplus

/**
 * What ties a proof to one connection or to one key server.
 */
typedef struct iotchain_binding {
  /**
   * `IOTCHAIN_BINDING_EXPORTER` or `IOTCHAIN_BINDING_CERTIFICATE`.
   */
  uint8_t kind;
  /**
   * The value that both ends know.
   */
  uint8_t value[32];
} iotchain_binding;

/**
 * Where a token lives and who claims it. A resource server joins its own group without a token: chain 0, contract zero, its own
 * address as client.
 */
typedef struct iotchain_token_ref {
  /**
   * EIP-155 chain id.
   */
  uint64_t chain;
  /**
   * Address of the token contract.
   */
  uint8_t contract[20];
  /**
   * Address of the client.
   */
  uint8_t client[20];
} iotchain_token_ref;

/**
 * A group, and the rights in it.
 */
typedef struct iotchain_scope {
  /**
   * Name of the group: 1 to 32 characters of `[A-Za-z0-9._-]` and a final zero byte.
   */
  const char *group;
  /**
   * Bits of `IOTCHAIN_ROLE_GET` and the others.
   */
  uint8_t roles;
} iotchain_scope;

/**
 * Everything a proof commits to. The join request carries the same token, scope and nonce.
 */
typedef struct iotchain_pop_input {
  /**
   * The connection.
   */
  const struct iotchain_binding *binding;
  /**
   * Thumbprint of the key server's key, 32 bytes.
   */
  const uint8_t *key_server;
  /**
   * The token, or the resource server itself.
   */
  const struct iotchain_token_ref *token;
  /**
   * Group and rights.
   */
  const struct iotchain_scope *scope;
  /**
   * N_S, the key server's challenge of 28 bytes.
   */
  const uint8_t *challenge;
  /**
   * N_C, fresh random bytes of ours.
   */
  const uint8_t *cnonce;
  /**
   * Their number, 8 to 32.
   */
  size_t cnonce_len;
} iotchain_pop_input;

/**
 * A public key of ECDSA. Its point is checked where it is used.
 */
typedef struct iotchain_public_key {
  /**
   * The algorithm of COSE: `IOTCHAIN_ES256K` or `IOTCHAIN_ESP256`.
   */
  int32_t alg;
  /**
   * Big-endian.
   */
  uint8_t x[32];
  /**
   * Big-endian.
   */
  uint8_t y[32];
} iotchain_public_key;

/**
 * Somebody who signs: `iotchain_signing_key_signer` gives one for a key in memory; a secure element comes with a function of
 * its own.
 */
typedef struct iotchain_signer {
  /**
   * The public half.
   */
  struct iotchain_public_key key;
  /**
   * Signs the hash `digest` of 32 bytes: writes r and s, 32 bytes each, to `signature` and returns 0. Both halves of s will
   * do: the library takes the lower one. Anything but 0 makes the caller fail with `IOTCHAIN_ERR_SIG`.
   */
  int32_t (*sign)(void *ctx, const uint8_t *digest, uint8_t *signature);
  /**
   * Handed to `sign`.
   */
  void *ctx;
} iotchain_signer;

/**
 * A private key in memory, wiped by `iotchain_signing_key_wipe`.
 */
typedef struct iotchain_signing_key {
  uint64_t opaque[14];
} iotchain_signing_key;

/**
 * A source of randomness fit for keys, e.g. the generator of the chip. A function that takes one calls it before it returns
 * and keeps nothing of it.
 */
typedef struct iotchain_rng {
  /**
   * Fills `out` with `len` random bytes and returns 0; anything else makes the caller fail with `IOTCHAIN_ERR_RANDOM`.
   */
  int32_t (*fill)(void *ctx, uint8_t *out, size_t len);
  /**
   * Handed to `fill`.
   */
  void *ctx;
} iotchain_rng;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * A short English description of a result, e.g. for a log; "unknown error" for a number that this version does not
 * know. The text is static: it needs no `free` and may be kept.
 */
const char *iotchain_strerror(int32_t err);

/**
 * The digest that a client's account signs, 32 bytes: Keccak-256 of the text that a wallet shows by `personal_sign` (EIP-191). For a
 * wallet or secure element that gives r, s and v itself; `iotchain_pop_sign_client` does the rest for any other signer.
 *
 * @return 0, `IOTCHAIN_ERR_CHANNEL` for an unknown kind of binding, `IOTCHAIN_ERR_SCOPE` for what is no name of a group,
 *   `IOTCHAIN_ERR_TYPE` unless the nonce has 8 to 32 bytes
 */
iotchain_err iotchain_pop_digest(const struct iotchain_pop_input *input,
                                 uint8_t *digest);

/**
 * A client's answer to the challenge: r, s and v of its account, 65 bytes. The signer is handed the digest of
 * `iotchain_pop_digest`; v is found by recovering the key, so up to three signatures' worth of time passes.
 *
 * @param signer  the key of the client's account, `IOTCHAIN_ES256K`; up to 3 kB of stack are used
 * @param answer  room for 65 bytes
 * @return 0, `IOTCHAIN_ERR_POP` if the key is not that of the token's client, `IOTCHAIN_ERR_SIG` if the signer fails, otherwise as
 *   `iotchain_pop_digest`
 */
iotchain_err iotchain_pop_sign_client(const struct iotchain_pop_input *input,
                                      const struct iotchain_signer *signer,
                                      uint8_t *answer);

/**
 * A resource server's answer to the challenge: its signature over the input, 64 bytes.
 *
 * @param signer  the resource server's key
 * @param signature  room for 64 bytes
 * @return 0, `IOTCHAIN_ERR_SIG` if the signer fails, otherwise as `iotchain_pop_digest`
 */
iotchain_err iotchain_pop_sign_server(const struct iotchain_pop_input *input,
                                      const struct iotchain_signer *signer,
                                      uint8_t *signature);

/**
 * `sizeof (struct iotchain_signing_key)` of the library that is linked.
 */
size_t iotchain_signing_key_size(void);

/**
 * Sets a private key up from its 32 bytes, e.g. out of protected flash.
 *
 * @param key  room for the key; at most 3 kB of stack are used
 * @param alg  `IOTCHAIN_ES256K`
 * @param bytes  32 bytes, big-endian; wipe your copy
 * @return 0, `IOTCHAIN_ERR_TYPE` for zero or a number not below the order, `IOTCHAIN_ERR_ALG` for an algorithm that this library was
 *   built without
 */
iotchain_err iotchain_signing_key_init(struct iotchain_signing_key *key,
                                       int32_t alg,
                                       const uint8_t *bytes);

/**
 * Makes a fresh private key. Store it with `iotchain_signing_key_export`.
 *
 * @param key  room for the key; at most 3 kB of stack are used
 * @param alg  `IOTCHAIN_ES256K`
 * @param random  where the key comes from
 * @return 0, `IOTCHAIN_ERR_RANDOM` if the source fails, `IOTCHAIN_ERR_ALG`
 */
iotchain_err iotchain_signing_key_generate(struct iotchain_signing_key *key,
                                           int32_t alg,
                                           const struct iotchain_rng *random);

/**
 * Writes the private key to `bytes`, 32 bytes, for protected storage.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_signing_key_export(const struct iotchain_signing_key *key, uint8_t *bytes);

/**
 * The signer that uses `key`, which has to stay where it is for as long as `signer` is used.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_signing_key_signer(const struct iotchain_signing_key *key,
                                         struct iotchain_signer *signer);

/**
 * Ends a key: nothing of it stays in the storage. Zeroed storage is left alone.
 */
void iotchain_signing_key_wipe(struct iotchain_signing_key *key);

/**
 * Version of the interface of the library that is linked. Compare it with `IOTCHAIN_ABI_VERSION` once at start-up: a
 * difference means that header and library are of different releases.
 */
uint32_t iotchain_abi_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* IOTCHAIN_H */
