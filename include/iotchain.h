/* C interface of IoTChain. Written by `cargo xtask header`: do not edit.
 *
 * How much stack each function takes at worst is in docs/footprint.md. */

#ifndef IOTCHAIN_H
#define IOTCHAIN_H

#include <stddef.h>
#include <stdint.h>

/**
 * How many clients may have sent a request within the lifetime of an Echo.
 */
#define IOTCHAIN_CLIENTS 8

/**
 * How many retired senders are refused by name.
 */
#define IOTCHAIN_CLIENTS_RETIRED 16

/**
 * Length of an Echo value that the library issues, in bytes.
 */
#define IOTCHAIN_ECHO 12

/**
 * How many commands may be alive, that is carried out and not yet ended, at one time.
 */
#define IOTCHAIN_COMMANDS 8

/**
 * CoAP Content-Format of an object.
 */
#define IOTCHAIN_CONTENT_FORMAT 16

/**
 * CoAP Content-Format of the compact form.
 */
#define IOTCHAIN_COMPACT_CONTENT_FORMAT 65116

/**
 * Longest Token of a request in bytes, and the recommended length.
 */
#define IOTCHAIN_MAX_TOKEN 8

/**
 * Room for every token transfer request.
 */
#define IOTCHAIN_TRANSFER_REQUEST_MAX 56

/**
 * Room for every join request of ours.
 */
#define IOTCHAIN_JOIN_REQUEST_MAX 448

/**
 * Events of each epoch whose keys a member keeps.
 */
#define IOTCHAIN_MEMBER_EVENTS 16

/**
 * Senders whose keys a member keeps.
 */
#define IOTCHAIN_MEMBER_SENDERS 4

/**
 * `iotchain_received::kind`: an event, which is signed.
 */
#define IOTCHAIN_RECEIVED_EVENT 1

/**
 * A beacon.
 */
#define IOTCHAIN_RECEIVED_BEACON 2

/**
 * An event that is held already, byte for byte. Nothing changed.
 */
#define IOTCHAIN_RECEIVED_DUPLICATE 3

/**
 * A plaintext without Content-Format: octet-stream.
 */
#define IOTCHAIN_NO_CONTENT_FORMAT -1

/**
 * `iotchain_opened::mode` of a direct response, under the group key.
 */
#define IOTCHAIN_MODE_GROUP 0

/**
 * Of a request of one client, and of the response to it.
 */
#define IOTCHAIN_MODE_PAIRWISE 1

/**
 * Of an object that its sender signed.
 */
#define IOTCHAIN_MODE_SIGNED 2

/**
 * Of a response for the group (`iotchain_sender_seal_response`) and of a request of one client
 * (`iotchain_sender_seal_request`), in bytes.
 */
#define IOTCHAIN_GROUP_OVERHEAD 59

/**
 * Of the response to a request of one client (`iotchain_reply_seal`), in bytes.
 */
#define IOTCHAIN_REPLY_OVERHEAD 27

/**
 * Of a signed object (`iotchain_sender_seal_signed`), in bytes.
 */
#define IOTCHAIN_SIGNED_OVERHEAD 148

/**
 * Of any object, in bytes: a buffer of so much more than the plaintext takes every object.
 */
#define IOTCHAIN_OBJECT_OVERHEAD 148

/**
 * The value of the TLS exporter `EXPORTER-Channel-Binding` with empty context: binds a proof to the connection (RFC 9266).
 */
#define IOTCHAIN_BINDING_EXPORTER 1

/**
 * SHA-256 of the key server's certificate in DER: binds a proof to the server, where the DTLS library has no exporter.
 */
#define IOTCHAIN_BINDING_CERTIFICATE 2

/**
 * AES-CCM with a tag of 8 bytes (COSE 10).
 */
#define IOTCHAIN_AES_CCM_16_64_128 10

/**
 * AES-CCM with a tag of 16 bytes (COSE 30).
 */
#define IOTCHAIN_AES_CCM_16_128_128 30

/**
 * A signed object is the state of a resource, signed by its server.
 */
#define IOTCHAIN_REPRESENTATION 0

/**
 * A signed object is an order to a server that sleeps, signed by a client.
 */
#define IOTCHAIN_COMMAND 1

/**
 * How many senders a proxy knows of one group.
 */
#define IOTCHAIN_PROXY_SENDERS 8

/**
 * ES256K: ECDSA over secp256k1 with SHA-256 (RFC 8812), the suite that every member has.
 */
#define IOTCHAIN_ES256K -47

/**
 * ESP256: ECDSA over P-256 with SHA-256 (RFC 9864).
 */
#define IOTCHAIN_ESP256 -9

/**
 * Room for every sealed state of a member.
 */
#define IOTCHAIN_MEMBER_STATE_MAX 4096

/**
 * Longest state that `iotchain_stored_export` writes, in bytes.
 */
#define IOTCHAIN_MAX_STORED 80

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
 * A block of the chain that is trusted: set up from a hash that is known to be good, then moved along the chain.
 */
typedef struct iotchain_block {
  uint64_t opaque[16];
} iotchain_block;

/**
 * Somebody who may seal blocks of a network by proof of authority (EIP-225). Plain data: it may be copied, and zeroed it is an
 * account that nobody has.
 */
typedef struct iotchain_sealer {
  uint64_t opaque[4];
} iotchain_sealer;

/**
 * What a resource server knows of its clients in one boot. It has secrets in it: `iotchain_clients_wipe` wipes them.
 */
typedef struct iotchain_clients {
  uint64_t opaque[62];
} iotchain_clients;

/**
 * A source of randomness fit for keys, e.g. the generator of the chip. A function that takes one calls it before it returns
 * and keeps nothing of it; meanwhile its own objects are in use and nobody else's.
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

/**
 * A member of one group: group keys that heal, credentials of the senders, and what opens their objects. It has secrets in it
 * and in the storage of its personal keys: `iotchain_member_wipe` wipes both.
 */
typedef struct iotchain_member {
  uint64_t opaque[780];
} iotchain_member;

/**
 * A resource at a resource server: Uri-Path and Uri-Query option values in order, as UTF-8 with a final zero byte. The same
 * structure serves every call; firmware keeps it in flash.
 */
typedef struct iotchain_resource {
  /**
   * The address of the resource server, 20 bytes. For an object from a proxy it is the server all the same.
   */
  const uint8_t *rs;
  /**
   * Path segments, e.g. `{"sensors", "temp"}`.
   */
  const char *const *path;
  /**
   * Their number, at most 8.
   */
  size_t path_count;
  /**
   * Query arguments, e.g. `{"unit=C"}`; null if there are none.
   */
  const char *const *query;
  /**
   * Their number, at most 4.
   */
  size_t query_count;
} iotchain_resource;

/**
 * A request as it reached the resource server, beside its payload.
 */
typedef struct iotchain_request {
  /**
   * CoAP code: 2 POST, 3 PUT, 5 FETCH, 6 PATCH, 7 iPATCH.
   */
  uint8_t method;
  /**
   * 1 if the resource demands that every request carries an Echo, 0 if the first one of a client is enough.
   */
  uint8_t every_echo;
  /**
   * Value of the Echo option; null if there is none.
   */
  const uint8_t *echo;
  /**
   * Its length in bytes.
   */
  size_t echo_len;
  /**
   * Whom it came from: address and port, in any form that stays the same.
   */
  const uint8_t *endpoint;
  /**
   * Length of that in bytes.
   */
  size_t endpoint_len;
  /**
   * Seconds since boot, of a clock that never goes back.
   */
  uint32_t uptime;
  /**
   * Unix time.
   */
  uint64_t now;
} iotchain_request;

/**
 * Which object of which sender it is.
 */
typedef struct iotchain_origin {
  /**
   * Session under whose key it was sealed.
   */
  uint32_t session;
  /**
   * Its number within session and key id, the Partial IV.
   */
  uint32_t piv;
  /**
   * Key id: sender id, then the boot salt.
   */
  uint8_t kid[11];
  /**
   * Length of the key id in bytes.
   */
  uint8_t kid_len;
} iotchain_origin;

/**
 * What is known of an object that was opened.
 */
typedef struct iotchain_opened {
  /**
   * Which object it is.
   */
  struct iotchain_origin origin;
  /**
   * CoAP Content-Format of the plaintext, or `IOTCHAIN_NO_CONTENT_FORMAT`.
   */
  int32_t content_format;
  /**
   * `IOTCHAIN_MODE_GROUP`, `_PAIRWISE` or `_SIGNED`.
   */
  int32_t mode;
  /**
   * Time of signing, Unix time; 0 unless it is signed.
   */
  uint64_t iat;
  /**
   * First instant at which it is no longer valid; 0 if it says none.
   */
  uint64_t exp;
  /**
   * Thumbprint of the key that signed it; zeros unless it is signed.
   */
  uint8_t signer[32];
} iotchain_opened;

/**
 * The right to seal the response to one request. It is used up by `iotchain_reply_seal`, because a second response would repeat a
 * nonce. It has secrets in it: wipe it if the request is answered without an object.
 */
typedef struct iotchain_reply {
  uint64_t opaque[21];
} iotchain_reply;

/**
 * The commands that a resource server carried out and still has to recognise.
 */
typedef struct iotchain_commands {
  uint64_t opaque[44];
} iotchain_commands;

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
 * Who asks for what.
 */
typedef struct iotchain_query {
  /**
   * Where the token lives and who holds it.
   */
  const struct iotchain_token_ref *token;
  /**
   * Address of the resource server, 20 bytes.
   */
  const uint8_t *rs;
  /**
   * Group and rights asked for.
   */
  const struct iotchain_scope *scope;
} iotchain_query;

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
 * Somebody whose tokens the owner of a resource server accepts.
 */
typedef struct iotchain_cwt_issuer {
  /**
   * EIP-155 chain id of the contract in whose place it speaks (iss).
   */
  uint64_t chain;
  /**
   * Address of that contract.
   */
  uint8_t contract[20];
  /**
   * The resource server whose owner published this issuer.
   */
  uint8_t rs[20];
  /**
   * The issuer's own address, which names its key in a token.
   */
  uint8_t id[20];
  /**
   * Its key; the algorithm is that of the group.
   */
  struct iotchain_public_key key;
} iotchain_cwt_issuer;

