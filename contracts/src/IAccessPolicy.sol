// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.28;

/// @title The condition under which a client may give itself a token
/// @notice Paper II-C: a token is issued "when certain conditions are met". The owner picks one policy per resource server.
interface IAccessPolicy {
    /// What a client asks for. AccessToken fills it in; nothing here is chosen by the policy.
    struct Request {
        address client; // whose token it will be
        address requester; // who sent the transaction; a relay unless it equals `client`
        address res; // resource server
        bytes4 claims; // rights asked for, see Claims
        uint40 ttl; // lifetime asked for, seconds
    }

    /// The request came through a relay, and this policy does not authenticate the client by itself: a stranger could replace
    /// a token by a weaker one.
    error NotTheClient();
    /// Ether was sent to a policy that sells nothing.
    error ValueNotAccepted();
    /// A policy that keeps state was called by somebody else than its AccessToken.
    error WrongCaller();

    /// @notice Decides about `request`; reverts to refuse.
    /// @param proof whatever this policy wants to see, ABI-encoded
    /// @return claims those asked for, or fewer roles of the same class
    /// @return ttl the lifetime asked for, or less
    /// @dev AccessToken checks both answers again, so a faulty policy may say yes too often, but never gives more than was asked.
    function grant(Request calldata request, bytes calldata proof) external payable returns (bytes4 claims, uint40 ttl);
}
