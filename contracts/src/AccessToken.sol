// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claims} from "./Claims.sol";
import {IAccessPolicy} from "./IAccessPolicy.sol";

/// @title The authorization contract (paper II-C, II-D, Fig. 4)
/// @notice Belongs to one resource owner and serves any number of resource servers. Holds at most one token per client and
/// resource server, in one storage word.
/// @dev The storage layout is part of the interface: verifiers prove slots with EIP-1186 (spec 5.1). Nothing is immutable and
/// nothing is linked in, so every deployment has the same code hash, which verifiers pin.
///
///   slot 0  issued[client][res]   one word per token
///   slot 1  resources[res]        one word per resource server
///   slot 2  owner, lastSerial
///   slot 3  pendingOwner
///   slot 4  authorizers[account]
contract AccessToken {
    using Claims for bytes4;

    /// One word, first field in the low bits. All zero: no token. `serial` set and `claims` zero: a tombstone, the client is
    /// barred until an authorizer deletes it.
    struct Token {
        uint40 notBefore; // bits   0..39   unix seconds, time of the issuing block
        uint40 expiresAt; // bits  40..79   unix seconds, exclusive
        bytes4 claims; //    bits  80..111  see Claims
        uint32 epoch; //     bits 112..143  epoch of the resource at issuance
        uint48 serial; //    bits 144..191  never reused, 0 = no token
        uint32 issuedAt; //  bits 192..223  number of the issuing block: a proof at the head also shows the depth
        uint32 extra; //     bits 224..255  application data
    }

    /// One word, first field in the low bits.
    struct Resource {
        IAccessPolicy policy; // bits   0..159  0 = clients cannot ask, only authorizers issue
        uint32 epoch; //         bits 160..191  a token of another epoch is revoked
        uint40 maxTtl; //        bits 192..231  longest lifetime, seconds; 0 = nothing is issued
        uint24 policyGas; //     bits 232..255  gas a policy may use
    }

    mapping(address client => mapping(address res => Token)) private issued;
    mapping(address res => Resource) private resources;
    address public owner;
    uint48 private lastSerial;
    address public pendingOwner;
    mapping(address account => bool) public authorizers;

    /// `client` holds a token for `res`; a token it held before is replaced.
    event TokenAdded(
        address indexed client, address indexed res, uint48 indexed serial, bytes4 claims, uint40 notBefore, uint40 expiresAt
    );
    /// What `client` held for `res` is gone: the token or tombstone `serial`, 0 if nothing. `blocked`: it may not ask again.
    event TokenDeleted(address indexed client, address indexed res, uint48 indexed serial, address by, bool blocked);
    event ResourceSet(address indexed res, IAccessPolicy policy, uint40 maxTtl, uint24 policyGas);
    /// Every token of `res` from an epoch before `epoch` is revoked.
    event ResourceRevoked(address indexed res, uint32 epoch, address by);
    event AuthorizerSet(address indexed account, bool allowed);
    event OwnershipTransferStarted(address indexed from, address indexed to);
    event OwnershipTransferred(address indexed from, address indexed to);

    error NotOwner();
    error NotAuthorizer();
    /// Neither the client of the token, nor an authorizer, nor the owner.
    error NotAllowed();
    /// The owner has not opened this resource server.
    error UnknownResource();
    /// Clients cannot ask for tokens of this resource server; authorizers issue them.
    error NoPolicy();
    /// The resource server's entry changed while its policy was asked.
    error ResourceChanged();
    /// Lifetime 0, above the resource's limit, above what was asked for, or past the end of 40-bit time.
    error BadTtl();
    /// Claims that are not well formed, or wider than or of another class than what was asked for.
    error BadClaims();
    error NoToken();
    /// The client is barred from this resource server.
    error Blocked();
    /// The block number does not fit the token's 32 bits; cut off, it would pass for a deep confirmation.
    error BlockNumberOutOfRange();
    error ZeroOwner();

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner();
        _;
    }

    modifier onlyAuthorizer() {
        if (!_isAuthorizer(msg.sender)) revert NotAuthorizer();
        _;
    }

    constructor(address initialOwner) {
        if (initialOwner == address(0)) revert ZeroOwner();
        owner = initialOwner;
        emit OwnershipTransferred(address(0), initialOwner);
    }

    // ------------------------------------------------------------------------------------------ the paper's interface

    /// @notice The sender asks for a token for itself (paper II-C, second phase).
    /// @param res resource server
    /// @param claims rights, see Claims
    /// @param ttl lifetime in seconds from this block
    /// @param proof what the policy of `res` wants to see
    /// @return serial of the token; one it held before is replaced
    function addToken(address res, bytes4 claims, uint40 ttl, bytes calldata proof) external payable returns (uint48 serial) {
        return _request(IAccessPolicy.Request(msg.sender, msg.sender, res, claims, ttl), proof);
    }

    /// @notice As addToken, for a client that cannot send transactions: anybody may relay what it was promised.
    /// @dev The policy must authenticate the client by `proof` alone, as AttestationPolicy does, or refuse relays.
    function addTokenFor(address client, address res, bytes4 claims, uint40 ttl, bytes calldata proof)
        external
        payable
        returns (uint48 serial)
    {
        return _request(IAccessPolicy.Request(client, msg.sender, res, claims, ttl), proof);
    }

    /// @notice Reads a token (paper Fig. 4). All zeros unless it exists, is in time and was not revoked.
    /// @return resource `res`
    /// @return ttl the end of the token, absolute, unix seconds, exclusive
    /// @return claims rights, see Claims
    function getToken(address client, address res) external view returns (address resource, uint256 ttl, bytes4 claims) {
        Token memory token = issued[client][res];
        // Where there is no token, or a tombstone, expiresAt is 0.
        bool inTime = token.notBefore <= block.timestamp && block.timestamp < token.expiresAt;
        if (!inTime || token.epoch != resources[res].epoch) return (address(0), 0, 0);
        return (res, token.expiresAt, token.claims);
    }

    /// @notice Revokes a token before its end (paper II-D1). Allowed to its client, to authorizers and to the owner.
    /// @dev A client whose policy says yes to all can simply ask again; `blockClient` prevents that, and an authorizer's
    /// deleteToken of the tombstone lifts it.
    function deleteToken(address client, address res) external {
        if (msg.sender != client && !_isAuthorizer(msg.sender)) revert NotAllowed();
        Token memory token = issued[client][res];
        if (token.serial == 0) revert NoToken();
        if (_isTombstone(token) && !_isAuthorizer(msg.sender)) revert Blocked();
        delete issued[client][res];
        emit TokenDeleted(client, res, token.serial, msg.sender, false);
    }

    // -------------------------------------------------------------------------------------------------- authorizers

    /// @notice Issues a token without asking a policy.
    /// @param extra application data, kept with the token
    function issueToken(address client, address res, bytes4 claims, uint40 ttl, uint32 extra)
        external
        onlyAuthorizer
        returns (uint48 serial)
    {
        return _issue(client, res, claims, ttl, extra);
    }

    /// @notice Revokes what `client` holds for `res` and bars it from any further token, until an authorizer calls deleteToken.
    /// @dev Leaves a tombstone in the slot, so that a proof of the slot shows the revocation itself.
    function blockClient(address client, address res) external onlyAuthorizer {
        uint48 revoked = issued[client][res].serial;
        issued[client][res] = Token({
            notBefore: 0,
            expiresAt: 0,
            claims: 0,
            epoch: resources[res].epoch,
            serial: ++lastSerial,
            issuedAt: _blockNumber(),
            extra: 0
        });
        emit TokenDeleted(client, res, revoked, msg.sender, true);
    }

    /// @notice Revokes every token of one resource server at once; barred clients stay barred.
    function revokeResource(address res) external onlyAuthorizer {
        uint32 epoch = ++resources[res].epoch;
        emit ResourceRevoked(res, epoch, msg.sender);
    }

    // -------------------------------------------------------------------------------------------------------- owner

    /// @notice Opens a resource server, or changes the terms for tokens to come. Tokens already issued keep theirs.
    /// @param policy 0: only authorizers issue
    /// @param maxTtl longest lifetime in seconds; 0 closes the resource server to further tokens
    /// @param policyGas gas for one call of the policy: bounds what a faulty policy can burn (paper III-C)
    function setResource(address res, IAccessPolicy policy, uint40 maxTtl, uint24 policyGas) external onlyOwner {
        Resource storage resource = resources[res];
        resource.policy = policy;
        resource.maxTtl = maxTtl;
        resource.policyGas = policyGas;
        emit ResourceSet(res, policy, maxTtl, policyGas);
    }

    /// @notice Names an account that may issue and revoke for every resource server here, or takes that right away.
    function setAuthorizer(address account, bool allowed) external onlyOwner {
        authorizers[account] = allowed;
        emit AuthorizerSet(account, allowed);
    }

    /// @notice Offers the contract to `to`, which must accept. Offering it to 0 withdraws an offer.
    function transferOwnership(address to) external onlyOwner {
        pendingOwner = to;
        emit OwnershipTransferStarted(msg.sender, to);
    }

    /// @notice Takes an offered contract over. Authorizers stay: the next owner should look through them.
    function acceptOwnership() external {
        if (msg.sender != pendingOwner) revert NotOwner();
        emit OwnershipTransferred(owner, msg.sender);
        owner = msg.sender;
        pendingOwner = address(0);
    }

    // -------------------------------------------------------------------------------------------------------- views

    /// @notice The stored word of a token, whether valid or not.
    function tokenOf(address client, address res) external view returns (Token memory) {
        return issued[client][res];
    }

    /// @notice The stored word of a resource server.
    function resourceOf(address res) external view returns (Resource memory) {
        return resources[res];
    }

    // ----------------------------------------------------------------------------------------------------- internal

    /// Asks the policy, holds its answer against the request, and issues. A policy is foreign code and may call back: whatever
    /// it could have changed is read after the call.
    function _request(IAccessPolicy.Request memory request, bytes calldata proof) private returns (uint48 serial) {
        Resource memory rules = resources[request.res];
        if (rules.maxTtl == 0) revert UnknownResource();
        if (address(rules.policy) == address(0)) revert NoPolicy();

        (bytes4 claims, uint40 ttl) = rules.policy.grant{value: msg.value, gas: rules.policyGas}(request, proof);
        if (!claims.narrows(request.claims)) revert BadClaims();
        if (ttl > request.ttl) revert BadTtl();

        Resource storage current = resources[request.res];
        if (address(current.policy) != address(rules.policy) || current.epoch != rules.epoch) revert ResourceChanged();
        return _issue(request.client, request.res, claims, ttl, 0);
    }

    function _issue(address client, address res, bytes4 claims, uint40 ttl, uint32 extra) private returns (uint48 serial) {
        Resource memory rules = resources[res];
        if (rules.maxTtl == 0) revert UnknownResource();
        if (!claims.isWellFormed()) revert BadClaims();
        if (ttl == 0 || ttl > rules.maxTtl || block.timestamp > type(uint40).max - ttl) revert BadTtl();
        if (_isTombstone(issued[client][res])) revert Blocked();

        serial = ++lastSerial;
        uint40 notBefore = uint40(block.timestamp);
        uint40 expiresAt = notBefore + ttl;
        issued[client][res] = Token({
            notBefore: notBefore,
            expiresAt: expiresAt,
            claims: claims,
            epoch: rules.epoch,
            serial: serial,
            issuedAt: _blockNumber(),
            extra: extra
        });
        emit TokenAdded(client, res, serial, claims, notBefore, expiresAt);
    }

    function _isAuthorizer(address account) private view returns (bool) {
        return account == owner || authorizers[account];
    }

    function _isTombstone(Token memory token) private pure returns (bool) {
        return token.serial != 0 && token.claims == 0;
    }

    function _blockNumber() private view returns (uint32) {
        if (block.number > type(uint32).max) revert BlockNumberOutOfRange();
        return uint32(block.number);
    }
}