/**
 * Limits that every token has to keep.
 */
typedef struct iotchain_token_limits {
  /**
   * Oldest acceptable block in seconds; the specification has 60.
   */
  uint64_t max_head_age;
  /**
   * How far a time of issuance may lie ahead, seconds; the specification has 60.
   */
  uint64_t leeway;
  /**
   * How far an expiry may lie ahead, seconds; the specification has 366 days.
   */
  uint64_t max_life;
  /**
   * How many blocks deep a token must lie; the specification has 12.
   */
  uint32_t confirmations;
} iotchain_token_limits;

/**
 * What a token grants.
 */
typedef struct iotchain_cwt_grant {
  /**
   * End of validity in Unix seconds, exclusive. No ledger ends it sooner.
   */
  uint64_t expires_at;
  /**
   * The client's key, which it must prove (cnf).
   */
  struct iotchain_public_key key;
  /**
   * Everything that is granted in the group: bits of `IOTCHAIN_ROLE_GET` and the others.
   */
  uint8_t roles;
} iotchain_cwt_grant;

/**
 * An event on its way in. Nothing of it counts before `iotchain_event_finish`, and dropping it at any time changes nothing.
 */
typedef struct iotchain_event {
  uint64_t opaque[132];
} iotchain_event;

/**
 * What a broadcast was, once verified.
 */
typedef struct iotchain_received {
  /**
   * `IOTCHAIN_RECEIVED_EVENT`, `_BEACON` or `_DUPLICATE`.
   */
  int32_t kind;
  /**
   * The session that it announces; 0 for a duplicate.
   */
  uint32_t session;
  /**
   * Start of that session, Unix time; 0 if its event is not known yet.
   */
  uint64_t starts;
} iotchain_received;

/**
 * The Token of one request, and what was accepted under it so far. Keep one for each outstanding request and for each observation,
 * with the endpoint that was asked.
 */
typedef struct iotchain_exchange {
  uint64_t opaque[8];
} iotchain_exchange;

/**
 * What a key server says to whoever names a token.
 */
typedef struct iotchain_transfer_response {
  /**
   * The signing key of the key server. That it is its key, the DTLS certificate vouches for.
   */
  struct iotchain_public_key key;
  /**
   * Thumbprint of the key: what the proof commits to, and what the join response has to prove. Pin it.
   */
  uint8_t key_server[32];
  /**
   * N_S, the challenge to answer. It lives for 60 seconds.
   */
  uint8_t challenge[28];
} iotchain_transfer_response;

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
 * Why a key server refused.
 */
typedef struct iotchain_problem {
  /**
   * The error, negative as everywhere; 0 if the key server gave none that this library knows.
   */
  int32_t error;
  /**
   * A short text for people: `title_len` bytes of UTF-8 inside the message, with no zero byte at the end.
   */
  const char *title;
  /**
   * Its length in bytes.
   */
  size_t title_len;
} iotchain_problem;

/**
 * A join response whose key server proved its key. It reads in the message, which has to stay where it is and unchanged until the
 * response is wiped. The message has keys in it: wipe it afterwards.
 */
typedef struct iotchain_join_response {
  uint64_t opaque[60];
} iotchain_join_response;

/**
 * What a join response says beside keys and senders.
 */
typedef struct iotchain_join_info {
  /**
   * Unix time at the key server when it answered: a clock for a device that has none.
   */
  uint64_t key_server_time;
  /**
   * End of membership, Unix time.
   */
  uint64_t expires_at;
  /**
   * How often to ask for the current session, seconds.
   */
  uint64_t check_interval;
  /**
   * Grace after the end of membership, seconds.
   */
  uint64_t expiration_delta;
  /**
   * The current session.
   */
  uint32_t session;
  /**
   * In how many sessions at the end of an epoch the personal key of the next one can be had; 0 if it never can.
   */
  uint32_t pre_issue;
  /**
   * Length of the personal key in bytes: the storage that `iotchain_member_join` needs.
   */
  size_t personal_key_len;
  /**
   * Length of the personal key of the next epoch; 0 if it is not here yet.
   */
  size_t next_personal_key_len;
  /**
   * Broadcasts that came along, at most 2.
   */
  size_t broadcasts;
  /**
   * Access keys of a client, one for each resource server.
   */
  size_t access_keys;
  /**
   * Where broadcasts are multicast to: `control_uri_len` bytes of UTF-8 inside the message, with no zero byte at the end; NULL if
   * they are not.
   */
  const char *control_uri;
  /**
   * Its length in bytes.
   */
  size_t control_uri_len;
  /**
   * Boot salt, if the key server assigned one.
   */
  uint8_t boot_salt[4];
  /**
   * Its length in bytes, 1 to 4; 0 if there is none.
   */
  size_t boot_salt_len;
} iotchain_join_info;

/**
 * The newest event and session announced so far. It never goes down: a device that keeps it where it cannot be set back knows
 * an old state, and an old broadcast after a boot.
 */
typedef struct iotchain_mark {
  /**
   * The epoch of the personal key.
   */
  uint32_t epoch;
  /**
   * Number of the event, 0 before the first.
   */
  uint32_t event;
  /**
   * The session, 0 before the first.
   */
  uint32_t session;
} iotchain_mark;

/**
 * The newest signed object of one resource that was accepted, so that no older one is accepted after it. Keep one for each
 * resource, and export it to flash after every accepted object: without it, the first object after a boot is accepted on its time
 * alone.
 */
typedef struct iotchain_stored {
  uint64_t opaque[12];
} iotchain_stored;

/**
 * What a client remembers of a request until it is answered; nothing in it is secret.
 */
typedef struct iotchain_pair_request {
  uint64_t opaque[16];
} iotchain_pair_request;

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
 * A proof under way.
 */
typedef struct iotchain_proof {
  uint64_t opaque[44];
} iotchain_proof;

/**
 * Where a token is to be found.
 */
typedef struct iotchain_token_place {
  /**
   * Chain, contract and client. That the trusted block is one of this chain is your knowledge.
   */
  const struct iotchain_token_ref *token;
  /**
   * Address of the resource server, 20 bytes.
   */
  const uint8_t *rs;
  /**
   * Keccak-256 of the contract's code, 32 bytes: no other code may have written the token.
   */
  const uint8_t *code_hash;
} iotchain_token_place;

/**
 * What a token grants, as the ledger has it.
 */
typedef struct iotchain_grant {
  /**
   * End of validity in Unix seconds, exclusive.
   */
  uint64_t expires_at;
  /**
   * Serial of the token, never reused by its contract.
   */
  uint64_t serial;
  /**
   * The access class.
   */
  uint16_t access_class;
  /**
   * Everything that is granted: bits of `IOTCHAIN_ROLE_GET` and the others.
   */
  uint8_t roles;
} iotchain_grant;

/**
 * The check of one group's signed objects. No secret is in it.
 */
typedef struct iotchain_proxy {
  uint64_t opaque[98];
} iotchain_proxy;

/**
 * What a group has in common, as far as a proxy is told.
 */
typedef struct iotchain_proxy_group {
  /**
   * The group instance, 4 bytes; null for any.
   */
  const uint8_t *gid;
  /**
   * `IOTCHAIN_AES_CCM_16_64_128` or `IOTCHAIN_AES_CCM_16_128_128`.
   */
  int32_t aead;
  /**
   * `IOTCHAIN_ES256K` or `IOTCHAIN_ESP256`.
   */
  int32_t sign;
  /**
   * Length of its sender ids in bytes, 2 or 3.
   */
  size_t sid_len;
} iotchain_proxy_group;

/**
 * What is tolerated of objects.
 */
typedef struct iotchain_policy {
  /**
   * How far the clock of a signer may be ahead, seconds. 60 unless it is set.
   */
  uint64_t skew;
  /**
   * Oldest age of the first signed object of a resource, seconds. 86400 unless it is set.
   */
  uint64_t max_age;
  /**
   * Longest object in bytes, at most 65535. 2048 unless it is set.
   */
  size_t max_object;
} iotchain_policy;

/**
 * A signed object whose signature is right. Its content stays closed to the proxy.
 */
typedef struct iotchain_verified {
  /**
   * Which object it is.
   */
  struct iotchain_origin origin;
  /**
   * Time of signing, Unix time: keep it for the next check of the resource.
   */
  uint64_t iat;
  /**
   * First instant at which it is no longer valid; 0 if it says none.
   */
  uint64_t exp;
} iotchain_verified;

/**
 * What a node seals with between two boots in one group, for all its resources. It has secrets in it: `iotchain_sender_wipe` wipes
 * them.
 */
typedef struct iotchain_sender {
  uint64_t opaque[208];
} iotchain_sender;

/**
 * How often the counter is written to flash (RFC 8613, B.1.1). What a checkpoint covers follows from both numbers, so their sum must
 * never be less than in an earlier boot: a firmware update that lowers it would seal under numbers that were used.
 */
typedef struct iotchain_reserve {
  /**
   * Objects between two writes, at least 1.
   */
  uint32_t every;
  /**
   * Further objects that may be sealed while a write is under way.
   */
  uint32_t pending;
} iotchain_reserve;

/**
 * What stands in flash of the counter.
 */
typedef struct iotchain_checkpoint {
  /**
   * The session it belongs to; 0 for none.
   */
  uint32_t session;
  /**
   * The number reached.
   */
  uint32_t piv;
} iotchain_checkpoint;

/**
 * A private key in memory, wiped by `iotchain_signing_key_wipe`.
 */
typedef struct iotchain_signing_key {
  uint64_t opaque[14];
} iotchain_signing_key;

/**
 * Where a member stands.
 */
typedef struct iotchain_status {
  /**
   * Start of the newest session, Unix time; 0 while it is not known.
   */
  uint64_t starts;
  /**
   * Its planned end; 0 while it is not known. When that has passed and no broadcast came, ask the key server.
   */
  uint64_t ends;
  /**
   * The newest session that a broadcast announced; 0 before the first.
   */
  uint32_t newest;
  /**
   * The session to seal in; 0 if none is in force.
   */
  uint32_t sealable;
  /**
   * The epoch in use.
   */
  uint32_t epoch;
  /**
   * Its last session. The personal key of the next epoch should be there before (`iotchain_member_renew`).
   */
  uint32_t last;
  /**
   * Whether the next epoch is prepared.
   */
  int32_t next_prepared;
  /**
   * Whether the previous epoch is still held, see `iotchain_member_retire`.
   */
  int32_t previous_held;
} iotchain_status;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * `sizeof (struct iotchain_block)` of the library that is linked.
 */
