// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Claims} from "../Claims.sol";
import {IAccessPolicy} from "../IAccessPolicy.sol";

/// @title A client gets what is for sale, by the second
/// @notice The paper's example of a condition (III-A): "has this client paid for the access token". A token that is replaced,
/// given back or revoked is not refunded.
contract PaymentPolicy is IAccessPolicy {
    using Claims for bytes4;

    /// What is for sale: the roles of one class.
    bytes4 public immutable offer;
    uint256 public immutable weiPerSecond;
    address payable public immutable payee;

    error WrongPrice(uint256 price);
    error WithdrawalFailed();
    error ZeroPayee();

    constructor(bytes4 offer_, uint256 weiPerSecond_, address payable payee_) {
        if (payee_ == address(0)) revert ZeroPayee();
        offer = offer_;
        weiPerSecond = weiPerSecond_;
        payee = payee_;
    }

    /// The exact price must come with the call: there is no change, and nothing is kept by mistake.
    function grant(Request calldata request, bytes calldata) external payable returns (bytes4 claims, uint40 ttl) {
        if (request.requester != request.client) revert NotTheClient();
        uint256 price = weiPerSecond * request.ttl;
        if (msg.value != price) revert WrongPrice(price);
        return (request.claims.within(offer), request.ttl);
    }

    /// @notice Sends what was earned to the payee. Anybody may call.
    function withdraw() external {
        (bool sent,) = payee.call{value: address(this).balance}("");
        if (!sent) revert WithdrawalFailed();
    }
}
