// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

/// Holds ETH that only its owner can move. For the example, not for money.
contract Vault {
    event Withdrawn(address indexed to, uint256 value);

    error NotTheOwner();
    error PaymentFailed();

    address public immutable owner;
    string public purpose;

    constructor(string memory purpose_) payable {
        owner = msg.sender;
        purpose = purpose_;
    }

    receive() external payable {}

    function withdraw(address payable to, uint256 value) external {
        if (msg.sender != owner) revert NotTheOwner();
        (bool paid, ) = to.call{value: value}("");
        if (!paid) revert PaymentFailed();
        emit Withdrawn(to, value);
    }
}