size_t iotchain_block_size(void);

/**
 * Sets a block up from its hash, which comes from somebody you trust: a node of your own, or the key server.
 *
 * @param block  room for the block
 * @param hash  32 bytes
 * @param header  the block's header in RLP, about 620 bytes; nothing of it is kept
 * @return 0, `IOTCHAIN_ERR_PROOF` if the header has another hash or is none
 */
iotchain_err iotchain_block_init(struct iotchain_block *block,
                                 const uint8_t *hash,
                                 const uint8_t *header,
                                 size_t header_len);

/**
 * Moves to the block before this one.
 *
 * @param header  the header of the parent
 * @return 0, `IOTCHAIN_ERR_PROOF` if it is not the parent's; the block stays where it was then. `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_block_parent(struct iotchain_block *block,
                                   const uint8_t *header,
                                   size_t header_len);

/**
 * Names a sealer, as the genesis block or a checkpoint does.
 *
 * @param account  its address, 20 bytes
 * @return 0
 */
iotchain_err iotchain_sealer_init(struct iotchain_sealer *sealer, const uint8_t *account);

/**
 * Moves to a block after this one, because one of the sealers sealed it.
 *
 * @param header  the header of the child
 * @param sealers  all who may seal; it is noted when each may do so again
 * @param count  their number
 * @return 0, `IOTCHAIN_ERR_PROOF` if the block is no child of this one, `IOTCHAIN_ERR_SIG` for a malformed seal,
 *   `IOTCHAIN_ERR_SIGNER` if another account sealed it or one whose turn it cannot be; the block stays where it was then.
 *   `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_block_sealed_child(struct iotchain_block *block,
                                         const uint8_t *header,
                                         size_t header_len,
                                         struct iotchain_sealer *sealers,
                                         size_t count);

/**
 * What is known of the block.
 *
 * @param number  its height; the genesis block is 0
 * @param time  its time in Unix seconds
 * @param hash  its hash, 32 bytes
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_block_read(const struct iotchain_block *block,
                                 uint64_t *number,
                                 uint64_t *time,
                                 uint8_t *hash);

/**
 * Ends a block: nothing of it stays in the storage. Zeroed storage is left alone.
 */
void iotchain_block_wipe(struct iotchain_block *block);

/**
 * `sizeof (struct iotchain_clients)` of the library that is linked.
 */
size_t iotchain_clients_size(void);

/**
 * No client is known, as after a boot, and after the key server changed RSK.
 *
 * @param clients  room for it
 * @param server_secret  RSK of the join response, 32 bytes (`iotchain_join_response_server_secret`)
 * @param random  where the key of the Echo values comes from
 * @param echo_lifetime  how long an Echo value is valid, seconds; 0 for 10
 * @return 0, `IOTCHAIN_ERR_RANDOM` if the source fails
 */
iotchain_err iotchain_clients_init(struct iotchain_clients *clients,
                                   const uint8_t *server_secret,
                                   const struct iotchain_rng *random,
                                   uint32_t echo_lifetime);

/**
 * Refuses a sender id from then on, because the key server retired it without a change of RSK.
 *
 * @param sid  2 or 3 bytes
 * @return 0, `IOTCHAIN_ERR_KID` for another length, `IOTCHAIN_ERR_CAPACITY` above `IOTCHAIN_CLIENTS_RETIRED`: have the key server
 *   change RSK by joining again, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_clients_retire(struct iotchain_clients *clients,
                                     const uint8_t *sid,
                                     size_t sid_len);

/**
 * The Echo value to challenge a client with, in a 4.01 after `IOTCHAIN_ERR_ECHO`. Nothing is kept of it.
 *
 * @param endpoint  whom the request came from, as in `iotchain_request`
 * @param uptime  seconds since boot
 * @param echo  room for `IOTCHAIN_ECHO` bytes
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_clients_challenge(const struct iotchain_clients *clients,
                                        const uint8_t *endpoint,
                                        size_t endpoint_len,
                                        uint32_t uptime,
                                        uint8_t *echo);

/**
 * Opens the object in a request of one client, each once. Carry the request out, then answer with `iotchain_reply_seal`; a
 * retransmission of the request gets the same bytes again.
 *
 * @param resource  the resource at this server
 * @param clients  who is known so far
 * @param request  how it came
 * @param object  the payload
 * @param out  room for the plaintext, which is shorter than the object. The object may lie in it: up to `IOTCHAIN_ERR_AEAD` it is
 *   left alone then, after that it is gone
 * @param out_len  length of the plaintext
 * @param opened  what is known of the object, or null
 * @param reply  room for the right to answer
 * @return 0; `IOTCHAIN_ERR_ECHO`: challenge the client; `IOTCHAIN_ERR_SESSION`, `IOTCHAIN_ERR_SESSION_EXPIRED`,
 *   `IOTCHAIN_ERR_SIGNER` for a sender that is retired or no client, `IOTCHAIN_ERR_REPLAY`, `IOTCHAIN_ERR_CAPACITY` while
 *   `IOTCHAIN_CLIENTS` others have just sent requests, `IOTCHAIN_ERR_FORGERY_LIMIT`, `IOTCHAIN_ERR_AEAD`,
 *   `IOTCHAIN_ERR_FORBIDDEN` if the client has not the right to the method, `IOTCHAIN_ERR_MODE` for a code that is no such method,
 *   `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`, and the errors of format 1 to 27. No plaintext is in `out` then, and, but for
 *   `IOTCHAIN_ERR_FORBIDDEN`, the request may come again
 */
iotchain_err iotchain_member_open_request(struct iotchain_member *member,
                                          const struct iotchain_resource *resource,
                                          struct iotchain_clients *clients,
                                          const struct iotchain_request *request,
                                          const uint8_t *object,
                                          size_t object_len,
                                          uint8_t *out,
                                          size_t out_cap,
                                          size_t *out_len,
                                          struct iotchain_opened *opened,
                                          struct iotchain_reply *reply);

/**
 * Forgets all clients, with RSK. Zeroed storage is left alone.
 */
void iotchain_clients_wipe(struct iotchain_clients *clients);

/**
 * `sizeof (struct iotchain_commands)` of the library that is linked.
 */
size_t iotchain_commands_size(void);

/**
 * Empty memory after a boot.
 *
 * @param commands  room for it
 * @param booted  Unix time of the boot: only commands that were signed later are accepted, because others may have been carried
 *   out before. Add the skew that is tolerated if a command must under no circumstances be carried out twice
 * @return 0
 */
iotchain_err iotchain_commands_init(struct iotchain_commands *commands,
                                    uint64_t booted);

/**
 * Opens a signed command of a client for a resource of this server, each once.
 *
 * @param resource  the resource at this server
 * @param commands  what was carried out
 * @param now  Unix time
 * @param object  the payload
 * @param out  room for the plaintext, which is shorter than the object. The object may lie in it: up to `IOTCHAIN_ERR_AEAD` it is
 *   left alone then, after that it is gone
 * @param out_len  length of the plaintext
 * @param opened  what is known of the object, or null
 * @return 0; `IOTCHAIN_ERR_SIG_REQUIRED` for an unsigned object, `IOTCHAIN_ERR_HEADER` for one that never ends,
 *   `IOTCHAIN_ERR_SESSION_EXPIRED`, `IOTCHAIN_ERR_SIGNER` for an unknown client, `IOTCHAIN_ERR_STALE`, `IOTCHAIN_ERR_REPLAY`,
 *   `IOTCHAIN_ERR_CAPACITY` while all places are taken, `IOTCHAIN_ERR_AEAD`, `IOTCHAIN_ERR_SIG`, `IOTCHAIN_ERR_FORBIDDEN` if the
 *   client may neither POST nor PUT, `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`, and the errors of format 1 to 27. No plaintext
 *   is in `out` then, and `commands` is as before
 */
iotchain_err iotchain_member_open_command(struct iotchain_member *member,
                                          const struct iotchain_resource *resource,
                                          struct iotchain_commands *commands,
                                          uint64_t now,
                                          const uint8_t *object,
                                          size_t object_len,
                                          uint8_t *out,
                                          size_t out_cap,
                                          size_t *out_len,
                                          struct iotchain_opened *opened);

/**
 * Ends the memory of commands. Zeroed storage is left alone.
 */
void iotchain_commands_wipe(struct iotchain_commands *commands);

/**
 * Writes the compact form of an object, which is never longer.
 *
 * @param aead  algorithm of the group, `IOTCHAIN_AES_CCM_16_64_128` or `IOTCHAIN_AES_CCM_16_128_128`
 * @param object  it is not opened; apart from `out`
 * @return 0, `IOTCHAIN_ERR_ALG` for another algorithm, `IOTCHAIN_ERR_TYPE` for what the compact form cannot express (times of 2^32
 *   and above), the errors of format 1 to 20, `IOTCHAIN_ERR_BUFFER`, `IOTCHAIN_ERR_NULL_ARGUMENT` for an object in `out`
 */
iotchain_err iotchain_object_compact(int32_t aead,
                                     const uint8_t *object,
                                     size_t object_len,
                                     uint8_t *out,
                                     size_t out_cap,
                                     size_t *out_len);

/**
 * Writes the object that a compact form stands for.
 *
 * @param aead  algorithm of the group
 * @param form  the compact form; apart from `out`
 * @return 0, `IOTCHAIN_ERR_ALG`, `IOTCHAIN_ERR_TRUNCATED` if it ends inside a field, `IOTCHAIN_ERR_VERSION` for the reserved bit,
 *   `IOTCHAIN_ERR_HEADER` for fields that do not go together, `IOTCHAIN_ERR_BUFFER`, `IOTCHAIN_ERR_NULL_ARGUMENT` for a form in `out`
 */
