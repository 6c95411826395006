// Loaded before a code block: whatever it connects to must be on this machine.

const { Socket } = require("node:net");

const { connect } = Socket.prototype;

/** @param {any[]} parameters of net.Socket's connect(), which Node's own callers pass as one array */
Socket.prototype.connect = function (...parameters) {
  const [first] = Array.isArray(parameters[0]) ? parameters[0] : parameters;
  const { host = "localhost", path } = typeof first === "object" ? first : { host: parameters[1] };
  if (path === undefined && !/^(127\.|localhost$|::1$)/.test(host)) throw new Error(`a code block connects to ${host}`);
  return connect.apply(this, /** @type {any} */ (parameters));
};
