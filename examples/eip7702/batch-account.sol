// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// The code of an account that delegates to it (EIP-7702): several calls in one transaction, all of them or none. It keeps no
/// storage, so nothing of it stays with the account when the delegation is revoked. For the example, not for money.
contract BatchAccount {
    struct Call {
        address to;
        uint256 value;
        bytes data;
    }

    error NotTheAccount();

    receive() external payable {}

    /// By the account itself only: in its code `this` is the account.
    function execute(Call[] calldata calls) external payable {
        if (msg.sender != address(this)) revert NotTheAccount();
        for (uint256 index = 0; index < calls.length; index++) {
            (bool done, bytes memory answer) = calls[index].to.call{value: calls[index].value}(calls[index].data);
            if (!done) {
                assembly {
                    revert(add(answer, 32), mload(answer))
                }
            }
        }
    }
}