iotchain_err iotchain_object_expand(int32_t aead,
                                    const uint8_t *form,
                                    size_t form_len,
                                    uint8_t *out,
                                    size_t out_cap,
                                    size_t *out_len);

/**
 * Validates a signed CWT: its issuer, its signature, its client, resource server, times and rights. That the client holds
 * `grant->key` is proven elsewhere.
 *
 * @param cwt  the token
 * @param query  who asks for what
 * @param issuer  whom to believe; with several, try one after the other
 * @param limits  null for those of the specification
 * @param now  Unix seconds
 * @return 0; for its form `IOTCHAIN_ERR_TRUNCATED` to `IOTCHAIN_ERR_ITEM`, `IOTCHAIN_ERR_CWT_TYPE`, `IOTCHAIN_ERR_HEADER`,
 *   `IOTCHAIN_ERR_CRIT`, `IOTCHAIN_ERR_ALG`; `IOTCHAIN_ERR_ISSUER`, `IOTCHAIN_ERR_CWT_KEY`, `IOTCHAIN_ERR_SIG`;
 *   `IOTCHAIN_ERR_CTI`, `IOTCHAIN_ERR_CNF`, `IOTCHAIN_ERR_SUBJECT`, `IOTCHAIN_ERR_AUDIENCE`, `IOTCHAIN_ERR_CLAIMS`,
 *   `IOTCHAIN_ERR_TTL_RANGE`, `IOTCHAIN_ERR_EXPIRED`, `IOTCHAIN_ERR_NOT_YET`, `IOTCHAIN_ERR_IAT`, `IOTCHAIN_ERR_SCOPE`
 */
iotchain_err iotchain_cwt_verify(const uint8_t *cwt,
                                 size_t cwt_len,
                                 const struct iotchain_query *query,
                                 const struct iotchain_cwt_issuer *issuer,
                                 const struct iotchain_token_limits *limits,
                                 uint64_t now,
                                 struct iotchain_cwt_grant *grant);

/**
 * A short English description of a result, e.g. for a log; "unknown error" for a number that this version does not
 * know. The text is static: it needs no `free` and may be kept.
 */
const char *iotchain_strerror(int32_t err);

/**
 * `sizeof (struct iotchain_event)` of the library that is linked.
 */
size_t iotchain_event_size(void);

/**
 * Begins an event for `member`, which may go on receiving other broadcasts meanwhile.
 *
 * @param event  room for the stream
 * @param epoch  the epoch that the event is of; 0 for the one in use. If `iotchain_event_finish` says `IOTCHAIN_ERR_EPOCH` and the
 *   next epoch is prepared, take the event in again for that
 * @return 0, `IOTCHAIN_ERR_EPOCH` for an epoch that is not held, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_event_start(struct iotchain_event *event,
                                  const struct iotchain_member *member,
                                  uint32_t epoch);

/**
 * Takes the next bytes, in order and without gaps, in pieces of any size.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`, or what is wrong with the envelope: the rest need not be fetched
 */
iotchain_err iotchain_event_push(struct iotchain_event *event,
                                 const uint8_t *piece,
                                 size_t piece_len);

/**
 * Ends an event: verifies it and hands it to the member that it was started for. The stream is wiped, whatever the result.
 *
 * @param now  Unix time; 0 if it is not known
 * @param received  what it was
 * @return 0, `IOTCHAIN_ERR_NEED_EVENT` if a later event came meanwhile: fetch this one again, `IOTCHAIN_ERR_GROUP` for another member,
 *   otherwise as `iotchain_member_receive`
 */
iotchain_err iotchain_event_finish(struct iotchain_event *event,
                                   struct iotchain_member *member,
                                   uint64_t now,
                                   struct iotchain_received *received);

/**
 * Gives an event up. Zeroed storage is left alone.
 */
void iotchain_event_wipe(struct iotchain_event *event);

/**
 * `sizeof (struct iotchain_exchange)` of the library that is linked.
 */
size_t iotchain_exchange_size(void);

/**
 * For a request whose Token the CoAP stack has chosen. It must be unpredictable: a GET is not authenticated, so whoever guesses
 * a Token can fetch a response in advance and play it later.
 *
 * @param exchange  room for it
 * @param token  4 to 8 bytes
 * @return 0, `IOTCHAIN_ERR_BINDING` for another length
 */
iotchain_err iotchain_exchange_init(struct iotchain_exchange *exchange,
                                    const uint8_t *token,
                                    size_t token_len);

/**
 * For a request to come, with a fresh Token of 8 bytes.
 *
 * @param exchange  room for it
 * @param random  where the Token comes from
 * @param token  room for the 8 bytes to send
 * @return 0, `IOTCHAIN_ERR_RANDOM` if the source fails
 */
iotchain_err iotchain_exchange_begin(struct iotchain_exchange *exchange,
                                     const struct iotchain_rng *random,
                                     uint8_t *token);

/**
 * Ends an exchange. Zeroed storage is left alone.
 */
void iotchain_exchange_wipe(struct iotchain_exchange *exchange);

/**
 * Writes a token transfer request, the body of `POST /authz-info` with Content-Format 19: names the token and asks for a challenge.
 *
 * @param token  the token, or the resource server itself
 * @param out  room for at most `IOTCHAIN_TRANSFER_REQUEST_MAX` bytes
 * @return 0, `IOTCHAIN_ERR_BUFFER`
 */
iotchain_err iotchain_transfer_request_encode(const struct iotchain_token_ref *token,
                                              uint8_t *out,
                                              size_t out_cap,
                                              size_t *out_len);

/**
 * Reads the answer to a token transfer request.
 *
 * @param message  the payload of a 2.01
 * @return 0; `IOTCHAIN_ERR_CHALLENGE`, `IOTCHAIN_ERR_TYPE`, `IOTCHAIN_ERR_ALG` and the errors 1 to 11 for what is none
 */
iotchain_err iotchain_transfer_response_parse(const uint8_t *message,
                                              size_t message_len,
                                              struct iotchain_transfer_response *response);

/**
 * Writes a join request, the body of `POST /ace-group/GNAME` with Content-Format 261.
 *
 * @param input  what the proof was made over
 * @param proof  65 bytes of a client, 64 of a resource server
 * @param key  the signing key of a resource server; NULL for a client, whose address the proof tells
 * @param out  room for at most `IOTCHAIN_JOIN_REQUEST_MAX` bytes
 * @return 0; `IOTCHAIN_ERR_POP_FORMAT` for a proof of another length, `IOTCHAIN_ERR_TYPE` unless the nonce has 8 to 32 bytes,
 *   `IOTCHAIN_ERR_SCOPE` for what is no name of a group, `IOTCHAIN_ERR_BUFFER`
 */
iotchain_err iotchain_join_request_encode(const struct iotchain_pop_input *input,
                                          const uint8_t *proof,
                                          size_t proof_len,
                                          const struct iotchain_public_key *key,
                                          uint8_t *out,
                                          size_t out_cap,
                                          size_t *out_len);

/**
 * Reads the payload of a refusal, Content-Format 257. After `IOTCHAIN_ERR_CHALLENGE`, `_CHALLENGE_EXPIRED` or `_CHALLENGE_REPLAY` begin
 * again with a token transfer request; after `IOTCHAIN_ERR_UNCONFIRMED` wait for Max-Age.
 *
 * @return 0; `IOTCHAIN_ERR_TYPE` and the errors 1 to 11 for what is none
 */
iotchain_err iotchain_problem_parse(const uint8_t *message,
                                    size_t message_len,
                                    struct iotchain_problem *problem);

/**
 * Reads the current session from the answer to `GET /ace-group/GNAME/num`. A session later than `iotchain_status::newest` says that
 * broadcasts were lost: fetch them from `/bc` and `/bn`.
 *
 * @return 0; `IOTCHAIN_ERR_TYPE` and the errors 1 to 11 for what is no session
 */
iotchain_err iotchain_num_parse(const uint8_t *message,
                                size_t message_len,
                                uint32_t *session);

/**
 * `sizeof (struct iotchain_join_response)` of the library that is linked.
 */
size_t iotchain_join_response_size(void);

/**
 * Reads a join response, or the answer to `GET /ace-group/GNAME/nodes/NAME`, and verifies that the key server holds its key and
 * answered this request.
 *
 * @param response  room for the response
 * @param message  the payload of a success, at most 8192 bytes
 * @param cnonce  N_C of the join request
 * @param key_server  thumbprint of the key server's key, 32 bytes, from `iotchain_transfer_response` or pinned before
 * @return 0; `IOTCHAIN_ERR_KID` for another key server, `IOTCHAIN_ERR_SIG` if its proof is not over these nonces; `IOTCHAIN_ERR_TYPE`,
 *   `_SCHEME`, `_ALG`, `_GROUP`, `_EPOCH`, `_HEADER`, `_SIZE` and the errors 1 to 11 for what is no join response
 */
iotchain_err iotchain_join_response_verify(struct iotchain_join_response *response,
                                           const uint8_t *message,
                                           size_t message_len,
                                           const uint8_t *cnonce,
                                           size_t cnonce_len,
                                           const uint8_t *key_server);

/**
 * What the response says beside keys and senders.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_join_response_info(const struct iotchain_join_response *response,
                                         struct iotchain_join_info *info);

/**
 * A broadcast that came along, for `iotchain_member_receive`: event first, then beacon.
 *
 * @param index  from 0 to below `iotchain_join_info::broadcasts`
 * @param broadcast  set to its place inside the message
 * @param broadcast_len  set to its length
 * @return 0, `IOTCHAIN_ERR_TYPE` if there is none of this index, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_join_response_broadcast(const struct iotchain_join_response *response,
                                              size_t index,
                                              const uint8_t **broadcast,
                                              size_t *broadcast_len);

/**
 * An access key of a client, AK, for pairwise requests to one resource server.
 *
 * @param index  from 0 to below `iotchain_join_info::access_keys`
 * @param rs  room for the address of the resource server, 20 bytes
 * @param key  room for 32 bytes; wipe them after use
 * @return 0, `IOTCHAIN_ERR_TYPE` if there is none of this index, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_join_response_access_key(const struct iotchain_join_response *response,
                                               size_t index,
                                               uint8_t *rs,
                                               uint8_t *key);

/**
 * The secret of a resource server, RSK, from which it derives the access keys of its clients.
 *
 * @param secret  room for 32 bytes; wipe them after use
 * @return 0, `IOTCHAIN_ERR_TYPE` for a client, which has none, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_join_response_server_secret(const struct iotchain_join_response *response,
                                                  uint8_t *secret);

/**
 * Ends a response, so that its message is free. Zeroed storage is left alone.
 */
void iotchain_join_response_wipe(struct iotchain_join_response *response);

/**
 * Finds an access key in the answer to `GET /ace-group/GNAME/ak?rs=HEX40`, by which a member asks for one more resource server.
 *
 * @param rs  address of the resource server, 20 bytes
 * @param key  room for 32 bytes; wipe them after use
 * @return 0; `IOTCHAIN_ERR_AUDIENCE` if the key is for another resource server, `IOTCHAIN_ERR_TYPE` and the errors 1 to 11 for
 *   another message
 */
iotchain_err iotchain_access_response_key(const uint8_t *message,
                                          size_t message_len,
                                          const uint8_t *rs,
                                          uint8_t *key);

/**
 * `sizeof (struct iotchain_member)` of the library that is linked.
 */
size_t iotchain_member_size(void);

/**
 * Makes a member of what a verified join response grants. Then hand it the broadcasts that came along
 * (`iotchain_join_response_broadcast`, `iotchain_member_receive`), and, if the response has the personal key of the next epoch,
 * call `iotchain_member_renew` with the same response.
 *
 * @param member  room for the member; wipe one that is there before
 * @param response  as it was verified
 * @param storage  room for the personal key, `iotchain_join_info::personal_key_len` bytes. It belongs to the member until that is
 *   wiped, or until its epoch is retired; it is wiped then, and also if this call fails
 * @param max_event  longest event that is accepted, in bytes; 0 for 4096
 * @return 0, `IOTCHAIN_ERR_BUFFER` if the storage is too small, `IOTCHAIN_ERR_CAPACITY` for more than `IOTCHAIN_MEMBER_SENDERS`
 *   senders or for storage inside the message, which is left alone, `IOTCHAIN_ERR_SCHEME` for a group of another scheme than rsd, or what is wrong with the personal key
 */
iotchain_err iotchain_member_join(struct iotchain_member *member,
                                  const struct iotchain_join_response *response,
                                  uint8_t *storage,
                                  size_t storage_cap,
                                  size_t max_event);

/**
 * Takes over what the key server answered when this member asked for its material again, `GET /ace-group/GNAME/nodes/NAME`: the
 * senders of the group, and the personal key of the next epoch, which may have opened in the meantime. A previous epoch that is
 * still held makes room for it.
 *
 * @param storage  room for the longer of the two personal keys in the response, not that of a current epoch; it stays untouched
 *   if there is no key to take. Two stores taken in turn are enough: that of a previous epoch may be given
 * @param prepared  set to 1 if the next epoch is prepared then, else to 0
 * @return 0; `IOTCHAIN_ERR_GROUP`, `_KID`, `_EPOCH` or `_TYPE` if the response is about another membership or comes more than an
 *   epoch late: join again then; `IOTCHAIN_ERR_CAPACITY` for too many senders, or if the storage is in use;
 *   `IOTCHAIN_ERR_BUFFER` if the storage is too small; `IOTCHAIN_ERR_EQUIVOCATION` for a second key of the next epoch
 */
iotchain_err iotchain_member_renew(struct iotchain_member *member,
                                   const struct iotchain_join_response *response,
                                   uint8_t *storage,
                                   size_t storage_cap,
                                   int32_t *prepared);

/**
 * Drops the previous epoch with its keys and wipes the storage of its personal key, once no stored object of it is read any more.
 * Nothing happens if there is none.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_member_retire(struct iotchain_member *member);

/**
 * Takes a broadcast in, an event or a beacon, from wherever it came. On failure the member is as before.
 *
 * @param message  an event, which is signed, or a beacon
 * @param now  Unix time; 0 if it is not known, which gives up the check that the session has begun
 * @param received  what it was
 * @return 0; `IOTCHAIN_ERR_NEED_EVENT` for a beacon whose event is missing: fetch that (`iotchain_beacon_session`), take it in,
 *   then the beacon again; `IOTCHAIN_ERR_BCAST_OLD` for an old one, which is no harm; `IOTCHAIN_ERR_REVOKED_MEMBER` if the key
 *   server excluded this member; `IOTCHAIN_ERR_EPOCH` for an epoch whose personal key is missing: renew;
 *   `IOTCHAIN_ERR_SIG`, `_BEACON`, `_KID`, `_GROUP`, `_NOT_YET` and the errors 1 to 11 for what is not to be believed
 */
iotchain_err iotchain_member_receive(struct iotchain_member *member,
                                     const uint8_t *message,
                                     size_t message_len,
                                     uint64_t now,
                                     struct iotchain_received *received);

/**
 * Takes over the position that the key server told over DTLS, or that was persisted before a boot: broadcasts and keys of before
 * are old from then on.
 *
 * @return 0; `IOTCHAIN_ERR_EPOCH` for another epoch than those held, `IOTCHAIN_ERR_SESSION_RANGE` beyond the personal key,
 *   `IOTCHAIN_ERR_TYPE` for an event without a session or the reverse, `IOTCHAIN_ERR_EQUIVOCATION` for a mark that cannot be true
 */
iotchain_err iotchain_member_announce(struct iotchain_member *member,
                                      const struct iotchain_mark *mark);

/**
 * Learns the key of another sender, or its new key, beside those that the join response named.
 *
 * @param sid  its sender id, 2 or 3 bytes
 * @param subject  its address, 20 bytes
 * @return 0; `IOTCHAIN_ERR_CAPACITY` if `IOTCHAIN_MEMBER_SENDERS` others are known, `IOTCHAIN_ERR_KID` for an id of another length,
 *   `IOTCHAIN_ERR_ALG` for a key of another algorithm
 */
iotchain_err iotchain_member_learn(struct iotchain_member *member,
                                   const uint8_t *sid,
                                   size_t sid_len,
                                   const uint8_t *subject,
                                   const struct iotchain_public_key *key);

/**
 * Forgets a sender whose id was retired: nothing that it signed is accepted any more.
 *
 * @param sid  its sender id, 2 or 3 bytes
 * @return 0, also if it was not known; `IOTCHAIN_ERR_KID` for an id of another length
 */
iotchain_err iotchain_member_forget(struct iotchain_member *member,
                                    const uint8_t *sid,
                                    size_t sid_len);

/**
 * Ends a member: nothing stays of it, nor of its personal keys in their storage. Zeroed storage is left alone.
 */
void iotchain_member_wipe(struct iotchain_member *member);

/**
 * Opens the object in a response to a GET, with no CoAP proxy in between.
 *
 * @param resource  what was asked for
 * @param code  of the response, e.g. 69 for 2.05
 * @param exchange  of the request; it remembers the response, so that no second one counts unless it is newer
 * @param stored  what was accepted of the resource, if an object that was signed earlier will do; null to demand an answer that was
 *   made for this request
 * @param now  Unix time
 * @param object  the payload
 * @param out  room for the plaintext, which is shorter than the object. The object may lie in it: up to `IOTCHAIN_ERR_AEAD` it is
 *   left alone then, after that it is gone
 * @param out_len  length of the plaintext
 * @param opened  what is known of the object, or null
 * @return 0; `IOTCHAIN_ERR_MODE` for a signed object without `stored`, `IOTCHAIN_ERR_SESSION` if a broadcast was missed,
 *   `IOTCHAIN_ERR_SESSION_EXPIRED`, `IOTCHAIN_ERR_SIGNER` for an unknown sender, `IOTCHAIN_ERR_FORGERY_LIMIT`, `IOTCHAIN_ERR_AEAD`,
 *   `IOTCHAIN_ERR_REPLAY`, those of `iotchain_member_open_stored` for a signed one, `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`,
 *   and the errors of format 1 to 27. No plaintext is in `out` then
 */
iotchain_err iotchain_member_open_response(struct iotchain_member *member,
                                           const struct iotchain_resource *resource,
                                           uint8_t code,
                                           struct iotchain_exchange *exchange,
                                           struct iotchain_stored *stored,
                                           uint64_t now,
                                           const uint8_t *object,
                                           size_t object_len,
                                           uint8_t *out,
                                           size_t out_cap,
                                           size_t *out_len,
                                           struct iotchain_opened *opened);

/**
 * Opens a signed object that lay at a proxy or in a cache.
 *
 * @param resource  the resource at its server, not at the proxy
 * @param stored  what was accepted of it; export it to flash afterwards
 * @param now  Unix time
 * @param object  the payload
 * @param out  room for the plaintext, which is shorter than the object. The object may lie in it: up to `IOTCHAIN_ERR_AEAD` it is
 *   left alone then, after that it is gone
 * @param out_len  length of the plaintext
 * @param opened  what is known of the object, or null
 * @return 0; `IOTCHAIN_ERR_SIG_REQUIRED` for an unsigned object, `IOTCHAIN_ERR_SESSION` if a broadcast was missed,
 *   `IOTCHAIN_ERR_SIGNER` unless its sender is the server of the resource, `IOTCHAIN_ERR_STALE`, `IOTCHAIN_ERR_ROLLBACK` for an
 *   object older than the one accepted, `IOTCHAIN_ERR_EQUIVOCATION` if the sender signed two objects where one is allowed (see
 *   `iotchain_proxy_contradiction`), `IOTCHAIN_ERR_AEAD`, `IOTCHAIN_ERR_SIG`, `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`, and
 *   the errors of format 1 to 27. No plaintext is in `out` then, and `stored` is as before
 */
iotchain_err iotchain_member_open_stored(struct iotchain_member *member,
                                         const struct iotchain_resource *resource,
                                         struct iotchain_stored *stored,
                                         uint64_t now,
                                         const uint8_t *object,
                                         size_t object_len,
                                         uint8_t *out,
                                         size_t out_cap,
                                         size_t *out_len,
                                         struct iotchain_opened *opened);

/**
 * `sizeof (struct iotchain_pair_request)` of the library that is linked.
 */
size_t iotchain_pair_request_size(void);

/**
 * From the object as it was sent, e.g. after a sleep.
 *
 * @param request  room for it
 * @param member  who sent it
 * @param object  the payload of the request
 * @return 0, `IOTCHAIN_ERR_NOT_READY`, the errors of format 1 to 27 for what is no request of the group
 */
iotchain_err iotchain_pair_request_parse(struct iotchain_pair_request *request,
                                         const struct iotchain_member *member,
                                         const uint8_t *object,
                                         size_t object_len);

/**
 * Which request it is.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_pair_request_origin(const struct iotchain_pair_request *request,
                                          struct iotchain_origin *origin);

/**
 * Opens the object in the response to a request of this client.
 *
 * @param resource  what was asked for
 * @param code  of the response, e.g. 68 for 2.04
 * @param request  what was sent
 * @param access_key  the access key at the resource server, 32 bytes
 * @param now  Unix time
 * @param object  the payload
 * @param out  room for the plaintext, which is shorter than the object. The object may lie in it: up to `IOTCHAIN_ERR_AEAD` it is
 *   left alone then, after that it is gone
 * @param out_len  length of the plaintext
 * @param opened  what is known of the object, or null
 * @return 0; `IOTCHAIN_ERR_GROUP`, `IOTCHAIN_ERR_SESSION` or `IOTCHAIN_ERR_SESSION_EXPIRED` if the session of the request is no
 *   longer open, `IOTCHAIN_ERR_FORGERY_LIMIT`, `IOTCHAIN_ERR_AEAD`, `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`, and the errors of
 *   format 1 to 20. No plaintext is in `out` then, and a later response may still be opened
 */
iotchain_err iotchain_member_open_reply(struct iotchain_member *member,
                                        const struct iotchain_resource *resource,
                                        uint8_t code,
                                        const struct iotchain_pair_request *request,
                                        const uint8_t *access_key,
                                        uint64_t now,
                                        const uint8_t *object,
                                        size_t object_len,
                                        uint8_t *out,
                                        size_t out_cap,
                                        size_t *out_len,
                                        struct iotchain_opened *opened);

/**
 * Ends a request. Zeroed storage is left alone.
 */
void iotchain_pair_request_wipe(struct iotchain_pair_request *request);

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
 * @param signer  the key of the client's account, `IOTCHAIN_ES256K`
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
 * `sizeof (struct iotchain_proof)` of the library that is linked.
 */
size_t iotchain_proof_size(void);

/**
 * Starts a proof that a token stands in the state after `block`.
 *
 * @param proof  room for the proof
 * @param block  a trusted block; the proof keeps a copy
 * @param place  where the token is; the proof keeps a copy
 * @return 0, `IOTCHAIN_ERR_NOT_READY` for the block, `IOTCHAIN_ERR_ISSUER` if the state is empty
 */
iotchain_err iotchain_proof_start(struct iotchain_proof *proof,
                                  const struct iotchain_block *block,
                                  const struct iotchain_token_place *place);

/**
 * Takes the next node of the answer to `eth_getProof` (EIP-1186): those of the account, of the slot of the token and of the slot of
 * the resource, each from the root down.
 *
 * @param node  at most 532 bytes in a real trie; nothing of it is kept
 * @return 0; `IOTCHAIN_ERR_PROOF` if it does not lead on, which changes nothing: try the right one; `IOTCHAIN_ERR_ISSUER` if there is
 *   no such contract, or one with other code; `IOTCHAIN_ERR_TRAILING` if the proof is complete; `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_proof_push(struct iotchain_proof *proof,
                                 const uint8_t *node,
                                 size_t node_len);

/**
 * The words that were proven, for decisions of your own.
 *
 * @param word  the token word, 32 bytes; zeros if there never was a token
 * @param resource  the word of the resource, 32 bytes; zeros if there is none
 * @return 0, `IOTCHAIN_ERR_TRUNCATED` if nodes are missing, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_proof_words(const struct iotchain_proof *proof,
                                  uint8_t *word,
                                  uint8_t *resource);

/**
 * Validates the proven token for what is asked: steps 1 to 8 of the specification, 5.3, with the block as head. The owner's
 * contract is the one of the proof.
 *
 * @param query  who asks for what, of the token that was proven
 * @param limits  null for those of the specification
 * @param classes  the access classes that the owner defined
 * @param class_count  their number
 * @param now  Unix seconds
 * @return 0; `IOTCHAIN_ERR_TRUNCATED` if nodes are missing; `IOTCHAIN_ERR_ISSUER`, `IOTCHAIN_ERR_SUBJECT` or
 *   `IOTCHAIN_ERR_AUDIENCE` if another token was proven; `IOTCHAIN_ERR_LEDGER_STALE` for an old block;
 *   `IOTCHAIN_ERR_TOKEN_ABSENT`, `IOTCHAIN_ERR_TOKEN_REVOKED`, `IOTCHAIN_ERR_UNCONFIRMED`, `IOTCHAIN_ERR_CLAIMS`,
 *   `IOTCHAIN_ERR_TTL_RANGE`, `IOTCHAIN_ERR_EXPIRED`, `IOTCHAIN_ERR_NOT_YET`, `IOTCHAIN_ERR_SCOPE`; `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_proof_validate(const struct iotchain_proof *proof,
                                     const struct iotchain_query *query,
                                     const struct iotchain_token_limits *limits,
                                     const uint16_t *classes,
                                     size_t class_count,
                                     uint64_t now,
                                     struct iotchain_grant *grant);

/**
 * Ends a proof: nothing of it stays in the storage. Zeroed storage is left alone.
 */
void iotchain_proof_wipe(struct iotchain_proof *proof);

/**
 * `sizeof (struct iotchain_proxy)` of the library that is linked.
 */
size_t iotchain_proxy_size(void);

/**
 * Sets the check of a group up. No sender is known yet.
 *
 * @param proxy  room for it
 * @param group  what it has in common
 * @param policy  what is tolerated; `max_age` is not looked at. Null for 2048 bytes and 60 seconds
 * @return 0, `IOTCHAIN_ERR_ALG` for other algorithms, `IOTCHAIN_ERR_KID` for another length of sender ids, `IOTCHAIN_ERR_SIZE` for
 *   a longest object above 65535 bytes
 */
iotchain_err iotchain_proxy_init(struct iotchain_proxy *proxy,
                                 const struct iotchain_proxy_group *group,
                                 const struct iotchain_policy *policy);

/**
 * Learns a sender of the group, or its new key.
 *
 * @param sid  sender id, of the length of the group
 * @param subject  address of the resource server, or of the client, 20 bytes
 * @param key  what it signs with
 * @return 0, `IOTCHAIN_ERR_KID` for another length, `IOTCHAIN_ERR_ALG` for a key of another algorithm than the group's,
 *   `IOTCHAIN_ERR_CAPACITY` for more than `IOTCHAIN_PROXY_SENDERS`, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_proxy_learn(struct iotchain_proxy *proxy,
                                  const uint8_t *sid,
                                  size_t sid_len,
                                  const uint8_t *subject,
                                  const struct iotchain_public_key *key);

/**
 * Forgets a sender that was retired: nothing that it signed is stored any more.
 *
 * @return 0, whether it was known or not; `IOTCHAIN_ERR_KID` for another length than 2 or 3, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_proxy_forget(struct iotchain_proxy *proxy,
                                   const uint8_t *sid,
                                   size_t sid_len);

/**
 * Checks a signed object before it replaces the one that is stored. Store and serve the bytes as they came.
 *
 * @param object  the payload
 * @param resource  the resource at its server, not at the proxy
 * @param purpose  `IOTCHAIN_REPRESENTATION` or `IOTCHAIN_COMMAND`
 * @param now  Unix time
 * @param stored_iat  time of signing of the object held so far; 0 for none
 * @param verified  what is known of it, or null
 * @return 0; `IOTCHAIN_ERR_SIG_REQUIRED` for an unsigned object, `IOTCHAIN_ERR_SIGNER` unless the sender may sign for the resource,
 *   `IOTCHAIN_ERR_STALE`, `IOTCHAIN_ERR_ROLLBACK` unless it was signed after `stored_iat`, `IOTCHAIN_ERR_SIG`, `IOTCHAIN_ERR_TYPE`
 *   for another purpose, `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`, and the errors of format 1 to 27
 */
iotchain_err iotchain_proxy_check(const struct iotchain_proxy *proxy,
                                  const uint8_t *object,
                                  size_t object_len,
                                  const struct iotchain_resource *resource,
                                  int32_t purpose,
                                  uint64_t now,
                                  uint64_t stored_iat,
                                  struct iotchain_verified *verified);

/**
 * Judges two signed objects of one resource: whoever signs two different ones under one number is caught by them. Times are not
 * looked at.
 *
 * A member that gets `IOTCHAIN_ERR_EQUIVOCATION` has such a pair if it keeps the bytes of the object that it accepted last.
 *
 * @param first, second  the two objects
 * @param resource  the resource at its server
 * @param purpose  `IOTCHAIN_REPRESENTATION` or `IOTCHAIN_COMMAND`
 * @param contradicts  1 if they contradict each other, else 0
 * @param origin  what was signed twice, or null; left alone unless they contradict each other
 * @return 0, and as `iotchain_proxy_check` up to `IOTCHAIN_ERR_SIGNER` and `IOTCHAIN_ERR_SIG`: what is not signed proves nothing
 */
iotchain_err iotchain_proxy_contradiction(const struct iotchain_proxy *proxy,
                                          const uint8_t *first,
                                          size_t first_len,
                                          const uint8_t *second,
                                          size_t second_len,
                                          const struct iotchain_resource *resource,
                                          int32_t purpose,
                                          int32_t *contradicts,
                                          struct iotchain_origin *origin);

/**
 * Ends a check. Zeroed storage is left alone.
 */
void iotchain_proxy_wipe(struct iotchain_proxy *proxy);

/**
 * `sizeof (struct iotchain_reply)` of the library that is linked.
 */
size_t iotchain_reply_size(void);

/**
 * Seals the response to a request of one client, once; Content-Format of the message is 16.
 *
 * @param reply  as `iotchain_member_open_request` gave it; afterwards it is wiped
 * @param resource  what was asked for
 * @param code  of the response, e.g. 68 for 2.04
 * @param content_format  of the plaintext, or `IOTCHAIN_NO_CONTENT_FORMAT`
 * @param bytes  the plaintext; it may lie in `out`
 * @param out  room for the object: `IOTCHAIN_REPLY_OVERHEAD` more than the plaintext is always enough
 * @param out_len  length of the object
 * @return 0; `IOTCHAIN_ERR_NOT_READY` if it is used up, `IOTCHAIN_ERR_SIZE` above 2048 bytes of object, `IOTCHAIN_ERR_BUFFER`,
 *   `IOTCHAIN_ERR_TYPE` for another Content-Format, `IOTCHAIN_ERR_PATH`. Nothing is written then, and the right is still there
 */
iotchain_err iotchain_reply_seal(struct iotchain_reply *reply,
                                 const struct iotchain_resource *resource,
                                 uint8_t code,
                                 int32_t content_format,
                                 const uint8_t *bytes,
                                 size_t bytes_len,
                                 uint8_t *out,
                                 size_t out_cap,
                                 size_t *out_len);

/**
 * Ends the right to answer. Zeroed storage is left alone.
 */
void iotchain_reply_wipe(struct iotchain_reply *reply);

/**
 * Seals the response to a GET, for all members of the group; Content-Format of the message is 16.
 *
 * A retransmission resends the same bytes: sealing again makes another object.
 *
 * @param sender  of a resource server
 * @param resource  what was asked for
 * @param code  of the response, e.g. 69 for 2.05
 * @param token  of the request, 4 to 8 bytes
 * @param content_format  of the plaintext, or `IOTCHAIN_NO_CONTENT_FORMAT`
 * @param bytes  the plaintext; it may lie in `out`
 * @param out  room for the object: `IOTCHAIN_GROUP_OVERHEAD` more than the plaintext is always enough
 * @param out_len  length of the object
 * @return 0; `IOTCHAIN_ERR_SIGNER` for the sender of a client, `IOTCHAIN_ERR_BINDING` for another length of Token,
 *   `IOTCHAIN_ERR_SESSION` before `iotchain_sender_enter`, `IOTCHAIN_ERR_SEQ_EXHAUSTED` when the numbers are used up, or those that
 *   a checkpoint in flash covers, `IOTCHAIN_ERR_SIZE` above the longest object, `IOTCHAIN_ERR_BUFFER`, `IOTCHAIN_ERR_TYPE` for
 *   another Content-Format, `IOTCHAIN_ERR_PATH`, `IOTCHAIN_ERR_NOT_READY`. Nothing is written then, and no number is used up
 */
iotchain_err iotchain_sender_seal_response(struct iotchain_sender *sender,
                                           const struct iotchain_resource *resource,
                                           uint8_t code,
                                           const uint8_t *token,
                                           size_t token_len,
                                           int32_t content_format,
                                           const uint8_t *bytes,
                                           size_t bytes_len,
                                           uint8_t *out,
                                           size_t out_cap,
                                           size_t *out_len);

/**
 * Seals an object and signs it, for whatever proxies store it: a representation if the sender is a resource server's, else a
 * command to one. Content-Format of the message is 16.
 *
 * @param sender  of a resource server, or of a client
 * @param resource  the resource at its server, not at the proxy
 * @param iat  the present, Unix time
 * @param exp  first instant at which the object is no longer valid; 0 for none, which only a representation may have
 * @param content_format  of the plaintext, or `IOTCHAIN_NO_CONTENT_FORMAT`
 * @param bytes  the plaintext; it may lie in `out`
 * @param by  who signs, with the algorithm of the group. While its function runs, `sender` is `IOTCHAIN_ERR_NOT_READY`
 * @param out  room for the object: `IOTCHAIN_SIGNED_OVERHEAD` more than the plaintext is always enough
 * @param out_len  length of the object
 * @return 0; `IOTCHAIN_ERR_ALG` for a key of another algorithm, `IOTCHAIN_ERR_TYPE` for times of 2^40 and above or another
 *   Content-Format, `IOTCHAIN_ERR_STALE` for an `exp` not after `iat`, `IOTCHAIN_ERR_ROLLBACK` for a representation not after every
 *   earlier boot or older than the last, `IOTCHAIN_ERR_HEADER` for a command without `exp`, `IOTCHAIN_ERR_FORBIDDEN` for a client
 *   that may neither POST nor PUT, and those of `iotchain_sender_seal_response` for session, numbers, lengths and path. Nothing is
 *   written then, and no number is used up. `IOTCHAIN_ERR_SIG` if the signer fails: a number is used up, and the front of `out` is
 *   wiped
 */
iotchain_err iotchain_sender_seal_signed(struct iotchain_sender *sender,
                                         const struct iotchain_resource *resource,
                                         uint64_t iat,
                                         uint64_t exp,
                                         int32_t content_format,
                                         const uint8_t *bytes,
                                         size_t bytes_len,
                                         const struct iotchain_signer *by,
                                         uint8_t *out,
                                         size_t out_cap,
                                         size_t *out_len);

/**
 * Seals the payload of a request to a resource server, which it alone can open; Content-Format of the message is 16.
 *
 * A client that is challenged (4.01 with an Echo option) seals the request again with that Echo; at most twice.
 *
 * @param sender  of a client
 * @param resource  what is asked for
 * @param method  CoAP code of the request: 2 POST, 3 PUT, 5 FETCH, 6 PATCH, 7 iPATCH
 * @param echo  the value of the Echo option that this request carries, at most 40 bytes; of length 0 without one
 * @param access_key  the access key at the resource server, 32 bytes
 * @param content_format  of the plaintext, or `IOTCHAIN_NO_CONTENT_FORMAT`
 * @param bytes  the plaintext; it may lie in `out`
 * @param out  room for the object: `IOTCHAIN_GROUP_OVERHEAD` more than the plaintext is always enough
 * @param out_len  length of the object
 * @param request  room for what opens the response
 * @return 0; `IOTCHAIN_ERR_SIGNER` for the sender of a resource server, `IOTCHAIN_ERR_FORBIDDEN` if the client has not the right to
 *   `method`, `IOTCHAIN_ERR_MODE` for another method, `IOTCHAIN_ERR_ECHO` for a longer value, and those of
 *   `iotchain_sender_seal_response` for session, numbers, lengths and path. Nothing is written then, and no number is used up
 */
iotchain_err iotchain_sender_seal_request(struct iotchain_sender *sender,
                                          const struct iotchain_resource *resource,
                                          uint8_t method,
                                          const uint8_t *echo,
                                          size_t echo_len,
                                          const uint8_t *access_key,
                                          int32_t content_format,
                                          const uint8_t *bytes,
                                          size_t bytes_len,
                                          uint8_t *out,
                                          size_t out_cap,
                                          size_t *out_len,
                                          struct iotchain_pair_request *request);

/**
 * `sizeof (struct iotchain_sender)` of the library that is linked.
 */
size_t iotchain_sender_size(void);

/**
 * Sets a sender up whose counter is kept in flash. It seals nothing before the first checkpoint is stored.
 *
 * @param sender  room for it
 * @param member  who seals
 * @param reserve  how often the counter is written
 * @param last  the newest checkpoint in flash; null, or session 0, only if none was ever written
 * @param signed_until  the latest `iat` that an earlier boot may have given to a representation: the Unix time of this boot, or 0
 *   for a sender that never signed
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_sender_init_persisted(struct iotchain_sender *sender,
                                            const struct iotchain_member *member,
                                            struct iotchain_reserve reserve,
                                            const struct iotchain_checkpoint *last,
                                            uint64_t signed_until);

/**
 * The number of this boot, for `iotchain_sender_init_counted`: write it to flash and read it back. A second sender in the same boot,
 * after another join or a deep sleep, takes another number.
 *
 * @param stored  the number in flash, 0 at the very first boot
 * @param next  the number to write
 * @return 0, `IOTCHAIN_ERR_SEQ_EXHAUSTED` after 2^32 - 1 boots
 */
iotchain_err iotchain_boot_count(uint32_t stored,
                                 uint32_t *next);

/**
 * Sets a sender up whose key ids carry the number of this boot.
 *
 * @param sender  room for it
 * @param member  who seals
 * @param written  the number of this boot, as `iotchain_boot_count` gave it. It is good for one sender: a second one with this number
 *   would repeat nonces, whether the first is wiped or not
 * @param read_back  what flash holds after it was written
 * @param signed_until  as for `iotchain_sender_init_persisted`
 * @return 0, `IOTCHAIN_ERR_KID` if the two numbers differ: flash did not take it; go on with the number after it,
 *   `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_sender_init_counted(struct iotchain_sender *sender,
                                          const struct iotchain_member *member,
                                          uint32_t written,
                                          uint32_t read_back,
                                          uint64_t signed_until);

/**
 * Sets a sender up whose key ids carry 8 random bytes.
 *
 * @param sender  room for it
 * @param member  who seals
 * @param random  where they come from; it must be seeded anew at every boot
 * @param signed_until  as for `iotchain_sender_init_persisted`
 * @return 0, `IOTCHAIN_ERR_RANDOM` if the source fails, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_sender_init_random(struct iotchain_sender *sender,
                                         const struct iotchain_member *member,
                                         const struct iotchain_rng *random,
                                         uint64_t signed_until);

/**
 * Sets a sender up with the boot salt of the join response. It is good for one sender: a second one with this salt, in this boot or
 * another, would repeat nonces.
 *
 * @param sender  room for it
 * @param member  who seals
 * @param salt  1 to 4 bytes, as `iotchain_join_info` has them
 * @param signed_until  as for `iotchain_sender_init_persisted`
 * @return 0, `IOTCHAIN_ERR_KID` for what is no boot salt, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_sender_init_assigned(struct iotchain_sender *sender,
                                           const struct iotchain_member *member,
                                           const uint8_t *salt,
                                           size_t salt_len,
                                           uint64_t signed_until);

/**
 * Brings a sender to the session that may be sealed in. Call it before sealing, whenever time has passed or a broadcast came.
 *
 * @param member  the member it was set up for
 * @param now  Unix time
 * @param session  that session, or null
 * @return 0, `IOTCHAIN_ERR_SESSION_EXPIRED` if no announced session is in force (the sender stays in its old one: seal nothing,
 *   ask the key server); `IOTCHAIN_ERR_GROUP` or `IOTCHAIN_ERR_KID` if the sender is that of another member, or the key server gave
 *   this one another sender id: set a new sender up; `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_sender_enter(struct iotchain_sender *sender,
                                   const struct iotchain_member *member,
                                   uint64_t now,
                                   uint32_t *session);

/**
 * Sets the longest object that is sealed, in bytes; 2048 unless it is set. Receivers and proxies must allow as much.
 *
 * @param max_object  at most 65535
 * @return 0, `IOTCHAIN_ERR_SIZE` above that, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_sender_set_max_object(struct iotchain_sender *sender,
                                            size_t max_object);

/**
 * The key id of this boot, and the session that is sealed in.
 *
 * @param origin  key id and session, which is 0 before the first; `piv` is 0
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_sender_origin(const struct iotchain_sender *sender,
                                    struct iotchain_origin *origin);

/**
 * What to write to flash before, or while, further objects are sealed; asked after `iotchain_sender_enter` and after sealing.
 * Only a sender of `iotchain_sender_init_persisted` ever has something.
 *
 * @param due  what to write; session 0 if there is nothing
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_sender_checkpoint_due(const struct iotchain_sender *sender,
                                            struct iotchain_checkpoint *due);

/**
 * A checkpoint, as `iotchain_sender_checkpoint_due` gave it, is in flash for good.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_sender_checkpoint_stored(struct iotchain_sender *sender,
                                               const struct iotchain_checkpoint *stored);

/**
 * Ends a sender: nothing of its keys stays in the storage. Zeroed storage is left alone.
 */
void iotchain_sender_wipe(struct iotchain_sender *sender);

/**
 * The Ethereum address of a key: by it a ledger knows the client, or the resource server, that holds the key (spec 1.1).
 *
 * @param key  a key of ES256K; its point is not checked
 * @param address  room for 20 bytes
 * @return 0, `IOTCHAIN_ERR_ALG` for a key of another algorithm
 */
iotchain_err iotchain_public_key_address(const struct iotchain_public_key *key,
                                         uint8_t *address);

/**
 * `sizeof (struct iotchain_signing_key)` of the library that is linked.
 */
size_t iotchain_signing_key_size(void);

/**
 * Sets a private key up from its 32 bytes, e.g. out of protected flash.
 *
 * @param key  room for the key
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
 * @param key  room for the key
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
 * Writes a personal key that the member holds, to be kept in protected flash: it is secret, and does not change as long as its epoch
 * lasts. A member that sleeps needs it on waking, all that it holds by then.
 *
 * @param index  0, or 1 for that of the later epoch while two are held
 * @return 0, `IOTCHAIN_ERR_TYPE` if none of this index is held, `IOTCHAIN_ERR_BUFFER`, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_member_personal_key(const struct iotchain_member *member,
                                          size_t index,
                                          uint8_t *out,
                                          size_t out_cap,
                                          size_t *out_len);

/**
 * Seals what the member is and what it learnt, for flash. Afterwards the memory may go off; a member that stays is not changed.
 *
 * @param key  16 bytes of the device's own, random and the same on every wake; nobody else knows them
 * @param random  for the nonce
 * @param out  room for at most `IOTCHAIN_MEMBER_STATE_MAX` bytes; one event held costs 100
 * @return 0, `IOTCHAIN_ERR_BUFFER`, `IOTCHAIN_ERR_RANDOM`, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_member_sleep(const struct iotchain_member *member,
                                   const uint8_t *key,
                                   const struct iotchain_rng *random,
                                   uint8_t *out,
                                   size_t out_cap,
                                   size_t *out_len);

/**
 * Makes the member that was sealed: it goes on as if it had never slept. Sender contexts begin anew (`iotchain_sender_init`), and so do
 * policy and counts of failed openings.
 *
 * @param member  room for the member; wipe one that is there before
 * @param storage  a personal key that was held, as `iotchain_member_personal_key` gave it. The storage belongs to the member from
 *   then on, as in `iotchain_member_join`; it is wiped if this call fails
 * @param other  the other personal key, in storage of its own, if two were held, in any order; otherwise NULL, with length 0
 * @param key  the key of `iotchain_member_sleep`
 * @param sealed  the sealed state; it is opened in place and wiped
 * @param oldest  a state before this mark is refused; NULL gives that up
 * @return 0; `IOTCHAIN_ERR_AEAD` for a state that is damaged, of another key or with other personal keys,
 *   `IOTCHAIN_ERR_VERSION` for one of another library, `IOTCHAIN_ERR_ROLLBACK` for one older than `oldest`: join again then;
 *   `IOTCHAIN_ERR_EPOCH` or `IOTCHAIN_ERR_GROUP` for personal keys that do not belong together; `IOTCHAIN_ERR_CAPACITY` if two of
 *   the buffers overlap, which are left alone then
 */
iotchain_err iotchain_member_wake(struct iotchain_member *member,
                                  uint8_t *storage,
                                  size_t storage_len,
                                  uint8_t *other,
                                  size_t other_len,
                                  const uint8_t *key,
                                  uint8_t *sealed,
                                  size_t sealed_len,
                                  const struct iotchain_mark *oldest);

/**
 * Tells where the member stands at `now`.
 *
 * @param now  Unix time
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_member_status(const struct iotchain_member *member,
                                    uint64_t now,
                                    struct iotchain_status *status);

/**
 * Whether a direct response or a request under the keys of `session` may be opened at `now`. The functions that open objects ask
 * this themselves.
 *
 * @return 0; `IOTCHAIN_ERR_SESSION_EXPIRED` after its end, `IOTCHAIN_ERR_NOT_ANNOUNCED` before its announcement,
 *   `IOTCHAIN_ERR_NEED_EVENT` while its times are not known
 */
iotchain_err iotchain_member_may_open(const struct iotchain_member *member,
                                      uint32_t session,
                                      uint64_t now);

/**
 * The group key K_j of a session, 16 bytes, for a use of your own. Derive your keys from it by a hash with a label of your own, so
 * that they never meet those of the objects. Sessions of which no broadcast came are healed.
 *
 * @param key  room for 16 bytes; wipe it after use
 * @return 0; `IOTCHAIN_ERR_NOT_ANNOUNCED`, `_SESSION_RANGE`, `_NEED_EVENT` or `_REVOKED_MEMBER` for a session whose key is not to be had
 */
iotchain_err iotchain_member_key(const struct iotchain_member *member,
                                 uint32_t session,
                                 uint8_t *key);

/**
 * Start and planned end of a session, Unix times; 0 for what is not known.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_member_times(const struct iotchain_member *member,
                                   uint32_t session,
                                   uint64_t *starts,
                                   uint64_t *ends);

/**
 * The newest event and session announced so far. Keep it where it cannot be set back: it goes to `iotchain_member_announce` after
 * a join, and to `iotchain_member_wake` after a sleep.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_member_mark(const struct iotchain_member *member,
                                  struct iotchain_mark *mark);

/**
 * The group id, 4 bytes.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_member_gid(const struct iotchain_member *member, uint8_t *gid);

/**
 * The own sender id, 2 or 3 bytes.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`, `IOTCHAIN_ERR_BUFFER`
 */
iotchain_err iotchain_member_sid(const struct iotchain_member *member,
                                 uint8_t *sid,
                                 size_t sid_cap,
                                 size_t *sid_len);

/**
 * Sets what is tolerated of objects from then on. It is not part of the state that survives a sleep.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`, `IOTCHAIN_ERR_SIZE` for a longest object above 65535 bytes
 */
iotchain_err iotchain_member_set_policy(struct iotchain_member *member,
                                        const struct iotchain_policy *policy);

/**
 * The session that a beacon claims to announce. Nothing of it is verified: it only says which event to ask for
 * (`GET /ace-group/GNAME/bc?j=SESSION`) after `IOTCHAIN_ERR_NEED_EVENT`.
 *
 * @return 0; `IOTCHAIN_ERR_VERSION` for another message, `IOTCHAIN_ERR_TYPE` and the errors 1 to 11 for what is no beacon
 */
iotchain_err iotchain_beacon_session(const uint8_t *message,
                                     size_t message_len,
                                     uint32_t *session);

/**
 * `sizeof (struct iotchain_stored)` of the library that is linked.
 */
size_t iotchain_stored_size(void);

/**
 * Nothing accepted so far.
 *
 * @param stored  room for it
 * @return 0
 */
iotchain_err iotchain_stored_init(struct iotchain_stored *stored);

/**
 * What was exported before.
 *
 * @param stored  room for it
 * @param member  the member that accepted the objects, or one of the same group
 * @param state  as `iotchain_stored_export` wrote it; nothing proves that it is genuine, so it belongs where only the device writes
 * @return 0, `IOTCHAIN_ERR_NOT_READY`, an error of format, `IOTCHAIN_ERR_TYPE`, `_HEADER`, `_KID` or `_PIV` for what is no state
 */
iotchain_err iotchain_stored_import(struct iotchain_stored *stored,
                                    const struct iotchain_member *member,
                                    const uint8_t *state,
                                    size_t state_len);

/**
 * Writes the state for flash.
 *
 * @param out  `IOTCHAIN_MAX_STORED` bytes are always enough
 * @return 0, `IOTCHAIN_ERR_NOT_READY`, `IOTCHAIN_ERR_BUFFER`
 */
iotchain_err iotchain_stored_export(const struct iotchain_stored *stored,
                                    uint8_t *out,
                                    size_t out_cap,
                                    size_t *out_len);

/**
 * Time of signing of the newest accepted object, Unix time; 0 if there is none.
 *
 * @return 0, `IOTCHAIN_ERR_NOT_READY`
 */
iotchain_err iotchain_stored_iat(const struct iotchain_stored *stored, uint64_t *iat);

/**
 * Ends a state in memory. Zeroed storage is left alone.
 */
void iotchain_stored_wipe(struct iotchain_stored *stored);

/**
 * Version of the interface of the library that is linked. Compare it with `IOTCHAIN_ABI_VERSION` once at start-up: a
 * difference means that header and library are of different releases.
 */
uint32_t iotchain_abi_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* IOTCHAIN_H */
